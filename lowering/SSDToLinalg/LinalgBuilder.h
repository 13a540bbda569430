//===- LinalgBuilder.h - Short words for linalg on tensors ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOLINALG_LINALGBUILDER_H
#define SSD_LOWERING_SSDTOLINALG_LINALGBUILDER_H

#include "dialect/SSD/SliceUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

namespace ssd {

/// Scalar arithmetic in f32 inside the body of a generic. Multiplications and
/// additions may be contracted to fused ones; nothing may be reassociated.
class BodyBuilder {
public:
  BodyBuilder(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  mlir::Value constant(double value, mlir::Type type = {});
  /// `value` in `type`: extended, rounded to nearest even, or as it is.
  mlir::Value cast(mlir::Value value, mlir::Type type);
  mlir::Value f32(mlir::Value value) { return cast(value, builder.getF32Type()); }
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value exp(mlir::Value a);
  /// x · 1/(1 + e^-x).
  mlir::Value silu(mlir::Value a);
  /// log(1 + e^x), exact where e^x is out of range.
  mlir::Value softplus(mlir::Value a);
  mlir::Value equal(mlir::Value a, mlir::Value b);
  /// `a` where `condition`, else 0: a select, so that what is masked may be
  /// infinite.
  mlir::Value selectOrZero(mlir::Value condition, mlir::Value a);

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

/// An operand of a generic and the loops that index it: "ij" reads [i, j].
struct Access {
  mlir::Value value;
  llvm::StringRef loops;
};

using Body =
    llvm::function_ref<mlir::Value(BodyBuilder &, mlir::ValueRange args)>;

/// linalg.generic over `loops` ("ijp"), those in `reductions` reducing. The
/// body gets all inputs and the output's element and returns the new one.
mlir::Value generic(mlir::OpBuilder &builder, mlir::Location loc,
                    llvm::StringRef loops, llvm::StringRef reductions,
                    llvm::ArrayRef<Access> inputs, Access output, Body body);

/// output[...] += a · b in f32, over the loops of both that output lacks.
mlir::Value contract(mlir::OpBuilder &builder, mlir::Location loc,
                     llvm::StringRef loops, Access a, Access b, Access output);

/// Uninitialised tensor of `sizes`, as large as `bounds` says where a size is
/// dynamic and the bound is not.
mlir::Value empty(mlir::OpBuilder &builder, mlir::Location loc,
                  llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::Type element);
mlir::Value fillZero(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value into);

/// `value` if its elements are f32, else a copy of it in f32.
mlir::Value toF32(mlir::OpBuilder &builder, mlir::Location loc,
                  mlir::Value value);

} // namespace ssd

#endif // SSD_LOWERING_SSDTOLINALG_LINALGBUILDER_H
