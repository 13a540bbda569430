//===- Stages.cpp - the pipeline, stage by stage ----------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/Passes.h"
#include "tools/ssd-compile/Compilation.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace ssd {

static void addLLVMConversions(OpPassManager &manager) {
  manager.addPass(createConvertVectorToSCFPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createConvertVectorToLLVMPass());
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createConvertMathToLibmPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  manager.addPass(createConvertFuncToLLVMPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
}

std::vector<Stage> getCPUStages(const CompileOptions &options,
                                const CPUTarget &target) {
  return {
      {"host-abi",
       [](OpPassManager &manager) { manager.addPass(createHostABIPass()); }},
      {"bufferize", buildBufferizationPipeline},
      {"plan-workspace",
       [](OpPassManager &manager) {
         manager.addPass(createPlanWorkspacePass());
       }},
      {"loops",
       [](OpPassManager &manager) {
         manager.addPass(createConvertLinalgToLoopsPass());
         manager.addPass(createCanonicalizerPass());
         manager.addPass(createCSEPass());
       }},
      {"outline-parallel",
       [](OpPassManager &manager) {
         manager.addPass(createOutlineParallelPass());
       }},
      {"llvm-dialect", addLLVMConversions},
      {"entry-points",
       [](OpPassManager &manager) {
         manager.addPass(createEmitEntryPointsPass());
       }},
  };
}

} // namespace ssd
