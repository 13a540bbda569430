//===- Mamba2Layer.h - One layer of a Mamba-2 model -------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_HUGGINGFACETOSSD_MAMBA2LAYER_H
#define SSD_LOWERING_HUGGINGFACETOSSD_MAMBA2LAYER_H

#include "lowering/HuggingFaceToSSD/DenseBuilder.h"
#include "lowering/HuggingFaceToSSD/Mamba2Parameters.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ssd {

/// Types of what runs through the layers.
struct Mamba2Types {
  Mamba2Types(const Mamba2Config &config, mlir::Type activation);

  /// [B, L, D]; L is 1 for a single token, else dynamic.
  mlir::RankedTensorType hidden(bool singleToken) const;

  mlir::Type activation;
  mlir::Type residual; // element of the residual stream
  int64_t hiddenSize;
  mlir::RankedTensorType window; // [B, K-1, C], what the convolution carries
  mlir::RankedTensorType state;  // [B, H, P, N], what the mixer carries
};

/// x of `sizes`, normalised over its last dimension, as f32; `gate` may be
/// null.
mlir::Value buildRMSNorm(DenseBuilder &b, const Mamba2Config &config,
                         mlir::Value x, mlir::Value weight, mlir::Value gate,
                         Sizes sizes);

/// Builds `name`, a private function
///
///   (hidden, window, state, parameters...) -> (hidden, window, state)
///
/// that overwrites its first three arguments with its results. `location` is
/// what its operations are called in messages.
mlir::func::FuncOp buildMamba2Layer(mlir::OpBuilder &builder,
                                    const Mamba2Config &config,
                                    const Mamba2Types &types,
                                    const Mamba2LayerParameters &parameters,
                                    bool singleToken, llvm::StringRef name,
                                    llvm::StringRef location);

} // namespace ssd

#endif // SSD_LOWERING_HUGGINGFACETOSSD_MAMBA2LAYER_H
