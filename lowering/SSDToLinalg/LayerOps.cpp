//===- LayerOps.cpp - discretize, causal_conv1d and rms_norm to linalg ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/SSDOps.h"
#include "lowering/SSDToLinalg/LinalgBuilder.h"
#include "lowering/SSDToLinalg/Patterns.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace ssd;

/// Loop letters for the dimensions of `value`: "ij" or "ijk".
static StringRef loopsOf(Value value) {
  return StringRef("ijklm").take_front(
      cast<ShapedType>(value.getType()).getRank());
}

namespace {

//===----------------------------------------------------------------------===//
// discretize
//===----------------------------------------------------------------------===//

struct LowerDiscretize : OpRewritePattern<DiscretizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DiscretizeOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    StringRef loops = loopsOf(op.getRaw());
    SmallVector<Access> inputs = {{op.getRaw(), loops}};
    if (op.getBias())
      inputs.push_back({op.getBias(), loops.take_back()});
    Value result = generic(
        rewriter, loc, loops, "", inputs, {op.getOuts()[0], loops},
        [&](BodyBuilder &body, ValueRange args) {
          Value value = body.f32(args[0]);
          if (op.getBias())
            value = body.add(value, body.f32(args[1]));
          if (op.getSoftplus())
            value = body.softplus(value);
          OpBuilder &b = body.builder;
          if (auto min = op.getMin())
            value = arith::MaximumFOp::create(
                b, loc, value, body.constant(min->convertToFloat()));
          if (auto max = op.getMax())
            value = arith::MinimumFOp::create(
                b, loc, value, body.constant(max->convertToFloat()));
          return value;
        });
    rewriter.replaceOp(op, result);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// causal_conv1d
//===----------------------------------------------------------------------===//

struct LowerCausalConv1D : OpRewritePattern<CausalConv1DOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CausalConv1DOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t width =
        cast<ShapedType>(op.getWeight().getType()).getDimSize(1);
    Value padded = prependWindow(rewriter, op, width);
    Value y = sumTaps(rewriter, op, padded, width);
    // The last K−1 inputs; where the sequence is shorter, older ones stay.
    OpFoldResult length = tensor::getMixedSize(rewriter, loc, op.getX(), 1);
    Value rest = tokens(rewriter, loc, padded, length,
                        rewriter.getIndexAttr(width - 1));
    Value window = linalg::CopyOp::create(rewriter, loc, rest, op.getOuts()[1])
                       .getResult(0);
    rewriter.replaceOp(op, {y, window});
    return success();
  }

private:
  static Value tokens(OpBuilder &builder, Location loc, Value source,
                      OpFoldResult first, OpFoldResult count) {
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, loc, source);
    SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(3, builder.getIndexAttr(1));
    offsets[1] = first;
    sizes[1] = count;
    return tensor::ExtractSliceOp::create(builder, loc, source, offsets, sizes,
                                          strides);
  }

  /// window ++ x along the sequence.
  static Value prependWindow(OpBuilder &builder, CausalConv1DOp op,
                             int64_t width) {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, loc, op.getX());
    OpFoldResult length = sizes[1];
    sizes[1] = affine::makeComposedFoldedAffineApply(
        builder, loc, builder.getAffineDimExpr(0) + (width - 1), {length});
    Value padded = empty(builder, loc, sizes,
                         getElementTypeOrSelf(op.getX().getType()));
    auto copyInto = [&](Value source, int64_t first, OpFoldResult count) {
      SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0));
      SmallVector<OpFoldResult> strides(3, builder.getIndexAttr(1));
      SmallVector<OpFoldResult> part(sizes);
      offsets[1] = builder.getIndexAttr(first);
      part[1] = count;
      Value into = tensor::ExtractSliceOp::create(builder, loc, padded, offsets,
                                                  part, strides);
      Value copied =
          linalg::CopyOp::create(builder, loc, source, into).getResult(0);
      padded = tensor::InsertSliceOp::create(builder, loc, copied, padded,
                                             offsets, part, strides);
    };
    copyInto(op.getOuts()[1], 0, builder.getIndexAttr(width - 1));
    copyInto(op.getX(), width - 1, length);
    return padded;
  }

  /// Each tap is one shifted view of the padded input, all added in one pass.
  static Value sumTaps(OpBuilder &builder, CausalConv1DOp op, Value padded,
                       int64_t width) {
    Location loc = op.getLoc();
    OpFoldResult length = tensor::getMixedSize(builder, loc, op.getX(), 1);
    SmallVector<Access> inputs;
    Value taps = transposeTaps(builder, op);
    for (int64_t k = 0; k < width; ++k) {
      inputs.push_back({tokens(builder, loc, padded, builder.getIndexAttr(k),
                               length),
                        "blc"});
      inputs.push_back({take(builder, loc, taps, {{0, builder.getIndexAttr(k)}}),
                        "c"});
    }
    if (op.getBias())
      inputs.push_back({op.getBias(), "c"});
    return generic(builder, loc, "blc", "", inputs, {op.getOuts()[0], "blc"},
                   [&](BodyBuilder &body, ValueRange args) {
                     Value sum;
                     if (op.getBias())
                       sum = body.f32(args[2 * width]);
                     for (int64_t k = 0; k < width; ++k) {
                       Value term = body.mul(body.f32(args[2 * k]),
                                             body.f32(args[2 * k + 1]));
                       sum = sum ? body.add(sum, term) : term;
                     }
                     if (op.getActivation() == Activation::silu)
                       sum = body.silu(sum);
                     return body.cast(sum, args.back().getType());
                   });
  }

  /// [C, K] as [K, C], whose rows are contiguous like the channels.
  static Value transposeTaps(OpBuilder &builder, CausalConv1DOp op) {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, loc, op.getWeight());
    std::swap(sizes[0], sizes[1]);
    Value into = empty(builder, loc, sizes, builder.getF32Type());
    return generic(
        builder, loc, "kc", "", {{op.getWeight(), "ck"}}, {into, "kc"},
        [](BodyBuilder &body, ValueRange args) { return body.f32(args[0]); });
  }
};

