//===- HopperDialect.cpp - The hopper dialect ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Hopper/HopperDialect.h"
#include "dialect/Hopper/HopperOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ssd::hopper;

#include "dialect/Hopper/HopperDialect.cpp.inc"
#include "dialect/Hopper/HopperEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/Hopper/HopperAttrs.cpp.inc"

void HopperDialect::initialize() {
  registerTypes();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/Hopper/HopperAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/Hopper/HopperOps.cpp.inc"
      >();
}

#define GET_OP_CLASSES
#include "dialect/Hopper/HopperOps.cpp.inc"
