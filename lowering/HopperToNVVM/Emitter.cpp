//===- Emitter.cpp - Short names for what patterns emit ---------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/Emitter.h"

using namespace mlir;
using namespace ssd::hopper;

Type Emitter::pairOf(Type element) { return VectorType::get({2}, element); }

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

Value Emitter::constant(int32_t value) {
  return arith::ConstantIntOp::create(builder, loc, i32(), value);
}
Value Emitter::constant64(int64_t value) {
  return arith::ConstantIntOp::create(builder, loc, i64(), value);
}
Value Emitter::add(Value a, Value b) {
  return arith::AddIOp::create(builder, loc, a, b);
}
Value Emitter::mul(Value a, int32_t b) {
  return arith::MulIOp::create(builder, loc, a, constant(b));
}
Value Emitter::band(Value a, int32_t b) {
  return arith::AndIOp::create(builder, loc, a, constant(b));
}
Value Emitter::bxor(Value a, Value b) {
  return arith::XOrIOp::create(builder, loc, a, b);
}
Value Emitter::shl(Value a, int32_t b) {
  return arith::ShLIOp::create(builder, loc, a, constant(b));
}
Value Emitter::shr(Value a, int32_t b) {
  return arith::ShRUIOp::create(builder, loc, a, constant(b));
}
Value Emitter::equals(Value a, int32_t b) {
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, a,
                               constant(b));
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

Value Emitter::threadOfBlock() {
  return NVVM::ThreadIdXOp::create(builder, loc, i32());
}
Value Emitter::thread() { return band(threadOfBlock(), 127); }
Value Emitter::fragmentRow() { return add(shl(warp(), 4), shr(lane(), 2)); }
Value Emitter::uniform(Value value) {
  return NVVM::ShflOp::create(builder, loc, i32(), constant(-1), value,
                              constant(0), constant(31), NVVM::ShflKind::idx,
                              UnitAttr());
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value Emitter::offset(Value pointer, Value bytes) {
  return LLVM::GEPOp::create(builder, loc, pointer.getType(),
                             builder.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}
Value Emitter::offset(Value pointer, int32_t bytes) {
  if (bytes == 0)
    return pointer;
  return LLVM::GEPOp::create(builder, loc, pointer.getType(),
                             builder.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}
Value Emitter::load(Type type, Value pointer, unsigned alignment) {
  return LLVM::LoadOp::create(builder, loc, type, pointer, alignment);
}
void Emitter::store(Value value, Value pointer, unsigned alignment) {
  LLVM::StoreOp::create(builder, loc, value, pointer, alignment);
}
Value Emitter::address(Value pointer) {
  return LLVM::PtrToIntOp::create(builder, loc, i32(), pointer);
}

//===----------------------------------------------------------------------===//
// Vectors and pairs
//===----------------------------------------------------------------------===//

SmallVector<Value> Emitter::elements(Value vector) {
  auto op = vector::ToElementsOp::create(builder, loc, vector);
  return SmallVector<Value>(op.getResults());
}
Value Emitter::vector(ArrayRef<Value> elements) {
  auto type =
      VectorType::get({int64_t(elements.size())}, elements.front().getType());
  return vector::FromElementsOp::create(builder, loc, type, elements);
}
Value Emitter::bitcast(Type type, Value value) {
  return LLVM::BitcastOp::create(builder, loc, type, value);
}
Value Emitter::intrinsic(Type type, StringRef name, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(builder, loc, type,
                                       builder.getStringAttr(name), operands)
      .getResult(0);
}
Value Emitter::pack(Type element, Value low, Value high) {
  StringRef name =
      element.isBF16() ? "llvm.nvvm.ff2bf16x2.rn" : "llvm.nvvm.ff2f16x2.rn";
  return bitcast(i32(), intrinsic(pairOf(element), name, {high, low}));
}

std::pair<Value, Value> Emitter::packHiLo(Type element, Value low, Value high) {
  Value packed = pack(element, low, high);
  auto [roundedLow, roundedHigh] = unpack(element, packed);
  auto rest = [&](Value exact, Value rounded) -> Value {
    return arith::SubFOp::create(builder, loc, exact, rounded);
  };
  return {packed,
          pack(element, rest(low, roundedLow), rest(high, roundedHigh))};
}

std::pair<Value, Value> Emitter::unpack(Type element, Value pair) {
  // A bf16 is an f32's upper half.
  if (element.isBF16())
    return {bitcast(f32(), shl(pair, 16)),
            bitcast(f32(), band(pair, int32_t(0xffff0000u)))};
  SmallVector<Value> halves = elements(bitcast(pairOf(element), pair));
  return {arith::ExtFOp::create(builder, loc, f32(), halves[0]),
          arith::ExtFOp::create(builder, loc, f32(), halves[1])};
}

//===----------------------------------------------------------------------===//
// Inline assembly
//===----------------------------------------------------------------------===//

static LLVM::InlineAsmOp createAssembly(Emitter &emit, Type result,
                                        StringRef text, StringRef constraints,
                                        ValueRange operands) {
  return LLVM::InlineAsmOp::create(
      emit.builder, emit.loc, result ? TypeRange(result) : TypeRange(),
      operands, text, constraints, /*has_side_effects=*/true,
      /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
      LLVM::AsmDialectAttr(), ArrayAttr());
}

void Emitter::assembly(StringRef text, StringRef constraints,
                       ValueRange operands) {
  createAssembly(*this, Type(), text, constraints, operands);
}

SmallVector<Value> Emitter::assembly(TypeRange results, StringRef text,
                                     StringRef constraints,
                                     ValueRange operands) {
  auto type = LLVM::LLVMStructType::getLiteral(builder.getContext(),
                                               llvm::to_vector(results));
  if (results.size() == 1)
    return {createAssembly(*this, results.front(), text, constraints, operands)
                .getRes()};
  Value packed =
      createAssembly(*this, type, text, constraints, operands).getRes();
  SmallVector<Value> values;
  for (int64_t i = 0, e = results.size(); i < e; ++i)
    values.push_back(LLVM::ExtractValueOp::create(builder, loc, packed, i));
  return values;
}

std::string ssd::hopper::operandList(unsigned first, unsigned count) {
  std::string text = "{";
  for (unsigned i = 0; i < count; ++i)
    text += (i ? ", $" : "$") + std::to_string(first + i);
  return text + "}";
}
