//===- HopperDialect.h - The hopper dialect ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_DIALECT_HOPPER_HOPPERDIALECT_H
#define SSD_DIALECT_HOPPER_HOPPERDIALECT_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"

#include "dialect/Hopper/HopperDialect.h.inc"
#include "dialect/Hopper/HopperEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/Hopper/HopperAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/Hopper/HopperTypes.h.inc"

#endif // SSD_DIALECT_HOPPER_HOPPERDIALECT_H
