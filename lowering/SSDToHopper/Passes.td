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

def ConvertSSDToHopper : Pass<"convert-ssd-to-hopper", "::mlir::ModuleOp"> {
  let summary = "Turns fused units on buffers into kernels and their launches";
  let description = [{
    Runs on buffers. Each `ssd.fused` becomes host code that launches a kernel,
    one `gpu.module` each. Kernels are tried from the fastest to the plain one,
    which computes every unit; where a kernel needs something that is known only
    at run time (a chip, alignment), the host code decides. `#ssd.dispatch`
    becomes host code, too. A remark for each kernel considered says why it was
    not taken.

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
           "chip whose kernels may be used besides portable ones">
  ];
}

def BuildHopperKernel : Pass<"build-hopper-kernel", "::mlir::ModuleOp"> {
  let summary = "Adds a generated kernel to the module";
  let description = [{
    Adds `gpu.module @name` with one kernel, from a description instead of from
    IR: for tests, and for shipping kernels of known shapes.
  }];
  let dependentDialects = [
    "::mlir::gpu::GPUDialect", "::mlir::arith::ArithDialect",
    "::mlir::scf::SCFDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::vector::VectorDialect",
    "::ssd::hopper::HopperDialect"
  ];
  let options = [
    Option<"kind", "kind", "std::string", "\"chunked\"", "chunked, step or recurrent">,
    Option<"name", "name", "std::string", "\"ssd_kernel\"", "name of module and kernel">,
    Option<"heads", "heads", "int64_t", "80", "heads H">,
    Option<"groups", "groups", "int64_t", "1", "groups G">,
    Option<"headDim", "head-dim", "int64_t", "64", "head dimension P">,
    Option<"stateDim", "state-dim", "int64_t", "128", "state dimension N">,
    Option<"decay", "decay", "bool", "true", "read a decay">,
    Option<"rate", "rate", "bool", "true", "read a rate">,
    Option<"scale", "scale", "bool", "true", "read a scale">,
    Option<"scaleIsDecay", "scale-is-decay", "bool", "true", "scale and decay are one tensor">,
    Option<"skip", "skip", "bool", "true", "add skip · x">,
    Option<"initialState", "initial-state", "bool", "false", "read the initial state">,
    Option<"finalState", "final-state", "bool", "true", "write the final state">,
    Option<"headsPerBlock", "heads-per-block", "int32_t", "2", "chunked: 1 or 2">,
    Option<"element", "element", "std::string", "\"bf16\"", "recurrent: f32, bf16 or f16">,
    Option<"state", "state", "std::string", "\"f32\"", "step: f32 or bf16">,
    Option<"reverse", "reverse", "bool", "false", "recurrent: from the end">,
    Option<"segmentIds", "segment-ids", "bool", "false", "recurrent: reset where ids change">,
    Option<"diagonal", "diagonal", "bool", "false", "recurrent: a decay per state column">
  ];
}

#endif // SSD_SSDTOHOPPER_PASSES
