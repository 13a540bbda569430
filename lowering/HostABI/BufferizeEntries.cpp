//===- BufferizeEntries.cpp - one-shot bufferization around units -*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/Passes.h"

#include "dialect/SSD/SSDOps.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace ssd {
#define GEN_PASS_DEF_BUFFERIZEENTRIESPASS
#include "lowering/HostABI/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace mlir::bufferization;

namespace {
struct BufferizeEntries
    : ssd::impl::BufferizeEntriesPassBase<BufferizeEntries> {
  void runOnOperation() override {
    OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.setFunctionBoundaryTypeConversion(
        LayoutMapOption::IdentityLayoutMap);
    options.opFilter.denyOperation([](Operation *op) {
      return op->getParentOfType<ssd::FusedOp>() != nullptr;
    });
    BufferizationState state;
    if (failed(runOneShotModuleBufferize(getOperation(), options, state)))
      signalPassFailure();
  }
};
} // namespace
