//===- LowerLaunches.cpp - launches as calls of the runtime -----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/Buffers.h"
#include "lowering/HostABI/EntryInfo.h"
#include "lowering/HostABI/Passes.h"
#include "lowering/HostABI/RuntimeCalls.h"

#include "dialect/Hopper/HopperOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/TypeSwitch.h"
#include <dlpack/dlpack.h>

namespace ssd {
#define GEN_PASS_DEF_LOWERLAUNCHESPASS
#include "lowering/HostABI/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

/// Size of a CUtensorMap.
static constexpr int64_t kTensorMapBytes = 128;

namespace {

/// Lowers the host code of one function.
class HostLowering {
public:
  using KernelNumbers = llvm::DenseMap<StringAttr, int32_t>;

  HostLowering(func::FuncOp function, const KernelNumbers &kernels)
      : function(function), kernels(kernels),
        builder(function.getLoc(), function.getContext()),
        pointer(LLVM::LLVMPointerType::get(function.getContext())),
        nothing(LLVM::LLVMVoidType::get(function.getContext())) {}

  LogicalResult run();

private:
  LogicalResult lower(gpu::LaunchFuncOp op);
  LogicalResult lower(hopper::EncodeTensorMapOp op);
  LogicalResult lower(hopper::HasKernelOp op);
  LogicalResult lower(hopper::MultiprocessorsOp op);
  LogicalResult lower(hopper::ClearOp op);
  LogicalResult lower(memref::CopyOp op);

  Value call(ApiField field, Type result, ValueRange arguments) {
    Value context = function.getArguments().back();
    return createRuntimeCall(builder, builder.getLoc(), context, field, result,
                             arguments);
  }
  Value constant(unsigned bits, int64_t value) {
    return arith::ConstantIntOp::create(builder, builder.getIntegerType(bits),
                                        value);
  }
  Value toI64(Value index) {
    return builder.createOrFold<arith::IndexCastOp>(builder.getI64Type(),
                                                    index);
  }
  Value allocate(Type type, int64_t count, unsigned alignment);
  Value allocateFilled(ArrayRef<Value> values);
  Value address(Value memref);
  Value bytes(Value memref);
  Value kernelNumber(SymbolRefAttr kernel);

  func::FuncOp function;
  const KernelNumbers &kernels;
  ImplicitLocOpBuilder builder;
  Type pointer, nothing;
  llvm::DenseMap<Value, Value> maps; // tensor maps by what they were
};

} // namespace

/// Stack memory of the function, wherever it is needed.
Value HostLowering::allocate(Type type, int64_t count, unsigned alignment) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&function.getBody().front());
  return LLVM::AllocaOp::create(builder, pointer, type, constant(64, count),
                                alignment);
}

/// An array of values of one type.
Value HostLowering::allocateFilled(ArrayRef<Value> values) {
  Type type = values.front().getType();
  Value array = allocate(type, values.size(), 0);
  for (auto [index, value] : llvm::enumerate(values)) {
    Value element = LLVM::GEPOp::create(builder, pointer, type, array,
                                        ArrayRef<LLVM::GEPArg>{int32_t(index)});
    LLVM::StoreOp::create(builder, value, element);
  }
  return array;
}

Value HostLowering::address(Value memref) {
  Value index = createAddress(builder, builder.getLoc(), memref);
  return LLVM::IntToPtrOp::create(builder, pointer, toI64(index));
}

Value HostLowering::bytes(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  Value total = constant(64, type.getElementTypeBitWidth() / 8);
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    Value size = builder.createOrFold<memref::DimOp>(memref, dim);
    total = builder.createOrFold<arith::MulIOp>(total, toI64(size));
  }
  return total;
}

Value HostLowering::kernelNumber(SymbolRefAttr kernel) {
  auto found = kernels.find(kernel.getRootReference());
  if (found == kernels.end()) {
    emitError(builder.getLoc())
        << "kernel " << kernel
        << " has not been compiled; run ssd-serialize-kernels first";
    return {};
  }
  return constant(32, found->second);
}

LogicalResult HostLowering::lower(gpu::LaunchFuncOp op) {
  if (op.hasClusterSize())
    return op.emitError("the cluster size is the kernel's known_cluster_size, "
                        "not the launch's");
  Value number = kernelNumber(op.getKernel());
  if (!number)
    return failure();
  SmallVector<Value> parameters;
  for (Value operand : op.getKernelOperands()) {
    if (Value map = maps.lookup(operand)) {
      parameters.push_back(map);
      continue;
    }
    Value slot = allocate(operand.getType(), 1, 0);
    LLVM::StoreOp::create(builder, operand, slot);
    parameters.push_back(slot);
  }
  Value shared = op.getDynamicSharedMemorySize();
  call(ApiField::Launch, nothing,
       {number, toI64(op.getGridSizeX()), shared ? shared : constant(32, 0),
        allocateFilled(parameters)});
  op.erase();
  return success();
}

