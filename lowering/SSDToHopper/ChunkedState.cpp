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

std::pair<Value, Value> ChunkedKernel::stateOf(const ChunkedUnit &unit,
                                               Value head,
                                               const Tensor &states) {
  Value row = unit.sequence, exists, zero = k.i(0);
  if (p.slots) {
    row = p.slots.load(k, row);
    exists = k.compare(arith::CmpIPredicate::ult, row, k.argument(p.poolRows));
  }
  return {states.at(k, {row, k.add(unit.firstHead, head), zero, zero}), exists};
}

Value ChunkedKernel::handedState(unsigned array, Value block, Value head) {
  Value index = k.add(k.mul(block, shape.heads), head);
  return k.at(k.argument(array), k.f32(),
              k.mulWide(index, shape.stateElements()));
}

Value ChunkedKernel::handedWord(unsigned array, Value block, Value head) {
  Value index = k.add(k.mul(block, shape.heads), head);
  return k.at(k.argument(array), k.i32(), k.wide(index));
}

/// A sequence begun in the block before starts from what that one handed over,
/// or from zero where that is not known yet, others from the initial state.
Value ChunkedKernel::startState(const ChunkedUnit &unit, Value head) {
  FragmentType type = k.matrix(shape.stateDim);
  Value block = k.create<BlockOp>();
  auto zero = [&]() -> Values { return {k.create<SplatOp>(type, k.f(0))}; };
  auto load = [&](unsigned array, Value from) -> Values {
    return {k.create<GlobalLoadOp>(type, handedState(array, from, head),
                                   Order::fragment, k.f32())};
  };
  auto initial = [&]() -> Values {
    auto [at, exists] = stateOf(unit, head, p.initialState);
    auto read = [&, at = at]() -> Values {
      return {k.create<GlobalLoadOp>(type, at, Order::row_major,
                                     p.initialState.getElementType())};
    };
    return exists ? k.choose(exists, type, read, zero) : read();
  };
  auto given = [&]() -> Values {
    if (!p.initialState)
      return zero();
    if (!p.schedule.starts)
      return initial();
    if (shape.phase == ChunkedPhase::outputs)
      return k.choose(
          k.less(unit.lastChunk, chunks), type,
          [&]() { return load(p.schedule.starts, block); }, initial);
    Values state = initial();
    k.create<GlobalStoreOp>(state[0],
                            handedState(p.schedule.starts, block, head),
                            Order::fragment, k.f32());
    return state;
  };
  auto handed = [&]() -> Values {
    if (shape.phase == ChunkedPhase::states)
      return zero();
    Value before = k.add(block, -1);
    if (shape.phase == ChunkedPhase::whole)
      k.create<AwaitOp>(handedWord(p.schedule.flags, before, head), k.i(1),
                        k.add(head, 1));
    return load(p.schedule.handed, before);
  };
  if (shape.phase == ChunkedPhase::packed)
    return given()[0];
  return k.choose(k.equal(unit.firstChunk, k.i(0)), type, given, handed)[0];
}

void ChunkedKernel::finishState(const ChunkedUnit &unit, Value head,
                                ValueRange carried) {
  Value state = carried[0], block = k.create<BlockOp>();
  auto keep = [&]() -> Values {
    if (!p.finalState)
      return {};
    auto [at, exists] = stateOf(unit, head, p.finalState);
    k.when(exists, [&, at = at]() {
      k.create<GlobalStoreOp>(state, at, Order::row_major,
                              p.finalState.getElementType());
    });
    return {};
  };
  auto handOver = [&]() {
    k.create<GlobalStoreOp>(state, handedState(p.schedule.handed, block, head),
                            Order::fragment, k.f32());
  };
  auto handOverAndSignal = [&]() -> Values {
    handOver();
    k.create<SignalOp>(handedWord(p.schedule.flags, block, head), k.i(1),
                       k.add(head, 1));
    return {};
  };
  Value isLast = k.equal(unit.lastChunk, chunks);
  switch (shape.phase) {
  case ChunkedPhase::whole:
    k.choose(isLast, TypeRange(), keep, handOverAndSignal);
    break;
  case ChunkedPhase::states:
    handOver();
    k.elect(Agent::warpgroup, [&]() {
      k.storeGlobal(carried[1], handedWord(p.schedule.decays, block, head));
    });
    break;
  case ChunkedPhase::outputs:
    k.when(isLast, [&]() { keep(); });
    break;
  case ChunkedPhase::packed:
    keep();
    break;
  }
}

