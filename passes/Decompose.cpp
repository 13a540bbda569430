//===- Decompose.cpp - Mixers to loops over chunks --------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Decompose.h"

#include "dialect/SSD/SliceUtils.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "passes/Passes.h"

namespace ssd {
#define GEN_PASS_DEF_SSDDECOMPOSEPASS
#include "passes/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

//===----------------------------------------------------------------------===//
// Tiling
//===----------------------------------------------------------------------===//

static FailureOr<MixOp> tile(RewriterBase &rewriter, MixOp op,
                             ArrayRef<int64_t> sizes,
                             scf::SCFTilingOptions::LoopType loop) {
  SmallVector<OpFoldResult> tileSizes;
  for (int64_t size : sizes)
    tileSizes.push_back(rewriter.getIndexAttr(size));
  scf::SCFTilingOptions options;
  options.setLoopType(loop).setTileSizes(tileSizes);
  rewriter.setInsertionPoint(op);
  FailureOr<scf::SCFTilingResult> result = scf::tileUsingSCF(
      rewriter, cast<TilingInterface>(op.getOperation()), options);
  if (failed(result))
    return op.emitOpError() << "could not be tiled";
  rewriter.replaceOp(op, result->replacements);
  return cast<MixOp>(result->tiledOps.front());
}

int64_t ssd::headsPerTask(MixOp op, int64_t tasks) {
  int64_t perGroup = op.getHeadsPerGroup();
  int64_t batch = ShapedType::isDynamic(op.getBatch()) ? 1 : op.getBatch();
  int64_t wanted =
      llvm::divideCeil(tasks, std::max<int64_t>(batch, 1) * op.getGroups());
  for (int64_t blocks = 1; blocks < perGroup; ++blocks)
    if (perGroup % blocks == 0 && blocks >= wanted)
      return perGroup / blocks;
  return 1;
}

FailureOr<MixOp> ssd::tileIntoTasks(RewriterBase &rewriter, MixOp op,
                                    const DecompositionOptions &options) {
  return tile(rewriter, op, {1, 1, headsPerTask(op, options.tasks), 0},
              scf::SCFTilingOptions::LoopType::ForallOp);
}

FailureOr<MixOp> ssd::tileSequence(RewriterBase &rewriter, MixOp op,
                                   int64_t tileSize) {
  return tile(rewriter, op, {0, 0, 0, tileSize},
              scf::SCFTilingOptions::LoopType::ForOp);
}

//===----------------------------------------------------------------------===//
// Unit dimensions of a task
//===----------------------------------------------------------------------===//

TaskOperands ssd::dropUnitDims(OpBuilder &builder, MixOp op) {
  OpFoldResult only = builder.getIndexAttr(0);
  auto reduce = [&](Value value, ArrayRef<Part> dropped) {
    return take(builder, op.getLoc(), value, dropped);
  };
  Part batch = {0, only}, group = {2, only};
  TaskOperands task;
  task.x = reduce(op.getX(), batch);
  task.b = reduce(op.getB(), {batch, group});
  task.c = reduce(op.getC(), {batch, group});
  task.decay = reduce(op.getDecay(), batch);
  task.rate = op.getRate();
  task.scale = reduce(op.getScale(), batch);
  task.runs = reduce(op.getSegmentIds(), batch);
  task.y = reduce(op.getYInit(), batch);
  task.state = reduce(op.getStateInit(), batch);
  return task;
}

void ssd::replaceTask(RewriterBase &rewriter, MixOp op, Value y, Value state) {
  auto restore = [&](Value value, Value into) {
    return put(rewriter, op.getLoc(), value, into,
               {{0, rewriter.getIndexAttr(0)}});
  };
  rewriter.replaceOp(
      op, {restore(y, op.getYInit()), restore(state, op.getStateInit())});
}

/// [a, b, c] as [a, c, b].
static Value swapLastDims(OpBuilder &builder, Location loc, Value value,
                          Value into) {
  return linalg::TransposeOp::create(builder, loc, value, into,
                                     ArrayRef<int64_t>{0, 2, 1})
      ->getResult(0);
}

/// An uninitialised f32 tensor of the sizes of `value`, its last two dimensions
/// swapped if asked for.
static Value emptyLike(OpBuilder &builder, Location loc, Value value,
                       bool swapped) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, value);
  if (swapped)
    std::swap(sizes[1], sizes[2]);
  return tensor::EmptyOp::create(builder, loc, sizes, builder.getF32Type());
}

