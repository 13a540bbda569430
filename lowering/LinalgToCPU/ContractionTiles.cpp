//===- ContractionTiles.cpp - Tiles of a matrix product -------------------===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "lowering/LinalgToCPU/ContractionTiles.h"

using namespace mlir;
using namespace ssd::cpu;

//===----------------------------------------------------------------------===//
// Elements as f32
//===----------------------------------------------------------------------===//

static Value toF32(Emitter &b, Value value) {
  Type type = b.getF32Type();
  if (getElementTypeOrSelf(value.getType()).isF32())
    return value;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(type);
  return arith::ExtFOp::create(b, type, value);
}

Value ssd::cpu::loadScalar(Emitter &b, const MatrixView &view, Value row,
                           Value column) {
  return toF32(b,
               memref::LoadOp::create(b, view.base, view.at(b, row, column)));
}

LaneMask ssd::cpu::makeMask(Emitter &b, Value count, int64_t lanes) {
  return {b.mask(count, lanes), b.min(count, b.index(lanes))};
}

/// A masked load lane by lane, for types that have no masked vector loads.
static Value loadLaneByLane(Emitter &b, const MatrixView &view, Value position,
                            int64_t lanes, const LaneMask &mask) {
  Value zero = b.zeros(b.vectorOf(b.getF32Type(), lanes));
  return b
      .forLoop(b.index(0), mask.count, 1, {zero},
               [&](Value lane, ValueRange carried) -> SmallVector<Value> {
                 Value element =
                     toF32(b, memref::LoadOp::create(b, view.base,
                                                     b.add(position, lane)));
                 return {vector::InsertOp::create(b, element, carried.front(),
                                                  OpFoldResult(lane))};
               })
      .front();
}

Value ssd::cpu::loadVector(Emitter &b, const MatrixView &view, Value position,
                           int64_t lanes, const LaneMask &mask) {
  VectorType type = b.vectorOf(view.elementType(), lanes);
  if (!mask.lanes)
    return toF32(b, vector::LoadOp::create(b, type, view.base, position));
  if (!b.options.canMask(view.elementType()))
    return loadLaneByLane(b, view, position, lanes, mask);
  return toF32(b, vector::MaskedLoadOp::create(b, type, view.base, position,
                                               mask.lanes, b.zeros(type)));
}

void ssd::cpu::storeVector(Emitter &b, Value value, Value base, Value position,
                           const LaneMask &mask) {
  if (mask.lanes)
    vector::MaskedStoreOp::create(b, base, position, mask.lanes, value);
  else
    vector::StoreOp::create(b, value, base, position);
}

/// Masks of the vectors that hold the first `columns` columns.
static SmallVector<LaneMask> columnMasks(Emitter &b, const TileShape &shape,
                                         Value columns) {
  SmallVector<LaneMask> masks;
  for (int64_t v = 0; v < shape.vectors; ++v) {
    Value first = b.index(v * shape.lanes);
    Value count = b.sub(b.max(columns, first), first);
    masks.push_back(makeMask(b, count, shape.lanes));
  }
  return masks;
}

//===----------------------------------------------------------------------===//
// The register tile
//===----------------------------------------------------------------------===//

/// The product itself, as rows * vectors accumulators.
static SmallVector<Value> accumulate(Emitter &b, const TileShape &shape,
                                     int64_t rows, const MatrixView &a,
                                     const MatrixView &bm, Value depth,
                                     ArrayRef<LaneMask> masks) {
  Value zero = b.zeros(b.vectorOf(b.getF32Type(), shape.lanes));
  SmallVector<Value> inits(rows * shape.vectors, zero);
  return b.forLoop(b.index(0), depth, 1, inits, [&](Value k, ValueRange sums) {
    SmallVector<Value> right, next;
    for (int64_t v = 0; v < shape.vectors; ++v)
      right.push_back(loadVector(b, bm, bm.at(b, k, b.index(v * shape.lanes)),
                                 shape.lanes, masks[v]));
    for (int64_t row = 0; row < rows; ++row) {
      Value left = b.splat(loadScalar(b, a, b.index(row), k), shape.lanes);
      for (int64_t v = 0; v < shape.vectors; ++v)
        next.push_back(vector::FMAOp::create(b, left, right[v],
                                             sums[row * shape.vectors + v]));
    }
    return next;
  });
}

/// C's old values count where `loads` are on, and are zero elsewhere.
static void writeBack(Emitter &b, const TileShape &shape, int64_t rows,
                      ArrayRef<Value> sums, const MatrixView &c,
                      ArrayRef<LaneMask> loads, ArrayRef<LaneMask> stores,
                      bool overwrite) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t v = 0; v < shape.vectors; ++v) {
      Value position = c.at(b, b.index(row), b.index(v * shape.lanes));
      Value sum = sums[row * shape.vectors + v];
      if (!overwrite)
        sum = arith::AddFOp::create(
            b, loadVector(b, c, position, shape.lanes, loads[v]), sum);
      storeVector(b, sum, c.base, position, stores[v]);
    }
}