/// The state after every so many tokens, which are whole chunks.
void ChunkedKernel::storeCheckpoint(const ChunkedUnit &unit, Value head,
                                    Value chunk, Value state) {
  Value done = k.mul(k.add(chunk, 1), 64), zero = k.i(0);
  int32_t every = *mixer.checkpointEvery;
  Value isOne = k.both(k.equal(k.rem(done, every), zero),
                       k.less(done, k.add(unit.length, 1)));
  k.when(isOne, [&]() {
    Value at = p.checkpoints.at(k, {unit.batch, k.add(k.div(done, every), -1),
                                    k.add(unit.firstHead, head), zero, zero});
    k.create<GlobalStoreOp>(state, at, Order::row_major,
                            p.checkpoints.getElementType());
  });
}

//===----------------------------------------------------------------------===//
// chunk_state, chunk_scan
//===----------------------------------------------------------------------===//

/// S ← 2^L_63 · S + Σ_j w_j x_j b_jᵀ, started; `weighted` is w_j x_j.
Value ChunkedKernel::chunkState(Value state, Value weighted, Value b,
                                Value total) {
  Value decayed = k.map(k.matrix(shape.stateDim), state,
                        [&](ValueRange v) { return k.fmul(v[0], total); });
  return k.wgmma(weighted, b, decayed, /*mnMajor=*/true);
}

Value ChunkedKernel::loadX(Value head, Value cursor) {
  return k.create<LoadFragmentOp>(packed(64),
                                  k.slice(k.slice(tilesX, head), cursor),
                                  /*transpose=*/true);
}

/// w_j x_j: weights to the chunk's end, rounded once.
Value ChunkedKernel::weightX(Value x, const DecayTables &tables) {
  Value weights =
      k.create<LoadHiLoOp>(VectorType::get({16}, k.i32()), tables.toEnd);
  return k.create<ScaleHiLoOp>(packed(64), x, weights);
}

