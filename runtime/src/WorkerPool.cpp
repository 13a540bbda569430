//===- WorkerPool.cpp - Threads that share the tasks of a loop --*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/WorkerPool.h"
#include "runtime/src/Error.h"

#include <algorithm>
#include <system_error>

using namespace ssd;

namespace {

/// Some hundred microseconds: longer than what lies between two loops of a
/// call, or two calls of a loop over tokens, and far less than a time slice.
constexpr int kSpins = 20000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Waits for `condition` without giving up the core; false: not in time.
template <typename Condition> bool spinUntil(Condition condition) {
  for (int i = 0; i < kSpins; ++i) {
    if (condition())
      return true;
    relax();
  }
  return false;
}

} // namespace

WorkerPool::WorkerPool(int32_t threads) {
  workers.reserve(threads - 1);
  try {
    for (int32_t worker = 1; worker < threads; ++worker)
      workers.emplace_back([this, worker] { work(worker); });
  } catch (const std::system_error &error) {
    size_t started = workers.size() + 1;
    stop();
    fail(SSD_ERROR_OUT_OF_MEMORY, "Only ", started, " of ", threads,
         " threads can be started: ", error.what(), ".");
  }
}

void WorkerPool::stop() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    stopping = true;
  }
  wake.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

void WorkerPool::run(int64_t loopCount, ssd_task_fn loopTask,
                     void *loopClosure) {
  count = loopCount;
  task = loopTask;
  closure = loopClosure;
  unfinished = count;
  unclaimed = count;
  wakeWorkers();
  while (runOneTask(0))
    --unfinished;
  waitForWorkers();
}

bool WorkerPool::runOneTask(int32_t worker) {
  int64_t left = unclaimed.load(std::memory_order_relaxed);
  do {
    if (left <= 0)
      return false;
  } while (!unclaimed.compare_exchange_weak(left, left - 1));
  task(closure, count - left, worker);
  return true;
}

void WorkerPool::work(int32_t worker) {
  auto hasWork = [this] {
    return unclaimed.load(std::memory_order_relaxed) > 0;
  };
  do {
    while (runOneTask(worker))
      if (--unfinished == 0 && callerSleeps) {
        std::lock_guard<std::mutex> lock(mutex);
        finished.notify_one();
      }
  } while (spinUntil(hasWork) || sleep());
}

/// Returns when there may be work; false: the pool stops.
bool WorkerPool::sleep() {
  std::unique_lock<std::mutex> lock(mutex);
  ++sleepers;
  wake.wait(lock, [this] { return stopping || unclaimed > 0; });
  --sleepers;
  return !stopping;
}

void WorkerPool::wakeWorkers() {
  // Who is not counted yet looks at `unclaimed` once more before it sleeps.
  int64_t sleeping = sleepers;
  if (sleeping == 0)
    return;
  // Who is counted and holds the mutex is about to look or about to wait.
  {
    std::lock_guard<std::mutex> lock(mutex);
  }
  if (count > sleeping)
    return wake.notify_all();
  for (int64_t i = 1; i < count; ++i)
    wake.notify_one();
}

void WorkerPool::waitForWorkers() {
  auto done = [this] { return unfinished == 0; };
  if (spinUntil(done))
    return;
  // A worker lost its core within a task: leave it this one.
  std::unique_lock<std::mutex> lock(mutex);
  callerSleeps = true;
  finished.wait(lock, done);
  callerSleeps = false;
}
