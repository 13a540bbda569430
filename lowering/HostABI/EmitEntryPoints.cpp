//===- EmitEntryPoints.cpp - from DLTensors to memrefs ----------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/EntryInfo.h"
#include "lowering/HostABI/Passes.h"
#include "lowering/HostABI/RuntimeCalls.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"

namespace ssd {
#define GEN_PASS_DEF_EMITENTRYPOINTSPASS
#include "lowering/HostABI/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

namespace {

/// Fields of DLTensor in getTensorType.
enum TensorField { Data = 0, Shape = 4, Strides = 5, ByteOffset = 6 };

/// A descriptor's parts, as the LLVM lowering passes them.
struct Unpacked {
  Value pointer;
  SmallVector<Value> sizes, strides;
};

/// Emits the functions of one entry.
class EntryEmitter {
public:
  EntryEmitter(LLVM::LLVMFuncOp function, EntryInfo info, bool hasKernels)
      : function(function), info(std::move(info)), hasKernels(hasKernels),
        builder(function.getLoc(), function.getContext()),
        pointer(LLVM::LLVMPointerType::get(function.getContext())) {
    builder.setInsertionPointAfter(function);
  }

  LogicalResult emitRun();
  void emitWorkspaceSize(LLVM::LLVMFuncOp workspace);

private:
  LLVM::LLVMFuncOp createFunction(StringRef suffix, Type result,
                                  ArrayRef<Type> arguments);
  Type getTensorType();
  Value constant(int64_t value) {
    return LLVM::ConstantOp::create(builder, builder.getI64IntegerAttr(value));
  }
  Value loadTensor(Value tensors, unsigned index);
  Value loadField(Value tensor, TensorField field, Type type);
  Value loadElement(Value array, unsigned index);
  SmallVector<Value> loadSizes(Value tensor, const ArgumentInfo &argument);
  SmallVector<Value> getContiguousStrides(ValueRange sizes);
  SmallVector<Value> loadStrides(Value tensor, ValueRange contiguous);
  Unpacked unpack(Value tensor, const ArgumentInfo &argument);

