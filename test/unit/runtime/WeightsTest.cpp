//===- WeightsTest.cpp - Binding parameters ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Float.h"
#include "runtime/src/Program.h"
#include "runtime/src/Safetensors.h"
#include "test/unit/runtime/TestSupport.h"

#include <cmath>
#include <limits>

using namespace ssd;
using namespace ssd::test;

namespace {

/// The artifact "good" has the parameters layer.weight f32 [4], a.bf16 [3] and
/// b.f16 [3].
class Weights : public testing::Test {
protected:
  using Named = std::vector<std::pair<std::string, const DLTensor *>>;

  std::string store(const Named &tensors,
                    const std::string &name = "model.safetensors") {
    writeSafetensors(folder / name, tensors, {});
    return folder / name;
  }
  int32_t bind(const Named &tensors) {
    return ssd_program_bind_weights(program.get(), store(tensors).c_str());
  }
  const DLTensor &bound(const std::string &name) {
    return program->findParameter(name)->bindings.at(kDLCPU).tensor();
  }

  TemporaryFolder folder;
  Program program = loadProgram();
  Tensor<float> weight{{4}, {1, 2, 3, 4}};
  Tensor<float> a{{3}, {1, 2, 3}}, b{{3}, {4, 5, 6}};
};

TEST_F(Weights, binds_a_file_and_a_folder) {
  EXPECT_FALSE(ssd_program_is_bound(program.get()));
  ASSERT_EQ(bind({{"layer.weight", &weight}, {"a.bf16", &a}, {"b.f16", &b}}),
            SSD_OK)
      << ssd_last_error();
  EXPECT_TRUE(ssd_program_is_bound(program.get()));
  ASSERT_EQ(ssd_program_bind_weights(program.get(), folder.path.c_str()),
            SSD_OK);
  EXPECT_EQ(static_cast<const float *>(bound("layer.weight").data)[3], 4);
}

TEST_F(Weights, converts_floats_once) {
  float infinity = std::numeric_limits<float>::infinity();
  float largest = std::numeric_limits<float>::max(); // overflows in bf16
  a.values = {1.01171875f, largest, std::nanf("")};
  b.values = {65520, 0x1.8p-25f, -infinity};
  ASSERT_EQ(bind({{"layer.weight", &weight}, {"a.bf16", &a}, {"b.f16", &b}}),
            SSD_OK);
  auto *inBf16 = static_cast<const uint16_t *>(bound("a.bf16").data);
  EXPECT_EQ(inBf16[0], 0x3f82);
  EXPECT_EQ(inBf16[1], 0x7f80);
  EXPECT_TRUE(std::isnan(bf16ToFloat(inBf16[2])));
  auto *inF16 = static_cast<const uint16_t *>(bound("b.f16").data);
  EXPECT_EQ(inF16[0], 0x7c00);
  EXPECT_EQ(inF16[1], 0x0001);
  EXPECT_EQ(inF16[2], 0xfc00);
}

TEST_F(Weights, widens_and_crosses_half_types) {
  Tensor<uint16_t> half({4}, {0x3c00, 0x0001, 0xfbff, 0x8000});
  half.dtype = kF16;
  Tensor<uint16_t> crossed({3}, {0x3c00, 0x0001, 0x7bff});
  crossed.dtype = kF16;
  ASSERT_EQ(
      bind({{"layer.weight", &half}, {"a.bf16", &crossed}, {"b.f16", &b}}),
      SSD_OK);
  auto *wide = static_cast<const float *>(bound("layer.weight").data);
  EXPECT_EQ(wide[0], 1);
  EXPECT_EQ(wide[1], 0x1p-24f);
  EXPECT_EQ(wide[2], -65504);
  EXPECT_TRUE(std::signbit(wide[3]));
  auto *inBf16 = static_cast<const uint16_t *>(bound("a.bf16").data);
  EXPECT_EQ(inBf16[1], floatToBf16(0x1p-24f));
  EXPECT_EQ(inBf16[2], floatToBf16(65504));
}

TEST_F(Weights, copies_what_lies_misaligned_in_the_file) {
  Tensor<uint8_t> odd({1}, {9});
  Tensor<float> decoy({4}, {5, 6, 7, 8});
  ASSERT_EQ(bind({{"odd", &odd},
                  {"layer.weight", &decoy},
                  {"a.bf16", &a},
                  {"b.f16", &b}}),
            SSD_OK);
  const DLTensor &tensor = bound("layer.weight");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data) % 4, 0u);
  EXPECT_EQ(static_cast<const float *>(tensor.data)[2], 7);
}

