//===- FakeCuda.cpp - A CUDA driver without a GPU ---------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/FakeCuda.h"
#include "runtime/src/DriverApi.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <sstream>

using namespace ssd;
using namespace ssd::cuda;
using ssd::test::FakeCuda;

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

FakeCuda state;

/// Contexts are known by 1 + the ordinal of their device.
thread_local std::vector<uintptr_t> contexts;

template <typename... Parts> void log(const Parts &...parts) {
  std::ostringstream text;
  (text << ... << parts);
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  state.log.push_back(text.str());
}

Result resultOf(const char *function) {
  auto found = state.failures.find(function);
  return found == state.failures.end() ? kSuccess : found->second;
}
#define SUCCEED_OR_FAIL()                                                      \
  if (Result result = resultOf(__func__))                                      \
    return result;

/// The names of kernels, which are what kernels and functions point to.
std::set<std::string> names;

const std::string &nameOf(Function function) {
  return *reinterpret_cast<const std::string *>(function);
}

template <typename T> std::string list(const T *values, int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += (i ? "," : "") + std::to_string(values[i]);
  return text;
}

} // namespace

EXPORT FakeCuda &fakeCuda() { return state; }

EXPORT Result cuInit(unsigned) { return resultOf(__func__); }
EXPORT Result cuDriverGetVersion(int *version) {
  *version = 13000;
  return kSuccess;
}
EXPORT Result cuGetErrorName(Result result, const char **name) {
  *name = result == 700   ? "CUDA_ERROR_ILLEGAL_ADDRESS"
          : result == 2   ? "CUDA_ERROR_OUT_OF_MEMORY"
          : result == 400 ? "CUDA_ERROR_INVALID_HANDLE"
                          : "CUDA_ERROR_OTHER";
  return kSuccess;
}
EXPORT Result cuGetErrorString(Result, const char **text) {
  *text = "in words";
  return kSuccess;
}
EXPORT Result cuDeviceGetCount(int *count) {
  *count = int(state.devices.size());
  return resultOf(__func__);
}
EXPORT Result cuDeviceGet(DeviceNumber *device, int ordinal) {
  *device = 100 + ordinal; // numbers and ordinals are not the same
  return resultOf(__func__);
}
EXPORT Result cuDeviceGetName(char *name, int bytes, DeviceNumber device) {
  std::strncpy(name, state.devices.at(device - 100).name.c_str(), bytes - 1);
  return kSuccess;
}
EXPORT Result cuDeviceGetAttribute(int *value, DeviceAttribute attribute,
                                   DeviceNumber number) {
  const test::FakeDevice &device = state.devices.at(number - 100);
  *value = attribute == kMajor             ? device.major
           : attribute == kMinor           ? device.minor
           : attribute == kMultiprocessors ? device.multiprocessors
           : attribute == kMaxSharedBytes  ? device.sharedBytes
                                           : -1;
  return kSuccess;
}
EXPORT Result cuDevicePrimaryCtxRetain(Context *context, DeviceNumber number) {
  SUCCEED_OR_FAIL()
  log("retain ", number - 100);
  state.devices.at(number - 100).active = true;
  *context = reinterpret_cast<Context>(uintptr_t(number - 100 + 1));
  return kSuccess;
}
EXPORT Result cuDevicePrimaryCtxGetState(DeviceNumber number, unsigned *flags,
                                         int *active) {
  *flags = 0;
  *active = state.devices.at(number - 100).active;
  return kSuccess;
}
EXPORT Result cuCtxGetCurrent(Context *context) {
  *context = reinterpret_cast<Context>(contexts.empty() ? 0 : contexts.back());
  return resultOf(__func__);
}
EXPORT Result cuCtxGetDevice(DeviceNumber *device) {
  *device = 100 + int(contexts.back()) - 1;
  return kSuccess;
}
EXPORT Result cuCtxPushCurrent_v2(Context context) {
  log("push ", reinterpret_cast<uintptr_t>(context) - 1);
  contexts.push_back(reinterpret_cast<uintptr_t>(context));
  return resultOf(__func__);
}
EXPORT Result cuCtxPopCurrent_v2(Context *context) {
  *context = reinterpret_cast<Context>(contexts.back());
  contexts.pop_back();
  return kSuccess;
}
EXPORT Result cuCtxSynchronize(void) { return resultOf(__func__); }
EXPORT Result cuStreamGetCtx(Stream stream, Context *context) {
  bool foreign = reinterpret_cast<uintptr_t>(stream) == test::kForeignStream;
  *context = reinterpret_cast<Context>(contexts.back() + foreign);
  return kSuccess;
}
EXPORT Result cuStreamIsCapturing(Stream, int *status) {
  *status = state.capturing;
  return kSuccess;
}
EXPORT Result cuMemAlloc_v2(Address *address, size_t bytes) {
  SUCCEED_OR_FAIL()
  // The size is kept in front, and what is read before it is written shows.
  void *memory = std::aligned_alloc(256, (bytes + 511) / 256 * 256);
  std::memset(memory, 0xa5, (bytes + 511) / 256 * 256);
  std::memcpy(memory, &bytes, sizeof(bytes));
  *address = reinterpret_cast<uintptr_t>(memory) + 256;
  state.allocated += bytes;
  return kSuccess;
}
EXPORT Result cuMemFree_v2(Address address) {
  void *memory = reinterpret_cast<void *>(address - 256);
  size_t bytes;
  std::memcpy(&bytes, memory, sizeof(bytes));
  state.allocated -= bytes;
  std::free(memory);
  return kSuccess;
}
EXPORT Result cuMemcpy(Address to, Address from, size_t bytes) {
  SUCCEED_OR_FAIL()
  std::memcpy(reinterpret_cast<void *>(to),
              reinterpret_cast<const void *>(from), bytes);
  return kSuccess;
}
EXPORT Result cuMemcpyDtoDAsync_v2(Address to, Address from, size_t bytes,
                                   Stream stream) {
  log("copy ", bytes, " stream ", uintptr_t(stream));
  std::memcpy(reinterpret_cast<void *>(to),
              reinterpret_cast<const void *>(from), bytes);
  return resultOf(__func__);
}
EXPORT Result cuMemsetD8Async(Address to, unsigned char value, size_t count,
                              Stream stream) {
  log("clear ", count, " stream ", uintptr_t(stream));
  std::memset(reinterpret_cast<void *>(to), value, count);
  return resultOf(__func__);
}
EXPORT Result cuLibraryLoadData(Library *library, const void *code,
                                JitOption *jit, void **values,
                                unsigned jitCount, LibraryOption *, void **,
                                unsigned) {
  auto *text = static_cast<const char *>(code);
  log("load ", std::string(text, strcspn(text, "\n")));
  Result result = resultOf(__func__);
  if (result && jitCount == 2 && jit[0] == kErrorLog)
    std::strcpy(static_cast<char *>(values[0]), "ptxas: line 3");
  *library = reinterpret_cast<Library>(1);
  return result;
}
EXPORT Result cuLibraryUnload(Library) {
  log("unload");
  return kSuccess;
}
EXPORT Result cuLibraryGetKernel(Kernel *kernel, Library, const char *name) {
  const std::string &kept = *names.insert(name).first;
  *kernel = reinterpret_cast<Kernel>(const_cast<std::string *>(&kept));
  return resultOf(__func__);
}
EXPORT Result cuKernelGetFunction(Function *function, Kernel kernel) {
  *function = reinterpret_cast<Function>(kernel);
  return resultOf(__func__);
}
EXPORT Result cuFuncLoad(Function function) {
  log("prepare ", nameOf(function), " on ", contexts.back() - 1);
  return resultOf(__func__);
}
EXPORT Result cuFuncSetAttribute(Function function, FunctionAttribute attribute,
                                 int value) {
  log(nameOf(function), " attribute ", attribute, " = ", value);
  return resultOf(__func__);
}
EXPORT Result cuLaunchKernelEx(const LaunchConfig *config, Function function,
                               void **parameters, void **extra) {
  std::string cluster;
  for (uint32_t i = 0; i < config->attributeCount; ++i)
    if (config->attributes[i].kind == kClusterDimension)
      cluster = " cluster " + list(config->attributes[i].cluster, 3);
  log("launch ", nameOf(function), " grid ", list(config->grid, 3), " block ",
      list(config->block, 3), cluster, " shared ", config->sharedBytes,
      " stream ", uintptr_t(config->stream), " first ",
      parameters ? *static_cast<int32_t *>(parameters[0]) : 0,
      extra ? " extra" : "", " on ", contexts.back() - 1);
  return resultOf(__func__);
}
EXPORT Result cuTensorMapEncodeTiled(
    TensorMap *map, MapType type, uint32_t rank, void *base,
    const uint64_t *sizes, const uint64_t *strides, const uint32_t *box,
    const uint32_t *steps, MapInterleave interleave, MapSwizzle swizzle,
    MapPromotion promotion, MapFill fill) {
  std::memset(map, 1, sizeof(TensorMap));
  log("map type ", type, " base ", base ? "set" : "null", " sizes ",
      list(sizes, int(rank)), " strides ", list(strides, int(rank) - 1),
      " box ", list(box, int(rank)), " steps ", list(steps, int(rank)), " ",
      interleave, swizzle, promotion, fill);
  return resultOf(__func__);
}