Value ssd::loadState(OpBuilder &builder, Location loc, Value state) {
  Value wide = state;
  if (!getElementTypeOrSelf(state.getType()).isF32())
    wide = linalg::CopyOp::create(builder, loc, state,
                                  emptyLike(builder, loc, state, false))
               .getResult(0);
  return swapLastDims(builder, loc, wide, emptyLike(builder, loc, state, true));
}

Value ssd::zeroState(OpBuilder &builder, Location loc, Value like) {
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0.0));
  return linalg::FillOp::create(builder, loc, zero,
                                emptyLike(builder, loc, like, true))
      .getResult(0);
}

Value ssd::storeState(OpBuilder &builder, Location loc, Value state,
                      Value into) {
  if (getElementTypeOrSelf(into.getType()).isF32())
    return swapLastDims(builder, loc, state, into);
  Value wide =
      swapLastDims(builder, loc, state, emptyLike(builder, loc, into, false));
  return linalg::CopyOp::create(builder, loc, wide, into).getResult(0);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// One branch per case of a dispatch, each with a copy of the mixer.
static LogicalResult expandDispatch(RewriterBase &rewriter, MixOp op,
                                    DispatchAttr dispatch,
                                    SmallVectorImpl<MixOp> &mixers) {
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  Value length = tensor::DimOp::create(rewriter, loc, op.getX(), 1);
  auto clone = [&](OpBuilder &builder, Attribute form) {
    auto copy = cast<MixOp>(builder.clone(*op));
    copy.setFormAttr(form);
    mixers.push_back(copy);
    return copy;
  };
  std::function<ValueRange(OpBuilder &, size_t)> build =
      [&](OpBuilder &builder, size_t index) -> ValueRange {
    ArrayRef<Attribute> forms = dispatch.getForms();
    if (index + 1 == forms.size())
      return clone(builder, forms[index])->getResults();
    Value bound = arith::ConstantIndexOp::create(builder, loc,
                                                 dispatch.getBounds()[index]);
    Value within = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::ule, length, bound);
    auto choice = scf::IfOp::create(
        builder, loc, within,
        [&](OpBuilder &b, Location) {
          scf::YieldOp::create(b, loc, clone(b, forms[index])->getResults());
        },
        [&](OpBuilder &b, Location) {
          scf::YieldOp::create(b, loc, build(b, index + 1));
        });
    return choice.getResults();
  };
  rewriter.replaceOp(op, build(rewriter, 0));
  return success();
}

namespace {

struct DecomposePass : ssd::impl::SSDDecomposePassBase<DecomposePass> {
  using SSDDecomposePassBase::SSDDecomposePassBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    SSDDecomposePassBase::getDependentDialects(registry);
    registerRecurrentDecomposition(registry);
    registerChunkedDecomposition(registry);
    registerQuadraticDecomposition(registry);
  }

  void runOnOperation() override {
    DecompositionOptions options;
    options.block = block;
    options.tasks = tasks;
    IRRewriter rewriter(&getContext());
    SmallVector<MixOp> mixers;
    getOperation()->walk([&](MixOp op) { mixers.push_back(op); });
    for (size_t i = 0; i < mixers.size(); ++i)
      if (failed(decompose(rewriter, mixers[i], options, mixers)))
        return signalPassFailure();
  }

private:
  LogicalResult decompose(RewriterBase &rewriter, MixOp op,
                          const DecompositionOptions &options,
                          SmallVectorImpl<MixOp> &mixers) {
    Attribute form = op.getFormAttr();
    if (!form)
      return op.emitOpError() << "has no form; run ssd-choose-decomposition";
    if (op.hasPureBufferSemantics())
      return op.emitOpError() << "is bufferised; decompose it on tensors";
    if (op.getOffsets() || op.getSlots() || op.getCheckpointEvery() ||
        op.getDirection() == Direction::reverse ||
        (op.getSegmentIds() && !op.getLeadingSegment()))
      return op.emitOpError()
             << "has offsets, slots, checkpoints, the reverse direction or "
                "segment ids that are no runs; run ssd-normalize-mixers";
    if (op.getLength() == 0) { // y is empty and the state unchanged
      rewriter.replaceOp(op, op.getOuts());
      return success();
    }
    if (auto dispatch = dyn_cast<DispatchAttr>(form))
      return expandDispatch(rewriter, op, dispatch, mixers);
    auto decomposition = dyn_cast<DecompositionInterface>(form);
    if (!decomposition)
      return op.emitOpError() << "form " << form << " has no decomposition";
    rewriter.setInsertionPoint(op);
    return decomposition.decompose(rewriter, op, options);
  }
};

} // namespace
