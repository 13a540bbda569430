//===- Program.cpp - A loaded artifact with its weights ---------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/Program.h"
#include "runtime/src/Error.h"
#include "runtime/src/Type.h"

#include <algorithm>
#include <cstring>

using namespace ssd;

bool StateLayout::Tensor::operator==(const Tensor &other) const {
  return name == other.name && sameType(type, other.type) &&
         shape == other.shape;
}

namespace {

/// Two entries may number a dynamic size differently and still agree.
bool sameDeclaration(const ssd_argument &a, const ssd_argument &b) {
  if (!sameType(a.dtype, b.dtype) || a.rank != b.rank || a.device != b.device)
    return false;
  for (int32_t d = 0; d < a.rank; ++d)
    if (std::max<int64_t>(a.shape[d], -1) != std::max<int64_t>(b.shape[d], -1))
      return false;
  return true;
}

StateLayout::Tensor stateTensor(const ssd_argument &argument) {
  StateLayout::Tensor tensor{argument.name, argument.dtype, {}};
  for (int32_t d = 0; d < argument.rank; ++d)
    tensor.shape.push_back(std::max<int64_t>(argument.shape[d], -1));
  return tensor;
}

std::string entryNames(const ssd_artifact &table) {
  std::string names;
  for (int32_t i = 0; i < table.n_entries; ++i)
    names += concat(i ? ", '" : "'", table.entries[i].name, "'");
  return names.empty() ? "none" : names;
}

} // namespace

ssd_program::ssd_program(const std::string &path)
    : artifact(path), description(describeTable(artifact.table())) {
  const ssd_artifact &table = artifact.table();
  auto layout = std::make_shared<StateLayout>();
  for (int32_t e = 0; e < table.n_entries; ++e) {
    const ssd_entry &entry = table.entries[e];
    EntryPlan plan{&entry, {}, {}, {}, {}};
    for (int32_t i = 0; i < entry.n_args; ++i) {
      const ssd_argument &argument = entry.args[i];
      if (argument.role == SSD_ROLE_STATE)
        plan.states.push_back({i, addState(*layout, argument)});
      else if (argument.role == SSD_ROLE_PARAMETER)
        plan.parameters.push_back({i, addParameter(argument)});
      else
        plan.callPositions.push_back(i);
      if (argument.role != SSD_ROLE_PARAMETER)
        plan.tensorPositions.push_back(i);
    }
    plans.push_back(std::move(plan));
  }
  states = std::move(layout);
  if (usesGpu(table))
    loadKernels();
}

void ssd_program::loadKernels() {
  try {
    kernels = std::make_unique<ProgramKernels>(artifact.table());
  } catch (const Failure &failure) {
    gpuFailure = failure;
  }
}

ProgramKernels *ssd_program::gpu() const {
  if (gpuFailure)
    throw *gpuFailure;
  return kernels.get();
}

const Device *ssd_program::memoryDevice(DLDeviceType device) const {
  return device == kDLCPU ? nullptr : &gpu()->driver().currentDevice();
}

int32_t ssd_program::addParameter(const ssd_argument &argument) {
  auto [found, added] =
      parameterIndex.emplace(argument.name, int32_t(parameters.size()));
  if (added)
    parameters.push_back({&argument, {}});
  else if (!sameDeclaration(argument, *parameters[found->second].argument))
    fail(SSD_ERROR_CORRUPT, "The table of '", artifact.path(),
         "' is invalid: two entries disagree on the type, shape or device of "
         "the "
         "parameter '",
         argument.name, "'.");
  return found->second;
}

int32_t ssd_program::addState(StateLayout &layout,
                              const ssd_argument &argument) {
  StateLayout::Tensor tensor = stateTensor(argument);
  auto device = static_cast<DLDeviceType>(argument.device);
  if (!layout.tensors.empty() && layout.device != device)
    fail(SSD_ERROR_CORRUPT, "The table of '", artifact.path(),
         "' is invalid: the states '", layout.tensors[0].name, "' and '",
         tensor.name, "' are on different devices.");
  layout.device = device;
  for (size_t i = 0; i < layout.tensors.size(); ++i) {
    if (layout.tensors[i].name != tensor.name)
      continue;
    if (layout.tensors[i] == tensor)
      return int32_t(i);
    fail(SSD_ERROR_CORRUPT, "The table of '", artifact.path(),
         "' is invalid: two entries disagree on the type or shape of the "
         "state '",
         tensor.name, "'.");
  }
  layout.tensors.push_back(std::move(tensor));
  return int32_t(layout.tensors.size()) - 1;
}

const EntryPlan &ssd_program::plan(const char *entry) const {
  if (!entry)
    fail(SSD_ERROR_INVALID_ARGUMENT, "The entry's name is null.");
  for (const EntryPlan &plan : plans)
    if (std::strcmp(plan.entry->name, entry) == 0)
      return plan;
  fail(SSD_ERROR_NOT_FOUND, "'", artifact.path(), "' has no entry '", entry,
       "'. Its entries: ", entryNames(artifact.table()), ".");
}

Parameter *ssd_program::findParameter(const std::string &name) {
  auto found = parameterIndex.find(name);
  return found == parameterIndex.end() ? nullptr : &parameters[found->second];
}

int32_t ssd_program_load(const char *artifact_path, ssd_program **out) {
  return guard([&] {
    if (!artifact_path || !out)
      fail(SSD_ERROR_INVALID_ARGUMENT,
           "ssd_program_load: the path or the result pointer is null.");
    *out = nullptr;
    *out = new ssd_program(artifact_path);
  });
}

void ssd_program_destroy(ssd_program *program) { delete program; }

const ssd_artifact *ssd_program_artifact(const ssd_program *program) {
  return program ? &program->artifact.table() : nullptr;
}

const ssd_entry *ssd_program_entry(const ssd_program *program,
                                   const char *name) {
  const ssd_entry *entry = nullptr;
  guard([&] {
    if (!program)
      fail(SSD_ERROR_INVALID_ARGUMENT, "The program is null.");
    entry = program->plan(name).entry;
  });
  return entry;
}

const char *ssd_program_describe(const ssd_program *program) {
  return program ? program->description.c_str() : "{}";
}
