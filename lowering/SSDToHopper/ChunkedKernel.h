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

/// Sizes that shape the code: 64 tokens a chunk, the states of one or two heads
/// a block transposed in accumulators.
struct ChunkedShape {
  ChunkedShape(const MixerUnit &unit, int32_t heads);

  int32_t heads;      // a block's
  int64_t stateDim;   // N
  mlir::Type element; // of x, b and c
  bool hasTile;       // the epilogue reads a tensor of y's shape

  /// Stages of the rings.
  int32_t maps; // B and C
  static constexpr int32_t x = 3, tables = 4, scores = 2, y = 2, tile = 2;

  int32_t threads() const { return 128 * (2 + heads); }
  int64_t mapBytes() const { return 64 * stateDim * 2; } // of one tile
  int64_t stateBytes() const { return 64 * stateDim * 4; }
  /// Registers of producers, score and state warpgroups.
  llvm::SmallVector<int32_t> registers() const {
    if (heads == 1)
      return {56, 152, 240};
    return {48, 80, 192};
  }
};

/// The kernel's parameters. Blocks take equal runs of the chunks of all
/// sequences in order, so a sequence may be cut once between neighbours, which
/// hand its state over through L2, bit for bit: `handed` has room for a state a
/// head of each block, `flags` a word, zero before.
struct ChunkedParameters {
  ChunkedParameters(KernelArguments &arguments, const MixerUnit &unit);

  unsigned mapX, mapB, mapC, mapY;
  Factor decay, scale;
  Tensor rate, initialState, finalState;
  unsigned batch, length;
  // Of the schedule; the host adds them last.
  unsigned handed = 0, flags = 0;
  unsigned chunksPerBlock = 0;
};

/// Decay tables of one head and chunk; all are functions of L_j, the base-2 log
/// decay from the chunk's start to token j.
struct DecayTables {
  mlir::Value cumulative; // L_j
  mlir::Value fromStart;  // 2^L_j
  mlir::Value
      toBlockEnd;    // s_j · 2^(L_e − L_j), e the end of j's 16-token block
  mlir::Value scale; // s_j
  mlir::Value toEnd; // s_j · 2^(L_63 − L_j), as hi and lo
  mlir::Value total; // 2^L_63, one value
};

/// A unit of work: a block's heads of one sequence, a run of its chunks.
struct ChunkedUnit {
  mlir::Value batch, firstHead, firstChunk, lastChunk;
};

/// Emits the chunked kernel. One method a role, and one free-standing method a
/// stage of the algorithm, named after its op.
class ChunkedKernel {
public:
  ChunkedKernel(KernelBuilder &k, const MixerUnit &mixer,
                const ChunkedShape &shape, const ChunkedParameters &parameters,
                ChunkedEpilogue &epilogue);

  void emit();

  static int32_t sharedBytes(const ChunkedShape &shape);

private:
  using Value = mlir::Value;
  using Values = KernelBuilder::Values;

  // Roles (ChunkedKernel.cpp).
  void prepare();
  void produce();
  void produceMaps();
  void produceX();
  void score();
  void state(Value head);

  /// Loops over this block's units and their chunks. `begin` maps carried
  /// values at the start of a unit, `chunk` per chunk, `end` at its end.
  using UnitHook =
      llvm::function_ref<Values(const ChunkedUnit &, mlir::ValueRange)>;
  using ChunkHook =
      llvm::function_ref<Values(const ChunkedUnit &, Value, mlir::ValueRange)>;
  void forEachChunk(mlir::ValueRange carried, UnitHook begin, ChunkHook chunk,
                    UnitHook end);
  ChunkedUnit unitOf(Value sequence, Value first, Value last);
  /// One thread fetches the box of 64 tokens at a chunk into a stage.
  void fetch(unsigned map, const ChunkedUnit &unit, Value chunk, Value head,
             Value tile, Value ring, Value cursor, hopper::CacheHint hint);

  // Stages (ChunkedStages.cpp).
  void cumulativeDecayRole(Value head);
  Values loadRawDecay(const ChunkedUnit &unit, Value head, Value chunk);
  void cumulativeDecay(mlir::ValueRange raw, Value chunk,
                       const DecayTables &tables);
  Value chunkScores(Value c, Value b);
  void decayScores(Value scores, llvm::ArrayRef<DecayTables> tables, Value warp,
                   llvm::ArrayRef<Value> targets);
  void decayScoresOfWarp(Value scores, const DecayTables &tables, int32_t warp,
                         Value target);
  Value diagonalBlock(Value block, Value rowLog, Value columnLog, Value scale,
                      int32_t warp);
  Value belowDiagonalBlock(Value block, Value rows, Value columns);

  // State hand-over and outputs (ChunkedState.cpp).
  Value startState(const ChunkedUnit &unit, Value head);
  void finishState(const ChunkedUnit &unit, Value head, Value state);
  Value stateOf(const ChunkedUnit &unit, Value head, const Tensor &states);
  Value handedState(Value block, Value head);
  Value handedFlag(Value block, Value head);
  void stateChunk(const ChunkedUnit &unit, Value chunk, Value head,
                  Values &carried);
  Value chunkState(Value state, Value x, Value b, const DecayTables &tables,
                   Value weights, Value total);
  void storeY(Value y, const ChunkedUnit &unit, Value chunk, Value head,
              Value slot);

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
  ChunkedEpilogue &epilogue;

  // Shared memory and rings, indexed by head where they have one.
  Value tilesB, tilesC, tilesX, tilesG, tilesY, tilesEpilogue;
  Value tableCumulative, tableFromStart, tableToBlockEnd, tableScale,
      tableToEnd, tableTotal;
  Value ringMaps, ringX, ringTables, ringScores, ringEpilogue;
  Value length, chunks;             // of a sequence
  Value rate, decayBias, scaleBias; // of a unit's head, in the decay role
};

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_CHUNKEDKERNEL_H
