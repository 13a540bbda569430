//===- Elementwise.cpp - Elementwise ops on vectors -----------------------===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "lowering/LinalgToCPU/BodyEmitter.h"
#include "lowering/LinalgToCPU/Strategies.h"
#include "lowering/LinalgToCPU/Tasks.h"

using namespace mlir;
using namespace ssd::cpu;

SmallVector<Value> ssd::cpu::loadArguments(Emitter &b, const StridedNest &nest,
                                           const Cursor &at, int loop,
                                           int64_t lanes, Value mask) {
  SmallVector<Value> arguments;
  for (auto [access, position] : llvm::zip_equal(nest.accesses, at.positions)) {
    Value loaded;
    if (access.isRead)
      loaded = loadLanes(b, access, position, loop, lanes, mask);
    // The mapping wants some value, though nothing reads it.
    arguments.push_back(loaded ? loaded : access.base);
  }
  return arguments;
}

/// What a vector along `loop` costs relative to others; none if no result is
/// contiguous.
static std::optional<double> vectorCost(const StridedNest &nest, int loop,
                                        int64_t lanes) {
  auto isContiguous = [&](const Access &a) { return a.isContiguous(loop); };
  if (llvm::none_of(nest.outputs(), isContiguous) ||
      llvm::any_of(nest.outputs(),
                   [&](const Access &a) { return a.isInvariant(loop); }))
    return std::nullopt;
  double cost = 1;
  for (const Access &access : nest.accesses)
    if (!access.isContiguous(loop) && !access.isInvariant(loop))
      cost += lanes;
  if (std::optional<int64_t> size = nest.size(loop))
    cost *= double(llvm::alignTo(*size, lanes)) / std::max<int64_t>(*size, 1);
  return cost;
}

static int chooseVectorLoop(const StridedNest &nest, int64_t lanes) {
  int best = -1;
  double bestCost = 0;
  for (int loop = nest.rank() - 1; loop >= 0; --loop) {
    std::optional<double> cost = vectorCost(nest, loop, lanes);
    if (cost && (best < 0 || *cost < bestCost) &&
        canVectorizeBody(nest, loop)) {
      best = loop;
      bestCost = *cost;
    }
  }
  return best;
}

namespace {
/// Emits one row: the vectorised loop of an elementwise op.
class RowEmitter {
public:
  RowEmitter(Emitter &b, const StridedNest &nest, int loop)
      : b(b), nest(nest), loop(loop) {}

  void emit(const Cursor &at, Value begin, Value end) {
    int64_t lanes = b.options.lanes();
    hoistInvariants(at);
    Value whole = b.add(begin, b.alignDown(b.sub(end, begin), lanes));
    b.forLoop(begin, whole, lanes,
              [&](Value iv) { emitAt(at, iv, {loop, lanes}); });
    if (!canMask()) {
      b.forLoop(whole, end, 1, [&](Value iv) { emitAt(at, iv, {loop, 1}); });
      return;
    }
    b.ifThen(b.less(whole, end), [&] {
      Value mask = b.mask(b.sub(end, whole), lanes);
      emitAt(at, whole, {loop, lanes, mask});
    });
  }

private:
  Emitter &b;
  const StridedNest &nest;
  int loop;
  SmallVector<Value> invariants;

  bool canMask() const {
    return !bodyNeedsAllLanes(b.options, nest) &&
           canMaskAccesses(b, nest, loop);
  }

  /// Inputs that the row does not change are loaded once, before it.
  void hoistInvariants(const Cursor &at) {
    invariants.assign(nest.accesses.size(), Value());
    for (int i = 0; i < nest.firstOutput(); ++i) {
      const Access &access = nest.accesses[i];
      if (access.isRead && access.isInvariant(loop))
        invariants[i] = loadLanes(b, access, at.positions[i], loop, 1);
    }
  }

  void emitAt(const Cursor &row, Value iv, const LaneSpec &spec) {
    Cursor at = nest.enter(b, row, loop, iv);
    SmallVector<Value> arguments;
    for (auto [i, access] : llvm::enumerate(nest.accesses)) {
      Value loaded = invariants[i];
      if (!loaded && access.isRead)
        loaded =
            loadLanes(b, access, at.positions[i], loop, spec.lanes, spec.mask);
      arguments.push_back(loaded ? loaded : access.base);
    }
    SmallVector<Value> results = emitBody(b, nest, at.ivs, arguments, spec);
    for (auto [i, result] : llvm::enumerate(results)) {
      int output = nest.firstOutput() + i;
      storeLanes(b, nest.accesses[output], at.positions[output], result, loop,
                 spec.lanes, spec.mask);
    }
  }
};
} // namespace

/// An op of a single point.
static LogicalResult lowerScalar(Emitter &b, const StridedNest &nest) {
  Cursor at = nest.start();
  SmallVector<Value> arguments = loadArguments(b, nest, at, 0, 1);
  SmallVector<Value> results = emitBody(b, nest, at.ivs, arguments, {});
  for (auto [i, result] : llvm::enumerate(results)) {
    int output = nest.firstOutput() + i;
    storeLanes(b, nest.accesses[output], at.positions[output], result, 0, 1);
  }
  return success();
}

LogicalResult ssd::cpu::lowerElementwise(Emitter &b, const StridedNest &nest) {
  if (!nest.loops(utils::IteratorType::reduction).empty())
    return failure();
  if (nest.rank() == 0)
    return lowerScalar(b, nest);
  int loop = chooseVectorLoop(nest, b.options.lanes());
  if (loop < 0)
    return failure();
  RowEmitter row(b, nest, loop);
  Value pointCost = b.index(estimatePointCost(nest, loop));
  SmallVector<int> outer = nest.loops(utils::IteratorType::parallel, loop);
  if (!outer.empty()) {
    Value rowCost = b.mul(nest.sizes[loop], pointCost);
    forEachPoint(b, nest, outer, rowCost, [&](const Cursor &at) {
      row.emit(at, b.index(0), nest.sizes[loop]);
    });
    return success();
  }
  // A single row is divided into blocks of whole vectors.
  constexpr int64_t block = 1024;
  Value items = b.ceilDiv(nest.sizes[loop], block);
  forEachRange(b, items, b.mul(pointCost, block), [&](Value begin, Value end) {
    row.emit(nest.start(), b.mul(begin, block),
             b.min(b.mul(end, block), nest.sizes[loop]));
  });
  return success();
}
