//===- ssd-run.cpp - Runs an entry of a compiled artifact ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/AlignedBuffer.h"
#include "runtime/src/Type.h"
#include "tools/ssd-run/MixCheck.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>

using namespace ssd;
using namespace ssd::run;

namespace {

void require(int32_t status) {
  if (status != SSD_OK)
    throw std::runtime_error(ssd_last_error());
}

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
  void prepare();
  /// One call; the state moves on.
  void call();
  void finish();
  bool check() {
    return !mixCheck || mixCheck->compare(*arguments, state.get());
  }
  void time();

private:
  void chooseEntry();
  void bindWeights();
  void bindRandomWeights();
  void loadState(Sizes &sizes);

  const Options &options;
  std::unique_ptr<ssd_program, Destroy> program;
  std::unique_ptr<ssd_context, Destroy> context;
  std::unique_ptr<ssd_state, Destroy> state;
  const ssd_entry *entry = nullptr;
  std::optional<CallArguments> arguments;
  std::vector<const DLTensor *> tensors;
  AlignedBuffer workspace;
  size_t workspaceBytes = 0;
  std::optional<MixCheck> mixCheck;
  /// The memory of random weights; a deque never moves its elements.
  std::deque<Array> randomWeights;
};

Runner::Runner(const Options &options) : options(options) {
  ssd_program *loaded = nullptr;
  require(ssd_program_load(options.artifact.c_str(), &loaded));
  program.reset(loaded);
}

void Runner::chooseEntry() {
  const ssd_artifact *table = ssd_program_artifact(program.get());
  if (options.entry.empty() && table->n_entries == 1) {
    entry = &table->entries[0];
    return;
  }
  if (options.entry.empty()) {
    std::string names;
    for (int32_t i = 0; i < table->n_entries; ++i)
      names += (i ? ", " : "") + std::string(table->entries[i].name);
    throw UsageError("Choose an entry with --entry=NAME, one of: " + names +
                     ".");
  }
  entry = ssd_program_entry(program.get(), options.entry.c_str());
  if (!entry)
    throw std::runtime_error(ssd_last_error());
}

void Runner::bindRandomWeights() {
  Sizes sizes(*entry, options.dims);
  // Another stream than the inputs', so that both may be changed alone.
  Generator generator(options.seed ^ 0x9e3779b97f4a7c15u, *entry, sizes);
  for (int32_t i = 0; i < entry->n_args; ++i) {
    const ssd_argument &argument = entry->args[i];
    if (argument.role != SSD_ROLE_PARAMETER)
      continue;
    randomWeights.push_back(generator.make(argument, "random"));
    Array &array = randomWeights.back();
    // Keeps sums over a layer's inputs near one.
    for (int64_t e = 0; e < array.elementCount(); ++e)
      array.setElement(e, 0.02 * array.element(e));
    DLTensor view = array.view();
    require(ssd_program_bind(program.get(), argument.name, &view));
  }
}

void Runner::bindWeights() {
  if (options.weights == "random")
    bindRandomWeights();
  else if (!options.weights.empty())
    require(ssd_program_bind_weights(program.get(), options.weights.c_str()));
}

void Runner::loadState(Sizes &sizes) {
  if (options.stateIn.empty())
    return;
  ssd_state *loaded = nullptr;
  require(ssd_state_load(program.get(), options.stateIn.c_str(), &loaded));
  state.reset(loaded);
  for (int32_t i = 0; i < ssd_state_count(loaded); ++i) {
    const DLTensor &tensor = *ssd_state_tensor(loaded, i);
    if (const ssd_argument *argument =
            findArgument(*entry, ssd_state_name(loaded, i)))
      sizes.learn(*argument, {tensor.shape, tensor.shape + tensor.ndim});
  }
}

void Runner::prepare() {
  chooseEntry();
  bindWeights();
  ssd_context *made = nullptr;
  require(ssd_context_create(options.threads, &made));
  context.reset(made);
  Sizes sizes(*entry, options.dims);
  loadState(sizes);
  arguments.emplace(*entry, options, sizes);
  if (!state) {
    ssd_state *zeros = nullptr;
    require(ssd_state_create(program.get(), sizes.batch(), &zeros));
    state.reset(zeros);
  }
  tensors = arguments->tensors();
  require(ssd_workspace_size(program.get(), entry->name, tensors.data(),
                             int32_t(tensors.size()), state.get(),
                             &workspaceBytes));
  workspace = allocateAligned(workspaceBytes);
  if (!options.check.empty())
    mixCheck.emplace(options, *arguments, state.get());
}

void Runner::call() {
  require(ssd_call(program.get(), context.get(), entry->name, tensors.data(),
                   int32_t(tensors.size()), state.get(), workspace.get(),
                   workspaceBytes, nullptr));
}

void printSummary(const char *name, const Array &array) {
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

void Runner::finish() {
  for (const CallArguments::Argument &argument : arguments->arguments)
    if (argument.declaration->role == SSD_ROLE_OUTPUT)
      printSummary(argument.declaration->name, argument.array);
  for (const auto &[name, path] : options.outputs) {
    Array *array = arguments->find(name);
    if (array) {
      reference::writeNpy(path, *array);
      continue;
    }
    int32_t i = 0;
    while (i < ssd_state_count(state.get()) &&
           name != ssd_state_name(state.get(), i))
      ++i;
    if (i == ssd_state_count(state.get()))
      throw UsageError("Entry '" + std::string(entry->name) +
                       "' has no output or state '" + name + "'.");
    reference::writeNpy(path, copyOf(*ssd_state_tensor(state.get(), i)));
  }
  if (!options.stateOut.empty())
    require(ssd_state_save(state.get(), options.stateOut.c_str()));
}

void Runner::time() {
  using Clock = std::chrono::steady_clock;
  std::vector<double> runs;
  for (int64_t i = 0; i < options.timeRuns; ++i) {
    Clock::time_point begin = Clock::now();
    call();
    runs.push_back(
        std::chrono::duration<double, std::micro>(Clock::now() - begin)
            .count());
  }
  std::sort(runs.begin(), runs.end());
  size_t middle = runs.size() / 2;
  double median =
      runs.size() % 2 ? runs[middle] : (runs[middle - 1] + runs[middle]) / 2;
  std::printf("time: median %.3f us, min %.3f us, %lld runs, %d threads\n",
              median, runs.front(), static_cast<long long>(runs.size()),
              ssd_context_threads(context.get()));
}

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
