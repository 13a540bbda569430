//===- DecomposeChunked.cpp - The chunked form ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/SliceUtils.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/Decompose.h"

using namespace mlir;
using namespace ssd;

/// The chunk of `task` that starts at token `first`.
static TaskOperands sliceChunk(OpBuilder &builder, Location loc,
                               const TaskOperands &task, Value y,
                               OpFoldResult first, OpFoldResult count) {
  AffineExpr d0 = builder.getAffineDimExpr(0);
  OpFoldResult ids =
      affine::makeComposedFoldedAffineApply(builder, loc, d0 + 1, {count});
  auto slice = [&](Value value) {
    return take(builder, loc, value, {{0, first, count}});
  };
  TaskOperands chunk = task;
  chunk.x = slice(task.x), chunk.b = slice(task.b), chunk.c = slice(task.c);
  chunk.decay = slice(task.decay), chunk.scale = slice(task.scale);
  chunk.runs = take(builder, loc, task.runs, {{0, first, ids}});
  chunk.y = slice(y);
  return chunk;
}

/// Outputs of the chunk that starts at `first`, in their place in `y`, and the
/// state after it.
static std::pair<Value, Value>
buildChunk(OpBuilder &builder, Location loc, const TaskOperands &task,
           Value first, Value length, int64_t chunk, Value y, Value state,
           const DecompositionOptions &options) {
  OpFoldResult count = length;
  if (!ShapedType::isDynamic(chunk)) {
    AffineExpr d0, d1;
    bindDims(builder.getContext(), d0, d1);
    auto map =
        AffineMap::get(2, 0, {builder.getAffineConstantExpr(chunk), d1 - d0},
                       builder.getContext());
    count = affine::makeComposedFoldedAffineMin(
        builder, loc, map, ArrayRef<OpFoldResult>{first, length});
  }
  TaskOperands operands = sliceChunk(builder, loc, task, y, first, count);
  auto [part, next] =
      buildQuadraticChunk(builder, loc, operands, state, chunk, options);
  return {put(builder, loc, part, y, {{0, first, count}}), next};
}

LogicalResult ssd::decomposeIntoChunks(RewriterBase &rewriter, MixOp op,
                                       int64_t chunk,
                                       const DecompositionOptions &options) {
  FailureOr<MixOp> tiled = tileIntoTasks(rewriter, op, options);
  if (failed(tiled))
    return failure();
  Location loc = (*tiled).getLoc();
  rewriter.setInsertionPoint(*tiled);

  TaskOperands task = dropUnitDims(rewriter, *tiled);
  Value state = loadState(rewriter, loc, task.state);
  Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
  Value length = getValueOrCreateConstantIndexOp(
      rewriter, loc, tensor::getMixedSize(rewriter, loc, task.x, 0));
  // One chunk: the loop runs once, or not at all where there are no tokens.
  Value step;
  if (ShapedType::isDynamic(chunk)) {
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    step = arith::MaxUIOp::create(rewriter, loc, length, one);
  } else {
    step = arith::ConstantIndexOp::create(rewriter, loc, chunk);
  }
  auto loop = scf::ForOp::create(
      rewriter, loc, zero, length, step, ValueRange{task.y, state},
      [&](OpBuilder &builder, Location, Value first, ValueRange carried) {
        auto [y, next] = buildChunk(builder, loc, task, first, length, chunk,
                                    carried[0], carried[1], options);
        scf::YieldOp::create(builder, loc, ValueRange{y, next});
      });
  Value last = storeState(rewriter, loc, loop.getResult(1), task.state);
  replaceTask(rewriter, *tiled, loop.getResult(0), last);
  return success();
}

namespace {

struct ChunkedDecomposition
    : DecompositionInterface::ExternalModel<ChunkedDecomposition,
                                            ChunkedAttr> {
  LogicalResult decompose(Attribute form, RewriterBase &rewriter,
                          Operation *mixer,
                          const DecompositionOptions &options) const {
    int64_t chunk = cast<ChunkedAttr>(form).getChunk();
    return decomposeIntoChunks(rewriter, cast<MixOp>(mixer), chunk, options);
  }
};

} // namespace

void ssd::registerChunkedDecomposition(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, SSDDialect *) {
    ChunkedAttr::attachInterface<ChunkedDecomposition>(*context);
  });
}
