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

namespace {
constexpr int32_t kMapBytes = 64 * 128 * 2; // a B or C tile
constexpr int32_t kTileBytes = 64 * 64 * 2;
constexpr int32_t kTableBytes = 64 * 4;
using S = ChunkedStages;

/// Byte offsets for so many heads a block.
struct MemoryMap {
  explicit MemoryMap(int32_t heads)
      : b(0), c(b + S::maps * kMapBytes), x(c + S::maps * kMapBytes),
        g(x + heads * S::x * kTileBytes), y(g + heads * S::scores * kTileBytes),
        tables(y + heads * S::y * kTileBytes),
        tableArray(heads * S::tables * kTableBytes),
        totals(tables + 5 * tableArray),
        barriers(totals + heads * S::tables * 16),
        end(barriers +
            16 * (S::maps + heads * (S::x + S::tables + S::scores))) {}
  int32_t b, c, x, g, y, tables, tableArray, totals, barriers, end;
};
} // namespace

int32_t ChunkedKernel::sharedBytes(int32_t heads) {
  return MemoryMap(heads).end;
}

ChunkedKernel::ChunkedKernel(KernelBuilder &k,
                             const ChunkedKernelConfig &config,
                             const ChunkedParameters &parameters)
    : k(k), config(config), p(parameters), heads(config.headsPerBlock) {
  MemoryMap map(heads);
  tilesB = k.alloc(map.b, k.tiles({S::maps, 64, 128}));
  tilesC = k.alloc(map.c, k.tiles({S::maps, 64, 128}));
  tilesX = k.alloc(map.x, k.tiles({heads, S::x, 64, 64}));
  tilesG = k.alloc(map.g, k.tiles({heads, S::scores, 64, 64}));
  tilesY = k.alloc(map.y, k.tiles({heads, S::y, 64, 64}));
  auto table = [&](int32_t index, Type element) {
    return k.alloc(map.tables + index * map.tableArray,
                   k.tables({heads, S::tables, 64}, element));
  };
  tableCumulative = table(0, k.f32());
  tableFromStart = table(1, k.f32());
  tableToBlockEnd = table(2, k.f32());
  tableScale = table(3, k.f32());
  tableToEnd = table(4, k.i32());
  tableTotal = k.alloc(map.totals, k.tables({heads, S::tables, 4}, k.f32()));

  // Who arrives: TMA producers count once a stage, consumers by the warp where
  // they read with ordinary loads and by the warpgroup where only products do.
  int32_t at = map.barriers;
  ringMaps = k.ring(at, S::maps, 1, 1, 1 + heads);
  ringX = k.ring(at += 16 * S::maps, S::x, heads, 1, 4);
  ringTables = k.ring(at += 16 * heads * S::x, S::tables, heads, 1, 8);
  ringScores = k.ring(at += 16 * heads * S::tables, S::scores, heads, 4, 1);

  chunks = k.div(k.add(p.length, 63), k.i(64));
}

DecayTables ChunkedKernel::tablesOf(Value head, Value cursor) {
  auto at = [&](Value array) { return k.slice(k.slice(array, head), cursor); };
  return {at(tableCumulative), at(tableFromStart), at(tableToBlockEnd),
          at(tableScale),      at(tableToEnd),     at(tableTotal)};
}

//===----------------------------------------------------------------------===//
// Units of work
//===----------------------------------------------------------------------===//

ChunkedUnit ChunkedKernel::unitOf(Value sequence, Value first, Value last) {
  ChunkedUnit unit;
  Value perBatch = k.i(config.mixer.heads / heads);
  unit.batch = k.div(sequence, perBatch);
  unit.firstHead = k.mul(k.rem(sequence, perBatch), heads);
  Value start = k.mul(sequence, chunks);
  unit.firstChunk = k.max(k.sub(first, start), k.i(0));
  unit.lastChunk = k.min(k.sub(last, start), chunks);
  return unit;
}

