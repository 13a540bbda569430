//===- DenseBuilder.h - Linalg around the mixers ----------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_HUGGINGFACETOSSD_DENSEBUILDER_H
#define SSD_LOWERING_HUGGINGFACETOSSD_DENSEBUILDER_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ssd {

/// Shape of a tensor, dynamic sizes as values.
using Sizes = llvm::ArrayRef<mlir::OpFoldResult>;

/// Builds the dense parts of a model: linear layers, embeddings, elementwise
/// operations, views. All results are new tensors or views; sums are f32.
class DenseBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  /// Body of an elementwise operation, given the elements of its operands.
  using Body =
      llvm::function_ref<mlir::Value(DenseBuilder &, mlir::ValueRange)>;

  mlir::OpFoldResult size(int64_t value) { return getIndexAttr(value); }
  mlir::OpFoldResult dim(mlir::Value tensor, int64_t dimension);
  mlir::Value empty(Sizes sizes, mlir::Type element);
  mlir::Value zeros(mlir::Value destination);

  /// dest[i] = body(inputs[maps(i)]..., dest[i]). An input's map lists the
  /// dimensions of `destination` that index it.
  mlir::Value elementwise(mlir::ValueRange inputs,
                          llvm::ArrayRef<llvm::SmallVector<unsigned>> maps,
                          mlir::Value destination, Body body);

  /// `tensor` with its elements converted; itself if they need none.
  mlir::Value cast(mlir::Value tensor, Sizes sizes, mlir::Type element);

  /// x · weightᵀ in f32; x is [M, K] of f32, weight [N, K] of any float type.
  mlir::Value matmul(mlir::Value x, mlir::Value weight);
  /// x · weightᵀ (+ bias) for x [batch, length, K]; bias may be null.
  mlir::Value linear(mlir::Value x, Sizes batchAndLength, mlir::Value weight,
                     mlir::Value bias);
  /// Rows `ids` [batch, length] of table [V, D], converted to `element`.
  mlir::Value embed(mlir::Value ids, Sizes batchAndLength, mlir::Value table,
                    mlir::Type element);

  /// destination[b, d] + the sum over l of x[b, l, d], in f32.
  mlir::Value sumPositions(mlir::Value x, mlir::Value destination);

  /// Channels [offset, offset + count) of x [batch, length, C].
  mlir::Value channels(mlir::Value x, Sizes batchAndLength, int64_t offset,
                       int64_t count);
  /// x [batch, length, a * b] as [batch, length, a, b].
  mlir::Value splitChannels(mlir::Value x, Sizes batchAndLength, int64_t a,
                            int64_t b);
  /// [..., a, b] as [..., a * b] and [a, b, ...] as [a * b, ...].
  mlir::Value collapseLast(mlir::Value x);
  mlir::Value collapseFirst(mlir::Value x);
  /// ids [B] as [B, 1]: sequences of one token.
  mlir::Value asSequence(mlir::Value ids);
  /// x [M, D] as [batch, length, D], M = batch * length.
  mlir::Value splitRows(mlir::Value x, Sizes batchAndLength);

  /// Scalars: to f32 and to `type`.
  mlir::Value toF32(mlir::Value scalar);
  mlir::Value toType(mlir::Value scalar, mlir::Type type);
  /// a * b + c, which may become one fused operation.
  mlir::Value multiplyAdd(mlir::Value a, mlir::Value b, mlir::Value c);
};

} // namespace ssd

#endif // SSD_LOWERING_HUGGINGFACETOSSD_DENSEBUILDER_H
