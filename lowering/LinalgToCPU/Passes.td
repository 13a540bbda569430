//===- Passes.td - Lowering linalg on buffers to CPU vectors --------------===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_LINALGTOCPU_PASSES_TD
#define SSD_LOWERING_LINALGTOCPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def LinalgToCPU : Pass<"ssd-linalg-to-cpu", "::mlir::func::FuncOp"> {
  let summary = "Lower linalg on memrefs to scf loops over explicit vectors";
  let description = [{
    Turns every structured linalg op with buffer semantics, and every strided
    `memref.copy`, into scf loops around `vector` ops. Sizes and strides may be
    static or dynamic. Nothing is left to an autovectoriser.

    * Contractions (`acc + ext(a) * ext(b)` with an f32 accumulator) pack the
      right-hand side into a panel on the stack and keep a register tile of the
      result over the whole of a k block. With few rows they stream the
      right-hand side once instead, as dot products or as scaled rows.
    * Elementwise ops vectorise the loop that is contiguous in the result.
    * Reductions vectorise a contiguous parallel loop if there is one, and else
      split the reduction over several vector accumulators.
    * Transcendental f32 functions, also scalar ones, become polynomials.
    * Everything else becomes plain loops.

    Large ops that are not yet inside a parallel loop are divided into tasks: a
    one-dimensional `scf.forall` without results.

    ```mlir
    func.func @project(%a: memref<?x768xf32>, %w: memref<3072x768xf32>, %c: memref<?x3072xf32>) {
      linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                                     affine_map<(m, n, k) -> (m, n)>]
          ins(%a, %w : memref<?x768xf32>, memref<3072x768xf32>) outs(%c : memref<?x3072xf32>)
      return
    }
    ```

    becomes, much shortened,

    ```
    scf.if %few_rows {
      scf.forall (%task) in (%tasks) { ... vector.reduction ... }
    } else {
      scf.forall (%task) in (%tasks) {
        %panel = memref.alloca() : memref<8192xf32>
        ... vector.shuffle ... vector.fma ... vector.store ... }
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
  let options = [
    Option<"vectorBytes", "vector-bytes", "int64_t", "64",
           "Bytes of a vector register: 64 (AVX-512) or 32 (AVX2)">,
    Option<"parallelize", "parallelize", "bool", "true",
           "Divide large ops into tasks (scf.forall)">,
    Option<"maxTasks", "max-tasks", "int64_t", "64",
           "The most tasks that one op is divided into">
  ];
  let statistics = [
    Statistic<"numContractions", "contractions", "Ops lowered as contractions">,
    Statistic<"numElementwise", "elementwise", "Ops lowered as elementwise">,
    Statistic<"numReductions", "reductions", "Ops lowered as reductions">,
    Statistic<"numLoops", "loops", "Ops that became plain scalar loops">
  ];
}

def ApproximateMath : Pass<"ssd-approximate-math"> {
  let summary = "Expand f32 transcendental functions into polynomials";
  let description = [{
    Rewrites `math.exp`, `exp2`, `expm1`, `log`, `log1p`, `tanh`, `erf` and
    `rsqrt` on f32 scalars and vectors, within 2 ulp or so and right for
    infinities, NaN and results that underflow. The other functions that MLIR
    can approximate follow its own polynomials. f16 and bf16 go through f32.

    ```mlir
    func.func @exponential(%x: vector<16xf32>) -> vector<16xf32> {
      %0 = math.exp %x : vector<16xf32>
      return %0 : vector<16xf32>
    }
    ```

    becomes two dozen of `arith` and `math.fma`.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"
  ];
}

#endif // SSD_LOWERING_LINALGTOCPU_PASSES_TD
