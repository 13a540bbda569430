//===- FuseNeighbors.cpp - A mixer and its neighbours ----------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/SSDOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Decompose.h"
#include "passes/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace ssd {
#define GEN_PASS_DEF_SSDFUSEPASS
#include "passes/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

/// Whether every use of every result is by an op of `unit`.
static bool isUsedOnlyBy(Operation *op, const SetVector<Operation *> &unit) {
  return llvm::all_of(op->getUsers(),
                      [&](Operation *user) { return unit.contains(user); });
}

/// Values from outside that the body of `op` uses.
static SetVector<Value> getCaptures(Operation *op) {
  SetVector<Value> captures;
  getUsedValuesDefinedAbove(op->getRegions(), captures);
  return captures;
}

static bool isConstant(Value value) {
  Operation *def = value.getDefiningOp();
  return def && def->hasTrait<OpTrait::ConstantLike>();
}

/// An elementwise generic that reads `y` at the element that it computes.
static bool isElementwiseOn(Operation *op, Value y) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic->getNumResults() != 1 ||
      generic.getNumLoops() != generic.getNumParallelLoops())
    return false;
  auto isTensor = [](Value value) {
    return isa<RankedTensorType>(value.getType());
  };
  if (!llvm::all_of(generic->getOperands(), isTensor) ||
      !generic.getMatchingIndexingMap(generic.getDpsInitOperand(0))
           .isIdentity())
    return false;
  // A unit takes tensors; constants move into it.
  if (!llvm::all_of(getCaptures(op), isConstant))
    return false;
  return llvm::all_of(generic->getOpOperands(), [&](OpOperand &operand) {
    return operand.get() != y ||
           generic.getMatchingIndexingMap(&operand).isIdentity();
  });
}

namespace {

/// The ops of one unit, in order, and the value that stands for y after them.
struct Unit {
  SetVector<Operation *> ops;
  Value y;
};

struct FusePass : ssd::impl::SSDFusePassBase<FusePass> {
  void runOnOperation() override {
    SmallVector<DestinationStyleOpInterface> mixers;
    getOperation()->walk([&](DestinationStyleOpInterface op) {
      if (isa<MixOp, StepOp>(op) && !op->getParentOfType<FusedOp>() &&
          !op.hasPureBufferSemantics())
        mixers.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (DestinationStyleOpInterface op : mixers) {
      Unit unit = collect(op);
      fused += unit.ops.size() - 1;
      outline(rewriter, op, unit);
    }
  }

private:
  static Unit collect(Operation *op) {
    Unit unit;
    unit.ops.insert(op);
    // Step sizes that only this mixer reads.
    for (Value operand : op->getOperands())
      if (auto producer = operand.getDefiningOp<DiscretizeOp>())
        if (isUsedOnlyBy(producer, unit.ops))
          unit.ops.insert(producer);
    // The chain of elementwise ops that starts at y. Each must be able to move
    // up to the mixer: what else it reads is defined before it already.
    unit.y = op->getResult(0);
    while (unit.y.hasOneUse()) {
      Operation *next = *unit.y.user_begin();
      if (next->getBlock() != op->getBlock() ||
          !isElementwiseOn(next, unit.y) || !canMoveTo(next, op, unit))
        break;
      unit.ops.insert(next);
      unit.y = next->getResult(0);
    }
    return unit;
  }

  static bool canMoveTo(Operation *next, Operation *op, const Unit &unit) {
    return llvm::all_of(next->getOperands(), [&](Value operand) {
      Operation *def = operand.getDefiningOp();
      return !def || unit.ops.contains(def) || isa<tensor::EmptyOp>(def) ||
             def->getBlock() != op->getBlock() || def->isBeforeInBlock(op);
    });
  }

  /// Moves the unit into the body of one `ssd.fused` at the mixer.
  void outline(RewriterBase &rewriter, DestinationStyleOpInterface op,
               const Unit &unit) {
    SmallVector<Operation *> ops(unit.ops.begin(), unit.ops.end());
    llvm::sort(
        ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    SmallVector<Value> outs = destinations(op, unit);
    SetVector<Value> inputs;
    for (Operation *inner : ops)
      for (Value operand : inner->getOperands()) {
        Operation *def = operand.getDefiningOp();
        bool inside = def && unit.ops.contains(def);
        if (!inside && !llvm::is_contained(outs, operand))
          inputs.insert(operand);
      }
    rewriter.setInsertionPointAfter(ops.back());
    Location loc = op.getLoc();
    StringRef config = "lowering_config";
    auto fused =
        FusedOp::create(rewriter, loc, ValueRange(outs).getTypes(),
                        inputs.getArrayRef(), outs, op->getAttr(config));
    op->removeAttr(config);
    Block *body = rewriter.createBlock(&fused.getBody());
    IRMapping mapping;
    for (Value operand : fused->getOperands())
      mapping.map(operand, body->addArgument(operand.getType(), loc));
    for (Operation *inner : ops) {
      for (Value constant : getCaptures(inner))
        if (!mapping.contains(constant))
          rewriter.clone(*constant.getDefiningOp(), mapping);
      rewriter.clone(*inner, mapping);
    }
    SmallVector<Value> results = {unit.y};
    llvm::append_range(results, op->getResults().drop_front());
    SmallVector<Value> yielded;
    for (Value result : results)
      yielded.push_back(mapping.lookup(result));
    YieldOp::create(rewriter, loc, yielded);
    for (auto [result, replacement] : llvm::zip(results, fused.getResults()))
      rewriter.replaceAllUsesWith(result, replacement);
    for (Operation *inner : llvm::reverse(ops))
      rewriter.eraseOp(inner);
  }

  /// y's last destination, then the state's and the checkpoints'. An op that
  /// accumulates into y itself writes where its producer does.
  static SmallVector<Value> destinations(DestinationStyleOpInterface op,
                                         const Unit &unit) {
    SmallVector<Value> outs(op.getDpsInits());
    Value last = unit.y;
    while (last != op->getResult(0)) {
      auto generic = last.getDefiningOp<linalg::GenericOp>();
      last = generic.getDpsInitOperand(0)->get();
      if (!last.getDefiningOp() || !unit.ops.contains(last.getDefiningOp())) {
        outs[0] = last;
        break;
      }
    }
    return outs;
  }
};

} // namespace

void ssd::inlineFused(RewriterBase &rewriter, FusedOp op) {
  Block &body = op.getBody().front();
  auto yield = cast<YieldOp>(body.getTerminator());
  SmallVector<Value> results(yield.getValues());
  rewriter.eraseOp(yield);
  rewriter.inlineBlockBefore(&body, op, op->getOperands());
  for (auto [index, result] : llvm::enumerate(results))
    if (auto argument = dyn_cast<BlockArgument>(result))
      if (argument.getOwner() == &body)
        results[index] = op->getOperand(argument.getArgNumber());
  rewriter.replaceOp(op, results);
}
