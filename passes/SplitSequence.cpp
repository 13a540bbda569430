//===- SplitSequence.cpp - The chunked form on parts ------------*- C++ -*-===//
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
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/Decompose.h"

using namespace mlir;
using namespace ssd;

namespace {

/// The only form whose states cross memory: what each part leaves when it
/// starts from zero, `ssd.state_pass` over the parts, and the parts once more,
/// from their true initial states.
class SequenceSplit {
public:
  SequenceSplit(RewriterBase &rewriter, MixOp op, int64_t chunk,
                OpFoldResult parts, int64_t tasks,
                const DecompositionOptions &options)
      : rewriter(rewriter), loc(op.getLoc()), op(op), chunk(chunk),
        parts(parts), options(options), heads(headsPerTask(op, tasks)) {}

  void run();

private:
  /// A block of heads of one part of one sequence.
  struct Tile {
    Value batch, part, head, group, first, count;
    /// Its place in [B, K, H, ...].
    SmallVector<Part> state(OpFoldResult heads) const {
      return {{0, batch}, {1, part}, {2, head, heads}};
    }
    SmallVector<Part> tokens(OpFoldResult heads) const {
      return {{0, batch}, {1, first, count}, {2, head, heads}};
    }
  };
  /// What a tile puts into one of the loop's outs, and where.
  struct Update {
    Value value;
    SmallVector<Part> place;
  };

  SmallVector<Value> forEachTile(
      ValueRange outs,
      llvm::function_ref<SmallVector<Update>(const Tile &, ValueRange)> body);
  Tile enterTile(ValueRange indices);
  TaskOperands slice(const Tile &tile);
  Value totalDecay(const TaskOperands &task, Value count, Value into);
  Value lastDecay(const TaskOperands &task, Value count, Value into);
  std::pair<Value, Value> buildLocalStates();

  OpFoldResult attr(int64_t value) { return rewriter.getIndexAttr(value); }
  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  }
  OpFoldResult sizeOf(Value tensor, int64_t dim) {
    return tensor::getMixedSize(rewriter, loc, tensor, dim);
  }
  Value empty(ArrayRef<OpFoldResult> sizes, Type element) {
    return tensor::EmptyOp::create(rewriter, loc, sizes, element);
  }

  RewriterBase &rewriter;
  Location loc;
  MixOp op;
  int64_t chunk;
  OpFoldResult parts;
  const DecompositionOptions &options;
  int64_t heads;
};

/// Where a tile is; parts are whole chunks, the last ones may be short or
/// empty.
SequenceSplit::Tile SequenceSplit::enterTile(ValueRange indices) {
  AffineExpr d0 = rewriter.getAffineDimExpr(0);
  AffineExpr s0 = rewriter.getAffineSymbolExpr(0);
  auto apply = [&](AffineExpr expr, ArrayRef<OpFoldResult> operands) {
    return getValueOrCreateConstantIndexOp(
        rewriter, loc,
        affine::makeComposedFoldedAffineApply(rewriter, loc, expr, operands));
  };
  Value length =
      getValueOrCreateConstantIndexOp(rewriter, loc, sizeOf(op.getX(), 1));
  Value size = apply(d0.ceilDiv(s0 * chunk) * chunk, {length, parts});
  Value start = arith::MulIOp::create(rewriter, loc, indices[1], size);
  Tile tile;
  tile.batch = indices[0], tile.part = indices[1];
  tile.head = apply(d0 * heads, {indices[2]});
  tile.group =
      apply((d0 * heads).floorDiv(op.getHeadsPerGroup()), {indices[2]});
  tile.first = arith::MinUIOp::create(rewriter, loc, start, length);
  Value rest = arith::SubIOp::create(rewriter, loc, length, tile.first);
  tile.count = arith::MinUIOp::create(rewriter, loc, size, rest);
  return tile;
}

SmallVector<Value> SequenceSplit::forEachTile(
    ValueRange outs,
    llvm::function_ref<SmallVector<Update>(const Tile &, ValueRange)> body) {
  OpFoldResult bounds[] = {sizeOf(op.getX(), 0), parts,
                           attr(op.getHeads() / heads)};
  OpBuilder::InsertionGuard guard(rewriter);
  auto loop = scf::ForallOp::create(rewriter, loc, bounds, outs,
                                    /*mapping=*/std::nullopt);
  rewriter.setInsertionPoint(loop.getTerminator());
  SmallVector<Update> updates =
      body(enterTile(loop.getInductionVars()), loop.getRegionIterArgs());
  rewriter.setInsertionPointToEnd(loop.getTerminator().getBody());
  for (auto [update, out] : llvm::zip_equal(updates, loop.getRegionIterArgs()))
    putInParallel(rewriter, loc, update.value, out, update.place);
  return SmallVector<Value>(loop.getResults());
}

TaskOperands SequenceSplit::slice(const Tile &tile) {
  SmallVector<Part> own = tile.tokens(attr(heads)), shared = own, ids = own;
  shared[2] = {2, tile.group};
  ids.pop_back();
  ids[1].count = affine::makeComposedFoldedAffineApply(
      rewriter, loc, rewriter.getAffineDimExpr(0) + 1, {tile.count});
  auto part = [&](Value value, ArrayRef<Part> place) {
    return take(rewriter, loc, value, place);
  };
  TaskOperands task;
  task.x = part(op.getX(), own);
  task.b = part(op.getB(), shared), task.c = part(op.getC(), shared);
  task.decay = part(op.getDecay(), own);
  task.rate = part(op.getRate(), {{0, tile.head, attr(heads)}});
  task.scale = part(op.getScale(), own);
  task.runs = part(op.getSegmentIds(), ids);
  return task;
}

