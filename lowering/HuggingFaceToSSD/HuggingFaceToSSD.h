//===- HuggingFaceToSSD.h - Import of Hugging Face checkpoints --*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_HUGGINGFACETOSSD_HUGGINGFACETOSSD_H
#define SSD_LOWERING_HUGGINGFACETOSSD_HUGGINGFACETOSSD_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"

namespace ssd {

/// Type of the activations between the layers of an imported model. Weights
/// keep the type they are stored in; sums and states are f32 whatever this is.
enum class ActivationType { F32, BF16, F16 };

struct ImportOptions {
  ActivationType activations = ActivationType::F32;
};

/// Builds a module from `directory`, which holds config.json and the header of
/// its .safetensors file or files (no weight is read). The module has three
/// entries over the same parameters: `logits`, `prefill` and `step`. Whatever
/// is wrong with the directory is emitted as one error on `context`.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importHuggingFace(llvm::StringRef directory, const ImportOptions &options,
                  mlir::MLIRContext *context);

} // namespace ssd

#endif // SSD_LOWERING_HUGGINGFACETOSSD_HUGGINGFACETOSSD_H
