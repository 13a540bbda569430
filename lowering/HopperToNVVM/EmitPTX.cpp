//===- EmitPTX.cpp - GPU modules to PTX ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/Emitter.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/ToolOutputFile.h"

namespace ssd {
#define GEN_PASS_DEF_EMITPTX
#include "lowering/HopperToNVVM/HopperToNVVMPasses.h.inc"
} // namespace ssd

using namespace mlir;

void ssd::registerHopperTranslations(DialectRegistry &registry) {
  registry.insert<NVVM::NVVMDialect, LLVM::LLVMDialect, scf::SCFDialect,
                  vector::VectorDialect, arith::ArithDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  NVVM::registerNVVMTargetInterfaceExternalModels(registry);
}

/// llvm.inline_asm cannot say so, but most of ours synchronises threads: LLVM
/// must neither duplicate it nor move it into divergent code.
static void markConvergent(llvm::Module &module) {
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = llvm::dyn_cast<llvm::CallBase>(&instruction))
        if (call->isInlineAsm())
          call->setConvergent();
}

static LogicalResult lowerToLLVM(ModuleOp module) {
  PassManager manager(module.getContext());
  manager.addNestedPass<gpu::GPUModuleOp>(ssd::createExpandDeviceMath());
  manager.addNestedPass<gpu::GPUModuleOp>(ssd::createConvertHopperToNVVM());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertNVVMToLLVMPass());
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createConvertVectorToLLVMPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  return manager.run(module);
}

FailureOr<std::string> ssd::emitPTX(gpu::GPUModuleOp module, StringRef chip) {
  OwningOpRef<ModuleOp> holder(ModuleOp::create(module.getLoc()));
  gpu::GPUModuleOp copy = module.clone();
  holder->push_back(copy);
  auto target =
      NVVM::NVVMTargetAttr::get(module.getContext(), /*optLevel=*/3,
                                "nvptx64-nvidia-cuda", chip, "+ptx86");
  copy.setTargetsAttr(ArrayAttr::get(module.getContext(), target));
  if (failed(lowerToLLVM(*holder)))
    return failure();
  gpu::TargetOptions options({}, {}, {}, {}, gpu::CompilationTarget::Assembly,
                             {}, markConvergent);
  auto serializer = dyn_cast<gpu::TargetAttrInterface>(Attribute(target));
  if (!serializer)
    return module.emitError("the NVVM target is not registered");
  std::optional<SmallVector<char, 0>> text =
      serializer.serializeToObject(copy, options);
  if (!text)
    return module.emitError("failed to emit PTX");
  while (!text->empty() && text->back() == '\0')
    text->pop_back();
  std::string ptx(text->data(), text->size());
  // Libdevice is not linked: a call that is left would fail at load only.
  if (StringRef(ptx).contains("__nv_"))
    return module.emitError("PTX calls libdevice");
  return ptx;
}

namespace {
struct EmitPTX : ssd::impl::EmitPTXBase<EmitPTX> {
  using EmitPTXBase::EmitPTXBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    ssd::registerHopperTranslations(registry);
  }

  void runOnOperation() override {
    std::string message;
    std::unique_ptr<llvm::ToolOutputFile> file =
        openOutputFile(output, &message);
    if (!file) {
      getOperation().emitError(message);
      return signalPassFailure();
    }
    WalkResult result = getOperation().walk([&](gpu::GPUModuleOp module) {
      StringRef target = ssd::hopper::getChip(module);
      FailureOr<std::string> ptx =
          ssd::emitPTX(module, target.empty() ? StringRef(chip) : target);
      if (failed(ptx))
        return WalkResult::interrupt();
      file->os() << *ptx;
      return WalkResult::skip();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    file->keep();
  }
};
} // namespace
