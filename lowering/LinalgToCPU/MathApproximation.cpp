//===- MathApproximation.cpp - Polynomials for f32 functions --------------===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Range reductions and polynomials are Cephes'; constants are given to more
// digits than f32 holds. Every form is branch-free: special values are selected
// at the end, and integers are had from the bits of a sum with 1.5 * 2^23, so
// that no NaN ever meets a conversion to integer.
//
//===----------------------------------------------------------------------===//

#include "lowering/LinalgToCPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <limits>

namespace ssd {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "lowering/LinalgToCPU/Passes.h.inc"
} // namespace ssd

using namespace mlir;

namespace {
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Arithmetic on f32 (and i32 for its bits) of one shape.
struct FloatBuilder {
  ImplicitLocOpBuilder b;
  Type f32, i32;

  FloatBuilder(Location loc, PatternRewriter &rewriter, Type type)
      : b(loc, rewriter), f32(type), i32(b.getI32Type()) {
    if (auto vector = dyn_cast<VectorType>(type))
      i32 = vector.clone(i32);
  }

  Value constant(Type type, TypedAttr scalar) {
    if (auto vector = dyn_cast<VectorType>(type))
      scalar = SplatElementsAttr::get(vector, Attribute(scalar));
    return arith::ConstantOp::create(b, scalar);
  }
  Value num(float value) { return constant(f32, b.getF32FloatAttr(value)); }
  Value bits(int32_t value) {
    return constant(i32, b.getI32IntegerAttr(value));
  }

  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) {
    return math::FmaOp::create(b, x, y, z);
  }
  Value iadd(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value isub(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value abs(Value x) { return math::AbsFOp::create(b, x); }
  Value toBits(Value x) { return arith::BitcastOp::create(b, i32, x); }
  Value fromBits(Value x) { return arith::BitcastOp::create(b, f32, x); }
  Value is(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, predicate, x, y);
  }
  Value less(Value x, Value y) { return is(arith::CmpFPredicate::OLT, x, y); }
  Value equal(Value x, Value y) { return is(arith::CmpFPredicate::OEQ, x, y); }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }

  /// Horner's scheme, the highest coefficient first.
  Value polynomial(Value x, ArrayRef<float> coefficients) {
    Value result = num(coefficients.front());
    for (float coefficient : coefficients.drop_front())
      result = fma(result, x, num(coefficient));
    return result;
  }

  /// The integer nearest to `x`, as f32 and as i32; |x| < 2^22.
  std::pair<Value, Value> round(Value x) {
    Value magic = num(12582912.0f);
    Value shifted = add(x, magic);
    return {sub(shifted, magic), isub(toBits(shifted), toBits(magic))};
  }

  /// 2^n for an integer n in the range of normal numbers.
  Value powerOfTwo(Value n) {
    return fromBits(arith::ShLIOp::create(b, iadd(n, bits(127)), bits(23)));
  }

  /// x * 2^n, right for results that underflow or overflow.
  Value scale(Value x, Value n) {
    Value half = arith::ShRSIOp::create(b, n, bits(1));
    return mul(mul(x, powerOfTwo(half)), powerOfTwo(isub(n, half)));
  }

  /// Limits x to [low, high]; NaN stays NaN.
  Value clamp(Value x, float low, float high) {
    x = select(less(x, num(low)), num(low), x);
    return select(less(num(high), x), num(high), x);
  }

  /// (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2.
  Value expTail(Value r) {
    return polynomial(r,
                      {1.9875691500E-4f, 1.3981999507E-3f, 8.3334519073E-3f,
                       4.1665795894E-2f, 1.6666665459E-1f, 5.0000001201E-1f});
  }
  /// x - n * ln(2), in two steps.
  Value reduceByLn2(Value x, Value n) {
    x = fma(n, num(-0.693359375f), x);
    return fma(n, num(2.12194440e-4f), x);
  }

  Value exp(Value x) {
    // Beyond these limits the result is 0 or infinity.
    x = clamp(x, -105.0f, 89.0f);
    auto [n, bitsOfN] = round(mul(x, num(1.44269504088896341f)));
    return scale(expReduced(reduceByLn2(x, n)), bitsOfN);
  }

  Value expReduced(Value r) {
    return add(fma(expTail(r), mul(r, r), r), num(1.0f));
  }

  Value exp2(Value x) {
    x = clamp(x, -151.0f, 129.0f);
    auto [n, bitsOfN] = round(x);
    return scale(expReduced(mul(sub(x, n), num(0.693147180559945309f))),
                 bitsOfN);
  }

  /// exp(x) - 1 without cancellation: 2^n * (exp(r) - 1) + (2^n - 1).
  Value expm1(Value x) {
    Value limited = clamp(x, -20.0f, 89.0f);
    auto [n, bitsOfN] = round(mul(limited, num(1.44269504088896341f)));
    Value r = reduceByLn2(limited, n);
    Value p = fma(expTail(r), mul(r, r), r);
    // 2^(n - 1) twice, as 2^128 is not a number but twice 2^127 may be.
    Value half = powerOfTwo(isub(bitsOfN, bits(1)));
    Value result = fma(p, half, sub(half, num(0.5f)));
    result = add(result, result);
    return select(equal(x, num(0.0f)), x, result);
  }

