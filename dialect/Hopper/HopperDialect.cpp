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

//===----------------------------------------------------------------------===//
// Attributes of other dialects' ops
//===----------------------------------------------------------------------===//

static LogicalResult refusePlace(Operation *op) {
  return op->emitError() << "(KERN2) '" << HopperDialect::kKernelAttr
                         << "' is an attribute of ssd.mix and ssd.step only";
}

LogicalResult
HopperDialect::verifyOperationAttribute(Operation *op,
                                        NamedAttribute attribute) {
  if (attribute.getName() != kKernelAttr)
    return success();
  // By name: this dialect lies below the one of the mixers.
  StringRef place = op->getName().getStringRef();
  if (place != "ssd.mix" && place != "ssd.step")
    return refusePlace(op);
  if (!isa<StringAttr>(attribute.getValue()))
    return op->emitError() << "(KERN1) '" << kKernelAttr
                           << "' is a string, the name of a kernel";
  return success();
}

LogicalResult
HopperDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned,
                                        NamedAttribute attribute) {
  return attribute.getName() == kKernelAttr ? refusePlace(op) : success();
}

LogicalResult
HopperDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned,
                                           NamedAttribute attribute) {
  return attribute.getName() == kKernelAttr ? refusePlace(op) : success();
}

#define GET_OP_CLASSES
#include "dialect/Hopper/HopperOps.cpp.inc"
