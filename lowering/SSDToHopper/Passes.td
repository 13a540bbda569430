//===- Passes.td - Passes of SSDToHopper ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_SSDTOHOPPER_PASSES
#define SSD_SSDTOHOPPER_PASSES

include "mlir/Pass/PassBase.td"

def SSDChooseKernel : Pass<"ssd-choose-kernel", "::mlir::ModuleOp"> {
  let summary = "Names the kernel of each mixer";
  let description = [{
    Sets `hopper.kernel` (see the hopper dialect) on every `ssd.mix` and
    `ssd.step` that has none.

    ```mlir
    func.func @mix(%x: tensor<1x?x8x64xbf16>, %b: tensor<1x?x1x128xbf16>, %y0: tensor<1x?x8x64xbf16>,
                   %s0: tensor<1x8x64x128xf32>) -> tensor<1x?x8x64xbf16> {
      %y, %s = ssd.mix ins(%x, %b, %b : tensor<1x?x8x64xbf16>, tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>)
          outs(%y0, %s0 : tensor<1x?x8x64xbf16>, tensor<1x8x64x128xf32>)
      return %y : tensor<1x?x8x64xbf16>
    }
    ```

    becomes with `kernel=chunked_single`

    ```
      %y, %s = ssd.mix {hopper.kernel = "chunked_single"} ins(%x, %b, %b : ...) ...
    ```
  }];
  let dependentDialects = ["::ssd::hopper::HopperDialect"];
  let options = [
    Option<"kernel", "kernel", "std::string", "\"\"",
           "The kernel's name; without one nothing happens">
  ];
}

def ConvertSSDToHopper : Pass<"convert-ssd-to-hopper", "::mlir::ModuleOp"> {
  let summary = "Turns fused units on buffers into kernels and their launches";
  let description = [{
    Runs on buffers. Each `ssd.fused` becomes host code that launches a kernel,
    one `gpu.module` each. Kernels are tried from the fastest to the plain one,
    which computes every unit; where a kernel needs something that is known only
    at run time (a chip, alignment), the host code decides. `#ssd.dispatch`
    becomes host code, too. A mixer's attribute `hopper.kernel` leaves only the
    kernel that it names, and the plain one. A remark for each kernel considered says
    why it was not taken, or how many microseconds it is estimated to take on an H200,
    which is what the host code compares. With `batch-invariant`, or the attribute `ssd.batch_invariant` on
    the module, no sequence is cut into parts for want of others, so that its
    result is bitwise the same in any batch; parts that a form asks for stay.

    A buffer that is copied or cleared only to be a unit's initial state is read
    where it comes from instead. Everything else that would touch device memory
    from the host is refused.

    ```mlir
    func.func @step(%x: memref<?x80x64xbf16>, %b: memref<?x1x128xbf16>, %dt: memref<?x80xf32>, %y: memref<?x80x64xbf16>,
                    %s: memref<?x80x64x128xf32>) {
      ssd.fused ins(%xi = %x : memref<?x80x64xbf16>, %bi = %b : memref<?x1x128xbf16>, %ti = %dt : memref<?x80xf32>)
          outs(%yi = %y : memref<?x80x64xbf16>, %si = %s : memref<?x80x64x128xf32>) {
        %r, %t = ssd.step ins(%xi, %bi, %bi : tensor<?x80x64xbf16>, tensor<?x1x128xbf16>, tensor<?x1x128xbf16>)
            decay(%ti : tensor<?x80xf32>) outs(%yi, %si : tensor<?x80x64xbf16>, tensor<?x80x64x128xf32>)
        ssd.yield %r, %t : tensor<?x80x64xbf16>, tensor<?x80x64x128xf32>
      }
      return
    }
    ```

    becomes

    ```
    gpu.module @ssd_step_0 { gpu.func @ssd_step_0(...) kernel { ... hopper.shuffle ... } }
    gpu.module @ssd_recurrent_1 { ... }
    func.func @step(...) {
      %aligned = ...
      scf.if %aligned {
        gpu.launch_func @ssd_step_0::@ssd_step_0 blocks in (%blocks, ...) ...
      } else {
        gpu.launch_func @ssd_recurrent_1::@ssd_recurrent_1 ...
      }
    ```
  }];
  let dependentDialects = [
    "::mlir::gpu::GPUDialect", "::mlir::arith::ArithDialect",
    "::mlir::scf::SCFDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::vector::VectorDialect", "::ssd::hopper::HopperDialect"
  ];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_90a\"",
           "chip whose kernels may be used besides portable ones">,
    Option<"batchInvariant", "batch-invariant", "bool", "false",
           "Cut no sequence because its batch is small">
  ];
}

#endif // SSD_SSDTOHOPPER_PASSES
