//===- ChooseKernel.cpp - A kernel for all mixers ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/SSDOps.h"
#include "lowering/SSDToHopper/Kernels.h"
#include "lowering/SSDToHopper/SSDToHopper.h"

namespace ssd {
#define GEN_PASS_DEF_SSDCHOOSEKERNEL
#include "lowering/SSDToHopper/SSDToHopperPasses.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

namespace {

struct SSDChooseKernel : ssd::impl::SSDChooseKernelBase<SSDChooseKernel> {
  using SSDChooseKernelBase::SSDChooseKernelBase;

  void runOnOperation() override {
    if (kernel.empty())
      return;
    auto isIt = [&](const KernelKind *kind) {
      return kind->getName() == StringRef(kernel);
    };
    if (!llvm::any_of(getKernels(), isIt)) {
      getOperation()->emitError() << "there is no kernel '" << kernel
                                  << "'; kernels are " << listKernels();
      return signalPassFailure();
    }
    StringRef attribute = hopper::HopperDialect::kKernelAttr;
    getOperation()->walk([&](Operation *op) {
      if (isa<MixOp, StepOp>(op) && !op->hasAttr(attribute))
        op->setAttr(attribute, StringAttr::get(&getContext(), kernel));
    });
  }
};

} // namespace
