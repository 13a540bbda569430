//===- Type.h - Element types, shapes and their sizes -----------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_TYPE_H
#define SSD_RUNTIME_SRC_TYPE_H

#include <dlpack/dlpack.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ssd {

/// The code that DLPack 1.0 gave to booleans; older headers lack it.
constexpr uint8_t kBoolCode = 6;

constexpr DLDataType kF64 = {kDLFloat, 64, 1};
constexpr DLDataType kF32 = {kDLFloat, 32, 1};
constexpr DLDataType kF16 = {kDLFloat, 16, 1};
constexpr DLDataType kBF16 = {kDLBfloat, 16, 1};
constexpr DLDataType kI64 = {kDLInt, 64, 1};
constexpr DLDataType kI32 = {kDLInt, 32, 1};

inline bool sameType(DLDataType a, DLDataType b) {
  return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes;
}

/// One of f16, bf16, f32: the types that are converted into each other.
bool isConvertibleFloat(DLDataType type);

/// "f32", "bf16", "i64", "bool"; for others code, bits and lanes.
std::string typeName(DLDataType type);

/// True for whole-byte scalars, which is all that tensors here may hold.
bool isSupportedType(DLDataType type);

inline int64_t typeBytes(DLDataType type) { return type.bits / 8; }

/// The type that a safetensors header calls `name`.
std::optional<DLDataType> typeFromSafetensors(std::string_view name);

/// The reverse; null for a type that the format can't hold.
const char *safetensorsName(DLDataType type);

/// "[2, 3]".
std::string shapeString(const int64_t *shape, int32_t rank);

/// Bytes of a dense tensor; nothing if a size is negative or the product
/// does not fit 63 bits.
std::optional<int64_t> denseBytes(const int64_t *shape, int32_t rank,
                                  DLDataType type);

/// Strides, in elements, of a C-contiguous tensor.
void denseStrides(const int64_t *shape, int32_t rank, int64_t *strides);

} // namespace ssd

#endif // SSD_RUNTIME_SRC_TYPE_H
