//===- HopperFragmentOps.cpp - Products, elementwise work -------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Hopper/HopperOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace ssd::hopper;

/// Shape of a fragment or of an accumulator in flight.
static ArrayRef<int64_t> shapeOf(Type type) {
  if (auto fragment = dyn_cast<FragmentType>(type))
    return fragment.getShape();
  return cast<InFlightType>(type).getShape();
}

//===----------------------------------------------------------------------===//
// wgmma
//===----------------------------------------------------------------------===//

void WgmmaOp::build(OpBuilder &builder, OperationState &state, Value a, Value b,
                    Value acc, bool mnMajor) {
  auto tile = cast<SharedType>(b.getType());
  int64_t columns = mnMajor ? tile.getColumns() : tile.getRows();
  auto type = InFlightType::get(builder.getContext(), {64, columns},
                                builder.getF32Type());
  build(builder, state, type, a, b, acc, mnMajor);
}

int64_t WgmmaOp::getSteps() {
  if (auto fragment = dyn_cast<FragmentType>(getA().getType()))
    return fragment.getColumns() / 16;
  return cast<SharedType>(getA().getType()).getColumns() / 16;
}

/// Rows and depth of operand a, or nothing if it cannot be one.
namespace {
struct OperandA {
  int64_t rows, depth;
  Type element;
};
} // namespace

static std::optional<OperandA> getOperandA(Type type) {
  if (auto fragment = dyn_cast<FragmentType>(type)) {
    if (!fragment.isPacked())
      return std::nullopt;
    return OperandA{fragment.getRows(), fragment.getColumns(),
                    fragment.getElementType()};
  }
  auto tile = cast<SharedType>(type);
  if (!tile.isTile())
    return std::nullopt;
  return OperandA{tile.getRows(), tile.getColumns(), tile.getElementType()};
}

LogicalResult WgmmaOp::verify() {
  auto a = getOperandA(getA().getType());
  if (!a || a->rows != 64 || a->depth % 16)
    return emitOpError("(WGMMA1) a is a 16-bit matrix of 64 rows and depth a "
                       "multiple of 16");
  SharedType b = getB().getType();
  if (!b.isTile() || b.getElementType() != a->element)
    return emitOpError("(WGMMA2) b is one swizzled tile of ") << a->element;
  int64_t depth = getMnMajor() ? b.getRows() : b.getColumns();
  int64_t columns = getMnMajor() ? b.getColumns() : b.getRows();
  if (depth != a->depth)
    return emitOpError("(WGMMA2) depth of b is ")
           << depth << ", depth of a " << a->depth;
  ArrayRef<int64_t> shape = getResult().getType().getShape();
  if (shape[1] != columns)
    return emitOpError("(WGMMA3) the result has ")
           << shape[1] << " columns, b gives " << columns;
  if (getAcc() && (shapeOf(getAcc().getType()) != shape))
    return emitOpError("(WGMMA4) acc has another shape than the result");
  if (getAcc())
    if (auto fragment = dyn_cast<FragmentType>(getAcc().getType()))
      if (!fragment.isMatrix() || !fragment.getElementType().isF32())
        return emitOpError("(WGMMA4) acc is an f32 matrix");
  return success();
}

void WgmmaWaitOp::build(OpBuilder &builder, OperationState &state,
                        int32_t pending, ValueRange accumulators) {
  SmallVector<Type> types;
  for (Value value : accumulators)
    types.push_back(
        FragmentType::get(shapeOf(value.getType()), builder.getF32Type()));
  build(builder, state, types, builder.getI32IntegerAttr(pending),
        accumulators);
}

LogicalResult WgmmaWaitOp::verify() {
  if (getAccumulators().size() != getResults().size())
    return emitOpError("(WAIT1) gives one result an operand");
  for (auto [in, out] : llvm::zip(getAccumulators(), getResults()))
    if (out.getType() != FragmentType::get(shapeOf(in.getType()),
                                           Float32Type::get(getContext())))
      return emitOpError("(WAIT1) each result is the f32 fragment of its "
                         "operand's shape");
  return success();
}

//===----------------------------------------------------------------------===//
// Fragments and shared tiles
//===----------------------------------------------------------------------===//

/// An f32 matrix in the order in which threads hold it.
static LogicalResult verifyTableAccess(Operation *op, FragmentType fragment,
                                       SharedType table, int64_t column,
                                       bool transpose) {
  if (!table.getLinear() || !table.getElementType().isF32() ||
      !fragment.isMatrix() || column || transpose ||
      table.getShape() !=
          ArrayRef<int64_t>{fragment.getRows() * fragment.getColumns()})
    return op->emitOpError(
        "(LDST4) an f32 matrix lies in a linear f32 table of "
        "as many values");
  return success();
}

