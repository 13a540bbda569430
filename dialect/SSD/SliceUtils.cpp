//===- SliceUtils.cpp - Parts of tensors by dimension ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/SliceUtils.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace ssd;

namespace {

/// A box of a tensor, as slices spell it.
struct Box {
  Box(OpBuilder &builder, Location loc, Value tensor, ArrayRef<Part> parts)
      : sizes(tensor::getMixedSizes(builder, loc, tensor)),
        offsets(sizes.size(), builder.getIndexAttr(0)),
        strides(sizes.size(), builder.getIndexAttr(1)) {
    for (const Part &part : parts) {
      offsets[part.dim] = part.first;
      sizes[part.dim] = part.count ? part.count : builder.getIndexAttr(1);
    }
  }
  SmallVector<OpFoldResult> sizes, offsets, strides;
};

} // namespace

Value ssd::take(OpBuilder &builder, Location loc, Value source,
                ArrayRef<Part> parts) {
  if (!source)
    return {};
  Box box(builder, loc, source, parts);
  auto disappears = [&](int64_t dim) {
    return llvm::any_of(parts, [&](const Part &part) {
      return part.dim == dim && !part.count;
    });
  };
  SmallVector<int64_t> shape, sizes;
  SmallVector<Value> dynamicSizes;
  dispatchIndexOpFoldResults(box.sizes, dynamicSizes, sizes);
  for (auto [dim, size] : llvm::enumerate(sizes))
    if (!disappears(dim))
      shape.push_back(size);
  auto type = RankedTensorType::get(
      shape, getElementTypeOrSelf(source.getType()));
  return tensor::ExtractSliceOp::create(builder, loc, type, source, box.offsets,
                                        box.sizes, box.strides);
}

Value ssd::put(OpBuilder &builder, Location loc, Value value, Value into,
               ArrayRef<Part> parts) {
  Box box(builder, loc, into, parts);
  return tensor::InsertSliceOp::create(builder, loc, value, into, box.offsets,
                                       box.sizes, box.strides);
}

void ssd::putInParallel(OpBuilder &builder, Location loc, Value value,
                        Value into, ArrayRef<Part> parts) {
  Operation *terminator = builder.getInsertionBlock()->getParentOp();
  OpBuilder before(terminator);
  Box box(before, loc, into, parts);
  tensor::ParallelInsertSliceOp::create(builder, loc, value, into, box.offsets,
                                        box.sizes, box.strides);
}
