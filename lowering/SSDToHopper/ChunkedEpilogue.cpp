//===- ChunkedEpilogue.cpp - The epilogue on fragments ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/ChunkedEpilogue.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace ssd;
using namespace ssd::hopper;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

ChunkedEpilogue::Kind ChunkedEpilogue::kindOf(const EpilogueInput &input) {
  auto type = cast<MemRefType>(input.memref.getType());
  AffineMap map = input.map;
  bool hasToken = map.isFunctionOfDim(UnitBuffer::token),
       hasRow = map.isFunctionOfDim(UnitBuffer::inner);
  if (map.isIdentity() && input.isX)
    return Kind::x;
  if (!hasToken && !hasRow)
    return Kind::head;
  if (!type.isLastDimUnitStride())
    return Kind::other;
  if (map.isIdentity())
    return type.getElementTypeBitWidth() == 16 ? Kind::tile : Kind::other;
  AffineExpr row = getAffineDimExpr(UnitBuffer::inner, map.getContext());
  bool isRow = !hasToken && map.getResults().back() == row &&
               !map.dropResult(map.getNumResults() - 1)
                    .isFunctionOfDim(UnitBuffer::inner);
  return isRow ? Kind::row : Kind::other;
}

std::string ChunkedEpilogue::whyNot(const MixerUnit &unit) {
  bool hasTile = false;
  for (const EpilogueInput &input : unit.epilogue.getInputs()) {
    Kind kind = kindOf(input);
    if (kind == Kind::tile && hasTile)
      return "the epilogue reads two tensors of y's shape";
    hasTile |= kind == Kind::tile;
    if (kind != Kind::other)
      continue;
    std::string text;
    llvm::raw_string_ostream(text)
        << "the epilogue reads a " << input.memref.getType() << " by "
        << input.map;
    return text;
  }
  return {};
}

Value ChunkedEpilogue::getTiled(const MixerUnit &unit) {
  for (const EpilogueInput &input : unit.epilogue.getInputs())
    if (kindOf(input) == Kind::tile)
      return input.memref;
  return {};
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// The operand through which y goes into `result`, where that is a sum of y,
/// rounded or not, and of something without y; null otherwise.
static OpOperand *findSummand(Value result, Value y) {
  while (y.hasOneUse()) {
    OpOperand &use = *y.use_begin();
    Operation *user = use.getOwner();
    if (isa<arith::AddFOp>(user) && user == result.getDefiningOp())
      return &use;
    if (!isa<arith::TruncFOp, arith::ExtFOp>(user))
      return nullptr;
    y = user->getResult(0);
  }
  return nullptr;
}

static bool isSum(const MixerUnit &unit) {
  OpBuilder builder(unit.x.memref.getContext());
  Location loc = unit.x.memref.getLoc();
  Block block;
  Value y = block.addArgument(builder.getF32Type(), loc);
  SmallVector<Value> values;
  for (size_t i = 0; i < unit.epilogue.getInputs().size(); ++i)
    values.push_back(block.addArgument(builder.getF32Type(), loc));
  builder.setInsertionPointToStart(&block);
  return findSummand(unit.epilogue.emit(builder, loc, y, values), y);
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

ChunkedEpilogue::ChunkedEpilogue(KernelArguments &arguments,
                                 const MixerUnit &unit)
    : unit(unit), addsToY(!getTiled(unit) && isSum(unit)) {
  for (const EpilogueInput &input : unit.epilogue.getInputs()) {
    Kind kind = kindOf(input);
    bool isPointer = kind == Kind::head || kind == Kind::row;
    tensors.push_back(isPointer ? Tensor(arguments, input.memref) : Tensor());
    if (kind == Kind::tile)
      tileMap = arguments.tensorMap(input.memref, {1, 64, 1, 64});
  }
}

void ChunkedEpilogue::begin(KernelBuilder &k, Value batch, Value head) {
  fixed.clear();
  for (auto [input, tensor] : llvm::zip(unit.epilogue.getInputs(), tensors)) {
    Value value, zero = k.i(0);
    if (tensor) {
      auto indices = mapIndices(k, input.map, {batch, zero, head, zero});
      value = kindOf(input) == Kind::head
                  ? tensor.loadF32(k, indices)
                  : k.create<GlobalLoadOp>(k.rows(), tensor.at(k, indices),
                                           Order::row_major,
                                           tensor.getElementType());
    }
    fixed.push_back(value);
  }
}

Value ChunkedEpilogue::apply(KernelBuilder &k, ValueRange fragments, Value x,
                             Value tile) {
  SmallVector<Value> inputs(fragments);
  for (auto [input, value] : llvm::zip(unit.epilogue.getInputs(), fixed)) {
    Kind kind = kindOf(input);
    if (kind == Kind::row)
      inputs.push_back(value);
    else if (kind != Kind::head)
      inputs.push_back(
          k.create<ExtendOp>(k.matrix(64), kind == Kind::x ? x : tile));
  }
  return k.map(k.matrix(64), inputs, [&](ValueRange v) {
    Value y = fragments.size() == 2 ? k.fmul(v[0], v[1]) : v[0];
    v = v.drop_front(fragments.size());
    SmallVector<Value> values;
    for (auto [input, value] : llvm::zip(unit.epilogue.getInputs(), fixed)) {
      bool isHead = kindOf(input) == Kind::head;
      values.push_back(isHead ? value : v.front());
      v = v.drop_front(!isHead);
    }
    Value result = unit.epilogue.emit(k.builder, k.loc, y, values);
    // A sum is formed before y is complete, and not rounded.
    if (addsToY)
      findSummand(result, y)->set(y);
    return result;
  });
}

Value ChunkedEpilogue::beforeScores(KernelBuilder &k, Value y, Value fromStart,
                                    Value x) {
  if (addsToY)
    return apply(k, {y, fromStart}, x, Value());
  return k.map(k.matrix(64), {y, fromStart},
               [&](ValueRange v) { return k.fmul(v[0], v[1]); });
}

Value ChunkedEpilogue::afterScores(KernelBuilder &k, Value y, Value x,
                                   Value tile) {
  return addsToY || unit.epilogue.empty() ? y : apply(k, y, x, tile);
}
