//===- ContextTest.cpp - Workers and parallel loops ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/TestSupport.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <numeric>
#include <pthread.h>
#include <sched.h>
#include <thread>

using namespace ssd;
using namespace ssd::test;

namespace {

/// Runs `body(index, worker)` as a parallel loop of a context.
template <typename Body>
void parallelFor(const ContextHandle &context, int64_t count, Body body) {
  context->api->parallel_for(
      context.get(), count,
      [](void *closure, int64_t index, int32_t worker) {
        (*static_cast<Body *>(closure))(index, worker);
      },
      &body);
}

class Threads : public testing::TestWithParam<int32_t> {};
INSTANTIATE_TEST_SUITE_P(Context, Threads, testing::Values(1, 2, 3, 8));

TEST_P(Threads, every_task_runs_once) {
  ContextHandle context = makeContext(GetParam());
  EXPECT_EQ(ssd_context_threads(context.get()), GetParam());
  for (int64_t count : {0, 1, 2, 7, 1000}) {
    std::vector<std::atomic<int>> runs(count);
    parallelFor(context, count, [&](int64_t i, int32_t) { ++runs[i]; });
    for (auto &run : runs)
      EXPECT_EQ(run, 1);
  }
}

TEST_P(Threads, no_two_tasks_share_a_worker_number_at_a_time) {
  ContextHandle context = makeContext(GetParam());
  std::vector<std::atomic<int>> active(GetParam());
  std::atomic<int> clashes{0};
  for (int repeat = 0; repeat < 20; ++repeat)
    parallelFor(context, 64, [&](int64_t, int32_t worker) {
      ASSERT_GE(worker, 0);
      ASSERT_LT(worker, GetParam());
      clashes += active[worker]++ != 0;
      std::this_thread::sleep_for(std::chrono::microseconds(20));
      --active[worker];
    });
  EXPECT_EQ(clashes, 0);
}

TEST_P(Threads, a_loop_within_a_loop_runs_on_its_worker) {
  ContextHandle context = makeContext(GetParam());
  std::atomic<int64_t> sum{0};
  parallelFor(context, 10, [&](int64_t i, int32_t outer) {
    parallelFor(context, 10, [&](int64_t j, int32_t inner) {
      EXPECT_EQ(outer, inner);
      sum += 10 * i + j;
    });
  });
  EXPECT_EQ(sum, 4950);
}

TEST_P(Threads, a_loop_of_another_context_uses_its_own_numbers) {
  ContextHandle context = makeContext(GetParam());
  std::atomic<int64_t> sum{0};
  parallelFor(context, 4, [&](int64_t, int32_t) {
    ContextHandle single = makeContext(1);
    parallelFor(single, 10, [&](int64_t j, int32_t worker) {
      EXPECT_EQ(worker, 0);
      sum += j;
    });
  });
  EXPECT_EQ(sum, 180);
}

TEST(Context, uneven_tasks_are_balanced) {
  ContextHandle context = makeContext(2);
  // The first task lasts until most others are done; static halves would put
  // 20 of them behind it. There is an end only where that is so.
  std::atomic<int> others{0};
  int doneMeanwhile = 0;
  parallelFor(context, 41, [&](int64_t i, int32_t) {
    if (i > 0) {
      ++others;
      return;
    }
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (others < 26 && std::chrono::steady_clock::now() < end)
      sched_yield();
    doneMeanwhile = others;
  });
  EXPECT_GE(doneMeanwhile, 26);
  EXPECT_EQ(others, 40);
}

/// Where a worker waits that lost its core.
std::atomic<bool> coreIsBack{false}, coreIsLost{false};
void loseCore(int) {
  coreIsLost = true;
  while (!coreIsBack)
    sched_yield();
}

TEST(Context, a_loop_waits_for_no_worker_without_a_task) {
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "this sanitizer runs signal handlers where mutexes are held";
#endif
  ContextHandle context = makeContext(2);
  pthread_t worker;
  std::atomic<int> begun{0};
  parallelFor(context, 2, [&](int64_t, int32_t number) {
    if (number == 1)
      worker = pthread_self();
    for (++begun; begun < 2;) // one task on each thread
      sched_yield();
  });
  signal(SIGUSR1, loseCore);
  pthread_kill(worker, SIGUSR1);
  while (!coreIsLost)
    sched_yield();
  int64_t sum = 0;
  for (int loop = 0; loop < 100; ++loop)
    parallelFor(context, 10, [&](int64_t i, int32_t number) {
      EXPECT_EQ(number, 0);
      sum += i;
    });
  EXPECT_EQ(sum, 4500);
  coreIsBack = true;
}

TEST_P(Threads, loops_find_workers_awake_and_asleep) {
  ContextHandle context = makeContext(GetParam());
  for (int loop = 0; loop < 600; ++loop) {
    int64_t count = loop % 7, results[6] = {};
    parallelFor(context, count, [&](int64_t i, int32_t) {
      if (i == loop % 5) // also longer than the caller spins
        std::this_thread::sleep_for(std::chrono::microseconds(loop));
      results[i] = i + loop;
    });
    for (int64_t i = 0; i < count; ++i)
      ASSERT_EQ(results[i], i + loop);
    std::this_thread::sleep_for(std::chrono::microseconds(loop % 10 * 100));
  }
}

TEST(Context, zero_threads_means_one_per_core) {
  ContextHandle context = makeContext(0);
  EXPECT_GE(ssd_context_threads(context.get()), 1);
}

TEST(Context, refuses_odd_thread_counts) {
  ssd_context *context = nullptr;
  EXPECT_FAILS(ssd_context_create(-1, &context), SSD_ERROR_INVALID_ARGUMENT,
               "found -1");
  EXPECT_FAILS(ssd_context_create(100000, &context), SSD_ERROR_INVALID_ARGUMENT,
               "1 to 1024 threads");
  EXPECT_FAILS(ssd_context_create(1, nullptr), SSD_ERROR_INVALID_ARGUMENT,
               "null");
  EXPECT_EQ(ssd_context_threads(nullptr), 0);
  ssd_context_destroy(nullptr);
}

TEST(Context, head_is_the_abi) {
  ContextHandle context = makeContext(1);
  EXPECT_EQ(context->api->version, ssd_abi_version());
  EXPECT_EQ(ssd_abi_version(), SSD_ABI_VERSION);
}

TEST(Error, is_per_thread) {
  ssd_context *context = nullptr;
  ssd_context_create(-1, &context);
  std::string here = ssd_last_error();
  std::thread([] { EXPECT_STREQ(ssd_last_error(), ""); }).join();
  EXPECT_EQ(here, ssd_last_error());
}

TEST(Error, exceptions_become_statuses) {
  EXPECT_EQ(guard([] { throw std::bad_alloc(); }), SSD_ERROR_OUT_OF_MEMORY);
  EXPECT_STREQ(ssd_last_error(), "Out of memory.");
  EXPECT_EQ(guard([] { throw std::runtime_error("odd"); }), SSD_ERROR_INTERNAL);
  EXPECT_STREQ(ssd_last_error(), "odd");
  EXPECT_EQ(guard([] { throw 3; }), SSD_ERROR_INTERNAL);
  for (int32_t status = SSD_ERROR_INTERNAL; status <= SSD_OK; ++status)
    EXPECT_STRNE(statusName(status), "unknown status");
}

} // namespace
