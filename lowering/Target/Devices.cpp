//===- Devices.cpp - code for several devices in one module -----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/EntryInfo.h"
#include "lowering/Target/Target.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/SymbolTable.h"

using namespace llvm;

namespace ssd {

static bool isDeclaration(mlir::Operation &op) {
  auto function = dyn_cast<mlir::LLVM::LLVMFuncOp>(op);
  return function && function.isExternal();
}

/// An entry's functions are found by its name and a suffix, so all of them get
/// the prefix, whether their own names are taken or not.
static Error rename(mlir::Operation &symbol, StringRef prefix,
                    mlir::ModuleOp module) {
  auto old = mlir::SymbolTable::getSymbolName(&symbol);
  auto name =
      mlir::StringAttr::get(module.getContext(), prefix + "." + old.getValue());
  std::optional<EntryInfo> info = EntryInfo::getFrom(&symbol);
  if (failed(mlir::SymbolTable::replaceAllSymbolUses(&symbol, name, module)))
    return createStringError("can't rename '" + old.getValue() + "'");
  mlir::SymbolTable::setSymbolName(&symbol, name);
  if (info)
    info->setOn(&symbol);
  return Error::success();
}

Error addDevice(mlir::ModuleOp module, mlir::ModuleOp from, StringRef device) {
  mlir::SymbolTable symbols(module);
  for (mlir::Operation &op : make_early_inc_range(from.getOps())) {
    bool isData = isa<mlir::gpu::BinaryOp>(op); // known by number
    if (!isData && !isDeclaration(op))
      if (Error error = rename(op, device, from))
        return error;
    auto name = mlir::SymbolTable::getSymbolName(&op);
    bool isTaken = symbols.lookup(name);
    if (isTaken && isDeclaration(op))
      continue; // one function of the system's for both
    if (isTaken)
      return createStringError("the program has '" + name.getValue() +
                               "' of its own, which is what code for " +
                               device + " is called; rename it");
    op.remove();
    symbols.insert(&op);
  }
  return Error::success();
}

} // namespace ssd
