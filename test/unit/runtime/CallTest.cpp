//===- CallTest.cpp - Running entries ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/AlignedBuffer.h"
#include "test/unit/runtime/TestSupport.h"

#include <atomic>
#include <thread>

using namespace ssd;
using namespace ssd::test;

namespace {

class Call : public testing::Test {
protected:
  int32_t call(const char *entry, std::vector<const DLTensor *> args,
               ssd_state *state = nullptr, void *workspace = nullptr,
               size_t bytes = 0) {
    return ssd_call(program.get(), context.get(), entry, args.data(),
                    int32_t(args.size()), state, workspace, bytes, nullptr);
  }
  void bindWeight() {
    ASSERT_EQ(ssd_program_bind(program.get(), "layer.weight", &weight), SSD_OK);
  }

  Program program = loadProgram();
  ContextHandle context = makeContext(2);
  Tensor<float> weight{{4}, {1, 2, 3, 4}};
};

TEST_F(Call, runs_an_entry_over_its_parameters) {
  bindWeight();
  Tensor<float> x({3, 4}, std::vector<float>(12, 2)), y({3, 4});
  ASSERT_EQ(call("multiply", {&x, &y}), SSD_OK) << ssd_last_error();
  for (int i = 0; i < 12; ++i)
    EXPECT_EQ(y.values[i], 2 * float(i % 4 + 1));
  EXPECT_STREQ(ssd_last_error(), "");
}

TEST_F(Call, carries_a_state) {
  State state = makeState(program, 2);
  Tensor<int64_t> ids({2}, {3, 4});
  Tensor<float> sum({2});
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(call("accumulate", {&ids, &sum}, state.get()), SSD_OK);
  EXPECT_EQ(sum.values, (std::vector<float>{9, 12}));
}

TEST_F(Call, takes_the_state_of_another_load) {
  State state = makeState(loadProgram(), 1);
  Tensor<int64_t> ids({1}, {3});
  Tensor<float> sum({1});
  EXPECT_EQ(call("accumulate", {&ids, &sum}, state.get()), SSD_OK)
      << ssd_last_error();
}

TEST_F(Call, folds_offsets_and_writes_strides) {
  Tensor<int32_t> x({2, 3}, {99, 1, 2, 99, 3, 4}), y({2, 2});
  x.sizes[1] = 2;
  x.setStrides({3, 1});
  x.byte_offset = 4;
  ASSERT_EQ(call("strided", {&x, &y}), SSD_OK) << ssd_last_error();
  EXPECT_EQ(y.values, (std::vector<int32_t>{1, 2, 3, 4}));
}

TEST_F(Call, empty_tensors) {
  bindWeight();
  Tensor<float> x({0, 4}), y({0, 4});
  x.data = y.data = nullptr;
  EXPECT_EQ(call("multiply", {&x, &y}), SSD_OK) << ssd_last_error();
  Tensor<int32_t> a({3, 0}), b({3, 0});
  a.data = b.data = nullptr;
  EXPECT_EQ(call("strided", {&a, &b}), SSD_OK) << ssd_last_error();
}

TEST_F(Call, uses_a_workspace) {
  Tensor<float> x({5}, {1, 2, 3, 4, 5}), y({5});
  const DLTensor *args[] = {&x, &y};
  size_t bytes = 0;
  ASSERT_EQ(
      ssd_workspace_size(program.get(), "scratch", args, 2, nullptr, &bytes),
      SSD_OK);
  EXPECT_EQ(bytes, 20u);
  AlignedBuffer memory = allocateAligned(64);
  ASSERT_EQ(call("scratch", {&x, &y}, nullptr, memory.get(), 20), SSD_OK);
  EXPECT_EQ(y.values[4], 6);
  EXPECT_FAILS(call("scratch", {&x, &y}, nullptr, memory.get(), 19),
               SSD_ERROR_INVALID_ARGUMENT,
               "needs a workspace of 20 bytes for these arguments; found 19.");
  EXPECT_FAILS(call("scratch", {&x, &y}), SSD_ERROR_INVALID_ARGUMENT,
               "found 0.");
  EXPECT_FAILS(call("scratch", {&x, &y}, nullptr,
                    static_cast<char *>(memory.get()) + 4, 20),
               SSD_ERROR_INVALID_ARGUMENT, "must be aligned to 64 bytes");
}

TEST_F(Call, workspace_size_checks_its_arguments) {
  Tensor<float> x({5}), y({6});
  const DLTensor *args[] = {&x, &y};
  size_t bytes = 0;
  EXPECT_FAILS(
      ssd_workspace_size(program.get(), "scratch", args, 2, nullptr, &bytes),
      SSD_ERROR_INVALID_ARGUMENT, "they must be equal");
  y.sizes[0] = 5;
  EXPECT_FAILS(
      ssd_workspace_size(program.get(), "negative", args, 2, nullptr, &bytes),
      SSD_ERROR_INTERNAL, "a workspace of -8 bytes");
  EXPECT_FAILS(
      ssd_workspace_size(program.get(), "scratch", args, 2, nullptr, nullptr),
      SSD_ERROR_INVALID_ARGUMENT, "null");
}

TEST_F(Call, argument_count) {
  Tensor<float> x({3, 4});
  EXPECT_FAILS(call("multiply", {&x}), SSD_ERROR_INVALID_ARGUMENT,
               "Entry 'multiply' takes 2 inputs and outputs; found 1.");
  EXPECT_FAILS(ssd_call(program.get(), context.get(), "multiply", nullptr, 2,
                        nullptr, nullptr, 0, nullptr),
               SSD_ERROR_INVALID_ARGUMENT, "the argument list is null");
  EXPECT_FAILS(ssd_call(program.get(), context.get(), "multiply", nullptr, -1,
                        nullptr, nullptr, 0, nullptr),
               SSD_ERROR_INVALID_ARGUMENT, "found -1");
}

TEST_F(Call, dynamic_sizes) {
  bindWeight();
  Tensor<float> x({3, 4}), y({2, 4});
  EXPECT_FAILS(call("multiply", {&x, &y}), SSD_ERROR_INVALID_ARGUMENT,
               "argument 'y' has size 2 in dimension 0, but dimension 0 of "
               "'x' has 3; they must be equal.");
}

TEST_F(Call, integer_range) {
  State state = makeState(program, 2);
  Tensor<int64_t> ids({2}, {3, 10});
  Tensor<float> sum({2});
  EXPECT_FAILS(call("accumulate", {&ids, &sum}, state.get()),
               SSD_ERROR_INVALID_ARGUMENT,
               "Entry 'accumulate': argument 'ids' holds 10 at [1]; values "
               "must lie in [0, 9].");
}

TEST_F(Call, takes_state_tensors_in_their_places) {
  Tensor<int64_t> ids({2}, {3, 4});
  Tensor<float> cache({2, 2}, {1, 0, 1, 0}), sum({2});
  ASSERT_EQ(call("accumulate", {&ids, &cache, &sum}), SSD_OK)
      << ssd_last_error();
  EXPECT_EQ(sum.values, (std::vector<float>{4, 5}));
  EXPECT_EQ(cache.values, (std::vector<float>{4, 1, 5, 1}));
  State state = makeState(program, 2);
  EXPECT_FAILS(call("accumulate", {&ids, &cache, &sum}, state.get()),
               SSD_ERROR_INVALID_ARGUMENT,
               "takes 2 inputs and outputs; found 3.");
  cache.setStrides({0, 1});
  EXPECT_FAILS(call("accumulate", {&ids, &cache, &sum}),
               SSD_ERROR_INVALID_ARGUMENT, "argument 'cache' has stride 0");
}

TEST_F(Call, missing_state) {
  Tensor<int64_t> ids({2});
  Tensor<float> sum({2});
  EXPECT_FAILS(call("accumulate", {&ids, &sum}), SSD_ERROR_INVALID_ARGUMENT,
               "needs a state; create one with ssd_state_create()");
}

TEST_F(Call, state_of_another_batch) {
  State state = makeState(program, 3);
  Tensor<int64_t> ids({2});
  Tensor<float> sum({2});
  EXPECT_FAILS(call("accumulate", {&ids, &sum}, state.get()),
               SSD_ERROR_INVALID_ARGUMENT,
               "argument 'cache' has size 3 in dimension 0");
}

TEST_F(Call, state_of_another_program) {
  Program other = loadProgram("other_state");
  State state = makeState(other, 2);
  Tensor<int64_t> ids({2});
  Tensor<float> sum({2});
  EXPECT_FAILS(call("accumulate", {&ids, &sum}, state.get()),
               SSD_ERROR_INVALID_ARGUMENT,
               "the state was made for another program");
}

TEST_F(Call, unbound_parameters) {
  Tensor<float> x({3, 4}), y({3, 4});
  EXPECT_FAILS(call("multiply", {&x, &y}), SSD_ERROR_INVALID_ARGUMENT,
               "1 of 1 parameters are not bound, the first is 'layer.weight'");
  Tensor<uint16_t> bits({6});
  EXPECT_FAILS(call("halves", {&bits}), SSD_ERROR_INVALID_ARGUMENT,
               "2 of 2 parameters are not bound, the first is 'a.bf16'");
}

TEST_F(Call, unknown_entry) {
  EXPECT_FAILS(call("nothing", {}), SSD_ERROR_NOT_FOUND,
               "has no entry 'nothing'");
  EXPECT_FAILS(call(nullptr, {}), SSD_ERROR_INVALID_ARGUMENT, "null");
}

TEST_F(Call, null_program_or_context) {
  EXPECT_FAILS(ssd_call(nullptr, context.get(), "launch", nullptr, 0, nullptr,
                        nullptr, 0, nullptr),
               SSD_ERROR_INVALID_ARGUMENT, "null");
  EXPECT_FAILS(ssd_call(program.get(), nullptr, "launch", nullptr, 0, nullptr,
                        nullptr, 0, nullptr),
               SSD_ERROR_INVALID_ARGUMENT, "null");
}

TEST_F(Call, an_entry_that_fails) {
  EXPECT_FAILS(call("fail_with_message", {}), SSD_ERROR_INVALID_ARGUMENT,
               "Entry 'fail_with_message' failed: The slot 7 is taken.");
  EXPECT_FAILS(call("fail_silently", {}), SSD_ERROR_DRIVER,
               "Entry 'fail_silently' failed: driver error (-9).");
  EXPECT_FAILS(call("fail_positively", {}), SSD_ERROR_INTERNAL,
               "Entry 'fail_positively' failed: unknown status (7).");
}

TEST_F(Call, a_launch_that_the_table_does_not_announce) {
  EXPECT_FAILS(call("launch", {}), SSD_ERROR_CORRUPT,
               "the artifact's table has neither a kernel nor an argument");
}

TEST_F(Call, a_context_serves_one_call_at_a_time) {
  bindWeight();
  std::atomic<int> ok{0}, busy{0};
  auto run = [&] {
    Tensor<float> x({4096, 4}), y({4096, 4});
    for (int i = 0; i < 200; ++i) {
      int32_t status = call("multiply", {&x, &y});
      ok += status == SSD_OK;
      if (status == SSD_OK)
        continue;
      ++busy;
      EXPECT_FAILS(status, SSD_ERROR_INVALID_ARGUMENT,
                   "concurrent calls need a context each");
    }
  };
  std::thread first(run), second(run);
  first.join();
  second.join();
  EXPECT_EQ(ok + busy, 400);
  EXPECT_GT(ok, 0);
}

TEST_F(Call, contexts_run_one_program_concurrently) {
  bindWeight();
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&, caller] {
      ContextHandle own = makeContext(caller % 2 + 1);
      State state = makeState(program, 1);
      Tensor<int64_t> ids({1}, {1});
      Tensor<float> sum({1}), x({64, 4}), y({64, 4});
      std::fill(x.values.begin(), x.values.end(), float(caller));
      const DLTensor *step[] = {&ids, &sum}, *multiply[] = {&x, &y};
      for (int i = 1; i <= 200; ++i) {
        ASSERT_EQ(ssd_call(program.get(), own.get(), "accumulate", step, 2,
                           state.get(), nullptr, 0, nullptr),
                  SSD_OK);
        ASSERT_EQ(sum.values[0], float(i));
        ASSERT_EQ(ssd_call(program.get(), own.get(), "multiply", multiply, 2,
                           nullptr, nullptr, 0, nullptr),
                  SSD_OK);
        ASSERT_EQ(y.values[255], 4 * float(caller));
      }
    });
  for (std::thread &caller : callers)
    caller.join();
}

} // namespace
