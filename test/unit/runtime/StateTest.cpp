//===- StateTest.cpp - States in memory and on disk ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Safetensors.h"
#include "test/unit/runtime/TestSupport.h"

#include <cstring>
#include <thread>

using namespace ssd;
using namespace ssd::test;

namespace {

/// The artifact "good" has one state: cache f32 [batch, 2].
class StateTest : public testing::Test {
protected:
  int32_t load(const std::string &path) {
    ssd_state *loaded = nullptr;
    int32_t status = ssd_state_load(program.get(), path.c_str(), &loaded);
    State(loaded).swap(state);
    return status;
  }
  static float *values(const State &state) {
    return static_cast<float *>(ssd_state_tensor(state.get(), 0)->data);
  }

  TemporaryFolder folder;
  Program program = loadProgram();
  State state;
};

TEST_F(StateTest, is_zero_and_aligned) {
  state = makeState(program, 3);
  EXPECT_EQ(ssd_state_batch(state.get()), 3);
  ASSERT_EQ(ssd_state_count(state.get()), 1);
  EXPECT_STREQ(ssd_state_name(state.get(), 0), "cache");
  const DLTensor *tensor = ssd_state_tensor(state.get(), 0);
  EXPECT_EQ(shapeString(tensor->shape, tensor->ndim), "[3, 2]");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor->data) % 64, 0u);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(values(state)[i], 0);
}

TEST_F(StateTest, may_be_of_no_sequences) {
  state = makeState(program, 0);
  EXPECT_EQ(ssd_state_batch(state.get()), 0);
  EXPECT_EQ(ssd_state_save(state.get(), (folder / "s").c_str()), SSD_OK);
  ASSERT_EQ(load(folder / "s"), SSD_OK) << ssd_last_error();
  EXPECT_EQ(ssd_state_batch(state.get()), 0);
}

TEST_F(StateTest, refuses_odd_batches) {
  ssd_state *made = nullptr;
  EXPECT_FAILS(ssd_state_create(program.get(), -1, &made),
               SSD_ERROR_INVALID_ARGUMENT, "found -1");
  EXPECT_FAILS(ssd_state_create(program.get(), INT64_MAX, &made),
               SSD_ERROR_INVALID_ARGUMENT, "larger than any memory");
}

TEST_F(StateTest, copies_are_independent) {
  state = makeState(program, 2);
  values(state)[3] = 5;
  ssd_state *made = nullptr;
  ASSERT_EQ(ssd_state_copy(state.get(), &made), SSD_OK);
  State copy(made);
  ASSERT_EQ(ssd_state_zero(state.get()), SSD_OK);
  EXPECT_EQ(values(state)[3], 0);
  EXPECT_EQ(values(copy)[3], 5);
}

TEST_F(StateTest, outlives_its_program) {
  state = makeState(program, 2);
  program.reset();
  EXPECT_STREQ(ssd_state_name(state.get(), 0), "cache");
  EXPECT_EQ(ssd_state_save(state.get(), (folder / "s").c_str()), SSD_OK);
}

TEST_F(StateTest, saves_and_loads) {
  state = makeState(program, 2);
  for (int i = 0; i < 4; ++i)
    values(state)[i] = float(i) + 0.5f;
  ASSERT_EQ(ssd_state_save(state.get(), (folder / "s").c_str()), SSD_OK);
  ASSERT_EQ(load(folder / "s"), SSD_OK) << ssd_last_error();
  EXPECT_EQ(ssd_state_batch(state.get()), 2);
  EXPECT_EQ(values(state)[3], 3.5f);
}

TEST_F(StateTest, refuses_every_corruption_of_the_length) {
  state = makeState(program, 2);
  ASSERT_EQ(ssd_state_save(state.get(), (folder / "s").c_str()), SSD_OK);
  std::string whole = readFile(folder / "s");
  for (size_t size = 0; size < whole.size(); size += 7) {
    writeFile(folder / "s", whole.substr(0, size));
    EXPECT_EQ(load(folder / "s"), SSD_ERROR_CORRUPT);
  }
  writeFile(folder / "s", whole + "x");
  EXPECT_EQ(load(folder / "s"), SSD_ERROR_CORRUPT);
}

