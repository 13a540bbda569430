//===- KernelMath.cpp - Functions of one f32 in kernels ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/KernelMath.h"

using namespace mlir;
using namespace ssd;

/// Horner's scheme, the highest coefficient first.
static Value polynomial(KernelBuilder &k, Value x,
                        ArrayRef<float> coefficients) {
  Value sum = k.f(coefficients.front());
  for (float coefficient : coefficients.drop_front())
    sum = k.fma(sum, x, k.f(coefficient));
  return sum;
}

/// e⁻ˣ for x ≥ 0: 2ᵗ with what rounding t loses put back.
static Value expOfNegative(KernelBuilder &k, Value x) {
  // 2ᵗ is zero long before; infinity would make NaN of the correction.
  Value limited = k.create<arith::MinimumFOp>(x, k.f(104));
  Value minus = k.f(-kLog2E);
  Value t = k.fmul(limited, minus);
  Value lost = k.fma(limited, minus, k.create<arith::NegFOp>(t));
  // log₂e − kLog2E
  lost = k.fma(limited, k.f(-1.92596299e-8f), lost);
  Value power = k.exp2(t);
  return k.fma(k.fmul(power, k.f(0.693147181f)), lost, power);
}

Value ssd::softplus(KernelBuilder &k, Value x) {
  // max(x, 0) + log1p(u), u = e^−|x|; log1p(u) = 2 artanh(s), s = u / (2 + u)
  // ≤ 1/3.
  Value u = expOfNegative(k, k.create<LLVM::FAbsOp>(x));
  Value s = k.create<arith::DivFOp>(u, k.fadd(u, k.f(2)));
  Value square = k.fmul(s, s);
  Value series = polynomial(
      k, square,
      {2.f / 15, 2.f / 13, 2.f / 11, 2.f / 9, 2.f / 7, 2.f / 5, 2.f / 3, 2.f});
  return k.fma(s, series, k.create<arith::MaximumFOp>(x, k.f(0)));
}

Split ssd::splitExp(KernelBuilder &k, Value x) {
  // eˣ − 1 = x + x² q(x) near zero, which knows how far from 1 the factor is.
  Value q = polynomial(
      k, x, {1.f / 5040, 1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, 1.f / 2});
  Value change = k.fma(k.fmul(x, x), q, x);
  Value near = k.fadd(k.f(1), change);
  Value rest = k.fsub(change, k.fsub(near, k.f(1)));
  Value isNear = k.create<arith::CmpFOp>(arith::CmpFPredicate::OLT,
                                         k.create<LLVM::FAbsOp>(x), k.f(0.35f));
  Value far = k.exp2(k.fmul(x, k.f(kLog2E)));
  return {k.select(isNear, near, far), k.select(isNear, rest, k.f(0))};
}

SmallVector<Split> ssd::splitFactors(KernelBuilder &k, ArrayRef<Value> decays,
                                     ArrayRef<Value> rates) {
  SmallVector<Split> factors;
  size_t count = std::max(decays.size(), rates.size());
  for (size_t i = 0; i < count; ++i) {
    Value decay = decays.empty() ? Value() : decays[i % decays.size()];
    Value rate = rates.empty() ? Value() : rates[i % rates.size()];
    factors.push_back(splitExp(k, !decay  ? rate
                                  : !rate ? decay
                                          : k.fmul(decay, rate)));
  }
  return factors;
}

Value ssd::fmul(KernelBuilder &k, Value a, Split factor) {
  return k.fma(a, factor.low, k.fmul(a, factor.high));
}
