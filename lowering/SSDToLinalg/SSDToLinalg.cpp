//===- SSDToLinalg.cpp - The pass convert-ssd-to-linalg ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/SSDOps.h"
#include "lowering/SSDToLinalg/Passes.h"
#include "lowering/SSDToLinalg/Patterns.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace ssd {
#define GEN_PASS_DEF_CONVERTSSDTOLINALGPASS
#include "lowering/SSDToLinalg/Passes.h.inc"
} // namespace ssd

using namespace mlir;

namespace {

struct ConvertSSDToLinalg
    : ssd::impl::ConvertSSDToLinalgPassBase<ConvertSSDToLinalg> {
  void runOnOperation() override {
    WalkResult buffers = getOperation()->walk([](Operation *op) {
      if (!isa_and_nonnull<ssd::SSDDialect>(op->getDialect()) ||
          !llvm::any_of(op->getOperandTypes(), llvm::IsaPred<MemRefType>))
        return WalkResult::advance();
      op->emitOpError() << "is bufferised; lower it on tensors";
      return WalkResult::interrupt();
    });
    if (buffers.wasInterrupted())
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    ssd::populateStageOpPatterns(patterns);
    ssd::populateStatePatterns(patterns);
    ssd::populateLayerOpPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));

    WalkResult rest = getOperation()->walk([](Operation *op) {
      if (!isa_and_nonnull<ssd::SSDDialect>(op->getDialect()))
        return WalkResult::advance();
      op->emitOpError() << "has no lowering to linalg here; mixers are "
                           "expressed by ssd-decompose first";
      return WalkResult::interrupt();
    });
    if (rest.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
