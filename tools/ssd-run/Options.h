//===- Options.h - Command line of ssd-run ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_TOOLS_SSD_RUN_OPTIONS_H
#define SSD_TOOLS_SSD_RUN_OPTIONS_H

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>

namespace ssd::run {

/// A mistake on the command line; everything else is a runtime_error.
struct UsageError : std::runtime_error {
  using runtime_error::runtime_error;
};

struct Options {
  std::string artifact;
  std::string entry;
  std::string device; // cpu or cuda; empty: the entry's, the CPU if it has both
  std::string weights; // a path, or "random"
  int32_t threads = 0;
  uint64_t seed = 0;
  /// Argument name to file.npy, random, zeros, ones or iota.
  std::map<std::string, std::string> inputs;
  std::map<std::string, std::string> outputs;
  std::map<int32_t, int64_t> dims;
  std::string stateIn, stateOut;
  int64_t timeRuns = 0;
  bool describe = false, help = false;

  /// "ssd-mix": compare with the float64 reference.
  std::string check;
  std::optional<double> tolerance;
  bool reverse = false;
  int64_t checkpointEvery = 0;
};

Options parseOptions(int argc, char **argv);

extern const char *const kUsage;

} // namespace ssd::run

#endif // SSD_TOOLS_SSD_RUN_OPTIONS_H