static LogicalResult verifyTileAccess(Operation *op, FragmentType fragment,
                                      SharedType tile, int64_t column,
                                      bool transpose, bool whole) {
  if (fragment.getElementType().isF32())
    return verifyTableAccess(op, fragment, tile, column, transpose);
  if (!fragment.isPacked() || !tile.isTile() ||
      tile.getElementType() != fragment.getElementType())
    return op->emitOpError("(LDST1) moves a 16-bit matrix and one tile of its "
                           "element type");
  if (transpose) {
    if (tile.getColumns() != 64 || column != 0)
      return op->emitOpError("(LDST2) a transposed access is of a 64-column "
                             "tile, from column 0");
    if (fragment.getColumns() != tile.getRows())
      return op->emitOpError("(LDST1) fragment columns are the tile's rows");
    return success();
  }
  if (tile.getRows() != 64 ||
      (whole && fragment.getColumns() != tile.getColumns()))
    return op->emitOpError("(LDST1) fragment and tile differ in shape");
  if (column % 16 || column + fragment.getColumns() > tile.getColumns())
    return op->emitOpError("(LDST3) the column is a multiple of 16 and the "
                           "fragment lies within the tile");
  return success();
}

LogicalResult LoadFragmentOp::verify() {
  return verifyTileAccess(*this, getResult().getType(), getTile().getType(), 0,
                          getTranspose(), /*whole=*/true);
}

LogicalResult StoreFragmentOp::verify() {
  return verifyTileAccess(*this, getValue().getType(), getTile().getType(),
                          getColumn(), getTranspose(), /*whole=*/false);
}

//===----------------------------------------------------------------------===//
// hopper.map
//===----------------------------------------------------------------------===//

static bool isBroadcastable(FragmentType from, FragmentType to) {
  if (from == to)
    return true;
  if (!to.isMatrix())
    return false;
  if (from.getLayout() == FragmentLayout::rows)
    return true;
  return from.getLayout() == FragmentLayout::columns &&
         from.getColumns() == to.getColumns();
}

LogicalResult MapOp::verify() {
  FragmentType result = getResult().getType();
  if (!result.getElementType().isF32())
    return emitOpError("(MAP1) computes f32 fragments");
  Block &body = getBody().front();
  if (body.getNumArguments() != getInputs().size())
    return emitOpError("(MAP3) the region takes one f32 an operand");
  for (auto [input, argument] : llvm::zip(getInputs(), body.getArguments())) {
    auto type = cast<FragmentType>(input.getType());
    if (!type.getElementType().isF32())
      return emitOpError("(MAP1) reads f32 fragments");
    if (!isBroadcastable(type, result))
      return emitOpError("(MAP2) ") << type << " does not lie along " << result;
    if (!argument.getType().isF32())
      return emitOpError("(MAP3) the region takes one f32 an operand");
  }
  auto yield = cast<YieldOp>(body.getTerminator());
  if (yield.getValues().size() != 1 ||
      !yield.getValues().front().getType().isF32())
    return emitOpError("(MAP3) the region yields one f32");
  for (Operation &op : body.without_terminator())
    if (op.getNumRegions() || !isPure(&op))
      return op.emitOpError("(MAP4) is not pure and flat, as code on elements "
                            "must be");
  return success();
}

//===----------------------------------------------------------------------===//
// Conversions, blocks, weights
//===----------------------------------------------------------------------===//

LogicalResult SplatOp::verify() {
  if (getResult().getType().isPacked())
    return emitOpError("(SPLAT1) elements are f32; truncate the fragment for "
                       "others");
  return success();
}

LogicalResult BlockOfOp::verify() {
  FragmentType from = getSource().getType(), to = getResult().getType();
  if (!from.isMatrix() || !to.isMatrix() ||
      from.getElementType() != to.getElementType() || getColumn() % 16 ||
      int64_t(getColumn()) + to.getColumns() > from.getColumns())
    return emitOpError("(BLK1) the block is columns of the source, from a "
                       "multiple of 16");
  return success();
}

static LogicalResult verifyConversion(Operation *op, FragmentType narrow,
                                      FragmentType wide) {
  if (!narrow.isPacked() ||
      wide != FragmentType::get(narrow.getShape(),
                                Float32Type::get(op->getContext())))
    return op->emitOpError("(CONV1) converts between f32 and 16-bit matrices "
                           "of one shape");
  return success();
}

LogicalResult TruncateOp::verify() {
  return verifyConversion(*this, getResult().getType(), getSource().getType());
}

LogicalResult ExtendOp::verify() {
  return verifyConversion(*this, getSource().getType(), getResult().getType());
}

static LogicalResult verifyHiLo(Operation *op, SharedType table) {
  if (!table.getLinear() || table.getShape() != ArrayRef<int64_t>{64} ||
      !table.getElementType().isInteger(32))
    return op->emitOpError("(HILO1) the table is linear, 64 i32");
  return success();
}

LogicalResult StoreHiLoOp::verify() {
  if (!getElement().isBF16() && !getElement().isF16())
    return emitOpError("(HILO3) the element is bf16 or f16");
  return verifyHiLo(*this, getTable().getType());
}

LogicalResult LoadHiLoOp::verify() {
  return verifyHiLo(*this, getTable().getType());
}

LogicalResult ScaleHiLoOp::verify() {
  FragmentType type = getSource().getType();
  if (!type.isPacked() || type.getColumns() != 64 ||
      getResult().getType() != type)
    return emitOpError("(HILO2) scales a packed 64x64 matrix");
  return success();
}

LogicalResult ShuffleOp::verify() {
  if (getKind() != "up" && getKind() != "xor" && getKind() != "from")
    return emitOpError("kind is \"up\", \"xor\" or \"from\"");
  return success();
}
