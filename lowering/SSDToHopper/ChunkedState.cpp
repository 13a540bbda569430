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

//===----------------------------------------------------------------------===//
// chunk_state, chunk_scan
//===----------------------------------------------------------------------===//

/// Tensor cores truncate their sums, which over thousands of tokens is more
/// than what f32 may be wrong by: there a chunk's sum starts at zero, and is
/// added later.
Value ChunkedKernel::addToState(Value state, Value sum, ValueRange weights) {
  if (shape.terms == 1)
    return sum;
  return k.map(k.matrix(shape.columns), {state, sum},
               [&](ValueRange v) { return k.fma(v[0], weights[1], v[1]); });
}

/// 2^L_63 · S + Σ_j w_j x_j b_jᵀ, started; without S where it is added later.
Value ChunkedKernel::chunkState(Value state, ValueRange x, ValueRange weights,
                                Value b) {
  if (shape.terms > 1) {
    Value weighted = k.map(k.matrix(64), {k.join(x), weights[0]},
                           [&](ValueRange v) { return k.fmul(v[0], v[1]); });
    return product(k.split(weighted, shape.element, shape.terms), b, {},
                   /*mnMajor=*/true);
  }
  Value weighted = k.create<ScaleHiLoOp>(packed(64), x[0], weights[0]);
  Value decayed = k.map(k.matrix(shape.columns), state,
                        [&](ValueRange v) { return k.fmul(v[0], weights[1]); });
  return product(weighted, b, decayed, /*mnMajor=*/true);
}

KernelBuilder::Values ChunkedKernel::termsOf(Value tiles) {
  Values terms;
  for (int32_t term = 0; term < shape.terms; ++term)
    terms.push_back(k.slice(tiles, k.i(term)));
  return terms;
}

Value ChunkedKernel::product(ValueRange a, Value b, Value acc, bool mnMajor) {
  Values tiles = termsOf(b);
  for (int32_t i = 0; i < shape.terms; ++i)
    for (int32_t j = shape.terms - 1 - i; j >= 0; --j)
      acc = k.wgmma(a[i], tiles[j], acc, mnMajor);
  return acc;
}

/// The 64×64 fragments of a tile's terms, transposed.
KernelBuilder::Values ChunkedKernel::loadTerms(Value tiles) {
  Values terms;
  for (Value tile : termsOf(tiles))
    terms.push_back(k.create<LoadFragmentOp>(packedAs(tiles), tile,
                                             /*transpose=*/true));
  return terms;
}

KernelBuilder::Values ChunkedKernel::loadX(const RowBlock &rows, Value cursor) {
  return loadTerms(k.slice(k.slice(tilesX, rows.index), cursor));
}

/// Weights to the chunk's end, and 2^L_63.
KernelBuilder::Values ChunkedKernel::loadWeights(const DecayTables &tables) {
  Value total = k.load(tables.total, k.i(0));
  if (shape.terms > 1)
    return {k.loadVector(tables.toEnd, k.columns(64)), total};
  auto type = VectorType::get({16}, k.i32());
  return {k.create<LoadHiLoOp>(type, tables.toEnd), total};
}

StateCursors::StateCursors(ValueRange carried)
    : maps(carried[0]), x(carried[1]), tables(carried[2]), scores(carried[3]),
      y(carried[4]), partial(carried[5]) {}

KernelBuilder::Values StateCursors::first(KernelBuilder &k,
                                          const ChunkedShape &shape) {
  return {k.cursor(shape.stages.maps),   k.cursor(shape.stages.x),
          k.cursor(shape.stages.tables), k.cursor(shape.stages.scores),
          k.cursor(shape.stages.y),      k.cursor(shape.partial)};
}

KernelBuilder::Values StateCursors::advanced(KernelBuilder &k) const {
  return {k.advance(maps),   k.advance(x), k.advance(tables),
          k.advance(scores), k.advance(y), k.advance(partial)};
}

