//===- SSDDialect.h - The ssd dialect --------------------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_DIALECT_SSD_SSDDIALECT_H
#define SSD_DIALECT_SSD_SSDDIALECT_H

#include "mlir/IR/Dialect.h"

#include "dialect/SSD/SSDDialect.h.inc"

#endif // SSD_DIALECT_SSD_SSDDIALECT_H
