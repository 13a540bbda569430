//===- ChunkedKernel.cpp - Chunked kernel: roles ----------------*- C++ -*-===//
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
// Tiles, tables and rings
//===----------------------------------------------------------------------===//

ChunkedKernel::ChunkedKernel(KernelBuilder &k, const MixerUnit &mixer,
                             const ChunkedShape &shape,
                             const ChunkedParameters &parameters,
                             ChunkedEpilogue *epilogue)
    : k(k), mixer(mixer), shape(shape), p(parameters), epilogue(epilogue) {
  ChunkedMemory map(shape);
  int64_t heads = shape.heads, rows = shape.rowBlocks(),
          parts = shape.columnParts;
  auto tiles = [&](int32_t offset, int64_t count, int64_t stages,
                   Type element) {
    return k.alloc(offset,
                   k.tiles({count, stages, shape.terms, 64, 64}, element));
  };
  auto maps =
      k.tiles({shape.stages.maps, parts, shape.terms, 64, shape.columns},
              shape.element);
  tilesB = k.alloc(map.b, maps);
  tilesX = tiles(map.x, rows, shape.stages.x, shape.element);
  tilesC = k.alloc(map.c, maps);
  tilesG = tiles(map.g, heads, shape.stages.scores, shape.element);
  if (shape.hasTilesOfY())
    tilesY = tiles(map.y, rows, shape.stages.y, mixer.y.getElementType());
  int32_t taken = 0;
  auto table = [&](Type element) {
    return k.alloc(map.tables + taken++ * map.tableArray,
                   k.tables({heads, shape.stages.tables, 64}, element));
  };
  tableCumulative.high = table(k.f32());
  tableFromStart = table(k.f32());
  tableToBlockEnd = table(k.f32());
  tableScale = table(k.f32());
  tableToEnd = table(shape.isSplit() ? k.f32() : k.i32());
  if (shape.hasLowDecays())
    tableCumulative.low = table(k.f32());
  if (shape.hasSegments)
    tableStarts = table(k.f32());
  assert(taken == shape.tables());
  tableTotal =
      k.alloc(map.totals, k.tables({heads, shape.stages.tables, 4}, k.f32()));

  // Who arrives: for consumers, the warps that read with ordinary loads, or who
  // releases what only products read.
  int32_t at = map.barriers;
  int32_t perHead = shape.rowBlocksPerHead;
  int32_t products = shape.productArrivals();
  ringMaps = k.ring(at, shape.stages.maps, 1, shape.mapCrews() * shape.crew(),
                    products * (1 + rows * parts));
  ringX = k.ring(at += 16 * shape.stages.maps, shape.stages.x, rows,
                 shape.crew(), 4 * parts);
  ringTables = k.ring(at += 16 * rows * shape.stages.x, shape.stages.tables,
                      heads, 1, 4 * (1 + perHead * parts));
  ringScores = k.ring(at += 16 * heads * shape.stages.tables,
                      shape.stages.scores, heads, 4, products * perHead);
  if (shape.hasTile) {
    Value tiled = ChunkedEpilogue::getTiled(mixer);
    Type element = cast<MemRefType>(tiled.getType()).getElementType();
    tilesEpilogue = tiles(map.epilogue, rows, shape.stages.y,
                          shape.isSplit() ? shape.element : element);
    ringEpilogue = k.ring(at += 16 * heads * shape.stages.scores,
                          shape.stages.y, rows, shape.crew(), 4);
  }
  if (shape.hasPartialY()) {
    tablePartial =
        k.alloc(map.partial, k.tables({rows, shape.partial, 64 * 64}, k.f32()));
    ringPartial =
        k.ring(map.end - 16 * rows * shape.partial, shape.partial, rows, 4, 4);
  }

  length = k.argument(p.length);
  chunks = k.div(k.add(length, 63), 64);
}

