//===- LowerRows.cpp - Copies of rows ---------------------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/Emitter.h"

using namespace mlir;
using namespace ssd::hopper;

namespace {

// Eight threads a row, a piece of 16 bytes each.

/// Bytes from a row of global memory to the next.
Value strideBytes(Emitter &emit, Value stride, SharedType tile) {
  int64_t bytes = tile.getElementType().getIntOrFloatBitWidth() / 8;
  return emit.mul(stride, emit.constant64(bytes));
}

/// How many rows a thread's piece, from `column` on, has: none where its
/// columns are not there.
Value rowsOfPiece(Emitter &emit, Value rows, Value columns, Value column) {
  if (!columns)
    return rows;
  Value inside = arith::CmpIOp::create(
      emit.builder, emit.loc, arith::CmpIPredicate::slt, column, columns);
  return arith::SelectOp::create(emit.builder, emit.loc, inside, rows,
                                 emit.constant(0));
}

/// A thread's piece of its first row in global memory.
Value firstPiece(Emitter &emit, Value pointer, Value stride, Value row,
                 Value piece) {
  Value wide = arith::ExtUIOp::create(emit.builder, emit.loc, emit.i64(), row);
  return emit.offset(emit.offset(pointer, emit.mul(wide, stride)),
                     emit.shl(piece, 4));
}

/// Columns of a piece.
int32_t pieceColumns(SharedType tile) {
  return 128 / tile.getElementType().getIntOrFloatBitWidth();
}

/// Goes down rows of a tile, so many in a step, with the pointer to their like
/// in global memory, which `body` moves on. A loop that stays one: who copies
/// rows has few registers, or few to spare.
void forRows(Emitter &emit, int32_t rows, int32_t rowsInStep, Value pointer,
             function_ref<Value(Emitter &, Value row, Value pointer)> body) {
  auto loop = scf::ForOp::create(
      emit.builder, emit.loc, emit.constant(0), emit.constant(rows),
      emit.constant(rowsInStep), pointer,
      [&](OpBuilder &builder, Location loc, Value row, ValueRange carried) {
        Emitter inside(builder, loc);
        scf::YieldOp::create(builder, loc, body(inside, row, carried.front()));
      });
  MLIRContext *context = emit.builder.getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(
      context, /*disable=*/BoolAttr::get(context, true), {}, {}, {}, {}, {},
      {});
  loop->setAttr("loop_annotation", LLVM::LoopAnnotationAttr::get(
                                       context, {}, {}, {}, unroll, {}, {}, {},
                                       {}, {}, {}, {}, {}, {}, {}, {}));
}

Value lowerStoreRows(Emitter &emit, StoreRowsOp op,
                     StoreRowsOp::Adaptor adaptor) {
  constexpr int32_t kRowsAtOnce = 16;
  SharedType tile = op.getTile().getType();
  Value thread = emit.thread(), piece = emit.band(thread, 7);
  Value stride = strideBytes(emit, adaptor.getStride(), tile);
  Value rows = rowsOfPiece(emit, adaptor.getRows(), adaptor.getColumns(),
                           emit.mul(piece, pieceColumns(tile)));
  Value first = emit.shr(thread, 3);
  Value swizzled = emit.bxor(piece, emit.band(first, 7));
  Value source = emit.offset(
      adaptor.getTile(), emit.add(emit.shl(first, 7), emit.shl(swizzled, 4)));
  Value target = firstPiece(emit, adaptor.getTarget(), stride, first, piece);
  Value step = emit.mul(stride, emit.constant64(kRowsAtOnce));
  forRows(emit, tile.getRows(), kRowsAtOnce, target,
          [&](Emitter &inside, Value row, Value target) {
            inside.assembly(
                "{ .reg .pred p; .reg .b32 v<4>; setp.lt.s32 p, $2, $3;\n"
                "@p ld.shared.v4.b32 {v0, v1, v2, v3}, [$0];\n"
                "@p st.global.v4.b32 [$1], {v0, v1, v2, v3}; }",
                "r,l,r,r,~{memory}",
                {inside.address(inside.offset(source, inside.shl(row, 7))),
                 target, inside.add(first, row), rows});
            return inside.offset(target, step);
          });
  return {};
}

/// A warp's copy of 16 bytes to shared memory, zeros where `row` is not among
/// `rows`: of a copy of no bytes the source is not read.
void copyPiece(Emitter &emit, Value target, Value source, Value row,
               Value rows) {
  Value exists = arith::CmpIOp::create(emit.builder, emit.loc,
                                       arith::CmpIPredicate::slt, row, rows);
  Value bytes = arith::SelectOp::create(emit.builder, emit.loc, exists,
                                        emit.constant(16), emit.constant(0));
  emit.assembly("cp.async.cg.shared::cta.global [$0], [$1], 16, $2;",
                "r,l,r,~{memory}", {target, source, bytes});
}

/// A warp has four rows at once, and eight, the swizzle's period, in a step.
Value lowerLoadRows(Emitter &emit, LoadRowsOp op, LoadRowsOp::Adaptor adaptor) {
  constexpr int32_t kRowsAtOnce = 4;
  SharedType tile = op.getTile().getType();
  Value piece = emit.band(emit.lane(), 7), first = emit.shr(emit.lane(), 3);
  Value stride = strideBytes(emit, adaptor.getStride(), tile);
  Value step = emit.mul(stride, emit.constant64(kRowsAtOnce));
  Value source = firstPiece(emit, adaptor.getSource(), stride, first, piece);
  // Rows 4 further on are in the other half of the swizzle's period of 8.
  Value inTile =
      emit.add(emit.shl(first, 7), emit.shl(emit.bxor(piece, first), 4));
  Value targets[] = {inTile, emit.bxor(inTile, emit.constant(4 << 4))};
  for (Value &target : targets)
    target = emit.address(emit.offset(adaptor.getTile(), target));
  for (int64_t panel = 0; panel < tile.getPanels(); ++panel) {
    Value column = emit.add(emit.mul(piece, pieceColumns(tile)),
                            int32_t(panel * 8 * pieceColumns(tile)));
    Value rows =
        rowsOfPiece(emit, adaptor.getRows(), adaptor.getColumns(), column);
    Value from = emit.offset(source, int32_t(panel * 128));
    auto copy = [&](Emitter &inside, Value row, Value from) {
      for (int32_t half = 0; half < 2; ++half) {
        Value at = inside.add(row, half * kRowsAtOnce);
        Value target = inside.add(inside.add(targets[half], inside.shl(at, 7)),
                                  int32_t(panel * tile.getPanelBytes()));
        copyPiece(inside, target, from, inside.add(first, at), rows);
        from = inside.offset(from, step);
      }
      return from;
    };
    forRows(emit, tile.getRows(), 2 * kRowsAtOnce, from, copy);
  }
  return {};
}

/// Copies f32 as they are, quads of even index into the first of two tiles and
/// those of odd index into the other, and splits them in place: the two quads
/// that are eight columns make their pieces of both tiles.
class SplitCopy {
public:
  SplitCopy(Emitter &emit, LoadRowsHiLoOp op, LoadRowsHiLoOp::Adaptor adaptor)
      : adaptor(adaptor), tile(op.getTiles().getType().getSlice()),
        rowsOfPart(int32_t(tile.getRows() / op.getParts())),
        firstRow(adaptor.getPart() ? emit.mul(adaptor.getPart(), rowsOfPart)
                                   : emit.constant(0)) {}