void ssd::cpu::emitRegisterTile(Emitter &b, const TileShape &shape,
                                int64_t rows, const MatrixView &a,
                                const MatrixView &bm, const MatrixView &c,
                                Value depth, Value columns, Value overwrite,
                                bool maskB) {
  SmallVector<LaneMask> none(shape.vectors);
  bool alwaysFull =
      constant(b.lessEqual(b.index(shape.columns()), columns)) == 1;
  SmallVector<LaneMask> masks =
      alwaysFull ? none : columnMasks(b, shape, columns);
  SmallVector<Value> sums = accumulate(b, shape, rows, a, bm, depth,
                                       maskB ? masks : none);
  // Masks instead of branches: code for every combination would outweigh the
  // product's own.
  std::optional<int64_t> isNew = constant(overwrite);
  SmallVector<LaneMask> loads = masks;
  if (!isNew) {
    Value known = b.createOrFold<arith::SelectOp>(
        overwrite, b.index(0), b.min(columns, b.index(shape.columns())));
    loads = columnMasks(b, shape, known);
  }
  writeBack(b, shape, rows, sums, c, loads, masks, isNew.value_or(0));
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// Interleaves `a` and `b` in runs of `run` elements within 128-bit groups.
static Value unpack(Emitter &b, Value lhs, Value rhs, int64_t lanes,
                    int64_t run, bool high) {
  SmallVector<int64_t> picks;
  for (int64_t group = 0; group < lanes; group += 4)
    for (int64_t i = high ? 2 / run : 0, e = i + 2 / run; i < e; ++i)
      for (int64_t source : {int64_t(0), lanes})
        for (int64_t r = 0; r < run; ++r)
          picks.push_back(source + group + i * run + r);
  return vector::ShuffleOp::create(b, lhs, rhs, picks);
}

/// Takes the even (or odd) 128-bit groups of `lhs`, then those of `rhs`.
static Value pickGroups(Emitter &b, Value lhs, Value rhs, int64_t lanes,
                        bool odd) {
  SmallVector<int64_t> picks;
  for (int64_t source : {int64_t(0), lanes})
    for (int64_t group = odd ? 4 : 0; group < lanes; group += 8)
      for (int64_t r = 0; r < 4; ++r)
        picks.push_back(source + group + r);
  return vector::ShuffleOp::create(b, lhs, rhs, picks);
}

/// In-lane unpacks that leave column 4 * group + i of each four rows in one
/// group, then a transposition of the groups.
SmallVector<Value> ssd::cpu::transposeSquare(Emitter &b,
                                             ArrayRef<Value> rows) {
  int64_t lanes = rows.size();
  SmallVector<Value> columns(lanes);
  for (int64_t q = 0; q < lanes; q += 4) {
    Value lo01 = unpack(b, rows[q], rows[q + 1], lanes, 1, false);
    Value hi01 = unpack(b, rows[q], rows[q + 1], lanes, 1, true);
    Value lo23 = unpack(b, rows[q + 2], rows[q + 3], lanes, 1, false);
    Value hi23 = unpack(b, rows[q + 2], rows[q + 3], lanes, 1, true);
    columns[q] = unpack(b, lo01, lo23, lanes, 2, false);
    columns[q + 1] = unpack(b, lo01, lo23, lanes, 2, true);
    columns[q + 2] = unpack(b, hi01, hi23, lanes, 2, false);
    columns[q + 3] = unpack(b, hi01, hi23, lanes, 2, true);
  }
  SmallVector<Value> result(lanes);
  for (int64_t i = 0; i < 4; ++i) {
    // Vectors i, i + 4, ... hold columns i, 4 + i, ... of rows 0.., 4.., ...
    SmallVector<Value> level;
    for (int64_t q = i; q < lanes; q += 4)
      level.push_back(columns[q]);
    auto pick = [&](Value lhs, Value rhs, bool odd) {
      return pickGroups(b, lhs, rhs, lanes, odd);
    };
    if (level.size() == 2) {
      level = {pick(level[0], level[1], false), pick(level[0], level[1], true)};
    } else {
      Value even01 = pick(level[0], level[1], false);
      Value even23 = pick(level[2], level[3], false);
      Value odd01 = pick(level[0], level[1], true);
      Value odd23 = pick(level[2], level[3], true);
      level = {pick(even01, even23, false), pick(odd01, odd23, false),
               pick(even01, even23, true), pick(odd01, odd23, true)};
    }
    for (auto [group, value] : llvm::enumerate(level))
      result[4 * group + i] = value;
  }
  return result;
}

/// One square of a panel from contiguous columns of B.
static void packTransposed(Emitter &b, const TileShape &shape,
                           const MatrixView &bm, const MatrixView &panel,
                           Value k, int64_t column, Value depth,
                           Value columns) {
  int64_t lanes = shape.lanes;
  Value first = b.index(column);
  auto isWhole = b.createOrFold<arith::AndIOp>(
      b.lessEqual(b.add(k, lanes), depth),
      b.lessEqual(b.index(column + lanes), columns));
  auto loadRows = [&](bool masked) {
    Value left = masked ? b.sub(depth, k) : Value();
    SmallVector<Value> rows;
    for (int64_t r = 0; r < lanes; ++r) {
      Value j = b.add(first, r);
      LaneMask mask;
      if (masked) {
        Value exists = b.less(j, columns);
        Value count = b.createOrFold<arith::SelectOp>(exists, left, b.index(0));
        mask = makeMask(b, count, lanes);
      }
      rows.push_back(loadVector(b, bm, bm.at(b, k, j), lanes, mask));
    }
    return rows;
  };
  VectorType type = b.vectorOf(b.getF32Type(), lanes);
  SmallVector<Type> types(lanes, type);
  SmallVector<Value> rows = b.ifElse(
      isWhole, types, [&] { return loadRows(false); },
      [&] { return loadRows(true); });
  for (auto [r, value] : llvm::enumerate(transposeSquare(b, rows)))
    vector::StoreOp::create(b, value, panel.base,
                            panel.at(b, b.add(k, r), first));
}

static void packContiguousRows(Emitter &b, const TileShape &shape,
                               const MatrixView &bm, const MatrixView &panel,
                               Value depth, Value columns) {
  auto copy = [&](bool masked) {
    SmallVector<LaneMask> masks(shape.vectors);
    if (masked)
      masks = columnMasks(b, shape, columns);
    b.forLoop(b.index(0), depth, 1, [&](Value k) {
      for (int64_t v = 0; v < shape.vectors; ++v) {
        Value j = b.index(v * shape.lanes);
        Value row = loadVector(b, bm, bm.at(b, k, j), shape.lanes, masks[v]);
        vector::StoreOp::create(b, row, panel.base, panel.at(b, k, j));
      }
    });
  };
  b.ifThen(
      b.lessEqual(b.index(shape.columns()), columns), [&] { copy(false); },
      [&] { copy(true); });
}

MatrixView ssd::cpu::packPanel(Emitter &b, const TileShape &shape,
                               const MatrixView &bm, Value depth,
                               Value columns) {
  int64_t width = shape.columns();
  MatrixView panel{b.scratch(b.getF32Type(), shape.depth * width), b.index(0),
                   b.index(width), b.index(1)};
  if (bm.hasContiguousRows()) {
    packContiguousRows(b, shape, bm, panel, depth, columns);
    return panel;
  }
  if (bm.hasContiguousColumns()) {
    b.forLoop(b.index(0), depth, shape.lanes, [&](Value k) {
      for (int64_t v = 0; v < shape.vectors; ++v)
        packTransposed(b, shape, bm, panel, k, v * shape.lanes, depth, columns);
    });
    return panel;
  }
  Value zero = b.zeros(b.getF32Type());
  b.forLoop(b.index(0), depth, 1, [&](Value k) {
    b.forLoop(b.index(0), columns, 1, [&](Value j) {
      memref::StoreOp::create(b, loadScalar(b, bm, k, j), panel.base,
                              panel.at(b, k, j));
    });
    b.forLoop(columns, b.index(width), 1, [&](Value j) {
      memref::StoreOp::create(b, zero, panel.base, panel.at(b, k, j));
    });
  });
  return panel;
}

MatrixView ssd::cpu::packRows(Emitter &b, const TileShape &shape,
                              const MatrixView &a, int64_t maxRows, Value rows,
                              Value depth) {
  MatrixView block{b.scratch(b.getF32Type(), maxRows * shape.depth), b.index(0),
                   b.index(shape.depth), b.index(1)};
  b.forLoop(b.index(0), rows, 1, [&](Value i) {
    Value whole = b.index(0);
    if (a.hasContiguousRows())
      whole = b.alignDown(depth, shape.lanes);
    b.forLoop(b.index(0), whole, shape.lanes, [&](Value k) {
      Value row = loadVector(b, a, a.at(b, i, k), shape.lanes);
      vector::StoreOp::create(b, row, block.base, block.at(b, i, k));
    });
    b.forLoop(whole, depth, 1, [&](Value k) {
      memref::StoreOp::create(b, loadScalar(b, a, i, k), block.base,
                              block.at(b, i, k));
    });
  });
  return block;
}
