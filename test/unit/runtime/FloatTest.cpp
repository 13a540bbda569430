//===- FloatTest.cpp - Conversions between float formats ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Float.h"
#include "test/unit/runtime/TestSupport.h"

#include <cmath>
#include <limits>
#include <random>

using namespace ssd;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The finite value of an f16 or bf16, from its definition.
double valueOf(uint16_t bits, int mantissaBits) {
  int exponentBits = 15 - mantissaBits;
  int bias = (1 << (exponentBits - 1)) - 1;
  int exponent = (bits >> mantissaBits) & ((1 << exponentBits) - 1);
  int mantissa = bits & ((1 << mantissaBits) - 1);
  double value = exponent == 0 ? std::ldexp(mantissa, 1 - bias - mantissaBits)
                               : std::ldexp(mantissa + (1 << mantissaBits),
                                            exponent - bias - mantissaBits);
  return bits & 0x8000 ? -value : value;
}

/// The nearest representable value by search, ties to the even pattern; what
/// lies beyond the largest by half a step or more is infinity.
uint16_t roundBySearch(float value, int mantissaBits) {
  uint16_t infinity = uint16_t(0x7fff & ~((1 << mantissaBits) - 1));
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  double magnitude = std::abs(double(value));
  uint16_t low = 0, high = infinity; // low <= magnitude < high
  while (high - low > 1) {
    uint16_t middle = (low + high) / 2;
    (valueOf(middle, mantissaBits) <= magnitude ? low : high) = middle;
  }
  double below = valueOf(low, mantissaBits);
  double above = high == infinity ? 2 * below - valueOf(low - 1, mantissaBits)
                                  : valueOf(high, mantissaBits);
  double down = magnitude - below, up = above - magnitude;
  bool useHigh = up < down || (up == down && low % 2 == 1);
  return sign | (useHigh ? high : low);
}

TEST(Float, every_f16_survives_the_way_to_float_and_back) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    float value = f16ToFloat(uint16_t(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16ToFloat(floatToF16(value))));
      continue;
    }
    ASSERT_EQ(floatToF16(value), bits);
    if (std::isfinite(value)) {
      ASSERT_EQ(double(value), valueOf(uint16_t(bits), 10)) << bits;
    }
  }
}

TEST(Float, every_bf16_survives_the_way_to_float_and_back) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    float value = bf16ToFloat(uint16_t(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(bf16ToFloat(floatToBf16(value))));
    } else {
      ASSERT_EQ(floatToBf16(value), bits);
    }
  }
}

TEST(Float, rounds_to_nearest_even) {
  std::mt19937 random(1);
  for (int i = 0; i < 200000; ++i) {
    float value = floatFromBits(uint32_t(random()));
    if (!std::isfinite(value))
      continue;
    // A random pattern seldom has f16's exponents: force some.
    float near = std::ldexp(value, -std::ilogb(value == 0 ? 1 : value) +
                                       int(random() % 45) - 27);
    for (float candidate : {value, near}) {
      ASSERT_EQ(floatToF16(candidate), roundBySearch(candidate, 10))
          << candidate;
      ASSERT_EQ(floatToBf16(candidate), roundBySearch(candidate, 7))
          << candidate;
    }
  }
}

TEST(Float, rounds_ties_and_edges) {
  EXPECT_EQ(floatToBf16(1.00390625f), 0x3f80); // 1 + 2^-8: tie, to even below
  EXPECT_EQ(floatToBf16(1.01171875f), 0x3f82); // 1 + 3*2^-8: tie, even above
  EXPECT_EQ(floatToBf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(floatToBf16(floatFromBits(1)), 0x0000); // denormal, rounds away
  EXPECT_EQ(floatToBf16(floatFromBits(0x00018000)), 0x0002);
  EXPECT_EQ(floatToF16(65504.0f), 0x7bff);
  EXPECT_EQ(floatToF16(65519.996f), 0x7bff);
  EXPECT_EQ(floatToF16(65520.0f), 0x7c00);
  EXPECT_EQ(floatToF16(0x1p-24f), 0x0001);
  EXPECT_EQ(floatToF16(0x1p-25f), 0x0000);
  EXPECT_EQ(floatToF16(0x1.8p-25f), 0x0001);
  EXPECT_EQ(floatToF16(-0.0f), 0x8000);
  EXPECT_EQ(floatToF16(-kInfinity), 0xfc00);
  EXPECT_EQ(floatToBf16(-kInfinity), 0xff80);
}

TEST(Float, nan_stays_nan_whatever_its_payload) {
  for (uint32_t bits : {0x7f800001u, 0xff800001u, 0x7fc00000u, 0x7fffffffu}) {
    float nan = floatFromBits(bits);
    EXPECT_TRUE(std::isnan(bf16ToFloat(floatToBf16(nan)))) << bits;
    EXPECT_TRUE(std::isnan(f16ToFloat(floatToF16(nan)))) << bits;
  }
}

TEST(Float, converts_between_all_pairs_without_alignment) {
  const DLDataType types[] = {kF32, kF16, kBF16};
  for (DLDataType from : types)
    for (DLDataType to : types) {
      float numbers[] = {1.5f, -2.0f, 0.25f};
      char source[16] = {}, target[16] = {}, back[16] = {};
      convertFloats(kF32, numbers, from, source + 1, 3);
      convertFloats(from, source + 1, to, target + 1, 3);
      convertFloats(to, target + 1, kF32, back + 1, 3);
      EXPECT_EQ(std::memcmp(back + 1, numbers, sizeof(numbers)), 0);
    }
}

TEST(Float, f16_beyond_bf16_precision_rounds_once) {
  uint16_t value = floatToF16(1.00390625f); // exact in f16, a tie in bf16
  uint16_t result = 0;
  convertFloats(kF16, &value, kBF16, &result, 1);
  EXPECT_EQ(result, 0x3f80);
}

} // namespace
