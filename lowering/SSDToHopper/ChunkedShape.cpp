//===- ChunkedShape.cpp - Chunked kernel: sizes -----------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/ChunkedShape.h"
#include "lowering/SSDToHopper/ChunkedEpilogue.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace ssd;

static constexpr int32_t kTableBytes = 64 * 4;
static constexpr int32_t kPartialBytes = 64 * 64 * 4;
/// What a block can have on Hopper, and on every chip since Ampere.
static constexpr int32_t kMaxSharedBytes = 227 * 1024,
                         kMaxPortableSharedBytes = 99 * 1024;

/// Tiles first, which are aligned to their swizzle.
ChunkedMemory::ChunkedMemory(const ChunkedShape &s,
                             const ChunkedShape::Stages &n) {
  int32_t rows = s.rowBlocks(), next = 0;
  auto take = [&](int32_t bytes) { return std::exchange(next, next + bytes); };
  tile = s.terms * s.kTileBytes;
  tableArray = s.heads * n.tables * kTableBytes;
  b = take(n.maps * s.mapBytes());
  c = take(n.maps * s.mapBytes());
  x = take(rows * n.x * tile);
  g = take(s.heads * n.scores * tile);
  y = partial = take(s.hasTilesOfY() * rows * n.y * tile);
  if (!s.reusesPartialY())
    partial = next;
  next = std::max(next,
                  partial + s.hasPartialY() * rows * s.partial * kPartialBytes);
  epilogue = take(s.hasTile * rows * n.y * tile);
  tables = take(s.tables() * tableArray);
  totals = take(s.heads * n.tables * 16);
  barriers = take(16 * (n.maps + s.heads * (n.tables + n.scores) +
                        rows * (n.x + n.y + s.partial)));
  end = next;
}

/// From the best to what fits, with one term and a state in one part in any
/// case. One slot of y costs a barrier, and one stage of B and C that nobody
/// works while they come.
static ArrayRef<ChunkedShape::Stages> getStages(const ChunkedShape &shape) {
  using Stages = ChunkedShape::Stages;
  static constexpr Stages hopper[] = {
      {3, 3, 4, 2, 2}, {2, 3, 4, 2, 2}, {1, 3, 4, 2, 2}};
  static constexpr Stages portable[] = {
      {2, 2, 4, 2, 2}, {2, 2, 2, 1, 1}, {2, 1, 1, 1, 1}, {1, 1, 1, 1, 1}};
  static constexpr Stages ofTerms[] = {
      {2, 3, 4, 2, 2}, {2, 2, 4, 2, 1}, {1, 2, 2, 1, 1}, {1, 1, 1, 1, 1}};
  if (shape.isSplit())
    return ofTerms;
  return shape.isPortable ? ArrayRef(portable) : ArrayRef(hopper);
}

/// Only rows can be copied backwards, and split into terms on the way.
static Transport transportOf(const MixerUnit &unit, ChunkedBlock block) {
  if (block.isPortable || unit.reverse || unit.x.getElementType().isF32())
    return Transport::rows;
  return unit.offsets ? Transport::boxesAndRows : Transport::boxes;
}

ChunkedShape::ChunkedShape(const MixerUnit &unit, ChunkedBlock block)
    : isPortable(block.isPortable), isPacked(unit.offsets),
      // Whether a sequence is cut must not depend on the batch where results
      // must not.
      mayCut(!isPacked && partsOf(unit) != 1 &&
             (partsOf(unit) || !unit.batchInvariant)),
      transport(transportOf(unit, block)), columnParts(columnPartsOf(unit)),
      headDim(unit.headDim), stateDim(unit.stateDim),
      columns(std::min<int64_t>(llvm::alignTo(stateDim, 64), kMaxColumns)),
      element(unit.x.getElementType().isF32()
                  ? BFloat16Type::get(unit.x.memref.getContext())
                  : unit.x.getElementType()),
      terms(unit.x.getElementType().isF32() ? 2 : 1),
      hasTile(ChunkedEpilogue::getTiled(unit)), hasSegments(unit.segmentIds) {
  int64_t ofHead = llvm::divideCeil(headDim, kRows),
          rows = isPortable ? 1 : block.stateWarpgroups / columnParts;
  rowBlocksPerHead = std::min(rows, ofHead);
  heads = rows / rowBlocksPerHead;
  unitsPerHead = llvm::divideCeil(ofHead, rowBlocksPerHead);
  unitsPerBatch = unit.heads / heads * unitsPerHead;
  SmallVector<Stages> choices(getStages(*this));
  if (auto given = unit.stages)
    choices = {{given.getMaps(), given.getX(), given.getTables(),
                given.getScores(), given.getY()}};
  for (const Stages &choice : choices) {
    stages = choice;
    whyNot = whyNotStages(choice);
    if (whyNot.empty())
      return;
  }
}

std::string ChunkedShape::whyNotStages(const Stages &wanted) const {
  int32_t bytes = ChunkedMemory(*this, wanted).end,
          most = isPortable ? kMaxPortableSharedBytes : kMaxSharedBytes;
  if (bytes > most)
    return llvm::formatv("a block's tiles and tables take {0} bytes of shared "
                         "memory, more than {1}",
                         bytes, most);
  if (scoreWarpgroups() > 1 && (wanted.maps == 1 || wanted.scores == 1))
    return "warpgroups that take turns at the scores need two stages of them "
           "and of maps"; // see scoreChunk
  if (transport != Transport::rows && wanted.y == 1)
    return "a slot of y is written while the one before is sent off";
  return {};
}

SmallVector<int32_t> ChunkedShape::warpgroups() const {
  SmallVector<int32_t> counts = {producerWarpgroups(), scoreWarpgroups()};
  counts.append(columnParts, rowBlocks());
  return counts;
}

SmallVector<int32_t> ChunkedShape::registers() const {
  auto with = [&](SmallVector<int32_t> others, int32_t state) {
    others.append(columnParts, state);
    return others;
  };
  if (isPortable) // all threads have equally many
    return SmallVector<int32_t>(
        warpgroups().size(),
        hopper::SpecializeOp::getEqualBudget(threads() / 128));
  if (isSplit())
    return with({80, 112}, 240);
  if (stateWarpgroups() == 1)
    return with({40, 112}, 240);
  if (hasSegments)
    return with({40, 88}, 192);
  if (heads == 2) // whose scores take more
    return with({48, 80}, 192);
  return with({40, 72}, 200);
}
