//===- DriverKernels.h - The kernels of an artifact on devices --*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_DRIVERKERNELS_H
#define SSD_RUNTIME_SRC_DRIVERKERNELS_H

#include "runtime/src/Artifact.h"
#include "runtime/src/Driver.h"

#include <array>
#include <atomic>

namespace ssd {

/// The image of a kernel for a device: a cubin for exactly its compute
/// capability, else portable code that it can run; null if there is none, or
/// if the kernel needs more shared memory than the device has.
const ssd_kernel_image *chooseImage(const ssd_kernel &kernel,
                                    const Device &device);

/// The kernels of an artifact, ready to be launched on one device.
struct DeviceKernels {
  const Device *device;
  const ssd_artifact *table;
  /// One for each kernel of the table; null where none fits the device.
  std::vector<cuda::Function> functions;
};

/// The kernels of an artifact with entries for GPUs.
class ProgramKernels {
public:
  /// Loads them on all devices that the process uses; where it uses none and
  /// `needsDevice`, on the first. Throws Failure.
  ProgramKernels(const ssd_artifact &table, bool needsDevice);
  ~ProgramKernels();
  ProgramKernels(const ProgramKernels &) = delete;

  /// The kernels on a device. A device that the process did not use before is
  /// prepared now, which `stream`, being captured, would not allow.
  const DeviceKernels &on(int32_t ordinal, void *stream);
  Driver &driver() const { return cudaDriver; }

private:
  /// The code of one image; all devices share it.
  struct Image {
    const ssd_kernel_image *source;
    cuda::Library library;
    /// The driver may write to it until the library is unloaded.
    std::unique_ptr<std::array<char, 4096>> log;
  };

  const DeviceKernels &prepare(int32_t ordinal);
  cuda::Library load(const ssd_kernel &kernel, const ssd_kernel_image &image);
  cuda::Function loadFunction(const ssd_kernel &kernel, const Device &device);

  const ssd_artifact &table;
  Driver &cudaDriver;
  std::mutex mutex;
  std::vector<Image> images;
  /// By ordinal; null where not prepared.
  std::vector<std::atomic<const DeviceKernels *>> devices;
};

} // namespace ssd

#endif // SSD_RUNTIME_SRC_DRIVERKERNELS_H
