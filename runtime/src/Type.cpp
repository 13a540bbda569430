//===- Type.cpp - Element types, shapes and their sizes ---------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/Type.h"
#include "runtime/src/Error.h"

using namespace ssd;

namespace {

struct StoredType {
  const char *name;
  DLDataType type;
};

// The 8-bit floats have the codes of DLPack 1.1. They are here so that a
// checkpoint holding some can be opened; no program takes them yet.
constexpr StoredType kStoredTypes[] = {
    {"F64", {kDLFloat, 64, 1}},  {"F32", {kDLFloat, 32, 1}},
    {"F16", {kDLFloat, 16, 1}},  {"BF16", {kDLBfloat, 16, 1}},
    {"I64", {kDLInt, 64, 1}},    {"I32", {kDLInt, 32, 1}},
    {"I16", {kDLInt, 16, 1}},    {"I8", {kDLInt, 8, 1}},
    {"U64", {kDLUInt, 64, 1}},   {"U32", {kDLUInt, 32, 1}},
    {"U16", {kDLUInt, 16, 1}},   {"U8", {kDLUInt, 8, 1}},
    {"BOOL", {kBoolCode, 8, 1}}, {"C64", {kDLComplex, 64, 1}},
    {"F8_E4M3", {10, 8, 1}},     {"F8_E5M2", {12, 8, 1}},
    {"F8_E8M0", {14, 8, 1}},
};

} // namespace

bool ssd::isConvertibleFloat(DLDataType type) {
  return sameType(type, kF32) || sameType(type, kF16) || sameType(type, kBF16);
}

std::string ssd::typeName(DLDataType type) {
  if (type.lanes == 1 && type.code == kBoolCode && type.bits == 8)
    return "bool";
  const char *prefix = nullptr;
  if (type.code == kDLInt)
    prefix = "i";
  else if (type.code == kDLUInt)
    prefix = "u";
  else if (type.code == kDLFloat)
    prefix = "f";
  else if (type.code == kDLBfloat)
    prefix = "bf";
  else if (type.code == kDLComplex)
    prefix = "complex";
  int bits = type.bits, lanes = type.lanes, code = type.code;
  if (!prefix || lanes != 1)
    return concat("(code ", code, ", bits ", bits, ", lanes ", lanes, ")");
  return concat(prefix, bits);
}

bool ssd::isSupportedType(DLDataType type) {
  if (type.lanes != 1)
    return false;
  switch (type.code) {
  case kDLInt:
  case kDLUInt:
    return type.bits == 8 || type.bits == 16 || type.bits == 32 ||
           type.bits == 64;
  case kDLFloat:
    return type.bits == 16 || type.bits == 32 || type.bits == 64;
  case kDLBfloat:
    return type.bits == 16;
  case kBoolCode:
    return type.bits == 8;
  default:
    return false;
  }
}

std::optional<DLDataType> ssd::typeFromSafetensors(std::string_view name) {
  for (const StoredType &stored : kStoredTypes)
    if (name == stored.name)
      return stored.type;
  return std::nullopt;
}

const char *ssd::safetensorsName(DLDataType type) {
  for (const StoredType &stored : kStoredTypes)
    if (sameType(type, stored.type))
      return stored.name;
  return nullptr;
}

std::string ssd::shapeString(const int64_t *shape, int32_t rank) {
  std::string text = "[";
  for (int32_t i = 0; i < rank; ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::optional<int64_t> ssd::denseBytes(const int64_t *shape, int32_t rank,
                                       DLDataType type) {
  bool empty = false;
  for (int32_t i = 0; i < rank; ++i) {
    if (shape[i] < 0)
      return std::nullopt;
    empty |= shape[i] == 0;
  }
  if (empty)
    return 0;
  int64_t bytes = typeBytes(type);
  for (int32_t i = 0; i < rank; ++i)
    if (__builtin_mul_overflow(bytes, shape[i], &bytes))
      return std::nullopt;
  return bytes;
}

void ssd::denseStrides(const int64_t *shape, int32_t rank, int64_t *strides) {
  // Strides of empty tensors are never used; keep them from overflowing.
  int64_t dense = 1;
  for (int32_t d = rank - 1; d >= 0; --d) {
    strides[d] = dense;
    if (__builtin_mul_overflow(dense, shape[d], &dense))
      dense = 0;
  }
}
