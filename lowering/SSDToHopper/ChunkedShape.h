//===- ChunkedShape.h - Chunked kernel: sizes -------------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_CHUNKEDSHAPE_H
#define SSD_LOWERING_SSDTOHOPPER_CHUNKEDSHAPE_H

#include "lowering/SSDToHopper/ChunkedTransport.h"

namespace ssd {

/// What a block is made of, and what for: for Hopper alone of one or two
/// warpgroups of states, for every chip since Ampere of those that one row
/// block takes.
struct ChunkedBlock {
  static constexpr ChunkedBlock portable() { return {0, true}; }

  int32_t stateWarpgroups;
  bool isPortable = false;
};

/// Sizes that shape the code: 64 tokens a chunk, and states transposed in
/// accumulators: a state warpgroup has a row block of 64 rows of P and all
/// columns, or 128 of them. Rows beyond P and columns beyond N are zeros.
struct ChunkedShape {
  static constexpr int64_t kRows = 64, kMaxColumns = 128;
  static constexpr int32_t kTileBytes = 64 * 64 * 2; // of a term

  /// State warpgroups that a row block takes, each with a part of the columns.
  static int32_t columnPartsOf(const MixerUnit &unit) {
    return llvm::divideCeil(unit.stateDim, kMaxColumns);
  }
  /// Of a sequence, as the form has it; 0 where that leaves it open.
  static int32_t partsOf(const MixerUnit &unit) {
    auto form = mlir::dyn_cast_or_null<ChunkedAttr>(unit.form);
    return form && form.getTasks() == 0 ? form.getParts() : 0;
  }
  /// The block's state warpgroups are a multiple of the parts.
  ChunkedShape(const MixerUnit &unit, ChunkedBlock block);

  /// Why a block cannot have the stages that were asked for, or any; empty if
  /// it has.
  std::string whyNot;

  bool isPortable;
  bool isPacked; // sequences of any lengths one behind the other, whole
  bool mayCut;   // runs may be shorter than sequences
  Transport transport;
  /// A block's row blocks are of one head, which then share its decay tables
  /// and scores, or of two heads of one group, which share C·Bᵀ.
  int32_t heads, rowBlocksPerHead, columnParts;
  int64_t headDim;       // P
  int64_t stateDim;      // N
  int64_t columns;       // of a part
  int64_t unitsPerHead;  // runs of row blocks of one head
  int64_t unitsPerBatch; // of an entry of the batch
  mlir::Type element;    // of tiles of x, b and c
  int32_t terms;         // of that type, whose sum an element of x, b or c is
  bool hasTile;          // the epilogue reads a tensor of y's shape
  bool hasSegments;      // scores are cut where segments start

  /// Stages of the rings: B and C, x, tables and scores, and slots of y, which
  /// are those of the epilogue's tensor, too.
  struct Stages {
    int32_t maps, x, tables, scores, y;
  };
  Stages stages;
  std::string whyNotStages(const Stages &wanted) const;
  static constexpr int32_t partial = 1;

  int32_t rowBlocks() const { return heads * rowBlocksPerHead; }
  int32_t stateWarpgroups() const { return rowBlocks() * columnParts; }
  /// Warpgroups that take turns at the chunks' scores: one keeps up with two
  /// row blocks, but not with one.
  int32_t scoreWarpgroups() const {
    return isPortable || stateWarpgroups() > 1 || isSplit() ? 1 : 2;
  }
  int32_t threads() const {
    return 128 * (producerWarpgroups() + scoreWarpgroups() + stateWarpgroups());
  }
  /// Of one map.
  int64_t mapBytes() const { return 64 * columnParts * columns * 2 * terms; }
  /// Whether elements are split into terms on their way to shared memory.
  bool isSplit() const { return terms > 1; }
  /// Whether cumulative decays are pairs of f32: one rounds away more than
  /// terms do.
  bool hasLowDecays() const { return isSplit(); }
  /// Whether a chunk's sum starts at zero and is added to the state later:
  /// tensor cores truncate their sums, which over thousands of tokens is more
  /// than terms may be wrong by.
  bool addsChunksApart() const { return isSplit(); }
  /// Whether terms and sums of their own leave no registers for what is not
  /// needed yet.
  bool loadsLate() const { return isSplit(); }
  /// Decay tables of a head and chunk with an entry a token.
  int32_t tables() const { return 5 + hasLowDecays() + hasSegments; }
  /// Whether y is sent off from shared memory.
  bool hasTilesOfY() const { return !isSplit(); }
  /// Crews that fill a stage of the maps: one, or one for B and one for C, as
  /// splitting takes time.
  int32_t mapCrews() const { return isSplit() ? 2 : 1; }
  /// Warps of a crew, which share the rows: where there are registers for more
  /// warps, two.
  int32_t crew() const { return producerWarpgroups(); }
  int32_t producerWarpgroups() const {
    return isSplit() && !isPortable ? 2 : 1;
  }
  int64_t stateElements() const { return kRows * columns; } // of a warpgroup
  /// Whether row blocks reach beyond P.
  bool hasPadding() const {
    return headDim != kRows * rowBlocksPerHead * unitsPerHead;
  }
  /// Who releases, for each warpgroup, what only its products read: wgmma is
  /// the warpgroup's, mma.sync a warp's.
  hopper::Agent productAgent() const {
    return isPortable ? hopper::Agent::warp : hopper::Agent::warpgroup;
  }
  int32_t productArrivals() const { return isPortable ? 4 : 1; }
  /// When that is: products that are waited for have read it. Those of mma.sync
  /// load it, and only a store of what came of them shows that the loads have
  /// arrived: see ReleaseOp.
  bool releasesLate() const { return isPortable; }
  /// Whether y is summed up over parts.
  bool hasPartialY() const { return columnParts > 1; }
  /// Whether a tile of y lies where partial y was, for want of shared memory.
  bool reusesPartialY() const { return hasPartialY() && isPortable; }
  /// Warpgroups and their registers: producers, scores, each part of states.
  llvm::SmallVector<int32_t> warpgroups() const;
  llvm::SmallVector<int32_t> registers() const;
};

/// Where a block's tiles, tables and barriers are in its shared memory, in
/// bytes.
struct ChunkedMemory {
  explicit ChunkedMemory(const ChunkedShape &shape)
      : ChunkedMemory(shape, shape.stages) {}
  ChunkedMemory(const ChunkedShape &shape, const ChunkedShape::Stages &stages);

  int32_t tile;       // size of one, with all its terms
  int32_t tableArray; // size of the same table of all heads and stages
  int32_t b, c, x, g, y, partial, epilogue, tables, totals, barriers, end;
};

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_CHUNKEDSHAPE_H
