//===- WorkerPool.h - Threads that share the tasks of a loop ----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_WORKERPOOL_H
#define SSD_RUNTIME_SRC_WORKERPOOL_H

#include "ssd_runtime.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace ssd {

/// Threads that help the caller of a loop. The caller takes tasks like every
/// worker and waits for tasks that a worker has begun, never for a worker to
/// wake up: on a machine whose cores others use, a loop takes no longer than
/// the caller alone would need, plus one task. Pools in which every worker
/// takes part in every loop wait for the slowest to be scheduled, and general
/// task schedulers let workers sleep through loops of less than 100 us, of
/// which a decode step consists.
class WorkerPool {
public:
  /// The caller's thread counts, so `threads` - 1 are started.
  explicit WorkerPool(int32_t threads);
  ~WorkerPool() { stop(); }

  /// Runs task(closure, i, worker) for 0 <= i < count; the caller is worker 0.
  /// One loop at a time.
  void run(int64_t count, ssd_task_fn task, void *closure);

private:
  bool runOneTask(int32_t worker);
  void work(int32_t worker);
  bool sleep();
  void wakeWorkers();
  void waitForWorkers();
  void stop();

  /// The current loop. Who has claimed a task may read it: it changes only
  /// when all tasks are finished.
  int64_t count = 0;
  ssd_task_fn task = nullptr;
  void *closure = nullptr;

  /// Alone in their cache lines, because all threads write them. A claim is a
  /// decrement of `unclaimed` from above zero, so one that comes too late for
  /// a loop claims nothing or a task of the next one, never a finished task.
  alignas(64) std::atomic<int64_t> unclaimed{0};
  alignas(64) std::atomic<int64_t> unfinished{0};

  alignas(64) std::atomic<int32_t> sleepers{0};
  std::atomic<bool> callerSleeps{false};
  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::condition_variable wake, finished;
  std::vector<std::thread> workers;
};

} // namespace ssd

#endif // SSD_RUNTIME_SRC_WORKERPOOL_H
