//===- ssd-run.cpp - Runs an entry of a compiled artifact ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/ssd-run/Runner.h"

#include <cstdio>

using namespace ssd::run;

namespace {

int runTool(const Options &options) {
  Runner runner(options);
  if (options.describe) {
    std::printf("%s\n", runner.describe());
    return 0;
  }
  runner.prepare();
  runner.call();
  runner.finish();
  bool passed = runner.check();
  if (options.timeRuns > 0)
    runner.time();
  return passed ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
  try {
    Options options = parseOptions(argc, argv);
    if (!options.help)
      return runTool(options);
    std::fputs(kUsage, stdout);
    return 0;
  } catch (const UsageError &error) {
    std::fprintf(stderr, "ssd-run: %s Try --help.\n", error.what());
    return 2;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "ssd-run: %s\n", error.what());
    return 1;
  }
}
