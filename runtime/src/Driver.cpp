//===- Driver.cpp - The CUDA driver and its devices -------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "runtime/src/Driver.h"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <map>

using namespace ssd;

namespace {

constexpr const char *kPathVariable = "SSD_CUDA_DRIVER";
constexpr const char *kDefaultPath = "libcuda.so.1";

/// What a user can do where the driver's own words don't say it.
struct Advice {
  cuda::Result result;
  const char *text;
};

constexpr const char *kFaultAdvice =
    " A kernel that ran earlier, of this program or another, faulted; the "
    "process can't use this GPU any more. Start it again; compute-sanitizer or "
    "CUDA_LAUNCH_BLOCKING=1 show which kernel it was.";

constexpr Advice kAdvice[] = {
    {cuda::kOutOfMemory, " The GPU's memory is exhausted."},
    {cuda::kNotInitialized, " A process that was forked can't use the driver "
                            "that its parent uses; spawn it instead."},
    {209, " The artifact has no code for this GPU; compile it with its "
          "--target."},
    {222, " The driver is older than the artifact's code; update it."},
    {214, kFaultAdvice}, // an uncorrectable memory error
    {700, kFaultAdvice}, // illegal address
    {702, kFaultAdvice}, // timeout
    {710, kFaultAdvice}, // assertion
    {714, kFaultAdvice}, // stack
    {715, kFaultAdvice}, // instruction
    {716, kFaultAdvice}, // alignment
    {717, kFaultAdvice}, // address space
    {718, kFaultAdvice}, // program counter
    {719, kFaultAdvice}, // other failures of a launch
    {900, " A stream that is being captured in a graph doesn't allow it."},
    {901, " The capture of the stream in a graph was broken earlier."},
};

[[noreturn]] void failMissing(const std::string &reason) {
  fail(SSD_ERROR_NO_DEVICE, "This needs an NVIDIA GPU, but ", reason,
       " To run on this machine's CPU, pass tensors in its memory to a program "
       "that is compiled for it, too (--target=cpu).");
}

} // namespace

//===----------------------------------------------------------------------===//
// Device
//===----------------------------------------------------------------------===//

std::string Device::str() const {
  return concat("GPU ", ordinal, " (", name, ", compute capability ", major,
                ".", minor, ")");
}

DeviceScope::DeviceScope(const Device &device) : driver(*device.driver) {
  cuda::Context current = nullptr;
  driver.check(driver.api().getCurrentContext(&current),
               "Asking for the current context");
  if (current == device.context)
    return;
  driver.check(driver.api().pushContext(device.context),
               "Changing to the context of ", device.str());
  pushed = true;
}

DeviceScope::~DeviceScope() {
  cuda::Context popped;
  if (pushed)
    driver.api().popContext(&popped);
}

//===----------------------------------------------------------------------===//
// Driver
//===----------------------------------------------------------------------===//

Driver &Driver::get() {
  const char *chosen = std::getenv(kPathVariable);
  std::string path = chosen && *chosen ? chosen : kDefaultPath;
  static std::mutex mutex;
  // Never destroyed: programs and states may be, later than statics.
  static auto &drivers = *new std::map<std::string, Driver *>();
  std::lock_guard<std::mutex> lock(mutex);
  Driver *&driver = drivers[path];
  // One that can't be had is tried again, for the machine may change.
  if (!driver)
    driver = new Driver(path);
  return *driver;
}

Driver::Driver(std::string libraryPath) : path(std::move(libraryPath)) {
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    failMissing(concat(
        "its driver can't be loaded: ", reason ? reason : "unknown reason",
        ". Install the NVIDIA driver, or in a container expose "
        "it (nvidia-container-toolkit)."));
  }
  loadFunctions(library);
  findDevices();
}

void Driver::loadFunctions(void *library) {
  const char *missing = nullptr;
#define SSD_LOAD(name, symbol, ...)                                            \
  functions.name =                                                             \
      reinterpret_cast<decltype(functions.name)>(dlsym(library, symbol));      \
  if (!functions.name)                                                         \
    missing = symbol;
  SSD_CUDA_FUNCTIONS(SSD_LOAD)
#undef SSD_LOAD
  if (missing)
    failMissing(concat("its driver '", path, "' lacks ", missing,
                       ". Update the driver to 550 (CUDA 12.4) or later."));
}