KernelBuilder::Values StateCursors::advancedByState(KernelBuilder &k) const {
  return {k.advance(maps), k.advance(x), k.advance(tables), scores, y, partial};
}

/// chunk_scan and chunk_state of one row block, interleaved so that one product
/// is in flight while the other's elementwise work runs, and with what the next
/// step reads from shared memory on its way. Everything is transposed, y as
/// [p, token], so that the state's accumulators are the A operand of S·C and
/// x's fragments serve both products and the epilogue. Where the state is in
/// parts, so is S·C; the last part adds the scores' product, and the first one
/// all others and the epilogue. `carried` is the cursors and the state.
void ChunkedKernel::stateChunk(const ChunkedUnit &unit, Value chunk,
                               const RowBlock &rows, Values &carried) {
  StateCursors at(carried);
  bool isFirst = rows.part == 0, isLast = rows.part + 1 == shape.columnParts;
  // Free at run time; without it ptxas serialises what the loop carries.
  Value state = k.wait(0, carried[StateCursors::kCount]);

  Value ringRowsX = k.slice(ringX, rows.index);
  Value ringHeadTables = k.slice(ringTables, rows.head);
  Value ringHeadScores = k.slice(ringScores, rows.head);
  auto partOf = [&](Value tiles) {
    return k.slice(k.slice(tiles, at.maps), k.i(rows.part));
  };
  Value fullX = k.tryWait(ringRowsX, at.x);
  Value fullMaps = k.tryWait(ringMaps, at.maps);
  Values x;
  auto takeX = [&]() {
    k.wait(ringRowsX, at.x, fullX);
    x = loadX(rows, at.x);
  };
  // Terms, and sums of their own, leave no registers for what is not needed
  // yet.
  bool isLater = shape.terms > 1;
  if (!isLater)
    takeX();
  auto round = [&]() { return k.split(state, shape.element, shape.terms); };
  // In the shadow of the wait, or step by step with the product, which takes
  // fewer registers.
  Values rounded = shape.isPortable ? Values() : round();
  waitForMaps(at.maps, fullMaps);
  if (rounded.empty())
    rounded = round();
  Value y = product(rounded, partOf(tilesC));

  // Only now: what is known before a product is scheduled between its parts.
  k.wait(ringHeadTables, at.tables);
  DecayTables tables = tablesOf(rows.head, at.tables);
  Values weights = loadWeights(tables);
  if (isLater) {
    y = k.wait(0, y);
    takeX();
  }
  Value nextState = chunkState(state, x, weights, partOf(tilesB));
  auto releaseMaps = [&]() {
    k.create<ReleaseOp>(ringMaps, at.maps, shape.productAgent());
  };
  auto finishState = [&](int32_t pending) {
    nextState = addToState(state, k.wait(pending, nextState), weights);
    if (p.checkpoints)
      storeCheckpoint(unit, rows, chunk, nextState);
    if (!shape.releasesLate())
      releaseMaps();
  };
  // Not before a product that consumed the loaded fragments: see ReleaseOp.
  auto releaseX = [&]() { k.create<ReleaseOp>(ringRowsX, at.x, Agent::warp); };
  if (isLater) {
    finishState(/*pending=*/0);
    x = loadX(rows, at.x);
  } else {
    releaseX();
  }

  Value fullScores = isLast ? k.tryWait(ringHeadScores, at.scores) : Value();
  Value fromStart = k.loadVector(tables.fromStart, k.columns(64));
  if (!isLater)
    y = k.wait(1, y);
  y = isFirst ? epilogue->beforeScores(k, y, fromStart, x)
              : k.map(k.matrix(64), {y, fromStart},
                      [&](ValueRange v) { return k.fmul(v[0], v[1]); });
  if (isLast) {
    k.wait(ringHeadScores, at.scores, fullScores);
    y = product(x, k.slice(k.slice(tilesG, rows.head), at.scores), y);
  }
  k.create<ReleaseOp>(ringHeadTables, at.tables, Agent::warp);
  if (isLater)
    releaseX();
  Values tile;
  if (isFirst && shape.hasTile) {
    k.wait(k.slice(ringEpilogue, rows.index), at.y);
    tile = loadTerms(k.slice(k.slice(tilesEpilogue, rows.index), at.y));
  }
  Values early = isFirst ? epilogue->duringScores(k, tile) : Values();
  if (!isLater)
    finishState(/*pending=*/isLast);
  auto releaseScores = [&]() {
    if (isLast)
      k.create<ReleaseOp>(ringHeadScores, at.scores, shape.productAgent());
  };
  if (isLast)
    y = k.wait(0, y);
  if (!shape.releasesLate())
    releaseScores();
  if (!isLast)
    y = addPartialY(y, rows, at.partial);
  if (isFirst)
    storeY(epilogue->afterScores(k, y, x, tile, early), unit, chunk, rows, at);
  else
    handPartialY(y, rows, at.partial);
  if (shape.releasesLate()) {
    releaseMaps();
    releaseScores();
  }

  carried = at.advanced(k);
  carried.push_back(nextState);
}

