//===- SliceUtils.h - Parts of tensors by dimension ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_DIALECT_SSD_SLICEUTILS_H
#define SSD_DIALECT_SSD_SLICEUTILS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

namespace ssd {

/// Elements [first, first + count) of one dimension; without a count the
/// element `first`, and the dimension disappears.
struct Part {
  int64_t dim;
  mlir::OpFoldResult first;
  mlir::OpFoldResult count = {};
};

/// The box of `source` that `parts` select, whole in all other dimensions.
/// Nothing of nothing.
mlir::Value take(mlir::OpBuilder &builder, mlir::Location loc,
                 mlir::Value source, llvm::ArrayRef<Part> parts);

/// `into` with that box replaced by `value`. Bufferisation works in place only
/// where the counts are the same values as those of the take.
mlir::Value put(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                mlir::Value into, llvm::ArrayRef<Part> parts);

/// The same in a parallel loop, at the builder's position in its terminator.
void putInParallel(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::Value value, mlir::Value into,
                   llvm::ArrayRef<Part> parts);

} // namespace ssd

#endif // SSD_DIALECT_SSD_SLICEUTILS_H
