//===- Reduction.cpp - Reductions on vectors ------------------------------===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "lowering/LinalgToCPU/BodyEmitter.h"
#include "lowering/LinalgToCPU/Strategies.h"
#include "lowering/LinalgToCPU/Tasks.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ssd::cpu;
using vector::CombiningKind;

/// Independent accumulators, which hide the latency of an addition.
static constexpr int kAccumulators = 4;

static SmallVector<int> reductionLoops(const StridedNest &nest,
                                       int except = -1) {
  return nest.loops(utils::IteratorType::reduction, except);
}

static bool isVectorAccess(const Access &access, int loop) {
  return access.isScalar || access.isContiguous(loop) ||
         access.isInvariant(loop);
}

/// Inputs that would have to be gathered along `loop`.
static int countGathers(const StridedNest &nest, int loop) {
  return llvm::count_if(nest.accesses, [&](const Access &access) {
    return access.isRead && !isVectorAccess(access, loop);
  });
}

//===----------------------------------------------------------------------===//
// Along a parallel loop: lanes are independent reductions
//===----------------------------------------------------------------------===//

static int chooseParallelLoop(const StridedNest &nest) {
  for (int loop = nest.rank() - 1; loop >= 0; --loop)
    if (nest.isParallel(loop) &&
        llvm::all_of(nest.outputs(),
                     [&](const Access &a) { return a.isContiguous(loop); }) &&
        canVectorizeBody(nest, loop))
      return loop;
  return -1;
}

namespace {
/// Reduces `vectors * lanes` neighbouring results at once, in the order that
/// the op gives: the sums are those of the scalar loops, bit for bit.
struct ColumnReducer {
  Emitter &b;
  const StridedNest &nest;
  int loop;

  void emit(const Cursor &at, Value begin, Value end) {
    int64_t lanes = b.options.lanes();
    Value extent = b.sub(end, begin);
    Value wide = b.add(begin, b.alignDown(extent, lanes * kAccumulators));
    Value whole = b.add(begin, b.alignDown(extent, lanes));
    b.forLoop(begin, wide, lanes * kAccumulators, [&](Value iv) {
      emitBlock(at, iv, kAccumulators, {loop, lanes});
    });
    b.forLoop(wide, whole, lanes,
              [&](Value iv) { emitBlock(at, iv, 1, {loop, lanes}); });
    if (bodyNeedsAllLanes(b.options, nest) || !canMaskAccesses(b, nest, loop)) {
      b.forLoop(whole, end, 1,
                [&](Value iv) { emitBlock(at, iv, 1, {loop, 1}); });
      return;
    }
    b.ifThen(b.less(whole, end), [&] {
      Value mask = b.mask(b.sub(end, whole), lanes);
      emitBlock(at, whole, 1, {loop, lanes, mask});
    });
  }

private:
  void emitBlock(const Cursor &at, Value iv, int vectors,
                 const LaneSpec &spec) {
    SmallVector<Cursor> columns;
    for (int v = 0; v < vectors; ++v)
      columns.push_back(nest.enter(b, at, loop, b.add(iv, v * spec.lanes)));
    SmallVector<Value> inits;
    for (const Cursor &column : columns)
      for (auto [i, output] : llvm::enumerate(nest.outputs()))
        inits.push_back(loadLanes(b, output,
                                  column.positions[nest.firstOutput() + i],
                                  loop, spec.lanes, spec.mask));
    SmallVector<Value> sums = reduce(columns, inits, spec);
    auto *sum = sums.begin();
    for (const Cursor &column : columns)
      for (auto [i, output] : llvm::enumerate(nest.outputs()))
        storeLanes(b, output, column.positions[nest.firstOutput() + i], *sum++,
                   loop, spec.lanes, spec.mask);
  }

