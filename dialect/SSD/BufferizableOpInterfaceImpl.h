//===- BufferizableOpInterfaceImpl.h - Bufferisation of ssd ops ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_DIALECT_SSD_BUFFERIZABLEOPINTERFACEIMPL_H
#define SSD_DIALECT_SSD_BUFFERIZABLEOPINTERFACEIMPL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace ssd {

/// Every destination-style ssd op becomes itself on memrefs.
void registerBufferizableOpInterfaceExternalModels(
    mlir::DialectRegistry &registry);

} // namespace ssd

#endif // SSD_DIALECT_SSD_BUFFERIZABLEOPINTERFACEIMPL_H
