//===- KernelBuilder.cpp - Short names for the code of kernels --*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/KernelBuilder.h"

using namespace mlir;
using namespace ssd;
using namespace ssd::hopper;

//===----------------------------------------------------------------------===//
// Conversions and global memory
//===----------------------------------------------------------------------===//

Value KernelBuilder::widen(Value value) {
  return value.getType().isF32() ? value : create<arith::ExtFOp>(f32(), value);
}

Value KernelBuilder::narrow(Value value, Type type) {
  return value.getType() == type ? value : create<arith::TruncFOp>(type, value);
}

/// Scalars are aligned to their size, vectors to that of an access.
static unsigned getAlignment(Type type) {
  int64_t bytes = type.isIntOrFloat()
                      ? type.getIntOrFloatBitWidth() / 8
                      : cast<VectorType>(type).getNumElements() *
                            cast<VectorType>(type).getElementTypeBitWidth() / 8;
  return std::min<int64_t>(bytes, 16);
}

Value KernelBuilder::at(Value pointer, Type element, Value index) {
  return create<LLVM::GEPOp>(pointer.getType(), element, pointer,
                             ArrayRef<LLVM::GEPArg>{index});
}

Value KernelBuilder::loadGlobal(Type type, Value pointer) {
  return create<LLVM::LoadOp>(type, pointer, getAlignment(type));
}

void KernelBuilder::storeGlobal(Value value, Value pointer) {
  create<LLVM::StoreOp>(value, pointer, getAlignment(value.getType()));
}

KernelBuilder::Values KernelBuilder::loadWide(Type element, Value pointer,
                                              int64_t count) {
  Value vector = loadGlobal(VectorType::get({count}, element), pointer);
  auto elements = create<vector::ToElementsOp>(vector);
  return llvm::map_to_vector(elements.getResults(),
                             [&](Value value) { return widen(value); });
}

