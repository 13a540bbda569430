//===- ChunkedKernel.cpp - The chunked kernel: memory map and roles ---*- C++
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
// Shared memory map
//===----------------------------------------------------------------------===//

static constexpr int32_t kTileBytes = 64 * 64 * 2;
static constexpr int32_t kTableBytes = 64 * 4;
static constexpr int32_t kPartialBytes = 64 * 64 * 4;
/// What a block can have.
static constexpr int32_t kMaxSharedBytes = 227 * 1024;

namespace {

/// Byte offsets.
struct MemoryMap {
  explicit MemoryMap(const ChunkedShape &s)
      : b(0), c(b + s.maps * s.mapBytes()),
        x(c + s.hasOutputs * s.maps * s.mapBytes()),
        g(x + s.rowBlocks() * s.x * kTileBytes),
        y(g + s.hasOutputs * s.heads * s.scores * kTileBytes),
        epilogue(y + s.hasOutputs * s.rowBlocks() * s.y * kTileBytes),
        tables(epilogue + s.hasTile * s.rowBlocks() * s.tile * kTileBytes),
        tableArray(s.heads * s.tables * kTableBytes),
        totals(tables + (5 + s.hasSegments) * tableArray),
        partial(totals + s.heads * s.tables * 16),
        barriers(partial +
                 s.hasPartialY() * s.rowBlocks() * s.partial * kPartialBytes),
        end(barriers + 16 * (s.maps + s.heads * (s.tables + s.scores) +
                             s.rowBlocks() * (s.x + s.tile + s.partial))) {}
  int32_t b, c, x, g, y, epilogue, tables, tableArray, totals, partial,
      barriers, end;
};

} // namespace

ChunkedShape::ChunkedShape(const MixerUnit &unit, int32_t warpgroups,
                           ChunkedPhase phase)
    : phase(phase), columnParts(columnPartsOf(unit)), headDim(unit.headDim),
      stateDim(unit.stateDim),
      columns(std::min<int64_t>(llvm::alignTo(stateDim, 64), kMaxColumns)),
      element(unit.x.getElementType()),
      hasOutputs(phase != ChunkedPhase::states),
      hasTile(hasOutputs && ChunkedEpilogue::getTiled(unit)),
      hasSegments(hasOutputs && unit.segmentIds) {
  int64_t ofHead = llvm::divideCeil(headDim, kRows),
          rows = warpgroups / columnParts;
  rowBlocksPerHead = std::min(rows, ofHead);
  heads = rows / rowBlocksPerHead;
  unitsPerHead = llvm::divideCeil(ofHead, rowBlocksPerHead);
  unitsPerBatch = unit.heads / heads * unitsPerHead;
  for (maps = x = hasOutputs ? 3 : 4; MemoryMap(*this).end > kMaxSharedBytes;)
    --maps;
}

int32_t ChunkedKernel::sharedBytes(const ChunkedShape &shape) {
  return MemoryMap(shape).end;
}

