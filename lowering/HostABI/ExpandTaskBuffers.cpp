//===- ExpandTaskBuffers.cpp - large buffers of parallel tasks --*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/Buffers.h"
#include "lowering/HostABI/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace ssd {
#define GEN_PASS_DEF_EXPANDTASKBUFFERSPASS
#include "lowering/HostABI/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

static scf::ForallOp getTaskLoop(Operation *op) {
  return dyn_cast_or_null<scf::ForallOp>(getOutermostParallel(op));
}

namespace {

class TaskBuffers {
public:
  TaskBuffers(func::FuncOp function, int64_t frameLimit)
      : function(function), sizes(function), frameLimit(frameLimit) {}

  void run() {
    SmallVector<memref::AllocOp> allocs;
    function.walk([&](memref::AllocOp alloc) {
      if (getTaskLoop(alloc) && alloc.getType().getLayout().isIdentity())
        allocs.push_back(alloc);
    });
    // All bounds first: expanding a buffer changes what they are derived from.
    SmallVector<SizeExpr> bytes;
    int64_t unbounded;
    for (memref::AllocOp alloc : allocs)
      bytes.push_back(getBufferBytes(sizes, alloc, unbounded));
    for (auto [alloc, expr] : llvm::zip(allocs, bytes)) {
      if (!expr)
        continue; // ssd-plan-workspace says why
      auto bound = sizes.getConstantBound(expr);
      if (!bound || *bound > frameLimit)
        expand(alloc, expr);
    }
  }

private:
  /// The value of `expr` at the builder's position.
  Value emit(OpBuilder &builder, Location loc, SizeExpr expr) {
    return sizes.emit(builder, loc, expr,
                      [&](unsigned argument, int64_t dim) -> Value {
                        Value value = function.getArgument(argument);
                        if (dim < 0)
                          return value;
                        return memref::DimOp::create(builder, loc, value, dim);
                      });
  }

  void expand(memref::AllocOp alloc, SizeExpr bytesOfTask) {
    scf::ForallOp loop = getTaskLoop(alloc);
    Location loc = alloc.getLoc();
    OpBuilder before(loop);
    auto value = [&](OpBuilder &builder, OpFoldResult size) {
      return getValueOrCreateConstantIndexOp(builder, loc, size);
    };
    Value bytes = emit(before, loc, bytesOfTask);
    Value total = bytes;
    SmallVector<Value> counts;
    for (auto [lower, upper, step] :
         llvm::zip(loop.getMixedLowerBound(), loop.getMixedUpperBound(),
                   loop.getMixedStep())) {
      Value span = before.createOrFold<arith::SubIOp>(loc, value(before, upper),
                                                      value(before, lower));
      counts.push_back(before.createOrFold<arith::CeilDivSIOp>(
          loc, span, value(before, step)));
      total = before.createOrFold<arith::MulIOp>(loc, total, counts.back());
    }
    auto byteType = MemRefType::get({ShapedType::kDynamic}, before.getI8Type());
    Value all =
        memref::AllocOp::create(before, loc, byteType, total,
                                before.getI64IntegerAttr(kBufferAlignment));

    OpBuilder inside(alloc);
    Value task = arith::ConstantIndexOp::create(inside, loc, 0);
    for (auto [index, lower, step, count] :
         llvm::zip(loop.getInductionVars(), loop.getMixedLowerBound(),
                   loop.getMixedStep(), counts)) {
      Value from =
          inside.createOrFold<arith::SubIOp>(loc, index, value(inside, lower));
      Value position =
          inside.createOrFold<arith::DivUIOp>(loc, from, value(inside, step));
      task = inside.createOrFold<arith::MulIOp>(loc, task, count);
      task = inside.createOrFold<arith::AddIOp>(loc, task, position);
    }
    Value start = inside.createOrFold<arith::MulIOp>(loc, task, bytes);
    auto view = memref::ViewOp::create(inside, loc, alloc.getType(), all, start,
                                       alloc.getDynamicSizes());
    alloc.replaceAllUsesWith(view.getResult());
    alloc.erase();
  }

  func::FuncOp function;
  SizeExpressions sizes;
  int64_t frameLimit;
};

struct ExpandTaskBuffers
    : ssd::impl::ExpandTaskBuffersPassBase<ExpandTaskBuffers> {
  using ExpandTaskBuffersPassBase::ExpandTaskBuffersPassBase;
  void runOnOperation() override {
    if (!getOperation().isExternal())
      TaskBuffers(getOperation(), frameLimit).run();
  }
};

} // namespace
