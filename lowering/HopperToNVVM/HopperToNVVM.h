//===- HopperToNVVM.h - hopper to NVVM, and on to PTX ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_HOPPERTONVVM_HOPPERTONVVM_H
#define SSD_LOWERING_HOPPERTONVVM_HOPPERTONVVM_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace ssd {

#define GEN_PASS_DECL
#include "lowering/HopperToNVVM/HopperToNVVMPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "lowering/HopperToNVVM/HopperToNVVMPasses.h.inc"

/// Makes the dialects and translations that emitPTX needs known.
void registerHopperTranslations(mlir::DialectRegistry &registry);

/// PTX of a GPU module that holds hopper kernels; the module is not changed.
mlir::FailureOr<std::string> emitPTX(mlir::gpu::GPUModuleOp module,
                                     llvm::StringRef chip = "sm_90a");

} // namespace ssd

#endif // SSD_LOWERING_HOPPERTONVVM_HOPPERTONVVM_H
