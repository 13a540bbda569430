//===- SSDToHopper.h - Kernels of the hopper dialect ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_SSDTOHOPPER_H
#define SSD_LOWERING_SSDTOHOPPER_SSDTOHOPPER_H

#include "dialect/Hopper/HopperDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace ssd {

#define GEN_PASS_DECL
#include "lowering/SSDToHopper/SSDToHopperPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "lowering/SSDToHopper/SSDToHopperPasses.h.inc"

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_SSDTOHOPPER_H