/// Block i owns chunks i·n to (i+1)·n of all sequences laid end to end and
/// takes its sequences from the last to the first: the beginning of one that
/// goes on in the next block comes first, the end of one begun in the block
/// before last, so that what is handed over has long been there.
void ChunkedKernel::forEachChunk(ValueRange carried, UnitHook begin,
                                 ChunkHook chunk, UnitHook end) {
  Value sequences = k.mul(p.batch, config.mixer.heads / heads);
  Value first = k.mul(k.create<BlockOp>(), p.chunksPerBlock);
  Value last = k.min(k.add(first, p.chunksPerBlock), k.mul(sequences, chunks));
  Value firstSequence = k.div(first, chunks);
  Value lastSequence = k.div(k.add(last, -1), chunks);
  Value count = k.select(k.less(first, last),
                         k.add(k.sub(lastSequence, firstSequence), 1), k.i(0));
  k.loop(k.i(0), count, k.i(1), carried, [&](Value index, ValueRange values) {
    ChunkedUnit unit = unitOf(k.sub(lastSequence, index), first, last);
    Values inner = begin(unit, values);
    inner = k.loop(unit.firstChunk, unit.lastChunk, k.i(1), inner,
                   [&](Value c, ValueRange v) { return chunk(unit, c, v); });
    return end(unit, inner);
  });
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

void ChunkedKernel::emit() {
  prepare();
  auto role = k.create<SpecializeOp>(ArrayRef<int32_t>{1, 1, heads},
                                     config.registers(), /*rolesCount=*/3);
  auto fill = [&](unsigned i, function_ref<void(Value)> body) {
    OpBuilder::InsertionGuard guard(k.builder);
    Block *block =
        k.builder.createBlock(&role.getRoles()[i], {}, {k.i32()}, {k.loc});
    body(block->getArgument(0));
    k.create<YieldOp>(ValueRange());
  };
  fill(0, [&](Value) { produce(); });
  fill(1, [&](Value) { score(); });
  fill(2, [&](Value head) { state(head); });
}

/// Barriers, and zeros where the scores of blocks above the diagonal will never
/// be written.
void ChunkedKernel::prepare() {
  k.create<InitRingsOp>(ValueRange{ringMaps, ringX, ringTables, ringScores});
  int32_t words = heads * S::scores * kTileBytes / 4;
  Value flat = k.alloc(MemoryMap(heads).g, k.tables({words}, k.i32()));
  Value thread =
      k.add(k.create<ThreadOp>(), k.mul(k.create<WarpgroupOp>(), 128));
  Value zero = k.i(0);
  // 128 threads cover 512 words; the state warpgroups are as many as heads.
  k.when(k.less(thread, k.i(128 * heads)), [&]() {
    for (int32_t i = 0; i < words; i += 512 * heads)
      k.store({zero, zero, zero, zero}, flat, k.add(k.mul(thread, 4), i));
  });
  k.create<FenceAsyncOp>();
  k.create<BarrierOp>(Value(), IntegerAttr());
}

void ChunkedKernel::produce() {
  Value warp = k.create<WarpOp>();
  auto is = [&](int32_t index) { return k.equal(warp, k.i(index)); };
  k.when(is(0), [&]() { k.elect(Agent::warp, [&]() { produceMaps(); }); });
  k.when(is(1), [&]() { k.elect(Agent::warp, [&]() { produceX(); }); });
  Value head = k.add(warp, -2);
  Value mine =
      k.create<arith::AndIOp>(k.less(k.i(1), warp), k.less(head, k.i(heads)));
  k.when(mine, [&]() { cumulativeDecayRole(head); });
}

static KernelBuilder::Values same(ValueRange values) {
  return KernelBuilder::Values(values);
}

void ChunkedKernel::produceMaps() {
  Value zero = k.i(0);
  int32_t headsPerGroup = config.mixer.heads / config.mixer.groups;
  auto keep = [](const ChunkedUnit &, ValueRange v) { return same(v); };
  forEachChunk(
      k.cursor(S::maps), keep,
      [&](const ChunkedUnit &unit, Value chunk, ValueRange carried) -> Values {
        Value cursor = carried[0], token = k.mul(chunk, 64);
        Value group = k.div(unit.firstHead, k.i(headsPerGroup));
        k.create<AcquireOp>(ringMaps, cursor);
        k.create<ExpectOp>(ringMaps, cursor, 2 * kMapBytes);
        Value at[] = {unit.batch, token, group, zero};
        k.create<TMALoadOp>(p.mapC, ValueRange(at), k.slice(tilesC, cursor),
                            ringMaps, cursor, CacheHint::evict_last);
        k.create<TMALoadOp>(p.mapB, ValueRange(at), k.slice(tilesB, cursor),
                            ringMaps, cursor, CacheHint::evict_last);
        return {k.advance(cursor)};
      },
      keep);
}

void ChunkedKernel::produceX() {
  Value zero = k.i(0);
  auto keep = [](const ChunkedUnit &, ValueRange v) { return same(v); };
  forEachChunk(
      k.cursor(S::x), keep,
      [&](const ChunkedUnit &unit, Value chunk, ValueRange carried) -> Values {
        Value cursor = carried[0], token = k.mul(chunk, 64);
        for (int32_t h = 0; h < heads; ++h) {
          Value ring = k.slice(ringX, k.i(h));
          k.create<AcquireOp>(ring, cursor);
          k.create<ExpectOp>(ring, cursor, kTileBytes);
          Value at[] = {unit.batch, token, k.add(unit.firstHead, h), zero};
          k.create<TMALoadOp>(p.mapX, ValueRange(at),
                              k.slice(k.slice(tilesX, k.i(h)), cursor), ring,
                              cursor, CacheHint::evict_first);
        }
        return {k.advance(cursor)};
      },
      keep);
}

/// C·Bᵀ once a chunk, then its decayed bf16 copy for each head.
void ChunkedKernel::score() {
  Value warp = k.create<WarpOp>();
  auto keep = [](const ChunkedUnit &, ValueRange v) { return same(v); };
  Values cursors = {k.cursor(S::maps), k.cursor(S::tables),
                    k.cursor(S::scores)};
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
        for (int32_t h = 0; h < heads; ++h) {
          k.wait(k.slice(ringTables, k.i(h)), tables);
          k.create<AcquireOp>(k.slice(ringScores, k.i(h)), slots);
          decays.push_back(tablesOf(k.i(h), tables));
          targets.push_back(k.slice(k.slice(tilesG, k.i(h)), slots));
        }
        decayScores(scores, decays, warp, targets);
        k.create<FenceAsyncOp>();
        for (int32_t h = 0; h < heads; ++h) {
          k.create<CommitOp>(k.slice(ringScores, k.i(h)), slots, Agent::warp);
          k.create<ReleaseOp>(k.slice(ringTables, k.i(h)), tables, Agent::warp);
        }
        return {k.advance(maps), k.advance(tables), k.advance(slots)};
      },
      keep);
}

