//===- VectorToLLVM.cpp - From vectors and loops to the LLVM dialect ------===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "lowering/LinalgToCPU/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace {
/// A parallel loop that becomes a sequential one must not take new stack in
/// every iteration.
struct HoistScratchPass
    : PassWrapper<HoistScratchPass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(HoistScratchPass)

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    SmallVector<memref::AllocaOp> allocas;
    func.walk([&](memref::AllocaOp alloca) {
      if (alloca.getType().hasStaticShape() &&
          alloca->getParentOfType<scf::ForOp>())
        allocas.push_back(alloca);
    });
    for (memref::AllocaOp alloca : allocas)
      alloca->moveBefore(&func.front(), func.front().begin());
  }
};

/// memref.expand_shape of one dimension into several dynamic ones. Upstream's
/// expansion of strided metadata derives at most one dynamic size from the
/// others and crashes on more; the op's own output shape has them all.
struct ExpandDynamicShapesPass
    : PassWrapper<ExpandDynamicShapesPass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExpandDynamicShapesPass)

  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, memref::MemRefDialect>();
  }

  void runOnOperation() override {
    SmallVector<memref::ExpandShapeOp> ops;
    getOperation().walk([&](memref::ExpandShapeOp op) {
      auto isDynamic = [&](int64_t dim) {
        return op.getResultType().isDynamicDim(dim);
      };
      if (llvm::any_of(op.getReassociationIndices(), [&](auto &group) {
            return llvm::count_if(group, isDynamic) > 1;
          }))
        ops.push_back(op);
    });
    for (memref::ExpandShapeOp op : ops)
      expand(op);
  }

private:
  static void expand(memref::ExpandShapeOp op) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    MemRefType type = op.getResultType();
    auto source = memref::ExtractStridedMetadataOp::create(b, loc, op.getSrc());
    auto [typeStrides, typeOffset] = type.getStridesAndOffset();
    SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
    SmallVector<OpFoldResult> strides(type.getRank());
    for (auto [from, group] : llvm::enumerate(op.getReassociationIndices())) {
      Value stride = source.getStrides()[from];
      for (int64_t dim : llvm::reverse(group)) {
        strides[dim] = ShapedType::isDynamic(typeStrides[dim])
                           ? OpFoldResult(stride)
                           : b.getIndexAttr(typeStrides[dim]);
        Value size = getValueOrCreateConstantIndexOp(b, loc, sizes[dim]);
        stride = arith::MulIOp::create(b, loc, stride, size);
      }
    }
    OpFoldResult offset = ShapedType::isDynamic(typeOffset)
                              ? OpFoldResult(source.getOffset())
                              : b.getIndexAttr(typeOffset);
    auto cast = memref::ReinterpretCastOp::create(
        b, loc, type, source.getBaseBuffer(), offset, sizes, strides);
    op.replaceAllUsesWith(cast.getResult());
    op.erase();
  }
};
} // namespace

void ssd::buildVectorToLLVMPipeline(OpPassManager &pm) {
  // Parallel loops that nobody has outlined run in order.
  pm.addNestedPass<func::FuncOp>(createForallToForLoopPass());
  pm.addNestedPass<func::FuncOp>(std::make_unique<HoistScratchPass>());
  // Transfers, if someone else made any, and the math that they come with.
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(createApproximateMath());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Views become offsets, sizes and strides.
  pm.addNestedPass<func::FuncOp>(std::make_unique<ExpandDynamicShapesPass>());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  // bf16 is a storage type: computed in f32, rounded to nearest even in integer
  // arithmetic. Results then do not depend on what the CPU can convert.
  arith::ArithEmulateUnsupportedFloatsOptions emulate;
  emulate.sourceTypeStrs = {"bf16"};
  emulate.targetTypeStr = "f32";
  pm.addPass(arith::createArithEmulateUnsupportedFloats(emulate));
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  pm.addPass(arith::createArithExpandOpsPass(expand));
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // To the LLVM dialect.
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}
