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
    %y, %s = ssd.mix ins(%x, %b, %c : ...) outs(%y0, %s0 : ...)
    // becomes
    %y, %s = ssd.mix {hopper.kernel = "chunked_single"} ins(...) ...
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
