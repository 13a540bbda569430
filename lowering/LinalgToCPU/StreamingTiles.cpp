//===- StreamingTiles.cpp - Products with few rows
//--------------------------===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "lowering/LinalgToCPU/ContractionTiles.h"

using namespace mlir;
using namespace ssd::cpu;

//===----------------------------------------------------------------------===//
// Dot products
//===----------------------------------------------------------------------===//

namespace {
/// Dot products of `rows` rows of A with one column of B.
class DotTile {
public:
  DotTile(Emitter &b, int64_t rows, const MatrixView &a, const MatrixView &bm,
          const MatrixView &c, Value depth, bool overwrite)
      : b(b), lanes(b.options.lanes()), rows(rows), unroll(8 / rows), a(a),
        bm(bm), c(c), depth(depth), overwrite(overwrite) {
    if (std::optional<int64_t> size = constant(depth))
      unroll = std::clamp<int64_t>(*size / lanes, 1, unroll);
  }

  void emit(Value row, Value column) {
    Value zero = b.zeros(b.vectorOf(b.getF32Type(), lanes));
    int64_t wideStep = lanes * unroll;
    Value wide = b.alignDown(depth, wideStep);
    SmallVector<Value> sums = b.forLoop(
        b.index(0), wide, wideStep, SmallVector<Value>(rows * unroll, zero),
        [&](Value k, ValueRange carried) {
          SmallVector<Value> next(carried);
          for (int64_t u = 0; u < unroll; ++u)
            step(row, column, b.add(k, u * lanes), {},
                 MutableArrayRef<Value>(next).slice(u * rows, rows));
          return next;
        });
    sums =
        b.forLoop(wide, depth, lanes, sums, [&](Value k, ValueRange carried) {
          SmallVector<Value> next(carried);
          LaneMask mask = makeMask(b, b.sub(depth, k), lanes);
          step(row, column, k, mask,
               MutableArrayRef<Value>(next).take_front(rows));
          return next;
        });
    for (int64_t i = 0; i < rows; ++i) {
      Value sum = sums[i];
      for (int64_t u = 1; u < unroll; ++u)
        sum = arith::AddFOp::create(b, sum, sums[u * rows + i]);
      finish(b.add(row, i), column, sum);
    }
  }

private:
  void step(Value row, Value column, Value k, const LaneMask &mask,
            MutableArrayRef<Value> sums) {
    Value right = loadVector(b, bm, bm.at(b, k, column), lanes, mask);
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Value left = loadVector(b, a, a.at(b, b.add(row, i), k), lanes, mask);
      sum = vector::FMAOp::create(b, left, right, sum);
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
  int64_t lanes, rows, unroll;
  const MatrixView &a, &bm, &c;
  Value depth;
  bool overwrite;
};
} // namespace

void ssd::cpu::emitDotProducts(Emitter &b, const MatrixView &a,
                               const MatrixView &bm, const MatrixView &c,
                               Value rows, int64_t maxRows, Value depth,
                               Value begin, Value end, bool overwrite) {
  b.forLoop(begin, end, 1, [&](Value column) {
    // The column stays in the cache for the groups of rows after the first.
    Value row = b.index(0);
    for (int64_t group = maxRows; group > 0; group /= 2) {
      Value next = b.add(row, group);
      Value fits = b.lessEqual(next, rows);
      b.ifThen(fits, [&] {
        DotTile(b, group, a, bm, c, depth, overwrite).emit(row, column);
      });
      row = b.createOrFold<arith::SelectOp>(fits, next, row);
    }
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
