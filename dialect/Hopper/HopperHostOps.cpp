//===- HopperHostOps.cpp - What the host does around a launch ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Hopper/HopperOps.h"

using namespace mlir;
using namespace ssd::hopper;

LogicalResult EncodeTensorMapOp::verify() {
  MemRefType source = cast<MemRefType>(getSource().getType());
  TensorMapType map = getMap().getType();
  if (int64_t(map.getShape().size()) != source.getRank() ||
      map.getElementType() != source.getElementType())
    return emitOpError() << "the box must have the memref's rank and element "
                            "type (ENC1)";
  if (!source.isLastDimUnitStride())
    return emitOpError() << "the innermost stride must be 1 (ENC2)";
  return success();
}

LogicalResult HasKernelOp::verifySymbolUses(SymbolTableCollection &symbols) {
  Operation *module = symbols.lookupNearestSymbolFrom(
      *this, getKernelAttr().getRootReference());
  // After kernels have been serialised the module is a binary without symbols.
  bool isBinary = module && module->getNumRegions() == 0;
  if (!isBinary && !symbols.lookupNearestSymbolFrom(*this, getKernelAttr()))
    return emitOpError() << getKernelAttr() << " is no kernel (HASK1)";
  return success();
}

LogicalResult ClearOp::verify() {
  MemRefType type = cast<MemRefType>(getTarget().getType());
  if (!type.getLayout().isIdentity())
    return emitOpError() << "the memref must be contiguous (CLEAR1)";
  return success();
}
