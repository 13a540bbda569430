//===- ChunkedState.cpp - The chunked kernel: outputs and states ---*- C++
//-*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/ChunkedKernel.h"

using namespace mlir;
using namespace ssd;
using namespace ssd::hopper;

//===----------------------------------------------------------------------===//
// States in global memory
//===----------------------------------------------------------------------===//

static constexpr int64_t kStateBytes = 64 * 128 * 4;

Value ChunkedKernel::stateRow(const ChunkedUnit &unit, Value head, Value base) {
  Value index =
      k.add(k.mul(unit.batch, config.mixer.heads), k.add(unit.firstHead, head));
  return k.at(base, k.mulWide(index, kStateBytes));
}

Value ChunkedKernel::handedState(Value block, Value head) {
  Value index = k.add(k.mul(block, heads), head);
  return k.at(p.handed, k.mulWide(index, kStateBytes));
}

Value ChunkedKernel::handedFlag(Value block, Value head) {
  Value index = k.add(k.mul(block, heads), head);
  return k.at(p.flags, k.mulWide(index, 4));
}

/// A sequence begun in the block before starts from what that one handed over,
/// others from the initial state.
Value ChunkedKernel::startState(const ChunkedUnit &unit, Value head) {
  auto given = [&]() -> Values {
    if (config.mixer.initialState)
      return {k.create<GlobalLoadOp>(k.matrix(128),
                                     stateRow(unit, head, p.initialState),
                                     Order::row_major)};
    return {k.create<SplatOp>(k.matrix(128), k.f(0))};
  };
  auto handed = [&]() -> Values {
    Value before = k.add(k.create<BlockOp>(), -1);
    k.create<AwaitOp>(handedFlag(before, head), k.i(1), k.add(head, 1));
    return {k.create<GlobalLoadOp>(k.matrix(128), handedState(before, head),
                                   Order::fragment)};
  };
  return k.choose(k.equal(unit.firstChunk, k.i(0)), k.matrix(128), given,
                  handed)[0];
}

void ChunkedKernel::finishState(const ChunkedUnit &unit, Value head,
                                Value state) {
  auto keep = [&]() -> Values {
    if (config.mixer.finalState)
      k.create<GlobalStoreOp>(state, stateRow(unit, head, p.finalState),
                              Order::row_major);
    return {};
  };
  auto handOver = [&]() -> Values {
    Value block = k.create<BlockOp>();
    k.create<GlobalStoreOp>(state, handedState(block, head), Order::fragment);
    k.create<SignalOp>(handedFlag(block, head), k.i(1), k.add(head, 1));
    return {};
  };
  k.choose(k.equal(unit.lastChunk, chunks), TypeRange(), keep, handOver);
}

//===----------------------------------------------------------------------===//
// chunk_state, chunk_scan
//===----------------------------------------------------------------------===//

/// S ← 2^L_63 · S + Σ_j w_j x_j b_jᵀ, started.
Value ChunkedKernel::chunkState(Value state, Value x, Value b,
                                const DecayTables &tables, Value weights,
                                Value total) {
  Value weighted =
      k.create<ScaleHiLoOp>(k.matrix(64, /*bf16=*/true), x, weights);
  Value decayed = k.map(k.matrix(128), state,
                        [&](ValueRange v) { return k.fmul(v[0], total); });
  return k.wgmma(weighted, b, decayed, /*mnMajor=*/true);
}

/// What the state before the chunk and the skip give to y.
Value ChunkedKernel::carriedOver(Value y, Value x, Value fromStart,
                                 Value skip) {
  if (!config.mixer.skip)
    return k.map(k.matrix(64), {y, fromStart},
                 [&](ValueRange v) { return k.fmul(v[0], v[1]); });
  Value wide = k.create<ExtendOp>(k.matrix(64), x);
  return k.map(k.matrix(64), {y, fromStart, wide}, [&](ValueRange v) {
    return k.fma(skip, v[2], k.fmul(v[0], v[1]));
  });
}

