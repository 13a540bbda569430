//===- Context.cpp - Workers and the API of compiled code -------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/Context.h"
#include "runtime/src/DriverCalls.h"
#include "runtime/src/Error.h"

#include <algorithm>
#include <sched.h>
#include <thread>

using namespace ssd;

namespace {

/// Far above any machine's cores: a mistyped count starts no flood of threads.
constexpr int32_t kMaxThreads = 1024;

/// One parallel loop.
struct Loop {
  ssd_context *context;
  ssd_task_fn task;
  void *closure;
};

/// Which worker of which context this thread is at the moment.
struct CurrentWorker {
  ssd_context *context = nullptr;
  int32_t index = 0;
};
thread_local CurrentWorker currentWorker;

void runInline(int64_t count, ssd_task_fn task, void *closure, int32_t worker) {
  for (int64_t i = 0; i < count; ++i)
    task(closure, i, worker);
}

void runTask(void *argument, int64_t index, int32_t worker) {
  const Loop &loop = *static_cast<const Loop *>(argument);
  CurrentWorker outer = currentWorker;
  currentWorker = {loop.context, worker};
  loop.task(loop.closure, index, worker);
  currentWorker = outer;
}

void parallelFor(ssd_context *base, int64_t count, ssd_task_fn task,
                 void *closure) {
  Context *context = Context::of(base);
  // A loop within a loop has its parallelism from the outer one.
  if (currentWorker.context == base)
    return runInline(count, task, closure, currentWorker.index);
  if (!context->pool || count <= 1)
    return runInline(count, task, closure, 0);
  Loop loop{base, task, closure};
  context->pool->run(count, runTask, &loop);
}

void setError(ssd_context *, const char *message) { setLastError(message); }

constexpr ssd_context_api kApi = {SSD_ABI_VERSION, parallelFor,
                                  gpu::launch,     gpu::clear,
                                  gpu::copy,       gpu::encodeTensorMap,
                                  gpu::hasKernel,  gpu::multiprocessors,
                                  gpu::status,     setError};

/// The CPUs that this process may run on: in a container often fewer than the
/// machine has.
int32_t availableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

} // namespace

Context::Context(int32_t requested)
    : ssd_context{&kApi, /*stream=*/nullptr},
      threads(std::min(requested ? requested : availableCpus(), kMaxThreads)) {
  if (threads > 1)
    pool = std::make_unique<WorkerPool>(threads);
}

int32_t ssd_context_create(int32_t threads, ssd_context **out) {
  return guard([&] {
    if (!out)
      fail(SSD_ERROR_INVALID_ARGUMENT,
           "ssd_context_create: the result pointer is null.");
    *out = nullptr;
    if (threads < 0 || threads > kMaxThreads)
      fail(SSD_ERROR_INVALID_ARGUMENT, "A context can have 1 to ", kMaxThreads,
           " threads, or 0 for one per core; found ", threads, ".");
    *out = new Context(threads);
  });
}

int32_t ssd_context_threads(const ssd_context *context) {
  return context ? static_cast<const Context *>(context)->threads : 0;
}

void ssd_context_destroy(ssd_context *context) { delete Context::of(context); }
