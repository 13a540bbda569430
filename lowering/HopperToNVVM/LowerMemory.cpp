//===- LowerMemory.cpp - Shared tiles, tables, TMA, global fragments ---*- C++
//-*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/Emitter.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace ssd::hopper;

namespace {

//===----------------------------------------------------------------------===//
// Naming shared memory
//===----------------------------------------------------------------------===//

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

//===----------------------------------------------------------------------===//
// TMA
//===----------------------------------------------------------------------===//

/// CUTLASS's createpolicy results for whole accesses.
std::optional<int64_t> cachePolicy(CacheHint hint) {
  switch (hint) {
  case CacheHint::normal:
    return std::nullopt;
  case CacheHint::evict_first:
    return 0x12F0000000000000;
  case CacheHint::evict_last:
    return 0x14F0000000000000;
  }
  llvm_unreachable("unknown hint");
}

/// Copies a tile by one instruction a panel. `format` is its text with {0} for
/// the rank, {1} for the cache hint's suffix, {2} for the coordinates and {3}
/// for the hint, which follow the fixed operands that `operandsOf` gives for a
/// panel's address.
template <typename Op, typename Adaptor>
void copyPanels(Emitter &emit, Op op, Adaptor adaptor, const char *format,
                StringRef fixedConstraints,
                function_ref<SmallVector<Value>(Value)> operandsOf) {
  SharedType tile = op.getTile().getType();
  // Innermost first, as the instruction wants them.
  SmallVector<Value> coordinates(llvm::reverse(adaptor.getCoordinates()));
  unsigned rank = coordinates.size(), fixed = (fixedConstraints.size() + 1) / 2;
  auto policy = cachePolicy(op.getCache());
  std::string text = llvm::formatv(
      false, format, rank, policy ? ".L2::cache_hint" : "",
      operandList(fixed, rank),
      policy ? ", $" + std::to_string(fixed + rank) : std::string());
  std::string constraints = fixedConstraints.str();
  for (unsigned i = 0; i < rank; ++i)
    constraints += ",r";
  constraints += policy ? ",l,~{memory}" : ",~{memory}";
  for (int64_t panel = 0; panel < tile.getPanels(); ++panel) {
    SmallVector<Value> operands = operandsOf(emit.address(
        emit.offset(adaptor.getTile(), int32_t(panel * tile.getPanelBytes()))));
    llvm::append_range(operands, coordinates);
    if (policy)
      operands.push_back(emit.constant64(*policy));
    emit.assembly(text, constraints, operands);
    coordinates.front() = emit.add(coordinates.front(), 64);
  }
}

Value lowerTMALoad(Emitter &emit, TMALoadOp op, TMALoadOp::Adaptor adaptor) {
  Value barrier = fullBarrier(emit, adaptor.getRing(), adaptor.getCursor(),
                              op.getRing().getType().getStages());
  copyPanels(emit, op, adaptor,
             "cp.async.bulk.tensor.{0}d.shared::cluster.global"
             ".mbarrier::complete_tx::bytes{1} [$0], [$1, {2}], [$2]{3};",
             "r,l,r", [&](Value target) -> SmallVector<Value> {
               return {target, adaptor.getMap(), barrier};
             });
  return {};
}

Value lowerTMAStore(Emitter &emit, TMAStoreOp op, TMAStoreOp::Adaptor adaptor) {
  copyPanels(emit, op, adaptor,
             "cp.async.bulk.tensor.{0}d.global.shared::cta.bulk_group{1} "
             "[$0, {2}], [$1]{3};",
             "l,r", [&](Value source) -> SmallVector<Value> {
               return {adaptor.getMap(), source};
             });
  emit.assembly("cp.async.bulk.commit_group;", "~{memory}");
  return {};
}

Value lowerTMAStoreWait(Emitter &emit, TMAStoreWaitOp op,
                        TMAStoreWaitOp::Adaptor) {
  Emitter(emit.builder, emit.loc)
      .assembly("cp.async.bulk.wait_group.read " +
                    std::to_string(op.getPending()) + ";",
                "~{memory}");
  return {};
}

/// Eight threads a row, 16 bytes each.
Value lowerStoreRows(Emitter &emit, StoreRowsOp op,
                     StoreRowsOp::Adaptor adaptor) {
  constexpr int32_t kRowsAtOnce = 16;
  Value thread = emit.thread(), piece = emit.band(thread, 7),
        firstRow = emit.shr(thread, 3);
  int64_t rows = op.getTile().getType().getShape()[0];
  int64_t bytes = op.getTile().getType().getElementType().getIntOrFloatBitWidth() / 8;
  Value stride = LLVM::MulOp::create(
      emit.builder, emit.loc, adaptor.getStride(), emit.constant64(bytes));
  for (int32_t first = 0; first < rows; first += kRowsAtOnce) {
    Value row = emit.add(firstRow, first);
    Value swizzled = emit.bxor(piece, emit.band(row, 7));
    Value source = emit.offset(
        adaptor.getTile(), emit.add(emit.shl(row, 7), emit.shl(swizzled, 4)));
    Value wide =
        arith::ExtUIOp::create(emit.builder, emit.loc, emit.i64(), row);
    Value target = emit.offset(
        emit.offset(
            adaptor.getTarget(),
            Value(LLVM::MulOp::create(emit.builder, emit.loc, wide, stride))),
        emit.shl(piece, 4));
    emit.assembly("{ .reg .pred p; .reg .b32 v<4>; setp.lt.s32 p, $2, $3;\n"
                  "@p ld.shared.v4.b32 {v0, v1, v2, v3}, [$0];\n"
                  "@p st.global.v4.b32 [$1], {v0, v1, v2, v3}; }",
                  "r,l,r,r,~{memory}",
                  {emit.address(source), target, row, adaptor.getRows()});
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

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

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

/// Calls `access(pointer, first, count)` for each run of a thread's values that
/// are contiguous in memory.
void forEachRun(Emitter &emit, FragmentType type, Value base, Order order,
                Type stored,
                function_ref<void(Value, int64_t, int64_t)> access) {
  if (order == Order::fragment) {
    Value mine = emit.offset(base, emit.shl(emit.thread(), 4));
    for (int64_t i = 0; i < type.getValuesPerThread(); i += 4)
      access(emit.offset(mine, int32_t(512 * i)), i, 4);
    return;
  }
  int64_t bytes = stored.getIntOrFloatBitWidth() / 8;
  int64_t columns = type.isMatrix() ? type.getColumns() : 1;
  Value element = emit.mul(emit.fragmentRow(), columns);
  if (type.isMatrix())
    element = emit.add(element, emit.fragmentColumn());
  Value mine = emit.offset(base, emit.mul(element, bytes));
  int64_t count = type.isMatrix() ? 2 : 1;
  for (int64_t i = 0; i < type.getValuesPerThread(); i += count) {
    int64_t half = i / count % 2, j = i / count / 2;
    access(emit.offset(mine, int32_t(bytes * (8 * half * columns + 8 * j))), i,
           count);
  }
}

SmallVector<Value> loadRun(Emitter &emit, Value pointer, int64_t count,
                           Order order, Type stored) {
  if (order == Order::fragment)
    return emit.assembly(SmallVector<Type>(4, emit.f32()),
                         "ld.global.cg.v4.f32 {$0, $1, $2, $3}, [$4];",
                         "=f,=f,=f,=f,l,~{memory}", {pointer});
  int64_t bytes = count * stored.getIntOrFloatBitWidth() / 8;
  SmallVector<Value> values = emit.elements(
      emit.load(VectorType::get({count}, stored), pointer, bytes));
  if (!stored.isF32())
    for (Value &value : values)
      value = arith::ExtFOp::create(emit.builder, emit.loc, emit.f32(), value);
  return values;
}

Value lowerGlobalLoad(Emitter &emit, GlobalLoadOp op,
                      GlobalLoadOp::Adaptor adaptor) {
  FragmentType type = op.getResult().getType();
  SmallVector<Value> values(type.getValuesPerThread());
  forEachRun(emit, type, adaptor.getSource(), op.getOrder(), op.getStored(),
             [&](Value pointer, int64_t first, int64_t count) {
               auto run =
                   loadRun(emit, pointer, count, op.getOrder(), op.getStored());
               llvm::copy(run, values.begin() + first);
             });
  return emit.vector(values);
}

Value lowerGlobalStore(Emitter &emit, GlobalStoreOp op,
                       GlobalStoreOp::Adaptor adaptor) {
  Type stored = op.getStored();
  SmallVector<Value> values = emit.elements(adaptor.getValue());
  if (!stored.isF32())
    for (Value &value : values)
      value = arith::TruncFOp::create(emit.builder, emit.loc, stored, value);
  forEachRun(emit, op.getValue().getType(), adaptor.getTarget(), op.getOrder(),
             stored, [&](Value pointer, int64_t first, int64_t count) {
               emit.store(
                   emit.vector(ArrayRef<Value>(values).slice(first, count)),
                   pointer, count * stored.getIntOrFloatBitWidth() / 8);
             });
  return {};
}

} // namespace

void ssd::hopper::populateMemoryPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns
      .add<LowerOp<AllocOp, lowerOffset<AllocOp>>,
           LowerOp<RingOp, lowerOffset<RingOp>>, LowerOp<SliceOp, lowerSlice>,
           LowerOp<ReshapeOp, lowerReshape>, LowerOp<TMALoadOp, lowerTMALoad>,
           LowerOp<TMAStoreOp, lowerTMAStore>,
           LowerOp<TMAStoreWaitOp, lowerTMAStoreWait>,
           LowerOp<StoreRowsOp, lowerStoreRows>, LowerOp<LoadOp, lowerLoad>,
           LowerOp<StoreOp, lowerStore>, LowerOp<LoadVectorOp, lowerLoadVector>,
           LowerOp<GlobalLoadOp, lowerGlobalLoad>,
           LowerOp<GlobalStoreOp, lowerGlobalStore>>(converter,
                                                     patterns.getContext());
}