/// chunk_scan and chunk_state of one row block, interleaved so that one product
/// is in flight while the other's elementwise work runs, and with what the next
/// step reads from shared memory on its way. Everything is transposed, y as
/// [p, token], so that the state's accumulators are the A operand of S·C and
/// x's fragments serve both products and the skip. `carried` is the cursors of
/// maps, x, tables, scores, y, and the state.
void ChunkedKernel::stateChunk(const ChunkedUnit &unit, Value chunk, Value head,
                               Value skip, Values &carried) {
  Value maps = carried[0], cursorX = carried[1], cursorTables = carried[2],
        slots = carried[3], slotY = carried[4];
  // Free at run time; without it ptxas serialises what the loop carries.
  Value state = k.wait(0, carried[5]);

  Value ringHeadX = k.slice(ringX, head);
  Value ringHeadTables = k.slice(ringTables, head);
  Value ringHeadScores = k.slice(ringScores, head);
  Value fullX = k.tryWait(ringHeadX, cursorX);
  Value fullMaps = k.tryWait(ringMaps, maps);
  k.wait(ringHeadX, cursorX, fullX);
  Value x = k.create<LoadFragmentOp>(k.matrix(64, /*bf16=*/true),
                                     k.slice(k.slice(tilesX, head), cursorX),
                                     /*transpose=*/true);
  Value rounded = k.create<TruncateOp>(k.matrix(128, /*bf16=*/true), state);
  k.wait(ringMaps, maps, fullMaps);
  Value y = k.wgmma(rounded, k.slice(tilesC, maps));

  // Only now: what is known before a product is scheduled between its parts.
  k.wait(ringHeadTables, cursorTables);
  DecayTables tables = tablesOf(head, cursorTables);
  Value weights =
      k.create<LoadHiLoOp>(VectorType::get({16}, k.i32()), tables.toEnd);
  Value total = k.load(tables.total, k.i(0));
  Value nextState =
      chunkState(state, x, k.slice(tilesB, maps), tables, weights, total);
  // Not before a product that consumed the loaded fragments: see ReleaseOp.
  k.create<ReleaseOp>(ringHeadX, cursorX, Agent::warp);

  Value fullScores = k.tryWait(ringHeadScores, slots);
  Value fromStart = k.loadVector(tables.fromStart, k.columns(64));
  y = carriedOver(k.wait(1, y), x, fromStart, skip);
  k.wait(ringHeadScores, slots, fullScores);
  y = k.wgmma(x, k.slice(k.slice(tilesG, head), slots), y);
  k.create<ReleaseOp>(ringHeadTables, cursorTables, Agent::warp);
  nextState = k.wait(1, nextState);
  k.create<ReleaseOp>(ringMaps, maps, Agent::warpgroup);
  y = k.wait(0, y);
  k.create<ReleaseOp>(ringHeadScores, slots, Agent::warpgroup);
  storeY(y, unit, chunk, head, slotY);

  carried = {k.advance(maps),  k.advance(cursorX), k.advance(cursorTables),
             k.advance(slots), k.advance(slotY),   nextState};
}

/// Rounds y and sends the tile off.
void ChunkedKernel::storeY(Value y, const ChunkedUnit &unit, Value chunk,
                           Value head, Value slot) {
  Value rounded = k.create<TruncateOp>(k.matrix(64, /*bf16=*/true), y);
  Value tile = k.slice(k.slice(tilesY, head), slot);
  Value barrier = k.add(head, 1);
  IntegerAttr threads = k.builder.getI32IntegerAttr(128);
  k.create<StoreFragmentOp>(rounded, tile, /*column=*/0, /*transpose=*/true);
  k.create<FenceAsyncOp>();
  // The barrier also tells everybody that the other slot has been read.
  k.elect(Agent::warpgroup,
          [&]() { k.create<TMAStoreWaitOp>(ChunkedStages::y - 2); });
  k.create<BarrierOp>(barrier, threads);
  k.elect(Agent::warpgroup, [&]() {
    Value at[] = {unit.batch, k.mul(chunk, 64), k.add(unit.firstHead, head),
                  k.i(0)};
    k.create<TMAStoreOp>(tile, p.mapY, ValueRange(at), CacheHint::evict_first);
  });
}
