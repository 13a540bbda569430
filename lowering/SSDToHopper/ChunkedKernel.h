//===- ChunkedKernel.h - State shared by the roles of the chunked kernel ---*-
//C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_CHUNKEDKERNEL_H
#define SSD_LOWERING_SSDTOHOPPER_CHUNKEDKERNEL_H

#include "lowering/SSDToHopper/KernelBuilder.h"
#include "lowering/SSDToHopper/KernelConfig.h"

namespace ssd {

/// Stages of the rings.
struct ChunkedStages {
  static constexpr int32_t maps = 3;   // B and C
  static constexpr int32_t x = 3;      // per row block
  static constexpr int32_t tables = 4; // per head
  static constexpr int32_t scores = 2; // per head
  static constexpr int32_t y = 2;      // per row block
};

/// The kernel's parameters, in order.
struct ChunkedParameters {
  mlir::Value mapX, mapB, mapC, mapY;
  mlir::Value decay, rate, scale, skip, initialState, finalState;
  mlir::Value handed, flags;
  mlir::Value batch, length, chunksPerBlock;
};

/// Decay tables of one head and chunk; all are functions of L_j, the base-2 log
/// decay from the chunk's start to token j.
struct DecayTables {
  mlir::Value cumulative; // L_j
  mlir::Value fromStart;  // 2^L_j
  mlir::Value
      toBlockEnd;    // s_j · 2^(L_e − L_j), e the end of j's 16-token block
  mlir::Value scale; // s_j
  mlir::Value toEnd; // s_j · 2^(L_63 − L_j), bf16 hi and lo
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
  ChunkedKernel(KernelBuilder &k, const ChunkedKernelConfig &config,
                const ChunkedParameters &parameters);

  void emit();

  static int32_t sharedBytes(int32_t heads);

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

  // Stages (ChunkedStages.cpp).
  void cumulativeDecayRole(Value head);
  Values loadRawDecay(const ChunkedUnit &unit, Value head, Value chunk);
  void cumulativeDecay(mlir::ValueRange raw, Value chunk, Value rate,
                       const DecayTables &tables);
  Value chunkScores(Value c, Value b);
  void decayScores(Value scores, llvm::ArrayRef<DecayTables> tables, Value warp,
                   llvm::ArrayRef<Value> targets);
  void decayScoresOfWarp(Value scores, const DecayTables &tables, int32_t warp,
                         Value target);
  Value diagonalBlock(Value block, Value rowLog, Value columnLog, Value scale,
                      int32_t warp);
  Value belowDiagonalBlock(Value block, Value rows, Value columns);

  // State hand-over (ChunkedState.cpp).
  Value startState(const ChunkedUnit &unit, Value head);
  void finishState(const ChunkedUnit &unit, Value head, Value state);
  Value stateRow(const ChunkedUnit &unit, Value head, Value base);
  Value handedState(Value block, Value head);
  Value handedFlag(Value block, Value head);
  void stateChunk(const ChunkedUnit &unit, Value chunk, Value head, Value skip,
                  Values &carried);
  Value chunkState(Value state, Value x, Value b, const DecayTables &tables,
                   Value weights, Value total);
  Value carriedOver(Value y, Value x, Value fromStart, Value skip);
  void storeY(Value y, const ChunkedUnit &unit, Value chunk, Value head,
              Value slot);

  DecayTables tablesOf(Value head, Value cursor);

  KernelBuilder &k;
  const ChunkedKernelConfig &config;
  ChunkedParameters p;

  // Shared memory and rings, indexed by head where they have one.
  Value tilesB, tilesC, tilesX, tilesG, tilesY;
  Value tableCumulative, tableFromStart, tableToBlockEnd, tableScale,
      tableToEnd, tableTotal;
  Value ringMaps, ringX, ringTables, ringScores;
  int32_t heads; // a block's
  Value chunks;  // of a sequence
};

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_CHUNKEDKERNEL_H
