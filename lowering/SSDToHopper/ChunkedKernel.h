//===- ChunkedKernel.h - Chunked kernel: what roles share -------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_CHUNKEDKERNEL_H
#define SSD_LOWERING_SSDTOHOPPER_CHUNKEDKERNEL_H

#include "lowering/SSDToHopper/ChunkedEpilogue.h"
#include "lowering/SSDToHopper/ChunkedShape.h"

namespace ssd {

/// Blocks take equal runs of the chunks of all sequences in order, and a state
/// crosses from a run to the next where it cuts a sequence. Runs no shorter
/// than a sequence: neighbours hand the state over, bit for bit. Shorter ones,
/// where sequences are fewer than multiprocessors: a block first goes through
/// the end of its run for what that leaves in a state from zero, and later
/// through the whole run from its true start, the sum of what the sequence's
/// earlier runs have left, each decayed by those between (state_pass).
///
/// States cross as f32 in fragment order: `handed` has room for a state a
/// warpgroup of each block, and `decays` for the factor by which a run's chunks
/// decay it, f32. `flags` has a word for each block and earlier run of its
/// sequence. `starts` is like `handed` and keeps the initial states of cut
/// sequences where final ones overwrite them, which other blocks may do first.
/// The host adds them last; 0 is none.
struct ChunkedSchedule {
  unsigned chunksPerBlock = 0, handed = 0, decays = 0, flags = 0, starts = 0;
};

/// The kernel's parameters.
struct ChunkedParameters {
  ChunkedParameters(KernelArguments &arguments, const MixerUnit &unit,
                    const ChunkedShape &shape);

  TileTensor x, b, c, y;
  Factor decay, scale;
  SequenceTensor segmentIds;
  Tensor rate, offsets, slots, initialState, finalState, checkpoints;
  unsigned batch, length, sequences = 0, poolRows = 0;
  ChunkedSchedule schedule;
};

/// A base-2 log decay, or a table or vector of them, as a sum of two f32: where
/// decays are strong the difference of two is far smaller than they are. `low`
/// is null where products are of 16-bit elements.
struct LogDecay {
  mlir::Value high, low;
};

/// Decay tables of one head and chunk; all are functions of L_j, the base-2 log
/// decay from the chunk's start to token j.
struct DecayTables {
  LogDecay cumulative;   // L_j
  mlir::Value fromStart; // 2^L_j
  mlir::Value
      toBlockEnd;    // s_j · 2^(L_e − L_j), e the end of j's 16-token block
  mlir::Value scale; // s_j
  /// s_j · 2^(L_63 − L_j), as hi and lo; f32 where x, b and c are.
  mlir::Value toEnd;
  mlir::Value total; // 2^L_63, one value
  /// Where in the chunk token j's segment starts, −1 where in an earlier one;
  /// null without segments. With them L_j counts from there, and factors across
  /// a start are zero.
  mlir::Value starts;
};

/// A unit of work: a block's row blocks of one sequence, a run of its chunks.
struct ChunkedUnit {
  mlir::Value batch, firstHead, firstRow, firstChunk, lastChunk;
  mlir::Value start;      // the sequence's first chunk among those of all
  mlir::Value sequence;   // whose state it is
  mlir::Value firstToken; // of the sequence in the batch; null: 0
  mlir::Value length;     // of the sequence
};

/// What a state warpgroup works on.
struct RowBlock {
  mlir::Value index;     // of the block's: its tiles
  mlir::Value head;      // of the block's heads: its tables and scores
  mlir::Value firstRow;  // in the head
  mlir::Value rows;      // how many there are, null if all
  int32_t part;          // of the state's columns
  mlir::Value warpgroup; // of the state warpgroups: its state, flag and barrier
};

/// Where a state warpgroup is in its rings.
struct StateCursors {
  static constexpr size_t kCount = 6;

  StateCursors(mlir::ValueRange carried);
  static KernelBuilder::Values first(KernelBuilder &k,
                                     const ChunkedShape &shape);
  KernelBuilder::Values advanced(KernelBuilder &k) const;
  /// Past a chunk of which only the state is computed.
  KernelBuilder::Values advancedByState(KernelBuilder &k) const;

  mlir::Value maps, x, tables, scores, y, partial;
};

/// Emits the chunked kernel. One method a role, and one free-standing method a
/// stage of the algorithm, named after its op.
class ChunkedKernel {
public:
  ChunkedKernel(KernelBuilder &k, const MixerUnit &mixer,
                const ChunkedShape &shape, const ChunkedParameters &parameters,
                ChunkedEpilogue *epilogue);

  void emit();

private:
  using Value = mlir::Value;
  using Values = KernelBuilder::Values;

