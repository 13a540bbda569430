//===- SSDDialect.cpp - The ssd dialect ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/SSDDialect.h"

#include "dialect/SSD/SSDAttrs.h"
#include "dialect/SSD/SSDOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

#include "dialect/SSD/SSDDialect.cpp.inc"

void ssd::SSDDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dialect/SSD/SSDOps.cpp.inc"
      >();
}
