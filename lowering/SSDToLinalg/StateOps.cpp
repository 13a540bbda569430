//===- StateOps.cpp - step and state_pass to linalg ---*- C++ -*-===//
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
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace ssd;

/// for (index = 0; index < size(of, dim); ++index) carried = body(...).
static SmallVector<Value>
forEachIndex(OpBuilder &builder, Location loc, Value of, int64_t dim,
             ValueRange init,
             llvm::function_ref<SmallVector<Value>(OpBuilder &, Value,
                                                   ValueRange)>
                 body) {
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value size = getValueOrCreateConstantIndexOp(
      builder, loc, tensor::getMixedSize(builder, loc, of, dim));
  auto loop = scf::ForOp::create(
      builder, loc, zero, size, one, init,
      [&](OpBuilder &b, Location, Value index, ValueRange carried) {
        scf::YieldOp::create(b, loc, body(b, index, carried));
      });
  return loop.getResults();
}

namespace {

//===----------------------------------------------------------------------===//
// step
//===----------------------------------------------------------------------===//

struct LowerStep : OpRewritePattern<StepOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(StepOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto results = forEachIndex(
        rewriter, loc, op.getX(), 0, op.getOuts(),
        [&](OpBuilder &builder, Value batch, ValueRange carried) {
          if (op.getSlots())
            return buildSlot(builder, op, batch, carried);
          return buildBatch(builder, op, batch, carried, batch);
        });
    rewriter.replaceOp(op, results);
    return success();
  }

private:
  /// The batch element on row `stateRow` of the states, or without one on a
  /// zero state that is not kept.
  static SmallVector<Value> buildBatch(OpBuilder &builder, StepOp op,
                                       Value batch, ValueRange carried,
                                       Value stateRow) {
    Location loc = op.getLoc();
    int64_t heads = cast<ShapedType>(op.getX().getType()).getDimSize(1);
    int64_t groups = cast<ShapedType>(op.getB().getType()).getDimSize(1);
    auto row = [&](Value value) { return take(builder, loc, value, {{0, batch}}); };
    StepRow in = {row(op.getX()),     row(op.getB()), row(op.getC()),
                  row(op.getDecay()), op.getRate(),   row(op.getScale())};
    Value old;
    if (stateRow) {
      old = take(builder, loc, carried[1], {{0, stateRow}});
    } else {
      SmallVector<OpFoldResult> sizes =
          tensor::getMixedSizes(builder, loc, carried[1]);
      sizes.erase(sizes.begin());
      old = fillZero(builder, loc,
                     empty(builder, loc, sizes,
                           getElementTypeOrSelf(carried[1].getType())));
    }
    auto [y, state] =
        buildRow(builder, loc, in, row(carried[0]), old, heads / groups);
    Value ys = put(builder, loc, y, carried[0], {{0, batch}});
    if (!stateRow)
      return {ys, carried[1]};
    return {ys, put(builder, loc, state, carried[1], {{0, stateRow}})};
  }

