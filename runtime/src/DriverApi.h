//===- DriverApi.h - What is used of the CUDA driver ------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_DRIVERAPI_H
#define SSD_RUNTIME_SRC_DRIVERAPI_H

#include <cstddef>
#include <cstdint>

/// The driver's binary interface as libcuda.so.1 exports it, in our own words:
/// the runtime needs no CUDA to be built.
namespace ssd::cuda {

using Result = int;
using DeviceNumber = int;
using Address = unsigned long long;
using Context = struct ContextObject *;
using Stream = struct StreamObject *;
using Library = struct LibraryObject *;
using Kernel = struct KernelObject *;
using Function = struct FunctionObject *;

constexpr Result kSuccess = 0, kOutOfMemory = 2, kNotInitialized = 3,
                 kNoDevice = 100, kInvalidContext = 201, kInvalidHandle = 400;

enum DeviceAttribute : int {
  kMultiprocessors = 16,
  kMajor = 75,
  kMinor = 76,
  kMaxSharedBytes = 97, // of a block that asks for it
};

enum FunctionAttribute : int {
  kMaxDynamicSharedBytes = 8,
  kAllowLargeClusters = 14,
};

enum JitOption : int { kErrorLog = 5, kErrorLogBytes = 6 };
/// The code stays where it is until the library is unloaded.
enum LibraryOption : int { kCodeIsPreserved = 1 };

constexpr int kCaptureNone = 0;
/// The largest cluster that every device of its generation takes.
constexpr uint32_t kPortableCluster = 8;

enum LaunchAttributeKind : int { kClusterDimension = 4 };

struct LaunchAttribute {
  LaunchAttributeKind kind;
  union alignas(8) {
    uint32_t cluster[3];
    char bytes[64];
  };
};
static_assert(sizeof(LaunchAttribute) == 72);

struct LaunchConfig {
  uint32_t grid[3], block[3];
  uint32_t sharedBytes;
  Stream stream;
  LaunchAttribute *attributes;
  uint32_t attributeCount;
};
static_assert(sizeof(LaunchConfig) == 56);

struct alignas(64) TensorMap {
  char bytes[128];
};
constexpr int kMaxMapRank = 5;

enum MapType : int {
  kMapU8 = 0,
  kMapU16 = 1,
  kMapU32 = 2,
  kMapI32 = 3,
  kMapU64 = 4,
  kMapI64 = 5,
  kMapF16 = 6,
  kMapF32 = 7,
  kMapF64 = 8,
  kMapBF16 = 9,
};
enum MapInterleave : int { kInterleaveNone = 0 };
enum MapSwizzle : int { kSwizzle128 = 3 };
enum MapPromotion : int { kPromote256 = 3 };
enum MapFill : int { kFillZeros = 0 };

/// Name here, exported name, parameters.
#define SSD_CUDA_FUNCTIONS(F)                                                  \
  F(init, "cuInit", unsigned flags)                                            \
  F(getVersion, "cuDriverGetVersion", int *version)                            \
  F(getErrorName, "cuGetErrorName", Result, const char **name)                 \
  F(getErrorString, "cuGetErrorString", Result, const char **text)             \
  F(getDeviceCount, "cuDeviceGetCount", int *count)                            \
  F(getDevice, "cuDeviceGet", DeviceNumber *, int ordinal)                     \
  F(getDeviceName, "cuDeviceGetName", char *name, int bytes, DeviceNumber)     \
  F(getDeviceAttribute, "cuDeviceGetAttribute", int *value, DeviceAttribute,   \
    DeviceNumber)                                                              \
  F(retainPrimaryContext, "cuDevicePrimaryCtxRetain", Context *, DeviceNumber) \
  F(getPrimaryContextState, "cuDevicePrimaryCtxGetState", DeviceNumber,        \
    unsigned *flags, int *active)                                              \
  F(getCurrentContext, "cuCtxGetCurrent", Context *)                           \
  F(getContextDevice, "cuCtxGetDevice", DeviceNumber *)                        \
  F(pushContext, "cuCtxPushCurrent_v2", Context)                               \
  F(popContext, "cuCtxPopCurrent_v2", Context *)                               \
  F(synchronize, "cuCtxSynchronize", void)                                     \
  F(getStreamContext, "cuStreamGetCtx", Stream, Context *)                     \
  F(getCaptureStatus, "cuStreamIsCapturing", Stream, int *status)              \
  F(allocate, "cuMemAlloc_v2", Address *, size_t bytes)                        \
  F(release, "cuMemFree_v2", Address)                                          \
  F(copy, "cuMemcpy", Address to, Address from, size_t bytes)                  \
  F(copyAsync, "cuMemcpyDtoDAsync_v2", Address to, Address from, size_t bytes, \
    Stream)                                                                    \
  F(clearAsync, "cuMemsetD8Async", Address, unsigned char value, size_t count, \
    Stream)                                                                    \
  F(loadLibrary, "cuLibraryLoadData", Library *, const void *code,             \
    JitOption *, void **jitValues, unsigned jitCount, LibraryOption *,         \
    void **libraryValues, unsigned libraryCount)                               \
  F(unloadLibrary, "cuLibraryUnload", Library)                                 \
  F(getKernel, "cuLibraryGetKernel", Kernel *, Library, const char *name)      \
  F(getFunction, "cuKernelGetFunction", Function *, Kernel)                    \
  F(loadFunction, "cuFuncLoad", Function)                                      \
  F(setFunctionAttribute, "cuFuncSetAttribute", Function, FunctionAttribute,   \
    int value)                                                                 \
  F(launch, "cuLaunchKernelEx", const LaunchConfig *, Function,                \
    void **parameters, void **extra)                                           \
  F(encodeTensorMap, "cuTensorMapEncodeTiled", TensorMap *, MapType,           \
    uint32_t rank, void *base, const uint64_t *sizes,                          \
    const uint64_t *strideBytes, const uint32_t *box,                          \
    const uint32_t *elementStrides, MapInterleave, MapSwizzle, MapPromotion,   \
    MapFill)

/// The functions of one driver.
struct Functions {
#define SSD_DECLARE(name, symbol, ...) Result (*name)(__VA_ARGS__) = nullptr;
  SSD_CUDA_FUNCTIONS(SSD_DECLARE)
#undef SSD_DECLARE
};

} // namespace ssd::cuda

#endif // SSD_RUNTIME_SRC_DRIVERAPI_H
