//===- Buffers.cpp - what all planning of memory agrees on ------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/Buffers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"

using namespace mlir;

namespace ssd {

Operation *getOutermostParallel(Operation *op) {
  Operation *outermost = nullptr;
  for (Operation *parent = op->getParentOp(); parent;
       parent = parent->getParentOp())
    if (isa<scf::ForallOp, scf::ParallelOp>(parent))
      outermost = parent;
  return outermost;
}

SizeExpr getBufferBytes(SizeExpressions &sizes, memref::AllocOp alloc,
                        int64_t &unbounded) {
  MemRefType type = alloc.getType();
  DataLayout layout = DataLayout::closest(alloc);
  SizeExpr bytes =
      sizes.constant(layout.getTypeSize(type.getElementType()).getFixedValue());
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    SizeExpr size = sizes.getDimBound(alloc, dim, Bound::Upper);
    if (!size) {
      unbounded = dim;
      return {};
    }
    bytes = bytes * size;
  }
  return SizeExpressions::alignTo(bytes, kBufferAlignment);
}

Value createAddress(OpBuilder &builder, Location loc, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  Value base =
      memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, memref);
  auto [strides, offset] = type.getStridesAndOffset();
  if (offset == 0)
    return base;
  int64_t width = type.getElementTypeBitWidth() / 8;
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  Value bytes =
      ShapedType::isDynamic(offset)
          ? builder.createOrFold<arith::MulIOp>(
                loc,
                memref::ExtractStridedMetadataOp::create(builder, loc, memref)
                    .getOffset(),
                constant(width))
          : constant(offset * width);
  return arith::AddIOp::create(builder, loc, base, bytes);
}

} // namespace ssd
