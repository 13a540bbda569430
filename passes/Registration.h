//===- Registration.h - Everything a tool may load ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_PASSES_REGISTRATION_H
#define SSD_PASSES_REGISTRATION_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace ssd {

/// The ssd dialect with its interfaces.
void registerSSDDialect(mlir::DialectRegistry &registry);
/// It and every dialect that a module consists of on its way to a CPU.
void registerAllDialects(mlir::DialectRegistry &registry);
/// This project's passes and pipelines.
void registerAllPasses();

} // namespace ssd

#endif // SSD_PASSES_REGISTRATION_H
