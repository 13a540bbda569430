//===- ChunkedKernel.h - State shared by the roles of the chunked kernel ---*-
// C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_CHUNKEDKERNEL_H
#define SSD_LOWERING_SSDTOHOPPER_CHUNKEDKERNEL_H

#include "lowering/SSDToHopper/ChunkedEpilogue.h"
#include "lowering/SSDToHopper/KernelOperands.h"

namespace ssd {

/// What a block is made of, and what for: for Hopper alone of one or two
/// warpgroups of states, for every chip since Ampere of those that one row
/// block takes.
struct ChunkedBlock {
  static constexpr ChunkedBlock portable() { return {0, true}; }

  int32_t stateWarpgroups;
  bool isPortable = false;
};

/// Sizes that shape the code: 64 tokens a chunk, and states transposed in
/// accumulators: a state warpgroup has a row block of 64 rows of P and all
/// columns, or 128 of them. Rows beyond P and columns beyond N are zeros.
struct ChunkedShape {
  static constexpr int64_t kRows = 64, kMaxColumns = 128;

  /// State warpgroups that a row block takes, each with a part of the columns.
  static int32_t columnPartsOf(const MixerUnit &unit) {
    return llvm::divideCeil(unit.stateDim, kMaxColumns);
  }
  /// Of a sequence, as the form has it; 0 where that leaves it open.
  static int32_t partsOf(const MixerUnit &unit) {
    auto form = mlir::dyn_cast_or_null<ChunkedAttr>(unit.form);
    return form && form.getTasks() == 0 ? form.getParts() : 0;
  }
  /// The block's state warpgroups are a multiple of the parts.
  ChunkedShape(const MixerUnit &unit, ChunkedBlock block);

  /// Why a block cannot have the stages that were asked for, or any; empty if
  /// it has.
  std::string whyNot;

  bool isPortable;
  bool isPacked; // sequences of any lengths one behind the other, whole
  bool mayCut;   // runs may be shorter than sequences
  Transport transport;
  /// A block's row blocks are of one head, which then share its decay tables
  /// and scores, or of two heads of one group, which share C·Bᵀ.
  int32_t heads, rowBlocksPerHead, columnParts;
  int64_t headDim;       // P
  int64_t stateDim;      // N
  int64_t columns;       // of a part
  int64_t unitsPerHead;  // runs of row blocks of one head
  int64_t unitsPerBatch; // of an entry of the batch
  mlir::Type element;    // of tiles of x, b and c
  int32_t terms;         // of that type, whose sum an element of x, b or c is
  bool hasTile;          // the epilogue reads a tensor of y's shape
  bool hasSegments;      // scores are cut where segments start

  /// Stages of the rings: B and C, x, tables and scores, and slots of y, which
  /// are those of the epilogue's tensor, too.
  struct Stages {
    int32_t maps, x, tables, scores, y;
  };
  Stages stages;
  std::string whyNotStages(const Stages &wanted) const;
  static constexpr int32_t partial = 1;

  int32_t rowBlocks() const { return heads * rowBlocksPerHead; }
  int32_t stateWarpgroups() const { return rowBlocks() * columnParts; }
  /// Warpgroups that take turns at the chunks' scores: one keeps up with two
  /// row blocks, but not with one.
  int32_t scoreWarpgroups() const {
    return isPortable || stateWarpgroups() > 1 || terms > 1 ? 1 : 2;
  }
  int32_t threads() const {
    return 128 * (producerWarpgroups() + scoreWarpgroups() + stateWarpgroups());
  }
  /// Of one map.
  int64_t mapBytes() const { return 64 * columnParts * columns * 2 * terms; }
  /// Whether y is sent off from shared memory.
  bool hasTilesOfY() const { return terms == 1; }
  /// Crews that fill a stage of the maps: one, or one for B and one for C, as
  /// splitting takes time.
  int32_t mapCrews() const { return terms > 1 ? 2 : 1; }
  /// Warps of a crew, which share the rows: where there are registers for more
  /// warps, two.
  int32_t crew() const { return producerWarpgroups(); }
  int32_t producerWarpgroups() const {
    return terms > 1 && !isPortable ? 2 : 1;
  }
  int64_t stateElements() const { return kRows * columns; } // of a warpgroup
  /// Whether row blocks reach beyond P.
  bool hasPadding() const {
    return headDim != kRows * rowBlocksPerHead * unitsPerHead;
  }
  /// Who releases, for each warpgroup, what only its products read: wgmma is
  /// the warpgroup's, mma.sync a warp's.
  hopper::Agent productAgent() const {
    return isPortable ? hopper::Agent::warp : hopper::Agent::warpgroup;
  }
  int32_t productArrivals() const { return isPortable ? 4 : 1; }
  /// When that is: products that are waited for have read it. Those of mma.sync
  /// load it, and only a store of what came of them shows that the loads have
  /// arrived: see ReleaseOp.
  bool releasesLate() const { return isPortable; }
  /// Whether y is summed up over parts.
  bool hasPartialY() const { return columnParts > 1; }
  /// Whether a tile of y lies where partial y was, for want of shared memory.
  bool reusesPartialY() const { return hasPartialY() && isPortable; }
  /// Warpgroups and their registers: producers, scores, each part of states.
  llvm::SmallVector<int32_t> warpgroups() const {
    llvm::SmallVector<int32_t> counts = {producerWarpgroups(),
                                         scoreWarpgroups()};
    counts.append(columnParts, rowBlocks());
    return counts;
  }
  llvm::SmallVector<int32_t> registers() const {
    auto with = [&](llvm::SmallVector<int32_t> others, int32_t state) {
      others.append(columnParts, state);
      return others;
    };
    if (isPortable) // all threads have equally many
      return llvm::SmallVector<int32_t>(
          warpgroups().size(),
          hopper::SpecializeOp::getEqualBudget(threads() / 128));
    if (terms > 1)
      return with({80, 112}, 240);
    if (stateWarpgroups() == 1)
      return with({40, 112}, 240);
    if (hasSegments)
      return with({40, 88}, 192);
    if (heads == 2) // whose scores take more
      return with({48, 80}, 192);
    return with({40, 72}, 200);
  }
};

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

  static int32_t sharedBytes(const ChunkedShape &shape);

private:
  using Value = mlir::Value;
  using Values = KernelBuilder::Values;

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

  // Stages (ChunkedStages.cpp).
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
  Value chunkScores(Value c, Value b);
  void decayScores(Value scores, llvm::ArrayRef<DecayTables> tables, Value warp,
                   llvm::ArrayRef<Value> targets);
  void decayScoresOfWarp(Value scores, const DecayTables &tables, int32_t warp,
                         Value target);
  Value diagonalBlock(Value block, LogDecay rowLog, LogDecay columnLog,
                      Value scale, Value rowStart, int32_t warp);
  Value belowDiagonalBlock(Value block, Value rows, Value columns);

  // State hand-over and outputs (ChunkedState.cpp).
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
