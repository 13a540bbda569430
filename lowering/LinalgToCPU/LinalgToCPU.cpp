//===- LinalgToCPU.cpp - Lower linalg on buffers to vectors ---------------===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "lowering/LinalgToCPU/Passes.h"
#include "lowering/LinalgToCPU/Strategies.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/DenseSet.h"

namespace ssd {
#define GEN_PASS_DEF_LINALGTOCPU
#include "lowering/LinalgToCPU/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;
using linalg::LinalgOp;

namespace {
struct LinalgToCPUPass : ssd::impl::LinalgToCPUBase<LinalgToCPUPass> {
  using LinalgToCPUBase::LinalgToCPUBase;

  void runOnOperation() override;

private:
  LogicalResult lower(LinalgOp op, const cpu::CPUOptions &options);
  bool lowerToVectors(LinalgOp op, const cpu::CPUOptions &options);

  llvm::DenseSet<Operation *> dropped; ///< Fills that were not needed.
};
} // namespace

/// The fill with zero of `op`'s only output that directly precedes `op`, if
/// nothing in between, `op` itself included, reads the zeros another way.
static linalg::FillOp findZeroFill(LinalgOp op) {
  if (op.getNumDpsInits() != 1)
    return nullptr;
  Value output = op.getDpsInits().front();
  if (llvm::is_contained(op.getDpsInputs(), output))
    return nullptr;
  Operation *previous = op->getPrevNode();
  while (previous && isMemoryEffectFree(previous))
    previous = previous->getPrevNode();
  auto fill = dyn_cast_or_null<linalg::FillOp>(previous);
  bool isZero = fill && fill.getOutputs().front() == output &&
                matchPattern(fill.getInputs().front(), m_AnyZeroFloat());
  return isZero ? fill : nullptr;
}

/// memref.copy of strided buffers would become a call into a support library.
static void generalizeStridedCopies(Operation *root) {
  SmallVector<memref::CopyOp> copies;
  root->walk([&](memref::CopyOp copy) {
    auto isPlain = [](Value memref) {
      auto type = dyn_cast<MemRefType>(memref.getType());
      return !type || type.getLayout().isIdentity();
    };
    if (!isPlain(copy.getSource()) || !isPlain(copy.getTarget()))
      copies.push_back(copy);
  });
  for (memref::CopyOp copy : copies) {
    OpBuilder builder(copy);
    linalg::CopyOp::create(builder, copy.getLoc(), copy.getSource(),
                           copy.getTarget());
    copy.erase();
  }
}

/// Tries the strategies in turn.
bool LinalgToCPUPass::lowerToVectors(LinalgOp op,
                                     const cpu::CPUOptions &options) {
  cpu::Emitter emitter(op.getLoc(), op, options);
  FailureOr<cpu::StridedNest> nest = cpu::StridedNest::create(emitter, op);
  if (failed(nest))
    return false;
  linalg::FillOp fill;
  if (cpu::canStartAtZero(*nest))
    fill = findZeroFill(op);
  if (succeeded(cpu::lowerContraction(emitter, *nest, bool(fill)))) {
    if (fill) {
      dropped.insert(fill);
      fill.erase();
    }
    ++numContractions;
    return true;
  }
  if (succeeded(cpu::lowerTranspose(emitter, *nest)) ||
      succeeded(cpu::lowerElementwise(emitter, *nest))) {
    ++numElementwise;
    return true;
  }
  if (succeeded(cpu::lowerReduction(emitter, *nest))) {
    ++numReductions;
    return true;
  }
  return false;
}

LogicalResult LinalgToCPUPass::lower(LinalgOp op,
                                     const cpu::CPUOptions &options) {
  if (!op.hasPureBufferSemantics())
    return op.emitOpError("has tensor operands; bufferize before this pass");
  if (!lowerToVectors(op, options)) {
    IRRewriter rewriter(op);
    if (failed(linalg::linalgOpToLoops(rewriter, op)))
      return op.emitOpError("has no form as loops");
    ++numLoops;
  }
  op.erase();
  return success();
}

void LinalgToCPUPass::runOnOperation() {
  if (vectorBytes != 32 && vectorBytes != 64) {
    getOperation().emitError("vector-bytes must be 32 or 64, not ")
        << vectorBytes;
    return signalPassFailure();
  }
  cpu::CPUOptions options{vectorBytes, parallelize, maxTasks};
  generalizeStridedCopies(getOperation());
  // Fills come last: a contraction that follows one may make it superfluous.
  SmallVector<LinalgOp> fills, others;
  getOperation().walk([&](LinalgOp op) {
    (isa<linalg::FillOp>(op) ? fills : others).push_back(op);
  });
  for (LinalgOp op : others)
    if (failed(lower(op, options)))
      return signalPassFailure();
  for (LinalgOp op : fills)
    if (!dropped.contains(op) && failed(lower(op, options)))
      return signalPassFailure();
  dropped.clear();
  RewritePatternSet patterns(&getContext());
  populateMathApproximationPatterns(patterns);
  if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
    return signalPassFailure();
}
