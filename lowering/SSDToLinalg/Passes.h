//===- Passes.h - ssd to linalg ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOLINALG_PASSES_H
#define SSD_LOWERING_SSDTOLINALG_PASSES_H

#include "mlir/Pass/Pass.h"

namespace ssd {

#define GEN_PASS_DECL
#include "lowering/SSDToLinalg/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "lowering/SSDToLinalg/Passes.h.inc"

} // namespace ssd

#endif // SSD_LOWERING_SSDTOLINALG_PASSES_H
