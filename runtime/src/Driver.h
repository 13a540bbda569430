//===- Driver.h - The CUDA driver and its devices ---------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_DRIVER_H
#define SSD_RUNTIME_SRC_DRIVER_H

#include "runtime/src/DriverApi.h"
#include "runtime/src/Error.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace ssd {

class Driver;

/// One GPU. Its primary context, which PyTorch and the CUDA runtime use too,
/// stays retained.
struct Device {
  const Driver *driver;
  int32_t ordinal;
  std::string name;
  int major = 0, minor = 0;
  int multiprocessors = 0;
  int maxSharedBytes = 0;
  cuda::Context context = nullptr;

  /// "GPU 0 (NVIDIA H200, compute capability 9.0)".
  std::string str() const;
};

/// Makes a device's context current for a scope.
class DeviceScope {
public:
  explicit DeviceScope(const Device &device);
  ~DeviceScope();
  DeviceScope(const DeviceScope &) = delete;

private:
  const Driver &driver;
  bool pushed = false;
};

/// A loaded driver. Lives as long as the process, as do its devices.
class Driver {
public:
  /// libcuda.so.1, or the library that $SSD_CUDA_DRIVER names. Throws Failure
  /// (SSD_ERROR_NO_DEVICE) that says what is missing.
  static Driver &get();

  const cuda::Functions &api() const { return functions; }
  /// Throws Failure where there is no such device.
  const Device &device(int32_t ordinal);
  /// The device of the calling thread's context, else the first whose primary
  /// context somebody uses, else the first.
  const Device &currentDevice();
  /// Whether the process uses the device already.
  bool isActive(int32_t ordinal) const;
  int32_t deviceCount() const { return static_cast<int32_t>(devices.size()); }

  /// Throws Failure unless the call succeeded; the parts say what was done.
  template <typename... Parts>
  void check(cuda::Result result, const Parts &...parts) const {
    if (result != cuda::kSuccess)
      failCall(result, concat(parts...));
  }
  /// "CUDA_ERROR_INVALID_VALUE (invalid argument)".
  std::string describe(cuda::Result result) const;

private:
  explicit Driver(std::string path);
  void loadFunctions(void *library);
  void findDevices();
  std::unique_ptr<Device> open(int32_t ordinal) const;
  [[noreturn]] void failCall(cuda::Result result, std::string what) const;

  std::string path;
  cuda::Functions functions;
  std::mutex mutex;
  std::vector<std::unique_ptr<const Device>> devices; // null: not used yet
};

} // namespace ssd

#endif // SSD_RUNTIME_SRC_DRIVER_H
