//===- KernelBuilder.cpp - Short names for the code of kernels ---*- C++
//-*-===//
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
// Integers
//===----------------------------------------------------------------------===//

Value KernelBuilder::i(int32_t value) {
  return arith::ConstantIntOp::create(builder, loc, i32(), value);
}
Value KernelBuilder::add(Value a, Value b) {
  return create<arith::AddIOp>(a, b);
}
Value KernelBuilder::sub(Value a, Value b) {
  return create<arith::SubIOp>(a, b);
}
Value KernelBuilder::mul(Value a, Value b) {
  return create<arith::MulIOp>(a, b);
}
Value KernelBuilder::div(Value a, Value b) {
  return create<arith::DivUIOp>(a, b);
}
Value KernelBuilder::rem(Value a, Value b) {
  return create<arith::RemUIOp>(a, b);
}
Value KernelBuilder::min(Value a, Value b) {
  return create<arith::MinSIOp>(a, b);
}
Value KernelBuilder::max(Value a, Value b) {
  return create<arith::MaxSIOp>(a, b);
}
Value KernelBuilder::band(Value a, int32_t b) {
  return create<arith::AndIOp>(a, i(b));
}
Value KernelBuilder::bor(Value a, int32_t b) {
  return create<arith::OrIOp>(a, i(b));
}
Value KernelBuilder::compare(arith::CmpIPredicate predicate, Value a, Value b) {
  return create<arith::CmpIOp>(predicate, a, b);
}
Value KernelBuilder::select(Value condition, Value a, Value b) {
  return create<arith::SelectOp>(condition, a, b);
}
Value KernelBuilder::wide(Value a) { return create<arith::ExtUIOp>(i64(), a); }
Value KernelBuilder::mulWide(Value a, int64_t b) {
  if (a.getType() != i64())
    a = wide(a);
  return create<arith::MulIOp>(
      a, arith::ConstantIntOp::create(builder, loc, i64(), b));
}
Value KernelBuilder::addWide(Value a, Value b) {
  return create<arith::AddIOp>(a, b);
}

//===----------------------------------------------------------------------===//
// f32
//===----------------------------------------------------------------------===//

// Contraction lets the backend form fused multiply-adds.
static constexpr auto kContract = arith::FastMathFlags::contract;

Value KernelBuilder::f(float value) {
  return create<arith::ConstantOp>(builder.getF32FloatAttr(value));
}
Value KernelBuilder::fadd(Value a, Value b) {
  return create<arith::AddFOp>(a, b, kContract);
}
Value KernelBuilder::fsub(Value a, Value b) {
  return create<arith::SubFOp>(a, b, kContract);
}
Value KernelBuilder::fmul(Value a, Value b) {
  return create<arith::MulFOp>(a, b, kContract);
}
Value KernelBuilder::fma(Value a, Value b, Value c) {
  return fadd(fmul(a, b), c);
}
Value KernelBuilder::exp2(Value a) { return create<Exp2Op>(a); }

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

Value KernelBuilder::at(Value pointer, Value bytes) {
  return create<LLVM::GEPOp>(pointer.getType(), builder.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}
Value KernelBuilder::loadGlobal(Type type, Value pointer, unsigned alignment) {
  return create<LLVM::LoadOp>(type, pointer, alignment);
}
void KernelBuilder::storeGlobal(Value value, Value pointer,
                                unsigned alignment) {
  create<LLVM::StoreOp>(value, pointer, alignment);
}

KernelBuilder::Values KernelBuilder::loadWide(Type element, Value pointer,
                                              int64_t count) {
  unsigned bytes = element.getIntOrFloatBitWidth() / 8;
  auto widen = [&](Value value) -> Value {
    return element.isF32() ? value : create<arith::ExtFOp>(f32(), value);
  };
  if (count == 1)
    return {widen(loadGlobal(element, pointer, bytes))};
  auto type = VectorType::get({count}, element);
  Value vector = loadGlobal(type, pointer, bytes * count);
  auto elements = create<vector::ToElementsOp>(vector);
  return llvm::map_to_vector(elements.getResults(),
                             [&](Value value) { return widen(value); });
}

void KernelBuilder::storeNarrow(ValueRange values, Type element,
                                Value pointer) {
  unsigned bytes = element.getIntOrFloatBitWidth() / 8;
  Values narrow;
  for (Value value : values)
    narrow.push_back(element.isF32() ? value
                                     : create<arith::TruncFOp>(element, value));
  if (narrow.size() == 1)
    return storeGlobal(narrow.front(), pointer, bytes);
  auto type = VectorType::get({int64_t(narrow.size())}, element);
  storeGlobal(create<vector::FromElementsOp>(type, narrow), pointer,
              bytes * narrow.size());
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

FragmentType KernelBuilder::matrix(int64_t columns, bool bf16) {
  return FragmentType::get({64, columns}, bf16 ? builder.getBF16Type() : f32());
}
FragmentType KernelBuilder::rows() {
  return FragmentType::get(context(), {64}, f32(), FragmentLayout::rows);
}
FragmentType KernelBuilder::columns(int64_t count) {
  return FragmentType::get(context(), {count}, f32(), FragmentLayout::columns);
}
SharedType KernelBuilder::tiles(ArrayRef<int64_t> shape) {
  return SharedType::get(context(), shape, builder.getBF16Type(), false);
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
                                 StringRef name, TypeRange inputs,
                                 int32_t threads, int32_t sharedBytes) {
  builder.setInsertionPointToEnd(module.getBody());
  auto type = builder.getFunctionType(inputs, {});
  auto func = gpu::GPUFuncOp::create(builder, module.getLoc(), name, type);
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
