//===- SSDCanonicalization.cpp - Rewrites for every target ------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/OpSupport.h"
#include "dialect/SSD/SSDOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace ssd;

/// Whether every element is known to be one.
static bool isOne(Value value) {
  if (!value)
    return false;
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.value(), m_OneFloat());
  DenseElementsAttr elements;
  return matchPattern(value, m_Constant(&elements)) && elements.isSplat() &&
         elements.getSplatValue<APFloat>().isExactlyValue(1.0);
}

namespace {

/// A log decay that is zero everywhere is linear attention: nothing decays.
struct DropZeroDecay : OpRewritePattern<MixOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MixOp op,
                                PatternRewriter &rewriter) const override {
    if (!ssd::detail::isKnownZero(op.getDecay()) &&
        !ssd::detail::isKnownZero(op.getRate()))
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.getDecayMutable().clear();
      op.getRateMutable().clear();
    });
    return success();
  }
};

/// A factor that is one everywhere says nothing. One of decay and rate must
/// stay, or the decay itself would be gone.
struct DropUnitFactors : OpRewritePattern<MixOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MixOp op,
                                PatternRewriter &rewriter) const override {
    bool decay = op.getRate() && isOne(op.getDecay()) &&
                 cast<ShapedType>(op.getDecay().getType()).getRank() == 3;
    bool rate = !decay && op.getDecay() && isOne(op.getRate()) &&
                cast<ShapedType>(op.getRate().getType()).getRank() == 1;
    bool scale = isOne(op.getScale());
    if (!decay && !rate && !scale)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      if (decay)
        op.getDecayMutable().clear();
      if (rate)
        op.getRateMutable().clear();
      if (scale)
        op.getScaleMutable().clear();
    });
    return success();
  }
};

/// One token reads the same from either end.
struct DropReverseOfOneToken : OpRewritePattern<MixOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MixOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getDirection() != Direction::reverse || op.getLength() != 1 ||
        op.getSegmentIds())
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.setDirection(Direction::forward); });
    return success();
  }
};

} // namespace

void MixOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  patterns.add<DropZeroDecay, DropUnitFactors, DropReverseOfOneToken>(context);
}
