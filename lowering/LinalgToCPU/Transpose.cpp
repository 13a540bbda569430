//===- Transpose.cpp - Copies that transpose ------------------------------===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The source is contiguous along one loop, the result along another. Squares of
// vectors are transposed in registers: an element at a time, a power of two of
// columns would also meet in few sets of the cache.
//
//===----------------------------------------------------------------------===//

#include "lowering/LinalgToCPU/ContractionTiles.h"
#include "lowering/LinalgToCPU/Strategies.h"
#include "lowering/LinalgToCPU/Tasks.h"

using namespace mlir;
using namespace ssd::cpu;

/// Yields the only input, extended at most.
static bool isCopy(const StridedNest &nest) {
  Block &body = nest.body();
  if (nest.firstOutput() != 1 || nest.accesses.size() != 2 ||
      nest.accesses[0].isScalar ||
      !nest.accesses[1].elementType.isF32())
    return false;
  Value yielded = body.getTerminator()->getOperand(0);
  if (auto extension = yielded.getDefiningOp<arith::ExtFOp>())
    yielded = extension.getIn();
  return yielded == body.getArgument(0);
}

/// The loop along which `access` is contiguous, or -1.
static int contiguousLoop(const StridedNest &nest, const Access &access) {
  for (int loop = nest.rank() - 1; loop >= 0; --loop)
    if (access.isContiguous(loop))
      return loop;
  return -1;
}

namespace {
class TransposeLowering {
public:
  /// `row` is the source's contiguous loop, `column` the result's.
  TransposeLowering(Emitter &b, const StridedNest &nest, int row, int column)
      : b(b), nest(nest), row(row), column(column), lanes(b.options.lanes()) {}

  /// One square at a point of the other loops, from (firstRow, firstColumn).
  void emit(const Cursor &outer, Value firstRow, Value firstColumn) {
    Cursor at = nest.enter(b, outer, row, firstRow);
    at = nest.enter(b, at, column, firstColumn);
    Value rows = b.sub(nest.sizes[row], firstRow);
    Value columns = b.sub(nest.sizes[column], firstColumn);
    Value isWhole = b.createOrFold<arith::AndIOp>(isFull(row, rows),
                                                  isFull(column, columns));
    b.ifThen(
        isWhole, [&] { emitSquare(at, Value(), Value()); },
        [&] { emitSquare(at, rows, columns); });
  }

private:
  /// Whether `left`, what is left of `loop`, fills a vector.
  Value isFull(int loop, Value left) {
    std::optional<int64_t> size = nest.size(loop);
    if (size && *size % lanes == 0)
      return arith::ConstantIntOp::create(b, 1, 1);
    return b.lessEqual(b.index(lanes), left);
  }

  MatrixView view(int access, const Cursor &at) const {
    const Access &a = nest.accesses[access];
    return {a.base, at.positions[access], a.strides[row], a.strides[column]};
  }

  /// The mask of `count` lanes of vector number `index` of `vectors`; none
  /// where all exist.
  LaneMask maskOf(int64_t index, Value vectors, Value count) {
    if (!vectors)
      return {};
    Value exists = b.less(b.index(index), vectors);
    return makeMask(
        b, b.createOrFold<arith::SelectOp>(exists, count, b.index(0)), lanes);
  }

  void emitSquare(const Cursor &at, Value rows, Value columns) {
    MatrixView source = view(0, at), result = view(1, at);
    Value zero = b.index(0);
    SmallVector<Value> square;
    for (int64_t j = 0; j < lanes; ++j)
      square.push_back(loadVector(b, source, source.at(b, zero, b.index(j)),
                                  lanes, maskOf(j, columns, rows)));
    for (auto [i, value] : llvm::enumerate(transposeSquare(b, square)))
      storeVector(b, value, result.base, result.at(b, b.index(i), zero),
                  maskOf(i, rows, columns));
  }

  Emitter &b;
  const StridedNest &nest;
  int row, column;
  int64_t lanes;
};
} // namespace

/// Squares of which the source fills little are not worth their shuffles.
static bool isWide(const StridedNest &nest, int loop, int64_t lanes) {
  std::optional<int64_t> size = nest.size(loop);
  return !size || *size >= lanes / 4;
}

LogicalResult ssd::cpu::lowerTranspose(Emitter &b, const StridedNest &nest) {
  int64_t lanes = b.options.lanes();
  if (!nest.loops(utils::IteratorType::reduction).empty() || !isCopy(nest) ||
      !b.options.canMask(nest.accesses[0].elementType))
    return failure();
  int row = contiguousLoop(nest, nest.accesses[0]);
  int column = contiguousLoop(nest, nest.accesses[1]);
  if (row < 0 || column < 0 || nest.accesses[0].isContiguous(column) ||
      nest.accesses[0].isInvariant(column) || !isWide(nest, row, lanes) ||
      !isWide(nest, column, lanes))
    return failure();
  SmallVector<int> outer;
  for (int loop : nest.loops(utils::IteratorType::parallel))
    if (loop != row && loop != column)
      outer.push_back(loop);
  TransposeLowering transpose(b, nest, row, column);
  Value columns = nest.sizes[column];
  Value bands = b.ceilDiv(nest.sizes[row], lanes);
  Value items = b.mul(countPoints(b, nest, outer), bands);
  constexpr int64_t pointCost = 200;
  Value cost = b.mul(columns, lanes * pointCost);
  forEachRange(b, items, cost, [&](Value begin, Value end) {
    b.forLoop(begin, end, 1, [&](Value item) {
      Cursor at = enterLinear(b, nest, outer, b.div(item, bands));
      Value first = b.mul(b.rem(item, bands), b.index(lanes));
      b.forLoop(b.index(0), columns, lanes, [&](Value j) {
        transpose.emit(at, first, j);
      });
    });
  });
  return success();
}
