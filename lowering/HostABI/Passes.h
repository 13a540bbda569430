//===- Passes.h - from tensor functions to callable entries -----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#ifndef SSD_LOWERING_HOSTABI_PASSES_H
#define SSD_LOWERING_HOSTABI_PASSES_H

#include "mlir/Pass/Pass.h"

#include <memory>

namespace ssd {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lowering/HostABI/Passes.h.inc"

/// From functions with the host ABI on tensors to functions on buffers: empty
/// tensors are eliminated, everything is bufferized in place across function
/// boundaries, and states are checked not to be copied.
void buildBufferizationPipeline(mlir::OpPassManager &manager);

/// Registers it as --ssd-bufferize.
void registerHostABIPipelines();

} // namespace ssd

#endif // SSD_LOWERING_HOSTABI_PASSES_H
