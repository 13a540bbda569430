//===- StageOps.cpp - One-chunk operations to linalg ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/SSDOps.h"
#include "lowering/SSDToLinalg/LinalgBuilder.h"
#include "lowering/SSDToLinalg/Patterns.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace ssd;

static Value constantIndex(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

static Value sizeOf(OpBuilder &builder, Location loc, Value tensor,
                    int64_t dim) {
  return getValueOrCreateConstantIndexOp(
      builder, loc, tensor::getMixedSize(builder, loc, tensor, dim));
}

/// Updates `init` once per head: body(head, carried) returns the new value.
static Value forEachHead(OpBuilder &builder, Location loc, Value heads,
                         Value init,
                         llvm::function_ref<Value(OpBuilder &, Value, Value)>
                             body) {
  Value zero = constantIndex(builder, loc, 0);
  Value one = constantIndex(builder, loc, 1);
  auto loop = scf::ForOp::create(
      builder, loc, zero, heads, one, init,
      [&](OpBuilder &b, Location, Value head, ValueRange carried) {
        scf::YieldOp::create(b, loc, body(b, head, carried[0]));
      });
  return loop.getResult(0);
}

namespace {

//===----------------------------------------------------------------------===//
// cumulative_decay
//===----------------------------------------------------------------------===//

struct LowerCumulativeDecay : OpRewritePattern<CumulativeDecayOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CumulativeDecayOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value out = op.getOuts()[0];
    Value zero = constantIndex(rewriter, loc, 0);
    Value one = constantIndex(rewriter, loc, 1);
    Value tokens = sizeOf(rewriter, loc, out, 1);
    Value result = forEachHead(
        rewriter, loc, sizeOf(rewriter, loc, out, 0), out,
        [&](OpBuilder &builder, Value head, Value carried) {
          BodyBuilder math(builder, loc);
          Value start = math.constant(0.0, builder.getF64Type());
          auto loop = scf::ForOp::create(
              builder, loc, zero, tokens, one, ValueRange{carried, start},
              [&](OpBuilder &b, Location, Value token, ValueRange args) {
                BodyBuilder body(b, loc);
                Value sum =
                    body.add(args[1], logDecay(body, op, token, head));
                Value next = tensor::InsertOp::create(b, loc, sum, args[0],
                                                      ValueRange{head, token});
                scf::YieldOp::create(b, loc, ValueRange{next, sum});
              });
          return loop.getResult(0);
        });
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  /// decay · rate in f64, where the product of two f32 is exact.
  static Value logDecay(BodyBuilder &body, CumulativeDecayOp op, Value token,
                        Value head) {
    auto load = [&](Value source, ValueRange at) -> Value {
      if (!source)
        return {};
      Value value =
          tensor::ExtractOp::create(body.builder, body.loc, source, at);
      return body.cast(value, body.builder.getF64Type());
    };
    Value decay = load(op.getDecay(), {token, head});
    Value rate = load(op.getRate(), {head});
    if (decay && rate)
      return body.mul(decay, rate);
    return decay ? decay : rate;
  }
};

//===----------------------------------------------------------------------===//
// chunk_scores
//===----------------------------------------------------------------------===//

struct LowerChunkScores : OpRewritePattern<ChunkScoresOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ChunkScoresOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value c = toF32(rewriter, loc, op.getC());
    Value zero = fillZero(rewriter, loc, op.getOuts()[0]);
    rewriter.replaceOp(op, contract(rewriter, loc, "ijn", {c, "in"},
                                    {op.getB(), "jn"}, {zero, "ij"}));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// chunk_output
//===----------------------------------------------------------------------===//

struct LowerChunkOutput : OpRewritePattern<ChunkOutputOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ChunkOutputOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value c = toF32(rewriter, loc, op.getC());
    Value out = op.getOuts()[0];
    Value result = forEachHead(
        rewriter, loc, sizeOf(rewriter, loc, out, 1), out,
        [&](OpBuilder &builder, Value head, Value carried) {
          Value state = take(builder, loc, op.getState(), {{0, head}});
          Value zero =
              fillZero(builder, loc, take(builder, loc, carried, {{1, head}}));
          Value sums = contract(builder, loc, "inp", {c, "in"}, {state, "np"},
                                {zero, "ip"});
          Value scaled = scaleRows(builder, op, head, sums);
          return put(builder, loc, scaled, carried, {{1, head}});
        });
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  /// Each row times the decay up to its token; 0 for tokens of another run.
  static Value scaleRows(OpBuilder &builder, ChunkOutputOp op, Value head,
                         Value rows) {
    Location loc = op.getLoc();
    SmallVector<Access> inputs;
    if (Value decay = op.getCumulativeDecay()) {
      Value sums = take(builder, loc, decay, {{0, head}});
      Value factor = empty(builder, loc, tensor::getMixedSizes(builder, loc, sums),
                           builder.getF32Type());
      factor = generic(builder, loc, "i", "", {{sums, "i"}}, {factor, "i"},
                       [](BodyBuilder &body, ValueRange args) {
                         return body.exp(body.f32(args[0]));
                       });
      inputs.push_back({factor, "i"});
    }
    Value stateRun;
    if (op.getQueryRuns()) {
      inputs.push_back({op.getQueryRuns(), "i"});
      stateRun = tensor::ExtractOp::create(builder, loc, op.getStateRun(),
                                           constantIndex(builder, loc, 0));
    }
    if (inputs.empty())
      return rows;
    bool decays = static_cast<bool>(op.getCumulativeDecay());
    return generic(builder, loc, "ip", "", inputs, {rows, "ip"},
                   [&](BodyBuilder &body, ValueRange args) {
                     Value value = args.back();
                     if (decays)
                       value = body.mul(value, args[0]);
                     if (!stateRun)
                       return value;
                     Value run = args[decays ? 1 : 0];
                     return body.selectOrZero(body.equal(run, stateRun), value);
                   });
  }
};

