//===- Runner.cpp - Prepares and makes the call of an entry ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/ssd-run/Runner.h"

#include "runtime/src/Artifact.h"

#include <algorithm>

using namespace ssd;
using namespace ssd::run;

void ssd::run::require(int32_t status) {
  if (status != SSD_OK)
    throw std::runtime_error(ssd_last_error());
}

Runner::Runner(const Options &options) : options(options) {
  ssd_program *loaded = nullptr;
  require(ssd_program_load(options.artifact.c_str(), &loaded));
  program.reset(loaded);
}

std::string Runner::onlyEntry() const {
  const ssd_artifact *table = ssd_program_artifact(program.get());
  std::vector<std::string> names;
  for (int32_t i = 0; i < table->n_entries; ++i)
    if (std::string name = table->entries[i].name;
        std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  if (names.size() == 1)
    return names[0];
  std::string list;
  for (const std::string &name : names)
    list += (list.empty() ? "" : ", ") + name;
  throw UsageError("Choose an entry with --entry=NAME, one of: " + list + ".");
}

void Runner::chooseEntry() {
  std::string name = options.entry.empty() ? onlyEntry() : options.entry;
  if (options.device.empty())
    entry = ssd_program_entry(program.get(), name.c_str());
  else
    entry = ssd_program_entry_on(program.get(), name.c_str(),
                                 options.device == "cpu" ? kDLCPU : kDLCUDA);
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
  require(ssd_state_load_on(program.get(), deviceOf(*entry),
                            options.stateIn.c_str(), &loaded));
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
    require(ssd_state_create_on(program.get(), deviceOf(*entry), sizes.batch(),
                                &zeros));
    state.reset(zeros);
  }
  tensors = arguments->tensors();
  size_t bytes = 0;
  require(ssd_workspace_size(program.get(), entry->name, tensors.data(),
                             int32_t(tensors.size()), state.get(), &bytes));
  for (const CallArguments::Argument &argument : arguments->arguments)
    if (argument.memory)
      device = argument.memory->device();
  workspace = std::make_unique<Memory>(device, bytes);
  if (!options.check.empty())
    mixCheck.emplace(options, *arguments, state.get());
}

void Runner::call() {
  require(ssd_call(program.get(), context.get(), entry->name, tensors.data(),
                   int32_t(tensors.size()), state.get(), workspace->data(),
                   workspace->size(), /*stream=*/nullptr));
}
