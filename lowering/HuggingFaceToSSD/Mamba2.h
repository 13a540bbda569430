//===- Mamba2.h - The module of a Mamba-2 model -----------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_HUGGINGFACETOSSD_MAMBA2_H
#define SSD_LOWERING_HUGGINGFACETOSSD_MAMBA2_H

#include "lowering/HuggingFaceToSSD/Config.h"
#include "lowering/HuggingFaceToSSD/HuggingFaceToSSD.h"
#include "lowering/HuggingFaceToSSD/Weights.h"

namespace ssd {

/// Imports Mamba2ForCausalLM, as transformers computes it without a cache.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importMamba2(const ConfigFile &file, const Weights &weights,
             const ImportOptions &options, mlir::MLIRContext *context);

} // namespace ssd

#endif // SSD_LOWERING_HUGGINGFACETOSSD_MAMBA2_H