/// DLDataType as it is passed in a register: code, bits, lanes.
static int32_t encodeType(Type type) {
  int32_t code = type.isBF16() ? kDLBfloat : kDLFloat;
  return code | int32_t(type.getIntOrFloatBitWidth()) << 8 | 1 << 16;
}

LogicalResult HostLowering::lower(hopper::EncodeTensorMapOp op) {
  Value source = op.getSource();
  auto type = cast<MemRefType>(source.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(builder, source);
  SmallVector<Value> sizes, strides, box;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    sizes.push_back(toI64(metadata.getSizes()[dim]));
    strides.push_back(toI64(metadata.getStrides()[dim]));
    box.push_back(constant(32, op.getMap().getType().getShape()[dim]));
  }
  Value map = allocate(builder.getI8Type(), kTensorMapBytes, /*alignment=*/64);
  call(ApiField::EncodeTensorMap, nothing,
       {map, constant(32, encodeType(type.getElementType())),
        constant(32, type.getRank()), address(source), allocateFilled(sizes),
        allocateFilled(strides), allocateFilled(box)});
  maps[op.getMap()] = map;
  return success();
}

LogicalResult HostLowering::lower(hopper::HasKernelOp op) {
  Value number = kernelNumber(op.getKernel());
  if (!number)
    return failure();
  Value has = call(ApiField::HasKernel, builder.getI32Type(), number);
  op.replaceAllUsesWith(Value(arith::CmpIOp::create(
      builder, arith::CmpIPredicate::ne, has, constant(32, 0))));
  op.erase();
  return success();
}

LogicalResult HostLowering::lower(hopper::MultiprocessorsOp op) {
  Value count = call(ApiField::Multiprocessors, builder.getI32Type(), {});
  op.replaceAllUsesWith(Value(
      arith::IndexCastOp::create(builder, builder.getIndexType(), count)));
  op.erase();
  return success();
}

LogicalResult HostLowering::lower(hopper::ClearOp op) {
  call(ApiField::Clear, nothing,
       {address(op.getTarget()), bytes(op.getTarget())});
  op.erase();
  return success();
}

LogicalResult HostLowering::lower(memref::CopyOp op) {
  call(ApiField::Copy, nothing,
       {address(op.getTarget()), address(op.getSource()),
        bytes(op.getSource())});
  op.erase();
  return success();
}

LogicalResult HostLowering::run() {
  SmallVector<Operation *> ops;
  function.walk([&](Operation *op) {
    if (isa<gpu::LaunchFuncOp, hopper::EncodeTensorMapOp, hopper::HasKernelOp,
            hopper::MultiprocessorsOp, hopper::ClearOp, memref::CopyOp>(op))
      ops.push_back(op);
  });
  if (ops.empty())
    return success();
  if (!function->hasAttr(kPlannedAttr))
    return function.emitError("launches kernels without a context; run "
                              "ssd-plan-workspace first");
  for (Operation *op : ops) {
    builder.setLoc(op->getLoc());
    builder.setInsertionPoint(op);
    LogicalResult lowered =
        TypeSwitch<Operation *, LogicalResult>(op)
            .Case<gpu::LaunchFuncOp, hopper::EncodeTensorMapOp,
                  hopper::HasKernelOp, hopper::MultiprocessorsOp,
                  hopper::ClearOp, memref::CopyOp>(
                [&](auto op) { return lower(op); });
    if (failed(lowered))
      return failure();
  }
  for (auto &[map, memory] : maps)
    map.getDefiningOp()->erase();
  return success();
}

namespace {
struct LowerLaunches : ssd::impl::LowerLaunchesPassBase<LowerLaunches> {
  void runOnOperation() override {
    HostLowering::KernelNumbers kernels;
    for (auto binary : getOperation().getOps<gpu::BinaryOp>())
      kernels.try_emplace(binary.getSymNameAttr(), kernels.size());
    // Copies of CPU programs are copies in host memory.
    if (kernels.empty())
      return;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() &&
          failed(HostLowering(function, kernels).run()))
        return signalPassFailure();
    getOperation()->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
  }
};
} // namespace
