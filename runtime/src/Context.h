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
  /// The program of the current call, for launch().
  const ssd_program *program = nullptr;
};

} // namespace ssd

#endif // SSD_RUNTIME_SRC_CONTEXT_H
