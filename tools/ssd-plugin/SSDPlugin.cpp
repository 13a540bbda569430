//===- SSDPlugin.cpp - the dialect and its passes for mlir-opt --*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//
// Loaded by a stock mlir-opt of the same version:
//
//   mlir-opt --load-dialect-plugin=SSDPlugin.so --load-pass-plugin=SSDPlugin.so
//
// The upstream dialects that the passes make are registered there already.
//
//===----------------------------------------------------------------------===//

#include "dialect/Hopper/HopperDialect.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "passes/Registration.h"
#include "llvm/Config/llvm-config.h"

static constexpr const char *kName = "SSD";

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, kName, LLVM_VERSION_STRING,
          [](mlir::DialectRegistry *registry) {
            ssd::registerSSDDialect(*registry);
            // Of the attributes that mixers can have.
            registry->insert<ssd::hopper::HopperDialect>();
          }};
}

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, kName, LLVM_VERSION_STRING,
          [] { ssd::registerAllPasses(); }};
}
