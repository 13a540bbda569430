//===- Passes.h - Target-independent passes ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_PASSES_PASSES_H
#define SSD_PASSES_PASSES_H

#include "mlir/Pass/Pass.h"

namespace ssd {

#define GEN_PASS_DECL
#include "passes/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

} // namespace ssd

#endif // SSD_PASSES_PASSES_H
