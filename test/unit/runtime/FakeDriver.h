//===- FakeDriver.h - Tests on a GPU that isn't there -----------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_TEST_UNIT_RUNTIME_FAKEDRIVER_H
#define SSD_TEST_UNIT_RUNTIME_FAKEDRIVER_H

#include "test/unit/runtime/FakeCuda.h"
#include "test/unit/runtime/TestSupport.h"

#include <algorithm>
#include <dlfcn.h>
#include <utility>

namespace ssd::test {

/// Sets $SSD_CUDA_DRIVER for a test.
class DriverPath {
public:
  explicit DriverPath(const std::string &path) {
    setenv("SSD_CUDA_DRIVER", path.c_str(), 1);
  }
  ~DriverPath() { unsetenv("SSD_CUDA_DRIVER"); }
};

inline FakeCuda &fakeDriver() {
  void *library = dlopen(artifactPath("fake_cuda").c_str(), RTLD_NOW);
  EXPECT_NE(library, nullptr) << dlerror();
  return reinterpret_cast<FakeCudaFunction>(dlsym(library, "fakeCuda"))();
}

template <typename T> void moveToGpu(Tensor<T> &tensor, int32_t ordinal = 0) {
  tensor.device = {kDLCUDA, ordinal};
}

/// A program on the fake driver. The runtime keeps a driver by its path, so
/// each test has a path of its own.
class OnFakeDriver : public testing::Test {
protected:
  OnFakeDriver() : fake(fakeDriver()), path(folder / "libcuda.so") {
    fake = FakeCuda();
    std::filesystem::create_symlink(artifactPath("fake_cuda"),
                                    std::string(folder / "libcuda.so"));
  }

  int32_t call(const char *entry, std::vector<const DLTensor *> args,
               ssd_state *state = nullptr, uintptr_t stream = 7) {
    return ssd_call(program.get(), context.get(), entry, args.data(),
                    int32_t(args.size()), state, workspace, sizeof(workspace),
                    reinterpret_cast<void *>(stream));
  }
  /// What the driver was asked since the last time.
  std::vector<std::string> takeLog() { return std::exchange(fake.log, {}); }
  int count(const std::string &part) {
    return int(std::count_if(fake.log.begin(), fake.log.end(),
                             [&](const std::string &line) {
                               return line.find(part) != std::string::npos;
                             }));
  }

  FakeCuda &fake;
  TemporaryFolder folder;
  DriverPath path;
  Program program;
  ContextHandle context = makeContext();
  alignas(64) char workspace[512];
};

} // namespace ssd::test

#endif // SSD_TEST_UNIT_RUNTIME_FAKEDRIVER_H
