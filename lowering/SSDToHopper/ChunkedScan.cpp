//===- ChunkedScan.cpp - Chunked kernel: state and scan ---------*- C++ -*-===//
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

Value ChunkedKernel::addToState(Value state, Value sum, ValueRange weights) {
  if (!shape.addsChunksApart())
    return sum;
  return k.map(k.matrix(shape.columns), {state, sum},
               [&](ValueRange v) { return k.fma(v[0], weights[1], v[1]); });
}

/// 2^L_63 · S + Σ_j w_j x_j b_jᵀ, started; without S where it is added later.
Value ChunkedKernel::chunkState(Value state, ValueRange x, ValueRange weights,
                                Value b) {
  if (shape.isSplit()) {
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
  if (shape.isSplit())
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
  bool isLater = shape.loadsLate();
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
