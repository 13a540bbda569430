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

    ```mlir
    func.func @scores(%c: tensor<16x64xbf16>, %b: tensor<16x64xbf16>, %out: tensor<16x16xf32>) -> tensor<16x16xf32> {
      %g = ssd.chunk_scores ins(%c, %b : tensor<16x64xbf16>, tensor<16x64xbf16>) outs(%out : tensor<16x16xf32>)
      return %g : tensor<16x16xf32>
    }
    ```

    becomes

    ```
      %wide = linalg.generic ... ins(%c : tensor<16x64xbf16>) outs(... : tensor<16x64xf32>) { arith.extf ... }
      %0 = linalg.fill ins(%cst : f32) outs(%out : tensor<16x16xf32>) -> tensor<16x16xf32>
      %g = linalg.generic {iterator_types = ["parallel", "parallel", "reduction"], ...}
          ins(%wide, %b : tensor<16x64xf32>, tensor<16x64xbf16>) outs(%0 : tensor<16x16xf32>) { ... }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::affine::AffineDialect", "::mlir::tensor::TensorDialect"
  ];
}

#endif // SSD_LOWERING_SSDTOLINALG_PASSES
