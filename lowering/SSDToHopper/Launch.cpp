//===- Launch.cpp - The host's side of a kernel ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/Launch.h"
#include "lowering/HostABI/Buffers.h"

#include "dialect/Hopper/HopperOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace ssd;

//===----------------------------------------------------------------------===//
// HostBuilder
//===----------------------------------------------------------------------===//

Value HostBuilder::constant(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value HostBuilder::size(Value memref, int64_t dim) {
  return builder.createOrFold<memref::DimOp>(loc, memref, dim);
}

Value HostBuilder::stride(Value memref, int64_t dim) {
  auto [strides, offset] =
      cast<MemRefType>(memref.getType()).getStridesAndOffset();
  if (!ShapedType::isDynamic(strides[dim]))
    return constant(strides[dim]);
  auto metadata =
      memref::ExtractStridedMetadataOp::create(builder, loc, memref);
  return metadata.getStrides()[dim];
}

Value HostBuilder::add(Value a, Value b) {
  return builder.createOrFold<arith::AddIOp>(loc, a, b);
}

Value HostBuilder::mul(Value a, Value b) {
  return builder.createOrFold<arith::MulIOp>(loc, a, b);
}

Value HostBuilder::ceilDiv(Value a, Value b) {
  return builder.createOrFold<arith::CeilDivSIOp>(loc, a, b);
}

Value HostBuilder::min(Value a, Value b) {
  return builder.createOrFold<arith::MinSIOp>(loc, a, b);
}

Value HostBuilder::max(Value a, Value b) {
  return builder.createOrFold<arith::MaxSIOp>(loc, a, b);
}

Value HostBuilder::less(Value a, Value b) {
  return builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, a,
                                             b);
}

Value HostBuilder::land(Value a, Value b) {
  return !b ? a : builder.createOrFold<arith::AndIOp>(loc, a, b);
}

Value HostBuilder::select(Value condition, Value a, Value b) {
  return builder.createOrFold<arith::SelectOp>(loc, condition, a, b);
}

Value HostBuilder::multiprocessors() {
  return hopper::MultiprocessorsOp::create(builder, loc,
                                           builder.getIndexType());
}

Value HostBuilder::isMappable(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isLastDimUnitStride())
    return arith::ConstantIntOp::create(builder, loc, builder.getI1Type(), 0);
  // One bit of any of them is a bit of all of them together.
  Value bits = createAddress(builder, loc, memref);
  int64_t bytes = type.getElementTypeBitWidth() / 8;
  for (int64_t dim = 0; dim + 1 < type.getRank(); ++dim)
    bits = builder.createOrFold<arith::OrIOp>(loc, bits,
                                              mul(stride(memref, dim), bytes));
  Value low = builder.createOrFold<arith::AndIOp>(loc, bits, constant(15));
  return less(low, constant(1));
}

Value HostBuilder::workspace(Value bytes) {
  auto type = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  return memref::AllocOp::create(builder, loc, type, bytes);
}

//===----------------------------------------------------------------------===//
// KernelArguments
//===----------------------------------------------------------------------===//

unsigned KernelArguments::add(Value value) {
  types.push_back(value.getType());
  values.push_back(value);
  return values.size() - 1;
}

unsigned KernelArguments::pointer(Value memref) {
  OpBuilder &b = host.builder;
  Value address = arith::IndexCastOp::create(
      b, host.loc, b.getI64Type(), createAddress(b, host.loc, memref));
  auto type = LLVM::LLVMPointerType::get(b.getContext(), 1);
  return add(LLVM::IntToPtrOp::create(b, host.loc, type, address));
}

unsigned KernelArguments::stride(Value memref, int64_t dim) {
  return add(arith::IndexCastOp::create(host.builder, host.loc,
                                        host.builder.getI64Type(),
                                        host.stride(memref, dim)));
}

unsigned KernelArguments::size(Value memref, int64_t dim) {
  return integer(host.size(memref, dim));
}

unsigned KernelArguments::integer(Value index) {
  return add(arith::IndexCastOp::create(host.builder, host.loc,
                                        host.builder.getI32Type(), index));
}

unsigned KernelArguments::tensorMap(Value memref, ArrayRef<int64_t> box) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  auto type = hopper::TensorMapType::get(memref.getContext(), box, element);
  return add(
      hopper::EncodeTensorMapOp::create(host.builder, host.loc, type, memref));
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

void ssd::createLaunch(HostBuilder &host, gpu::GPUFuncOp kernel, Value blocks,
                       const KernelArguments &arguments) {
  OpBuilder &b = host.builder;
  StringRef sharedBytes = hopper::HopperDialect::kSharedBytesAttr;
  Value shared = arith::ConstantOp::create(
      b, host.loc, kernel->getAttrOfType<IntegerAttr>(sharedBytes));
  Value one = host.constant(1);
  Value threads = host.constant((*kernel.getKnownBlockSize())[0]);
  gpu::LaunchFuncOp::create(
      b, host.loc, kernel, gpu::KernelDim3{blocks, one, one},
      gpu::KernelDim3{threads, one, one}, shared, arguments.getValues());
}
