//===- Memory.cpp - Memory of states and parameters -------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "runtime/src/Memory.h"
#include "runtime/src/AlignedBuffer.h"

#include <cstring>

using namespace ssd;

Memory::Memory(const Device *device, size_t bytes) : gpu(device), bytes(bytes) {
  if (!gpu) {
    begin = allocateAligned(bytes).release();
    return;
  }
  DeviceScope scope(*gpu);
  cuda::Address address = 0;
  gpu->driver->check(gpu->driver->api().allocate(&address, bytes ? bytes : 1),
                     "Allocating ", bytes, " bytes on ", gpu->str());
  begin = reinterpret_cast<void *>(address);
}

Memory::~Memory() {
  if (!gpu) {
    FreeMemory()(begin);
    return;
  }
  // At the end of the process the driver may be gone, and the memory with it.
  guard([&] {
    DeviceScope scope(*gpu);
    gpu->driver->api().release(reinterpret_cast<uintptr_t>(begin));
  });
}

DLDevice Memory::dlDevice() const {
  return gpu ? DLDevice{kDLCUDA, gpu->ordinal} : DLDevice{kDLCPU, 0};
}

void Memory::clear() {
  if (!gpu) {
    std::memset(begin, 0, bytes);
    return;
  }
  if (bytes == 0)
    return;
  DeviceScope scope(*gpu);
  const Driver &driver = *gpu->driver;
  driver.check(driver.api().synchronize(), "Waiting for ", gpu->str());
  driver.check(driver.api().clearAsync(reinterpret_cast<uintptr_t>(begin), 0,
                                       bytes, /*stream=*/nullptr),
               "Clearing ", bytes, " bytes on ", gpu->str());
  driver.check(driver.api().synchronize(), "Waiting for ", gpu->str());
}

void ssd::copyBytes(const Device *gpu, void *to, const void *from,
                    size_t count) {
  if (!gpu) {
    std::memcpy(to, from, count);
    return;
  }
  if (count == 0)
    return;
  DeviceScope scope(*gpu);
  const Driver &driver = *gpu->driver;
  driver.check(driver.api().synchronize(), "Waiting for ", gpu->str());
  driver.check(driver.api().copy(reinterpret_cast<uintptr_t>(to),
                                 reinterpret_cast<uintptr_t>(from), count),
               "Copying ", count, " bytes from or to ", gpu->str());
  driver.check(driver.api().synchronize(), "Waiting for ", gpu->str());
}

void Memory::write(const void *from, size_t count) {
  copyBytes(gpu, begin, from, count);
}

void Memory::read(void *to, size_t count) const {
  copyBytes(gpu, to, begin, count);
}

void Memory::copyFrom(const Memory &other) {
  copyBytes(gpu, begin, other.begin, bytes);
}