/// One row block's state over time.
void ChunkedKernel::state(Value head) {
  Values carried = {k.cursor(S::maps), k.cursor(S::x), k.cursor(S::tables),
                    k.cursor(S::scores), k.cursor(S::y)};
  Value skip;
  forEachChunk(
      carried,
      [&](const ChunkedUnit &unit, ValueRange v) -> Values {
        Values inner(v);
        Value index = k.add(unit.firstHead, head);
        if (config.mixer.skip)
          skip = k.loadGlobal(k.f32(), k.at(p.skip, k.mulWide(index, 4)), 4);
        inner.push_back(startState(unit, head));
        return inner;
      },
      [&](const ChunkedUnit &unit, Value chunk, ValueRange v) -> Values {
        Values inner(v);
        stateChunk(unit, chunk, head, skip, inner);
        return inner;
      },
      [&](const ChunkedUnit &unit, ValueRange v) -> Values {
        finishState(unit, head, v.back());
        return Values(v.drop_back());
      });
  k.elect(Agent::warpgroup, [&]() { k.create<TMAStoreWaitOp>(0); });
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

static LogicalResult checkConfig(gpu::GPUModuleOp module,
                                 const ChunkedKernelConfig &config) {
  const MixerOperands &mixer = config.mixer;
  if (mixer.headDim != 64 || mixer.stateDim != 128)
    return module.emitError("the chunked kernel has head dimension 64 and "
                            "state dimension 128");
  if (mixer.groups < 1 || mixer.heads % mixer.groups ||
      mixer.heads / mixer.groups % config.headsPerBlock)
    return module.emitError("the heads of a block belong to one group");
  if (config.headsPerBlock != 1 && config.headsPerBlock != 2)
    return module.emitError(
        "the chunked kernel takes one or two heads a block");
  if (!mixer.decay && !mixer.rate)
    return module.emitError("the chunked kernel expects a decay or a rate");
  if (mixer.scaleIsDecay && (!mixer.scale || !mixer.decay))
    return module.emitError("an absent scale or decay cannot be shared");
  return success();
}

LogicalResult ssd::buildChunkedKernel(OpBuilder &builder,
                                      gpu::GPUModuleOp module,
                                      const ChunkedKernelConfig &config) {
  if (failed(checkConfig(module, config)))
    return failure();
  OpBuilder::InsertionGuard guard(builder);
  KernelBuilder k(builder, module.getLoc());
  Type map = TensorMapType::get(builder.getContext(), {1, 64, 1, 64},
                                builder.getBF16Type());
  SmallVector<Type> inputs(4, map);
  inputs.append(8, k.global());
  inputs.append(3, k.i32());
  auto func =
      createKernel(builder, module, config.name, inputs, config.threads(),
                   ChunkedKernel::sharedBytes(config.headsPerBlock));
  auto a = func.getArguments();
  ChunkedParameters p = {a[0], a[1], a[2],  a[3],  a[4],  a[5],  a[6], a[7],
                         a[8], a[9], a[10], a[11], a[12], a[13], a[14]};
  ChunkedKernel(k, config, p).emit();
  return success();
}
