//===- ChunkedState.cpp - The chunked kernel: outputs and states ---*- C++ -*-===//
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
  Value index = k.add(k.mul(unit.batch, config.mixer.heads),
                      k.add(unit.firstHead, head));
  return k.at(base, k.mulWide(index, kStateBytes));
}

Value ChunkedKernel::handedState(Value pair, Value segment, Value head) {
  Value unit = k.add(k.mul(segment, pairs), pair);
  return k.at(p.handed, k.mulWide(k.add(k.mul(unit, 2), head), kStateBytes));
}

Value ChunkedKernel::handedFlag(Value pair, Value segment, Value head) {
  Value unit = k.add(k.mul(segment, pairs), pair);
  return k.at(p.flags, k.mulWide(k.add(k.mul(unit, 2), head), 4));
}

/// A segment starts from what the one before it handed over, the first from the
/// initial state.
Value ChunkedKernel::startState(const ChunkedUnit &unit, Value head) {
  auto given = [&]() -> Values {
    if (config.mixer.initialState)
      return {k.create<GlobalLoadOp>(k.matrix(128),
                                     stateRow(unit, head, p.initialState),
                                     Order::row_major)};
    return {k.create<SplatOp>(k.matrix(128), k.f(0))};
  };
  auto handed = [&]() -> Values {
    Value before = k.add(unit.segment, -1);
    k.create<AwaitOp>(handedFlag(unit.pair, before, head), k.i(1),
                      k.add(head, 1));
    return {k.create<GlobalLoadOp>(k.matrix(128),
                                   handedState(unit.pair, before, head),
                                   Order::fragment)};
  };
  return k.choose(k.equal(unit.segment, k.i(0)), k.matrix(128), given,
                  handed)[0];
}

void ChunkedKernel::finishState(const ChunkedUnit &unit, Value head,
                                Value state) {
  Value isLast = k.equal(k.add(unit.segment, 1), p.segments);
  auto keep = [&]() -> Values {
    if (config.mixer.finalState)
      k.create<GlobalStoreOp>(state, stateRow(unit, head, p.finalState),
                              Order::row_major);
    return {};
  };
  auto handOver = [&]() -> Values {
    k.create<GlobalStoreOp>(state, handedState(unit.pair, unit.segment, head),
                            Order::fragment);
    k.create<SignalOp>(handedFlag(unit.pair, unit.segment, head), k.i(1),
                       k.add(head, 1));
    return {};
  };
  k.choose(isLast, TypeRange(), keep, handOver);
}

//===----------------------------------------------------------------------===//
// chunk_state, chunk_scan
//===----------------------------------------------------------------------===//

/// S ← 2^L_63 · S + Σ_j w_j x_j b_jᵀ, started.
Value ChunkedKernel::chunkState(Value state, Value x, Value b,
                                const DecayTables &tables) {
  Value weighted =
      k.create<ScaleHiLoOp>(k.matrix(64, /*bf16=*/true), x, tables.toEnd);
  Value total = k.load(tables.total, k.i(0));
  Value decayed = k.map(k.matrix(128), state, [&](ValueRange v) {
    return k.fmul(v[0], total);
  });
  return k.wgmma(weighted, b, decayed, /*mnMajor=*/true);
}

/// chunk_scan and chunk_state of one row block, interleaved so that one product
/// is in flight while the other's elementwise work runs. Everything is
/// transposed, y as [p, token], so that the state's accumulators are the A
/// operand of S·C and x's fragments serve both products and the skip. `carried`
/// is the cursors of maps, x, tables, scores, y, and the state.
void ChunkedKernel::stateChunk(const ChunkedUnit &unit, Value chunk, Value head,
                               Value skip, Values &carried) {
  Value maps = carried[0], cursorX = carried[1], cursorTables = carried[2],
        slots = carried[3], slotY = carried[4];
  // Free at run time; without it ptxas serialises what the loop carries.
  Value state = k.wait(0, carried[5]);

  Value ringHeadX = k.slice(ringX, head);
  k.create<WaitOp>(ringHeadX, cursorX);
  Value x = k.create<LoadFragmentOp>(k.matrix(64, /*bf16=*/true),
                                     k.slice(k.slice(tilesX, head), cursorX),
                                     /*transpose=*/true);

  Value rounded = k.create<TruncateOp>(k.matrix(128, /*bf16=*/true), state);
  k.create<WaitOp>(ringMaps, maps);
  Value carriedOver = k.wgmma(rounded, k.slice(tilesC, maps));

  Value ringHeadTables = k.slice(ringTables, head);
  k.create<WaitOp>(ringHeadTables, cursorTables);
  DecayTables tables = tablesOf(head, cursorTables);
  Value nextState = chunkState(state, x, k.slice(tilesB, maps), tables);
  // Not before a product that consumed the loaded fragments: see ReleaseOp.
  k.create<ReleaseOp>(ringHeadX, cursorX, Agent::warp);

  Value y = k.wait(1, carriedOver);
  Value fromStart = k.loadVector(tables.fromStart, k.columns(64));
  y = k.map(k.matrix(64), {y, fromStart}, [&](ValueRange v) {
    return k.fmul(v[0], v[1]);
  });

  Value ringHeadScores = k.slice(ringScores, head);
  k.create<WaitOp>(ringHeadScores, slots);
  Value sum = k.wgmma(x, k.slice(k.slice(tilesG, head), slots), y);
  k.create<ReleaseOp>(ringHeadTables, cursorTables, Agent::warp);
  nextState = k.wait(1, nextState);
  k.create<ReleaseOp>(ringMaps, maps, Agent::warpgroup);
  y = k.wait(0, sum);
  k.create<ReleaseOp>(ringHeadScores, slots, Agent::warpgroup);
  storeY(y, x, skip, unit, chunk, head, slotY);

  carried = {k.advance(maps),  k.advance(cursorX), k.advance(cursorTables),
             k.advance(slots), k.advance(slotY),   nextState};
}

/// Adds the skip, rounds, and sends the tile off.
void ChunkedKernel::storeY(Value y, Value x, Value skip,
                           const ChunkedUnit &unit, Value chunk, Value head,
                           Value slot) {
  if (config.mixer.skip) {
    Value wide = k.create<ExtendOp>(k.matrix(64), x);
    y = k.map(k.matrix(64), {y, wide}, [&](ValueRange v) {
      return k.fma(skip, v[1], v[0]);
    });
  }
  Value rounded = k.create<TruncateOp>(k.matrix(64, /*bf16=*/true), y);
  Value tile = k.slice(k.slice(tilesY, head), slot);
  Value barrier = k.add(head, 1);
  IntegerAttr threads = k.builder.getI32IntegerAttr(128);
  k.elect(Agent::warpgroup,
          [&]() { k.create<TMAStoreWaitOp>(ChunkedStages::y - 1); });
  k.create<BarrierOp>(barrier, threads);
  k.create<StoreFragmentOp>(rounded, tile, /*column=*/0, /*transpose=*/true);
  k.create<FenceAsyncOp>();
  k.create<BarrierOp>(barrier, threads);
  k.elect(Agent::warpgroup, [&]() {
    Value at[] = {unit.batch, k.mul(chunk, 64), k.add(unit.firstHead, head),
                  k.i(0)};
    k.create<TMAStoreOp>(tile, p.mapY, ValueRange(at), CacheHint::evict_first);
  });
}
