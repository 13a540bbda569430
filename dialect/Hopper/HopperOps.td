//===- HopperOps.td - Operations of the hopper dialect ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HOPPER_OPS
#define HOPPER_OPS

include "dialect/Hopper/HopperTypes.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/BuiltinTypes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Dialect/LLVMIR/LLVMTypes.td"

defvar Hopper_GlobalPointer = LLVM_PointerInAddressSpace<1>;

include "dialect/Hopper/HopperControlOps.td"
include "dialect/Hopper/HopperMemoryOps.td"
include "dialect/Hopper/HopperFragmentOps.td"
include "dialect/Hopper/HopperHostOps.td"

#endif // HOPPER_OPS
