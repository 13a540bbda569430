//===- Mamba2Parameters.h - Parameters of a Mamba-2 model -------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_HUGGINGFACETOSSD_MAMBA2PARAMETERS_H
#define SSD_LOWERING_HUGGINGFACETOSSD_MAMBA2PARAMETERS_H

#include "lowering/HuggingFaceToSSD/Config.h"
#include "lowering/HuggingFaceToSSD/Weights.h"

namespace ssd {

/// A tensor of the checkpoint that is an argument of the module's entries.
struct Parameter {
  std::string name; // as the checkpoint calls it
  mlir::RankedTensorType type;
};

/// Parameters of one layer, in the order in which its function takes them.
struct Mamba2LayerParameters {
  llvm::SmallVector<std::string> roles; // "mixer.in_proj.weight"
  llvm::SmallVector<Parameter> tensors;

  llvm::SmallVector<mlir::Type> types() const {
    return llvm::map_to_vector(
        tensors, [](const Parameter &p) -> mlir::Type { return p.type; });
  }
};

struct Mamba2Parameters {
  Parameter embeddings;
  llvm::SmallVector<Mamba2LayerParameters> layers;
  Parameter finalNorm;
  /// None if the output layer is the embeddings' table.
  std::optional<Parameter> head;

  /// Finds every tensor of the model in `weights` and checks its type.
  static mlir::FailureOr<Mamba2Parameters> find(const Mamba2Config &config,
                                                const Weights &weights);

  /// All of them, in the order in which entries take them.
  llvm::SmallVector<Parameter> all() const;
};

} // namespace ssd

#endif // SSD_LOWERING_HUGGINGFACETOSSD_MAMBA2PARAMETERS_H
