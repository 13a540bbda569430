//===- Context.h - Workers and the API that compiled code calls -*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_CONTEXT_H
#define SSD_RUNTIME_SRC_CONTEXT_H

#include "runtime/src/WorkerPool.h"
#include "ssd_runtime.h"

#include <atomic>
#include <memory>

namespace ssd {

struct DeviceKernels;

/// What an ssd_context is behind its public head.
struct Context : ssd_context {
  explicit Context(int32_t threads);

  static Context *of(ssd_context *context) {
    return static_cast<Context *>(context);
  }

  int32_t threads;
  /// Null with one thread: its loops run inline.
  std::unique_ptr<WorkerPool> pool;
  /// Set during a call, to catch a second one on the same context.
  std::atomic<bool> busy{false};
  /// Of the current call: the kernels on its device, null on the CPU, and what
  /// the first failure was.
  const DeviceKernels *kernels = nullptr;
  int32_t failure = SSD_OK;
};

} // namespace ssd

#endif // SSD_RUNTIME_SRC_CONTEXT_H
