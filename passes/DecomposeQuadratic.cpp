//===- DecomposeQuadratic.cpp - The quadratic form ---*- C++ -*-===//
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
#include "mlir/IR/PatternMatch.h"
#include "passes/Decompose.h"

using namespace mlir;
using namespace ssd;

namespace {

/// Builds the quadratic form of one chunk, a block of queries at a time and for
/// each the keys up to it in blocks. The masked scores are thus never larger
/// than a block, however long the chunk is.
class QuadraticChunk {
public:
  QuadraticChunk(OpBuilder &builder, Location loc, const TaskOperands &operands,
                 Value state, int64_t bound,
                 const DecompositionOptions &options)
      : builder(builder), loc(loc), in(operands), state(state), bound(bound),
        queryBlock(options.block), keyBlock(4 * options.block) {
    if (!ShapedType::isDynamic(bound)) {
      queryBlock = std::min(queryBlock, bound);
      keyBlock = std::min<int64_t>(llvm::alignTo(bound, queryBlock), keyBlock);
    }
  }

  std::pair<Value, Value> build();

private:
  Value buildOutputs();
  Value readState(OpFoldResult first, OpFoldResult count, Value y);
  Value buildQueryBlock(OpFoldResult first, OpFoldResult count, Value y);
  Value buildRoundedBlock(OpFoldResult first, OpFoldResult count, Value y);
  Value buildKeyBlock(OpFoldResult firstQuery, OpFoldResult queries,
                      OpFoldResult firstKey, OpFoldResult keys, bool diagonal,
                      Value y);

  OpFoldResult index(int64_t value) { return builder.getIndexAttr(value); }
  Value asValue(OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(builder, loc, value);
  }

  Value slice(Value source, int64_t dim, OpFoldResult first,
              OpFoldResult count) {
    return take(builder, loc, source, {{dim, first, count}});
  }

  /// Scratch of static size, where there is a bound, cut to `rows` × `columns`.
  Value scratch(Type element, OpFoldResult rows, int64_t rowBound,
                OpFoldResult columns, int64_t columnBound) {
    auto limit = [&](OpFoldResult size, int64_t most) {
      return ShapedType::isDynamic(most) ? size : index(most);
    };
    Value whole = tensor::EmptyOp::create(
        builder, loc,
        ArrayRef<OpFoldResult>{limit(rows, rowBound),
                               limit(columns, columnBound)},
        element);
    return slice(slice(whole, 0, index(0), rows), 1, index(0), columns);
  }

  OpBuilder &builder;
  Location loc;
  TaskOperands in;
  Value state;
  int64_t bound, queryBlock, keyBlock;
  OpFoldResult tokens;
  Value decay, scale, tokenRuns, stateRun;
};

Value QuadraticChunk::buildKeyBlock(OpFoldResult firstQuery,
                                    OpFoldResult queries, OpFoldResult firstKey,
                                    OpFoldResult keys, bool diagonal, Value y) {
  auto query = [&](Value value, int64_t dim) {
    return slice(value, dim, firstQuery, queries);
  };
  auto key = [&](Value value, int64_t dim) {
    return slice(value, dim, firstKey, keys);
  };
  Value empty =
      scratch(builder.getF32Type(), queries, queryBlock, keys, keyBlock);
  Value scores = ChunkScoresOp::create(builder, loc, query(in.c, 0),
                                       key(in.b, 0), ValueRange{empty})
                     .getResult(0);
  return ChunkScanOp::create(builder, loc, scores, key(in.x, 0),
                             query(decay, 1), key(decay, 1), key(scale, 1),
                             query(tokenRuns, 0), key(tokenRuns, 0),
                             ValueRange{y}, diagonal)
      .getResult(0);
}

/// What the state contributes: nothing where it is zero.
Value QuadraticChunk::readState(OpFoldResult first, OpFoldResult count,
                                Value y) {
  auto read = [&] {
    return ChunkOutputOp::create(builder, loc, slice(in.c, 0, first, count),
                                 state, slice(decay, 1, first, count),
                                 slice(tokenRuns, 0, first, count), stateRun,
                                 ValueRange{y})
        .getResult(0);
  };
  if (!in.stateIsZero)
    return read();
  auto branch = scf::IfOp::create(
      builder, loc, in.stateIsZero,
      [&](OpBuilder &, Location) {
        Value zero = arith::ConstantOp::create(builder, loc,
                                               builder.getF32FloatAttr(0.0));
        auto cleared = linalg::FillOp::create(builder, loc, zero, y);
        scf::YieldOp::create(builder, loc, cleared.getResults());
      },
      [&](OpBuilder &, Location) {
        scf::YieldOp::create(builder, loc, read());
      });
  return branch.getResult(0);
}

Value QuadraticChunk::buildQueryBlock(OpFoldResult first, OpFoldResult count,
                                      Value y) {
  y = readState(first, count, y);
  // Whole blocks of earlier keys, then the block that ends with these queries.
  AffineExpr d0, d1, d2;
  bindDims(builder.getContext(), d0, d1, d2);
  OpFoldResult lastBlock = affine::makeComposedFoldedAffineApply(
      builder, loc, d0.floorDiv(keyBlock) * keyBlock, {first});
  OpFoldResult lastKeys = affine::makeComposedFoldedAffineApply(
      builder, loc, d0 + d1 - d2, {first, count, lastBlock});
  auto loop = scf::ForOp::create(
      builder, loc, asValue(index(0)), asValue(lastBlock),
      asValue(index(keyBlock)), ValueRange{y},
      [&](OpBuilder &, Location, Value key, ValueRange carried) {
        Value next = buildKeyBlock(first, count, key, index(keyBlock),
                                   /*diagonal=*/false, carried[0]);
        scf::YieldOp::create(builder, loc, next);
      });
  return buildKeyBlock(first, count, lastBlock, lastKeys, /*diagonal=*/true,
                       loop.getResult(0));
}

/// A block of outputs, accumulated in f32 and rounded once to y's type.
Value QuadraticChunk::buildRoundedBlock(OpFoldResult first, OpFoldResult count,
                                        Value y) {
  Value block = slice(y, 0, first, count);
  auto type = cast<RankedTensorType>(block.getType());
  if (type.getElementType().isF32())
    return buildQueryBlock(first, count, block);
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, block);
  sizes[0] = index(queryBlock);
  Value wide =
      tensor::EmptyOp::create(builder, loc, sizes, builder.getF32Type());
  Value sums = buildQueryBlock(first, count, slice(wide, 0, index(0), count));
  return linalg::CopyOp::create(builder, loc, sums, block).getResult(0);
}

