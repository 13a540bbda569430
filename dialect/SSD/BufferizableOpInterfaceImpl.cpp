//===- BufferizableOpInterfaceImpl.cpp - Bufferisation of ssd ops ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/BufferizableOpInterfaceImpl.h"

#include "dialect/SSD/SSDOps.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace ssd;
using namespace mlir::bufferization;

namespace {

template <typename Op>
struct DestinationBufferization
    : DstBufferizableOpInterfaceExternalModel<DestinationBufferization<Op>,
                                              Op> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto destination = cast<DestinationStyleOpInterface>(op);
    SmallVector<Value> operands, results;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<TensorType>(operand.get().getType())) {
        operands.push_back(operand.get());
        continue;
      }
      FailureOr<Value> buffer =
          getBuffer(rewriter, operand.get(), options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
      if (destination.isDpsInit(&operand))
        results.push_back(*buffer);
    }
    rewriter.setInsertionPoint(op);
    Operation *onBuffers =
        mlir::cloneWithoutRegions(rewriter, op, /*newResultTypes=*/{}, operands);
    // The body of a unit stays a function on tensors.
    for (auto [from, to] : llvm::zip(op->getRegions(), onBuffers->getRegions()))
      to.takeBody(from);
    replaceOpWithBufferizedValues(rewriter, op, results);
    return success();
  }
};

} // namespace

void ssd::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, SSDDialect *) {
    auto attach = [&](auto... op) {
      (decltype(op)::template attachInterface<
           DestinationBufferization<decltype(op)>>(*context),
       ...);
    };
    attach(MixOp(), StepOp(), FusedOp(), DiscretizeOp(), CausalConv1DOp(), RMSNormOp(),
           StatePassOp(), CumulativeDecayOp(), ChunkScoresOp(), ChunkOutputOp(), ChunkScanOp(),
           ChunkStateOp());
  });
}