  // Units of work (ChunkedUnits.cpp).
  /// Loops over this block's units and their chunks. `begin` maps carried
  /// values at the start of a unit, `chunk` per chunk, `end` at its end.
  using UnitHook =
      llvm::function_ref<Values(const ChunkedUnit &, mlir::ValueRange)>;
  using ChunkHook =
      llvm::function_ref<Values(const ChunkedUnit &, Value, mlir::ValueRange)>;
  void forEachChunk(mlir::ValueRange carried, UnitHook begin, ChunkHook chunk,
                    UnitHook end);
  /// Before it, where sequences are cut: over the end of the block's run.
  /// Returns what is carried then.
  Values forEachChunkAhead(mlir::ValueRange carried, UnitHook begin,
                           ChunkHook chunk, UnitHook end);
  /// This block's run among the chunks of all sequences.
  std::pair<Value, Value> runOfBlock();
  /// How many chunks of it are gone through ahead.
  Value chunksAhead();
  /// The score warpgroups learn that they are done.
  void meetAfterStatesAhead();
  /// Whether runs are shorter than sequences; null: no.
  Value isCut() {
    return shape.mayCut ? k.less(k.argument(p.schedule.chunksPerBlock), chunks)
                        : Value();
  }
  void forEachPackedChunk(mlir::ValueRange carried, UnitHook begin,
                          ChunkHook chunk, UnitHook end);
  ChunkedUnit unitOf(Value sequence, Value first, Value last);
  ChunkedUnit packedUnitOf(Value index);
  /// Sets the heads and rows of the unit of this index; returns its sequence.
  Value placeRows(ChunkedUnit &unit, Value index);
  /// Where the i-th token of a unit's sequence, in the mixer's direction, is in
  /// the batch.
  Value tokenOf(const ChunkedUnit &unit, Value i) {
    if (mixer.reverse)
      i = k.sub(k.add(unit.length, -1), i);
    return unit.firstToken ? k.add(unit.firstToken, i) : i;
  }
  /// The same within the batch, whatever i ≥ 0 is.
  Value someTokenOf(const ChunkedUnit &unit, Value i) {
    Value token = tokenOf(unit, i);
    return mixer.reverse ? k.max(token, k.i(0))
                         : k.min(token, k.add(length, -1));
  }
  /// Elements from a token to the next one in the mixer's direction.
  Value tokenStride(const SequenceTensor &tensor) {
    Value stride = tensor.stride(k, UnitBuffer::token);
    return mixer.reverse ? k.sub(k.wide(int64_t(0)), stride) : stride;
  }
  /// How many tokens there are from a chunk's first one on.
  Value tokensFrom(const ChunkedUnit &unit, Value chunk) {
    return k.sub(unit.length, k.mul(chunk, 64));
  }
  RowBlock rowBlockOf(const ChunkedUnit &unit, Value index, int32_t part = 0);

  // Roles (ChunkedKernel.cpp).
  void prepare();
  void prefetchTensorMaps();
  void clearScores();
  void produce(Value index);
  void asProducer(llvm::function_ref<void()> body);
  void produceMaps(bool b, bool c, Value share);
  void produceX(Value share);
  void score(Value index);
  void scoreChunk(Value maps, Value tables, Value slots);
  void state(Value index, int32_t part);

  /// A producer fills a stage with so many bytes of a chunk's tiles, of which
  /// the sequence has `rest` tokens.
  void fill(Value ring, Value cursor, Value rest, int32_t bytes,
            llvm::function_ref<void(bool asRows)> fetches);
  /// Fetches 64 tokens at a chunk into a stage's terms, from a head or group,
  /// and a row or column on, where so many columns are; null: all of the
  /// tile's. `share` is the warp's part of its crew's work.
  void fetch(bool asRows, const TileTensor &from, const ChunkedUnit &unit,
             Value chunk, Value outer, Value inner, Value columns, Value terms,
             Value ring, Value cursor, hopper::CacheHint hint, Value share);
  /// Waits for B and C.
  void waitForMaps(Value cursor, Value full = {});

  // cumulative_decay (ChunkedDecay.cpp).
  void cumulativeDecayRole(Value head);
  Values loadRawDecay(const ChunkedUnit &unit, Value head, Value chunk);
  LogDecay logDecay(Value log);
  LogDecay select(Value condition, LogDecay a, LogDecay b);
  LogDecay shuffle(llvm::StringRef kind, LogDecay value, Value lane);
  LogDecay sum(LogDecay a, LogDecay b);
  Value difference(LogDecay a, LogDecay b);
  Values segmentStarts(const ChunkedUnit &unit, Value chunk);
  void cumulativeDecay(const ChunkedUnit &unit, mlir::ValueRange raw,
                       Value chunk, const DecayTables &tables, bool isAhead);

