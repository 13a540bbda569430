//===- OpSupport.cpp - What the verifiers of ssd ops share ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/OpSupport.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace ssd::detail {

static std::string shapeToString(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "[";
  llvm::interleaveComma(shape, os, [&](int64_t size) {
    if (ShapedType::isDynamic(size))
      os << "?";
    else
      os << size;
  });
  os << "]";
  return text;
}

LogicalResult expectShape(Operation *op, Value value, StringRef what,
                          ArrayRef<int64_t> expected, StringRef label) {
  if (!value)
    return success();
  ArrayRef<int64_t> shape = shapeOf(value);
  bool fits = shape.size() == expected.size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = compatible(shape[i], expected[i]);
  if (fits)
    return success();
  return op->emitOpError() << what << " must be " << shapeToString(expected)
                           << ", got " << shapeToString(shape) << " (" << label
                           << ")";
}

LogicalResult expectOneKind(Operation *op, StringRef label) {
  auto isTensor = [](Type type) { return isa<TensorType>(type); };
  auto types = op->getOperandTypes();
  if (llvm::all_of(types, isTensor) || llvm::none_of(types, isTensor))
    return success();
  return op->emitOpError() << "operands must be all tensors or all memrefs ("
                           << label << ")";
}

LogicalResult expectOuts(Operation *op, ValueRange outs,
                         ArrayRef<StringRef> names) {
  if (outs.size() == names.size())
    return success();
  InFlightDiagnostic diag = op->emitOpError()
                            << "expected " << names.size() << " outs (";
  llvm::interleaveComma(names, diag);
  return diag << "), got " << outs.size();
}

void appendResultTypes(ValueRange outs, SmallVectorImpl<Type> &types) {
  for (Type type : outs.getTypes())
    if (isa<TensorType>(type))
      types.push_back(type);
}

void appendEffects(Operation *op, MutableOperandRange outs,
                   SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    effects.emplace_back(MemoryEffects::Read::get(), &operand,
                         SideEffects::DefaultResource::get());
  }
  for (OpOperand &out : outs)
    if (isa<MemRefType>(out.get().getType()))
      effects.emplace_back(MemoryEffects::Write::get(), &out,
                           SideEffects::DefaultResource::get());
}

bool isKnownZero(Value value) {
  if (!value)
    return false;
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.value(), m_AnyZeroFloat());
  DenseElementsAttr elements;
  return matchPattern(value, m_Constant(&elements)) && elements.isSplat() &&
         isa<FloatType>(elements.getElementType()) &&
         elements.getSplatValue<APFloat>().isZero();
}

LogicalResult reifyDestinations(OpBuilder &builder, Operation *op,
                                ValueRange outs,
                                ReifiedRankedShapedTypeDims &shapes) {
  for (Value out : outs)
    if (isa<RankedTensorType>(out.getType()))
      shapes.push_back(tensor::getMixedSizes(builder, op->getLoc(), out));
  return success();
}

} // namespace ssd::detail
