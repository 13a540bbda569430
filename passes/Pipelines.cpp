//===- Pipelines.cpp - The path of a program ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Pipelines.h"

#include "lowering/HopperToNVVM/HopperToNVVM.h"
#include "lowering/HostABI/Passes.h"
#include "lowering/LinalgToCPU/Passes.h"
#include "lowering/SSDToHopper/SSDToHopper.h"
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

namespace {
/// What decides on forms: a tuning spec first, then the cost model.
struct Choice {
  explicit Choice(const CPUPipelineOptions &options) {
    spec.tuningSpec = options.tuningSpec;
    model.force = options.form;
    model.chunk = options.chunk;
    model.workers = options.workers;
    model.batchInvariant = options.batchInvariant;
  }
  SSDApplyTuningSpecPassOptions spec;
  SSDChooseDecompositionPassOptions model;
};
} // namespace

/// What computes a mixer: its form, as data on the op.
static void choose(OpPassManager &manager, const Choice &choice) {
  manager.addPass(createCanonicalizerPass());
  if (!choice.spec.tuningSpec.empty())
    manager.addPass(createSSDApplyTuningSpecPass(choice.spec));
  manager.addPass(createSSDChooseDecompositionPass(choice.model));
}

/// Mixers become loops over one-chunk ops, with a task for each worker.
static void decompose(OpPassManager &manager, int64_t workers) {
  SSDDecomposePassOptions decomposition;
  decomposition.tasks = std::max(decomposition.tasks, workers);
  manager.addPass(createSSDFusePass());
  manager.addPass(createSSDNormalizeMixersPass());
  manager.addPass(createSSDDecomposePass(decomposition));
  simplify(manager);
}

/// One-chunk ops become linalg; neighbouring elementwise linalg is fused.
static void toLinalg(OpPassManager &manager) {
  manager.addPass(createConvertSSDToLinalgPass());
  simplify(manager);
}

std::vector<Stage> getCPUStages(const CPUPipelineOptions &options) {
  LinalgToCPUOptions cpu;
  cpu.vectorBytes = options.vectorBytes;
  return {
      {"choose-decomposition",
       [choice = Choice(options)](OpPassManager &manager) {
         choose(manager, choice);
       }},
      {"decompose",
       [workers = int64_t(options.workers)](OpPassManager &manager) {
         decompose(manager, workers);
       }},
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
         manager.addNestedPass<func::FuncOp>(createLinalgToCPU(cpu));
         simplify(manager);
       }},
      {"outline-parallel",
       [](OpPassManager &manager) {
         manager.addPass(createOutlineParallelPass());
       }},
      {"llvm-dialect", buildVectorToLLVMPipeline},
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

/// Units on buffers become kernels and the host code that launches them.
static void toKernels(OpPassManager &manager,
                      const ConvertSSDToHopperOptions &options) {
  manager.addPass(createConvertSSDToHopper(options));
  simplify(manager);
}

std::vector<Stage> getGPUStages(const GPUPipelineOptions &options) {
  std::string form = options.form;
  ConvertSSDToHopperOptions kernels;
  kernels.chip =
      llvm::is_contained(options.chips, "sm_90a") ? "sm_90a" : "sm_80";
  kernels.batchInvariant = options.batchInvariant;
  SSDApplyTuningSpecPassOptions spec;
  spec.tuningSpec = options.tuningSpec;
  SSDChooseKernelOptions kernel;
  kernel.kernel = options.kernel;
  auto chooseForm = [form, spec, kernel](OpPassManager &manager) {
    manager.addPass(createCanonicalizerPass());
    if (!spec.tuningSpec.empty())
      manager.addPass(createSSDApplyTuningSpecPass(spec));
    if (!kernel.kernel.empty())
      manager.addPass(createSSDChooseKernel(kernel));
    if (form.empty())
      return;
    SSDChooseDecompositionPassOptions choice;
    choice.force = form;
    choice.chunk = 64;
    manager.addPass(createSSDChooseDecompositionPass(choice));
  };
  SerializeKernelsOptions binaries;
  binaries.chips.assign(options.chips.begin(), options.chips.end());
  binaries.cubin = options.cubin;
  binaries.ptxas = options.ptxas;
  auto serialize = [binaries](OpPassManager &manager) {
    manager.addPass(createSerializeKernels(binaries));
  };
  return {
      {"choose-decomposition", chooseForm},
      {"fuse",
       [](OpPassManager &manager) { manager.addPass(createSSDFusePass()); }},
      {"host-abi",
       [](OpPassManager &manager) {
         HostABIPassOptions abi;
         abi.device = "cuda";
         manager.addPass(createHostABIPass(abi));
       }},
      {"bufferize", buildBufferizationPipeline},
      {"kernels",
       [kernels](OpPassManager &manager) { toKernels(manager, kernels); }},
      {"serialize-kernels", serialize},
      {"plan-workspace",
       [](OpPassManager &manager) {
         manager.addPass(createPlanWorkspacePass());
       }},
      {"lower-launches",
       [](OpPassManager &manager) {
         manager.addPass(createLowerLaunchesPass());
       }},
      {"llvm-dialect", buildVectorToLLVMPipeline},
      {"entry-points",
       [](OpPassManager &manager) {
         manager.addPass(createEmitEntryPointsPass());
       }},
  };
}

void buildSSDToGPUPipeline(OpPassManager &manager,
                           const GPUPipelineOptions &options) {
  for (const Stage &stage : getGPUStages(options))
    stage.build(manager);
}

void registerPipelines() {
  PassPipelineRegistration<GPUPipelineOptions>(
      "ssd-to-gpu",
      "From ssd on tensors to kernels and the code that launches "
      "them",
      buildSSDToGPUPipeline);
  PassPipelineRegistration<CPUPipelineOptions>(
      "ssd-to-cpu", "From ssd on tensors to the LLVM dialect for a CPU",
      buildSSDToCPUPipeline);
  PassPipelineRegistration<CPUPipelineOptions>(
      "ssd-to-linalg", "From ssd on tensors to loops and linalg on tensors",
      [](OpPassManager &manager, const CPUPipelineOptions &options) {
        choose(manager, Choice(options));
        decompose(manager, options.workers);
        toLinalg(manager);
      });
}

} // namespace ssd