  Value log(Value x) {
    // Subnormal arguments are scaled by 2^23 first.
    Value isSmall = less(x, num(1.17549435e-38f));
    Value scaled = select(isSmall, mul(x, num(8388608.0f)), x);
    // 2^e * m with m in [sqrt(1/2), sqrt(2)).
    Value offset = isub(toBits(scaled), bits(0x3f3504f3));
    Value e = arith::ShRSIOp::create(b, offset, bits(23));
    Value m =
        fromBits(isub(toBits(scaled), arith::ShLIOp::create(b, e, bits(23))));
    Value exponent = arith::SIToFPOp::create(b, f32, e);
    exponent = select(isSmall, sub(exponent, num(23.0f)), exponent);
    Value r = sub(m, num(1.0f));
    Value square = mul(r, r);
    Value p =
        polynomial(r, {7.0376836292E-2f, -1.1514610310E-1f, 1.1676998740E-1f,
                       -1.2420140846E-1f, 1.4249322787E-1f, -1.6668057665E-1f,
                       2.0000714765E-1f, -2.4999993993E-1f, 3.3333331174E-1f});
    p = mul(mul(p, r), square);
    p = fma(exponent, num(-2.12194440e-4f), p);
    p = fma(square, num(-0.5f), p);
    Value result = fma(exponent, num(0.693359375f), add(r, p));
    // Infinity and NaN give themselves, zero -infinity, the rest NaN.
    result = select(less(x, num(kInfinity)), result, x);
    result = select(less(x, num(0.0f)), num(kNaN), result);
    return select(equal(x, num(0.0f)), num(-kInfinity), result);
  }

  /// log(u) for u = 1 + x, corrected by what rounding u took away.
  Value log1p(Value x) {
    Value one = num(1.0f);
    Value u = add(x, one);
    Value lost = select(less(x, one), sub(x, sub(u, one)), sub(one, sub(u, x)));
    Value result = add(log(u), div(lost, u));
    // Where u is exactly 1, infinite or zero the quotient says nothing.
    result = select(equal(u, one), x, result);
    result = select(equal(u, num(kInfinity)), u, result);
    return select(equal(u, num(0.0f)), num(-kInfinity), result);
  }

  Value tanh(Value x) {
    Value magnitude = abs(x);
    Value square = mul(x, x);
    Value p = polynomial(square, {-5.70498872745E-3f, 2.06390887954E-2f,
                                  -5.37397155531E-2f, 1.33314422036E-1f,
                                  -3.33332819422E-1f});
    Value small = fma(mul(p, square), x, x);
    // 1 - 2 / (exp(2 |x|) + 1); exp limits itself.
    Value e = exp(add(magnitude, magnitude));
    Value large = sub(num(1.0f), div(num(2.0f), add(e, num(1.0f))));
    large = math::CopySignOp::create(b, large, x);
    return select(less(magnitude, num(0.625f)), small, large);
  }

  Value rsqrt(Value x) { return div(num(1.0f), math::SqrtOp::create(b, x)); }
};

using Approximation = Value (FloatBuilder::*)(Value);

template <typename OpTy, Approximation approximation>
struct Approximate : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    FloatBuilder builder(op.getLoc(), rewriter, op.getType());
    rewriter.replaceOp(op, (builder.*approximation)(op.getOperand()));
    return success();
  }
};

struct ApproximateMathPass
    : ssd::impl::ApproximateMathBase<ApproximateMathPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    ssd::populateMathApproximationPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void ssd::populateMathApproximationPatterns(RewritePatternSet &patterns) {
  patterns.add<Approximate<math::ExpOp, &FloatBuilder::exp>,
               Approximate<math::Exp2Op, &FloatBuilder::exp2>,
               Approximate<math::ExpM1Op, &FloatBuilder::expm1>,
               Approximate<math::LogOp, &FloatBuilder::log>,
               Approximate<math::Log1pOp, &FloatBuilder::log1p>,
               Approximate<math::TanhOp, &FloatBuilder::tanh>,
               Approximate<math::RsqrtOp, &FloatBuilder::rsqrt>>(
      patterns.getContext(), /*benefit=*/10);
  // What is left follows MLIR's polynomials, or its expansions.
  static constexpr StringRef own[] = {"math.exp",  "math.exp2",  "math.expm1",
                                      "math.log",  "math.log1p", "math.tanh",
                                      "math.rsqrt"};
  auto isOther = [](StringRef name) { return !llvm::is_contained(own, name); };
  auto isAny = [](StringRef name) { return true; };
  populateMathF32ExpansionPatterns(patterns, isAny);
  populateMathPolynomialApproximationPatterns(patterns, isOther);
}
