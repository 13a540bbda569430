//===- Float.cpp - Conversions between float formats ------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/Float.h"
#include "runtime/src/Type.h"

using namespace ssd;

namespace {

/// A format: its storage, and how one stored value becomes a float and back.
/// Every f16 and bf16 is a float, so going through float rounds once.
struct F32 {
  using Storage = uint32_t;
  static float load(Storage bits) { return floatFromBits(bits); }
  static Storage store(float value) { return floatBits(value); }
};
struct F16 {
  using Storage = uint16_t;
  static float load(Storage bits) { return f16ToFloat(bits); }
  static Storage store(float value) { return floatToF16(value); }
};
struct BF16 {
  using Storage = uint16_t;
  static float load(Storage bits) { return bf16ToFloat(bits); }
  static Storage store(float value) { return floatToBf16(value); }
};

template <typename From, typename To>
void convert(const void *from, void *to, size_t count) {
  using FromStorage = typename From::Storage;
  using ToStorage = typename To::Storage;
  const char *source = static_cast<const char *>(from);
  char *target = static_cast<char *>(to);
  for (size_t i = 0; i < count; ++i) {
    FromStorage bits;
    std::memcpy(&bits, source + i * sizeof(bits), sizeof(bits));
    ToStorage stored = To::store(From::load(bits));
    std::memcpy(target + i * sizeof(stored), &stored, sizeof(stored));
  }
}

template <typename From>
void convertFrom(const void *from, DLDataType toType, void *to, size_t count) {
  if (sameType(toType, kF32))
    convert<From, F32>(from, to, count);
  else if (sameType(toType, kF16))
    convert<From, F16>(from, to, count);
  else
    convert<From, BF16>(from, to, count);
}

} // namespace

void ssd::convertFloats(DLDataType fromType, const void *from,
                        DLDataType toType, void *to, size_t count) {
  if (sameType(fromType, toType)) {
    // memcpy must not see null, which an empty tensor may have.
    if (count)
      std::memcpy(to, from, count * typeBytes(fromType));
  } else if (sameType(fromType, kF32)) {
    convertFrom<F32>(from, toType, to, count);
  } else if (sameType(fromType, kF16)) {
    convertFrom<F16>(from, toType, to, count);
  } else {
    convertFrom<BF16>(from, toType, to, count);
  }
}