/// chunk_scan and chunk_state of one row block, interleaved so that one product
/// is in flight while the other's elementwise work runs, and with what the next
/// step reads from shared memory on its way. Everything is transposed, y as
/// [p, token], so that the state's accumulators are the A operand of S·C and
/// x's fragments serve both products and the epilogue. `carried` is the cursors
/// of maps, x, tables, scores, y, and the state.
void ChunkedKernel::stateChunk(const ChunkedUnit &unit, Value chunk, Value head,
                               Values &carried) {
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
  Value x = loadX(head, cursorX);
  Value rounded = k.create<TruncateOp>(packed(shape.stateDim), state);
  k.wait(ringMaps, maps, fullMaps);
  Value y = k.wgmma(rounded, k.slice(tilesC, maps));

  // Only now: what is known before a product is scheduled between its parts.
  k.wait(ringHeadTables, cursorTables);
  DecayTables tables = tablesOf(head, cursorTables);
  Value weighted = weightX(x, tables);
  Value total = k.load(tables.total, k.i(0));
  Value nextState = chunkState(state, weighted, k.slice(tilesB, maps), total);
  // Not before a product that consumed the loaded fragments: see ReleaseOp.
  k.create<ReleaseOp>(ringHeadX, cursorX, Agent::warp);

  Value fullScores = k.tryWait(ringHeadScores, slots);
  Value fromStart = k.loadVector(tables.fromStart, k.columns(64));
  y = epilogue->beforeScores(k, k.wait(1, y), fromStart, x);
  k.wait(ringHeadScores, slots, fullScores);
  y = k.wgmma(x, k.slice(k.slice(tilesG, head), slots), y);
  k.create<ReleaseOp>(ringHeadTables, cursorTables, Agent::warp);
  Value tile;
  if (shape.hasTile) {
    k.wait(k.slice(ringEpilogue, head), slotY);
    tile = k.create<LoadFragmentOp>(
        packedAs(tilesEpilogue), k.slice(k.slice(tilesEpilogue, head), slotY),
        /*transpose=*/true);
  }
  Values early = epilogue->duringScores(k, tile);
  nextState = k.wait(1, nextState);
  if (p.checkpoints)
    storeCheckpoint(unit, head, chunk, nextState);
  k.create<ReleaseOp>(ringMaps, maps, Agent::warpgroup);
  y = k.wait(0, y);
  k.create<ReleaseOp>(ringHeadScores, slots, Agent::warpgroup);
  storeY(epilogue->afterScores(k, y, x, tile, early), unit, chunk, head, slotY);

  carried = {k.advance(maps),  k.advance(cursorX), k.advance(cursorTables),
             k.advance(slots), k.advance(slotY),   nextState};
}

KernelBuilder::Values ChunkedKernel::loadWeighted(Value head, Value cursorX,
                                                  Value cursorTables) {
  k.wait(k.slice(ringX, head), cursorX);
  Value x = loadX(head, cursorX);
  k.wait(k.slice(ringTables, head), cursorTables);
  DecayTables tables = tablesOf(head, cursorTables);
  return {weightX(x, tables), k.load(tables.total, k.i(0))};
}

/// chunk_state alone; while its product is in flight, the next chunk's w_j x_j.
/// `carried` is the cursors of maps, x and tables, this chunk's w_j x_j and
/// 2^L_63, the state, and the product of decays.
void ChunkedKernel::localChunk(const ChunkedUnit &unit, Value chunk, Value head,
                               Values &carried) {
  Value maps = carried[0], cursorX = carried[1], cursorTables = carried[2],
        weighted = carried[3], total = carried[4];
  Value state = k.wait(0, carried[5]);
  k.wait(ringMaps, maps);
  state = chunkState(state, weighted, k.slice(tilesB, maps), total);
  // Not before a product that consumed what was loaded: see ReleaseOp.
  k.create<ReleaseOp>(k.slice(ringX, head), cursorX, Agent::warp);
  k.create<ReleaseOp>(k.slice(ringTables, head), cursorTables, Agent::warp);
  Value nextX = k.advance(cursorX), nextTables = k.advance(cursorTables);
  Values loaded = {weighted, total};
  Values next = k.choose(
      k.less(k.add(chunk, 1), unit.lastChunk), ValueRange(loaded).getTypes(),
      [&]() { return loadWeighted(head, nextX, nextTables); },
      [&]() { return loaded; });
  Value decay = k.fmul(carried[6], total);
  state = k.wait(0, state);
  k.create<ReleaseOp>(ringMaps, maps, Agent::warpgroup);
  carried = {k.advance(maps), nextX, nextTables, next[0],
             next[1],         state, decay};
}

