//===- SSDAttrs.h - Forms and enumerations ---------------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_DIALECT_SSD_SSDATTRS_H
#define SSD_DIALECT_SSD_SSDATTRS_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpImplementation.h"

namespace mlir {
class Operation;
class RewriterBase;
} // namespace mlir

namespace ssd {
struct DecompositionOptions;
} // namespace ssd

#include "dialect/SSD/SSDAttrInterfaces.h.inc"
#include "dialect/SSD/SSDEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/SSD/SSDAttrs.h.inc"

#endif // SSD_DIALECT_SSD_SSDATTRS_H
