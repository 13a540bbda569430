//===- HopperMemoryOps.cpp - Shared tiles, tables, TMA ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Hopper/HopperOps.h"

using namespace mlir;
using namespace ssd::hopper;

LogicalResult AllocOp::verify() {
  if (getOffset() % (getResult().getType().getLinear() ? 16 : 1024))
    return emitOpError(
        "(ALLOC1) tiles are aligned to 1024 bytes, tables to 16");
  return success();
}

static LogicalResult verifyCursor(SliceOp op, int64_t size) {
  auto cursor = dyn_cast<CursorType>(op.getIndex().getType());
  if (cursor && cursor.getStages() != size)
    return op.emitOpError("(SLICE2) a cursor of ")
           << cursor.getStages() << " stages indexes " << size;
  return success();
}

LogicalResult SliceOp::verify() {
  if (auto ring = dyn_cast<RingType>(getSource().getType())) {
    if (getResult().getType() !=
        RingType::get(getContext(), ring.getStages(), 1))
      return emitOpError("(SLICE1) the result is one ring of the array");
    return verifyCursor(*this, ring.getCount());
  }
  auto type = cast<SharedType>(getSource().getType());
  size_t least = type.getLinear() ? 2 : 3;
  if (type.getShape().size() < least)
    return emitOpError("(SLICE3) the source is not an array of ")
           << (type.getLinear() ? "tables" : "tiles");
  if (getResult().getType() != type.getSlice())
    return emitOpError("(SLICE1) the result is the source without its first "
                       "dimension, ")
           << type.getSlice();
  return verifyCursor(*this, type.getShape().front());
}

LogicalResult ReshapeOp::verify() {
  SharedType from = getSource().getType(), to = getResult().getType();
  if (!from.getLinear() || !to.getLinear() ||
      from.getElementType() != to.getElementType() ||
      from.getBytes() != to.getBytes())
    return emitOpError("(RESH1) source and result are linear, of one element "
                       "type and size");
  return success();
}

//===----------------------------------------------------------------------===//
// TMA
//===----------------------------------------------------------------------===//

static LogicalResult verifyTMA(Operation *op, TensorMapType map,
                               SharedType tile, size_t coordinates) {
  if (coordinates != map.getShape().size())
    return op->emitOpError("(TMA1) takes one coordinate a dimension");
  if (tile.getLinear() || tile.getShape().size() != 2)
    return op->emitOpError("(TMA3) the tile is swizzled and single");
  if (map.getBytes() != tile.getPanelBytes() ||
      map.getElementType() != tile.getElementType())
    return op->emitOpError("(TMA2) the box is not one panel of the tile: ")
           << map.getBytes() << " bytes against " << tile.getPanelBytes();
  return success();
}

LogicalResult TMALoadOp::verify() {
  if (getRing().getType().getCount() != 1)
    return emitOpError("(USE1) takes one ring, not an array of them");
  return verifyTMA(*this, getMap().getType(), getTile().getType(),
                   getCoordinates().size());
}

LogicalResult TMAStoreOp::verify() {
  return verifyTMA(*this, getMap().getType(), getTile().getType(),
                   getCoordinates().size());
}

LogicalResult LoadRowsOp::verify() {
  SharedType tile = getTile().getType();
  if (!tile.isTile())
    return emitOpError("(ROWS2) takes a swizzled tile, not ") << tile;
  return success();
}

LogicalResult LoadRowsHiLoOp::verify() {
  SharedType tiles = getTiles().getType();
  if (tiles.getLinear() || tiles.getShape().size() != 3 ||
      tiles.getShape()[0] != 2 || int32_t(getParts()) < 1 ||
      tiles.getRows() % (16 * int64_t(getParts())))
    return emitOpError("(ROWS3) takes two swizzled tiles with a multiple of 16 "
                       "rows, not ")
           << tiles;
  return success();
}

LogicalResult StoreRowsOp::verify() {
  SharedType tile = getTile().getType();
  if (tile.getLinear() || tile.getShape().size() != 2 || tile.getPanels() != 1)
    return emitOpError("(ROWS1) takes a swizzled tile of one panel, not ")
           << tile;
  return success();
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

static LogicalResult verifyTable(Operation *op, SharedType table,
                                 Type element) {
  if (!table.getLinear() || table.getShape().size() != 1 ||
      table.getElementType() != element)
    return op->emitOpError("(TAB1) the table is linear of rank 1 and of ")
           << element;
  return success();
}

LogicalResult LoadOp::verify() {
  return verifyTable(*this, getTable().getType(), getResult().getType());
}

LogicalResult StoreOp::verify() {
  size_t count = getValues().size();
  if (count != 1 && count != 2 && count != 4)
    return emitOpError("stores 1, 2 or 4 values");
  for (Value value : getValues())
    if (failed(verifyTable(*this, getTable().getType(), value.getType())))
      return failure();
  return success();
}

LogicalResult LoadVectorOp::verify() {
  FragmentType type = getResult().getType();
  if (type.isMatrix())
    return emitOpError("(VEC2) the result is a rows or columns fragment");
  if (failed(verifyTable(*this, getTable().getType(), type.getElementType())))
    return failure();
  if (getFirst() % 2 || int64_t(getFirst()) + type.getColumns() >
                            getTable().getType().getShape().front())
    return emitOpError("(VEC1) the vector starts at an even entry and lies "
                       "within the table");
  return success();
}

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

template <typename Op>
static LogicalResult verifyGlobal(Op op, FragmentType type) {
  bool inRows = op.getOrder() == Order::row_major;
  bool moves =
      type.isMatrix() || (inRows && type.getLayout() == FragmentLayout::rows);
  if (!moves || type.isPacked())
    return op.emitOpError("(GLOB1) moves f32 matrices, or in row_major order "
                          "rows vectors");
  Type stored = op.getStored();
  if (!(inRows ? isa<FloatType>(stored) : stored.isF32()))
    return op.emitOpError("(GLOB2) stored elements are floats, f32 in fragment "
                          "order");
  bool isPart = op.getColumns() || op.getPitch();
  if (!inRows && (op.getRows() || isPart))
    return op.emitOpError("(GLOB3) bounds and pitch are of row_major order");
  int64_t columns = op.getColumns().value_or(type.getColumns());
  int64_t pitch = op.getPitch().value_or(type.getColumns());
  if (isPart && (!type.isMatrix() || columns % 8 || columns < 8 ||
                 columns > type.getColumns() || pitch % 2 || pitch < columns))
    return op.emitOpError(
        "(GLOB3) columns are a multiple of 8 of a matrix, and "
        "the pitch is even and no less");
  return success();
}

LogicalResult GlobalLoadOp::verify() {
  return verifyGlobal(*this, getResult().getType());
}

LogicalResult GlobalStoreOp::verify() {
  return verifyGlobal(*this, getValue().getType());
}

LogicalResult StoreColumnsOp::verify() {
  FragmentType type = getValue().getType();
  if (!type.isMatrix() || type.isPacked())
    return emitOpError("(COLS1) stores an f32 matrix");
  if (!isa<FloatType>(getStored()))
    return emitOpError("(COLS2) stored elements are floats");
  return success();
}
