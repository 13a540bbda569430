//===- ChunkedState.cpp - Chunked kernel: global states ---------*- C++ -*-===//
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

std::pair<Value, Value> ChunkedKernel::stateOf(const ChunkedUnit &unit,
                                               const RowBlock &rows,
                                               const Tensor &states) {
  Value row = unit.sequence, exists;
  if (p.slots) {
    row = p.slots.load(k, row);
    exists = k.compare(arith::CmpIPredicate::ult, row, k.argument(p.poolRows));
  }
  Value at = states.at(k, {row, k.add(unit.firstHead, rows.head), rows.firstRow,
                           k.i(rows.part * shape.columns)});
  return {at, exists};
}

Value ChunkedKernel::loadState(Value source, const RowBlock &rows,
                               const Tensor &states) {
  return k.create<GlobalLoadOp>(k.matrix(shape.columns), source,
                                Order::row_major, states.getElementType(),
                                rows.rows, k.attribute(columnsOf(rows.part)),
                                k.attribute(shape.stateDim));
}

void ChunkedKernel::storeState(Value state, Value target, const RowBlock &rows,
                               const Tensor &states) {
  k.create<GlobalStoreOp>(
      state, target, Order::row_major, states.getElementType(), rows.rows,
      k.attribute(columnsOf(rows.part)), k.attribute(shape.stateDim));
}

Value ChunkedKernel::handedState(unsigned array, Value block,
                                 const RowBlock &rows) {
  Value index = k.add(k.mul(block, shape.stateWarpgroups()), rows.warpgroup);
  return k.at(k.argument(array), k.f32(),
              k.mulWide(index, shape.stateElements()));
}

Value ChunkedKernel::loadHanded(unsigned array, Value block,
                                const RowBlock &rows) {
  return k.create<GlobalLoadOp>(k.matrix(shape.columns),
                                handedState(array, block, rows),
                                Order::fragment, k.f32());
}

Value ChunkedKernel::decayOf(Value block, const RowBlock &rows) {
  Value index = k.add(k.mul(rows.warpgroup, k.create<GridOp>()), block);
  return k.at(k.argument(p.schedule.decays), k.f32(), k.wide(index));
}

Value ChunkedKernel::runsPerSequence() {
  Value run = k.argument(p.schedule.chunksPerBlock);
  return k.div(k.add(k.add(chunks, run), -1), run);
}

Value ChunkedKernel::flagOf(Value reader, Value number, const RowBlock &rows) {
  Value first =
      k.mulWide(k.add(k.mul(rows.warpgroup, k.create<GridOp>()), reader),
                runsPerSequence());
  return k.at(k.argument(p.schedule.flags), k.i64(), k.addWide(first, number));
}

Value ChunkedKernel::zeroState() {
  return k.create<SplatOp>(k.matrix(shape.columns), k.f(0));
}

Value ChunkedKernel::givenState(const ChunkedUnit &unit, const RowBlock &rows) {
  if (!p.initialState)
    return zeroState();
  auto [at, exists] = stateOf(unit, rows, p.initialState);
  auto read = [&, at = at]() -> Values {
    return {loadState(at, rows, p.initialState)};
  };
  if (!exists)
    return read()[0];
  return k.choose(exists, k.matrix(shape.columns), read,
                  [&]() -> Values { return {zeroState()}; })[0];
}

/// A sequence begun in a block before goes on from what that one handed over,
/// others start from the initial state.
Value ChunkedKernel::startState(const ChunkedUnit &unit, const RowBlock &rows) {
  FragmentType type = k.matrix(shape.columns);
  auto given = [&]() -> Values { return {givenState(unit, rows)}; };
  auto first = [&]() -> Values {
    if (!p.schedule.starts)
      return given();
    Value isKept = k.both(k.less(unit.lastChunk, chunks), isCut());
    auto kept = [&]() -> Values {
      return {loadHanded(p.schedule.starts, k.create<BlockOp>(), rows)};
    };
    return k.choose(isKept, type, kept, given);
  };
  if (shape.isPacked)
    return given()[0];
  return k.choose(
      k.equal(unit.firstChunk, k.i(0)), type, first,
      [&]() -> Values { return {sumOfEarlierRuns(unit, rows)}; })[0];
}

