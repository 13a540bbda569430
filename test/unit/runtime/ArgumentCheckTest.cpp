//===- ArgumentCheckTest.cpp - Tensors against their declarations ---*- -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/ArgumentCheck.h"
#include "test/unit/runtime/TestSupport.h"

using namespace ssd;
using namespace ssd::test;

namespace {

/// Checks tensors against x: f32 [d0, 4] with one field changed at a time.
class ArgumentCheck : public testing::Test {
protected:
  std::string refusal(const DLTensor *tensor) {
    return failureOf(SSD_ERROR_INVALID_ARGUMENT,
                     [&] { checkTensor({"e", &argument}, tensor); });
  }
  void accept(const DLTensor &tensor) {
    try {
      checkTensor({"e", &argument}, &tensor);
    } catch (const Failure &failure) {
      ADD_FAILURE() << failure.message;
    }
  }

  int64_t shape[2] = {-1, 4};
  ssd_argument argument = {"x", SSD_ROLE_INPUT, kF32, 2, shape,
                           0,   kDLCPU,         1,    0};
  Tensor<float> x{{2, 4}};
};

TEST_F(ArgumentCheck, accepts_a_plain_tensor) { accept(x); }

TEST_F(ArgumentCheck, null) {
  EXPECT_CONTAINS(refusal(nullptr), "Entry 'e': argument 'x' is null.");
}

TEST_F(ArgumentCheck, type) {
  x.dtype = kBF16;
  EXPECT_CONTAINS(refusal(&x), "has type bf16; expected f32.");
  x.dtype = {kDLFloat, 32, 2};
  EXPECT_CONTAINS(refusal(&x), "lanes 2");
}

TEST_F(ArgumentCheck, rank) {
  x.ndim = 1;
  EXPECT_CONTAINS(refusal(&x), "has rank 1; expected rank 2, shape [d0, 4].");
  x.ndim = -1;
  EXPECT_CONTAINS(refusal(&x), "has rank -1");
}

TEST_F(ArgumentCheck, null_shape) {
  x.shape = nullptr;
  EXPECT_CONTAINS(refusal(&x), "has a null shape.");
}

TEST_F(ArgumentCheck, static_size) {
  x.sizes[1] = 5;
  EXPECT_CONTAINS(refusal(&x), "has shape [2, 5]; expected [d0, 4].");
}

TEST_F(ArgumentCheck, negative_size) {
  x.sizes[0] = -2;
  EXPECT_CONTAINS(refusal(&x), "the negative size -2 in dimension 0.");
}

TEST_F(ArgumentCheck, device) {
  x.device.device_type = kDLCUDA;
  EXPECT_CONTAINS(refusal(&x), "is on device cuda:0; expected cpu.");
  x.device.device_type = kDLVulkan;
  EXPECT_CONTAINS(refusal(&x), "is on device number 7 of DLPack");
  x.device.device_type = kDLCUDAHost;
  accept(x);
}

TEST_F(ArgumentCheck, null_data) {
  x.data = nullptr;
  EXPECT_CONTAINS(refusal(&x), "has a null data pointer.");
  x.sizes[0] = 0;
  accept(x);
}

TEST_F(ArgumentCheck, alignment) {
  x.byte_offset = 2;
  EXPECT_CONTAINS(refusal(&x), "is not a multiple of 4, the size of f32");
}

TEST_F(ArgumentCheck, strides_of_a_contiguous_tensor) {
  x.setStrides({4, 1});
  accept(x);
  x.setStrides({8, 1});
  EXPECT_CONTAINS(refusal(&x), "has stride 8 in dimension 0, shape [2, 4]; "
                               "expected a C-contiguous tensor.");
}

TEST_F(ArgumentCheck, strides_of_a_strided_argument) {
  argument.strided = 1;
  x.setStrides({8, 1});
  accept(x);
  x.setStrides({0, 1});
  accept(x);
  x.setStrides({4, 2});
  EXPECT_CONTAINS(refusal(&x), "expected a contiguous innermost dimension.");
}

TEST_F(ArgumentCheck, negative_stride) {
  x.setStrides({-4, 1});
  EXPECT_CONTAINS(refusal(&x), "has the negative stride -4 in dimension 0");
  argument.strided = 1;
  EXPECT_CONTAINS(refusal(&x), "has the negative stride -4 in dimension 0");
}

TEST_F(ArgumentCheck, an_output_that_overlaps_itself) {
  argument.strided = 1;
  argument.role = SSD_ROLE_OUTPUT;
  x.setStrides({0, 1});
  EXPECT_CONTAINS(refusal(&x), "makes elements share memory");
}

TEST_F(ArgumentCheck, sizes_0_and_1_make_strides_irrelevant) {
  x.sizes[0] = 1;
  x.setStrides({-77, 1});
  accept(x);
  x.sizes[0] = 0;
  x.setStrides({-77, 3});
  accept(x);
  shape[1] = 1;
  x.sizes = {2, 1};
  x.shape = x.sizes.data();
  x.setStrides({1, 99});
  accept(x);
}

TEST_F(ArgumentCheck, sizes_beyond_32_bits) {
  x.sizes[0] = int64_t(1) << 33;
  accept(x);
  x.setStrides({4, 1});
  accept(x);
}

TEST_F(ArgumentCheck, sizes_beyond_any_memory) {
  x.sizes[0] = int64_t(1) << 60;
  EXPECT_CONTAINS(refusal(&x), "which is larger than any memory.");
}

TEST_F(ArgumentCheck, strides_beyond_any_memory) {
  argument.strided = 1;
  x.setStrides({INT64_MAX / 2, 1});
  EXPECT_CONTAINS(refusal(&x), "spans more memory than there can be");
}

TEST_F(ArgumentCheck, scalar) {
  ssd_argument scalar = {"s", SSD_ROLE_INPUT, kF32, 0, nullptr,
                         0,   kDLCPU,         1,    0};
  Tensor<float> value({}, {1});
  value.shape = nullptr;
  EXPECT_NO_THROW(checkTensor({"e", &scalar}, &value));
}

TEST_F(ArgumentCheck, dynamic_sizes_with_one_number_are_equal) {
  ssd_argument other = argument;
  other.name = "y";
  Tensor<float> y({3, 4});
  DynamicSizes sizes;
  sizes.check({"e", &argument}, x);
  EXPECT_CONTAINS(
      failureOf(SSD_ERROR_INVALID_ARGUMENT,
                [&] { sizes.check({"e", &other}, y); }),
      "argument 'y' has size 3 in dimension 0, but dimension 0 of 'x' has 2");
  sizes.clear();
  EXPECT_NO_THROW(sizes.check({"e", &other}, y));
}

/// Integer ranges, for every type.
template <typename T> class RangeCheck : public testing::Test {};
using Integers = testing::Types<int8_t, int16_t, int32_t, int64_t, uint8_t,
                                uint16_t, uint32_t, uint64_t>;
TYPED_TEST_SUITE(RangeCheck, Integers);

TYPED_TEST(RangeCheck, finds_the_first_value_outside) {
  int64_t shape[] = {-1, -2};
  ssd_argument argument = {
      "ids", SSD_ROLE_INPUT, typeOf<TypeParam>(), 2, shape, 0, kDLCPU, 1, 5};
  Tensor<TypeParam> ids({2, 3}, {1, 2, 3, 4, 5, 1});
  EXPECT_NO_THROW(checkRange({"e", &argument}, ids));
  ids.values[5] = 6;
  EXPECT_CONTAINS(
      failureOf(SSD_ERROR_INVALID_ARGUMENT,
                [&] { checkRange({"e", &argument}, ids); }),
      "argument 'ids' holds 6 at [1, 2]; values must lie in [1, 5].");
  ids.values[0] = 0;
  EXPECT_CONTAINS(failureOf(SSD_ERROR_INVALID_ARGUMENT,
                            [&] { checkRange({"e", &argument}, ids); }),
                  "holds 0 at [0, 0]");
}

TEST(RangeCheck, follows_strides) {
  int64_t shape[] = {-1, -2};
  ssd_argument argument = {"ids", SSD_ROLE_INPUT, kI32, 2, shape,
                           1,     kDLCPU,         0,    5};
  Tensor<int32_t> ids({2, 3}, {1, 2, 99, 4, 5, 99});
  ids.sizes[1] = 2;
  ids.setStrides({3, 1});
  EXPECT_NO_THROW(checkRange({"e", &argument}, ids));
  ids.values[4] = -1;
  EXPECT_CONTAINS(failureOf(SSD_ERROR_INVALID_ARGUMENT,
                            [&] { checkRange({"e", &argument}, ids); }),
                  "holds -1 at [1, 1]");
}

TEST(RangeCheck, unsigned_values_beyond_the_signed_range) {
  int64_t shape[] = {-1};
  ssd_argument argument = {
      "ids", SSD_ROLE_INPUT, typeOf<uint64_t>(), 1, shape, 0, kDLCPU,
      -1,    INT64_MAX};
  Tensor<uint64_t> ids({1}, {UINT64_MAX});
  failureOf(SSD_ERROR_INVALID_ARGUMENT,
            [&] { checkRange({"e", &argument}, ids); });
}

TEST(RangeCheck, scalars_empties_and_unbounded) {
  ssd_argument scalar = {"n", SSD_ROLE_INPUT, kI32, 0, nullptr,
                         0,   kDLCPU,         0,    5};
  Tensor<int32_t> value({}, {6});
  EXPECT_CONTAINS(failureOf(SSD_ERROR_INVALID_ARGUMENT,
                            [&] { checkRange({"e", &scalar}, value); }),
                  "holds 6 at []");
  scalar.max_value = -1;
  EXPECT_NO_THROW(checkRange({"e", &scalar}, value));
  int64_t shape[] = {-1, -2};
  ssd_argument matrix = {"n", SSD_ROLE_INPUT, kI32, 2, shape, 0, kDLCPU, 0, 5};
  Tensor<int32_t> empty({INT64_MAX, 0});
  empty.data = nullptr;
  EXPECT_NO_THROW(checkRange({"e", &matrix}, empty));
}

} // namespace