/// Rounds y and sends the tile off.
void ChunkedKernel::storeY(Value y, const ChunkedUnit &unit, Value chunk,
                           Value head, Value slot) {
  Value rounded = k.create<TruncateOp>(packedAs(tilesY), y);
  Value tile = k.slice(k.slice(tilesY, head), slot);
  Value barrier = k.add(head, 1);
  IntegerAttr threads = k.builder.getI32IntegerAttr(128);
  k.create<StoreFragmentOp>(rounded, tile, /*column=*/0, /*transpose=*/true);
  k.create<FenceAsyncOp>();
  if (shape.hasTile)
    k.create<ReleaseOp>(k.slice(ringEpilogue, head), slot, Agent::warp);
  // The barrier also tells everybody that the other slot has been read.
  k.elect(Agent::warpgroup, [&]() { k.create<TMAStoreWaitOp>(shape.y - 2); });
  k.create<BarrierOp>(barrier, threads);
  Value first = tokenOf(unit, k.mul(chunk, 64));
  Value row = k.add(unit.firstHead, head);
  auto sendBox = [&]() -> Values {
    k.elect(Agent::warpgroup, [&]() {
      Value at[] = {unit.batch, first, row, k.i(0)};
      k.create<TMAStoreOp>(tile, k.argument(p.mapY), ValueRange(at),
                           CacheHint::evict_first);
    });
    return {};
  };
  if (shape.phase != ChunkedPhase::packed) {
    sendBox();
    return;
  }
  // Behind the sequence's last token is another one's first.
  Value rest = k.sub(unit.length, k.mul(chunk, 64));
  auto storeRest = [&]() -> Values {
    Value at = p.y.at(k, Position{unit.batch, first, row, k.i(0)});
    k.create<StoreRowsOp>(tile, at, p.y.stride(k, UnitBuffer::token), rest);
    return {};
  };
  k.choose(k.less(rest, k.i(64)), TypeRange(), storeRest, sendBox);
}

//===----------------------------------------------------------------------===//
// state_pass
//===----------------------------------------------------------------------===//

void ssd::emitStatePass(KernelBuilder &k, const ChunkedShape &shape,
                        unsigned length, const ChunkedSchedule &schedule) {
  // Enough loads on their way to hide that each step needs the one before.
  constexpr int32_t kAhead = 8, kWidth = 4;
  using Values = KernelBuilder::Values;
  int32_t perState = statePassBlocks(shape), heads = shape.heads;
  Value block = k.create<BlockOp>();
  Value owner = k.div(block, perState); // sequence · heads + head
  Value head = k.rem(owner, heads);
  Value chunks = k.div(k.add(k.argument(length), 63), 64);
  Value start = k.mul(k.div(owner, heads), chunks);
  Value element = k.mul(k.add(k.mul(k.rem(block, perState), statePassThreads()),
                              k.create<ThreadOp>()),
                        kWidth);
  Value run = k.argument(schedule.chunksPerBlock);
  Value first = k.div(start, run);
  Value last = k.div(k.add(start, k.add(chunks, -1)), run);

  auto indexOf = [&](Value run) { return k.add(k.mul(run, heads), head); };
  auto stateAt = [&](Value run) {
    Value offset = k.addWide(k.mulWide(indexOf(run), shape.stateElements()),
                             k.wide(element));
    return k.at(k.argument(schedule.handed), k.f32(), offset);
  };
  auto loadState = [&](Value run) {
    return k.loadWide(k.f32(), stateAt(run), kWidth);
  };
  Values initial = loadState(first);
  k.loop(k.add(first, 1), last, k.i(kAhead), initial,
         [&](Value from, ValueRange carried) {
           SmallVector<Values> local;
           Values decays, state(carried);
           for (int32_t i = 0; i < kAhead; ++i) {
             Value run = k.min(k.add(from, i), k.add(last, -1));
             local.push_back(loadState(run));
             decays.push_back(
                 k.loadGlobal(k.f32(), k.at(k.argument(schedule.decays),
                                            k.f32(), k.wide(indexOf(run)))));
           }
           for (int32_t i = 0; i < kAhead; ++i) {
             Value run = k.add(from, i);
             for (auto [s, own] : llvm::zip(state, local[i]))
               s = k.fma(decays[i], s, own);
             k.when(k.less(run, last),
                    [&]() { k.storeNarrow(state, k.f32(), stateAt(run)); });
           }
           return state;
         });
}
