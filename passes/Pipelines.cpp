//===- Pipelines.cpp - The path of a program ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Pipelines.h"

#include "lowering/HostABI/Passes.h"
#include "lowering/LinalgToCPU/Passes.h"
#include "lowering/SSDToLinalg/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"

using namespace mlir;

namespace ssd {

static void simplify(OpPassManager &manager) {
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

/// What computes a mixer: its form, as data on the op.
static void choose(OpPassManager &manager, const CPUPipelineOptions &options) {
  SSDChooseDecompositionPassOptions choice;
  choice.force = options.form;
  choice.chunk = options.chunk;
  choice.workers = options.workers;
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createSSDChooseDecompositionPass(choice));
}

/// Mixers become loops over one-chunk ops.
static void decompose(OpPassManager &manager) {
  manager.addPass(createSSDFusePass());
  manager.addPass(createSSDNormalizeMixersPass());
  manager.addPass(createSSDDecomposePass());
  simplify(manager);
}

/// One-chunk ops become linalg; neighbouring elementwise linalg is fused.
static void toLinalg(OpPassManager &manager) {
  manager.addPass(createConvertSSDToLinalgPass());
  simplify(manager);
}

std::vector<Stage> getCPUStages(const CPUPipelineOptions &options) {
  ::mlir::ssd::LinalgToCPUOptions cpu;
  cpu.vectorBytes = options.vectorBytes;
  return {
      {"choose-decomposition",
       [&options](OpPassManager &manager) { choose(manager, options); }},
      {"decompose", decompose},
      {"linalg", toLinalg},
      {"host-abi",
       [](OpPassManager &manager) { manager.addPass(createHostABIPass()); }},
      {"bufferize", buildBufferizationPipeline},
      {"plan-workspace",
       [](OpPassManager &manager) {
         manager.addNestedPass<func::FuncOp>(createExpandTaskBuffersPass());
         manager.addPass(createPlanWorkspacePass());
       }},
      {"linalg-to-cpu",
       [cpu](OpPassManager &manager) {
         manager.addNestedPass<func::FuncOp>(::mlir::ssd::createLinalgToCPU(cpu));
         simplify(manager);
       }},
      {"outline-parallel",
       [](OpPassManager &manager) {
         manager.addPass(createOutlineParallelPass());
       }},
      {"llvm-dialect", ::mlir::ssd::buildVectorToLLVMPipeline},
      {"entry-points",
       [](OpPassManager &manager) {
         manager.addPass(createEmitEntryPointsPass());
       }},
  };
}

void buildSSDToCPUPipeline(OpPassManager &manager,
                                const CPUPipelineOptions &options) {
  for (const Stage &stage : getCPUStages(options))
    stage.build(manager);
}

void registerPipelines() {
  PassPipelineRegistration<CPUPipelineOptions>(
      "ssd-to-cpu", "From ssd on tensors to the LLVM dialect for a CPU",
      buildSSDToCPUPipeline);
  PassPipelineRegistration<CPUPipelineOptions>(
      "ssd-to-linalg", "From ssd on tensors to loops and linalg on tensors",
      [](OpPassManager &manager, const CPUPipelineOptions &options) {
        choose(manager, options);
        decompose(manager);
        toLinalg(manager);
      });
}

} // namespace ssd
