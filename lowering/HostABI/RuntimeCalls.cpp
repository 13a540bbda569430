//===- RuntimeCalls.cpp - ssd_context_api from compiled code ----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/RuntimeCalls.h"

using namespace mlir;

/// The address of an 8-byte field: contexts hold pointers, and so does the API
/// after its version.
static Value createField(OpBuilder &builder, Location loc, Value structure,
                         int32_t index) {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  return LLVM::GEPOp::create(builder, loc, pointer, pointer, structure,
                             ArrayRef<LLVM::GEPArg>{index});
}

Value ssd::createRuntimeCall(OpBuilder &builder, Location loc, Value context,
                             ApiField field, Type result,
                             ValueRange arguments) {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Value api = LLVM::LoadOp::create(builder, loc, pointer, context);
  Value callee = LLVM::LoadOp::create(
      builder, loc, pointer, createField(builder, loc, api, int32_t(field)));
  SmallVector<Value> operands = {context};
  llvm::append_range(operands, arguments);
  auto type = LLVM::LLVMFunctionType::get(
      result, llvm::to_vector(ValueRange(operands).getTypes()));
  operands.insert(operands.begin(), callee);
  auto call = LLVM::CallOp::create(builder, loc, type, operands);
  return call->getNumResults() ? call.getResult() : Value();
}

void ssd::createSetStream(OpBuilder &builder, Location loc, Value context,
                          Value stream) {
  LLVM::StoreOp::create(builder, loc, stream,
                        createField(builder, loc, context, 1));
}
