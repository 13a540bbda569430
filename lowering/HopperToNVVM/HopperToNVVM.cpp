//===- HopperToNVVM.cpp - The conversion pass ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/HopperToNVVM.h"
#include "lowering/HopperToNVVM/Emitter.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"

namespace ssd {
#define GEN_PASS_DEF_CONVERTHOPPERTONVVM
#include "lowering/HopperToNVVM/HopperToNVVMPasses.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd::hopper;

StringRef ssd::hopper::getChip(gpu::GPUModuleOp module) {
  ArrayAttr targets = module.getTargetsAttr();
  return targets ? cast<NVVM::NVVMTargetAttr>(targets[0]).getChip() : "";
}

bool ssd::hopper::isForHopper(Operation *op) {
  auto module = dyn_cast<gpu::GPUModuleOp>(op);
  if (!module)
    module = op->getParentOfType<gpu::GPUModuleOp>();
  StringRef chip = module ? getChip(module) : "";
  return chip.empty() || chip == "sm_90a";
}

namespace {

/// Fragments become vectors of one thread's values, pairs of bf16 as i32.
struct HopperTypeConverter : TypeConverter {
  HopperTypeConverter(MLIRContext *context) {
    addConversion([](Type type) { return type; });
    addConversion([](FragmentType type) -> Type {
      int64_t count = type.getValuesPerThread();
      if (type.getElementType().isF32())
        return VectorType::get({count}, type.getElementType());
      return VectorType::get({count / 2},
                             IntegerType::get(type.getContext(), 32));
    });
    addConversion([](InFlightType type) -> Type {
      return VectorType::get({type.getShape()[1] / 2}, type.getElementType());
    });
    addConversion([](CursorType type) -> Type {
      return IntegerType::get(type.getContext(), 32);
    });
    auto shared = LLVM::LLVMPointerType::get(context, 3);
    addConversion([=](SharedType) -> Type { return shared; });
    addConversion([=](RingType) -> Type { return shared; });
    addConversion([](TensorMapType type) -> Type {
      return LLVM::LLVMPointerType::get(type.getContext());
    });
  }
};

/// That clusters are of a size which a launch can have, and of a chip that has
/// them.
LogicalResult checkClusters(gpu::GPUModuleOp module) {
  for (auto kernel : module.getOps<gpu::GPUFuncOp>()) {
    auto size = kernel.getKnownClusterSize();
    if (!size)
      continue;
    if (!isForHopper(module))
      return kernel.emitError() << "kernel '" << kernel.getName()
                                << "' has clusters, which are Hopper's "
                                   "(sm_90a), but its target is "
                                << getChip(module);
    // Launches are of one dimension.
    if ((*size)[0] < 1 || (*size)[0] > 16 || (*size)[1] != 1 || (*size)[2] != 1)
      return kernel.emitError() << "kernel '" << kernel.getName()
                                << "' needs a known_cluster_size of 1 to 16, "
                                   "1 and 1 blocks";
  }
  return success();
}

struct ConvertHopperToNVVM
    : ssd::impl::ConvertHopperToNVVMBase<ConvertHopperToNVVM> {
  void runOnOperation() override {
    gpu::GPUModuleOp module = getOperation();
    if (failed(checkClusters(module)))
      return signalPassFailure();
    declareSharedMemory(module);
    MLIRContext *context = &getContext();
    HopperTypeConverter converter(context);
    RewritePatternSet patterns(context);
    populateControlPatterns(converter, patterns);
    populateRingPatterns(converter, patterns);
    populateMemoryPatterns(converter, patterns);
    populateRowPatterns(converter, patterns);
    populateGlobalPatterns(converter, patterns);
    if (isForHopper(module)) {
      populateClusterPatterns(converter, patterns);
      populateTMAPatterns(converter, patterns);
      populateWgmmaPatterns(converter, patterns);
    } else {
      populateMmaPatterns(converter, patterns);
    }
    populateFragmentPatterns(converter, patterns);
    ConversionTarget target(*context);
    target.addIllegalDialect<HopperDialect>();
    target.addIllegalOp<gpu::GPUFuncOp, gpu::ReturnOp>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                         target);
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      signalPassFailure();
  }

private:
  static void declareSharedMemory(gpu::GPUModuleOp module) {
    if (module.lookupSymbol(kSharedMemory))
      return;
    auto builder = OpBuilder::atBlockBegin(module.getBody());
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), 0);
    LLVM::GlobalOp::create(builder, module.getLoc(), type, /*isConstant=*/false,
                           LLVM::Linkage::External, kSharedMemory, Attribute(),
                           /*alignment=*/1024, /*addrSpace=*/3);
  }
};

} // namespace
