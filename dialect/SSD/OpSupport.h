//===- OpSupport.h - What the verifiers of ssd ops share ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_DIALECT_SSD_OPSUPPORT_H
#define SSD_DIALECT_SSD_OPSUPPORT_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace ssd::detail {

/// The shape of a tensor or memref value.
inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return llvm::cast<mlir::ShapedType>(value.getType()).getShape();
}
inline mlir::Type elementOf(mlir::Value value) {
  return mlir::getElementTypeOrSelf(value.getType());
}

/// Whether two sizes may be equal at run time.
inline bool compatible(int64_t a, int64_t b) {
  return a == b || mlir::ShapedType::isDynamic(a) ||
         mlir::ShapedType::isDynamic(b);
}

/// Reports that `what` does not have the expected shape, with the invariant's
/// label, unless it has. Absent operands pass.
mlir::LogicalResult expectShape(mlir::Operation *op, mlir::Value value,
                                llvm::StringRef what,
                                llvm::ArrayRef<int64_t> expected,
                                llvm::StringRef label);

/// Operands are all tensors or all memrefs, and there are `count` outs.
mlir::LogicalResult expectOneKind(mlir::Operation *op, llvm::StringRef label);
mlir::LogicalResult expectOuts(mlir::Operation *op, mlir::ValueRange outs,
                               llvm::ArrayRef<llvm::StringRef> names);

/// Result types of a destination-style op: its tensor outs.
void appendResultTypes(mlir::ValueRange outs,
                       llvm::SmallVectorImpl<mlir::Type> &types);

/// Reads of memref ins, reads and writes of memref outs.
void appendEffects(
    mlir::Operation *op, mlir::MutableOperandRange outs,
    llvm::SmallVectorImpl<mlir::MemoryEffects::EffectInstance> &effects);

/// Whether every element is known to be zero.
bool isKnownZero(mlir::Value value);

/// Each result has the shape of its destination.
mlir::LogicalResult
reifyDestinations(mlir::OpBuilder &builder, mlir::Operation *op,
                  mlir::ValueRange outs,
                  mlir::ReifiedRankedShapedTypeDims &shapes);

} // namespace ssd::detail

#endif // SSD_DIALECT_SSD_OPSUPPORT_H
