//===- HopperOps.h - Operations of the hopper dialect ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_DIALECT_HOPPER_HOPPEROPS_H
#define SSD_DIALECT_HOPPER_HOPPEROPS_H

#include "dialect/Hopper/HopperDialect.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace ssd::hopper {
/// Whether an op's kernel, lowered or not, has clusters; true where it is in no
/// kernel.
bool isInCluster(mlir::Operation *op);
} // namespace ssd::hopper

#define GET_OP_CLASSES
#include "dialect/Hopper/HopperOps.h.inc"

#endif // SSD_DIALECT_HOPPER_HOPPEROPS_H
