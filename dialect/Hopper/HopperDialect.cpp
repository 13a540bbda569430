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

/// Whether an attribute says how a mixer is to be computed.
static bool isOfMixers(NamedAttribute attribute) {
  return attribute.getName() == HopperDialect::kKernelAttr ||
         attribute.getName() == HopperDialect::kStagesAttr;
}

static LogicalResult refusePlace(Operation *op, NamedAttribute attribute) {
  return op->emitError() << "(KERN2) '" << attribute.getName().getValue()
                         << "' is an attribute of ssd.mix and ssd.step only";
}

LogicalResult
HopperDialect::verifyOperationAttribute(Operation *op,
                                        NamedAttribute attribute) {
  if (!isOfMixers(attribute))
    return success();
  // By name: this dialect lies below the one of the mixers.
  StringRef place = op->getName().getStringRef();
  if (place != "ssd.mix" && place != "ssd.step")
    return refusePlace(op, attribute);
  bool isKernel = attribute.getName() == kKernelAttr;
  if (isKernel && !isa<StringAttr>(attribute.getValue()))
    return op->emitError() << "(KERN1) '" << kKernelAttr
                           << "' is a string, the name of a kernel";
  if (!isKernel && !isa<StagesAttr>(attribute.getValue()))
    return op->emitError() << "(KERN3) '" << kStagesAttr
                           << "' is a #hopper.stages";
  return success();
}

LogicalResult
HopperDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned,
                                        NamedAttribute attribute) {
  return isOfMixers(attribute) ? refusePlace(op, attribute) : success();
}

LogicalResult
HopperDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned,
                                           NamedAttribute attribute) {
  return isOfMixers(attribute) ? refusePlace(op, attribute) : success();
}

LogicalResult StagesAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int32_t maps, int32_t x, int32_t tables,
                                 int32_t scores, int32_t y) {
  for (int32_t stages : {maps, x, tables, scores, y})
    if (!RingType::allowsStages(stages))
      return emitError() << "(STAG1) a ring has 1 to 16 stages, not " << stages;
  return success();
}

#define GET_OP_CLASSES
#include "dialect/Hopper/HopperOps.cpp.inc"
