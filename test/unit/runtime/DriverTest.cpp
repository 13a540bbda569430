//===- DriverTest.cpp - Programs on a GPU that isn't there ------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/DriverKernels.h"
#include "runtime/src/Safetensors.h"
#include "test/unit/runtime/FakeDriver.h"

#include <nlohmann/json.hpp>

using namespace ssd;
using namespace ssd::test;

namespace {

/// The artifact "gpu".
class Gpu : public OnFakeDriver {
protected:
  void load() {
    program = loadProgram("gpu");
    moveToGpu(weight);
    ASSERT_EQ(ssd_program_bind(program.get(), "weight", &weight), SSD_OK)
        << ssd_last_error();
  }
  /// The entry with one of everything, on `ordinal`.
  int32_t run(int32_t ordinal = 0, uintptr_t stream = 7) {
    moveToGpu(x, ordinal);
    moveToGpu(y, ordinal);
    return call("run", {&x, &y}, state.get(), stream);
  }

  State state;
  Tensor<float> weight{{4}}, x{{3, 4}, {1, 2, 3}}, y{{3, 4}}, cube{{1, 1, 4}};
};

//===----------------------------------------------------------------------===//
// Choosing code
//===----------------------------------------------------------------------===//

struct Choice {
  int major, minor;
  const char *scale, *onlyHopper; // the images' targets, or nothing
};

class Images : public testing::TestWithParam<Choice> {};
INSTANTIATE_TEST_SUITE_P(
    Driver, Images,
    testing::Values(Choice{9, 0, "sm_90a", "ptx"}, Choice{8, 0, "sm_80", ""},
                    Choice{8, 6, "ptx", ""}, Choice{8, 9, "ptx", ""},
                    Choice{10, 0, "ptx", ""}, Choice{12, 1, "ptx", ""},
                    Choice{7, 5, "", ""}));

TEST_P(Images, by_compute_capability) {
  Program program = loadProgram("gpu");
  const ssd_artifact &table = *ssd_program_artifact(program.get());
  Device device = {};
  device.major = GetParam().major;
  device.minor = GetParam().minor;
  device.maxSharedBytes = 100000;
  auto chosen = [&](int kernel) -> std::string {
    const ssd_kernel_image *image = chooseImage(table.kernels[kernel], device);
    return image ? image->target : "";
  };
  EXPECT_EQ(chosen(0), GetParam().scale);
  EXPECT_EQ(chosen(1), GetParam().onlyHopper);
  EXPECT_EQ(chosen(2), "") << "needs 200000 bytes of shared memory";
}

TEST(Images, of_families) {
  ssd_kernel_image image = {"ptx", ".target sm_100f, debug", 23};
  ssd_kernel kernel = {"k", {1, 1, 1}, {1, 1, 1}, 0, 1, &image};
  auto fits = [&](int major, int minor) {
    Device device = {};
    device.major = major;
    device.minor = minor;
    return chooseImage(kernel, device) != nullptr;
  };
  EXPECT_TRUE(fits(10, 0));
  EXPECT_TRUE(fits(10, 3));
  EXPECT_FALSE(fits(9, 0));
  EXPECT_FALSE(fits(12, 0));
  image.data = "no directive at all...";
  EXPECT_FALSE(fits(10, 0));
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

TEST_F(Gpu, loading_prepares_every_kernel) {
  load();
  EXPECT_EQ(takeLog(),
            (std::vector<std::string>{
                "retain 0", "push 0", "load cubin 90a", "prepare scale on 0",
                "scale attribute 8 = 50000", "load .version 8.6",
                "prepare only_hopper on 0", "only_hopper attribute 8 = 0",
                "prepare wide on 0", "wide attribute 8 = 200000",
                "wide attribute 14 = 1"}));
  program.reset();
  EXPECT_EQ(count("unload"), 2) << "of two images";
}

TEST_F(Gpu, loading_prepares_the_devices_in_use) {
  fake.devices.resize(3);
  fake.devices[1].active = fake.devices[2].active = true;
  load();
  EXPECT_EQ(count("retain 0"), 0) << "nobody uses this one";
  EXPECT_EQ(count("prepare scale on 1"), 1);
  EXPECT_EQ(count("prepare scale on 2"), 1);
  EXPECT_EQ(count("load cubin"), 1) << "devices share code";
}

TEST_F(Gpu, another_device_is_prepared_by_its_first_call) {
  fake.devices.resize(2);
  load();
  moveToGpu(cube, 1);
  fake.capturing = 1;
  EXPECT_FAILS(call("maps", {&cube}), SSD_ERROR_INVALID_ARGUMENT,
               "The first call on GPU 1 (Fake H200, compute capability 9.0) "
               "loads the kernels there, which can't be captured in a graph");
  fake.capturing = 0;
  ASSERT_EQ(call("maps", {&cube}), SSD_OK) << ssd_last_error();
  EXPECT_EQ(count("prepare scale on 1"), 1);
  fake.capturing = 1;
  EXPECT_EQ(call("maps", {&cube}), SSD_OK) << ssd_last_error();
  moveToGpu(cube, 2);
  EXPECT_FAILS(call("maps", {&cube}), SSD_ERROR_NO_DEVICE,
               "There is no GPU 2; the driver finds 2.");
}

TEST_F(Gpu, is_described) {
  load();
  auto json = nlohmann::json::parse(ssd_program_describe(program.get()));
  EXPECT_EQ(json["kernels"][0]["images"][1]["target"], "sm_90a");
  EXPECT_EQ(json["entries"][0]["device"], "cuda");
  EXPECT_EQ(json["entries"][0]["arguments"][0]["device"], "cuda");
  EXPECT_FALSE(json["entries"][1]["arguments"][0].contains("device"));
}

/// Everything but a description fails with the reason.
void expectUnusable(int32_t status, const char *reason) {
  Program program = loadProgram("gpu");
  ContextHandle context = makeContext();
  EXPECT_NE(std::string(ssd_program_describe(program.get())).find("sm_90a"),
            std::string::npos);
  EXPECT_FAILS(ssd_call(program.get(), context.get(), "maps", nullptr, 0,
                        nullptr, nullptr, 0, nullptr),
               status, reason);
  ssd_state *state = nullptr;
  EXPECT_FAILS(ssd_state_create(program.get(), 1, &state), status, reason);
}

TEST_F(Gpu, no_driver) {
  DriverPath nowhere("/nowhere/libcuda.so");
  expectUnusable(SSD_ERROR_NO_DEVICE,
                 "This needs an NVIDIA GPU, but its driver can't be loaded: "
                 "/nowhere/libcuda.so: cannot open shared object file");
  // A machine without a driver still tells how much memory a call needs.
  program = loadProgram("gpu");
  moveToGpu(weight);
  ASSERT_EQ(ssd_program_bind(program.get(), "weight", &weight), SSD_OK);
  moveToGpu(cube);
  const DLTensor *args[] = {&cube};
  size_t bytes = 1;
  ASSERT_EQ(ssd_workspace_size(program.get(), "maps", args, 1, nullptr, &bytes),
            SSD_OK)
      << ssd_last_error();
  EXPECT_EQ(bytes, 0u);
}

TEST_F(Gpu, a_driver_that_is_too_old) {
  DriverPath other(artifactPath("good"));
  expectUnusable(SSD_ERROR_NO_DEVICE, "Update the driver to 550");
}

TEST_F(Gpu, no_device) {
  fake.devices.clear();
  expectUnusable(SSD_ERROR_NO_DEVICE, "its driver finds no device");
  fake.failures["cuInit"] = 100;
  expectUnusable(SSD_ERROR_NO_DEVICE, "its driver finds no device");
  fake.failures["cuInit"] = 999;
  expectUnusable(SSD_ERROR_NO_DEVICE,
                 "its driver does not start: CUDA_ERROR_OTHER (in words).");
  fake = FakeCuda();
  load(); // tries again
  moveToGpu(cube);
  EXPECT_EQ(call("maps", {&cube}), SSD_OK) << ssd_last_error();
}

TEST_F(Gpu, code_that_does_not_load) {
  fake.devices[0].minor = 9;
  fake.devices[0].major = 8;
  fake.failures["cuLibraryLoadData"] = 218;
  expectUnusable(SSD_ERROR_DRIVER,
                 "Loading kernel 'scale' (ptx; ptxas: line 3) failed: "
                 "CUDA_ERROR_OTHER (in words).");
}

TEST_F(Gpu, shared_memory_that_is_refused) {
  fake.failures["cuFuncSetAttribute"] = 1;
  expectUnusable(SSD_ERROR_DRIVER,
                 "Reserving shared memory of kernel 'scale' (sm_90a) on GPU 0");
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

TEST_F(Gpu, a_call) {
  load();
  state = makeState(program, 3);
  takeLog();
  ASSERT_EQ(run(), SSD_OK) << ssd_last_error();
  EXPECT_EQ(
      takeLog(),
      (std::vector<std::string>{
          "push 0",
          "map type 7 base set sizes 4,3 strides 16 box 4,1 steps 1,1 0330",
          "clear 48 stream 7", "copy 48 stream 7",
          "launch only_hopper grid 132,1,1 block 64,1,1 cluster 4,1,1 shared "
          "16 stream 7 first 42 on 0",
          "launch scale grid 3,1,1 block 128,2,1 shared 50000 stream 7 first "
          "42 on 0"}));
  EXPECT_EQ(y.values, x.values);
}

TEST_F(Gpu, a_call_uses_the_thread_s_context_if_it_is_the_right_one) {
  load();
  state = makeState(program, 3);
  DeviceScope scope(Driver::get().device(0));
  takeLog();
  ASSERT_EQ(run(), SSD_OK) << ssd_last_error();
  EXPECT_EQ(count("push"), 0);
}

TEST_F(Gpu, a_device_without_the_better_kernel) {
  fake.devices[0].major = 8;
  load();
  state = makeState(program, 3);
  ASSERT_EQ(run(), SSD_OK) << ssd_last_error();
  EXPECT_EQ(count("launch only_hopper"), 0);
  EXPECT_EQ(count("launch scale"), 1);
}

TEST_F(Gpu, no_blocks_are_no_launch) {
  load();
  Tensor<int64_t> blocks({1}, {0});
  takeLog();
  ASSERT_EQ(call("launch_wide", {&blocks, &weight}), SSD_OK)
      << ssd_last_error();
  EXPECT_EQ(count("launch"), 0);
  blocks.values[0] = 2;
  ASSERT_EQ(call("launch_wide", {&blocks, &weight}), SSD_OK)
      << ssd_last_error();
  EXPECT_EQ(count("launch wide grid 2,1,1 block 32,1,1 cluster 16,1,1"), 1);
  blocks.values[0] = -1;
  EXPECT_FAILS(call("launch_wide", {&blocks, &weight}),
               SSD_ERROR_INVALID_ARGUMENT,
               "Kernel 'wide' can't be launched in -1 blocks.");
}

TEST_F(Gpu, a_kernel_that_does_not_fit_the_device) {
  fake.devices[0].sharedBytes = 101376;
  load();
  Tensor<int64_t> blocks({1}, {1});
  EXPECT_FAILS(
      call("launch_wide", {&blocks, &weight}), SSD_ERROR_NO_DEVICE,
      "Kernel 'wide' can't run on GPU 0 (Fake H200, compute "
      "capability 9.0): it is compiled for ptx, sm_90a, sm_80 and "
      "takes up to 200000 bytes of shared memory; the GPU has 101376.");
}

TEST_F(Gpu, maps_of_dimensions_of_one_and_of_nothing) {
  load();
  moveToGpu(cube);
  cube.setStrides({3, 1, 1}); // 12 and 4 bytes: illegal, but for one element
  takeLog();
  ASSERT_EQ(call("maps", {&cube}), SSD_OK) << ssd_last_error();
  EXPECT_EQ(count("sizes 4,1,1 strides 16,16 box 4,1,1"), 1);
  cube.sizes[1] = 0;
  takeLog();
  ASSERT_EQ(call("maps", {&cube}), SSD_OK) << ssd_last_error();
  EXPECT_EQ(count("map"), 0);
}

TEST_F(Gpu, the_first_failure_ends_the_work_of_a_call) {
  load();
  state = makeState(program, 3);
  takeLog();
  fake.failures["cuTensorMapEncodeTiled"] = 1;
  EXPECT_FAILS(run(), SSD_ERROR_DRIVER,
               "Entry 'run' failed: Describing a tensor of f32 with shape [3, "
               "4] and strides [4, 1] to the GPU's copy engine failed: ");
  EXPECT_EQ(count("clear") + count("copy") + count("launch"), 0);
  fake.failures = {{"cuMemsetD8Async", 1}};
  EXPECT_FAILS(run(), SSD_ERROR_DRIVER, "Clearing 48 bytes of GPU memory");
  fake.failures = {{"cuMemcpyDtoDAsync_v2", 1}};
  EXPECT_FAILS(run(), SSD_ERROR_DRIVER, "Copying 48 bytes of GPU memory");
  EXPECT_EQ(count("launch"), 0);
  fake.failures.clear();
  EXPECT_EQ(run(), SSD_OK) << "the process stays usable";
}

TEST_F(Gpu, faults_of_kernels) {
  load();
  state = makeState(program, 3);
  fake.failures["cuLaunchKernelEx"] = 700;
  EXPECT_FAILS(run(), SSD_ERROR_DRIVER,
               "Launching kernel 'only_hopper' in 132 blocks with 16 bytes of "
               "shared memory failed: CUDA_ERROR_ILLEGAL_ADDRESS (in words). A "
               "kernel that ran earlier, of this program or another, faulted;");
  EXPECT_EQ(count("launch scale"), 0);
}

TEST_F(Gpu, a_stream_of_another_device) {
  load();
  state = makeState(program, 3);
  fake.failures["cuLaunchKernelEx"] = 400;
  EXPECT_FAILS(run(0, kForeignStream), SSD_ERROR_DRIVER,
               "in a stream that does not belong to the primary context of "
               "the tensors' device, GPU 0");
}

TEST_F(Gpu, memory_that_is_exhausted) {
  load();
  fake.failures["cuMemAlloc_v2"] = 2;
  ssd_state *made = nullptr;
  EXPECT_FAILS(ssd_state_create(program.get(), 5, &made),
               SSD_ERROR_OUT_OF_MEMORY, "Allocating 64 bytes on GPU 0");
}

TEST_F(Gpu, devices_of_arguments) {
  fake.devices.resize(2);
  load();
  state = makeState(program, 3);
  moveToGpu(x);
  EXPECT_FAILS(call("run", {&x, &y}, state.get()), SSD_ERROR_INVALID_ARGUMENT,
               "argument 'y' is on device cpu; expected cuda.");
  moveToGpu(y, 1);
  EXPECT_FAILS(call("run", {&x, &y}, state.get()), SSD_ERROR_INVALID_ARGUMENT,
               "argument 'y' is on device cuda:1, but 'x' is on cuda:0; all "
               "tensors of a call must be on one device.");
  EXPECT_FAILS(run(1), SSD_ERROR_INVALID_ARGUMENT,
               "argument 'cache' is on device cuda:0, but 'x' is on cuda:1;");
  Tensor<int64_t> blocks({1}, {1});
  moveToGpu(blocks);
  EXPECT_FAILS(call("launch_wide", {&blocks, &weight}),
               SSD_ERROR_INVALID_ARGUMENT,
               "argument 'blocks' is on device cuda:0; expected cpu.");
  Tensor<float> onCpu({4});
  EXPECT_FAILS(ssd_program_bind(program.get(), "weight", &onCpu),
               SSD_ERROR_INVALID_ARGUMENT, "is on device cpu; expected cuda.");
}

TEST_F(Gpu, layouts_of_arguments) {
  load();
  state = makeState(program, 3);
  x.setStrides({-4, 1});
  EXPECT_FAILS(run(), SSD_ERROR_INVALID_ARGUMENT, "the negative stride -4");
  x.setStrides({4, 1});
  x.byte_offset = 2;
  EXPECT_FAILS(run(), SSD_ERROR_INVALID_ARGUMENT,
               "begins at an address that is not a multiple of 4");
}

//===----------------------------------------------------------------------===//
// States and parameters
//===----------------------------------------------------------------------===//

TEST_F(Gpu, states_live_on_the_current_device) {
  fake.devices.resize(2);
  load();
  {
    DeviceScope scope(Driver::get().device(1));
    state = makeState(program, 3);
  }
  const DLTensor *tensor = ssd_state_tensor(state.get(), 0);
  EXPECT_EQ(tensor->device.device_type, kDLCUDA);
  EXPECT_EQ(tensor->device.device_id, 1);
  EXPECT_EQ(fake.allocated, 64u);
  state.reset();
  EXPECT_EQ(fake.allocated, 0u);
}

TEST_F(Gpu, states_are_copied_cleared_saved_and_loaded) {
  load();
  state = makeState(program, 3);
  auto *values = static_cast<float *>(ssd_state_tensor(state.get(), 0)->data);
  EXPECT_EQ(std::vector<float>(values, values + 6), std::vector<float>(6));
  values[5] = 5;
  ssd_state *made = nullptr;
  ASSERT_EQ(ssd_state_copy(state.get(), &made), SSD_OK) << ssd_last_error();
  State copy(made);
  ASSERT_EQ(ssd_state_save(state.get(), (folder / "s").c_str()), SSD_OK);
  ASSERT_EQ(ssd_state_zero(state.get()), SSD_OK) << ssd_last_error();
  EXPECT_EQ(values[5], 0);
  ASSERT_EQ(ssd_state_load(program.get(), (folder / "s").c_str(), &made),
            SSD_OK)
      << ssd_last_error();
  State loaded(made);
  for (const State *other : {&copy, &loaded}) {
    const DLTensor *tensor = ssd_state_tensor(other->get(), 0);
    EXPECT_EQ(tensor->device.device_type, kDLCUDA);
    EXPECT_EQ(static_cast<const float *>(tensor->data)[5], 5);
  }
  fake.failures["cuMemcpy"] = 700;
  EXPECT_FAILS(ssd_state_copy(state.get(), &made), SSD_ERROR_DRIVER,
               "CUDA_ERROR_ILLEGAL_ADDRESS");
  fake.failures = {{"cuMemsetD8Async", 700}};
  EXPECT_FAILS(ssd_state_zero(state.get()), SSD_ERROR_DRIVER,
               "CUDA_ERROR_ILLEGAL_ADDRESS");
}

TEST_F(Gpu, states_outlive_their_program) {
  load();
  state = makeState(program, 3);
  program.reset();
  EXPECT_EQ(ssd_state_save(state.get(), (folder / "s").c_str()), SSD_OK);
}

TEST_F(Gpu, weights_are_uploaded_once) {
  program = loadProgram("gpu");
  Tensor<float> stored({4}, {1, 2, 3, 4});
  writeSafetensors(folder / "w.safetensors", {{"weight", &stored}}, {});
  ASSERT_EQ(ssd_program_bind_weights(program.get(),
                                     (folder / "w.safetensors").c_str()),
            SSD_OK)
      << ssd_last_error();
  EXPECT_EQ(fake.allocated, 16u);
  state = makeState(program, 3);
  EXPECT_EQ(run(), SSD_OK) << ssd_last_error();
  state.reset();
  program.reset();
  EXPECT_EQ(fake.allocated, 0u);
}

} // namespace