TEST_F(Weights, maps_files_that_are_gone_by_now) {
  std::string path =
      store({{"layer.weight", &weight}, {"a.bf16", &a}, {"b.f16", &b}});
  ASSERT_EQ(ssd_program_bind_weights(program.get(), path.c_str()), SSD_OK);
  std::filesystem::remove(path);
  EXPECT_EQ(static_cast<const float *>(bound("layer.weight").data)[0], 1);
}

TEST_F(Weights, counts_missing_parameters_and_names_them) {
  EXPECT_FAILS(bind({{"a.bf16", &a}}), SSD_ERROR_NOT_FOUND,
               "2 of 3 parameters are missing: 'layer.weight' is missing; "
               "'b.f16' is missing.");
}

TEST_F(Weights, names_a_wrong_shape_with_file_and_both_shapes) {
  Tensor<float> wrong({2, 2});
  EXPECT_FAILS(bind({{"layer.weight", &wrong}, {"a.bf16", &a}, {"b.f16", &b}}),
               SSD_ERROR_INVALID_ARGUMENT,
               "'layer.weight' has shape [2, 2] in '" +
                   (folder / "model.safetensors") + "'; expected [4]");
}

TEST_F(Weights, names_a_wrong_type) {
  Tensor<int32_t> wrong({4});
  EXPECT_FAILS(bind({{"layer.weight", &wrong}, {"a.bf16", &a}, {"b.f16", &b}}),
               SSD_ERROR_INVALID_ARGUMENT, "'layer.weight' has type i32");
  Tensor<double> wide({4});
  EXPECT_FAILS(bind({{"layer.weight", &wide}, {"a.bf16", &a}, {"b.f16", &b}}),
               SSD_ERROR_INVALID_ARGUMENT, "has type f64");
}

TEST_F(Weights, binds_all_or_nothing) {
  Tensor<float> wrong({2});
  bind({{"layer.weight", &weight}, {"a.bf16", &wrong}, {"b.f16", &b}});
  EXPECT_FALSE(program->isBound(*program->findParameter("layer.weight")));
}

TEST_F(Weights, keeps_callers_tensors_that_the_file_lacks) {
  ASSERT_EQ(ssd_program_bind(program.get(), "layer.weight", &weight), SSD_OK);
  ASSERT_EQ(bind({{"a.bf16", &a}, {"b.f16", &b}}), SSD_OK) << ssd_last_error();
  EXPECT_TRUE(ssd_program_is_bound(program.get()));
  EXPECT_EQ(bound("layer.weight").data, weight.data);
}

TEST_F(Weights, passes_on_a_corrupt_file) {
  writeFile(folder / "bad", "this is no safetensors file at all");
  EXPECT_FAILS(
      ssd_program_bind_weights(program.get(), (folder / "bad").c_str()),
      SSD_ERROR_CORRUPT, "bad'");
}

TEST_F(Weights, bind_checks_the_callers_tensor) {
  Tensor<double> wrong({4});
  EXPECT_FAILS(ssd_program_bind(program.get(), "layer.weight", &wrong),
               SSD_ERROR_INVALID_ARGUMENT,
               "Parameter 'layer.weight' has type f64; expected f32");
  EXPECT_FAILS(ssd_program_bind(program.get(), "layer.weight", nullptr),
               SSD_ERROR_INVALID_ARGUMENT, "is null");
  EXPECT_FAILS(ssd_program_bind(program.get(), "layer.bias", &weight),
               SSD_ERROR_NOT_FOUND, "has no parameter 'layer.bias'");
}

TEST_F(Weights, bind_folds_the_offset) {
  Tensor<float> offset({5}, {0, 1, 2, 3, 4});
  offset.sizes[0] = 4;
  offset.byte_offset = 4;
  ASSERT_EQ(ssd_program_bind(program.get(), "layer.weight", &offset), SSD_OK);
  EXPECT_EQ(static_cast<const float *>(bound("layer.weight").data)[0], 1);
}

TEST_F(Weights, refuses_nulls) {
  EXPECT_FAILS(ssd_program_bind_weights(nullptr, "x"),
               SSD_ERROR_INVALID_ARGUMENT, "null");
  EXPECT_FAILS(ssd_program_bind_weights(program.get(), nullptr),
               SSD_ERROR_INVALID_ARGUMENT, "null");
  EXPECT_FAILS(ssd_program_bind(program.get(), nullptr, &weight),
               SSD_ERROR_INVALID_ARGUMENT, "null");
  EXPECT_FALSE(ssd_program_is_bound(nullptr));
}

} // namespace
