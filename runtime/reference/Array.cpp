//===- Array.cpp - Elements of arrays in any type ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/reference/Npy.h"
#include "runtime/src/Float.h"
#include "runtime/src/Type.h"

#include <cmath>
#include <stdexcept>

using namespace ssd;
using namespace ssd::reference;

namespace {

/// Rounds a double to float so that a second rounding, to bf16 or f16, gives
/// what one rounding would have given: to odd, which keeps a sticky bit.
float roundToOdd(double value) {
  float rounded = static_cast<float>(value);
  if (static_cast<double>(rounded) == value || !std::isfinite(rounded))
    return rounded;
  uint32_t bits = floatBits(rounded);
  // Step towards zero if rounding went away from it, then mark as inexact.
  if (std::abs(static_cast<double>(rounded)) > std::abs(value))
    --bits;
  return floatFromBits(bits | 1u);
}

template <typename T> double loadAs(const char *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return static_cast<double>(value);
}

template <typename T> void storeAs(char *to, double value) {
  T stored = static_cast<T>(value);
  std::memcpy(to, &stored, sizeof(T));
}

/// Calls `action` with a value of the C++ type of an integer, bool or wide
/// float type.
template <typename Action> void visit(DLDataType type, Action action) {
  bool isSigned = type.code == kDLInt;
  if (type.code == kDLFloat)
    return type.bits == 32 ? action(float()) : action(double());
  switch (type.bits) {
  case 8:
    return isSigned ? action(int8_t()) : action(uint8_t());
  case 16:
    return isSigned ? action(int16_t()) : action(uint16_t());
  case 32:
    return isSigned ? action(int32_t()) : action(uint32_t());
  default:
    return isSigned ? action(int64_t()) : action(uint64_t());
  }
}

} // namespace

int64_t Array::elementCount() const {
  return static_cast<int64_t>(data.size()) / typeBytes(type);
}

Array Array::zeros(DLDataType type, std::vector<int64_t> shape) {
  Array array;
  array.type = type;
  array.shape = std::move(shape);
  std::optional<int64_t> bytes = denseBytes(
      array.shape.data(), static_cast<int32_t>(array.shape.size()), type);
  if (!bytes)
    throw std::runtime_error("An array is larger than any memory.");
  array.data.resize(static_cast<size_t>(*bytes));
  return array;
}

double Array::element(int64_t index) const {
  const char *from = data.data() + index * typeBytes(type);
  uint16_t half;
  if (sameType(type, kF16) || sameType(type, kBF16)) {
    std::memcpy(&half, from, sizeof(half));
    return sameType(type, kF16) ? f16ToFloat(half) : bf16ToFloat(half);
  }
  double value = 0;
  visit(type, [&](auto example) { value = loadAs<decltype(example)>(from); });
  return value;
}

void Array::setElement(int64_t index, double value) {
  char *to = data.data() + index * typeBytes(type);
  if (sameType(type, kF16))
    return storeAs<uint16_t>(to, floatToF16(roundToOdd(value)));
  if (sameType(type, kBF16))
    return storeAs<uint16_t>(to, floatToBf16(roundToOdd(value)));
  visit(type, [&](auto example) { storeAs<decltype(example)>(to, value); });
}

std::vector<double> Array::toDoubles() const {
  std::vector<double> values(static_cast<size_t>(elementCount()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = element(static_cast<int64_t>(i));
  return values;
}

std::vector<int64_t> Array::toIntegers() const {
  std::vector<int64_t> values(static_cast<size_t>(elementCount()));
  for (size_t i = 0; i < values.size(); ++i) {
    const char *from = data.data() + i * typeBytes(type);
    visit(type, [&](auto example) {
      decltype(example) value;
      std::memcpy(&value, from, sizeof(value));
      values[i] = static_cast<int64_t>(value);
    });
  }
  return values;
}

Array Array::as(DLDataType target) const {
  if (sameType(type, target))
    return *this;
  Array converted = zeros(target, shape);
  for (int64_t i = 0; i < elementCount(); ++i)
    converted.setElement(i, element(i));
  return converted;
}

DLTensor Array::view() {
  return {data.data(),
          {kDLCPU, 0},
          static_cast<int32_t>(shape.size()),
          type,
          shape.data(),
          nullptr,
          0};
}