DecayTables ChunkedKernel::tablesOf(Value head, Value cursor) {
  auto at = [&](Value array) { return k.slice(k.slice(array, head), cursor); };
  return {{at(tableCumulative.high),
           tableCumulative.low ? at(tableCumulative.low) : Value()},
          at(tableFromStart),
          at(tableToBlockEnd),
          at(tableScale),
          at(tableToEnd),
          at(tableTotal),
          tableStarts ? at(tableStarts) : Value()};
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

void ChunkedKernel::emit() {
  prepare();
  unsigned count = shape.warpgroups().size(), next = 0;
  auto roles =
      k.create<SpecializeOp>(shape.warpgroups(), shape.registers(), count);
  auto fill = [&](function_ref<void(Value)> body) {
    OpBuilder::InsertionGuard guard(k.builder);
    Block *block = k.builder.createBlock(&roles.getRoles()[next++], {},
                                         {k.i32()}, {k.loc});
    body(block->getArgument(0));
    k.create<hopper::YieldOp>(ValueRange());
  };
  fill([&](Value index) { produce(index); });
  fill([&](Value index) { score(index); });
  for (int32_t part = 0; part < shape.columnParts; ++part)
    fill([&](Value index) { state(index, part); });
}

/// Barriers, and zeros where the scores of blocks above the diagonal will never
/// be written.
void ChunkedKernel::prepare() {
  Values rings = {ringMaps, ringX, ringTables};
  for (Value ring : {ringScores, ringEpilogue, ringPartial})
    if (ring)
      rings.push_back(ring);
  if (shape.transport != Transport::rows)
    prefetchTensorMaps();
  k.create<InitRingsOp>(rings);
  clearScores();
  k.create<FenceAsyncOp>();
  k.create<BarrierOp>(Value(), IntegerAttr());
}

void ChunkedKernel::prefetchTensorMaps() {
  Value isFirst = k.both(k.equal(k.create<WarpgroupOp>(), k.i(0)),
                         k.equal(k.create<ThreadOp>(), k.i(0)));
  k.when(isFirst, [&]() {
    SmallVector<unsigned> maps = {p.x.map, p.b.map, p.c.map, p.y.map};
    if (shape.hasTile)
      maps.push_back(epilogue->getTiles().map);
    for (unsigned map : maps)
      k.create<TMAPrefetchOp>(k.argument(map));
  });
}

void ChunkedKernel::clearScores() {
  ChunkedMemory map(shape);
  int32_t heads = shape.heads,
          words = heads * shape.stages.scores * map.tile / 4;
  Value flat = k.alloc(map.g, k.tables({words}, k.i32()));
  Value thread =
      k.add(k.create<ThreadOp>(), k.mul(k.create<WarpgroupOp>(), 128));
  Value zero = k.i(0);
  // 128 threads cover 512 words; there are as many warpgroups as heads.
  k.when(k.less(thread, k.i(128 * heads)), [&]() {
    for (int32_t i = 0; i < words; i += 512 * heads)
      k.store({zero, zero, zero, zero}, flat, k.add(k.mul(thread, 4), i));
  });
}

/// Crews of warps, for the maps and for x, and then one warp a head for decays.
void ChunkedKernel::produce(Value index) {
  Value warp = k.add(k.mul(index, 4), k.create<WarpOp>());
  int32_t crew = shape.crew(), maps = shape.mapCrews();
  auto asCrew = [&](int32_t number, function_ref<void(Value)> body) {
    Value part = k.add(warp, -number * crew);
    Value isOne = crew == 1
                      ? k.equal(part, k.i(0))
                      : k.compare(arith::CmpIPredicate::ult, part, k.i(crew));
    k.when(isOne,
           [&]() { asProducer([&]() { body(crew == 1 ? Value() : part); }); });
  };
  for (int32_t i = 0; i < maps; ++i)
    asCrew(i, [&](Value part) {
      produceMaps(/*b=*/i == 0, /*c=*/i + 1 == maps, part);
    });
  asCrew(maps, [&](Value part) { produceX(part); });
  int32_t first = (maps + 1) * crew;
  Value head = k.add(warp, -first);
  Value mine =
      k.both(k.less(k.i(first - 1), warp), k.less(head, k.i(shape.heads)));
  k.when(mine, [&]() { cumulativeDecayRole(head); });
}

static KernelBuilder::Values same(ValueRange values) {
  return KernelBuilder::Values(values);
}

/// Boxes are one thread's work, rows a warp's.
void ChunkedKernel::asProducer(function_ref<void()> body) {
  if (shape.transport == Transport::boxes)
    return k.elect(Agent::warp, body);
  body();
  if (!shape.isSplit())
    k.create<WaitCopiesOp>();
}

void ChunkedKernel::fill(Value ring, Value cursor, Value rest, int32_t bytes,
                         function_ref<void(bool)> fetches) {
  k.create<AcquireOp>(ring, cursor);
  auto boxes = [&]() {
    k.create<ExpectOp>(ring, cursor, bytes);
    fetches(/*asRows=*/false);
  };
  auto rows = [&]() -> Values {
    fetches(/*asRows=*/true);
    if (!shape.isSplit()) {
      k.create<CommitCopiesOp>(ring, cursor);
      return {};
    }
    k.create<FenceAsyncOp>();
    k.create<CommitOp>(ring, cursor, Agent::warp);
    return {};
  };
  auto boxesByOne = [&]() -> Values {
    k.elect(Agent::warp, boxes);
    return {};
  };
  if (shape.transport == Transport::boxes)
    boxes();
  else if (shape.transport == Transport::rows)
    rows();
  else
    k.choose(k.less(rest, k.i(64)), TypeRange(), rows, boxesByOne);
}

void ChunkedKernel::fetch(bool asRows, const TileTensor &from,
                          const ChunkedUnit &unit, Value chunk, Value outer,
                          Value inner, Value columns, Value terms, Value ring,
                          Value cursor, CacheHint hint, Value share) {
  Value token = tokenOf(unit, k.mul(chunk, 64));
  if (!asRows) {
    Value at[] = {unit.batch, token, outer, inner};
    k.create<TMALoadOp>(k.argument(from.map), ValueRange(at),
                        k.slice(terms, k.i(0)), ring, cursor, hint);
    return;
  }
  Value source = from.rows.at(k, Position{unit.batch, token, outer, inner}),
        stride = tokenStride(from.rows), rest = tokensFrom(unit, chunk);
  if (!shape.isSplit())
    k.create<LoadRowsOp>(source, stride, rest, columns, k.slice(terms, k.i(0)));
  else
    k.create<LoadRowsHiLoOp>(source, stride, rest, columns, share, shape.crew(),
                             terms);
}

void ChunkedKernel::produceMaps(bool b, bool c, Value share) {
  auto keep = [](const ChunkedUnit &, ValueRange v) { return same(v); };
  auto fetchMaps = [&](const ChunkedUnit &unit, Value chunk, Value cursor,
                       bool isAhead) -> Values {
    Value group = k.div(unit.firstHead, mixer.heads / mixer.groups);
    auto fetchAll = [&](bool asRows, const TileTensor &from, Value tiles) {
      for (int32_t part = 0; part < shape.columnParts; ++part)
        fetch(asRows, from, unit, chunk, group, k.i(part * shape.columns),
              k.i(columnsOf(part)), k.slice(k.slice(tiles, cursor), k.i(part)),
              ringMaps, cursor, CacheHint::evict_last, share);
    };
    fill(ringMaps, cursor, tokensFrom(unit, chunk),
         (isAhead ? 1 : 2) * shape.mapBytes(), [&](bool asRows) {
           if (c && !isAhead)
             fetchAll(asRows, p.c, tilesC);
           if (b)
             fetchAll(asRows, p.b, tilesB);
         });
    return {k.advance(cursor)};
  };
  Values cursor = forEachChunkAhead(
      k.cursor(shape.stages.maps), keep,
      [&](const ChunkedUnit &unit, Value chunk, ValueRange v) {
        return fetchMaps(unit, chunk, v[0], /*isAhead=*/true);
      },
      keep);
  forEachChunk(
      cursor, keep,
      [&](const ChunkedUnit &unit, Value chunk, ValueRange v) {
        return fetchMaps(unit, chunk, v[0], /*isAhead=*/false);
      },
      keep);
}

/// x's tiles, and those of the epilogue's tensor.
void ChunkedKernel::produceX(Value share) {
  auto keep = [](const ChunkedUnit &, ValueRange v) { return same(v); };
  auto fetchAll = [&](const ChunkedUnit &unit, Value chunk,
                      const TileTensor &from, Value tiles, Value rings,
                      Value cursor, CacheHint hint) {
    for (int32_t i = 0; i < shape.rowBlocks(); ++i) {
      RowBlock rows = rowBlockOf(unit, k.i(i));
      Value ring = k.slice(rings, rows.index);
      fill(ring, cursor, tokensFrom(unit, chunk), shape.kTileBytes,
           [&](bool asRows) {
             fetch(asRows, from, unit, chunk, k.add(unit.firstHead, rows.head),
                   rows.firstRow, rows.rows,
                   k.slice(k.slice(tiles, rows.index), cursor), ring, cursor,
                   hint, share);
           });
    }
  };
  Values x = forEachChunkAhead(
      k.cursor(shape.stages.x), keep,
      [&](const ChunkedUnit &unit, Value chunk, ValueRange v) -> Values {
        fetchAll(unit, chunk, p.x, tilesX, ringX, v[0], CacheHint::evict_first);
        return {k.advance(v[0])};
      },
      keep);
  forEachChunk(
      {x[0], k.cursor(shape.stages.y)}, keep,
      [&](const ChunkedUnit &unit, Value chunk, ValueRange v) -> Values {
        CacheHint hint = CacheHint::evict_first;
        fetchAll(unit, chunk, p.x, tilesX, ringX, v[0], hint);
        if (shape.hasTile)
          fetchAll(unit, chunk, epilogue->getTiles(), tilesEpilogue,
                   ringEpilogue, v[1], hint);
        return {k.advance(v[0]), k.advance(v[1])};
      },
      keep);
}

void ChunkedKernel::waitForMaps(Value cursor, Value full) {
  k.wait(ringMaps, cursor, full);
  // Products read by another proxy than that by which rows came; who splits
  // rows has seen to that.
  if (shape.transport != Transport::boxes && !shape.isSplit())
    k.create<FenceAsyncOp>();
}

/// C·Bᵀ once a chunk, then its decayed bf16 copy for each head. Where there are
/// two score warpgroups, one has the even chunks of the block and one the odd.
void ChunkedKernel::score(Value index) {
  auto keep = [](const ChunkedUnit &, ValueRange v) { return same(v); };
  bool inTurns = shape.scoreWarpgroups() > 1;
  Values cursors = {k.cursor(shape.stages.maps), k.cursor(shape.stages.tables)};
  if (shape.mayCut)
    cursors = k.loop(k.i(0), chunksAhead(), k.i(1), cursors,
                     [&](Value, ValueRange v) -> Values {
                       return {k.advance(v[0]), k.advance(v[1])};
                     });
  meetAfterStatesAhead();
  cursors.push_back(k.cursor(shape.stages.scores));
  if (inTurns)
    cursors.push_back(index);
  forEachChunk(
      cursors, keep,
      [&](const ChunkedUnit &, Value, ValueRange carried) -> Values {
        Value maps = carried[0], tables = carried[1], slots = carried[2];
        k.when(inTurns ? k.equal(carried[3], k.i(0)) : Value(),
               [&]() { scoreChunk(maps, tables, slots); });
        Values next = {k.advance(maps), k.advance(tables), k.advance(slots)};
        if (inTurns)
          next.push_back(k.sub(k.i(1), carried[3]));
        return next;
      },
      keep);
}

void ChunkedKernel::scoreChunk(Value maps, Value tables, Value slots) {
  auto acquire = [&]() {
    for (int32_t h = 0; h < shape.heads; ++h)
      k.create<AcquireOp>(k.slice(ringScores, k.i(h)), slots);
  };
  auto releaseMaps = [&]() {
    k.create<ReleaseOp>(ringMaps, maps, shape.productAgent());
  };
  // A barrier tells a phase from the next, but not from the one after. A slot
  // is free when the states are done with the chunk before the last, all of
  // which had come by then, also what the other score warpgroup waited for.
  bool inTurns = shape.scoreWarpgroups() > 1;
  if (inTurns)
    acquire();
  waitForMaps(maps);
  Value scores = chunkScores(k.slice(tilesC, maps), k.slice(tilesB, maps));
  if (!shape.releasesLate())
    releaseMaps();
  SmallVector<DecayTables> decays;
  Values targets;
  for (int32_t h = 0; h < shape.heads; ++h) {
    k.wait(k.slice(ringTables, k.i(h)), tables);
    decays.push_back(tablesOf(k.i(h), tables));
    targets.push_back(k.slice(k.slice(tilesG, k.i(h)), slots));
  }
  if (!inTurns)
    acquire();
  decayScores(scores, decays, k.create<WarpOp>(), targets);
  if (shape.releasesLate())
    releaseMaps();
  k.create<FenceAsyncOp>();
  for (int32_t h = 0; h < shape.heads; ++h) {
    k.create<CommitOp>(k.slice(ringScores, k.i(h)), slots, Agent::warp);
    k.create<ReleaseOp>(k.slice(ringTables, k.i(h)), tables, Agent::warp);
  }
}

/// A part of one row block's state over time; ahead with the product of its
/// decays.
void ChunkedKernel::state(Value index, int32_t part) {
  constexpr size_t kCursors = StateCursors::kCount;
  Values cursors = forEachChunkAhead(
      StateCursors::first(k, shape),
      [&](const ChunkedUnit &unit, ValueRange v) -> Values {
        Values inner(v);
        inner.append(
            {startStateAhead(unit, rowBlockOf(unit, index, part)), k.f(1)});
        return inner;
      },
      [&](const ChunkedUnit &unit, Value, ValueRange v) -> Values {
        Values inner(v);
        localChunk(rowBlockOf(unit, index, part), inner);
        return inner;
      },
      [&](const ChunkedUnit &unit, ValueRange v) -> Values {
        finishStateAhead(unit, rowBlockOf(unit, index, part), v[kCursors],
                         v[kCursors + 1]);
        return Values(v.take_front(kCursors));
      });
  meetAfterStatesAhead();
  forEachChunk(
      cursors,
      [&](const ChunkedUnit &unit, ValueRange v) -> Values {
        Values inner(v);
        RowBlock rows = rowBlockOf(unit, index, part);
        if (part == 0)
          epilogue->begin(k, unit.batch, k.add(unit.firstHead, rows.head),
                          rows.firstRow, rows.rows);
        inner.push_back(startState(unit, rows));
        return inner;
      },
      [&](const ChunkedUnit &unit, Value chunk, ValueRange v) -> Values {
        Values inner(v);
        stateChunk(unit, chunk, rowBlockOf(unit, index, part), inner);
        return inner;
      },
      [&](const ChunkedUnit &unit, ValueRange v) -> Values {
        finishState(unit, rowBlockOf(unit, index, part), v[kCursors]);
        return Values(v.take_front(kCursors));
      });
  if (shape.transport != Transport::rows)
    k.elect(Agent::warpgroup, [&]() { k.create<TMAStoreWaitOp>(0); });
}
