//===- DecomposeRecurrent.cpp - The recurrent form ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/SliceUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/Decompose.h"

using namespace mlir;
using namespace ssd;

/// The state, cleared where this token starts another run than the one before.
static Value resetState(OpBuilder &builder, Location loc, MixOp op) {
  Value state = op.getStateInit(), ids = op.getSegmentIds();
  if (!ids)
    return state;
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value before =
      tensor::ExtractOp::create(builder, loc, ids, ValueRange{zero, zero});
  Value now =
      tensor::ExtractOp::create(builder, loc, ids, ValueRange{zero, one});
  Value same = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                     before, now);
  auto select = scf::IfOp::create(
      builder, loc, same,
      [&](OpBuilder &b, Location) { scf::YieldOp::create(b, loc, state); },
      [&](OpBuilder &b, Location) {
        auto type = cast<RankedTensorType>(state.getType());
        Value none = arith::ConstantOp::create(
            b, loc, b.getFloatAttr(type.getElementType(), 0.0));
        Value cleared =
            linalg::FillOp::create(b, loc, none, state).getResult(0);
        scf::YieldOp::create(b, loc, cleared);
      });
  return select.getResult(0);
}

/// Lets `op` carry an f32 state and rounds it once, at the end: a narrower one
/// would be rounded at every token.
static MixOp widenState(RewriterBase &rewriter, MixOp op) {
  Value state = op.getStateInit();
  if (getElementTypeOrSelf(state.getType()).isF32())
    return op;
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  Value empty = tensor::EmptyOp::create(
      rewriter, loc, tensor::getMixedSizes(rewriter, loc, state),
      rewriter.getF32Type());
  Value wide = linalg::CopyOp::create(rewriter, loc, state, empty).getResult(0);
  SmallVector<Value> operands(op->getOperands());
  operands.back() = wide;
  Type types[] = {op.getYInit().getType(), wide.getType()};
  auto mixer = cast<MixOp>(clone(rewriter, op, types, operands));
  Value rounded =
      linalg::CopyOp::create(rewriter, loc, mixer.getResult(1), state)
          .getResult(0);
  rewriter.replaceOp(op, {mixer.getResult(0), rounded});
  return mixer;
}

/// One token: [B, 1, H, P] as `ssd.step`.
static LogicalResult decomposeToken(RewriterBase &rewriter, MixOp op) {
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  Part token = {1, rewriter.getIndexAttr(0)};
  auto drop = [&](Value value) { return take(rewriter, loc, value, token); };
  Value state = resetState(rewriter, loc, op);
  auto step = StepOp::create(rewriter, loc, drop(op.getX()), drop(op.getB()),
                             drop(op.getC()), drop(op.getDecay()), op.getRate(),
                             drop(op.getScale()), /*slots=*/Value(),
                             ValueRange{drop(op.getYInit()), state},
                             /*lowering_config=*/Attribute());
  Value y = put(rewriter, loc, step.getResult(0), op.getYInit(), token);
  rewriter.replaceOp(op, {y, step.getResult(1)});
  return success();
}

namespace {

struct RecurrentDecomposition
    : DecompositionInterface::ExternalModel<RecurrentDecomposition,
                                            RecurrentAttr> {
  LogicalResult decompose(Attribute, RewriterBase &rewriter, Operation *mixer,
                          const DecompositionOptions &options) const {
    FailureOr<MixOp> task =
        tileIntoTasks(rewriter, cast<MixOp>(mixer), options);
    if (failed(task))
      return failure();
    if ((*task).getLength() == 1)
      return decomposeToken(rewriter, *task);
    FailureOr<MixOp> token =
        tileSequence(rewriter, widenState(rewriter, *task), 1);
    if (failed(token))
      return failure();
    return decomposeToken(rewriter, *token);
  }
};

} // namespace

void ssd::registerRecurrentDecomposition(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, SSDDialect *) {
    RecurrentAttr::attachInterface<RecurrentDecomposition>(*context);
  });
}