/// What the runs before have left of a sequence, each decayed by those after.
Value ChunkedKernel::sumOfEarlierRuns(const ChunkedUnit &unit,
                                      const RowBlock &rows) {
  Value block = k.create<BlockOp>();
  Value first = k.div(unit.start, k.argument(p.schedule.chunksPerBlock));
  k.create<AwaitOp>(flagOf(block, k.i(0), rows), k.sub(block, first),
                    k.add(rows.warpgroup, 1));
  Value state = loadHanded(p.schedule.handed, first, rows);
  return k.loop(
      k.add(first, 1), block, k.i(1), state,
      [&](Value run, ValueRange carried) -> Values {
        Value own = loadHanded(p.schedule.handed, run, rows);
        Value decay = k.loadGlobal(k.f32(), decayOf(run, rows));
        return {k.map(k.matrix(shape.columns), {carried[0], own},
                      [&](ValueRange v) { return k.fma(decay, v[0], v[1]); })};
      })[0];
}

/// From zero where what was before is not known yet.
Value ChunkedKernel::startStateAhead(const ChunkedUnit &unit,
                                     const RowBlock &rows) {
  auto given = [&]() -> Values {
    Value state = givenState(unit, rows);
    if (p.schedule.starts)
      k.create<GlobalStoreOp>(
          state, handedState(p.schedule.starts, k.create<BlockOp>(), rows),
          Order::fragment, k.f32());
    return {state};
  };
  return k.choose(k.equal(unit.firstChunk, k.i(0)), k.matrix(shape.columns),
                  given, [&]() -> Values { return {zeroState()}; })[0];
}

/// To all later blocks that have chunks of the sequence.
void ChunkedKernel::handOver(const ChunkedUnit &unit, Value state,
                             const RowBlock &rows) {
  Value block = k.create<BlockOp>(),
        run = k.argument(p.schedule.chunksPerBlock);
  k.create<GlobalStoreOp>(state, handedState(p.schedule.handed, block, rows),
                          Order::fragment, k.f32());
  Value firstBlock = k.div(unit.start, run);
  Value lastBlock = k.div(k.add(k.add(unit.start, chunks), -1), run);
  k.create<SignalOp>(flagOf(k.add(block, 1), k.sub(block, firstBlock), rows),
                     k.sub(lastBlock, block), runsPerSequence(),
                     k.add(rows.warpgroup, 1));
}

void ChunkedKernel::finishStateAhead(const ChunkedUnit &unit,
                                     const RowBlock &rows, Value state,
                                     Value decay) {
  k.elect(Agent::warpgroup,
          [&]() { k.storeGlobal(decay, decayOf(k.create<BlockOp>(), rows)); });
  handOver(unit, state, rows);
}

void ChunkedKernel::finishState(const ChunkedUnit &unit, const RowBlock &rows,
                                Value state) {
  auto keep = [&]() -> Values {
    if (!p.finalState)
      return {};
    auto [at, exists] = stateOf(unit, rows, p.finalState);
    k.when(exists,
           [&, at = at]() { storeState(state, at, rows, p.finalState); });
    return {};
  };
  if (shape.isPacked)
    return void(keep());
  auto handOn = [&]() -> Values {
    if (!shape.mayCut)
      handOver(unit, state, rows);
    else // where sequences are cut, others have had it from the start
      k.choose(
          isCut(), TypeRange(), [&]() -> Values { return {}; },
          [&]() -> Values {
            handOver(unit, state, rows);
            return {};
          });
    return {};
  };
  k.choose(k.equal(unit.lastChunk, chunks), TypeRange(), keep, handOn);
}

/// The state after every so many tokens, which are whole chunks.
void ChunkedKernel::storeCheckpoint(const ChunkedUnit &unit,
                                    const RowBlock &rows, Value chunk,
                                    Value state) {
  Value done = k.mul(k.add(chunk, 1), 64);
  int32_t every = *mixer.checkpointEvery;
  Value isOne = k.both(k.equal(k.rem(done, every), k.i(0)),
                       k.less(done, k.add(unit.length, 1)));
  k.when(isOne, [&]() {
    Value at =
        p.checkpoints.at(k, {unit.batch, k.add(k.div(done, every), -1),
                             k.add(unit.firstHead, rows.head), rows.firstRow,
                             k.i(rows.part * shape.columns)});
    storeState(state, at, rows, p.checkpoints);
  });
}