void KernelBuilder::storeNarrow(ValueRange values, Type element,
                                Value pointer) {
  auto rounded = llvm::map_to_vector(
      values, [&](Value value) { return narrow(value, element); });
  auto type = VectorType::get({int64_t(rounded.size())}, element);
  storeGlobal(create<vector::FromElementsOp>(type, rounded), pointer);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

KernelBuilder::Values KernelBuilder::loop(Value from, Value to, Value step,
                                          ValueRange inits, Body body) {
  auto op = create<scf::ForOp>(from, to, step, inits);
  OpBuilder::InsertionGuard guard(builder);
  if (inits.empty())
    builder.setInsertionPoint(op.getBody()->getTerminator());
  else
    builder.setInsertionPointToEnd(op.getBody());
  Values results = body(op.getInductionVar(), op.getRegionIterArgs());
  if (!inits.empty())
    create<scf::YieldOp>(results);
  return Values(op.getResults());
}

void KernelBuilder::when(Value condition, function_ref<void()> then) {
  if (!condition)
    return then();
  auto op = create<scf::IfOp>(condition);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(op.thenBlock());
  then();
}

KernelBuilder::Values KernelBuilder::choose(Value condition, TypeRange types,
                                            function_ref<Values()> then,
                                            function_ref<Values()> otherwise) {
  auto op = create<scf::IfOp>(types, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  auto fill = [&](Block *block, function_ref<Values()> body) {
    builder.setInsertionPointToStart(block);
    Values results = body();
    if (!types.empty())
      create<scf::YieldOp>(results);
  };
  fill(op.thenBlock(), then);
  fill(op.elseBlock(), otherwise);
  return Values(op.getResults());
}

void KernelBuilder::elect(Agent agent, function_ref<void()> body) {
  auto op = create<ElectOp>(agent);
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&op.getBody());
  body();
  create<YieldOp>(ValueRange());
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

FragmentType KernelBuilder::matrix(int64_t columns, Type element) {
  return FragmentType::get({64, columns}, element ? element : f32());
}
FragmentType KernelBuilder::rows() {
  return FragmentType::get(context(), {64}, f32(), FragmentLayout::rows);
}
FragmentType KernelBuilder::columns(int64_t count) {
  return FragmentType::get(context(), {count}, f32(), FragmentLayout::columns);
}
SharedType KernelBuilder::tiles(ArrayRef<int64_t> shape, Type element) {
  return SharedType::get(context(), shape, element, false);
}
SharedType KernelBuilder::tables(ArrayRef<int64_t> shape, Type element) {
  return SharedType::get(context(), shape, element, true);
}

Value KernelBuilder::alloc(int32_t offset, Type type) {
  return create<AllocOp>(type, offset);
}
Value KernelBuilder::ring(int32_t offset, int32_t stages, int32_t count,
                          int32_t producers, int32_t consumers) {
  return create<RingOp>(RingType::get(context(), stages, count), offset,
                        producers, consumers);
}
Value KernelBuilder::slice(Value array, Value index) {
  Type type;
  if (auto ring = dyn_cast<RingType>(array.getType()))
    type = RingType::get(context(), ring.getStages(), 1);
  else
    type = cast<SharedType>(array.getType()).getSlice();
  return create<SliceOp>(type, array, index);
}
Value KernelBuilder::tryWait(Value ring, Value cursor) {
  return create<TryOp>(ring, cursor);
}
void KernelBuilder::wait(Value ring, Value cursor, Value full) {
  create<WaitOp>(ring, cursor, full);
}
Value KernelBuilder::cursor(int64_t stages) {
  return create<CursorOp>(CursorType::get(context(), stages));
}
Value KernelBuilder::advance(Value cursor) { return create<AdvanceOp>(cursor); }

Value KernelBuilder::wgmma(Value a, Value b, Value acc, bool mnMajor) {
  return create<WgmmaOp>(a, b, acc, mnMajor);
}
Value KernelBuilder::wait(int32_t pending, Value accumulator) {
  return create<WgmmaWaitOp>(pending, ValueRange(accumulator)).getResult(0);
}
KernelBuilder::Values KernelBuilder::split(Value fragment, Type element,
                                           int32_t terms) {
  int64_t columns = cast<FragmentType>(fragment.getType()).getColumns();
  Values parts;
  for (int32_t term = 0; term < terms; ++term) {
    if (term)
      fragment = map(matrix(columns), {fragment, join(parts.back())},
                     [&](ValueRange v) { return fsub(v[0], v[1]); });
    parts.push_back(create<TruncateOp>(matrix(columns, element), fragment));
  }
  return parts;
}
Value KernelBuilder::join(ValueRange terms) {
  Value sum;
  for (Value term : terms) {
    FragmentType type = matrix(cast<FragmentType>(term.getType()).getColumns());
    Value extended = create<ExtendOp>(type, term);
    sum = sum ? map(type, {sum, extended},
                    [&](ValueRange v) { return fadd(v[0], v[1]); })
              : extended;
  }
  return sum;
}
Value KernelBuilder::loadVector(Value table, Type type, int32_t first) {
  return create<LoadVectorOp>(type, table, first);
}
Value KernelBuilder::load(Value table, Value index) {
  return create<LoadOp>(cast<SharedType>(table.getType()).getElementType(),
                        table, index);
}
void KernelBuilder::store(ValueRange values, Value table, Value index) {
  create<StoreOp>(values, table, index);
}
Value KernelBuilder::shuffle(StringRef kind, Value value, Value lane) {
  return create<ShuffleOp>(value.getType(), value, kind, lane);
}

Value KernelBuilder::sumOverLanes(Values values, int32_t lanes) {
  Value lane = create<LaneOp>();
  for (int32_t step = lanes / 2; step > 0; step /= 2) {
    size_t half = values.size() / 2;
    if (half == 0) {
      values[0] = fadd(values[0], shuffle("xor", values[0], i(step)));
      continue;
    }
    Value upper = compare(arith::CmpIPredicate::ne, band(lane, step), i(0));
    Values kept;
    for (size_t r = 0; r < half; ++r) {
      Value keep = select(upper, values[r + half], values[r]);
      Value send = select(upper, values[r], values[r + half]);
      kept.push_back(fadd(keep, shuffle("xor", send, i(step))));
    }
    values = kept;
  }
  return values[0];
}

Value KernelBuilder::map(Type type, ValueRange inputs, Scalar body) {
  auto op = create<MapOp>(type, inputs);
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> types(inputs.size(), f32());
  SmallVector<Location> locs(inputs.size(), loc);
  Block *block = builder.createBlock(&op.getBody(), {}, types, locs);
  Value result = body(block->getArguments());
  create<YieldOp>(result);
  return op;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

gpu::GPUFuncOp ssd::createKernel(OpBuilder &builder, gpu::GPUModuleOp module,
                                 TypeRange inputs, int32_t threads,
                                 int32_t sharedBytes) {
  builder.setInsertionPointToEnd(module.getBody());
  auto type = builder.getFunctionType(inputs, {});
  auto func =
      gpu::GPUFuncOp::create(builder, module.getLoc(), module.getName(), type);
  func->setAttr(gpu::GPUDialect::getKernelFuncAttrName(),
                builder.getUnitAttr());
  func.setKnownBlockSizeAttr(builder.getDenseI32ArrayAttr({threads, 1, 1}));
  func->setAttr(HopperDialect::kSharedBytesAttr,
                builder.getI32IntegerAttr(sharedBytes));
  builder.setInsertionPointToEnd(&func.getBody().front());
  gpu::ReturnOp::create(builder, module.getLoc());
  builder.setInsertionPointToStart(&func.getBody().front());
  return func;
}
