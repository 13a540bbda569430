//===- StreamingTiles.cpp - Products with few rows
//--------------------------===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "lowering/LinalgToCPU/ContractionTiles.h"

using namespace mlir;
using namespace mlir::ssd::cpu;

//===----------------------------------------------------------------------===//
// Dot products
//===----------------------------------------------------------------------===//

namespace {
/// Dot products of `rows` rows of A with `columns` columns of B.
class DotTile {
public:
  DotTile(Emitter &b, int64_t rows, int64_t columns, const MatrixView &a,
          const MatrixView &bm, const MatrixView &c, Value depth,
          bool overwrite)
      : b(b), lanes(b.options.lanes()), rows(rows), columns(columns),
        unroll(8 / (rows * columns)), a(a), bm(bm), c(c), depth(depth),
        overwrite(overwrite) {
    if (std::optional<int64_t> size = constant(depth))
      unroll = std::clamp<int64_t>(*size / lanes, 1, unroll);
  }

  void emit(Value row, Value column) {
    int64_t count = rows * columns;
    Value zero = b.zeros(b.vectorOf(b.getF32Type(), lanes));
    int64_t wideStep = lanes * unroll;
    Value wide = b.alignDown(depth, wideStep);
    SmallVector<Value> sums = b.forLoop(
        b.index(0), wide, wideStep, SmallVector<Value>(count * unroll, zero),
        [&](Value k, ValueRange carried) {
          SmallVector<Value> next(carried);
          for (int64_t u = 0; u < unroll; ++u)
            step(row, column, b.add(k, u * lanes), {},
                 MutableArrayRef<Value>(next).slice(u * count, count));
          return next;
        });
    sums =
        b.forLoop(wide, depth, lanes, sums, [&](Value k, ValueRange carried) {
          SmallVector<Value> next(carried);
          LaneMask mask = makeMask(b, b.sub(depth, k), lanes);
          step(row, column, k, mask,
               MutableArrayRef<Value>(next).take_front(count));
          return next;
        });
    for (int64_t i = 0; i < count; ++i) {
      Value sum = sums[i];
      for (int64_t u = 1; u < unroll; ++u)
        sum = arith::AddFOp::create(b, sum, sums[u * count + i]);
      finish(b.add(row, i / columns), b.add(column, i % columns), sum);
    }
  }

private:
  void step(Value row, Value column, Value k, const LaneMask &mask,
            MutableArrayRef<Value> sums) {
    SmallVector<Value> right;
    for (int64_t j = 0; j < columns; ++j)
      right.push_back(
          loadVector(b, bm, bm.at(b, k, b.add(column, j)), lanes, mask));
    for (int64_t i = 0; i < rows; ++i) {
      Value left = loadVector(b, a, a.at(b, b.add(row, i), k), lanes, mask);
      for (int64_t j = 0; j < columns; ++j) {
        Value &sum = sums[i * columns + j];
        sum = vector::FMAOp::create(b, left, right[j], sum);
      }
    }
  }

  void finish(Value row, Value column, Value sum) {
    Value total = vector::ReductionOp::create(
        b, vector::CombiningKind::ADD, sum, arith::FastMathFlags::reassoc);
    Value position = c.at(b, row, column);
    if (!overwrite)
      total = arith::AddFOp::create(
          b, memref::LoadOp::create(b, c.base, position), total);
    memref::StoreOp::create(b, total, c.base, position);
  }

  Emitter &b;
  int64_t lanes, rows, columns, unroll;
  const MatrixView &a, &bm, &c;
  Value depth;
  bool overwrite;
};
} // namespace

void ssd::cpu::emitDotProducts(Emitter &b, const MatrixView &a,
                               const MatrixView &bm, const MatrixView &c,
                               Value rows, int64_t maxRows, Value depth,
                               Value begin, Value end, bool overwrite) {
  // Columns of B stay in the cache for the groups of rows after the first.
  auto emitColumns = [&](Value column, int64_t columns, int64_t maxGroup) {
    Value row = b.index(0);
    for (int64_t group = maxGroup; group > 0; group /= 2) {
      Value next = b.add(row, group);
      Value fits = b.lessEqual(next, rows);
      b.ifThen(fits, [&] {
        DotTile(b, group, columns, a, bm, c, depth, overwrite)
            .emit(row, column);
      });
      row = b.createOrFold<arith::SelectOp>(fits, next, row);
    }
  };
  // One row: B is a single stream. Several: loads of A serve two columns.
  Value pairs = b.add(begin, b.alignDown(b.sub(end, begin), 2));
  b.ifThen(
      b.lessEqual(rows, b.index(1)),
      [&] { b.forLoop(begin, end, 1, [&](Value j) { emitColumns(j, 1, 1); }); },
      [&] {
        b.forLoop(begin, pairs, 2,
                  [&](Value j) { emitColumns(j, 2, maxRows); });
        b.forLoop(pairs, end, 1, [&](Value j) { emitColumns(j, 1, maxRows); });
      });
}

//===----------------------------------------------------------------------===//
// Scaled rows
//===----------------------------------------------------------------------===//

/// C[row, ..] += sum over i < group of A[row, k + i] * B[k + i, ..].
static void emitScaledGroup(Emitter &b, const MatrixView &a,
                            const MatrixView &bm, const MatrixView &c,
                            Value row, Value k, int64_t group, Value columns) {
  int64_t lanes = b.options.lanes();
  SmallVector<Value> factors;
  for (int64_t i = 0; i < group; ++i)
    factors.push_back(b.splat(loadScalar(b, a, row, b.add(k, i)), lanes));
  auto update = [&](Value column, const LaneMask &mask) {
    Value position = c.at(b, row, column);
    Value sum = loadVector(b, c, position, lanes, mask);
    for (auto [i, factor] : llvm::enumerate(factors))
      sum = vector::FMAOp::create(
          b, factor,
          loadVector(b, bm, bm.at(b, b.add(k, i), column), lanes, mask), sum);
    storeVector(b, sum, c.base, position, mask);
  };
  Value whole = b.alignDown(columns, lanes);
  b.forLoop(b.index(0), whole, lanes, [&](Value j) { update(j, {}); });
  b.ifThen(b.less(whole, columns),
           [&] { update(whole, makeMask(b, b.sub(columns, whole), lanes)); });
}

static void emitZeroRow(Emitter &b, const MatrixView &c, Value row,
                        Value columns) {
  int64_t lanes = b.options.lanes();
  Value zero = b.zeros(b.vectorOf(b.getF32Type(), lanes));
  b.forLoop(b.index(0), columns, lanes, [&](Value j) {
    storeVector(b, zero, c.base, c.at(b, row, j),
                makeMask(b, b.sub(columns, j), lanes));
  });
}

void ssd::cpu::emitScaledRows(Emitter &b, const MatrixView &a,
                              const MatrixView &bm, const MatrixView &c,
                              Value rows, Value depth, Value columns,
                              bool overwrite) {
  constexpr int64_t group = 4;
  Value zero = b.index(0), whole = b.alignDown(depth, group);
  auto forEachRow = [&](Value k, int64_t size) {
    b.forLoop(zero, rows, 1, [&](Value row) {
      emitScaledGroup(b, a, bm, c, row, k, size, columns);
    });
  };
  if (overwrite)
    b.forLoop(zero, rows, 1,
              [&](Value row) { emitZeroRow(b, c, row, columns); });
  b.forLoop(zero, whole, group, [&](Value k) { forEachRow(k, group); });
  b.forLoop(whole, depth, 1, [&](Value k) { forEachRow(k, 1); });
}
