//===- Runner.h - One entry of an artifact, ready to be called ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_TOOLS_SSD_RUN_RUNNER_H
#define SSD_TOOLS_SSD_RUN_RUNNER_H

#include "tools/ssd-run/MixCheck.h"

#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace ssd::run {

/// Throws the runtime's message for a status that is a failure.
void require(int32_t status);

struct Destroy {
  void operator()(ssd_program *program) const { ssd_program_destroy(program); }
  void operator()(ssd_context *context) const { ssd_context_destroy(context); }
  void operator()(ssd_state *state) const { ssd_state_destroy(state); }
};

/// An artifact, one of its entries, and what a call of it needs.
class Runner {
public:
  explicit Runner(const Options &options);

  const char *describe() const { return ssd_program_describe(program.get()); }
  /// Binds weights, makes arguments and loads the state.
  void prepare();
  /// One call; the state moves on.
  void call();
  /// Prints and writes what the call left.
  void finish();
  /// Compares with the reference where the options ask for it.
  bool check();
  /// Calls several times, and says how long that took: on the GPU, which works
  /// on calls while the host makes the next ones, also how long each took
  /// there.
  void time();

private:
  void chooseEntry();
  /// The name that all entries have; throws UsageError if there are several.
  std::string onlyEntry() const;
  void bindWeights();
  void bindRandomWeights();
  void loadState(Sizes &sizes);
  void writeOutput(const std::string &name, const std::string &path);

  const Options &options;
  std::unique_ptr<ssd_program, Destroy> program;
  std::unique_ptr<ssd_context, Destroy> context;
  std::unique_ptr<ssd_state, Destroy> state;
  const ssd_entry *entry = nullptr;
  std::optional<CallArguments> arguments;
  std::vector<const DLTensor *> tensors;
  const Device *device = nullptr; // null for the CPU
  std::unique_ptr<Memory> workspace;
  std::optional<MixCheck> mixCheck;
  /// The memory of random weights; a deque never moves its elements.
  std::deque<Array> randomWeights;
};

} // namespace ssd::run

#endif // SSD_TOOLS_SSD_RUN_RUNNER_H