/// The log decay over all tokens of a part with at least one: −∞ where the
/// state does not survive a change of the run.
Value SequenceSplit::lastDecay(const TaskOperands &task, Value count,
                               Value into) {
  Value last = arith::SubIOp::create(rewriter, loc, count, constant(1)), kept;
  if (task.runs) {
    auto run = [&](Value at) -> Value {
      return tensor::ExtractOp::create(rewriter, loc, task.runs, at);
    };
    kept = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq,
                                 run(constant(0)), run(count));
  }
  SmallVector<Value> inputs;
  if (task.decay || task.rate) {
    Value sums = empty({attr(heads), count}, rewriter.getF64Type());
    sums = CumulativeDecayOp::create(rewriter, loc, task.decay, task.rate,
                                     ValueRange{sums})
               .getResult(0);
    inputs.push_back(take(rewriter, loc, sums, {{1, last}}));
  }
  SmallVector<AffineMap> maps(inputs.size() + 1,
                              rewriter.getMultiDimIdentityMap(1));
  utils::IteratorType parallel[] = {utils::IteratorType::parallel};
  auto total = linalg::GenericOp::create(
      rewriter, loc, into.getType(), inputs, into, maps, parallel,
      [&](OpBuilder &b, Location, ValueRange args) {
        auto number = [&](double value) -> Value {
          return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
        };
        Value sum =
            inputs.empty()
                ? number(0)
                : arith::TruncFOp::create(b, loc, b.getF32Type(), args[0]);
        if (kept)
          sum = arith::SelectOp::create(
              b, loc, kept, sum,
              number(-std::numeric_limits<double>::infinity()));
        linalg::YieldOp::create(b, loc, sum);
      });
  return total.getResult(0);
}

Value SequenceSplit::totalDecay(const TaskOperands &task, Value count,
                                Value into) {
  Value some = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::ne,
                                     count, constant(0));
  auto branch = scf::IfOp::create(
      rewriter, loc, some,
      [&](OpBuilder &, Location) {
        scf::YieldOp::create(rewriter, loc, lastDecay(task, count, into));
      },
      [&](OpBuilder &, Location) {
        Value zero = arith::ConstantOp::create(rewriter, loc,
                                               rewriter.getF32FloatAttr(0.0));
        auto none = linalg::FillOp::create(rewriter, loc, zero, into);
        scf::YieldOp::create(rewriter, loc, none.getResults());
      });
  return branch.getResult(0);
}

/// [B, K, H, P, N] and [B, K, H]: the state that each part leaves when it
/// starts from zero, and its log decay.
std::pair<Value, Value> SequenceSplit::buildLocalStates() {
  SmallVector<OpFoldResult> sizes = {sizeOf(op.getX(), 0), parts,
                                     attr(op.getHeads()), attr(op.getHeadDim()),
                                     attr(op.getStateDim())};
  Type f32 = rewriter.getF32Type();
  Value states = empty(sizes, f32);
  Value decays = empty(ArrayRef(sizes).take_front(3), f32);
  auto results = forEachTile(
      {states, decays},
      [&](const Tile &tile, ValueRange outs) -> SmallVector<Update> {
        TaskOperands task = slice(tile);
        SmallVector<Part> place = tile.state(attr(heads));
        Value into = take(rewriter, loc, outs[0], place);
        Value local =
            buildChunks(rewriter, loc, task, zeroState(rewriter, loc, into),
                        chunk, options)
                .second;
        Value total =
            totalDecay(task, tile.count, take(rewriter, loc, outs[1], place));
        return {{storeState(rewriter, loc, local, into), place},
                {total, place}};
      });
  return {results[0], results[1]};
}

void SequenceSplit::run() {
  rewriter.setInsertionPoint(op);
  auto [local, decay] = buildLocalStates();
  Type f32 = rewriter.getF32Type();
  Value state = op.getStateInit();
  bool rounds = !getElementTypeOrSelf(state.getType()).isF32();
  if (rounds) {
    Value wide = empty(tensor::getMixedSizes(rewriter, loc, state), f32);
    state = linalg::CopyOp::create(rewriter, loc, state, wide).getResult(0);
  }
  Value starts = empty(tensor::getMixedSizes(rewriter, loc, local), f32);
  auto pass = StatePassOp::create(rewriter, loc, local, decay,
                                  ValueRange{starts, state});
  auto results = forEachTile(
      op.getYInit(),
      [&](const Tile &tile, ValueRange outs) -> SmallVector<Update> {
        TaskOperands task = slice(tile);
        SmallVector<Part> place = tile.tokens(attr(heads));
        task.y = take(rewriter, loc, outs[0], place);
        Value start =
            take(rewriter, loc, pass.getResult(0), tile.state(attr(heads)));
        Value y = buildChunks(rewriter, loc, task,
                              loadState(rewriter, loc, start), chunk, options)
                      .first;
        return {{y, place}};
      });
  Value last = pass.getResult(1);
  if (rounds)
    last = linalg::CopyOp::create(rewriter, loc, last, op.getStateInit())
               .getResult(0);
  rewriter.replaceOp(op, {results[0], last});
}

} // namespace

void ssd::splitSequence(RewriterBase &rewriter, MixOp op, int64_t chunk,
                        OpFoldResult parts, int64_t tasks,
                        const DecompositionOptions &options) {
  SequenceSplit(rewriter, op, chunk, parts, tasks, options).run();
}
