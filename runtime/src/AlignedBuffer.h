//===- AlignedBuffer.h - Memory aligned to 64 bytes -------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_ALIGNEDBUFFER_H
#define SSD_RUNTIME_SRC_ALIGNEDBUFFER_H

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace ssd {

constexpr size_t kAlignment = 64;

struct FreeMemory {
  void operator()(void *memory) const { std::free(memory); }
};

using AlignedBuffer = std::unique_ptr<void, FreeMemory>;

/// Uninitialised memory aligned to a cache line, never null.
inline AlignedBuffer allocateAligned(size_t bytes) {
  void *memory = nullptr;
  if (posix_memalign(&memory, kAlignment, bytes ? bytes : 1) != 0)
    throw std::bad_alloc();
  return AlignedBuffer(memory);
}

} // namespace ssd

#endif // SSD_RUNTIME_SRC_ALIGNEDBUFFER_H