  /// The batch element on the row that its slot names. Unsigned, negative slots
  /// are beyond the pool like those too large.
  static SmallVector<Value> buildSlot(OpBuilder &builder, StepOp op,
                                      Value batch, ValueRange carried) {
    Location loc = op.getLoc();
    Value slot = tensor::ExtractOp::create(builder, loc, op.getSlots(), batch);
    Value row = arith::IndexCastOp::create(builder, loc,
                                           builder.getIndexType(), slot);
    Value rows = getValueOrCreateConstantIndexOp(
        builder, loc, tensor::getMixedSize(builder, loc, carried[1], 0));
    Value kept = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                       row, rows);
    auto branch = [&](Value stateRow) {
      return [&, stateRow](OpBuilder &b, Location) {
        scf::YieldOp::create(b, loc,
                             buildBatch(b, op, batch, carried, stateRow));
      };
    };
    auto choice =
        scf::IfOp::create(builder, loc, kept, branch(row), branch(Value()));
    return SmallVector<Value>(choice.getResults());
  }

  /// One batch element: x [H, P]; b, c [G, N]; decay, scale [H]; state
  /// [H, P, N].
  struct StepRow {
    Value x, b, c, decay, rate, scale;
  };

  /// Head by head, so that the state is in cache for its second reading.
  static std::pair<Value, Value> buildRow(OpBuilder &builder, Location loc,
                                          const StepRow &in, Value y,
                                          Value state, int64_t headsPerGroup) {
    auto results = forEachIndex(
        builder, loc, in.x, 0, {y, state},
        [&](OpBuilder &b, Value head, ValueRange carried) {
          AffineExpr d0 = b.getAffineDimExpr(0);
          OpFoldResult group = affine::makeComposedFoldedAffineApply(
              b, loc, d0.floorDiv(headsPerGroup), {head});
          auto own = [&](Value value) { return take(b, loc, value, {{0, head}}); };
          auto shared = [&](Value value) {
            return take(b, loc, value, {{0, group}});
          };
          StepRow headIn = {own(in.x),    shared(in.b), shared(in.c),
                            own(in.decay), own(in.rate), own(in.scale)};
          auto [yHead, stateHead] = buildHead(b, loc, headIn, own(carried[0]),
                                              own(carried[1]));
          return SmallVector<Value>{put(b, loc, yHead, carried[0], {{0, head}}),
                                    put(b, loc, stateHead, carried[1], {{0, head}})};
        });
    return {results[0], results[1]};
  }

  static std::pair<Value, Value> buildHead(OpBuilder &builder, Location loc,
                                           const StepRow &in, Value y,
                                           Value state) {
    Value factor = decayFactor(builder, loc, in.decay, in.rate);
    bool diagonal = factor && isa<RankedTensorType>(factor.getType());
    Value x = scaledInput(builder, loc, in.x, in.scale);
    SmallVector<Access> inputs = {{x, "p"}, {in.b, "n"}};
    if (diagonal)
      inputs.push_back({factor, "n"});
    Value next = generic(
        builder, loc, "pn", "", inputs, {state, "pn"},
        [&](BodyBuilder &body, ValueRange args) {
          Value old = body.f32(args.back());
          if (factor)
            old = body.mul(old, diagonal ? args[2] : factor);
          Value sum =
              body.add(old, body.mul(body.f32(args[0]), body.f32(args[1])));
          return body.cast(sum, args.back().getType());
        });
    Value c = toF32(builder, loc, in.c);
    Value wide = y;
    bool rounds = !getElementTypeOrSelf(y.getType()).isF32();
    if (rounds)
      wide = empty(builder, loc, tensor::getMixedSizes(builder, loc, y),
                   builder.getF32Type());
    Value sums = contract(builder, loc, "pn", {next, "pn"}, {c, "n"},
                          {fillZero(builder, loc, wide), "p"});
    if (rounds)
      sums = linalg::CopyOp::create(builder, loc, sums, y).getResult(0);
    return {sums, next};
  }

  /// exp(decay · rate): nothing, a scalar, or one value per state column.
  static Value decayFactor(OpBuilder &builder, Location loc, Value decay,
                           Value rate) {
    if (!decay && !rate)
      return {};
    auto isScalar = [](Value value) {
      return !value || cast<ShapedType>(value.getType()).getRank() == 0;
    };
    auto load = [&](Value value) -> Value {
      return tensor::ExtractOp::create(builder, loc, value, ValueRange{});
    };
    BodyBuilder math(builder, loc);
    if (isScalar(decay) && isScalar(rate)) {
      Value log = load(decay ? decay : rate);
      if (decay && rate)
        log = math.mul(log, load(rate));
      return math.exp(log);
    }
    SmallVector<Access> inputs;
    for (Value value : {decay, rate})
      if (value)
        inputs.push_back({value, isScalar(value) ? "" : "n"});
    Value shaped = decay && !isScalar(decay) ? decay : rate;
    Value into = empty(builder, loc,
                       tensor::getMixedSizes(builder, loc, shaped),
                       builder.getF32Type());
    return generic(builder, loc, "n", "", inputs, {into, "n"},
                   [&](BodyBuilder &body, ValueRange args) {
                     Value log = args[0];
                     if (inputs.size() == 2)
                       log = body.mul(log, args[1]);
                     return body.exp(log);
                   });
  }

  static Value scaledInput(OpBuilder &builder, Location loc, Value x,
                           Value scale) {
    if (!scale)
      return x;
    Value factor =
        tensor::ExtractOp::create(builder, loc, scale, ValueRange{});
    Value into = empty(builder, loc, tensor::getMixedSizes(builder, loc, x),
                       builder.getF32Type());
    return generic(builder, loc, "p", "", {{x, "p"}}, {into, "p"},
                   [&](BodyBuilder &body, ValueRange args) {
                     return body.mul(body.f32(args[0]), factor);
                   });
  }
};

//===----------------------------------------------------------------------===//
// state_pass
//===----------------------------------------------------------------------===//

struct LowerStatePass : OpRewritePattern<StatePassOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(StatePassOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto results = forEachIndex(
        rewriter, loc, op.getLocal(), 0, op.getOuts(),
        [&](OpBuilder &builder, Value batch, ValueRange carried) {
          auto row = [&](Value value) {
            return take(builder, loc, value, {{0, batch}});
          };
          auto parts =
              passParts(builder, loc, row(op.getLocal()),
                        row(op.getLogDecay()), row(carried[0]),
                        row(carried[1]));
          return SmallVector<Value>{
              put(builder, loc, parts[0], carried[0], {{0, batch}}),
              put(builder, loc, parts[1], carried[1], {{0, batch}})};
        });
    rewriter.replaceOp(op, results);
    return success();
  }

private:
  static SmallVector<Value> passParts(OpBuilder &builder, Location loc,
                                      Value local, Value logDecay, Value start,
                                      Value state) {
    return forEachIndex(
        builder, loc, local, 0, {start, state},
        [&](OpBuilder &b, Value part, ValueRange carried) {
          Value before = take(b, loc, carried[0], {{0, part}});
          before = linalg::CopyOp::create(b, loc, carried[1], before)
                       .getResult(0);
          Value starts = put(b, loc, before, carried[0], {{0, part}});
          Value decay = take(b, loc, logDecay, {{0, part}});
          Value factor =
              empty(b, loc, tensor::getMixedSizes(b, loc, decay),
                    b.getF32Type());
          factor = generic(b, loc, "h", "", {{decay, "h"}}, {factor, "h"},
                           [](BodyBuilder &body, ValueRange args) {
                             return body.exp(args[0]);
                           });
          Value next = generic(
              b, loc, "hpn", "",
              {{take(b, loc, local, {{0, part}}), "hpn"}, {factor, "h"}},
              {carried[1], "hpn"}, [](BodyBuilder &body, ValueRange args) {
                Value old = body.mul(body.f32(args[2]), args[1]);
                return body.cast(body.add(old, args[0]), args[2].getType());
              });
          return SmallVector<Value>{starts, next};
        });
  }
};

} // namespace

void ssd::populateStatePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerStep, LowerStatePass>(patterns.getContext());
}
