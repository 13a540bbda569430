//===- DevicesTest.cpp - One program for the CPU and for GPUs ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Safetensors.h"
#include "test/unit/runtime/FakeDriver.h"

#include <nlohmann/json.hpp>

using namespace ssd;
using namespace ssd::test;

namespace {

/// The artifact "both": entry "scale" for both, "on_cpu" for the CPU.
class Devices : public OnFakeDriver {
protected:
  void load() { program = loadProgram("both"); }
  int32_t bindWeights() {
    writeSafetensors(folder / "w.safetensors", {{"weight", &weight}}, {});
    return ssd_program_bind_weights(program.get(),
                                    (folder / "w.safetensors").c_str());
  }
  State stateOn(int32_t device) {
    ssd_state *state = nullptr;
    EXPECT_EQ(ssd_state_create_on(program.get(), device, 2, &state), SSD_OK)
        << ssd_last_error();
    return State(state);
  }
  size_t workspaceSize(std::vector<const DLTensor *> args) {
    size_t bytes = 0;
    EXPECT_EQ(ssd_workspace_size(program.get(), "scale", args.data(),
                                 int32_t(args.size()), nullptr, &bytes),
              SSD_OK)
        << ssd_last_error();
    return bytes;
  }
  void moveAllToGpu() {
    moveToGpu(x);
    moveToGpu(y);
    moveToGpu(calls);
  }
  void expectRanOnCpu() {
    EXPECT_EQ(y.values, (std::vector<float>{2, 4, 6, 8, 2, 2, 2, 2}));
  }
  void expectRanOnGpu() {
    EXPECT_EQ(count("launch scale"), 1);
    EXPECT_EQ(y.values, x.values);
  }

