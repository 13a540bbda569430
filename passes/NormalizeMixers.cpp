//===- NormalizeMixers.cpp - Packing, slots, checkpoints and direction as loops
//---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/SSDOps.h"
#include "dialect/SSD/SliceUtils.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/Decompose.h"
#include "passes/Passes.h"

namespace ssd {
#define GEN_PASS_DEF_SSDNORMALIZEMIXERSPASS
#include "passes/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

namespace {

/// What a mixer is rewritten with. Each rewrite removes one feature and returns
/// the plainer mixers it left behind.
class Normalizer {
public:
  Normalizer(RewriterBase &rewriter) : rewriter(rewriter) {}

  LogicalResult normalize(MixOp op) {
    rewriter.setInsertionPoint(op);
    if (op.getLength() == 0 && op.hasPureTensorSemantics()) {
      rewriter.replaceOp(op, op.getOuts());
      return success();
    }
    if (op.getOffsets())
      return loopOverSequences(op);
    if (op.getDirection() == Direction::reverse)
      return flip(op);
    if (op.getSegmentIds() && !isRuns(op.getSegmentIds()))
      return countRuns(op);
    if (op.getSlots())
      return loopOverSlots(op);
    if (op.getCheckpointEvery())
      return loopOverCheckpoints(op);
    return success();
  }

private:
  LogicalResult loopOverSequences(MixOp op);
  LogicalResult loopOverSlots(MixOp op);
  LogicalResult loopOverCheckpoints(MixOp op);
  LogicalResult flip(MixOp op);
  LogicalResult countRuns(MixOp op);
  Value zeroState(MixOp op);
  Value flipTokens(Location loc, Value source, int64_t kept);

  /// Marks ids that are leading, non-decreasing runs already.
  static constexpr StringLiteral runsMark = "ssd.runs";
  static bool isRuns(Value ids) {
    while (auto slice = ids.getDefiningOp<tensor::ExtractSliceOp>())
      ids = slice.getSource();
    Operation *def = ids.getDefiningOp();
    return def && def->hasAttr(runsMark);
  }

  /// Marks loops that reverse all tokens.
  static constexpr StringLiteral flipMark = "ssd.flip";
  /// What `value` is the reverse of, if it was reversed here.
  static Value getFlipped(Value value) {
    auto loop = value.getDefiningOp<scf::ForOp>();
    if (!loop || !loop->hasAttr(flipMark))
      return {};
    auto tokens = loop.getBody()->getOps<tensor::ExtractSliceOp>();
    return (*tokens.begin()).getSource();
  }

  OpFoldResult attr(int64_t value) { return rewriter.getIndexAttr(value); }
  Value constant(Location loc, int64_t value) {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  }
  Value asValue(Location loc, OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(rewriter, loc, value);
  }

  Value slice(Location loc, Value source, ArrayRef<Part> parts) {
    return take(rewriter, loc, source, parts);
  }
  Value insert(Location loc, Value value, Value into, ArrayRef<Part> parts) {
    return put(rewriter, loc, value, into, parts);
  }

  /// A mixer with the form of `op` on parts of its sequence operands; with
  /// checkpoints if `outs` has a place for them.
  MixOp mixPart(MixOp op, ArrayRef<Part> parts, ValueRange outs) {
    Location loc = op.getLoc();
    auto part = [&](Value value) { return slice(loc, value, parts); };
    SmallVector<Part> ids(parts);
    if (op.getLeadingSegment())
      for (Part &range : ids)
        if (range.dim == 1)
          range.count = affine::makeComposedFoldedAffineApply(
              rewriter, loc, rewriter.getAffineDimExpr(0) + 1, {range.count});
    return MixOp::create(
        rewriter, loc, part(op.getX()), part(op.getB()), part(op.getC()),
        part(op.getDecay()), op.getRate(), part(op.getScale()),
        slice(loc, op.getSegmentIds(), ids), /*offsets=*/Value(),
        /*slots=*/Value(), outs, op.getFormAttr(),
        outs.size() == 3 ? op.getCheckpointEveryAttr() : IntegerAttr(),
        op.getLeadingSegment(), Direction::forward, op.getLoweringConfigAttr());
  }

