//===- ChunkedEpilogue.cpp - Chunked kernel: epilogue -----------*- C++ -*-===//
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

ChunkedEpilogue::Kind ChunkedEpilogue::kindOf(const EpilogueInput &input,
                                              const MixerUnit &unit) {
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
    return type.getElementTypeBitWidth() ==
                   unit.x.getType().getElementTypeBitWidth()
               ? Kind::tile
               : Kind::other;
  AffineExpr row = getAffineDimExpr(UnitBuffer::inner, map.getContext());
  bool isRow = !hasToken && map.getResults().back() == row &&
               !map.dropResult(map.getNumResults() - 1)
                    .isFunctionOfDim(UnitBuffer::inner);
  return isRow ? Kind::row : Kind::other;
}

std::string ChunkedEpilogue::whyNot(const MixerUnit &unit) {
  bool hasTile = false;
  for (const EpilogueInput &input : unit.epilogue.getInputs()) {
    Kind kind = kindOf(input, unit);
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
    if (kindOf(input, unit) == Kind::tile)
      return input.memref;
  return {};
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

static bool dependsOn(Value value, Value y) {
  Operation *op = value.getDefiningOp();
  return value == y || (op && llvm::any_of(op->getOperands(), [&](Value from) {
                          return dependsOn(from, y);
                        }));
}

/// Whether `result` is a sum of y and of something without y.
static bool isSumWith(Value result, Value y) {
  auto sum = result.getDefiningOp<arith::AddFOp>();
  if (!sum)
    return false;
  Value left = sum.getLhs(), right = sum.getRhs();
  return (left == y && !dependsOn(right, y)) ||
         (right == y && !dependsOn(left, y));
}

/// Emits the epilogue and says what that added to the block.
static Value emitTracked(const MixerUnit &unit, OpBuilder &builder,
                         Location loc, Value y, ValueRange values,
                         SmallVectorImpl<Operation *> &added) {
  Block *block = builder.getInsertionBlock();
  size_t before = block->getOperations().size();
  Value result = unit.epilogue.emit(builder, loc, y, values);
  for (Operation &op : llvm::drop_begin(*block, before))
    added.push_back(&op);
  return result;
}

ChunkedEpilogue::ChunkedEpilogue(KernelArguments &arguments,
                                 const MixerUnit &unit, Transport transport)
    : unit(unit) {
  for (const EpilogueInput &input : unit.epilogue.getInputs()) {
    Kind kind = kindOf(input, unit);
    bool isPointer = kind == Kind::head || kind == Kind::row;
    tensors.push_back(isPointer ? Tensor(arguments, input.memref) : Tensor());
    if (kind == Kind::tile)
      tiles = TileTensor(arguments, UnitBuffer{input.memref}, transport);
  }
  analyze();
}

/// Emits the epilogue once, for a look at it.
void ChunkedEpilogue::analyze() {
  OpBuilder builder(unit.x.memref.getContext());
  Location loc = unit.x.memref.getLoc();
  Block block;
  Value y = block.addArgument(builder.getF32Type(), loc), tile;
  SmallVector<Value> values;
  for (const EpilogueInput &input : unit.epilogue.getInputs()) {
    values.push_back(block.addArgument(builder.getF32Type(), loc));
    if (kindOf(input, unit) == Kind::tile)
      tile = values.back();
  }
  builder.setInsertionPointToStart(&block);
  SmallVector<Operation *> ops;
  Value result = emitTracked(unit, builder, loc, y, values, ops);
  addsToY = !tile && isSumWith(result, y);
  if (!tile)
    return;
  auto isEarly = [&](Operation *op) {
    return op->getNumResults() == 1 && op->getResultTypes()[0].isF32() &&
           dependsOn(op->getResult(0), tile) && !dependsOn(op->getResult(0), y);
  };
  // Those that the rest of the epilogue uses.
  for (auto [i, op] : llvm::enumerate(ops))
    if (isEarly(op) && !llvm::all_of(op->getUsers(), isEarly))
      earlyOps.push_back(i);
}

void ChunkedEpilogue::begin(KernelBuilder &k, Value batch, Value head,
                            Value firstRow, Value rows) {
  fixed.clear();
  for (auto [input, tensor] : llvm::zip(unit.epilogue.getInputs(), tensors)) {
    Value value, zero = k.i(0);
    if (tensor) {
      auto indices = mapIndices(k, input.map, {batch, zero, head, firstRow});
      value = kindOf(input, unit) == Kind::head
                  ? tensor.loadF32(k, indices)
                  : k.create<GlobalLoadOp>(k.rows(), tensor.at(k, indices),
                                           Order::row_major,
                                           tensor.getElementType(), rows,
                                           /*columns=*/IntegerAttr(),
                                           /*pitch=*/IntegerAttr());
    }
    fixed.push_back(value);
  }
}

KernelBuilder::Values ChunkedEpilogue::inputsOf(KernelBuilder &k, ValueRange x,
                                                ValueRange tile) {
  KernelBuilder::Values inputs;
  for (auto [input, value] : llvm::zip(unit.epilogue.getInputs(), fixed)) {
    Kind kind = kindOf(input, unit);
    if (kind == Kind::row)
      inputs.push_back(value);
    else if (kind != Kind::head)
      inputs.push_back(k.join(kind == Kind::x ? x : tile));
  }
  return inputs;
}

KernelBuilder::Values ChunkedEpilogue::valuesOf(ValueRange elements) {
  KernelBuilder::Values values;
  for (auto [input, value] : llvm::zip(unit.epilogue.getInputs(), fixed)) {
    bool isHead = kindOf(input, unit) == Kind::head;
    values.push_back(isHead ? value : elements.front());
    elements = elements.drop_front(!isHead);
  }
  return values;
}

Value ChunkedEpilogue::apply(KernelBuilder &k, ValueRange fragments,
                             ValueRange x, ValueRange tile, ValueRange early) {
  SmallVector<Value> inputs(fragments);
  llvm::append_range(inputs, early);
  llvm::append_range(inputs, inputsOf(k, x, tile));
  return k.map(k.matrix(64), inputs, [&](ValueRange v) {
    Value y = fragments.size() == 2 ? k.fmul(v[0], v[1]) : v[0];
    v = v.drop_front(fragments.size());
    SmallVector<Operation *> ops;
    Value result = emitTracked(unit, k.builder, k.loc, y,
                               valuesOf(v.drop_front(early.size())), ops);
    for (auto [op, value] : llvm::zip(earlyOps, v.take_front(early.size())))
      ops[op]->getResult(0).replaceAllUsesWith(value);
    return result;
  });
}

Value ChunkedEpilogue::beforeScores(KernelBuilder &k, Value y, Value fromStart,
                                    ValueRange x) {
  if (addsToY)
    return apply(k, {y, fromStart}, x, {}, {});
  return k.map(k.matrix(64), {y, fromStart},
               [&](ValueRange v) { return k.fmul(v[0], v[1]); });
}

KernelBuilder::Values ChunkedEpilogue::duringScores(KernelBuilder &k,
                                                    ValueRange tile) {
  KernelBuilder::Values early;
  for (size_t op : earlyOps) {
    // Nothing of it depends on x, nor on y.
    early.push_back(
        k.map(k.matrix(64), inputsOf(k, tile, tile), [&](ValueRange v) {
          SmallVector<Operation *> ops;
          emitTracked(unit, k.builder, k.loc, k.f(0), valuesOf(v), ops);
          return ops[op]->getResult(0);
        }));
  }
  return early;
}

Value ChunkedEpilogue::afterScores(KernelBuilder &k, Value y, ValueRange x,
                                   ValueRange tile, ValueRange early) {
  return addsToY || unit.epilogue.empty() ? y : apply(k, y, x, tile, early);
}
