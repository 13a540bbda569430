//===- ChunkedUnits.cpp - Chunked kernel: units of work ---------*- C++ -*-===//
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
  unit.start = k.mul(sequence, chunks);
  unit.firstChunk = k.max(k.sub(first, unit.start), k.i(0));
  unit.lastChunk = k.min(k.sub(last, unit.start), chunks);
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
/// before last, so that what is handed over has long been there.
void ChunkedKernel::forEachChunk(ValueRange carried, UnitHook begin,
                                 ChunkHook chunk, UnitHook end) {
  if (shape.isPacked)
    return forEachPackedChunk(carried, begin, chunk, end);
  auto [first, last] = runOfBlock();
  Value firstSequence = k.div(first, chunks);
  Value lastSequence = k.div(k.add(last, -1), chunks);
  Value count = k.select(k.less(first, last),
                         k.add(k.sub(lastSequence, firstSequence), 1), k.i(0));
  k.loop(k.i(0), count, k.i(1), carried,
         [&, first = first, last = last](Value index, ValueRange values) {
           ChunkedUnit unit = unitOf(k.sub(lastSequence, index), first, last);
           Values inner = begin(unit, values);
           inner =
               k.loop(unit.firstChunk, unit.lastChunk, k.i(1), inner,
                      [&](Value c, ValueRange v) { return chunk(unit, c, v); });
           return end(unit, inner);
         });
}

std::pair<Value, Value> ChunkedKernel::runOfBlock() {
  Value sequences = k.mul(k.argument(p.batch), shape.unitsPerBatch);
  Value run = k.argument(p.schedule.chunksPerBlock);
  Value first = k.mul(k.create<BlockOp>(), run);
  return {first, k.min(k.add(first, run), k.mul(sequences, chunks))};
}

/// Of the sequence that goes on in the next block, if there is one: only that
/// one's state does somebody wait for.
Value ChunkedKernel::chunksAhead() {
  auto [first, last] = runOfBlock();
  Value sequenceStart = k.sub(last, k.rem(last, chunks));
  Value count = k.sub(last, k.max(first, sequenceStart));
  return k.select(isCut(), k.max(count, k.i(0)), k.i(0));
}

KernelBuilder::Values ChunkedKernel::forEachChunkAhead(ValueRange carried,
                                                       UnitHook begin,
                                                       ChunkHook chunk,
                                                       UnitHook end) {
  if (!shape.mayCut)
    return Values(carried);
  Value count = chunksAhead();
  auto [first, last] = runOfBlock();
  ChunkedUnit unit = unitOf(k.div(last, chunks), first, last);
  return k.choose(
      k.less(k.i(0), count), carried.getTypes(),
      [&]() {
        Values inner = begin(unit, carried);
        inner =
            k.loop(unit.firstChunk, unit.lastChunk, k.i(1), inner,
                   [&](Value c, ValueRange v) { return chunk(unit, c, v); });
        return end(unit, inner);
      },
      [&]() { return Values(carried); });
}

/// The state warpgroups have seen every stage that was filled so far; a barrier
/// tells a phase from the next, but not from the one after.
void ChunkedKernel::meetAfterStatesAhead() {
  if (!shape.mayCut)
    return;
  int32_t warpgroups = shape.scoreWarpgroups() + shape.stateWarpgroups();
  k.when(k.less(k.i(0), chunksAhead()), [&]() {
    k.create<BarrierOp>(k.i(1 + shape.stateWarpgroups()),
                        k.attribute(128 * warpgroups));
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
