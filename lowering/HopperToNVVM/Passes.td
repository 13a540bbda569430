//===- Passes.td - Passes of HopperToNVVM ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_HOPPERTONVVM_PASSES
#define SSD_HOPPERTONVVM_PASSES

include "mlir/Pass/PassBase.td"

def ConvertHopperToNVVM : Pass<"convert-hopper-to-nvvm", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Lowers the hopper dialect to nvvm, llvm, arith, scf and vector";
  let description = [{
    Kernels (`gpu.func`) become `llvm.func`s whose tensor maps are grid-constant
    parameters. Each op of the dialect lowers by itself: fragments become vectors
    of the values one thread holds, shared memory becomes pointers into one
    dynamic array.

    A module for another chip than sm_90a is lowered portably, to what every chip
    since Ampere has: products by warps (mma.sync), rings that are polled, no
    register budgets and no proxies. Tensor maps and clusters are Hopper's only.

    ```mlir
    gpu.module @double {
      gpu.func @double(%p: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
        %x = hopper.global_load %p row_major of f32 : !llvm.ptr<1> to !hopper.fragment<64x64xf32>
        %y = hopper.map %x : (!hopper.fragment<64x64xf32>) -> !hopper.fragment<64x64xf32> {
        ^bb0(%e: f32):
          %sum = arith.addf %e, %e : f32
          hopper.yield %sum : f32
        }
        hopper.global_store %y to %p row_major of f32 : !hopper.fragment<64x64xf32> to !llvm.ptr<1>
        gpu.return
      }
    }
    ```

    becomes

    ```
    gpu.module @double {
      llvm.func @double(%p: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel, ...} {
        ... llvm.load %row : !llvm.ptr<1> -> vector<2xf32> ...
        ... arith.addf ...
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def ExpandDeviceMath : Pass<"expand-device-math", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Replaces math functions by what a GPU computes without a library";
  let description = [{
    The exponential becomes 2ᵗ, division rounds within 2 units in the last place,
    products and sums contract, and other functions become polynomials. Fails on functions that it has no code
    for, which the backend would end the process over.

    ```mlir
    gpu.module @functions {
      func.func @sigmoid(%z: f32) -> f32 {
        %one = arith.constant 1.0 : f32
        %minus = arith.negf %z : f32
        %power = math.exp %minus : f32
        %sum = arith.addf %power, %one : f32
        %r = arith.divf %one, %sum : f32
        return %r : f32
      }
    }
    ```

    becomes

    ```
        %scaled = arith.mulf %minus, %log2e : f32
        %power = math.exp2 %scaled : f32
        ...
        %r = arith.divf %one, %sum fastmath<afn> : f32
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def EmitPTX : Pass<"emit-ptx", "::mlir::ModuleOp"> {
  let summary = "Lowers GPU modules all the way and writes their PTX";
  let description = [{
    Runs the whole lowering on a copy of every `gpu.module` and writes the PTX,
    one module after the other, to `output` (`-` is standard output).

    ```mlir
    gpu.module @double {
      gpu.func @double(%p: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
        %x = hopper.global_load %p row_major of f32 : !llvm.ptr<1> to !hopper.fragment<64x64xf32>
        %y = hopper.map %x : (!hopper.fragment<64x64xf32>) -> !hopper.fragment<64x64xf32> {
        ^bb0(%e: f32):
          %sum = arith.addf %e, %e : f32
          hopper.yield %sum : f32
        }
        hopper.global_store %y to %p row_major of f32 : !hopper.fragment<64x64xf32> to !llvm.ptr<1>
        gpu.return
      }
    }
    ```

    writes

    ```
    .target sm_90a
    .visible .entry double(.param .u64 .ptr .global .align 1 double_param_0)
    .reqntid 128, 1, 1
      ld.global.v2.b32 ...
    ```
  }];
  let options = [
    Option<"output", "output", "std::string", "\"-\"", "file to write">,
    Option<"chip", "chip", "std::string", "\"sm_90a\"", "target chip of modules that name none">
  ];
}

def SerializeKernels : Pass<"ssd-serialize-kernels", "::mlir::ModuleOp"> {
  let summary = "Compiles GPU modules to what a driver loads";
  let description = [{
    Each `gpu.module` becomes a `gpu.binary` with the kernel's code: a cubin for
    each of `chips`, assembled by ptxas, and its PTX, which drivers compile for
    every later device. A module whose target is one chip only (sm_90a) has a
    cubin for that chip and no PTX. With `cubin=false` there is PTX only. Kernels are listed with their block size,
    cluster size and bytes of shared memory.

    ptxas is looked for in `ptxas`, then $CUDA_HOME/bin, the PATH and
    /usr/local/cuda/bin.

    ```mlir
    module attributes {gpu.container_module} {
      gpu.module @portable [#nvvm.target<chip = "sm_80">] {
        gpu.func @portable() kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
          gpu.return
        }
      }
    }
    ```

    becomes with `cubin=false`

    ```
      gpu.binary @portable [#gpu.object<#nvvm.target<chip = "sm_80">, kernels = ..., assembly = "...">]
    ```
  }];
  let options = [
    ListOption<"chips", "chips", "std::string",
               "chips to make cubins for; without any, each module's target">,
    Option<"cubin", "cubin", "bool", "true", "make cubins">,
    Option<"ptxas", "ptxas", "std::string", "\"\"", "the assembler's path">
  ];
  let statistics = [
    Statistic<"numKernels", "num-kernels", "Number of kernels compiled">
  ];
}

#endif // SSD_HOPPERTONVVM_PASSES
