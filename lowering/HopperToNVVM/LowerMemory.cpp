//===- LowerMemory.cpp - Shared tiles, tables, TMA, global fragments ---*- C++
//-*-===//
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

//===----------------------------------------------------------------------===//
// Naming shared memory
//===----------------------------------------------------------------------===//

Value sharedBase(Emitter &emit, int32_t offset) {
  auto type = LLVM::LLVMPointerType::get(emit.builder.getContext(), 3);
  Value base =
      LLVM::AddressOfOp::create(emit.builder, emit.loc, type, kSharedMemory);
  return emit.offset(base, offset);
}

struct LowerAlloc : OpConversionPattern<AllocOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(AllocOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    rewriter.replaceOp(op, sharedBase(emit, op.getOffset()));
    return success();
  }
};

struct LowerRing : OpConversionPattern<RingOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(RingOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    rewriter.replaceOp(op, sharedBase(emit, op.getOffset()));
    return success();
  }
};

struct LowerSlice : OpConversionPattern<SliceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SliceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    Value index = adaptor.getIndex();
    if (auto cursor = dyn_cast<CursorType>(op.getIndex().getType()))
      index = stageOf(emit, index, cursor.getStages());
    int64_t bytes;
    if (auto shared = dyn_cast<SharedType>(op.getResult().getType()))
      bytes = shared.getBytes();
    else
      bytes = cast<RingType>(op.getResult().getType()).getRingBytes();
    rewriter.replaceOp(
        op, emit.offset(adaptor.getSource(), emit.mul(index, bytes)));
    return success();
  }
};

struct LowerReshape : OpConversionPattern<ReshapeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ReshapeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    rewriter.replaceOp(op, adaptor.getSource());
    return success();
  }
};

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

/// "{$2, $3, ...}" for the coordinates, which follow `first` operands.
std::string coordinateList(unsigned first, unsigned count) {
  std::string text = "{";
  for (unsigned i = 0; i < count; ++i)
    text += (i ? ", $" : "$") + std::to_string(first + i);
  return text + "}";
}

/// Innermost first, as the instruction wants them, at a panel of the tile.
SmallVector<Value> coordinates(Emitter &emit, ValueRange rowMajor,
                               int32_t panel) {
  SmallVector<Value> values(llvm::reverse(rowMajor));
  if (panel != 0)
    values.front() = emit.add(values.front(), 64 * panel);
  return values;
}

struct LowerTMALoad : OpConversionPattern<TMALoadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TMALoadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    SharedType tile = op.getTile().getType();
    unsigned rank = op.getCoordinates().size();
    auto policy = cachePolicy(op.getCache());
    std::string text = "cp.async.bulk.tensor." + std::to_string(rank) +
                       "d.shared::cluster.global.mbarrier::complete_tx::bytes" +
                       (policy ? ".L2::cache_hint" : "") + " [$0], [$1, " +
                       coordinateList(3, rank) + "], [$2]" +
                       (policy ? ", $" + std::to_string(3 + rank) : "") + ";";
    std::string constraints = "r,l,r";
    for (unsigned i = 0; i < rank; ++i)
      constraints += ",r";
    constraints += policy ? ",l,~{memory}" : ",~{memory}";
    Value barrier = fullBarrier(emit, adaptor.getRing(), adaptor.getCursor(),
                                op.getRing().getType().getStages());
    for (int64_t panel = 0; panel < tile.getPanels(); ++panel) {
      Value target = emit.address(emit.offset(
          adaptor.getTile(), int32_t(panel * tile.getPanelBytes())));
      SmallVector<Value> operands = {target, adaptor.getMap(), barrier};
      llvm::append_range(operands,
                         coordinates(emit, adaptor.getCoordinates(), panel));
      if (policy)
        operands.push_back(emit.constant64(*policy));
      emit.assembly(text, constraints, operands);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerTMAStore : OpConversionPattern<TMAStoreOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TMAStoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    SharedType tile = op.getTile().getType();
    unsigned rank = op.getCoordinates().size();
    auto policy = cachePolicy(op.getCache());
    std::string text = "cp.async.bulk.tensor." + std::to_string(rank) +
                       "d.global.shared::cta.bulk_group" +
                       (policy ? ".L2::cache_hint" : "") + " [$0, " +
                       coordinateList(2, rank) + "], [$1]" +
                       (policy ? ", $" + std::to_string(2 + rank) : "") + ";";
    std::string constraints = "l,r";
    for (unsigned i = 0; i < rank; ++i)
      constraints += ",r";
    constraints += policy ? ",l,~{memory}" : ",~{memory}";
    for (int64_t panel = 0; panel < tile.getPanels(); ++panel) {
      Value source = emit.address(emit.offset(
          adaptor.getTile(), int32_t(panel * tile.getPanelBytes())));
      SmallVector<Value> operands = {adaptor.getMap(), source};
      llvm::append_range(operands,
                         coordinates(emit, adaptor.getCoordinates(), panel));
      if (policy)
        operands.push_back(emit.constant64(*policy));
      emit.assembly(text, constraints, operands);
    }
    emit.assembly("cp.async.bulk.commit_group;", "~{memory}");
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerTMAStoreWait : OpConversionPattern<TMAStoreWaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TMAStoreWaitOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter(rewriter, op.getLoc())
        .assembly("cp.async.bulk.wait_group.read " +
                      std::to_string(op.getPending()) + ";",
                  "~{memory}");
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

struct LowerLoad : OpConversionPattern<LoadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    Value pointer =
        emit.offset(adaptor.getTable(), emit.shl(adaptor.getIndex(), 2));
    rewriter.replaceOp(op, emit.load(op.getResult().getType(), pointer, 4));
    return success();
  }
};

