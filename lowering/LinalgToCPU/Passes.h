//===- Passes.h - Lowering linalg on buffers to CPU vectors -----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_LINALGTOCPU_PASSES_H
#define SSD_LOWERING_LINALGTOCPU_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir {
class OpPassManager;
class RewritePatternSet;
} // namespace mlir

namespace ssd {

#define GEN_PASS_DECL
#include "lowering/LinalgToCPU/Passes.h.inc"

/// Polynomial forms of f32 transcendental functions, scalar and vector.
void populateMathApproximationPatterns(mlir::RewritePatternSet &patterns);

/// Appends the passes that take what ssd-linalg-to-cpu leaves (func, scf,
/// vector, memref, arith, math, affine) to the LLVM dialect. Parallel loops
/// that nobody has outlined by then run in order.
void buildVectorToLLVMPipeline(mlir::OpPassManager &pm);

#define GEN_PASS_REGISTRATION
#include "lowering/LinalgToCPU/Passes.h.inc"

} // namespace ssd

#endif // SSD_LOWERING_LINALGTOCPU_PASSES_H