TEST_F(StateTest, names_what_differs_from_the_program) {
  Tensor<float> good({2, 2}), wide({2, 3}), flat({4});
  Tensor<int32_t> integers({2, 2});
  auto loadWith = [&](const std::string &name, const DLTensor *tensor) {
    writeSafetensors(folder / "s", {{name, tensor}}, {});
    return load(folder / "s");
  };
  EXPECT_EQ(loadWith("cache", &good), SSD_OK);
  EXPECT_FAILS(loadWith("other", &good), SSD_ERROR_INVALID_ARGUMENT,
               "lacks the state 'cache'");
  EXPECT_FAILS(loadWith("cache", &wide), SSD_ERROR_INVALID_ARGUMENT,
               "'cache' with shape [2, 3]; expected [2, 2].");
  EXPECT_FAILS(loadWith("cache", &flat), SSD_ERROR_INVALID_ARGUMENT,
               "'cache' with shape [4]; expected [batch, 2].");
  EXPECT_FAILS(loadWith("cache", &integers), SSD_ERROR_INVALID_ARGUMENT,
               "'cache' with type i32; expected f32.");
  writeSafetensors(folder / "s", {{"cache", &good}, {"more", &good}}, {});
  EXPECT_FAILS(load(folder / "s"), SSD_ERROR_INVALID_ARGUMENT,
               "holds 2 tensors; the program has 1 states");
}

TEST_F(StateTest, a_failed_save_keeps_the_old_file) {
  state = makeState(program, 1);
  EXPECT_FAILS(ssd_state_save(state.get(), "/nowhere/state"),
               SSD_ERROR_NOT_FOUND, "/nowhere/state");
  // A folder in the way fails the rename, after all was written.
  std::filesystem::create_directory(folder / "taken");
  EXPECT_FAILS(ssd_state_save(state.get(), (folder / "taken").c_str()),
               SSD_ERROR_IO, "taken");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path),
                          std::filesystem::directory_iterator()),
            1);
}

TEST_F(StateTest, savers_of_one_path_do_not_mix) {
  std::string path = folder / "s";
  State ones = makeState(program, 4096), twos = makeState(program, 4096);
  std::fill_n(values(ones), 8192, 1.0f);
  std::fill_n(values(twos), 8192, 2.0f);
  ASSERT_EQ(ssd_state_save(ones.get(), path.c_str()), SSD_OK);
  auto saveOften = [&](const State &state) {
    for (int i = 0; i < 20; ++i)
      EXPECT_EQ(ssd_state_save(state.get(), path.c_str()), SSD_OK);
  };
  std::thread first([&] { saveOften(ones); });
  std::thread second([&] { saveOften(twos); });
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(load(path), SSD_OK) << ssd_last_error();
    for (int j = 1; j < 8192; ++j)
      ASSERT_EQ(values(state)[j], values(state)[0]);
  }
  first.join();
  second.join();
}

TEST_F(StateTest, refuses_nulls_and_odd_indices) {
  ssd_state *made = nullptr;
  EXPECT_FAILS(ssd_state_create(nullptr, 1, &made), SSD_ERROR_INVALID_ARGUMENT,
               "null");
  EXPECT_FAILS(ssd_state_copy(nullptr, &made), SSD_ERROR_INVALID_ARGUMENT,
               "null");
  EXPECT_FAILS(ssd_state_save(nullptr, "x"), SSD_ERROR_INVALID_ARGUMENT,
               "null");
  EXPECT_FAILS(ssd_state_load(program.get(), nullptr, &made),
               SSD_ERROR_INVALID_ARGUMENT, "null");
  state = makeState(program, 1);
  EXPECT_EQ(ssd_state_tensor(state.get(), 1), nullptr);
  EXPECT_CONTAINS(ssd_last_error(), "no state tensor 1; the state has 1");
  EXPECT_EQ(ssd_state_name(state.get(), -1), nullptr);
  EXPECT_EQ(ssd_state_batch(nullptr), 0);
  EXPECT_EQ(ssd_state_count(nullptr), 0);
  EXPECT_FAILS(ssd_state_zero(nullptr), SSD_ERROR_INVALID_ARGUMENT, "null");
  ssd_state_destroy(nullptr);
}

} // namespace