//===----------------------------------------------------------------------===//
// rms_norm
//===----------------------------------------------------------------------===//

struct LowerRMSNorm : OpRewritePattern<RMSNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RMSNormOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t channels = cast<ShapedType>(op.getX().getType()).getShape().back();
    int64_t group = op.getGroupSize().value_or(channels);
    // [..., D] as [..., D/group, group]; loops "ij" + "gc".
    auto split = [&](Value value) {
      return value ? splitChannels(rewriter, loc, value, group) : Value();
    };
    Value x = split(op.getX()), z = split(op.getGateInput());
    Value weight = split(op.getWeight()), out = split(op.getOuts()[0]);
    StringRef loops = loopsOf(x), rows = loops.drop_back();

    if (op.getGate() == Gate::before) {
      Value gated = empty(rewriter, loc, tensor::getMixedSizes(rewriter, loc, x),
                          rewriter.getF32Type());
      x = generic(rewriter, loc, loops, "", {{x, loops}, {z, loops}},
                  {gated, loops}, [](BodyBuilder &body, ValueRange args) {
                    return body.mul(body.f32(args[0]),
                                    body.silu(body.f32(args[1])));
                  });
    }
    Value inverse = inverseNorm(rewriter, op, x, loops, rows, group);
    SmallVector<Access> inputs = {
        {x, loops}, {inverse, rows}, {weight, loops.take_back(2)}};
    bool gateAfter = op.getGate() == Gate::after;
    if (gateAfter)
      inputs.push_back({z, loops});
    Value normed = generic(
        rewriter, loc, loops, "", inputs, {out, loops},
        [&](BodyBuilder &body, ValueRange args) {
          Value value = body.mul(body.f32(args[0]), args[1]);
          value = body.mul(value, body.f32(args[2]));
          if (gateAfter)
            value = body.mul(value, body.silu(body.f32(args[3])));
          return body.cast(value, args.back().getType());
        });
    rewriter.replaceOp(op, mergeChannels(rewriter, loc, normed,
                                         op.getOuts()[0].getType()));
    return success();
  }

private:
  static SmallVector<ReassociationIndices> lastSplit(int64_t rank) {
    SmallVector<ReassociationIndices> groups;
    for (int64_t dim = 0; dim + 1 < rank; ++dim)
      groups.push_back({dim});
    groups.push_back({rank - 1, rank});
    return groups;
  }

  static Value splitChannels(OpBuilder &builder, Location loc, Value value,
                             int64_t group) {
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape(type.getShape());
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, loc, value);
    shape.back() /= group;
    sizes.back() = builder.getIndexAttr(shape.back());
    shape.push_back(group);
    sizes.push_back(builder.getIndexAttr(group));
    return tensor::ExpandShapeOp::create(
        builder, loc, RankedTensorType::get(shape, type.getElementType()),
        value, lastSplit(type.getRank()), sizes);
  }

  static Value mergeChannels(OpBuilder &builder, Location loc, Value value,
                             Type type) {
    int64_t rank = cast<ShapedType>(type).getRank();
    return tensor::CollapseShapeOp::create(builder, loc, type, value,
                                           lastSplit(rank));
  }

  /// 1 / sqrt(mean(v²) + epsilon) for each row and group.
  static Value inverseNorm(OpBuilder &builder, RMSNormOp op, Value x,
                           StringRef loops, StringRef rows, int64_t group) {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, x);
    sizes.pop_back();
    Value sums = fillZero(builder, loc, empty(builder, loc, sizes,
                                              builder.getF32Type()));
    sums = generic(builder, loc, loops, loops.take_back(), {{x, loops}},
                   {sums, rows}, [](BodyBuilder &body, ValueRange args) {
                     Value value = body.f32(args[0]);
                     return body.add(args[1], body.mul(value, value));
                   });
    double epsilon = op.getEpsilon().convertToFloat();
    return generic(builder, loc, rows, "", {}, {sums, rows},
                   [&](BodyBuilder &body, ValueRange args) {
                     Value mean =
                         body.mul(args[0], body.constant(1.0 / group));
                     Value shifted = body.add(mean, body.constant(epsilon));
                     Value root = math::SqrtOp::create(body.builder, loc,
                                                       shifted);
                     return body.div(body.constant(1.0), root);
                   });
  }
};

} // namespace

void ssd::populateLayerOpPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDiscretize, LowerCausalConv1D, LowerRMSNorm>(
      patterns.getContext());
}