  // chunk_scores (ChunkedScores.cpp).
  Value chunkScores(Value c, Value b);
  void decayScores(Value scores, llvm::ArrayRef<DecayTables> tables, Value warp,
                   llvm::ArrayRef<Value> targets);
  void decayScoresOfWarp(Value scores, const DecayTables &tables, int32_t warp,
                         Value target);
  Value diagonalBlock(Value block, LogDecay rowLog, LogDecay columnLog,
                      Value scale, Value rowStart, int32_t warp);
  Value belowDiagonalBlock(Value block, Value rows, Value columns);

  // States in global memory and between blocks (ChunkedState.cpp).
  Value zeroState();
  Value givenState(const ChunkedUnit &unit, const RowBlock &rows);
  Value startState(const ChunkedUnit &unit, const RowBlock &rows);
  Value startStateAhead(const ChunkedUnit &unit, const RowBlock &rows);
  Value sumOfEarlierRuns(const ChunkedUnit &unit, const RowBlock &rows);
  void handOver(const ChunkedUnit &unit, Value state, const RowBlock &rows);
  void finishState(const ChunkedUnit &unit, const RowBlock &rows, Value state);
  void finishStateAhead(const ChunkedUnit &unit, const RowBlock &rows,
                        Value state, Value decay);
  Value loadState(Value source, const RowBlock &rows, const Tensor &states);
  void storeState(Value state, Value target, const RowBlock &rows,
                  const Tensor &states);
  /// A row block's state among `states` and, with slots, whether it is there;
  /// null: it is.
  std::pair<Value, Value> stateOf(const ChunkedUnit &unit, const RowBlock &rows,
                                  const Tensor &states);
  void storeCheckpoint(const ChunkedUnit &unit, const RowBlock &rows,
                       Value chunk, Value state);
  /// How many of a part's columns there are.
  int32_t columnsOf(int32_t part) {
    return std::min(shape.stateDim - part * shape.columns, shape.columns);
  }
  /// A block's state in `handed` or `starts`.
  Value handedState(unsigned array, Value block, const RowBlock &rows);
  Value loadHanded(unsigned array, Value block, const RowBlock &rows);
  /// Where a block's factor is in `decays`.
  Value decayOf(Value block, const RowBlock &rows);
  /// How many runs there can be before another of the same sequence.
  Value runsPerSequence();
  /// The flag that tells a block that the run of its sequence of this number
  /// has handed its state over.
  Value flagOf(Value reader, Value number, const RowBlock &rows);

  // chunk_state and chunk_scan (ChunkedScan.cpp).
  void localChunk(const RowBlock &rows, Values &carried);
  void stateChunk(const ChunkedUnit &unit, Value chunk, const RowBlock &rows,
                  Values &carried);
  void handPartialY(Value y, const RowBlock &rows, Value slot);
  Value addPartialY(Value y, const RowBlock &rows, Value slot);
  Value chunkState(Value state, mlir::ValueRange x, mlir::ValueRange weights,
                   Value b);
  Value addToState(Value state, Value sum, mlir::ValueRange weights);
  Values loadTerms(Value tiles);
  Values loadX(const RowBlock &rows, Value cursor);
  /// a · b (+ acc) of sums: a's terms, fragments or a tile array's, and b's.
  Value product(mlir::ValueRange a, Value b, Value acc = {},
                bool mnMajor = false);
  Values termsOf(Value tiles);
  Values loadWeights(const DecayTables &tables);
  void storeY(Value y, const ChunkedUnit &unit, Value chunk,
              const RowBlock &rows, const StateCursors &at);
  void sendY(Value y, const ChunkedUnit &unit, Value chunk,
             const RowBlock &rows, const StateCursors &at,
             llvm::function_ref<void()> releaseRead);
  Value placeOfY(const ChunkedUnit &unit, Value chunk, const RowBlock &rows);

  DecayTables tablesOf(Value head, Value cursor);
  hopper::FragmentType packed(int64_t columns) {
    return k.matrix(columns, shape.element);
  }
  /// A 64×64 fragment of the element type of tiles.
  hopper::FragmentType packedAs(Value tiles) {
    auto type = mlir::cast<hopper::SharedType>(tiles.getType());
    return k.matrix(64, type.getElementType());
  }

  KernelBuilder &k;
  const MixerUnit &mixer;
  const ChunkedShape &shape;
  const ChunkedParameters &p;
  ChunkedEpilogue *epilogue; // null without outputs

  // Shared memory and rings, indexed by row block, or by head where it is a
  // head's.
  Value tilesB, tilesC, tilesX, tilesG, tilesY, tilesEpilogue, tablePartial;
  LogDecay tableCumulative;
  Value tableFromStart, tableToBlockEnd, tableScale, tableToEnd, tableTotal,
      tableStarts;
  Value ringMaps, ringX, ringTables, ringScores, ringEpilogue, ringPartial;
  Value length, chunks;             // of the batch
  Value rate, decayBias, scaleBias; // of a unit's head, in the decay role
};

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_CHUNKEDKERNEL_H