//===----------------------------------------------------------------------===//
// chunk_scan
//===----------------------------------------------------------------------===//

struct LowerChunkScan : OpRewritePattern<ChunkScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ChunkScanOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value out = op.getOuts()[0];
    // Key j is visible to query i if j ≤ i + J − I.
    Value queries = sizeOf(rewriter, loc, op.getScores(), 0);
    Value keys = sizeOf(rewriter, loc, op.getScores(), 1);
    Value shift = arith::SubIOp::create(rewriter, loc, keys, queries);
    Value result = forEachHead(
        rewriter, loc, sizeOf(rewriter, loc, out, 1), out,
        [&](OpBuilder &builder, Value head, Value carried) {
          Value masked = maskScores(builder, op, head, shift);
          Value x = take(builder, loc, op.getX(), {{1, head}});
          Value sums = contract(builder, loc, "ijp", {masked, "ij"}, {x, "jp"},
                                {take(builder, loc, carried, {{1, head}}), "ip"});
          return put(builder, loc, sums, carried, {{1, head}});
        });
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  /// scores ∘ decay ∘ scale, 0 where query and key do not see each other.
  static Value maskScores(OpBuilder &builder, ChunkScanOp op, Value head,
                          Value shift) {
    Location loc = op.getLoc();
    Value scores = op.getScores();
    SmallVector<Access> inputs = {{scores, "ij"}};
    bool decays = static_cast<bool>(op.getQueryDecay());
    bool scales = static_cast<bool>(op.getScale());
    bool runs = static_cast<bool>(op.getQueryRuns());
    if (decays) {
      inputs.push_back({take(builder, loc, op.getQueryDecay(), {{0, head}}), "i"});
      inputs.push_back({take(builder, loc, op.getKeyDecay(), {{0, head}}), "j"});
    }
    if (scales)
      inputs.push_back({take(builder, loc, op.getScale(), {{0, head}}), "j"});
    if (runs) {
      inputs.push_back({op.getQueryRuns(), "i"});
      inputs.push_back({op.getKeyRuns(), "j"});
    }
    Value into = empty(builder, loc, tensor::getMixedSizes(builder, loc, scores),
                       builder.getF32Type());
    bool diagonal = op.getDiagonal();
    auto body = [&](BodyBuilder &body, ValueRange args) {
      Value value = args[0];
      args = args.drop_front();
      if (decays) {
        Value gap = body.f32(body.sub(args[0], args[1]));
        value = body.mul(value, body.exp(gap));
        args = args.drop_front(2);
      }
      if (scales) {
        value = body.mul(value, args[0]);
        args = args.drop_front();
      }
      if (runs)
        value = body.selectOrZero(body.equal(args[0], args[1]), value);
      if (!diagonal)
        return value;
      OpBuilder &b = body.builder;
      Value i = linalg::IndexOp::create(b, loc, 0);
      Value j = linalg::IndexOp::create(b, loc, 1);
      Value last = arith::AddIOp::create(b, loc, i, shift);
      Value seen = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, j,
                                         last);
      return body.selectOrZero(seen, value);
    };
    return generic(builder, loc, "ij", "", inputs, {into, "ij"}, body);
  }
};