// Threads hold the same elements in all parts: y passes through shared memory
// in their order.

void ChunkedKernel::handPartialY(Value y, const RowBlock &rows, Value slot) {
  Value ring = k.slice(ringPartial, rows.index);
  k.create<AcquireOp>(ring, slot);
  k.create<StoreFragmentOp>(y, k.slice(k.slice(tablePartial, rows.index), slot),
                            /*column=*/0,
                            /*transpose=*/false);
  k.create<CommitOp>(ring, slot, Agent::warp);
}

Value ChunkedKernel::addPartialY(Value y, const RowBlock &rows, Value slot) {
  k.wait(k.slice(ringPartial, rows.index), slot);
  Value other = k.create<LoadFragmentOp>(
      k.matrix(64), k.slice(k.slice(tablePartial, rows.index), slot),
      /*transpose=*/false);
  return k.map(k.matrix(64), {y, other},
               [&](ValueRange v) { return k.fadd(v[0], v[1]); });
}

/// chunk_state alone, which the score warpgroups have no part in: one of the
/// state warpgroups releases for them. `carried` is the cursors, the state, and
/// the product of decays.
void ChunkedKernel::localChunk(const RowBlock &rows, Values &carried) {
  StateCursors at(carried);
  Value state = k.wait(0, carried[at.kCount]);
  Value ringOfX = k.slice(ringX, rows.index);
  Value ringOfTables = k.slice(ringTables, rows.head);
  Value fullTables = k.tryWait(ringOfTables, at.tables);
  Value fullMaps = k.tryWait(ringMaps, at.maps);
  k.wait(ringOfX, at.x);
  Values x = loadX(rows, at.x);
  k.wait(ringOfTables, at.tables, fullTables);
  Values weights = loadWeights(tablesOf(rows.head, at.tables));
  waitForMaps(at.maps, fullMaps);
  Value b = k.slice(k.slice(tilesB, at.maps), k.i(rows.part));
  Value nextState = chunkState(state, x, weights, b);
  // Not before a product that consumed what was loaded: see ReleaseOp.
  k.create<ReleaseOp>(ringOfX, at.x, Agent::warp);
  auto releaseTables = [&]() {
    k.create<ReleaseOp>(ringOfTables, at.tables, Agent::warp);
  };
  releaseTables();
  if (rows.part == 0)
    k.when(k.equal(k.rem(rows.index, shape.rowBlocksPerHead), k.i(0)),
           releaseTables);
  Value decay = k.fmul(carried.back(), weights[1]);
  nextState = addToState(state, k.wait(0, nextState), weights);
  auto releaseMaps = [&]() {
    k.create<ReleaseOp>(ringMaps, at.maps, shape.productAgent());
  };
  releaseMaps();
  k.when(k.equal(rows.warpgroup, k.i(0)), releaseMaps);
  carried = at.advancedByState(k);
  carried.append({nextState, decay});
}

