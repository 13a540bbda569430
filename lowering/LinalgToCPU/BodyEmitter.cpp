//===- BodyEmitter.cpp - The scalar body of an op on vectors --------------===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "lowering/LinalgToCPU/BodyEmitter.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace ssd::cpu;

static bool isIndexOf(Value value, const StridedNest &nest, int loop) {
  auto index = value.getDefiningOp<linalg::IndexOp>();
  return index && nest.loopOf[index.getDim()] == loop;
}

/// A load whose last index is the vectorised loop itself.
static bool isRowLoad(memref::LoadOp load, const StridedNest &nest, int loop,
                      const llvm::DenseSet<Value> &varying) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (load.getIndices().empty() ||
      failed(load.getMemRefType().getStridesAndOffset(strides, offset)))
    return false;
  return strides.back() == 1 && !load.getType().isInteger(1) &&
         isIndexOf(load.getIndices().back(), nest, loop) &&
         llvm::none_of(load.getIndices().drop_back(),
                       [&](Value v) { return varying.contains(v); });
}

static bool hasVectorForm(Operation &op, const StridedNest &nest, int loop,
                          llvm::DenseSet<Value> &varying) {
  if (op.getNumRegions() != 0 || !llvm::all_of(op.getResultTypes(), [](Type t) {
        return t.isIntOrIndexOrFloat();
      }))
    return false;
  bool varies = llvm::any_of(op.getOperands(),
                             [&](Value v) { return varying.contains(v); });
  if (isa<linalg::IndexOp>(op))
    varies = isIndexOf(op.getResult(0), nest, loop);
  if (varies)
    varying.insert(op.result_begin(), op.result_end());
  if (isa<linalg::IndexOp>(op))
    return true;
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return !varies || isRowLoad(load, nest, loop, varying);
  return isMemoryEffectFree(&op) &&
         (!varies || OpTrait::hasElementwiseMappableTraits(&op));
}

bool ssd::cpu::canVectorizeBody(const StridedNest &nest, int loop) {
  llvm::DenseSet<Value> varying;
  for (auto [access, argument] :
       llvm::zip_equal(nest.accesses, nest.body().getArguments()))
    if (!access.isInvariant(loop))
      varying.insert(argument);
  return llvm::all_of(nest.body().without_terminator(), [&](Operation &op) {
    return hasVectorForm(op, nest, loop, varying);
  });
}

bool ssd::cpu::bodyNeedsAllLanes(const CPUOptions &options,
                                 const StridedNest &nest) {
  return llvm::any_of(nest.body(), [&](Operation &op) {
    if (auto load = dyn_cast<memref::LoadOp>(op))
      return !options.canMask(load.getType());
    return isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
               arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>(op);
  });
}

/// Products and sums may fuse: fewer roundings, and half the instructions.
static void allowContraction(Operation *op) {
  if (!isa<arith::AddFOp, arith::SubFOp, arith::MulFOp>(op))
    return;
  auto fmf = cast<arith::ArithFastMathInterface>(op);
  arith::FastMathFlags flags =
      fmf.getFastMathFlagsAttr().getValue() | arith::FastMathFlags::contract;
  op->setAttr(fmf.getFastMathAttrName(),
              arith::FastMathFlagsAttr::get(op->getContext(), flags));
}

static Value emitIndex(Emitter &b, const StridedNest &nest, unsigned dim,
                       ArrayRef<Value> ivs, const LaneSpec &spec) {
  int loop = nest.loopOf[dim];
  if (loop < 0)
    return b.index(0);
  if (loop != spec.loop || spec.lanes == 1)
    return ivs[loop];
  auto type = b.vectorOf(b.getIndexType(), spec.lanes);
  Value step = vector::StepOp::create(b, type);
  return arith::AddIOp::create(b, b.splat(ivs[loop], spec.lanes), step);
}

static Value emitRowLoad(Emitter &b, memref::LoadOp load, IRMapping &mapping,
                         ArrayRef<Value> ivs, const LaneSpec &spec) {
  SmallVector<Value> indices;
  for (Value index : load.getIndices().drop_back())
    indices.push_back(mapping.lookupOrDefault(index));
  indices.push_back(ivs[spec.loop]);
  VectorType type = b.vectorOf(load.getType(), spec.lanes);
  if (!spec.mask)
    return vector::LoadOp::create(b, type, load.getMemRef(), indices);
  return vector::MaskedLoadOp::create(b, type, load.getMemRef(), indices,
                                      spec.mask, b.zeros(type));
}

/// Clones `op`; if one operand became a vector, all do, and so the results.
static void emitElementwise(Emitter &b, Operation &op, IRMapping &mapping,
                            int64_t lanes) {
  Operation *clone = b.clone(op, mapping);
  allowContraction(clone);
  if (op.getNumRegions() != 0 ||
      llvm::none_of(clone->getOperandTypes(), llvm::IsaPred<VectorType>))
    return;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(clone);
  for (OpOperand &operand : clone->getOpOperands())
    if (!isa<VectorType>(operand.get().getType()))
      operand.set(b.splat(operand.get(), lanes));
  for (Value result : clone->getResults())
    result.setType(b.vectorOf(result.getType(), lanes));
}

SmallVector<Value> ssd::cpu::emitBody(Emitter &b, const StridedNest &nest,
                                      ArrayRef<Value> ivs, ValueRange arguments,
                                      const LaneSpec &spec) {
  IRMapping mapping;
  mapping.map(nest.body().getArguments(), arguments);
  for (Operation &op : nest.body().without_terminator()) {
    auto load = dyn_cast<memref::LoadOp>(op);
    if (auto index = dyn_cast<linalg::IndexOp>(op))
      mapping.map(index.getResult(),
                  emitIndex(b, nest, index.getDim(), ivs, spec));
    else if (load && spec.lanes > 1 && !load.getIndices().empty() &&
             isIndexOf(load.getIndices().back(), nest, spec.loop))
      mapping.map(load.getResult(), emitRowLoad(b, load, mapping, ivs, spec));
    else
      emitElementwise(b, op, mapping, spec.lanes);
  }
  SmallVector<Value> results;
  for (Value yielded : nest.body().getTerminator()->getOperands())
    results.push_back(mapping.lookupOrDefault(yielded));
  return results;
}
