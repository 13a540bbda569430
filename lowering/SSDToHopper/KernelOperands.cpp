//===- KernelOperands.cpp - A unit's operands in a kernel -------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/KernelOperands.h"

#include "lowering/SSDToHopper/KernelMath.h"
#include "mlir/Dialect/Affine/Utils.h"

using namespace mlir;
using namespace ssd;

//===----------------------------------------------------------------------===//
// Tensor
//===----------------------------------------------------------------------===//

Tensor::Tensor(KernelArguments &arguments, Value memref) {
  if (!memref)
    return;
  type = cast<MemRefType>(memref.getType());
  pointer = arguments.pointer(memref);
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)))
    llvm_unreachable("a unit's buffers have strides");
  for (auto [dim, stride] : llvm::enumerate(strides))
    openStrides.push_back(
        ShapedType::isDynamic(stride) ? arguments.stride(memref, dim) : 0);
}

Value Tensor::stride(KernelBuilder &k, int64_t dim) const {
  return ShapedType::isDynamic(strides[dim]) ? k.argument(openStrides[dim])
                                             : k.wide(strides[dim]);
}

Value Tensor::at(KernelBuilder &k, ValueRange indices) const {
  Value sum;
  for (auto [dim, index] : llvm::enumerate(indices)) {
    Value elements = k.mulWide(index, stride(k, dim));
    sum = sum ? k.add(sum, elements) : elements;
  }
  return k.at(k.argument(pointer), getElementType(), sum);
}

Value Tensor::load(KernelBuilder &k, ValueRange indices) const {
  return k.loadGlobal(getElementType(), at(k, indices));
}

void Tensor::store(KernelBuilder &k, Value value, ValueRange indices) const {
  k.storeGlobal(k.narrow(value, getElementType()), at(k, indices));
}

KernelBuilder::Values SequenceTensor::indices(const Position &position) const {
  Value values[] = {position.batch, position.token, position.outer,
                    position.inner};
  KernelBuilder::Values present;
  for (int axis = UnitBuffer::batch; axis <= UnitBuffer::inner; ++axis)
    if (buffer.getDim(UnitBuffer::Axis(axis)) >= 0)
      present.push_back(values[axis]);
  return present;
}

//===----------------------------------------------------------------------===//
// Factor
//===----------------------------------------------------------------------===//

Value Factor::loadBias(KernelBuilder &k, Value head) const {
  return bias ? bias.loadF32(k, head) : Value();
}

Value Factor::discretize(KernelBuilder &k, Value loaded, Value bias) const {
  Value value = k.widen(loaded);
  if (bias)
    value = k.fadd(value, bias);
  if (factor.softplus)
    value = softplus(k, value);
  // NaN stays NaN.
  if (factor.min)
    value = k.create<arith::MaximumFOp>(value, k.f(*factor.min));
  if (factor.max)
    value = k.create<arith::MinimumFOp>(value, k.f(*factor.max));
  return value;
}

//===----------------------------------------------------------------------===//
// EpilogueOperands
//===----------------------------------------------------------------------===//

KernelBuilder::Values ssd::mapIndices(KernelBuilder &k, AffineMap map,
                                      const Position &position) {
  KernelBuilder::Values dims, indices;
  for (Value value :
       {position.batch, position.token, position.outer, position.inner})
    if (value)
      dims.push_back(
          k.create<arith::IndexCastOp>(k.builder.getIndexType(), value));
  auto results = affine::expandAffineMap(k.builder, k.loc, map, dims);
  for (Value value : *results)
    indices.push_back(k.create<arith::IndexCastOp>(k.i64(), value));
  return indices;
}

EpilogueOperands::EpilogueOperands(KernelArguments &arguments,
                                   const MixerUnit &unit)
    : unit(&unit) {
  for (const EpilogueInput &input : unit.epilogue.getInputs()) {
    bool isX = input.isX && input.map.isIdentity();
    bool moves =
        unit.y.hasTokens && input.map.isFunctionOfDim(UnitBuffer::token);
    kinds.push_back(isX ? Kind::x : moves ? Kind::perToken : Kind::fixed);
    tensors.push_back(isX ? Tensor() : Tensor(arguments, input.memref));
  }
}

size_t EpilogueOperands::count(Part part) const {
  return llvm::count(kinds, part == Part::fixed ? Kind::fixed : Kind::perToken);
}

EpilogueOperands::Values EpilogueOperands::load(KernelBuilder &k,
                                                const Position &position,
                                                Part part) const {
  Kind wanted = part == Part::fixed ? Kind::fixed : Kind::perToken;
  Position at = position;
  if (!unit->y.hasTokens)
    at.token = {};
  Values loaded;
  for (auto [i, kind] : llvm::enumerate(kinds)) {
    AffineMap map = unit->epilogue.getInputs()[i].map;
    if (kind == wanted)
      loaded.push_back(tensors[i].load(k, mapIndices(k, map, at)));
  }
  return loaded;
}

Value EpilogueOperands::apply(KernelBuilder &k, Value y, Value x,
                              ValueRange fixed, ValueRange perToken) const {
  if (empty())
    return y;
  Values values;
  for (Kind kind : kinds) {
    if (kind == Kind::x) {
      values.push_back(x);
      continue;
    }
    ValueRange &from = kind == Kind::fixed ? fixed : perToken;
    values.push_back(k.widen(from.front()));
    from = from.drop_front();
  }
  return unit->epilogue.emit(k.builder, k.loc, y, values);
}

//===----------------------------------------------------------------------===//
// KernelOperands
//===----------------------------------------------------------------------===//

KernelOperands::KernelOperands(KernelArguments &arguments,
                               const MixerUnit &unit)
    : x(arguments, unit.x), b(arguments, unit.b), c(arguments, unit.c),
      y(arguments, unit.y), segmentIds(arguments, unit.segmentIds),
      decay(arguments, unit.decay), rate(arguments, unit.rate),
      offsets(arguments, unit.offsets), slots(arguments, unit.slots),
      initialState(arguments, unit.initialState),
      checkpoints(arguments, unit.checkpoints), epilogue(arguments, unit) {
  if (!unit.scaleIsDecay)
    scale = Factor(arguments, unit.scale);
  finalState = unit.finalState == unit.initialState
                   ? initialState
                   : Tensor(arguments, unit.finalState);
}

unsigned ssd::addPoolRows(KernelArguments &arguments, const MixerUnit &unit) {
  return arguments.size(unit.initialState ? unit.initialState : unit.finalState,
                        0);
}
