//===- LinalgBuilder.cpp - Short words for linalg on tensors ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToLinalg/LinalgBuilder.h"

#include "mlir/Dialect/Utils/StructuredOpsUtils.h"

using namespace mlir;
using namespace ssd;

//===----------------------------------------------------------------------===//
// BodyBuilder
//===----------------------------------------------------------------------===//

static arith::FastMathFlagsAttr contractFlag(OpBuilder &builder) {
  return arith::FastMathFlagsAttr::get(builder.getContext(),
                                       arith::FastMathFlags::contract);
}

Value BodyBuilder::constant(double value, Type type) {
  if (!type)
    type = builder.getF32Type();
  return arith::ConstantOp::create(builder, loc,
                                   builder.getFloatAttr(type, value));
}

Value BodyBuilder::cast(Value value, Type type) {
  unsigned from = value.getType().getIntOrFloatBitWidth();
  unsigned to = type.getIntOrFloatBitWidth();
  if (value.getType() == type)
    return value;
  if (from < to)
    return arith::ExtFOp::create(builder, loc, type, value);
  if (from == to) // bf16 and f16 have no direct conversion
    return cast(cast(value, builder.getF32Type()), type);
  return arith::TruncFOp::create(builder, loc, type, value);
}

Value BodyBuilder::add(Value a, Value b) {
  return arith::AddFOp::create(builder, loc, a, b, contractFlag(builder));
}
Value BodyBuilder::sub(Value a, Value b) {
  return arith::SubFOp::create(builder, loc, a, b, contractFlag(builder));
}
Value BodyBuilder::mul(Value a, Value b) {
  return arith::MulFOp::create(builder, loc, a, b, contractFlag(builder));
}
Value BodyBuilder::div(Value a, Value b) {
  return arith::DivFOp::create(builder, loc, a, b);
}
Value BodyBuilder::exp(Value a) { return math::ExpOp::create(builder, loc, a); }

Value BodyBuilder::silu(Value a) {
  Value negated = arith::NegFOp::create(builder, loc, a);
  Value one = constant(1.0);
  return div(a, add(one, exp(negated)));
}

Value BodyBuilder::softplus(Value a) {
  // max(x, 0) + log1p(e^-|x|) neither overflows nor loses small results; NaN
  // passes through the first maximum.
  Value magnitude = math::AbsFOp::create(builder, loc, a);
  Value negated = arith::NegFOp::create(builder, loc, magnitude);
  Value tail = math::Log1pOp::create(builder, loc, exp(negated));
  Value positive =
      arith::MaximumFOp::create(builder, loc, a, constant(0.0));
  return add(positive, tail);
}

Value BodyBuilder::equal(Value a, Value b) {
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, a, b);
}

Value BodyBuilder::selectOrZero(Value condition, Value a) {
  Value zero = constant(0.0, a.getType());
  return arith::SelectOp::create(builder, loc, condition, a, zero);
}

//===----------------------------------------------------------------------===//
// Generics
//===----------------------------------------------------------------------===//

Value ssd::generic(OpBuilder &builder, Location loc, StringRef loops,
                   StringRef reductions, ArrayRef<Access> inputs,
                   Access output, Body body) {
  MLIRContext *context = builder.getContext();
  SmallVector<Value> values;
  SmallVector<AffineMap> maps;
  auto addAccess = [&](const Access &access) {
    SmallVector<AffineExpr> results;
    for (char loop : access.loops)
      results.push_back(builder.getAffineDimExpr(loops.find(loop)));
    maps.push_back(AffineMap::get(loops.size(), 0, results, context));
  };
  for (const Access &input : inputs) {
    values.push_back(input.value);
    addAccess(input);
  }
  addAccess(output);
  SmallVector<utils::IteratorType> iterators;
  for (char loop : loops)
    iterators.push_back(reductions.contains(loop)
                            ? utils::IteratorType::reduction
                            : utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(
      builder, loc, output.value.getType(), values, output.value, maps,
      iterators, [&](OpBuilder &inner, Location at, ValueRange args) {
        BodyBuilder bodyBuilder(inner, at);
        linalg::YieldOp::create(inner, at, body(bodyBuilder, args));
      });
  return op.getResult(0);
}

Value ssd::contract(OpBuilder &builder, Location loc, StringRef loops, Access a,
                    Access b, Access output) {
  SmallString<4> reductions;
  for (char loop : loops)
    if (!output.loops.contains(loop))
      reductions.push_back(loop);
  return generic(builder, loc, loops, reductions, {a, b}, output,
                 [](BodyBuilder &body, ValueRange args) {
                   Value product =
                       body.mul(body.f32(args[0]), body.f32(args[1]));
                   return body.add(args[2], product);
                 });
}

Value ssd::empty(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes,
                 Type element) {
  return tensor::EmptyOp::create(builder, loc, sizes, element);
}

Value ssd::fillZero(OpBuilder &builder, Location loc, Value into) {
  Value zero = arith::ConstantOp::create(
      builder, loc,
      builder.getFloatAttr(getElementTypeOrSelf(into.getType()), 0.0));
  return linalg::FillOp::create(builder, loc, zero, into).getResult(0);
}

Value ssd::toF32(OpBuilder &builder, Location loc, Value value) {
  if (!value || getElementTypeOrSelf(value.getType()).isF32())
    return value;
  Value into = empty(builder, loc, tensor::getMixedSizes(builder, loc, value),
                     builder.getF32Type());
  StringRef loops = StringRef("ijkl").take_front(
      cast<ShapedType>(value.getType()).getRank());
  return generic(
      builder, loc, loops, "", {{value, loops}}, {into, loops},
      [](BodyBuilder &body, ValueRange args) { return body.f32(args[0]); });
}
