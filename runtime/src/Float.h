//===- Float.h - Conversions between float formats --------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_FLOAT_H
#define SSD_RUNTIME_SRC_FLOAT_H

#include <dlpack/dlpack.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ssd {

inline uint32_t floatBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

inline float floatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline float bf16ToFloat(uint16_t value) {
  return floatFromBits(static_cast<uint32_t>(value) << 16);
}

/// Rounds to nearest even; a NaN keeps its sign and leading payload and
/// becomes quiet, so that truncation can't make it an infinity.
inline uint16_t floatToBf16(float value) {
  uint32_t bits = floatBits(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

inline float f16ToFloat(uint16_t value) {
  uint32_t sign = static_cast<uint32_t>(value & 0x8000u) << 16;
  uint32_t exponent = (value >> 10) & 0x1fu;
  uint32_t mantissa = value & 0x3ffu;
  if (exponent == 0x1f) // infinity, or a NaN made quiet
    return floatFromBits(sign | 0x7f800000u | (mantissa << 13) |
                         (mantissa ? 0x400000u : 0));
  if (exponent == 0) { // zero or denormal: mantissa * 2^-24 is exact
    float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return floatFromBits(sign | floatBits(magnitude));
  }
  return floatFromBits(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

/// Rounds to nearest even, through f16's denormals; overflow is infinity.
inline uint16_t floatToF16(float value) {
  uint32_t bits = floatBits(value);
  uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return static_cast<uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  if (magnitude >= 0x477ff000u) // halfway from the largest f16 to 2^16
    return static_cast<uint16_t>(sign | 0x7c00u);
  if (magnitude >= 0x38800000u) { // normal: rebias, round the low 13 bits
    uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
    return static_cast<uint16_t>(sign | ((rounded - (112u << 23)) >> 13));
  }
  if (magnitude < 0x33000000u) // below half of the smallest denormal
    return sign;
  uint32_t shift = 126 - (magnitude >> 23); // 14 .. 24
  uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
  uint32_t kept = mantissa >> shift;
  uint32_t rest = mantissa & ((1u << shift) - 1);
  uint32_t half = 1u << (shift - 1);
  kept += rest > half || (rest == half && (kept & 1u));
  return static_cast<uint16_t>(sign | kept);
}

/// Converts `count` elements among f32, f16 and bf16 (isConvertibleFloat);
/// neither pointer needs to be aligned. Each value is rounded once.
void convertFloats(DLDataType fromType, const void *from, DLDataType toType,
                   void *to, size_t count);

} // namespace ssd

#endif // SSD_RUNTIME_SRC_FLOAT_H