std::pair<Value, Value> QuadraticChunk::build() {
  tokens = tensor::getMixedSize(builder, loc, in.x, 0);
  int64_t heads = cast<ShapedType>(in.x.getType()).getDimSize(1);
  if (in.runs) {
    stateRun = slice(in.runs, 0, index(0), index(1));
    tokenRuns = slice(in.runs, 0, index(1), tokens);
  }
  if (in.decay || in.rate) {
    Value empty =
        scratch(builder.getF64Type(), index(heads), heads, tokens, bound);
    decay = CumulativeDecayOp::create(builder, loc, in.decay, in.rate,
                                      ValueRange{empty})
                .getResult(0);
  }
  if (in.scale) {
    Value empty =
        scratch(builder.getF32Type(), index(heads), heads, tokens, bound);
    scale = linalg::TransposeOp::create(builder, loc, in.scale, empty,
                                        ArrayRef<int64_t>{1, 0})
                ->getResult(0);
  }
  Value y = in.y ? buildOutputs() : Value();
  Value next = ChunkStateOp::create(builder, loc, in.b, in.x, decay, scale,
                                    tokenRuns, stateRun, ValueRange{state})
                   .getResult(0);
  return {y, next};
}

/// Blocks of outputs, in order.
Value QuadraticChunk::buildOutputs() {
  AffineExpr d0, d1;
  bindDims(builder.getContext(), d0, d1);
  auto remaining =
      AffineMap::get(2, 0, {builder.getAffineConstantExpr(queryBlock), d1 - d0},
                     builder.getContext());
  auto loop = scf::ForOp::create(
      builder, loc, asValue(index(0)), asValue(tokens),
      asValue(index(queryBlock)), ValueRange{in.y},
      [&](OpBuilder &, Location, Value first, ValueRange carried) {
        OpFoldResult count = affine::makeComposedFoldedAffineMin(
            builder, loc, remaining, {first, tokens});
        Value part = buildRoundedBlock(first, count, carried[0]);
        Value whole = put(builder, loc, part, carried[0], {{0, first, count}});
        scf::YieldOp::create(builder, loc, whole);
      });
  return loop.getResult(0);
}

struct QuadraticDecomposition
    : DecompositionInterface::ExternalModel<QuadraticDecomposition,
                                            QuadraticAttr> {
  LogicalResult decompose(Attribute, RewriterBase &rewriter, Operation *mixer,
                          const DecompositionOptions &options) const {
    auto op = cast<MixOp>(mixer);
    return decomposeIntoChunks(rewriter, op, op.getLength(), options);
  }
};

} // namespace

std::pair<Value, Value>
ssd::buildQuadraticChunk(OpBuilder &builder, Location loc,
                         const TaskOperands &operands, Value state,
                         int64_t bound, const DecompositionOptions &options) {
  return QuadraticChunk(builder, loc, operands, state, bound, options).build();
}

void ssd::registerQuadraticDecomposition(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, SSDDialect *) {
    QuadraticAttr::attachInterface<QuadraticDecomposition>(*context);
  });
}
