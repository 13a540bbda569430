//===- LowerMemory.cpp - Shared tiles and tables ----------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/Emitter.h"

using namespace mlir;
using namespace ssd::hopper;

namespace {

/// Tiles, tables and rings are pointers into the dynamic array.
template <typename Op>
Value lowerOffset(Emitter &emit, Op op, typename Op::Adaptor) {
  auto type = LLVM::LLVMPointerType::get(emit.builder.getContext(), 3);
  Value base =
      LLVM::AddressOfOp::create(emit.builder, emit.loc, type, kSharedMemory);
  return emit.offset(base, op.getOffset());
}

Value lowerSlice(Emitter &emit, SliceOp op, SliceOp::Adaptor adaptor) {
  Value index = adaptor.getIndex();
  if (auto cursor = dyn_cast<CursorType>(op.getIndex().getType()))
    index = stageOf(emit, index, cursor.getStages());
  int64_t bytes;
  if (auto shared = dyn_cast<SharedType>(op.getResult().getType()))
    bytes = shared.getBytes();
  else
    bytes = cast<RingType>(op.getResult().getType()).getRingBytes();
  return emit.offset(adaptor.getSource(), emit.mul(index, bytes));
}

Value lowerReshape(Emitter &emit, ReshapeOp op, ReshapeOp::Adaptor adaptor) {
  return adaptor.getSource();
}

Value lowerLoad(Emitter &emit, LoadOp op, LoadOp::Adaptor adaptor) {
  Value pointer =
      emit.offset(adaptor.getTable(), emit.shl(adaptor.getIndex(), 2));
  return emit.load(op.getResult().getType(), pointer, 4);
}

Value lowerStore(Emitter &emit, StoreOp op, StoreOp::Adaptor adaptor) {
  SmallVector<Value> values(adaptor.getValues());
  Value value = values.size() == 1 ? values.front() : emit.vector(values);
  emit.store(value,
             emit.offset(adaptor.getTable(), emit.shl(adaptor.getIndex(), 2)),
             4 * values.size());
  return {};
}

Value lowerLoadVector(Emitter &emit, LoadVectorOp op,
                      LoadVectorOp::Adaptor adaptor) {
  FragmentType type = op.getResult().getType();
  bool rows = type.getLayout() == FragmentLayout::rows;
  Value position = rows ? emit.fragmentRow() : emit.fragmentColumn();
  Value mine =
      emit.offset(emit.offset(adaptor.getTable(), emit.shl(position, 2)),
                  int32_t(4 * op.getFirst()));
  SmallVector<Value> values;
  if (rows) {
    values = {emit.load(emit.f32(), mine, 4),
              emit.load(emit.f32(), emit.offset(mine, 32), 4)};
  } else {
    auto pair = VectorType::get({2}, emit.f32());
    for (int64_t j = 0; j < type.getColumns() / 8; ++j)
      llvm::append_range(
          values, emit.elements(
                      emit.load(pair, emit.offset(mine, int32_t(32 * j)), 8)));
  }
  return emit.vector(values);
}

} // namespace

void ssd::hopper::populateMemoryPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerOp<AllocOp, lowerOffset<AllocOp>>,
               LowerOp<RingOp, lowerOffset<RingOp>>,
               LowerOp<SliceOp, lowerSlice>, LowerOp<ReshapeOp, lowerReshape>,
               LowerOp<LoadOp, lowerLoad>, LowerOp<StoreOp, lowerStore>,
               LowerOp<LoadVectorOp, lowerLoadVector>>(converter,
                                                       patterns.getContext());
}