  Tensor<float> weight{{4}, {2, 2, 2, 2}}, calls{{2}};
  Tensor<float> x{{2, 4}, {1, 2, 3, 4, 1, 1, 1, 1}}, y{{2, 4}};
};

TEST_F(Devices, a_call_runs_where_its_tensors_are) {
  load();
  ASSERT_EQ(bindWeights(), SSD_OK) << ssd_last_error();
  EXPECT_EQ(workspaceSize({&x, &calls, &y}), 0u);
  takeLog();
  ASSERT_EQ(call("scale", {&x, &calls, &y}), SSD_OK) << ssd_last_error();
  EXPECT_TRUE(takeLog().empty());
  expectRanOnCpu();
  moveAllToGpu();
  EXPECT_EQ(workspaceSize({&x, &calls, &y}), 200u);
  ASSERT_EQ(call("scale", {&x, &calls, &y}), SSD_OK) << ssd_last_error();
  expectRanOnGpu();
}

TEST_F(Devices, memory_that_both_see_is_the_cpu_s) {
  load();
  ASSERT_EQ(bindWeights(), SSD_OK) << ssd_last_error();
  x.device.device_type = y.device.device_type = kDLCUDAHost;
  calls.device.device_type = kDLCUDAManaged;
  ASSERT_EQ(call("scale", {&x, &calls, &y}), SSD_OK) << ssd_last_error();
  expectRanOnCpu();
  moveToGpu(calls);
  ASSERT_EQ(call("scale", {&x, &calls, &y}), SSD_OK) << ssd_last_error();
  expectRanOnGpu();
}

TEST_F(Devices, all_tensors_are_on_one) {
  load();
  ASSERT_EQ(bindWeights(), SSD_OK) << ssd_last_error();
  moveToGpu(y);
  EXPECT_FAILS(call("scale", {&x, &calls, &y}), SSD_ERROR_INVALID_ARGUMENT,
               "argument 'x' is on device cpu; expected cuda.");
  moveAllToGpu();
  EXPECT_FAILS(call("on_cpu", {&x, &calls, &y}), SSD_ERROR_INVALID_ARGUMENT,
               "argument 'x' is on device cuda:0; expected cpu.");
  EXPECT_FAILS(call("scale", {nullptr, &calls, nullptr}),
               SSD_ERROR_INVALID_ARGUMENT, "argument 'x' is null.");
  EXPECT_FAILS(call("scale", {}), SSD_ERROR_INVALID_ARGUMENT,
               "takes 3 inputs and outputs; found 0.");
}

TEST_F(Devices, states) {
  load();
  ASSERT_EQ(bindWeights(), SSD_OK) << ssd_last_error();
  State onCpu = makeState(program, 2), onGpu = stateOn(kDLCUDA);
  EXPECT_EQ(ssd_state_tensor(onCpu.get(), 0)->device.device_type, kDLCPU);
  EXPECT_EQ(ssd_state_tensor(onGpu.get(), 0)->device.device_type, kDLCUDA);
  ASSERT_EQ(call("scale", {&x, &y}, onCpu.get()), SSD_OK) << ssd_last_error();
  EXPECT_EQ(*static_cast<float *>(ssd_state_tensor(onCpu.get(), 0)->data), 1);
  EXPECT_FAILS(call("scale", {&x, &y}, onGpu.get()), SSD_ERROR_INVALID_ARGUMENT,
               "argument 'x' is on device cpu; expected cuda.");
  moveAllToGpu();
  ASSERT_EQ(call("scale", {&x, &y}, onGpu.get()), SSD_OK) << ssd_last_error();
  EXPECT_FAILS(call("scale", {&x, &y}, onCpu.get()), SSD_ERROR_INVALID_ARGUMENT,
               "the state is on cpu; expected cuda");
  // A file is for either.
  ASSERT_EQ(ssd_state_save(onCpu.get(), (folder / "s").c_str()), SSD_OK);
  ssd_state *made = nullptr;
  ASSERT_EQ(
      ssd_state_load_on(program.get(), kDLCUDA, (folder / "s").c_str(), &made),
      SSD_OK)
      << ssd_last_error();
  State loaded(made);
  EXPECT_EQ(ssd_state_tensor(made, 0)->device.device_type, kDLCUDA);
  EXPECT_EQ(*static_cast<float *>(ssd_state_tensor(made, 0)->data), 1);
  EXPECT_FAILS(ssd_state_create_on(program.get(), kDLVulkan, 2, &made),
               SSD_ERROR_INVALID_ARGUMENT, "A device is kDLCPU (1)");
}

TEST_F(Devices, parameters_are_bound_for_each) {
  load();
  ASSERT_EQ(ssd_program_bind(program.get(), "weight", &weight), SSD_OK);
  EXPECT_FALSE(ssd_program_is_bound(program.get()));
  ASSERT_EQ(call("scale", {&x, &calls, &y}), SSD_OK) << ssd_last_error();
  moveAllToGpu();
  EXPECT_FAILS(call("scale", {&x, &calls, &y}), SSD_ERROR_INVALID_ARGUMENT,
               "1 of 1 parameters are not bound, the first is 'weight'");
  moveToGpu(weight);
  ASSERT_EQ(ssd_program_bind(program.get(), "weight", &weight), SSD_OK);
  EXPECT_TRUE(ssd_program_is_bound(program.get()));
  EXPECT_EQ(call("scale", {&x, &calls, &y}), SSD_OK) << ssd_last_error();
}

TEST_F(Devices, without_a_driver_the_cpu_s_part_is_there) {
  DriverPath nowhere("/nowhere/libcuda.so");
  load();
  ASSERT_EQ(bindWeights(), SSD_OK) << ssd_last_error();
  EXPECT_TRUE(ssd_program_is_bound(program.get()));
  State state = makeState(program, 2);
  ASSERT_EQ(call("scale", {&x, &y}, state.get()), SSD_OK) << ssd_last_error();
  expectRanOnCpu();
  const char *reason = "This needs an NVIDIA GPU, but its driver can't be "
                       "loaded: /nowhere/libcuda.so";
  moveAllToGpu();
  EXPECT_FAILS(call("scale", {&x, &calls, &y}), SSD_ERROR_NO_DEVICE, reason);
  ssd_state *made = nullptr;
  EXPECT_FAILS(ssd_state_create_on(program.get(), kDLCUDA, 2, &made),
               SSD_ERROR_NO_DEVICE, reason);
}

TEST_F(Devices, only_a_gpu_in_use_gets_a_context) {
  fake.devices.resize(2);
  load();
  EXPECT_EQ(count("retain"), 0);
  ASSERT_EQ(bindWeights(), SSD_OK) << ssd_last_error();
  moveAllToGpu();
  ASSERT_EQ(call("scale", {&x, &calls, &y}), SSD_OK) << ssd_last_error();
  EXPECT_EQ(count("prepare scale on 0"), 1) << "by the first call";
  takeLog();
  fake.devices[1].active = true;
  load();
  EXPECT_EQ(count("prepare scale on 0"), 1);
  EXPECT_EQ(count("prepare scale on 1"), 1);
}

TEST_F(Devices, entries) {
  load();
  const ssd_entry *scale = ssd_program_entry(program.get(), "scale");
  EXPECT_EQ(scale, ssd_program_entry_on(program.get(), "scale", kDLCPU));
  scale = ssd_program_entry_on(program.get(), "scale", kDLCUDA);
  ASSERT_TRUE(scale);
  EXPECT_EQ(scale->args[0].device, kDLCUDA);
  EXPECT_FALSE(ssd_program_entry_on(program.get(), "on_cpu", kDLCUDA));
  EXPECT_CONTAINS(ssd_last_error(), "has entry 'on_cpu' for the CPU only.");
  EXPECT_FALSE(ssd_program_entry_on(program.get(), "other", kDLCPU));
  EXPECT_CONTAINS(ssd_last_error(), "Its entries: 'scale', 'on_cpu'.");
  auto json = nlohmann::json::parse(ssd_program_describe(program.get()));
  EXPECT_EQ(json["entries"][0]["device"], "cpu");
  EXPECT_EQ(json["entries"][2]["device"], "cuda");
}

TEST(OneDevice, a_program_for_the_cpu_makes_no_state_on_a_gpu) {
  Program program = loadProgram("good");
  ssd_state *state = nullptr;
  EXPECT_FAILS(ssd_state_create_on(program.get(), kDLCUDA, 1, &state),
               SSD_ERROR_NO_DEVICE, "has no code for GPUs");
}

} // namespace