//===----------------------------------------------------------------------===//
// chunk_state
//===----------------------------------------------------------------------===//

struct LowerChunkState : OpRewritePattern<ChunkStateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ChunkStateOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value state = op.getOuts()[0];
    Value b = toF32(rewriter, loc, op.getB());
    Value one = constantIndex(rewriter, loc, 1);
    Value last = arith::SubIOp::create(
        rewriter, loc, sizeOf(rewriter, loc, op.getX(), 0), one);
    Value lastRun;
    if (op.getRuns())
      lastRun = tensor::ExtractOp::create(rewriter, loc, op.getRuns(), last);
    Value result = forEachHead(
        rewriter, loc, sizeOf(rewriter, loc, state, 0), state,
        [&](OpBuilder &builder, Value head, Value carried) {
          Value total;
          if (Value decay = op.getCumulativeDecay())
            total = tensor::ExtractOp::create(builder, loc, decay,
                                              ValueRange{head, last});
          Value old = decayState(builder, op, total, lastRun,
                                 take(builder, loc, carried, {{0, head}}));
          Value x = weightInputs(builder, op, head, total, lastRun);
          Value sums = contract(builder, loc, "jnp", {b, "jn"}, {x, "jp"},
                                {old, "np"});
          return put(builder, loc, sums, carried, {{0, head}});
        });
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  static Value decayState(OpBuilder &builder, ChunkStateOp op, Value total,
                          Value lastRun, Value state) {
    if (!total && !lastRun)
      return state;
    Location loc = op.getLoc();
    BodyBuilder math(builder, loc);
    Value factor, kept;
    if (total)
      factor = math.exp(math.f32(total));
    if (lastRun) {
      Value run = tensor::ExtractOp::create(builder, loc, op.getStateRun(),
                                            constantIndex(builder, loc, 0));
      kept = math.equal(run, lastRun);
    }
    return generic(builder, loc, "np", "", {}, {state, "np"},
                   [&](BodyBuilder &body, ValueRange args) {
                     Value value = args[0];
                     if (factor)
                       value = body.mul(value, factor);
                     return kept ? body.selectOrZero(kept, value) : value;
                   });
  }

  /// exp(D_e − D_j) · s_j · x_j, 0 for tokens of another run than the last.
  static Value weightInputs(OpBuilder &builder, ChunkStateOp op, Value head,
                            Value total, Value lastRun) {
    Location loc = op.getLoc();
    Value x = take(builder, loc, op.getX(), {{1, head}});
    if (!total && !op.getScale() && !lastRun)
      return x;
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, x);
    Value weights = empty(builder, loc, sizes[0], builder.getF32Type());
    SmallVector<Access> inputs;
    if (total)
      inputs.push_back(
          {take(builder, loc, op.getCumulativeDecay(), {{0, head}}), "j"});
    if (op.getScale())
      inputs.push_back({take(builder, loc, op.getScale(), {{0, head}}), "j"});
    weights = generic(builder, loc, "j", "", inputs, {weights, "j"},
                      [&](BodyBuilder &body, ValueRange args) {
                        Value weight;
                        if (total)
                          weight = body.exp(body.f32(body.sub(total, args[0])));
                        if (op.getScale()) {
                          Value scale = args[total ? 1 : 0];
                          weight = weight ? body.mul(weight, scale) : scale;
                        }
                        return weight ? weight : body.constant(1.0);
                      });
    inputs = {{x, "jp"}, {weights, "j"}};
    if (lastRun)
      inputs.push_back({op.getRuns(), "j"});
    Value into = empty(builder, loc, sizes, builder.getF32Type());
    return generic(builder, loc, "jp", "", inputs, {into, "jp"},
                   [&](BodyBuilder &body, ValueRange args) {
                     Value value = body.mul(body.f32(args[0]), args[1]);
                     if (!lastRun)
                       return value;
                     return body.selectOrZero(body.equal(args[2], lastRun),
                                              value);
                   });
  }
};

} // namespace

void ssd::populateStageOpPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerCumulativeDecay, LowerChunkScores, LowerChunkOutput,
               LowerChunkScan, LowerChunkState>(patterns.getContext());
}
