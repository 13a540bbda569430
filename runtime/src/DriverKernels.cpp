//===- DriverKernels.cpp - The kernels of an artifact on devices *- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "runtime/src/DriverKernels.h"

#include <charconv>
#include <cstring>
#include <string_view>

using namespace ssd;

namespace {

/// "sm_90a": a compute capability, and whether code for it runs on no other
/// (a), or on the ones of its family (f).
struct Architecture {
  int major = 0, minor = 0;
  char suffix = 0;

  bool isExactly(const Device &device) const {
    return major == device.major && minor == device.minor;
  }
  /// Whether the driver can compile portable code of this architecture.
  bool isCompilableFor(const Device &device) const {
    if (suffix == 'a')
      return isExactly(device);
    if (suffix == 'f')
      return major == device.major && minor <= device.minor;
    return std::pair(major, minor) <= std::pair(device.major, device.minor);
  }
};

/// Reads the architecture that `text` begins with.
std::optional<Architecture> parseArchitecture(std::string_view text) {
  constexpr std::string_view prefix = "sm_";
  if (text.substr(0, prefix.size()) != prefix)
    return std::nullopt;
  text.remove_prefix(prefix.size());
  int number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 10)
    return std::nullopt;
  Architecture result{number / 10, number % 10, 0};
  if (end != text.data() + text.size() && (*end == 'a' || *end == 'f'))
    result.suffix = *end;
  return result;
}

/// What portable code was written for: its .target directive.
std::optional<Architecture> portableArchitecture(const ssd_kernel_image &ptx) {
  constexpr std::string_view directive = ".target";
  std::string_view text(static_cast<const char *>(ptx.data), ptx.size);
  size_t at = text.find(directive);
  if (at == std::string_view::npos)
    return std::nullopt;
  text.remove_prefix(at + directive.size());
  size_t begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos
             ? std::nullopt
             : parseArchitecture(text.substr(begin));
}

bool isPortable(const ssd_kernel_image &image) {
  return std::strcmp(image.target, "ptx") == 0;
}

} // namespace

const ssd_kernel_image *ssd::chooseImage(const ssd_kernel &kernel,
                                         const Device &device) {
  if (kernel.max_shared_bytes > uint32_t(device.maxSharedBytes))
    return nullptr;
  const ssd_kernel_image *portable = nullptr;
  for (int32_t i = 0; i < kernel.n_images; ++i) {
    const ssd_kernel_image &image = kernel.images[i];
    bool isText = isPortable(image);
    auto built =
        isText ? portableArchitecture(image) : parseArchitecture(image.target);
    if (!isText && built && built->isExactly(device))
      return &image;
    if (isText && built && built->isCompilableFor(device))
      portable = &image;
  }
  return portable;
}

ProgramKernels::ProgramKernels(const ssd_artifact &table, bool needsDevice)
    : table(table), cudaDriver(Driver::get()),
      devices(cudaDriver.deviceCount()) {
  if (needsDevice)
    prepare(cudaDriver.currentDevice().ordinal);
  for (int32_t i = 0; i < cudaDriver.deviceCount(); ++i)
    if (!devices[i] && cudaDriver.isActive(i))
      prepare(i);
}

ProgramKernels::~ProgramKernels() {
  for (auto &device : devices)
    delete device.load();
  // At the end of the process the driver may be gone, which is an error code.
  for (const Image &image : images)
    cudaDriver.api().unloadLibrary(image.library);
}

const DeviceKernels &ProgramKernels::on(int32_t ordinal, void *stream) {
  if (ordinal < 0 || ordinal >= cudaDriver.deviceCount())
    cudaDriver.device(ordinal); // throws
  if (const DeviceKernels *ready =
          devices[ordinal].load(std::memory_order_acquire))
    return *ready;
  DeviceScope scope(cudaDriver.device(ordinal));
  int capture = cuda::kCaptureNone;
  cudaDriver.check(cudaDriver.api().getCaptureStatus(
                       static_cast<cuda::Stream>(stream), &capture),
                   "Asking for the state of the stream");
  if (capture != cuda::kCaptureNone)
    fail(SSD_ERROR_INVALID_ARGUMENT, "The first call on ",
         cudaDriver.device(ordinal).str(),
         " loads the kernels there, which can't be captured in a graph; make "
         "one call before the capture.");
  return prepare(ordinal);
}

const DeviceKernels &ProgramKernels::prepare(int32_t ordinal) {
  const Device &device = cudaDriver.device(ordinal);
  std::lock_guard<std::mutex> lock(mutex);
  if (const DeviceKernels *ready = devices[ordinal])
    return *ready;
  DeviceScope scope(device);
  auto kernels = std::make_unique<DeviceKernels>();
  kernels->device = &device;
  kernels->table = &table;
  for (int32_t i = 0; i < table.n_kernels; ++i)
    kernels->functions.push_back(loadFunction(table.kernels[i], device));
  devices[ordinal].store(kernels.get(), std::memory_order_release);
  return *kernels.release();
}

/// Loaded for good and with its limits set: nothing is left for the first
/// launch.
cuda::Function ProgramKernels::loadFunction(const ssd_kernel &kernel,
                                            const Device &device) {
  const ssd_kernel_image *image = chooseImage(kernel, device);
  if (!image)
    return nullptr;
  const cuda::Functions &api = cudaDriver.api();
  auto check = [&](cuda::Result result, const char *what) {
    cudaDriver.check(result, what, " kernel '", kernel.name, "' (",
                     image->target, ") on ", device.str());
  };
  cuda::Kernel handle;
  cuda::Function function;
  check(api.getKernel(&handle, load(kernel, *image), kernel.name), "Finding");
  check(api.getFunction(&function, handle), "Loading");
  check(api.loadFunction(function), "Loading");
  check(api.setFunctionAttribute(function, cuda::kMaxDynamicSharedBytes,
                                 int(kernel.max_shared_bytes)),
        "Reserving shared memory of");
  const uint32_t *cluster = kernel.cluster;
  if (cluster[0] * cluster[1] * cluster[2] > cuda::kPortableCluster)
    check(api.setFunctionAttribute(function, cuda::kAllowLargeClusters, 1),
          "Allowing large clusters of");
  return function;
}

cuda::Library ProgramKernels::load(const ssd_kernel &kernel,
                                   const ssd_kernel_image &image) {
  for (const Image &known : images)
    if (known.source == &image)
      return known.library;
  Image loaded{&image, nullptr, std::make_unique<std::array<char, 4096>>()};
  loaded.log->fill(0);
  cuda::JitOption jit[] = {cuda::kErrorLog, cuda::kErrorLogBytes};
  void *values[] = {loaded.log->data(),
                    reinterpret_cast<void *>(loaded.log->size() - 1)};
  unsigned jitCount = isPortable(image) ? 2 : 0;
  cuda::LibraryOption preserved = cuda::kCodeIsPreserved;
  void *yes = reinterpret_cast<void *>(1);
  cuda::Result result = cudaDriver.api().loadLibrary(
      &loaded.library, image.data, jit, values, jitCount, &preserved, &yes, 1);
  std::string log = loaded.log->data();
  cudaDriver.check(result, "Loading kernel '", kernel.name, "' (", image.target,
                   log.empty() ? "" : "; ", log, ")");
  images.push_back(std::move(loaded));
  return images.back().library;
}
