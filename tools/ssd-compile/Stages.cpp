//===- Stages.cpp - the pipeline, stage by stage ----------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/Passes.h"
#include "lowering/LinalgToCPU/Passes.h"
#include "tools/ssd-compile/Compilation.h"

#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace ssd {

std::vector<Stage> getCPUStages(const CompileOptions &options,
                                const CPUTarget &target) {
  int64_t vectorBytes = target.getVectorBits() / 8;
  return {
      {"host-abi",
       [](OpPassManager &manager) { manager.addPass(createHostABIPass()); }},
      {"bufferize", buildBufferizationPipeline},
      {"plan-workspace",
       [](OpPassManager &manager) {
         manager.addPass(createPlanWorkspacePass());
       }},
      {"linalg-to-cpu",
       [=](OpPassManager &manager) {
         mlir::ssd::LinalgToCPUOptions cpu;
         cpu.vectorBytes = vectorBytes;
         manager.addNestedPass<func::FuncOp>(mlir::ssd::createLinalgToCPU(cpu));
         manager.addPass(createCanonicalizerPass());
         manager.addPass(createCSEPass());
       }},
      {"outline-parallel",
       [](OpPassManager &manager) {
         manager.addPass(createOutlineParallelPass());
       }},
      {"llvm-dialect", mlir::ssd::buildVectorToLLVMPipeline},
      {"entry-points",
       [](OpPassManager &manager) {
         manager.addPass(createEmitEntryPointsPass());
       }},
  };
}

} // namespace ssd
