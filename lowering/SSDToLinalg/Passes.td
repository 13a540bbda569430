//===- Passes.td - ssd to linalg ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOLINALG_PASSES
#define SSD_LOWERING_SSDTOLINALG_PASSES

include "mlir/Pass/PassBase.td"

def ConvertSSDToLinalgPass : Pass<"convert-ssd-to-linalg"> {
  let summary = "Lower one-chunk and elementwise ssd operations to linalg";
  let description = [{
    Every ssd operation but `ssd.mix` and `ssd.fused`, which `ssd-decompose`
    expresses by these, becomes linalg on tensors: products as contractions with
    f32 accumulation, everything else elementwise or as reductions in f32,
    rounded once to the result's type. What remains of the dialect is an error.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::affine::AffineDialect", "::mlir::tensor::TensorDialect"
  ];
}

#endif // SSD_LOWERING_SSDTOLINALG_PASSES
