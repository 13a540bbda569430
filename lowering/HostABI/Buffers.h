//===- Buffers.h - what all planning of memory agrees on --------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#ifndef SSD_LOWERING_HOSTABI_BUFFERS_H
#define SSD_LOWERING_HOSTABI_BUFFERS_H

#include "lowering/HostABI/SizeExpressions.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace ssd {

/// Every buffer starts at a multiple of this.
inline constexpr int64_t kBufferAlignment = 64;

/// The outermost parallel loop around an operation, or null.
mlir::Operation *getOutermostParallel(mlir::Operation *op);

/// Bytes of a buffer, rounded up to the alignment. Null where a dimension,
/// `unbounded`, has no bound.
SizeExpr getBufferBytes(SizeExpressions &sizes, mlir::memref::AllocOp alloc,
                        int64_t &unbounded);

/// Where a buffer's first element is, as an index.
mlir::Value createAddress(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value memref);

} // namespace ssd

#endif // SSD_LOWERING_HOSTABI_BUFFERS_H
