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
#include <unordered_set>

using namespace ssd;

bool StateLayout::Tensor::operator==(const Tensor &other) const {
  return name == other.name && sameType(type, other.type) &&
         shape == other.shape;
}

namespace {

/// Two entries may number a dynamic size differently, or run on different
/// devices, and still agree.
bool sameDeclaration(const ssd_argument &a, const ssd_argument &b) {
  if (!sameType(a.dtype, b.dtype) || a.rank != b.rank)
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

/// Each once, in the order of the table.
std::string entryNames(const std::vector<EntryPlan> &plans) {
  std::string names;
  std::unordered_set<std::string> listed;
  for (const EntryPlan &plan : plans)
    if (listed.insert(plan.entry->name).second)
      names += concat(names.empty() ? "'" : ", '", plan.entry->name, "'");
  return names.empty() ? "none" : names;
}

const char *kindName(DLDeviceType device) {
  return device == kDLCPU ? "the CPU" : "GPUs";
}

} // namespace

ssd_program::ssd_program(const std::string &path)
    : artifact(path), description(describeTable(artifact.table())) {
  const ssd_artifact &table = artifact.table();
  auto layout = std::make_shared<StateLayout>();
  for (int32_t e = 0; e < table.n_entries; ++e)
    plans.push_back(makePlan(table.entries[e], *layout));
  states = std::move(layout);
  if (isFor(kDLCUDA))
    loadKernels();
}

EntryPlan ssd_program::makePlan(const ssd_entry &entry, StateLayout &layout) {
  EntryPlan plan{&entry, deviceOf(entry), {}, {}, {}, {}};
  for (int32_t i = 0; i < entry.n_args; ++i) {
    const ssd_argument &argument = entry.args[i];
    if (argument.role == SSD_ROLE_STATE && argument.device != plan.device)
      fail(SSD_ERROR_CORRUPT, "The table of '", artifact.path(),
           "' is invalid: entry '", entry.name, "' is for ",
           kindName(plan.device), ", but its state '", argument.name,
           "' is not.");
    if (argument.role == SSD_ROLE_STATE)
      plan.states.push_back({i, addState(layout, argument)});
    else if (argument.role == SSD_ROLE_PARAMETER)
      plan.parameters.push_back({i, addParameter(argument)});
    else
      plan.callPositions.push_back(i);
    if (argument.role != SSD_ROLE_PARAMETER)
      plan.tensorPositions.push_back(i);
  }
  return plan;
}

/// What can do without a GPU makes no context on one that nobody uses.
void ssd_program::loadKernels() {
  try {
    kernels = std::make_unique<ProgramKernels>(artifact.table(),
                                               /*needsDevice=*/!isFor(kDLCPU));
  } catch (const Failure &failure) {
    gpuFailure = failure;
  }
}

bool ssd_program::isFor(DLDeviceType device) const {
  return std::any_of(plans.begin(), plans.end(), [&](const EntryPlan &plan) {
    return plan.device == device;
  });
}

bool ssd_program::isAvailable(DLDeviceType device) const {
  return device == kDLCPU || !gpuFailure || !isFor(kDLCPU);
}

bool ssd_program::isBound(const Parameter &parameter) const {
  for (const auto &[device, binding] : parameter.bindings)
    if (isAvailable(device) && !binding.isBound())
      return false;
  return true;
}

DLDeviceType ssd_program::firstDevice() const {
  return plans.empty() ? kDLCPU : plans.front().device;
}

ProgramKernels &ssd_program::gpu() const {
  if (gpuFailure)
    throw *gpuFailure;
  if (!kernels)
    fail(SSD_ERROR_NO_DEVICE, "'", artifact.path(),
         "' has no code for GPUs; compile it for some (--target=sm_90a, or "
         "cpu,sm_90a for both).");
  return *kernels;
}

const Device *ssd_program::memoryDevice(DLDeviceType device) const {
  return device == kDLCPU ? nullptr : &gpu().driver().currentDevice();
}

int32_t ssd_program::addParameter(const ssd_argument &argument) {
  auto [found, added] =
      parameterIndex.emplace(argument.name, int32_t(parameters.size()));
  if (added)
    parameters.push_back({&argument, {}});
  Parameter &parameter = parameters[found->second];
  if (!sameDeclaration(argument, *parameter.argument))
    fail(SSD_ERROR_CORRUPT, "The table of '", artifact.path(),
         "' is invalid: two entries disagree on the type or shape of the "
         "parameter '",
         argument.name, "'.");
  parameter.bindings[static_cast<DLDeviceType>(argument.device)];
  return found->second;
}

int32_t ssd_program::addState(StateLayout &layout,
                              const ssd_argument &argument) {
  StateLayout::Tensor tensor = stateTensor(argument);
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

const EntryPlan &ssd_program::plan(const char *entry,
                                   std::optional<DLDeviceType> device) const {
  if (!entry)
    fail(SSD_ERROR_INVALID_ARGUMENT, "The entry's name is null.");
  const EntryPlan *first = nullptr;
  for (const EntryPlan &plan : plans) {
    if (std::strcmp(plan.entry->name, entry) != 0)
      continue;
    if (plan.device == device)
      return plan;
    first = first ? first : &plan;
  }
  if (first)
    return *first;
  fail(SSD_ERROR_NOT_FOUND, "'", artifact.path(), "' has no entry '", entry,
       "'. Its entries: ", entryNames(plans), ".");
}

DLDeviceType ssd::deviceKind(int32_t device) {
  if (device != kDLCPU && device != kDLCUDA)
    fail(SSD_ERROR_INVALID_ARGUMENT, "A device is kDLCPU (", int(kDLCPU),
         ") or kDLCUDA (", int(kDLCUDA), "); found ", device, ".");
  return static_cast<DLDeviceType>(device);
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

const ssd_entry *ssd_program_entry_on(const ssd_program *program,
                                      const char *name, int32_t device) {
  const ssd_entry *entry = nullptr;
  guard([&] {
    if (!program)
      fail(SSD_ERROR_INVALID_ARGUMENT, "The program is null.");
    DLDeviceType wanted = deviceKind(device);
    const EntryPlan &plan = program->plan(name, wanted);
    if (plan.device != wanted)
      fail(SSD_ERROR_NOT_FOUND, "'", program->artifact.path(), "' has entry '",
           name, "' for ", kindName(plan.device), " only.");
    entry = plan.entry;
  });
  return entry;
}

const char *ssd_program_describe(const ssd_program *program) {
  return program ? program->description.c_str() : "{}";
}