void ChunkedKernel::storeY(Value y, const ChunkedUnit &unit, Value chunk,
                           const RowBlock &rows, const StateCursors &at) {
  auto releasePartial = [&]() {
    k.create<ReleaseOp>(k.slice(ringPartial, rows.index), at.partial,
                        Agent::warp);
  };
  auto releaseRead = [&]() {
    if (ringPartial && !shape.reusesPartialY())
      releasePartial();
    if (shape.hasTile)
      k.create<ReleaseOp>(k.slice(ringEpilogue, rows.index), at.y, Agent::warp);
  };
  if (shape.hasTilesOfY()) {
    sendY(y, unit, chunk, rows, at, releaseRead);
    if (shape.reusesPartialY())
      releasePartial();
    return;
  }
  k.create<StoreColumnsOp>(y, placeOfY(unit, chunk, rows),
                           mixer.y.getElementType(), tokenStride(p.y.rows),
                           tokensFrom(unit, chunk), rows.rows);
  releaseRead();
}

/// Where the row block's part of a chunk of y begins.
Value ChunkedKernel::placeOfY(const ChunkedUnit &unit, Value chunk,
                              const RowBlock &rows) {
  Value token = tokenOf(unit, k.mul(chunk, 64)),
        head = k.add(unit.firstHead, rows.head);
  return p.y.rows.at(k, Position{unit.batch, token, head, rows.firstRow});
}

/// Rounds y and sends the tile off.
void ChunkedKernel::sendY(Value y, const ChunkedUnit &unit, Value chunk,
                          const RowBlock &rows, const StateCursors &at,
                          function_ref<void()> releaseRead) {
  Value rounded = k.create<TruncateOp>(packedAs(tilesY), y);
  Value tile = k.slice(k.slice(k.slice(tilesY, rows.index), at.y), k.i(0));
  Value barrier = k.add(rows.warpgroup, 1);
  IntegerAttr threads = k.builder.getI32IntegerAttr(128);
  bool hasBoxes = shape.transport != Transport::rows;
  // Everybody has read the only slot, or partial y.
  if (shape.stages.y == 1 || shape.reusesPartialY())
    k.create<BarrierOp>(barrier, threads);
  k.create<StoreFragmentOp>(rounded, tile, /*column=*/0, /*transpose=*/true);
  if (hasBoxes)
    k.create<FenceAsyncOp>();
  releaseRead();
  // The barrier also tells everybody that the other slot has been read.
  if (hasBoxes)
    k.elect(Agent::warpgroup,
            [&]() { k.create<TMAStoreWaitOp>(shape.stages.y - 2); });
  k.create<BarrierOp>(barrier, threads);
  Value rest = tokensFrom(unit, chunk);
  auto sendBox = [&]() -> Values {
    Value corner[] = {unit.batch, tokenOf(unit, k.mul(chunk, 64)),
                      k.add(unit.firstHead, rows.head), rows.firstRow};
    k.elect(Agent::warpgroup, [&]() {
      k.create<TMAStoreOp>(tile, k.argument(p.y.map), ValueRange(corner),
                           CacheHint::evict_first);
    });
    return {};
  };
  auto storeRows = [&]() -> Values {
    k.create<StoreRowsOp>(tile, placeOfY(unit, chunk, rows),
                          tokenStride(p.y.rows), rest, rows.rows);
    return {};
  };
  if (!hasBoxes)
    storeRows();
  else if (shape.transport == Transport::boxes)
    sendBox();
  else // Behind the sequence's last token is another one's first.
    k.choose(k.less(rest, k.i(64)), TypeRange(), storeRows, sendBox);
}