void Driver::findDevices() {
  int count = 0;
  cuda::Result result = functions.init(0);
  if (result == cuda::kSuccess)
    result = functions.getDeviceCount(&count);
  if (result != cuda::kSuccess && result != cuda::kNoDevice)
    failMissing(concat("its driver does not start: ", describe(result),
                       ". nvidia-smi may tell more."));
  if (count == 0)
    failMissing("its driver finds no device. Look at CUDA_VISIBLE_DEVICES and "
                "nvidia-smi.");
  devices.resize(count);
}

std::unique_ptr<Device> Driver::open(int32_t ordinal) const {
  auto device = std::make_unique<Device>();
  device->driver = this;
  device->ordinal = ordinal;
  cuda::DeviceNumber number;
  check(functions.getDevice(&number, ordinal), "Opening GPU ", ordinal);
  char name[256] = "";
  check(functions.getDeviceName(name, sizeof(name), number),
        "Asking for the name of GPU ", ordinal);
  device->name = name;
  const std::pair<cuda::DeviceAttribute, int *> attributes[] = {
      {cuda::kMajor, &device->major},
      {cuda::kMinor, &device->minor},
      {cuda::kMultiprocessors, &device->multiprocessors},
      {cuda::kMaxSharedBytes, &device->maxSharedBytes}};
  for (auto [attribute, value] : attributes)
    check(functions.getDeviceAttribute(value, attribute, number),
          "Asking for the properties of GPU ", ordinal);
  check(functions.retainPrimaryContext(&device->context, number),
        "Making a context on GPU ", ordinal);
  return device;
}

const Device &Driver::device(int32_t ordinal) {
  if (ordinal < 0 || ordinal >= deviceCount())
    fail(SSD_ERROR_NO_DEVICE, "There is no GPU ", ordinal,
         "; the driver finds ", deviceCount(), ".");
  std::lock_guard<std::mutex> lock(mutex);
  if (!devices[ordinal])
    devices[ordinal] = open(ordinal);
  return *devices[ordinal];
}

bool Driver::isActive(int32_t ordinal) const {
  cuda::DeviceNumber number;
  unsigned flags;
  int active = 0;
  check(functions.getDevice(&number, ordinal), "Opening GPU ", ordinal);
  check(functions.getPrimaryContextState(number, &flags, &active),
        "Asking for the context of GPU ", ordinal);
  return active != 0;
}

const Device &Driver::currentDevice() {
  cuda::Context current = nullptr;
  cuda::DeviceNumber number;
  check(functions.getCurrentContext(&current),
        "Asking for the current context");
  if (!current) {
    for (int32_t i = 0; i < deviceCount(); ++i)
      if (isActive(i))
        return device(i);
    return device(0);
  }
  check(functions.getContextDevice(&number), "Asking for the current device");
  // Numbers are opaque, so they are compared with those of the ordinals.
  for (int32_t i = 0; i < deviceCount(); ++i) {
    cuda::DeviceNumber other;
    check(functions.getDevice(&other, i), "Opening GPU ", i);
    if (other == number)
      return device(i);
  }
  fail(SSD_ERROR_DRIVER, "The current context is on a device that the driver "
                         "doesn't list.");
}

std::string Driver::describe(cuda::Result result) const {
  const char *name = nullptr, *text = nullptr;
  functions.getErrorName(result, &name);
  functions.getErrorString(result, &text);
  return concat(name ? name : concat("error ", result), " (",
                text ? text : "unknown", ")");
}

void Driver::failCall(cuda::Result result, std::string what) const {
  auto advice =
      std::find_if(std::begin(kAdvice), std::end(kAdvice),
                   [&](const Advice &a) { return a.result == result; });
  fail(result == cuda::kOutOfMemory ? SSD_ERROR_OUT_OF_MEMORY
                                    : SSD_ERROR_DRIVER,
       what, " failed: ", describe(result), ".",
       advice == std::end(kAdvice) ? "" : advice->text);
}
