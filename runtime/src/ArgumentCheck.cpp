//===- ArgumentCheck.cpp - Tensors against their declarations ---*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/ArgumentCheck.h"
#include "runtime/src/Error.h"
#include "runtime/src/Type.h"

using namespace ssd;

namespace {

template <typename... Parts>
[[noreturn]] void refuse(const TensorName &name, const Parts &...parts) {
  fail(SSD_ERROR_INVALID_ARGUMENT, name.str(), parts...);
}

/// "[d0, 128]": the shape as declared.
std::string declaredShape(const ssd_argument &argument) {
  std::string text = "[";
  for (int32_t d = 0; d < argument.rank; ++d) {
    int64_t size = argument.shape[d];
    text += d ? ", " : "";
    text += size >= 0 ? concat(size) : concat("d", -1 - size);
  }
  return text + "]";
}

/// Pinned and managed memory is addressable from both sides.
bool isUsable(DLDeviceType found, DLDeviceType wanted) {
  return found == wanted || found == kDLCUDAHost || found == kDLCUDAManaged;
}

void checkSizes(const TensorName &name, const DLTensor &tensor) {
  const ssd_argument &argument = *name.argument;
  if (tensor.ndim != argument.rank)
    refuse(name, "has rank ", tensor.ndim, "; expected rank ", argument.rank,
           ", shape ", declaredShape(argument), ".");
  if (tensor.ndim > 0 && !tensor.shape)
    refuse(name, "has a null shape.");
  for (int32_t d = 0; d < tensor.ndim; ++d) {
    if (tensor.shape[d] < 0)
      refuse(name, "has the negative size ", tensor.shape[d], " in dimension ",
             d, ".");
    if (argument.shape[d] >= 0 && tensor.shape[d] != argument.shape[d])
      refuse(name, "has shape ", shapeString(tensor.shape, tensor.ndim),
             "; expected ", declaredShape(argument), ".");
  }
}

/// Sizes 0 and 1 make a stride irrelevant, and so does any empty dimension.
void checkStrides(const TensorName &name, const DLTensor &tensor) {
  if (!tensor.strides)
    return;
  const ssd_argument &argument = *name.argument;
  int64_t dense = 1;
  int64_t extent = typeBytes(tensor.dtype);
  for (int32_t d = tensor.ndim - 1; d >= 0; --d) {
    int64_t size = tensor.shape[d], stride = tensor.strides[d];
    if (size > 1) {
      if (stride < 0)
        refuse(name, "has the negative stride ", stride, " in dimension ", d,
               "; copy it first.");
      bool innermost = d == tensor.ndim - 1;
      if (argument.strided ? innermost && stride != 1 : stride != dense)
        refuse(name, "has stride ", stride, " in dimension ", d, ", shape ",
               shapeString(tensor.shape, tensor.ndim), "; expected ",
               argument.strided ? "a contiguous innermost dimension"
                                : "a C-contiguous tensor",
               ". Copy it first.");
      if (stride == 0 && argument.role != SSD_ROLE_INPUT)
        refuse(name, "is written, but its stride 0 in dimension ", d,
               " makes elements share memory.");
      int64_t reach;
      if (__builtin_mul_overflow(size - 1, stride, &reach) ||
          __builtin_mul_overflow(reach, typeBytes(tensor.dtype), &reach) ||
          __builtin_add_overflow(extent, reach, &extent))
        refuse(name, "spans more memory than there can be (stride ", stride,
               " in dimension ", d, ").");
    }
    dense *= size;
  }
}

void checkMemory(const TensorName &name, const DLTensor &tensor,
                 int64_t bytes) {
  auto device = static_cast<DLDeviceType>(name.argument->device);
  if (!isUsable(tensor.device.device_type, device))
    refuse(name, "is on device ", deviceName(tensor.device), "; expected ",
           device == kDLCPU ? "cpu" : "cuda", ".");
  if (bytes == 0)
    return;
  if (!tensor.data)
    refuse(name, "has a null data pointer.");
  uint64_t address =
      reinterpret_cast<uintptr_t>(tensor.data) + tensor.byte_offset;
  if (address % typeBytes(tensor.dtype) != 0)
    refuse(name, "begins at an address that is not a multiple of ",
           typeBytes(tensor.dtype), ", the size of ", typeName(tensor.dtype),
           "; copy it to aligned memory first.");
  // An empty tensor returned above: here the products are not zero.
  checkStrides(name, tensor);
}

} // namespace

std::string TensorName::str() const {
  if (entry)
    return concat("Entry '", entry, "': argument '", argument->name, "' ");
  return concat("Parameter '", argument->name, "' ");
}

std::string ssd::deviceName(DLDevice device) {
  switch (device.device_type) {
  case kDLCPU:
    return "cpu";
  case kDLCUDA:
    return concat("cuda:", device.device_id);
  case kDLCUDAHost:
    return "cuda_host";
  case kDLCUDAManaged:
    return "cuda_managed";
  default:
    return concat("number ", int(device.device_type), " of DLPack");
  }
}

void ssd::checkTensor(const TensorName &name, const DLTensor *tensor) {
  const ssd_argument &argument = *name.argument;
  if (!tensor)
    refuse(name, "is null.");
  if (!sameType(tensor->dtype, argument.dtype))
    refuse(name, "has type ", typeName(tensor->dtype), "; expected ",
           typeName(argument.dtype), ".");
  checkSizes(name, *tensor);
  std::optional<int64_t> bytes =
      denseBytes(tensor->shape, tensor->ndim, tensor->dtype);
  if (!bytes)
    refuse(name, "has shape ", shapeString(tensor->shape, tensor->ndim),
           ", which is larger than any memory.");
  checkMemory(name, *tensor, *bytes);
}

void CallDevice::check(const TensorName &name, const DLTensor &tensor) {
  if (tensor.device.device_type != kDLCUDA)
    return;
  if (!owner) {
    owner = name.argument;
    device = tensor.device.device_id;
  } else if (device != tensor.device.device_id) {
    refuse(name, "is on device ", deviceName(tensor.device), ", but '",
           owner->name, "' is on ", deviceName({kDLCUDA, device}),
           "; all tensors of a call must be on one device.");
  }
}

void DynamicSizes::check(const TensorName &name, const DLTensor &tensor) {
  for (int32_t d = 0; d < tensor.ndim; ++d)
    if (name.argument->shape[d] < 0)
      bindOrCompare(name, d, tensor.shape[d]);
}

void DynamicSizes::bindOrCompare(const TensorName &name, int32_t dimension,
                                 int64_t size) {
  int32_t number = static_cast<int32_t>(-1 - name.argument->shape[dimension]);
  for (int32_t i = 0; i < used; ++i) {
    const Size &known = sizes[i];
    if (known.number != number)
      continue;
    if (known.value != size)
      refuse(name, "has size ", size, " in dimension ", dimension,
             ", but dimension ", known.dimension, " of '", known.argument->name,
             "' has ", known.value, "; they must be equal.");
    return;
  }
  sizes[used++] = {number, dimension, size, name.argument};
}