  SmallVector<Value> reduce(ArrayRef<Cursor> columns, ValueRange inits,
                            const LaneSpec &spec) {
    int numOutputs = nest.outputs().size();
    return nest.forEach(
        b, reductionLoops(nest), columns.front(), inits,
        [&](const Cursor &point, ValueRange carried) {
          SmallVector<Value> results;
          for (auto [v, column] : llvm::enumerate(columns)) {
            Cursor at = nest.enter(b, point, loop, b.index(v * spec.lanes));
            at.ivs[loop] = column.ivs[loop];
            llvm::append_range(
                results,
                step(at, carried.slice(v * numOutputs, numOutputs), spec));
          }
          return results;
        });
  }

  SmallVector<Value> step(const Cursor &at, ValueRange carried,
                          const LaneSpec &spec) {
    SmallVector<Value> arguments;
    for (int i = 0; i < nest.firstOutput(); ++i) {
      const Access &access = nest.accesses[i];
      arguments.push_back(access.isRead ? loadLanes(b, access, at.positions[i],
                                                    loop, spec.lanes, spec.mask)
                                        : access.base);
    }
    llvm::append_range(arguments, carried);
    SmallVector<Value> results = emitBody(b, nest, at.ivs, arguments, spec);
    for (Value &result : results)
      if (spec.lanes > 1 && !isa<VectorType>(result.getType()))
        result = b.splat(result, spec.lanes);
    return results;
  }
};
} // namespace