  LLVM::LLVMFuncOp function;
  EntryInfo info;
  bool hasKernels;
  ImplicitLocOpBuilder builder;
  Type pointer;
};

} // namespace

LLVM::LLVMFuncOp EntryEmitter::createFunction(StringRef suffix, Type result,
                                              ArrayRef<Type> arguments) {
  // `f.workspace` is next to `f`; so is everything made for it.
  StringRef name = function.getName();
  return LLVM::LLVMFuncOp::create(
      builder, (name + suffix).str(),
      LLVM::LLVMFunctionType::get(result, arguments), LLVM::Linkage::Internal);
}

/// struct DLTensor of dlpack.h.
Type EntryEmitter::getTensorType() {
  Type i8 = builder.getI8Type(), i16 = builder.getI16Type();
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  auto structOf = [&](ArrayRef<Type> fields) {
    return LLVM::LLVMStructType::getLiteral(builder.getContext(), fields);
  };
  return structOf({pointer, structOf({i32, i32}), i32, structOf({i8, i8, i16}),
                   pointer, pointer, i64});
}

Value EntryEmitter::loadTensor(Value tensors, unsigned index) {
  Value address = LLVM::GEPOp::create(builder, pointer, pointer, tensors,
                                      ArrayRef<LLVM::GEPArg>{int32_t(index)});
  return LLVM::LoadOp::create(builder, pointer, address);
}

Value EntryEmitter::loadField(Value tensor, TensorField field, Type type) {
  Value address =
      LLVM::GEPOp::create(builder, pointer, getTensorType(), tensor,
                          ArrayRef<LLVM::GEPArg>{0, int32_t(field)});
  return LLVM::LoadOp::create(builder, type, address);
}

Value EntryEmitter::loadElement(Value array, unsigned index) {
  Type i64 = builder.getI64Type();
  Value address = LLVM::GEPOp::create(builder, pointer, i64, array,
                                      ArrayRef<LLVM::GEPArg>{int32_t(index)});
  return LLVM::LoadOp::create(builder, i64, address);
}

SmallVector<Value> EntryEmitter::loadSizes(Value tensor,
                                           const ArgumentInfo &argument) {
  SmallVector<Value> sizes;
  Value shape;
  for (auto [dim, size] : llvm::enumerate(argument.type.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      sizes.push_back(constant(size));
      continue;
    }
    if (!shape)
      shape = loadField(tensor, Shape, pointer);
    sizes.push_back(loadElement(shape, dim));
  }
  return sizes;
}

SmallVector<Value> EntryEmitter::getContiguousStrides(ValueRange sizes) {
  SmallVector<Value> strides(sizes.size());
  Value stride;
  for (int dim = sizes.size() - 1; dim >= 0; --dim) {
    strides[dim] = stride ? stride : constant(1);
    stride =
        stride ? LLVM::MulOp::create(builder, stride, sizes[dim]) : sizes[dim];
  }
  return strides;
}

/// The tensor's strides, or the contiguous ones where it has none.
SmallVector<Value> EntryEmitter::loadStrides(Value tensor,
                                             ValueRange contiguous) {
  if (contiguous.empty())
    return {};
  Type i64 = builder.getI64Type();
  Value local = LLVM::AllocaOp::create(builder, pointer, i64,
                                       constant(contiguous.size()));
  for (auto [dim, stride] : llvm::enumerate(contiguous)) {
    Value address = LLVM::GEPOp::create(builder, pointer, i64, local,
                                        ArrayRef<LLVM::GEPArg>{int32_t(dim)});
    LLVM::StoreOp::create(builder, stride, address);
  }
  Value given = loadField(tensor, Strides, pointer);
  Value none = LLVM::ZeroOp::create(builder, pointer);
  Value isNone =
      LLVM::ICmpOp::create(builder, LLVM::ICmpPredicate::eq, given, none);
  Value array = LLVM::SelectOp::create(builder, isNone, local, given);
  SmallVector<Value> strides;
  for (unsigned dim = 0; dim < contiguous.size(); ++dim)
    strides.push_back(loadElement(array, dim));
  return strides;
}

Unpacked EntryEmitter::unpack(Value tensor, const ArgumentInfo &argument) {
  Unpacked result;
  Value data = loadField(tensor, Data, pointer);
  Value offset = loadField(tensor, ByteOffset, builder.getI64Type());
  result.pointer = LLVM::GEPOp::create(builder, pointer, builder.getI8Type(),
                                       data, ArrayRef<LLVM::GEPArg>{offset});
  result.sizes = loadSizes(tensor, argument);
  result.strides = getContiguousStrides(result.sizes);
  if (argument.strided)
    result.strides = loadStrides(tensor, result.strides);
  return result;
}

/// int32_t f.entry(context, tensors, count, workspace, stream)
LogicalResult EntryEmitter::emitRun() {
  Type i32 = builder.getI32Type();
  LLVM::LLVMFuncOp run = createFunction(
      kRunSuffix, i32, {pointer, pointer, i32, pointer, pointer});
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(run.addEntryBlock(builder));
  SmallVector<Value> operands;
  Value zero = constant(0);
  auto addDescriptor = [&](const Unpacked &unpacked) {
    operands.append({unpacked.pointer, unpacked.pointer, zero});
    llvm::append_range(operands, unpacked.sizes);
    llvm::append_range(operands, unpacked.strides);
  };
  for (auto [index, argument] : llvm::enumerate(info.arguments))
    addDescriptor(unpack(loadTensor(run.getArgument(1), index), argument));
  // The workspace's own size is never looked at.
  addDescriptor({run.getArgument(3),
                 {constant(std::numeric_limits<int64_t>::max())},
                 {constant(1)}});
  operands.push_back(run.getArgument(0));
  if (ValueRange(operands).getTypes() != function.getArgumentTypes())
    return function.emitError("entry '")
           << function.getName()
           << "' has not the arguments that its table says; were "
              "ssd-plan-workspace and the lowering to LLVM run?";
  Value context = run.getArgument(0), stream = run.getArgument(4);
  if (hasKernels)
    createSetStream(builder, builder.getLoc(), context, stream);
  LLVM::CallOp::create(builder, function, operands);
  Value status =
      hasKernels
          ? createRuntimeCall(builder, builder.getLoc(), context,
                              ApiField::Status, i32, {})
          : Value(LLVM::ConstantOp::create(builder,
                                           builder.getI32IntegerAttr(0)));
  LLVM::ReturnOp::create(builder, status);
  return success();
}

/// int64_t f.workspace_size(tensors, count)
void EntryEmitter::emitWorkspaceSize(LLVM::LLVMFuncOp workspace) {
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  LLVM::LLVMFuncOp size =
      createFunction(kWorkspaceSizeSuffix, i64, {pointer, i32});
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(size.addEntryBlock(builder));
  SmallVector<Value> operands;
  for (auto [index, argument] : llvm::enumerate(info.arguments)) {
    if (argument.type.hasStaticShape())
      continue;
    Value tensor = loadTensor(size.getArgument(0), index);
    SmallVector<Value> sizes = loadSizes(tensor, argument);
    for (auto [dim, value] : llvm::enumerate(sizes))
      if (argument.type.isDynamicDim(dim))
        operands.push_back(value);
  }
  auto call = LLVM::CallOp::create(builder, workspace, operands);
  LLVM::ReturnOp::create(builder, call.getResult());
}

/// Buffers of different arguments are disjoint.
static void addPointerAttributes(LLVM::LLVMFuncOp function) {
  Builder builder(function.getContext());
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes()))
    if (isa<LLVM::LLVMPointerType>(type)) {
      function.setArgAttr(index, LLVM::LLVMDialect::getNoAliasAttrName(),
                          builder.getUnitAttr());
      function.setArgAttr(index, LLVM::LLVMDialect::getNoUndefAttrName(),
                          builder.getUnitAttr());
    }
}

namespace {
struct EmitEntryPoints : ssd::impl::EmitEntryPointsPassBase<EmitEntryPoints> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<LLVM::LLVMFuncOp> functions;
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>())
      if (!function.isExternal())
        functions.push_back(function);
    bool hasKernels = !getOperation().getOps<gpu::BinaryOp>().empty();
    for (LLVM::LLVMFuncOp function : functions) {
      function.setLinkage(LLVM::Linkage::Internal);
      if (function->hasAttr(kPlannedAttr))
        addPointerAttributes(function);
      auto info = EntryInfo::getFrom(function);
      if (!info)
        continue;
      EntryEmitter emitter(function, *info, hasKernels);
      if (failed(emitter.emitRun()))
        return signalPassFailure();
      auto workspace = symbols.lookup<LLVM::LLVMFuncOp>(
          (function.getName() + kWorkspaceSuffix).str());
      if (workspace)
        emitter.emitWorkspaceSize(workspace);
    }
  }
};
} // namespace