  void copy(Emitter &emit, int64_t panel);
  void split(Emitter &emit, int64_t panel);

private:
  LoadRowsHiLoOp::Adaptor adaptor;
  SharedType tile;
  int32_t rowsOfPart;
  Value firstRow;
};

/// Two rows at once, 16 quads each, and eight, the swizzle's period, in a step.
void SplitCopy::copy(Emitter &emit, int64_t panel) {
  constexpr int32_t kRowsAtOnce = 2, kRowsInStep = 8;
  Value quad = emit.band(emit.lane(), 15), mine = emit.shr(emit.lane(), 4);
  Value first = emit.add(firstRow, mine);
  Value stride = emit.mul(adaptor.getStride(), emit.constant64(sizeof(float)));
  Value step = emit.mul(stride, emit.constant64(kRowsAtOnce));
  Value source =
      emit.offset(firstPiece(emit, adaptor.getSource(), stride, first, quad),
                  int32_t(panel * 64 * sizeof(float)));
  Value piece = emit.bxor(emit.shr(quad, 1), mine);
  Value inTile =
      emit.add(emit.add(emit.shl(first, 7), emit.shl(piece, 4)),
               emit.mul(emit.band(quad, 1), int32_t(tile.getBytes())));
  Value rows = rowsOfPiece(emit, adaptor.getRows(), adaptor.getColumns(),
                           emit.add(emit.shl(quad, 2), int32_t(64 * panel)));
  SmallVector<Value> targets;
  for (int32_t i = 0; i < kRowsInStep; i += kRowsAtOnce) {
    Value target = emit.offset(adaptor.getTiles(),
                               emit.bxor(inTile, emit.constant(i << 4)));
    targets.push_back(emit.address(
        emit.offset(target, int32_t(i * 128 + panel * tile.getPanelBytes()))));
  }
  forRows(emit, rowsOfPart, kRowsInStep, source,
          [&](Emitter &inside, Value row, Value from) {
            for (auto [i, target] : llvm::enumerate(targets)) {
              Value at = inside.add(row, int32_t(i) * kRowsAtOnce);
              copyPiece(inside, inside.add(target, inside.shl(row, 7)), from,
                        inside.add(first, at), rows);
              from = inside.offset(from, step);
            }
            return from;
          });
}

/// Four rows at once, a piece of both tiles a lane, and sixteen in a step.
void SplitCopy::split(Emitter &emit, int64_t panel) {
  constexpr int32_t kRowsAtOnce = 4, kRowsInStep = 16;
  Type element = tile.getElementType();
  auto quad = VectorType::get({4}, emit.f32());
  Value mine = emit.shr(emit.lane(), 3);
  Value piece = emit.bxor(emit.band(emit.lane(), 7), mine);
  Value inTile =
      emit.add(emit.shl(emit.add(firstRow, mine), 7), emit.shl(piece, 4));
  Value start =
      emit.offset(adaptor.getTiles(), int32_t(panel * tile.getPanelBytes()));
  Value halves[] = {
      emit.offset(start, inTile),
      emit.offset(start, emit.bxor(inTile, emit.constant(4 << 4)))};
  int32_t toOther = tile.getBytes();
  auto splitRows = [&](Emitter &inside, Value row, Value pointer) {
    SmallVector<Value> places;
    SmallVector<SmallVector<Value>> loaded;
    for (int32_t i = 0; i < kRowsInStep / kRowsAtOnce; ++i) {
      Value place = inside.offset(
          halves[i % 2], inside.shl(inside.add(row, i * kRowsAtOnce), 7));
      auto load = [&](Value from) {
        return inside.elements(inside.load(quad, from, 16));
      };
      places.push_back(place);
      loaded.push_back(load(place));
      llvm::append_range(loaded.back(), load(inside.offset(place, toOther)));
    }
    for (auto [place, values] : llvm::zip(places, loaded)) {
      SmallVector<Value> rounded, rest;
      for (int32_t i = 0; i < 8; i += 2) {
        auto [packed, left] =
            inside.packHiLo(element, values[i], values[i + 1]);
        rounded.push_back(packed);
        rest.push_back(left);
      }
      inside.store(inside.vector(rounded), place, 16);
      inside.store(inside.vector(rest), inside.offset(place, toOther), 16);
    }
    return pointer;
  };
  forRows(emit, rowsOfPart, kRowsInStep, adaptor.getSource(), splitRows);
}

/// A panel is split while others are on their way.
Value lowerLoadRowsHiLo(Emitter &emit, LoadRowsHiLoOp op,
                        LoadRowsHiLoOp::Adaptor adaptor) {
  SplitCopy rows(emit, op, adaptor);
  int64_t panels = op.getTiles().getType().getSlice().getPanels();
  for (int64_t panel = 0; panel < panels; ++panel) {
    rows.copy(emit, panel);
    emit.assembly("cp.async.commit_group;", "~{memory}");
  }
  for (int64_t panel = 0; panel < panels; ++panel) {
    emit.assembly("cp.async.wait_group " + std::to_string(panels - 1 - panel) +
                      ";\nbar.warp.sync -1;",
                  "~{memory}");
    rows.split(emit, panel);
  }
  return {};
}

Value lowerWaitCopies(Emitter &emit, WaitCopiesOp, WaitCopiesOp::Adaptor) {
  emit.assembly("cp.async.wait_all;", "~{memory}");
  return {};
}

} // namespace

void ssd::hopper::populateRowPatterns(const TypeConverter &converter,
                                      RewritePatternSet &patterns) {
  patterns.add<LowerOp<LoadRowsOp, lowerLoadRows>,
               LowerOp<LoadRowsHiLoOp, lowerLoadRowsHiLo>,
               LowerOp<WaitCopiesOp, lowerWaitCopies>,
               LowerOp<StoreRowsOp, lowerStoreRows>>(converter,
                                                     patterns.getContext());
}
