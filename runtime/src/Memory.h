//===- Memory.h - Memory of states and parameters ---------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_MEMORY_H
#define SSD_RUNTIME_SRC_MEMORY_H

#include "runtime/src/Driver.h"
#include "ssd_runtime.h"

namespace ssd {

/// A block of the CPU's memory or of a GPU's, aligned for any use. What is
/// done with a GPU's is ordered after all work there, and done on return.
class Memory {
public:
  /// Uninitialised; on the CPU if `device` is null.
  Memory(const Device *device, size_t bytes);
  ~Memory();
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  void *data() const { return begin; }
  size_t size() const { return bytes; }
  const Device *device() const { return gpu; }
  DLDevice dlDevice() const;

  void clear();
  /// Copies between the block's first `count` bytes and the CPU's memory.
  void write(const void *from, size_t count);
  void read(void *to, size_t count) const;
  /// From a block of the same device and size.
  void copyFrom(const Memory &other);

private:
  const Device *gpu;
  size_t bytes;
  void *begin = nullptr;
};

/// Copies within a GPU's memory, or from or to it, as Memory does; without a
/// device within the CPU's.
void copyBytes(const Device *device, void *to, const void *from, size_t count);

} // namespace ssd

#endif // SSD_RUNTIME_SRC_MEMORY_H
