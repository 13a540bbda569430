//===- DecomposeChunked.cpp - The chunked form ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/OpSupport.h"
#include "dialect/SSD/SliceUtils.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/Decompose.h"
#include "passes/analysis/CostModel.h"

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
static std::pair<Value, Value> buildChunk(OpBuilder &builder, Location loc,
                                          const TaskOperands &task, Value first,
                                          Value length, int64_t chunk, Value y,
                                          Value state,
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
  if (task.stateIsZero && !ShapedType::isDynamic(chunk)) {
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value isFirst = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::eq, first, zero);
    operands.stateIsZero =
        arith::AndIOp::create(builder, loc, isFirst, task.stateIsZero);
  }
  auto [part, next] =
      buildQuadraticChunk(builder, loc, operands, state, chunk, options);
  if (!y)
    return {Value(), next};
  return {put(builder, loc, part, y, {{0, first, count}}), next};
}

std::pair<Value, Value> ssd::buildChunks(OpBuilder &builder, Location loc,
                                         const TaskOperands &task, Value state,
                                         int64_t chunk,
                                         const DecompositionOptions &options) {
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value length = getValueOrCreateConstantIndexOp(
      builder, loc, tensor::getMixedSize(builder, loc, task.x, 0));
  // One chunk: the loop runs once, or not at all where there are no tokens.
  Value step;
  if (ShapedType::isDynamic(chunk)) {
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    step = arith::MaxUIOp::create(builder, loc, length, one);
  } else {
    step = arith::ConstantIndexOp::create(builder, loc, chunk);
  }
  SmallVector<Value> inits;
  if (task.y)
    inits.push_back(task.y);
  inits.push_back(state);
  auto loop = scf::ForOp::create(
      builder, loc, zero, length, step, inits,
      [&](OpBuilder &b, Location, Value first, ValueRange carried) {
        auto [y, next] = buildChunk(b, loc, task, first, length, chunk,
                                    task.y ? carried.front() : Value(),
                                    carried.back(), options);
        SmallVector<Value> results;
        if (y)
          results.push_back(y);
        results.push_back(next);
        scf::YieldOp::create(b, loc, results);
      });
  return {task.y ? loop.getResult(0) : Value(), loop.getResults().back()};
}

/// Whether a mixer starts from zero. The zeros themselves are then not read any
/// more, and if nobody else does either, not written.
static bool forgetZeroState(RewriterBase &rewriter, MixOp op) {
  if (!ssd::detail::isKnownZero(op.getStateInit()))
    return false;
  auto fill = op.getStateInit().getDefiningOp<linalg::FillOp>();
  if (fill && fill->hasOneUse())
    rewriter.modifyOpInPlace(
        op, [&] { op.getOutsMutable()[1].set(fill.getOutputs()[0]); });
  return true;
}

LogicalResult ssd::decomposeIntoChunks(RewriterBase &rewriter, MixOp op,
                                       int64_t chunk,
                                       const DecompositionOptions &options) {
  bool fromZero = forgetZeroState(rewriter, op);
  bool stateIsRead = !op.getResult(1).use_empty();
  FailureOr<MixOp> tiled = tileIntoTasks(rewriter, op, options);
  if (failed(tiled))
    return failure();
  Location loc = (*tiled).getLoc();
  rewriter.setInsertionPoint(*tiled);

  TaskOperands task = dropUnitDims(rewriter, *tiled);
  if (fromZero)
    task.stateIsZero = arith::ConstantIntOp::create(rewriter, loc, 1, 1);
  Value start = fromZero ? zeroState(rewriter, loc, task.state)
                         : loadState(rewriter, loc, task.state);
  auto [y, last] = buildChunks(rewriter, loc, task, start, chunk, options);
  Value stored =
      stateIsRead ? storeState(rewriter, loc, last, task.state) : task.state;
  replaceTask(rewriter, *tiled, y, stored);
  return success();
}

/// Either way, as the batch of a call decides.
static LogicalResult splitForTasks(RewriterBase &rewriter, MixOp op,
                                   ChunkedAttr form,
                                   const DecompositionOptions &options) {
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  };
  // As partsForTasks, when the program runs.
  Value sequences = arith::MulIOp::create(
      rewriter, loc, tensor::DimOp::create(rewriter, loc, op.getX(), 0),
      constant(op.getHeads()));
  sequences = arith::MaxUIOp::create(rewriter, loc, sequences, constant(1));
  Value parts = arith::DivUIOp::create(rewriter, loc, constant(form.getTasks()),
                                       sequences);
  Value several = arith::CmpIOp::create(
      rewriter, loc, arith::CmpIPredicate::ugt, parts, constant(1));
  MixOp split, whole;
  auto copyInto = [&](MixOp &copy) {
    return [&](OpBuilder &builder, Location) {
      copy = cast<MixOp>(builder.clone(*op));
      scf::YieldOp::create(builder, loc, copy.getResults());
    };
  };
  auto choice = scf::IfOp::create(rewriter, loc, several, copyInto(split),
                                  copyInto(whole));
  rewriter.replaceOp(op, choice.getResults());
  splitSequence(rewriter, split, form.getChunk(), parts, form.getTasks(),
                options);
  return decomposeIntoChunks(rewriter, whole, form.getChunk(), options);
}

namespace {

struct ChunkedDecomposition
    : DecompositionInterface::ExternalModel<ChunkedDecomposition, ChunkedAttr> {
  LogicalResult decompose(Attribute form, RewriterBase &rewriter,
                          Operation *mixer,
                          const DecompositionOptions &options) const {
    auto op = cast<MixOp>(mixer);
    auto chunked = cast<ChunkedAttr>(form);
    if (chunked.getTasks() > 0 && ShapedType::isDynamic(op.getBatch()))
      return splitForTasks(rewriter, op, chunked, options);
    int64_t parts = chunked.getParts();
    if (chunked.getTasks() > 0)
      parts = partsForTasks(chunked.getTasks(), op.getBatch(), op.getHeads());
    if (parts == 1)
      return decomposeIntoChunks(rewriter, op, chunked.getChunk(), options);
    splitSequence(rewriter, op, chunked.getChunk(),
                  rewriter.getIndexAttr(parts),
                  llvm::divideCeil(options.tasks, parts), options);
    return success();
  }
};

} // namespace

void ssd::registerChunkedDecomposition(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, SSDDialect *) {
    ChunkedAttr::attachInterface<ChunkedDecomposition>(*context);
  });
}
