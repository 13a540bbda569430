//===- Results.cpp - What a call left, and how long it took ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Type.h"
#include "tools/ssd-run/Runner.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

using namespace ssd;
using namespace ssd::run;

static void printSummary(const char *name, const Array &array) {
  std::vector<double> values = array.toDoubles();
  double low = INFINITY, high = -INFINITY, sum = 0;
  for (double value : values) {
    low = std::min(low, value);
    high = std::max(high, value);
    sum += value * value;
  }
  std::printf(
      "%s: %s %s", name, typeName(array.type).c_str(),
      shapeString(array.shape.data(), int32_t(array.shape.size())).c_str());
  if (!values.empty())
    std::printf(", from %.6g to %.6g, rms %.6g", low, high,
                std::sqrt(sum / double(values.size())));
  std::printf("\n");
}

void Runner::writeOutput(const std::string &name, const std::string &path) {
  if (Array *array = arguments->find(name))
    return reference::writeNpy(path, *array);
  for (int32_t i = 0; i < ssd_state_count(state.get()); ++i)
    if (name == ssd_state_name(state.get(), i))
      return reference::writeNpy(path,
                                 copyOf(*ssd_state_tensor(state.get(), i)));
  throw UsageError("Entry '" + std::string(entry->name) +
                   "' has no output or state '" + name + "'.");
}

void Runner::finish() {
  arguments->fetch();
  for (const CallArguments::Argument &argument : arguments->arguments)
    if (argument.declaration->role == SSD_ROLE_OUTPUT)
      printSummary(argument.declaration->name, argument.array);
  for (const auto &[name, path] : options.outputs)
    writeOutput(name, path);
  if (!options.stateOut.empty())
    require(ssd_state_save(state.get(), options.stateOut.c_str()));
}

bool Runner::check() {
  return !mixCheck || mixCheck->compare(*arguments, state.get());
}

namespace {

using Clock = std::chrono::steady_clock;

double microseconds(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double, std::micro>(end - begin).count();
}

void waitFor(const Device &device) {
  DeviceScope scope(device);
  const Driver &driver = *device.driver;
  driver.check(driver.api().synchronize(), "Waiting for ", device.str());
}

} // namespace

void Runner::time() {
  std::vector<double> runs;
  Clock::time_point first = Clock::now();
  for (int64_t i = 0; i < options.timeRuns; ++i) {
    Clock::time_point begin = Clock::now();
    call();
    runs.push_back(microseconds(begin, Clock::now()));
  }
  if (device)
    waitFor(*device);
  double all = microseconds(first, Clock::now());
  std::sort(runs.begin(), runs.end());
  size_t middle = runs.size() / 2;
  double median =
      runs.size() % 2 ? runs[middle] : (runs[middle - 1] + runs[middle]) / 2;
  long long count = static_cast<long long>(runs.size());
  if (device)
    std::printf("time: median %.3f us, min %.3f us to make a call; %.3f us a "
                "call until all were done, %lld runs, %s\n",
                median, runs.front(), all / double(runs.size()), count,
                device->str().c_str());
  else
    std::printf("time: median %.3f us, min %.3f us, %lld runs, %d threads\n",
                median, runs.front(), count,
                ssd_context_threads(context.get()));
}
