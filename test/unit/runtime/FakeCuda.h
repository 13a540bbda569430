//===- FakeCuda.h - A CUDA driver without a GPU -----------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_TEST_UNIT_RUNTIME_FAKECUDA_H
#define SSD_TEST_UNIT_RUNTIME_FAKECUDA_H

#include <map>
#include <string>
#include <vector>

namespace ssd::test {

struct FakeDevice {
  std::string name = "Fake H200";
  int major = 9, minor = 0, multiprocessors = 132, sharedBytes = 232448;
  /// Whether its primary context is retained by somebody.
  bool active = false;
};

/// What the driver that test/unit/runtime/FakeCuda.cpp builds is told, and what
/// it was asked. Its device memory is the CPU's; kernels don't run.
struct FakeCuda {
  std::vector<FakeDevice> devices = {FakeDevice()};
  /// Results of functions that are to fail, by exported name.
  std::map<std::string, int> failures;
  /// 1 where streams are being captured.
  int capturing = 0;
  /// Calls, in words.
  std::vector<std::string> log;
  /// Bytes of device memory that are allocated.
  size_t allocated = 0;
};

using FakeCudaFunction = FakeCuda &(*)();

/// Streams that belong to the context of another device.
constexpr uintptr_t kForeignStream = 0xf00;

} // namespace ssd::test

#endif // SSD_TEST_UNIT_RUNTIME_FAKECUDA_H