ChunkedKernel::ChunkedKernel(KernelBuilder &k, const MixerUnit &mixer,
                             const ChunkedShape &shape,
                             const ChunkedParameters &parameters,
                             ChunkedEpilogue *epilogue)
    : k(k), mixer(mixer), shape(shape), p(parameters), epilogue(epilogue) {
  MemoryMap map(shape);
  int64_t heads = shape.heads, rows = shape.rowBlocks(),
          parts = shape.columnParts;
  auto maps = k.tiles({shape.maps, parts, 64, shape.columns}, shape.element);
  tilesB = k.alloc(map.b, maps);
  tilesX = k.alloc(map.x, k.tiles({rows, shape.x, 64, 64}, shape.element));
  if (shape.hasOutputs) {
    tilesC = k.alloc(map.c, maps);
    tilesG =
        k.alloc(map.g, k.tiles({heads, shape.scores, 64, 64}, shape.element));
    Type stored = mixer.y.getElementType();
    tilesY = k.alloc(map.y, k.tiles({rows, shape.y, 64, 64}, stored));
  }
  auto table = [&](int32_t index, Type element) {
    return k.alloc(map.tables + index * map.tableArray,
                   k.tables({heads, shape.tables, 64}, element));
  };
  tableCumulative = table(0, k.f32());
  tableFromStart = table(1, k.f32());
  tableToBlockEnd = table(2, k.f32());
  tableScale = table(3, k.f32());
  tableToEnd = table(4, k.i32());
  if (shape.hasSegments)
    tableStarts = table(5, k.f32());
  tableTotal = k.alloc(map.totals, k.tables({heads, shape.tables, 4}, k.f32()));

  // Who arrives: TMA producers count once a stage, consumers by the warp where
  // they read with ordinary loads and by the warpgroup where only products do.
  int32_t at = map.barriers;
  int32_t scores = shape.hasOutputs, perHead = shape.rowBlocksPerHead;
  ringMaps = k.ring(at, shape.maps, 1, 1, scores + rows * parts);
  ringX = k.ring(at += 16 * shape.maps, shape.x, rows, 1, 4 * parts);
  ringTables = k.ring(at += 16 * rows * shape.x, shape.tables, heads, 1,
                      4 * (scores + perHead * parts));
  if (shape.hasOutputs)
    ringScores = k.ring(at += 16 * heads * shape.tables, shape.scores, heads, 4,
                        perHead);
  if (shape.hasTile) {
    Value tiled = ChunkedEpilogue::getTiled(mixer);
    Type element = cast<MemRefType>(tiled.getType()).getElementType();
    tilesEpilogue =
        k.alloc(map.epilogue, k.tiles({rows, shape.tile, 64, 64}, element));
    ringEpilogue =
        k.ring(at += 16 * heads * shape.scores, shape.tile, rows, 1, 4);
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
  return {at(tableCumulative),
          at(tableFromStart),
          at(tableToBlockEnd),
          at(tableScale),
          at(tableToEnd),
          at(tableTotal),
          tableStarts ? at(tableStarts) : Value()};
}

//===----------------------------------------------------------------------===//
// Units of work
//===----------------------------------------------------------------------===//

Value ChunkedKernel::placeRows(ChunkedUnit &unit, Value index) {
  Value rows = k.rem(index, shape.unitsPerBatch);
  unit.firstHead = k.mul(k.div(rows, shape.unitsPerHead), shape.heads);
  unit.firstRow = k.mul(k.rem(rows, shape.unitsPerHead),
                        shape.kRows * shape.rowBlocksPerHead);
  return k.div(index, shape.unitsPerBatch);
}

ChunkedUnit ChunkedKernel::unitOf(Value sequence, Value first, Value last) {
  ChunkedUnit unit;
  unit.batch = placeRows(unit, sequence);
  Value start = k.mul(sequence, chunks);
  unit.firstChunk = k.max(k.sub(first, start), k.i(0));
  unit.lastChunk = k.min(k.sub(last, start), chunks);
  unit.sequence = unit.batch;
  unit.length = length;
  return unit;
}

/// Offsets are data: whatever they are, nothing outside of the buffers is
/// touched.
ChunkedUnit ChunkedKernel::packedUnitOf(Value index) {
  ChunkedUnit unit;
  unit.batch = unit.firstChunk = k.i(0);
  unit.sequence = placeRows(unit, index);
  auto bound = [&](Value i, Value least) {
    return k.min(k.max(p.offsets.load(k, i), least), length);
  };
  unit.firstToken = bound(unit.sequence, k.i(0));
  Value end = bound(k.add(unit.sequence, 1), unit.firstToken);
  unit.length = k.sub(end, unit.firstToken);
  unit.lastChunk = k.div(k.add(unit.length, 63), 64);
  return unit;
}

RowBlock ChunkedKernel::rowBlockOf(const ChunkedUnit &unit, Value index,
                                   int32_t part) {
  RowBlock block;
  block.index = index;
  block.part = part;
  block.warpgroup = k.add(index, part * shape.rowBlocks());
  block.head = k.div(index, shape.rowBlocksPerHead);
  block.firstRow = k.add(
      unit.firstRow, k.mul(k.rem(index, shape.rowBlocksPerHead), shape.kRows));
  if (shape.hasPadding())
    block.rows = k.sub(k.i(shape.headDim), block.firstRow);
  return block;
}

/// Block i owns chunks i·n to (i+1)·n of all sequences laid end to end and
/// takes its sequences from the last to the first: the beginning of one that
/// goes on in the next block comes first, the end of one begun in the block
/// before last, so that what is handed over has long been there. Only the
/// former leave a state that somebody waits for.
void ChunkedKernel::forEachChunk(ValueRange carried, UnitHook begin,
                                 ChunkHook chunk, UnitHook end) {
  if (shape.phase == ChunkedPhase::packed)
    return forEachPackedChunk(carried, begin, chunk, end);
  Value sequences = k.mul(k.argument(p.batch), shape.unitsPerBatch);
  Value run = k.argument(p.schedule.chunksPerBlock);
  Value first = k.mul(k.create<BlockOp>(), run);
  Value last = k.min(k.add(first, run), k.mul(sequences, chunks));
  Value firstSequence = k.div(first, chunks);
  Value lastSequence = k.div(k.add(last, -1), chunks);
  Value count = k.select(k.less(first, last),
                         k.add(k.sub(lastSequence, firstSequence), 1), k.i(0));
  if (!shape.hasOutputs) {
    Value isCut = k.less(k.i(0), k.rem(last, chunks));
    count = k.select(isCut, k.min(count, k.i(1)), k.i(0));
  }
  k.loop(k.i(0), count, k.i(1), carried, [&](Value index, ValueRange values) {
    ChunkedUnit unit = unitOf(k.sub(lastSequence, index), first, last);
    Values inner = begin(unit, values);
    inner = k.loop(unit.firstChunk, unit.lastChunk, k.i(1), inner,
                   [&](Value c, ValueRange v) { return chunk(unit, c, v); });
    return end(unit, inner);
  });
}

void ChunkedKernel::forEachPackedChunk(ValueRange carried, UnitHook begin,
                                       ChunkHook chunk, UnitHook end) {
  Value units = k.mul(k.argument(p.sequences), shape.unitsPerBatch);
  k.loop(k.create<BlockOp>(), units, k.create<GridOp>(), carried,
         [&](Value index, ValueRange values) {
           ChunkedUnit unit = packedUnitOf(index);
           Values inner = begin(unit, values);
           inner =
               k.loop(unit.firstChunk, unit.lastChunk, k.i(1), inner,
                      [&](Value c, ValueRange v) { return chunk(unit, c, v); });
           return end(unit, inner);
         });
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
  fill([&](Value) { produce(); });
  if (shape.hasOutputs)
    fill([&](Value) { score(); });
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
  k.create<InitRingsOp>(rings);
  if (shape.hasOutputs)
    clearScores();
  k.create<FenceAsyncOp>();
  k.create<BarrierOp>(Value(), IntegerAttr());
}

void ChunkedKernel::clearScores() {
  int32_t heads = shape.heads, words = heads * shape.scores * kTileBytes / 4;
  Value flat = k.alloc(MemoryMap(shape).g, k.tables({words}, k.i32()));
  Value thread =
      k.add(k.create<ThreadOp>(), k.mul(k.create<WarpgroupOp>(), 128));
  Value zero = k.i(0);
  // 128 threads cover 512 words; there are as many warpgroups as heads.
  k.when(k.less(thread, k.i(128 * heads)), [&]() {
    for (int32_t i = 0; i < words; i += 512 * heads)
      k.store({zero, zero, zero, zero}, flat, k.add(k.mul(thread, 4), i));
  });
}

void ChunkedKernel::produce() {
  Value warp = k.create<WarpOp>();
  auto is = [&](int32_t index) { return k.equal(warp, k.i(index)); };
  k.when(is(0), [&]() { k.elect(Agent::warp, [&]() { produceMaps(); }); });
  k.when(is(1), [&]() { k.elect(Agent::warp, [&]() { produceX(); }); });
  Value head = k.add(warp, -2);
  Value mine = k.create<arith::AndIOp>(k.less(k.i(1), warp),
                                       k.less(head, k.i(shape.heads)));
  k.when(mine, [&]() { cumulativeDecayRole(head); });
}

static KernelBuilder::Values same(ValueRange values) {
  return KernelBuilder::Values(values);
}

void ChunkedKernel::fetch(unsigned map, const ChunkedUnit &unit, Value chunk,
                          Value outer, Value inner, Value tile, Value ring,
                          Value cursor, CacheHint hint) {
  Value at[] = {unit.batch, tokenOf(unit, k.mul(chunk, 64)), outer, inner};
  k.create<TMALoadOp>(k.argument(map), ValueRange(at), tile, ring, cursor,
                      hint);
}

void ChunkedKernel::produceMaps() {
  auto keep = [](const ChunkedUnit &, ValueRange v) { return same(v); };
  forEachChunk(
      k.cursor(shape.maps), keep,
      [&](const ChunkedUnit &unit, Value chunk, ValueRange carried) -> Values {
        Value cursor = carried[0];
        Value group = k.div(unit.firstHead, mixer.heads / mixer.groups);
        k.create<AcquireOp>(ringMaps, cursor);
        k.create<ExpectOp>(ringMaps, cursor,
                           (1 + shape.hasOutputs) * shape.mapBytes());
        for (auto [map, tiles] : {std::pair(p.mapC, tilesC), {p.mapB, tilesB}})
          for (int32_t part = 0; tiles && part < shape.columnParts; ++part)
            fetch(map, unit, chunk, group, k.i(part * shape.columns),
                  k.slice(k.slice(tiles, cursor), k.i(part)), ringMaps, cursor,
                  CacheHint::evict_last);
        return {k.advance(cursor)};
      },
      keep);
}

/// x's tiles, and those of the epilogue's tensor.
void ChunkedKernel::produceX() {
  auto keep = [](const ChunkedUnit &, ValueRange v) { return same(v); };
  forEachChunk(
      {k.cursor(shape.x), k.cursor(shape.tile)}, keep,
      [&](const ChunkedUnit &unit, Value chunk, ValueRange carried) -> Values {
        auto fetchAll = [&](unsigned map, Value tiles, Value rings,
                            Value cursor) {
          for (int32_t i = 0; i < shape.rowBlocks(); ++i) {
            RowBlock rows = rowBlockOf(unit, k.i(i));
            Value ring = k.slice(rings, rows.index);
            k.create<AcquireOp>(ring, cursor);
            k.create<ExpectOp>(ring, cursor, kTileBytes);
            fetch(map, unit, chunk, k.add(unit.firstHead, rows.head),
                  rows.firstRow, k.slice(k.slice(tiles, rows.index), cursor),
                  ring, cursor, CacheHint::evict_first);
          }
        };
        fetchAll(p.mapX, tilesX, ringX, carried[0]);
        if (shape.hasTile)
          fetchAll(epilogue->getTileMap(), tilesEpilogue, ringEpilogue,
                   carried[1]);
        return {k.advance(carried[0]), k.advance(carried[1])};
      },
      keep);
}

/// C·Bᵀ once a chunk, then its decayed bf16 copy for each head.
void ChunkedKernel::score() {
  Value warp = k.create<WarpOp>();
  auto keep = [](const ChunkedUnit &, ValueRange v) { return same(v); };
  Values cursors = {k.cursor(shape.maps), k.cursor(shape.tables),
                    k.cursor(shape.scores)};
  forEachChunk(
      cursors, keep,
      [&](const ChunkedUnit &, Value, ValueRange carried) -> Values {
        Value maps = carried[0], tables = carried[1], slots = carried[2];
        k.wait(ringMaps, maps);
        Value scores =
            chunkScores(k.slice(tilesC, maps), k.slice(tilesB, maps));
        k.create<ReleaseOp>(ringMaps, maps, Agent::warpgroup);
        SmallVector<DecayTables> decays;
        Values targets;
        for (int32_t h = 0; h < shape.heads; ++h) {
          k.wait(k.slice(ringTables, k.i(h)), tables);
          k.create<AcquireOp>(k.slice(ringScores, k.i(h)), slots);
          decays.push_back(tablesOf(k.i(h), tables));
          targets.push_back(k.slice(k.slice(tilesG, k.i(h)), slots));
        }
        decayScores(scores, decays, warp, targets);
        k.create<FenceAsyncOp>();
        for (int32_t h = 0; h < shape.heads; ++h) {
          k.create<CommitOp>(k.slice(ringScores, k.i(h)), slots, Agent::warp);
          k.create<ReleaseOp>(k.slice(ringTables, k.i(h)), tables, Agent::warp);
        }
        return {k.advance(maps), k.advance(tables), k.advance(slots)};
      },
      keep);
}

/// A part of one row block's state over time, and without outputs the product
/// of its decays.
void ChunkedKernel::state(Value index, int32_t part) {
  forEachChunk(
      StateCursors::first(k, shape),
      [&](const ChunkedUnit &unit, ValueRange v) -> Values {
        Values inner(v);
        RowBlock rows = rowBlockOf(unit, index, part);
        if (shape.hasOutputs && part == 0)
          epilogue->begin(k, unit.batch, k.add(unit.firstHead, rows.head),
                          rows.firstRow, rows.rows);
        inner.push_back(startState(unit, rows));
        if (!shape.hasOutputs)
          inner.push_back(k.f(1));
        return inner;
      },
      [&](const ChunkedUnit &unit, Value chunk, ValueRange v) -> Values {
        Values inner(v);
        RowBlock rows = rowBlockOf(unit, index, part);
        if (shape.hasOutputs)
          stateChunk(unit, chunk, rows, inner);
        else
          localChunk(rows, inner);
        return inner;
      },
      [&](const ChunkedUnit &unit, ValueRange v) -> Values {
        finishState(unit, rowBlockOf(unit, index, part),
                    v.take_back(shape.hasOutputs ? 1 : 2));
        return Values(v.take_front(StateCursors::kCount));
      });
  if (shape.hasOutputs)
    k.elect(Agent::warpgroup, [&]() { k.create<TMAStoreWaitOp>(0); });
}
