//===- CheckStateCopies.cpp - states are updated in place -------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/EntryInfo.h"
#include "lowering/HostABI/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

namespace ssd {
#define GEN_PASS_DEF_CHECKSTATECOPIESPASS
#include "lowering/HostABI/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

namespace {

/// Follows each state through views, loops and calls.
class StateFollower {
public:
  explicit StateFollower(ModuleOp module) : module(module) {}

  /// `name` is the state of which `value` is a view. A whole view covers all
  /// of the state; parts are not followed, since copying tiles is legal.
  void follow(Value value, StringAttr name);
  LogicalResult check();

private:
  void followUse(OpOperand &use, StringAttr name);
  LogicalResult checkCopy(Operation *op, Value source, Value target);

  ModuleOp module;
  SymbolTableCollection symbols;
  llvm::MapVector<Value, StringAttr> whole;
};

} // namespace

/// True if a subview takes everything: the same sizes, offset zero.
static bool isWhole(memref::SubViewOp view) {
  if (view.getSourceType().getRank() != view.getType().getRank() ||
      !view.hasZeroOffset())
    return false;
  for (auto [index, size] : llvm::enumerate(view.getMixedSizes())) {
    int64_t extent = view.getSourceType().getDimSize(index);
    if (isConstantIntValue(size, extent))
      continue;
    auto dim = dyn_cast<Value>(size)
                   ? cast<Value>(size).getDefiningOp<memref::DimOp>()
                   : nullptr;
    if (!dim || dim.getSource() != view.getSource() ||
        dim.getConstantIndex() != int64_t(index))
      return false;
  }
  return true;
}

void StateFollower::followUse(OpOperand &use, StringAttr name) {
  Operation *op = use.getOwner();
  if (auto view = dyn_cast<memref::SubViewOp>(op)) {
    if (isWhole(view))
      follow(view.getResult(), name);
  } else if (isa<memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp,
                 memref::ReinterpretCastOp>(op)) {
    follow(op->getResult(0), name);
  } else if (auto call = dyn_cast<func::CallOp>(op)) {
    auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(
        call, call.getCalleeAttr());
    if (callee && !callee.isDeclaration())
      follow(callee.getArgument(use.getOperandNumber()), name);
  } else if (auto loop = dyn_cast<LoopLikeOpInterface>(op)) {
    if (BlockArgument carried = loop.getTiedLoopRegionIterArg(&use))
      follow(carried, name);
    if (OpResult result = loop.getTiedLoopResult(&use))
      follow(result, name);
  }
}

void StateFollower::follow(Value value, StringAttr name) {
  if (!whole.insert({value, name}).second)
    return;
  for (OpOperand &use : value.getUses())
    followUse(use, name);
}

/// The buffer under casts and reshapes.
static Value getRoot(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp,
             memref::ReinterpretCastOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

LogicalResult StateFollower::checkCopy(Operation *op, Value source,
                                       Value target) {
  static constexpr char kAdvice[] =
      ": its update could not be made in place; a read of the old state after "
      "a write of the new one, or two uses of one state, are the usual causes";
  // A part of something larger, such as the window of a convolution, may take
  // the state in; a second buffer of its size may not.
  bool targetIsPart = getRoot(target).getDefiningOp<memref::SubViewOp>() &&
                      !whole.contains(target);
  if (auto it = whole.find(source); it != whole.end() && !targetIsPart) {
    InFlightDiagnostic error = op->emitError();
    error << "copies the whole state '" << it->second.getValue() << "'"
          << kAdvice;
    return error;
  }
  auto it = whole.find(target);
  Value root = getRoot(source);
  if (it == whole.end() || !root.getDefiningOp<memref::AllocOp>())
    return success();
  InFlightDiagnostic error = op->emitError();
  error << "copies a new buffer over the whole state '" << it->second.getValue()
        << "'" << kAdvice;
  error.attachNote(root.getLoc()) << "the buffer is allocated here";
  return error;
}

/// A generic op that only moves its input to its output.
static bool isCopy(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return false;
  Operation *yield = op.getBody()->getTerminator();
  return yield->getOperand(0) == op.getBody()->getArgument(0);
}

LogicalResult StateFollower::check() {
  bool ok = true;
  module.walk([&](Operation *op) {
    // What a lowering copies on purpose is a linalg.copy.
    if (auto copy = dyn_cast<memref::CopyOp>(op))
      ok &= succeeded(checkCopy(op, copy.getSource(), copy.getTarget()));
    else if (auto generic = dyn_cast<linalg::GenericOp>(op))
      if (generic.hasPureBufferSemantics() && isCopy(generic))
        ok &= succeeded(
            checkCopy(op, generic.getDpsInputs()[0], generic.getDpsInits()[0]));
  });
  return success(ok);
}

namespace {
struct CheckStateCopies
    : ssd::impl::CheckStateCopiesPassBase<CheckStateCopies> {
  void runOnOperation() override {
    StateFollower follower(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isDeclaration())
        continue;
      for (BlockArgument argument : function.getArguments())
        if (auto name = function.getArgAttrOfType<StringAttr>(
                argument.getArgNumber(), kStateAttr)) {
          ++numStates;
          follower.follow(argument, name);
        }
    }
    if (failed(follower.check()))
      signalPassFailure();
  }
};
} // namespace