  RewriterBase &rewriter;
};

/// One mixer per packed sequence, in order.
LogicalResult Normalizer::loopOverSequences(MixOp op) {
  Location loc = op.getLoc();
  Value zero = constant(loc, 0), one = constant(loc, 1);
  Value sequences =
      asValue(loc, tensor::getMixedSize(rewriter, loc, op.getStateInit(), 0));
  Value length =
      asValue(loc, tensor::getMixedSize(rewriter, loc, op.getX(), 1));
  MixOp inner;
  auto loop = scf::ForOp::create(
      rewriter, loc, zero, sequences, one, op.getOuts(),
      [&](OpBuilder &, Location, Value index, ValueRange carried) {
        // Offsets are data: out of range or decreasing, they select less, and
        // never memory outside of the sequence.
        auto bound = [&](Value at, Value least) -> Value {
          Value offset =
              tensor::ExtractOp::create(rewriter, loc, op.getOffsets(), at);
          Value cast = arith::IndexCastOp::create(
              rewriter, loc, rewriter.getIndexType(), offset);
          Value up = arith::MaxSIOp::create(rewriter, loc, cast, least);
          return arith::MinSIOp::create(rewriter, loc, up, length);
        };
        Value first = bound(index, zero);
        Value next = arith::AddIOp::create(rewriter, loc, index, one);
        Value count =
            arith::SubIOp::create(rewriter, loc, bound(next, first), first);
        Part tokens = {1, first, count}, row = {0, index, attr(1)};
        inner = mixPart(
            op, tokens,
            {slice(loc, carried[0], tokens), slice(loc, carried[1], row)});
        inner.setDirection(op.getDirection());
        Value y = insert(loc, inner.getResult(0), carried[0], tokens);
        Value state = insert(loc, inner.getResult(1), carried[1], row);
        scf::YieldOp::create(rewriter, loc, ValueRange{y, state});
      });
  rewriter.replaceOp(op, loop.getResults());
  return normalize(inner);
}

/// The state of one batch element where none is given.
Value Normalizer::zeroState(MixOp op) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getStateInit().getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = 1;
  Type element = type.getElementType();
  Value none = arith::ConstantOp::create(rewriter, loc,
                                         rewriter.getFloatAttr(element, 0.0));
  Value empty = tensor::EmptyOp::create(rewriter, loc, shape, element);
  return linalg::FillOp::create(rewriter, loc, none, empty).getResult(0);
}

/// One mixer per batch element, on its row of the pool or on a zero state.
LogicalResult Normalizer::loopOverSlots(MixOp op) {
  Location loc = op.getLoc();
  Value zero = constant(loc, 0), one = constant(loc, 1);
  Value batch = asValue(loc, tensor::getMixedSize(rewriter, loc, op.getX(), 0));
  Value rows =
      asValue(loc, tensor::getMixedSize(rewriter, loc, op.getStateInit(), 0));
  SmallVector<MixOp> inners;
  auto loop = scf::ForOp::create(
      rewriter, loc, zero, batch, one, op.getOuts(),
      [&](OpBuilder &, Location, Value index, ValueRange carried) {
        Value slot =
            tensor::ExtractOp::create(rewriter, loc, op.getSlots(), index);
        Value row = arith::IndexCastOp::create(rewriter, loc,
                                               rewriter.getIndexType(), slot);
        // Unsigned, negative slots are beyond the pool like those too large,
        // which are data and must not select memory outside of it.
        Value kept = arith::CmpIOp::create(
            rewriter, loc, arith::CmpIPredicate::ult, row, rows);
        Part element = {0, index, attr(1)}, pool = {0, row, attr(1)};
        // The updated outs; the states are the caller's to keep.
        auto run = [&](Value state) {
          SmallVector<Value> outs(carried);
          for (auto [i, out] : llvm::enumerate(outs))
            out = i == 1 ? state : slice(loc, out, element);
          MixOp inner = inners.emplace_back(mixPart(op, element, outs));
          for (auto [i, out] : llvm::enumerate(outs))
            if (i != 1)
              out = insert(loc, inner.getResult(i), carried[i], element);
          return outs;
        };
        auto branch = scf::IfOp::create(
            rewriter, loc, kept,
            [&](OpBuilder &, Location) {
              auto updated = run(slice(loc, carried[1], pool));
              updated[1] =
                  insert(loc, inners.back().getResult(1), carried[1], pool);
              scf::YieldOp::create(rewriter, loc, updated);
            },
            [&](OpBuilder &, Location) {
              auto updated = run(zeroState(op));
              updated[1] = carried[1];
              scf::YieldOp::create(rewriter, loc, updated);
            });
        scf::YieldOp::create(rewriter, loc, branch.getResults());
      });
  rewriter.replaceOp(op, loop.getResults());
  for (MixOp inner : inners)
    if (failed(normalize(inner)))
      return failure();
  return success();
}

/// Blocks of K tokens, each followed by a store of the state, and a rest.
LogicalResult Normalizer::loopOverCheckpoints(MixOp op) {
  Location loc = op.getLoc();
  int64_t every = *op.getCheckpointEvery();
  Value zero = constant(loc, 0), one = constant(loc, 1);
  AffineExpr d0, d1;
  bindDims(rewriter.getContext(), d0, d1);
  OpFoldResult length = tensor::getMixedSize(rewriter, loc, op.getX(), 1);
  OpFoldResult blocks = affine::makeComposedFoldedAffineApply(
      rewriter, loc, d0.floorDiv(every), {length});
  SmallVector<Value> results(op.getOuts());
  // A block of static size does not fit into a sequence known to be shorter.
  if (!isConstantIntValue(blocks, 0)) {
    auto loop = scf::ForOp::create(
        rewriter, loc, zero, asValue(loc, blocks), one, results,
        [&](OpBuilder &, Location, Value index, ValueRange carried) {
          OpFoldResult first = affine::makeComposedFoldedAffineApply(
              rewriter, loc, d0 * every, {index});
          Part tokens = {1, first, attr(every)};
          MixOp inner =
              mixPart(op, tokens, {slice(loc, carried[0], tokens), carried[1]});
          Value y = insert(loc, inner.getResult(0), carried[0], tokens);
          Value state = inner.getResult(1);
          Value stored = insert(loc, state, carried[2], {{1, index}});
          scf::YieldOp::create(rewriter, loc, ValueRange{y, state, stored});
        });
    results = llvm::to_vector_of<Value>(loop.getResults());
  }
  OpFoldResult done = affine::makeComposedFoldedAffineApply(
      rewriter, loc, d0.floorDiv(every) * every, {length});
  OpFoldResult rest = affine::makeComposedFoldedAffineApply(
      rewriter, loc, d0 - d1, {length, done});
  if (!isConstantIntValue(rest, 0)) {
    Part tokens = {1, done, rest};
    MixOp tail =
        mixPart(op, tokens, {slice(loc, results[0], tokens), results[1]});
    results[0] = insert(loc, tail.getResult(0), results[0], tokens);
    results[1] = tail.getResult(1);
  }
  rewriter.replaceOp(op, results);
  return success();
}

/// Dimension 1 in reverse order, behind its first `kept` elements. The reverse
/// of a reverse, as between two mixers in a row, is what was there before.
Value Normalizer::flipTokens(Location loc, Value source, int64_t kept) {
  if (!source)
    return {};
  if (Value original = getFlipped(source); original && !kept)
    return original;
  auto type = cast<RankedTensorType>(source.getType());
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(rewriter, loc, source);
  Value flipped =
      tensor::EmptyOp::create(rewriter, loc, sizes, type.getElementType());
  Part front = {1, attr(0), attr(kept)};
  if (kept)
    flipped = insert(loc, slice(loc, source, front), flipped, front);
  Value size = asValue(loc, sizes[1]);
  Value last =
      arith::AddIOp::create(rewriter, loc, size, constant(loc, kept - 1));
  auto loop = scf::ForOp::create(
      rewriter, loc, constant(loc, kept), size, constant(loc, 1), flipped,
      [&](OpBuilder &, Location, Value index, ValueRange carried) {
        Value from = arith::SubIOp::create(rewriter, loc, last, index);
        Value token = slice(loc, source, {{1, from, attr(1)}});
        Value next = insert(loc, token, carried[0], {{1, index, attr(1)}});
        scf::YieldOp::create(rewriter, loc, next);
      });
  if (!kept)
    loop->setAttr(flipMark, rewriter.getUnitAttr());
  return loop.getResult(0);
}

/// The forward mixer on the flipped sequence; y is flipped back. Checkpoints
/// count tokens in the order in which they are read, as do segments.
LogicalResult Normalizer::flip(MixOp op) {
  Location loc = op.getLoc();
  auto flipped = [&](Value source) { return flipTokens(loc, source, 0); };
  auto forward = MixOp::create(
      rewriter, loc, flipped(op.getX()), flipped(op.getB()), flipped(op.getC()),
      flipped(op.getDecay()), op.getRate(), flipped(op.getScale()),
      flipTokens(loc, op.getSegmentIds(), op.getLeadingSegment() ? 1 : 0),
      Value(), op.getSlots(), op.getOuts(), op.getFormAttr(),
      op.getCheckpointEveryAttr(), op.getLeadingSegment(), Direction::forward,
      op.getLoweringConfigAttr());
  SmallVector<Value> results(forward.getResults());
  results[0] = flipped(results[0]);
  rewriter.replaceOp(op, results);
  return normalize(forward);
}

/// Ids as the number of changes before each token, led by the state's.
LogicalResult Normalizer::countRuns(MixOp op) {
  Location loc = op.getLoc();
  Value ids = op.getSegmentIds();
  int64_t lead = op.getLeadingSegment() ? 1 : 0;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(rewriter, loc, ids);
  sizes[1] = affine::makeComposedFoldedAffineApply(
      rewriter, loc, rewriter.getAffineDimExpr(0) + 1,
      {tensor::getMixedSize(rewriter, loc, op.getX(), 1)});
  Type i32 = rewriter.getI32Type();
  Value none = arith::ConstantIntOp::create(rewriter, loc, i32, 0);
  Value zero = constant(loc, 0), one = constant(loc, 1);
  Value empty = tensor::EmptyOp::create(rewriter, loc, sizes, i32);
  Value start = linalg::FillOp::create(rewriter, loc, none, empty).getResult(0);
  auto id = [&](Value batch, Value token) -> Value {
    return tensor::ExtractOp::create(rewriter, loc, ids,
                                     ValueRange{batch, token});
  };
  auto countOne = [&](Value batch, ValueRange carried, Value token) {
    // Entry t+1 belongs to token t: compare its id with the one before it.
    Value now = token,
          before = arith::SubIOp::create(rewriter, loc, token, one);
    if (!lead) {
      now = before;
      Value previous = arith::SubIOp::create(rewriter, loc, before, one);
      before = arith::MaxSIOp::create(rewriter, loc, previous, zero);
    }
    Value changed =
        arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::ne,
                              id(batch, now), id(batch, before));
    Value step = arith::ExtUIOp::create(rewriter, loc, i32, changed);
    Value count = arith::AddIOp::create(rewriter, loc, carried[1], step);
    Value next = tensor::InsertOp::create(rewriter, loc, count, carried[0],
                                          ValueRange{batch, token});
    scf::YieldOp::create(rewriter, loc, ValueRange{next, count});
  };
  auto loop = scf::ForOp::create(
      rewriter, loc, zero, asValue(loc, sizes[0]), one, start,
      [&](OpBuilder &, Location, Value batch, ValueRange outer) {
        auto inner = scf::ForOp::create(
            rewriter, loc, one, asValue(loc, sizes[1]), one,
            ValueRange{outer[0], none},
            [&](OpBuilder &, Location, Value token, ValueRange carried) {
              countOne(batch, carried, token);
            });
        scf::YieldOp::create(rewriter, loc, inner.getResult(0));
      });
  loop->setAttr(runsMark, rewriter.getUnitAttr());
  rewriter.modifyOpInPlace(op, [&] {
    op.getSegmentIdsMutable().assign(loop.getResult(0));
    op.setLeadingSegment(true);
  });
  return normalize(op);
}

struct NormalizeMixersPass
    : ssd::impl::SSDNormalizeMixersPassBase<NormalizeMixersPass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    // On this path a unit's neighbours are linalg like any other.
    SmallVector<FusedOp> units;
    getOperation()->walk([&](FusedOp op) { units.push_back(op); });
    for (FusedOp op : units) {
      rewriter.setInsertionPoint(op);
      inlineFused(rewriter, op);
    }
    SmallVector<MixOp> mixers;
    getOperation()->walk([&](MixOp op) { mixers.push_back(op); });
    Normalizer normalizer(rewriter);
    for (MixOp op : mixers)
      if (failed(normalizer.normalize(op)))
        return signalPassFailure();
  }
};

} // namespace