static LogicalResult lowerColumns(Emitter &b, const StridedNest &nest,
                                  int loop) {
  ColumnReducer reducer{b, nest, loop};
  SmallVector<int> outer = nest.loops(utils::IteratorType::parallel, loop);
  Value cost = b.mul(countPoints(b, nest, reductionLoops(nest)),
                     estimatePointCost(nest, loop));
  if (!outer.empty()) {
    forEachPoint(b, nest, outer, b.mul(cost, nest.sizes[loop]),
                 [&](const Cursor &at) {
                   reducer.emit(at, b.index(0), nest.sizes[loop]);
                 });
    return success();
  }
  int64_t block = kAccumulators * b.options.lanes();
  Value items = b.ceilDiv(nest.sizes[loop], block);
  forEachRange(b, items, b.mul(cost, block), [&](Value begin, Value end) {
    reducer.emit(nest.start(), b.mul(begin, block),
                 b.min(b.mul(end, block), nest.sizes[loop]));
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Along a reduction loop: lanes are parts of one reduction
//===----------------------------------------------------------------------===//

static std::optional<CombiningKind> combiningKind(Operation *op) {
  return TypeSwitch<Operation *, std::optional<CombiningKind>>(op)
      .Case<arith::AddFOp, arith::AddIOp>(
          [](auto) { return CombiningKind::ADD; })
      .Case<arith::MulFOp, arith::MulIOp>(
          [](auto) { return CombiningKind::MUL; })
      .Case([](arith::MaximumFOp) { return CombiningKind::MAXIMUMF; })
      .Case([](arith::MinimumFOp) { return CombiningKind::MINIMUMF; })
      .Case([](arith::MaxNumFOp) { return CombiningKind::MAXNUMF; })
      .Case([](arith::MinNumFOp) { return CombiningKind::MINNUMF; })
      .Case([](arith::MaxSIOp) { return CombiningKind::MAXSI; })
      .Case([](arith::MaxUIOp) { return CombiningKind::MAXUI; })
      .Case([](arith::MinSIOp) { return CombiningKind::MINSI; })
      .Case([](arith::MinUIOp) { return CombiningKind::MINUI; })
      .Case([](arith::AndIOp) { return CombiningKind::AND; })
      .Case([](arith::OrIOp) { return CombiningKind::OR; })
      .Case([](arith::XOrIOp) { return CombiningKind::XOR; })
      .Default(std::nullopt);
}

/// The operation that folds a new element into output `i`, if it is the only
/// one that sees the old value.
static Operation *findCombiner(const StridedNest &nest, int i) {
  BlockArgument old = nest.body().getArgument(nest.firstOutput() + i);
  Operation *combiner =
      nest.body().getTerminator()->getOperand(i).getDefiningOp();
  if (!combiner || combiner->getBlock() != &nest.body() || !old.hasOneUse() ||
      *old.user_begin() != combiner || !combiner->getResult(0).hasOneUse())
    return nullptr;
  bool isKnown = combiningKind(combiner) && arith::getNeutralElement(combiner);
  return isKnown ? combiner : nullptr;
}

static int chooseReductionLoop(const StridedNest &nest) {
  for (int i = 0, e = nest.outputs().size(); i < e; ++i)
    if (!findCombiner(nest, i))
      return -1;
  for (int loop : llvm::reverse(reductionLoops(nest)))
    if (countGathers(nest, loop) == 0 && canVectorizeBody(nest, loop))
      return loop;
  return -1;
}

namespace {
/// Reduces to one point of each output.
struct RowReducer {
  Emitter &b;
  const StridedNest &nest;
  int loop;
  SmallVector<Operation *> combiners = {};

  void emit(const Cursor &at) {
    int64_t lanes = b.options.lanes();
    for (int i = 0, e = nest.outputs().size(); i < e; ++i)
      combiners.push_back(findCombiner(nest, i));
    SmallVector<Value> neutral;
    for (Operation *combiner : combiners) {
      TypedAttr attr = *arith::getNeutralElement(combiner);
      neutral.push_back(b.splat(arith::ConstantOp::create(b, attr), lanes));
    }
    SmallVector<Value> inits;
    for (int i = 0; i < accumulators(); ++i)
      llvm::append_range(inits, neutral);
    SmallVector<Value> parts =
        nest.forEach(b, reductionLoops(nest, loop), at, inits,
                     [&](const Cursor &row, ValueRange carried) {
                       return emitRow(row, carried);
                     });
    finish(at, parts);
  }

private:
  int accumulators() const {
    std::optional<int64_t> size = nest.size(loop);
    return size && *size < kAccumulators * b.options.lanes() ? 1
                                                             : kAccumulators;
  }

  SmallVector<Value> emitRow(const Cursor &row, ValueRange carried) {
    int64_t lanes = b.options.lanes();
    int numOutputs = nest.outputs().size();
    Value size = nest.sizes[loop];
    Value wide = b.alignDown(size, lanes * accumulators());
    Value whole = b.alignDown(size, lanes);
    SmallVector<Value> parts =
        b.forLoop(b.index(0), wide, lanes * accumulators(), carried,
                  [&](Value iv, ValueRange sums) {
                    SmallVector<Value> next;
                    for (int a = 0; a < accumulators(); ++a)
                      llvm::append_range(
                          next, step(row, b.add(iv, a * lanes),
                                     sums.slice(a * numOutputs, numOutputs),
                                     {loop, lanes}));
                    return next;
                  });
    ValueRange first = ValueRange(parts).take_front(numOutputs);
    SmallVector<Value> sums =
        b.forLoop(wide, whole, lanes, first, [&](Value iv, ValueRange sums) {
          return step(row, iv, sums, {loop, lanes});
        });
    sums = emitTail(row, whole, sums);
    llvm::copy(sums, parts.begin());
    return parts;
  }

  SmallVector<Value> emitTail(const Cursor &row, Value whole,
                              SmallVector<Value> sums) {
    int64_t lanes = b.options.lanes();
    Value size = nest.sizes[loop];
    if (!canMaskAccesses(b, nest, loop))
      return b.forLoop(whole, size, 1, sums, [&](Value iv, ValueRange carried) {
        return stepInFirstLane(row, iv, carried);
      });
    return b.ifElse(
        b.less(whole, size), ValueRange(sums).getTypes(),
        [&] {
          Value mask = b.mask(b.sub(size, whole), lanes);
          SmallVector<Value> next = step(row, whole, sums, {loop, lanes, mask});
          for (auto [sum, old] : llvm::zip_equal(next, sums))
            sum = arith::SelectOp::create(b, mask, sum, old);
          return next;
        },
        [&] { return sums; });
  }

  SmallVector<Value> stepInFirstLane(const Cursor &row, Value iv,
                                     ValueRange carried) {
    SmallVector<Value> first;
    for (Value sum : carried)
      first.push_back(vector::ExtractOp::create(b, sum, int64_t(0)));
    SmallVector<Value> next = step(row, iv, first, {loop, 1});
    for (auto [value, sum] : llvm::zip_equal(next, carried))
      value = vector::InsertOp::create(b, value, sum, int64_t(0));
    return next;
  }

  SmallVector<Value> step(const Cursor &row, Value iv, ValueRange carried,
                          const LaneSpec &spec) {
    Cursor at = nest.enter(b, row, loop, iv);
    SmallVector<Value> arguments;
    for (int i = 0; i < nest.firstOutput(); ++i) {
      const Access &access = nest.accesses[i];
      arguments.push_back(access.isRead ? loadLanes(b, access, at.positions[i],
                                                    loop, spec.lanes, spec.mask)
                                        : access.base);
    }
    llvm::append_range(arguments, carried);
    return emitBody(b, nest, at.ivs, arguments, spec);
  }

  Value combine(Operation *combiner, Value lhs, Value rhs) {
    Operation *clone = b.clone(*combiner);
    clone->setOperands({lhs, rhs});
    clone->getResult(0).setType(lhs.getType());
    return clone->getResult(0);
  }

  void finish(const Cursor &at, ArrayRef<Value> parts) {
    int numOutputs = combiners.size();
    for (auto [i, combiner] : llvm::enumerate(combiners)) {
      SmallVector<Value> level;
      for (int a = 0; a < accumulators(); ++a)
        level.push_back(parts[a * numOutputs + i]);
      for (; level.size() > 1; level.resize(level.size() / 2))
        for (size_t j = 0; j < level.size() / 2; ++j)
          level[j] = combine(combiner, level[j], level[j + level.size() / 2]);
      Value sum = vector::ReductionOp::create(
          b, *combiningKind(combiner), level[0], arith::FastMathFlags::reassoc);
      const Access &output = nest.outputs()[i];
      Value position = at.positions[nest.firstOutput() + i];
      Value old = loadLanes(b, output, position, loop, 1);
      storeLanes(b, output, position, combine(combiner, old, sum), loop, 1);
    }
  }
};
} // namespace

static LogicalResult lowerRows(Emitter &b, const StridedNest &nest, int loop) {
  SmallVector<int> outer = nest.loops(utils::IteratorType::parallel);
  Value cost = b.mul(countPoints(b, nest, reductionLoops(nest)),
                     estimatePointCost(nest, loop));
  forEachPoint(b, nest, outer, cost,
               [&](const Cursor &at) { RowReducer{b, nest, loop}.emit(at); });
  return success();
}

LogicalResult ssd::cpu::lowerReduction(Emitter &b, const StridedNest &nest) {
  SmallVector<int> reductions = reductionLoops(nest);
  if (reductions.empty())
    return failure();
  for (const Access &output : nest.outputs())
    for (int loop : reductions)
      if (!output.isInvariant(loop))
        return failure();
  int column = chooseParallelLoop(nest);
  int row = bodyNeedsAllLanes(b.options, nest) ? -1 : chooseReductionLoop(nest);
  // Rows when the columns are strided in memory, or too few to fill a vector.
  bool fewColumns = column >= 0 && nest.size(column) &&
                    *nest.size(column) < b.options.lanes() / 2;
  bool prefersRow =
      row >= 0 && (column < 0 || countGathers(nest, column) > 0 || fewColumns);
  if (prefersRow)
    return lowerRows(b, nest, row);
  if (column >= 0)
    return lowerColumns(b, nest, column);
  return failure();
}
