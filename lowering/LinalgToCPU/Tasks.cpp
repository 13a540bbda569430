//===- Tasks.cpp - Dividing loops into parallel tasks ---------------------===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "lowering/LinalgToCPU/Tasks.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace ssd::cpu;

/// A task should outweigh waking a thread by far: 50 µs.
static constexpr int64_t kTaskCost = 50'000'000;

static bool mayDivide(Emitter &b) {
  Operation *parent = b.getInsertionBlock()->getParentOp();
  auto isParallel = [](Operation *op) {
    return isa<scf::ForallOp, scf::ParallelOp>(op);
  };
  for (; parent; parent = parent->getParentOp())
    if (isParallel(parent))
      return false;
  return b.options.parallelize && b.options.maxTasks > 1;
}

/// Whether [0, items) is known to be too little work for two tasks.
static bool isSmall(Value total) {
  std::optional<int64_t> known = constant(total);
  return known && *known < 2 * kTaskCost;
}

void ssd::cpu::forEachRange(Emitter &b, Value items, Value cost,
                            llvm::function_ref<void(Value, Value)> body) {
  Value total = b.mul(items, cost);
  if (!mayDivide(b) || isSmall(total))
    return body(b.index(0), items);
  // Chunks of equal size; the last may be shorter. At least one item each,
  // also when there is no item at all.
  Value tasks = b.min(b.max(b.div(total, kTaskCost), b.index(1)),
                      b.index(b.options.maxTasks));
  Value chunk = b.max(b.ceilDiv(items, tasks), b.index(1));
  Value count = b.ceilDiv(items, chunk);
  auto forall =
      scf::ForallOp::create(b, ArrayRef<OpFoldResult>{getAsOpFoldResult(count)},
                            ValueRange(), std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(forall.getBody());
  Value begin = b.mul(forall.getInductionVars().front(), chunk);
  body(begin, b.min(b.add(begin, chunk), items));
}

Value ssd::cpu::countPoints(Emitter &b, const StridedNest &nest,
                            ArrayRef<int> loops) {
  Value count = b.index(1);
  for (int loop : loops)
    count = b.mul(count, nest.sizes[loop]);
  return count;
}

Cursor ssd::cpu::enterLinear(Emitter &b, const StridedNest &nest,
                             ArrayRef<int> loops, Value linear) {
  SmallVector<Value> ivs(loops.size());
  for (int i = int(loops.size()) - 1; i > 0; --i) {
    ivs[i] = b.rem(linear, nest.sizes[loops[i]]);
    linear = b.div(linear, nest.sizes[loops[i]]);
  }
  if (!loops.empty())
    ivs[0] = linear;
  Cursor cursor = nest.start();
  for (auto [loop, iv] : llvm::zip_equal(loops, ivs))
    cursor = nest.enter(b, cursor, loop, iv);
  return cursor;
}

void ssd::cpu::forEachPoint(Emitter &b, const StridedNest &nest,
                            ArrayRef<int> loops, Value cost,
                            llvm::function_ref<void(const Cursor &)> body) {
  Value points = countPoints(b, nest, loops);
  if (loops.empty() || !mayDivide(b) || isSmall(b.mul(points, cost)))
    return nest.forEach(b, loops, nest.start(), body);
  forEachRange(b, points, cost, [&](Value begin, Value end) {
    b.forLoop(begin, end, 1,
              [&](Value point) { body(enterLinear(b, nest, loops, point)); });
  });
}

int64_t ssd::cpu::estimatePointCost(const StridedNest &nest, int vectorLoop) {
  int64_t cost = 0;
  for (const Access &access : nest.accesses) {
    if (access.isScalar || access.isInvariant(vectorLoop))
      continue;
    int64_t bytes =
        std::max(8u, access.elementType.isIndex()
                         ? 64
                         : access.elementType.getIntOrFloatBitWidth()) /
        8;
    cost += access.isContiguous(vectorLoop) ? 50 * bytes : 500;
  }
  for (Operation &op : nest.body().without_terminator())
    cost += isa_and_nonnull<math::MathDialect>(op.getDialect()) ? 150 : 10;
  return cost;
}
