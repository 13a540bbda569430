//===- Strategies.h - The ways to lower a structured op ---------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_LINALGTOCPU_STRATEGIES_H
#define SSD_LOWERING_LINALGTOCPU_STRATEGIES_H

#include "lowering/LinalgToCPU/StridedNest.h"

namespace ssd::cpu {

/// Each emits code for the whole op at `b`, or fails and emits nothing that
/// has an effect. The op itself is left to the caller.

/// C += A · B in f32. `startsAtZero`: C counts as zero and need not be read,
/// which is possible if canStartAtZero().
bool canStartAtZero(const StridedNest &nest);
mlir::LogicalResult lowerContraction(Emitter &b, const StridedNest &nest,
                                     bool startsAtZero);

/// Ops whose loops are all parallel.
mlir::LogicalResult lowerElementwise(Emitter &b, const StridedNest &nest);

/// Copies that transpose, from any float type to f32.
mlir::LogicalResult lowerTranspose(Emitter &b, const StridedNest &nest);

/// Ops with reduction loops that no result depends on.
mlir::LogicalResult lowerReduction(Emitter &b, const StridedNest &nest);

/// Loads the arguments of one instance of the body. Elements that the body
/// does not use are null.
llvm::SmallVector<mlir::Value>
loadArguments(Emitter &b, const StridedNest &nest, const Cursor &at, int loop,
              int64_t lanes, mlir::Value mask = nullptr);

} // namespace ssd::cpu

#endif // SSD_LOWERING_LINALGTOCPU_STRATEGIES_H
