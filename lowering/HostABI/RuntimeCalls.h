//===- RuntimeCalls.h - ssd_context_api from compiled code ------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#ifndef SSD_LOWERING_HOSTABI_RUNTIMECALLS_H
#define SSD_LOWERING_HOSTABI_RUNTIMECALLS_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace ssd {

/// Fields of ssd_context_api (ssd_runtime.h).
enum class ApiField {
  Version,
  ParallelFor,
  Launch,
  Clear,
  Copy,
  EncodeTensorMap,
  HasKernel,
  Multiprocessors,
  Status,
  SetError
};

/// context->api->field(context, arguments...), null if `result` is void.
mlir::Value createRuntimeCall(mlir::OpBuilder &builder, mlir::Location loc,
                              mlir::Value context, ApiField field,
                              mlir::Type result, mlir::ValueRange arguments);

/// context->stream = stream.
void createSetStream(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value context, mlir::Value stream);

} // namespace ssd

#endif // SSD_LOWERING_HOSTABI_RUNTIMECALLS_H
