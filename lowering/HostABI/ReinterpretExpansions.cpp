//===- ReinterpretExpansions.cpp - expansions of unknown sizes --*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace ssd {
#define GEN_PASS_DEF_REINTERPRETEXPANSIONSPASS
#include "lowering/HostABI/Passes.h.inc"
} // namespace ssd

using namespace mlir;

/// True if one dimension becomes several of unknown size.
static bool isAmbiguous(memref::ExpandShapeOp expand) {
  return llvm::any_of(expand.getReassociationIndices(), [&](const auto &group) {
    return llvm::count_if(group, [&](int64_t dim) {
             return expand.getResultType().isDynamicDim(dim);
           }) > 1;
  });
}

static OpFoldResult multiply(OpBuilder &builder, Location loc, OpFoldResult a,
                             OpFoldResult b) {
  auto constantA = getConstantIntValue(a), constantB = getConstantIntValue(b);
  if (constantA && constantB)
    return builder.getIndexAttr(*constantA * *constantB);
  return builder.createOrFold<arith::MulIOp>(
      loc, getValueOrCreateConstantIndexOp(builder, loc, a),
      getValueOrCreateConstantIndexOp(builder, loc, b));
}

static void reinterpret(memref::ExpandShapeOp expand) {
  OpBuilder builder(expand);
  SmallVector<OpFoldResult> sizes = expand.getMixedOutputShape();
  SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
  for (int dim = int(sizes.size()) - 2; dim >= 0; --dim)
    strides[dim] =
        multiply(builder, expand.getLoc(), strides[dim + 1], sizes[dim + 1]);
  auto cast = memref::ReinterpretCastOp::create(
      builder, expand.getLoc(), expand.getResultType(), expand.getSrc(),
      builder.getIndexAttr(0), sizes, strides);
  expand.replaceAllUsesWith(cast.getResult());
  expand.erase();
}

namespace {
struct ReinterpretExpansions
    : ssd::impl::ReinterpretExpansionsPassBase<ReinterpretExpansions> {
  void runOnOperation() override {
    SmallVector<memref::ExpandShapeOp> expansions;
    getOperation()->walk([&](memref::ExpandShapeOp expand) {
      if (isAmbiguous(expand))
        expansions.push_back(expand);
    });
    for (memref::ExpandShapeOp expand : expansions) {
      if (!expand.getSrcType().getLayout().isIdentity()) {
        expand.emitError("expands a dimension of a strided buffer to several "
                         "of unknown size, which can't be lowered; expand the "
                         "buffer before taking a slice of it");
        return signalPassFailure();
      }
      reinterpret(expand);
    }
  }
};
} // namespace
