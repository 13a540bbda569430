//===- KernelMath.h - Functions of one f32 in kernels ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_KERNELMATH_H
#define SSD_LOWERING_SSDTOHOPPER_KERNELMATH_H

#include "lowering/SSDToHopper/KernelBuilder.h"

namespace ssd {

inline constexpr float kLog2E = 1.44269504088896341f;

/// log(1 + eˣ) within a few units in the last place, also where it is tiny.
/// NaN stays NaN.
mlir::Value softplus(KernelBuilder &k, mlir::Value x);

/// A number as the sum of two f32.
struct Split {
  mlir::Value high, low;
};

/// eˣ. Rounded to f32, a factor close to 1 is wrong by up to 3e-8 of itself; a
/// state that it multiplies over thousands of tokens would lose digits.
Split splitExp(KernelBuilder &k, mlir::Value x);

/// e^(decay · rate) of each column, or of all at once where neither factor has
/// columns. An absent factor counts as 1; without both nothing decays and there
/// is none.
llvm::SmallVector<Split> splitFactors(KernelBuilder &k,
                                      llvm::ArrayRef<mlir::Value> decays,
                                      llvm::ArrayRef<mlir::Value> rates);

/// a · factor.
mlir::Value fmul(KernelBuilder &k, mlir::Value a, Split factor);

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_KERNELMATH_H
