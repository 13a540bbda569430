//===- DriverCalls.cpp - What compiled code asks of the GPU -----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "runtime/src/DriverCalls.h"
#include "runtime/src/Context.h"
#include "runtime/src/DriverKernels.h"
#include "runtime/src/Type.h"

#include <algorithm>
#include <climits>
#include <cstring>

using namespace ssd;

namespace {

const DeviceKernels &kernelsOf(const Context &context) {
  if (!context.kernels)
    fail(SSD_ERROR_CORRUPT, "The entry uses the GPU, but the artifact's table "
                            "has neither a kernel nor an argument there.");
  return *context.kernels;
}

/// Runs `body(kernels, driver, stream)` unless something failed before in this
/// call; compiled code asks for the status once, at the end.
template <typename Body> void attempt(ssd_context *base, const Body &body) {
  Context &context = *Context::of(base);
  if (context.failure != SSD_OK)
    return;
  context.failure = guard([&] {
    const DeviceKernels &kernels = kernelsOf(context);
    body(kernels, *kernels.device->driver,
         static_cast<cuda::Stream>(context.stream));
  });
}

cuda::Address addressOf(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

const ssd_kernel &kernelAt(const DeviceKernels &kernels, int32_t number) {
  if (number < 0 || number >= kernels.table->n_kernels)
    fail(SSD_ERROR_CORRUPT, "An entry launches kernel ", number,
         ", but the artifact has ", kernels.table->n_kernels, ".");
  return kernels.table->kernels[number];
}

[[noreturn]] void failUnfit(const ssd_kernel &kernel, const Device &device) {
  std::string targets;
  for (int32_t i = 0; i < kernel.n_images; ++i)
    targets += concat(i ? ", " : "", kernel.images[i].target);
  fail(SSD_ERROR_NO_DEVICE, "Kernel '", kernel.name, "' can't run on ",
       device.str(), ": it is compiled for ", targets, " and takes up to ",
       kernel.max_shared_bytes, " bytes of shared memory; the GPU has ",
       device.maxSharedBytes,
       ". Compile the artifact with --target for this GPU.");
}

/// A handle is invalid above all where the stream is another device's.
std::string streamAdvice(const Device &device, cuda::Result result,
                         cuda::Stream stream) {
  cuda::Context owner = nullptr;
  bool foreign =
      (result == cuda::kInvalidHandle || result == cuda::kInvalidContext) &&
      device.driver->api().getStreamContext(stream, &owner) == cuda::kSuccess &&
      owner != device.context;
  return foreign ? concat(" in a stream that does not belong to the primary "
                          "context of the tensors' device, ",
                          device.str(), ",")
                 : "";
}

bool isCluster(const uint32_t *size) {
  return size[0] != 1 || size[1] != 1 || size[2] != 1;
}

//===----------------------------------------------------------------------===//
// Tensor maps
//===----------------------------------------------------------------------===//

cuda::MapType mapType(DLDataType type) {
  constexpr std::pair<DLDataType, cuda::MapType> types[] = {
      {kF16, cuda::kMapF16},
      {kBF16, cuda::kMapBF16},
      {kF32, cuda::kMapF32},
      {kF64, cuda::kMapF64},
      {kI32, cuda::kMapI32},
      {kI64, cuda::kMapI64},
      {{kDLUInt, 8, 1}, cuda::kMapU8},
      {{kDLUInt, 16, 1}, cuda::kMapU16},
      {{kDLUInt, 32, 1}, cuda::kMapU32},
      {{kDLUInt, 64, 1}, cuda::kMapU64}};
  for (auto [known, mapped] : types)
    if (sameType(known, type))
      return mapped;
  fail(SSD_ERROR_INTERNAL, "There are no tensor maps of ", typeName(type), ".");
}

/// Sizes, byte strides and box of a map, innermost dimension first.
struct MapLayout {
  MapLayout(DLDataType type, int32_t rank, const int64_t *sizes,
            const int64_t *strides, const int32_t *box);

  uint64_t size[cuda::kMaxMapRank], stride[cuda::kMaxMapRank];
  uint32_t box[cuda::kMaxMapRank], step[cuda::kMaxMapRank];
};

MapLayout::MapLayout(DLDataType type, int32_t rank, const int64_t *sizes,
                     const int64_t *strides, const int32_t *boxes) {
  constexpr uint64_t unit = 16; // strides are multiples of it
  uint64_t extent = typeBytes(type);
  for (int32_t i = 0; i < rank; ++i) {
    int32_t d = rank - 1 - i;
    size[i] = sizes[d];
    // The stride of one element is never used, but must be a legal one.
    stride[i] = sizes[d] == 1 && i > 0 ? (extent + unit - 1) / unit * unit
                                       : strides[d] * typeBytes(type);
    extent = stride[i] * size[i];
    box[i] = boxes[d];
    step[i] = 1;
  }
}

} // namespace

void gpu::launch(ssd_context *context, int32_t number, int64_t blocks,
                 uint32_t sharedBytes, void **params) {
  attempt(context, [&](const DeviceKernels &kernels, const Driver &driver,
                       cuda::Stream stream) {
    const ssd_kernel &kernel = kernelAt(kernels, number);
    if (!kernels.functions[number])
      failUnfit(kernel, *kernels.device);
    if (blocks < 0 || blocks > INT_MAX)
      fail(SSD_ERROR_INVALID_ARGUMENT, "Kernel '", kernel.name,
           "' can't be launched in ", blocks, " blocks.");
    if (blocks == 0)
      return;
    cuda::LaunchConfig config = {};
    config.grid[0] = static_cast<uint32_t>(blocks);
    config.grid[1] = config.grid[2] = 1;
    std::copy_n(kernel.block, 3, config.block);
    config.sharedBytes = sharedBytes;
    config.stream = stream;
    cuda::LaunchAttribute cluster = {};
    cluster.kind = cuda::kClusterDimension;
    std::copy_n(kernel.cluster, 3, cluster.cluster);
    config.attributes = &cluster;
    config.attributeCount = isCluster(kernel.cluster);
    cuda::Result result = driver.api().launch(
        &config, kernels.functions[number], params, /*extra=*/nullptr);
    if (result != cuda::kSuccess)
      driver.check(result, "Launching kernel '", kernel.name, "' in ", blocks,
                   " blocks with ", sharedBytes, " bytes of shared memory",
                   streamAdvice(*kernels.device, result, stream));
  });
}

void gpu::clear(ssd_context *context, void *to, int64_t bytes) {
  attempt(context, [&](const DeviceKernels &, const Driver &driver,
                       cuda::Stream stream) {
    if (bytes > 0)
      driver.check(driver.api().clearAsync(addressOf(to), 0, bytes, stream),
                   "Clearing ", bytes, " bytes of GPU memory");
  });
}

void gpu::copy(ssd_context *context, void *to, const void *from,
               int64_t bytes) {
  attempt(context, [&](const DeviceKernels &, const Driver &driver,
                       cuda::Stream stream) {
    if (bytes > 0 && to != from)
      driver.check(
          driver.api().copyAsync(addressOf(to), addressOf(from), bytes, stream),
          "Copying ", bytes, " bytes of GPU memory");
  });
}

void gpu::encodeTensorMap(ssd_context *context, void *map, DLDataType type,
                          int32_t rank, const void *base, const int64_t *sizes,
                          const int64_t *strides, const int32_t *box) {
  attempt(context, [&](const DeviceKernels &, const Driver &driver,
                       cuda::Stream) {
    if (rank < 1 || rank > cuda::kMaxMapRank)
      fail(SSD_ERROR_INTERNAL, "A tensor map of rank ", rank,
           " can't be made; the rank is 1 to ", cuda::kMaxMapRank, ".");
    if (std::find(sizes, sizes + rank, 0) != sizes + rank) {
      std::memset(map, 0, sizeof(cuda::TensorMap)); // nothing to be copied
      return;
    }
    MapLayout layout(type, rank, sizes, strides, box);
    cuda::Result result = driver.api().encodeTensorMap(
        static_cast<cuda::TensorMap *>(map), mapType(type), rank,
        const_cast<void *>(base), layout.size, layout.stride + 1, layout.box,
        layout.step, cuda::kInterleaveNone, cuda::kSwizzle128,
        cuda::kPromote256, cuda::kFillZeros);
    // Words are only made of shapes where they are needed.
    if (result != cuda::kSuccess)
      driver.check(result, "Describing a tensor of ", typeName(type),
                   " with shape ", shapeString(sizes, rank), " and strides ",
                   shapeString(strides, rank), " to the GPU's copy engine");
  });
}

int32_t gpu::hasKernel(ssd_context *context, int32_t kernel) {
  int32_t has = 0;
  attempt(context,
          [&](const DeviceKernels &kernels, const Driver &, cuda::Stream) {
            kernelAt(kernels, kernel);
            has = kernels.functions[kernel] != nullptr;
          });
  return has;
}

int32_t gpu::multiprocessors(ssd_context *context) {
  // After a failure compiled code still divides by it.
  int32_t count = 1;
  attempt(context,
          [&](const DeviceKernels &kernels, const Driver &, cuda::Stream) {
            count = kernels.device->multiprocessors;
          });
  return count;
}

int32_t gpu::status(ssd_context *context) {
  return Context::of(context)->failure;
}
