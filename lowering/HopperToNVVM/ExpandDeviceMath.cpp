//===- ExpandDeviceMath.cpp - Math functions without a library --*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/HopperToNVVM.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace ssd {
#define GEN_PASS_DEF_EXPANDDEVICEMATH
#include "lowering/HopperToNVVM/HopperToNVVMPasses.h.inc"
} // namespace ssd

using namespace mlir;

namespace {

/// eˣ as 2ᵗ, one instruction of the special function unit.
struct ExpandExp : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::ExpOp op,
                                PatternRewriter &rewriter) const final {
    Value log2E = arith::ConstantOp::create(
        rewriter, op.getLoc(), rewriter.getF32FloatAttr(1.44269504088896341f));
    Value t =
        arith::MulFOp::create(rewriter, op.getLoc(), op.getOperand(), log2E);
    rewriter.replaceOpWithNewOp<math::Exp2Op>(op, t);
    return success();
  }
};

/// Adds a flag to an f32 operation.
template <typename Op, arith::FastMathFlags flag>
struct Relax : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const final {
    if (!op.getType().isF32() || bitEnumContainsAll(op.getFastmath(), flag))
      return failure();
    rewriter.modifyOpInPlace(op,
                             [&] { op.setFastmath(op.getFastmath() | flag); });
    return success();
  }
};

using arith::FastMathFlags;
/// Within 2 units in the last place; the exact one is a subroutine.
using RelaxDivision = Relax<arith::DivFOp, FastMathFlags::afn>;
/// Products and sums become one operation, of one rounding.
using ContractProduct = Relax<arith::MulFOp, FastMathFlags::contract>;
using ContractSum = Relax<arith::AddFOp, FastMathFlags::contract>;
using ContractDifference = Relax<arith::SubFOp, FastMathFlags::contract>;

struct ExpandDeviceMath : ssd::impl::ExpandDeviceMathBase<ExpandDeviceMath> {
  using ExpandDeviceMathBase::ExpandDeviceMathBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExp, RelaxDivision, ContractProduct, ContractSum,
                 ContractDifference>(&getContext());
    math::populateExpansionPatterns(patterns,
                                    {"rsqrt", "powf", "sinh", "cosh", "tan",
                                     "asinh", "acosh", "atanh", "round"});
    populateMathPolynomialApproximationPatterns(
        patterns, [](StringRef name) { return name != "math.exp"; });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    getOperation()->walk([&](Operation *op) {
      if (!isa_and_present<math::MathDialect>(op->getDialect()) || isNative(op))
        return;
      op->emitError("no GPU code for this function");
      signalPassFailure();
    });
  }

private:
  /// What the backend selects an instruction for.
  static bool isNative(Operation *op) {
    return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
               math::Exp2Op, math::FloorOp, math::FmaOp, math::RoundEvenOp,
               math::SqrtOp, math::TruncOp>(op);
  }
};

} // namespace
