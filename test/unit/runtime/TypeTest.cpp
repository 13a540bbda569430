//===- TypeTest.cpp - Element types and sizes ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/TestSupport.h"

#include <limits>

using namespace ssd;

namespace {

std::optional<int64_t> bytesOf(std::vector<int64_t> shape, DLDataType type) {
  return denseBytes(shape.data(), int32_t(shape.size()), type);
}

TEST(Type, dense_bytes_of_small_and_large_shapes) {
  EXPECT_EQ(bytesOf({}, kF32), 4);
  EXPECT_EQ(bytesOf({2, 3}, kBF16), 12);
  EXPECT_EQ(bytesOf({int64_t(1) << 31, 5}, kF32), int64_t(5) << 33);
  EXPECT_EQ(bytesOf({65536, 65536, 128}, kF32), int64_t(1) << 41);
}

TEST(Type, dense_bytes_refuses_overflow_and_negatives) {
  EXPECT_FALSE(bytesOf({int64_t(1) << 61}, kF32));
  EXPECT_FALSE(bytesOf({int64_t(1) << 32, int64_t(1) << 32}, kF32));
  EXPECT_FALSE(bytesOf({std::numeric_limits<int64_t>::max(), 2}, kBF16));
  EXPECT_FALSE(bytesOf({2, -1}, kF32));
  EXPECT_FALSE(bytesOf({0, -1}, kF32));
}

TEST(Type, an_empty_dimension_makes_any_shape_empty) {
  int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(bytesOf({huge, huge, 0}, kF32), 0);
}

TEST(Type, strides_of_shapes_and_of_empty_huge_shapes) {
  int64_t shape[] = {2, 3, 4}, strides[3];
  denseStrides(shape, 3, strides);
  EXPECT_EQ(strides[0], 12);
  EXPECT_EQ(strides[1], 4);
  EXPECT_EQ(strides[2], 1);
  int64_t huge[] = {0, std::numeric_limits<int64_t>::max(), 4};
  denseStrides(huge, 3, strides); // must not overflow
  EXPECT_EQ(strides[2], 1);
}

TEST(Type, names) {
  EXPECT_EQ(typeName(kF32), "f32");
  EXPECT_EQ(typeName(kBF16), "bf16");
  EXPECT_EQ(typeName({kDLUInt, 8, 1}), "u8");
  EXPECT_EQ(typeName({kBoolCode, 8, 1}), "bool");
  EXPECT_EQ(typeName({kDLFloat, 32, 4}), "(code 2, bits 32, lanes 4)");
}

TEST(Type, safetensors_names_go_both_ways) {
  for (const char *name : {"F64", "F32", "F16", "BF16", "I64", "I32", "I16",
                           "I8", "U64", "U32", "U16", "U8", "BOOL"}) {
    std::optional<DLDataType> type = typeFromSafetensors(name);
    ASSERT_TRUE(type) << name;
    EXPECT_STREQ(safetensorsName(*type), name);
    EXPECT_TRUE(isSupportedType(*type)) << name;
  }
  EXPECT_FALSE(typeFromSafetensors("F12"));
  EXPECT_FALSE(isSupportedType(*typeFromSafetensors("F8_E4M3")));
}

} // namespace