struct LowerStore : OpConversionPattern<StoreOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(StoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    SmallVector<Value> values(adaptor.getValues());
    Value value = values.size() == 1 ? values.front() : emit.vector(values);
    emit.store(value,
               emit.offset(adaptor.getTable(), emit.shl(adaptor.getIndex(), 2)),
               4 * values.size());
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerLoadVector : OpConversionPattern<LoadVectorOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadVectorOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
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
        llvm::append_range(values,
                           emit.elements(emit.load(
                               pair, emit.offset(mine, int32_t(32 * j)), 8)));
    }
    rewriter.replaceOp(op, emit.vector(values));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

/// Calls `access(pointer, first, count)` for each run of a thread's values that
/// are contiguous in memory.
void forEachRun(Emitter &emit, FragmentType type, Value base, Order order,
                function_ref<void(Value, int64_t, int64_t)> access) {
  if (order == Order::fragment) {
    Value mine = emit.offset(base, emit.shl(emit.thread(), 4));
    for (int64_t i = 0; i < type.getValuesPerThread(); i += 4)
      access(emit.offset(mine, int32_t(512 * i)), i, 4);
    return;
  }
  int64_t columns = type.getColumns();
  Value element =
      emit.add(emit.mul(emit.fragmentRow(), columns), emit.fragmentColumn());
  Value mine = emit.offset(base, emit.shl(element, 2));
  for (int64_t j = 0; j < columns / 8; ++j)
    for (int64_t half = 0; half < 2; ++half)
      access(emit.offset(mine, int32_t(4 * (8 * half * columns + 8 * j))),
             4 * j + 2 * half, 2);
}

struct LowerGlobalLoad : OpConversionPattern<GlobalLoadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(GlobalLoadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    FragmentType type = op.getResult().getType();
    SmallVector<Value> values(type.getValuesPerThread());
    forEachRun(emit, type, adaptor.getSource(), op.getOrder(),
               [&](Value pointer, int64_t first, int64_t count) {
                 auto run = loadRun(emit, pointer, count, op.getOrder());
                 llvm::copy(run, values.begin() + first);
               });
    rewriter.replaceOp(op, emit.vector(values));
    return success();
  }

private:
  static SmallVector<Value> loadRun(Emitter &emit, Value pointer, int64_t count,
                                    Order order) {
    if (order == Order::fragment)
      return emit.assembly(SmallVector<Type>(4, emit.f32()),
                           "ld.global.cg.v4.f32 {$0, $1, $2, $3}, [$4];",
                           "=f,=f,=f,=f,l,~{memory}", {pointer});
    return emit.elements(
        emit.load(VectorType::get({count}, emit.f32()), pointer, 4 * count));
  }
};

struct LowerGlobalStore : OpConversionPattern<GlobalStoreOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(GlobalStoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    SmallVector<Value> values = emit.elements(adaptor.getValue());
    forEachRun(emit, op.getValue().getType(), adaptor.getTarget(),
               op.getOrder(), [&](Value pointer, int64_t first, int64_t count) {
                 emit.store(
                     emit.vector(ArrayRef<Value>(values).slice(first, count)),
                     pointer, 4 * count);
               });
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void ssd::hopper::populateMemoryPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerAlloc, LowerRing, LowerSlice, LowerReshape, LowerTMALoad,
               LowerTMAStore, LowerTMAStoreWait, LowerLoad, LowerStore,
               LowerLoadVector, LowerGlobalLoad, LowerGlobalStore>(
      converter, patterns.getContext());
}
