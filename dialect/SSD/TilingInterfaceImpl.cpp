//===- TilingInterfaceImpl.cpp - Tiling of mixers ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/TilingInterfaceImpl.h"

#include "dialect/SSD/SSDOps.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/Interfaces/TilingInterface.h"

using namespace mlir;
using namespace ssd;

namespace {

/// A box of a mixer's iteration space in terms of its operands' dimensions.
struct MixTile {
  OpFoldResult batch, batches, group, groups, head, heads, token, tokens;
};

/// base + factor · index, folded where constant.
static OpFoldResult multiplyAdd(OpBuilder &b, Location loc, OpFoldResult index,
                                int64_t factor, OpFoldResult base) {
  AffineExpr d0, d1;
  bindDims(b.getContext(), d0, d1);
  return affine::makeComposedFoldedAffineApply(b, loc, d0 * factor + d1,
                                               {index, base});
}

static FailureOr<MixTile> getTile(OpBuilder &b, MixOp op,
                                  ArrayRef<OpFoldResult> offsets,
                                  ArrayRef<OpFoldResult> sizes) {
  int64_t perGroup = op.getHeadsPerGroup();
  bool oneGroup = isConstantIntValue(sizes[1], 1);
  bool wholeGroups = isConstantIntValue(sizes[2], perGroup) &&
                     isConstantIntValue(offsets[2], 0);
  if (!oneGroup && !wholeGroups)
    return op.emitOpError()
           << "a tile holds whole groups or heads of one group";
  Location loc = op.getLoc();
  MixTile tile;
  tile.batch = offsets[0], tile.batches = sizes[0];
  tile.group = offsets[1], tile.groups = sizes[1];
  tile.head = multiplyAdd(b, loc, offsets[1], perGroup, offsets[2]);
  tile.heads = oneGroup ? sizes[2]
                        : multiplyAdd(b, loc, sizes[1], perGroup,
                                      b.getIndexAttr(0));
  tile.token = offsets[3], tile.tokens = sizes[3];
  return tile;
}

struct MixTiling : TilingInterface::ExternalModel<MixTiling, MixOp> {
  SmallVector<utils::IteratorType> getLoopIteratorTypes(Operation *) const {
    using utils::IteratorType;
    return {IteratorType::parallel, IteratorType::parallel,
            IteratorType::parallel, IteratorType::reduction};
  }

  SmallVector<Range> getIterationDomain(Operation *operation,
                                        OpBuilder &b) const {
    auto op = cast<MixOp>(operation);
    Location loc = op.getLoc();
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    OpFoldResult batch = tensor::getMixedSize(b, loc, op.getX(), 0);
    OpFoldResult length = tensor::getMixedSize(b, loc, op.getX(), 1);
    return {{zero, batch, one},
            {zero, b.getIndexAttr(op.getGroups()), one},
            {zero, b.getIndexAttr(op.getHeadsPerGroup()), one},
            {zero, length, one}};
  }

  FailureOr<TilingResult>
  getTiledImplementation(Operation *operation, OpBuilder &b,
                         ArrayRef<OpFoldResult> offsets,
                         ArrayRef<OpFoldResult> sizes) const {
    auto op = cast<MixOp>(operation);
    if (op.getOffsets() || op.getSlots() || op.getCheckpointEvery() ||
        op.getDirection() == Direction::reverse ||
        (op.getSegmentIds() && !op.getLeadingSegment()))
      return op.emitOpError()
             << "cannot be tiled before ssd-normalize-mixers has expressed "
                "offsets, slots, checkpoints, direction and segments";
    FailureOr<MixTile> tile = getTile(b, op, offsets, sizes);
    if (failed(tile))
      return failure();
    SmallVector<Value> operands;
    SmallVector<Operation *> slices;
    sliceOperands(b, op, *tile, operands, slices);
    SmallVector<Type> types = {operands[operands.size() - 2].getType(),
                               operands.back().getType()};
    Operation *tiled =
        mlir::clone(b, operation, types, operands);
    return TilingResult{{tiled}, SmallVector<Value>(tiled->getResults()),
                        slices};
  }

  LogicalResult
  getResultTilePosition(Operation *operation, OpBuilder &b, unsigned result,
                        ArrayRef<OpFoldResult> offsets,
                        ArrayRef<OpFoldResult> sizes,
                        SmallVector<OpFoldResult> &resultOffsets,
                        SmallVector<OpFoldResult> &resultSizes) const {
    auto op = cast<MixOp>(operation);
    FailureOr<MixTile> tile = getTile(b, op, offsets, sizes);
    if (failed(tile))
      return failure();
    OpFoldResult zero = b.getIndexAttr(0);
    OpFoldResult p = b.getIndexAttr(op.getHeadDim());
    OpFoldResult n = b.getIndexAttr(op.getStateDim());
    if (result == 0) {
      resultOffsets = {tile->batch, tile->token, tile->head, zero};
      resultSizes = {tile->batches, tile->tokens, tile->heads, p};
    } else {
      resultOffsets = {tile->batch, tile->head, zero, zero};
      resultSizes = {tile->batches, tile->heads, p, n};
    }
    return success();
  }

private:
  /// The slices of all operands, in operand order, that the tile reads.
  static void sliceOperands(OpBuilder &b, MixOp op, const MixTile &t,
                            SmallVectorImpl<Value> &operands,
                            SmallVectorImpl<Operation *> &slices) {
    Location loc = op.getLoc();
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    OpFoldResult p = b.getIndexAttr(op.getHeadDim());
    OpFoldResult n = b.getIndexAttr(op.getStateDim());
    auto slice = [&](Value source, ArrayRef<OpFoldResult> offsets,
                     ArrayRef<OpFoldResult> sizes) {
      if (!source)
        return;
      size_t rank = cast<ShapedType>(source.getType()).getRank();
      SmallVector<OpFoldResult> strides(rank, one);
      auto extract = tensor::ExtractSliceOp::create(
          b, loc, source, offsets.take_front(rank), sizes.take_front(rank),
          strides);
      operands.push_back(extract);
      slices.push_back(extract);
    };
    slice(op.getX(), {t.batch, t.token, t.head, zero},
          {t.batches, t.tokens, t.heads, p});
    for (Value map : {op.getB(), op.getC()})
      slice(map, {t.batch, t.token, t.group, zero},
            {t.batches, t.tokens, t.groups, n});
    slice(op.getDecay(), {t.batch, t.token, t.head, zero},
          {t.batches, t.tokens, t.heads, n});
    slice(op.getRate(), {t.head, zero}, {t.heads, n});
    slice(op.getScale(), {t.batch, t.token, t.head},
          {t.batches, t.tokens, t.heads});
    // One id more than tokens: the tile's first is the id before it.
    OpFoldResult ids = multiplyAdd(b, loc, t.tokens, 1, one);
    slice(op.getSegmentIds(), {t.batch, t.token}, {t.batches, ids});
    slice(op.getYInit(), {t.batch, t.token, t.head, zero},
          {t.batches, t.tokens, t.heads, p});
    slice(op.getStateInit(), {t.batch, t.head, zero, zero},
          {t.batches, t.heads, p, n});
  }
};

} // namespace

void ssd::registerTilingInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, SSDDialect *) {
    MixOp::attachInterface<MixTiling>(*context);
  });
}
