//===- Arguments.cpp - The tensors that ssd-run passes to an entry ---*-
//-*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/ssd-run/Arguments.h"
#include "runtime/src/Type.h"

#include <cstring>

using namespace ssd;
using namespace ssd::run;

const ssd_argument *ssd::run::findArgument(const ssd_entry &entry,
                                           const std::string &name) {
  for (int32_t i = 0; i < entry.n_args; ++i)
    if (name == entry.args[i].name)
      return &entry.args[i];
  return nullptr;
}

Array ssd::run::copyOf(const DLTensor &tensor) {
  Array array =
      Array::zeros(tensor.dtype, {tensor.shape, tensor.shape + tensor.ndim});
  const Device *device = tensor.device.device_type == kDLCUDA
                             ? &Driver::get().device(tensor.device.device_id)
                             : nullptr;
  if (!array.data.empty())
    copyBytes(device, array.data.data(),
              static_cast<const char *>(tensor.data) + tensor.byte_offset,
              array.data.size());
  return array;
}

const Device *ssd::run::deviceFor(int32_t type) {
  return type == kDLCUDA ? &Driver::get().currentDevice() : nullptr;
}

Sizes::Sizes(const ssd_entry &entry, const std::map<int32_t, int64_t> &given)
    : entry(entry), known(given) {}

void Sizes::learn(const ssd_argument &argument,
                  const std::vector<int64_t> &shape) {
  // What does not fit is left to the runtime, which says so in full.
  if (shape.size() != static_cast<size_t>(argument.rank))
    return;
  for (int32_t d = 0; d < argument.rank; ++d)
    if (argument.shape[d] < 0)
      known.emplace(static_cast<int32_t>(-1 - argument.shape[d]), shape[d]);
}

std::vector<int64_t> Sizes::shapeOf(const ssd_argument &argument) const {
  std::vector<int64_t> shape(argument.shape, argument.shape + argument.rank);
  for (int32_t d = 0; d < argument.rank; ++d) {
    if (shape[d] >= 0)
      continue;
    int32_t number = static_cast<int32_t>(-1 - shape[d]);
    auto found = known.find(number);
    if (found == known.end())
      throw UsageError("The size of dimension " + std::to_string(d) + " of '" +
                       argument.name +
                       "' is dynamic; give it with "
                       "--dim " +
                       std::to_string(number) + "=SIZE.");
    shape[d] = found->second;
  }
  return shape;
}

std::vector<int64_t> Sizes::shapeOf(const std::string &name) const {
  const ssd_argument *argument = findArgument(entry, name);
  return argument ? shapeOf(*argument) : std::vector<int64_t>();
}

int64_t Sizes::batch() const {
  for (int32_t i = 0; i < entry.n_args; ++i) {
    const ssd_argument &argument = entry.args[i];
    if (argument.role != SSD_ROLE_STATE)
      continue;
    std::vector<int64_t> shape = shapeOf(argument);
    for (int32_t d = 0; d < argument.rank; ++d)
      if (argument.shape[d] < 0)
        return shape[d];
  }
  return 1;
}

namespace {

bool isSource(const std::string &text) {
  return text == "random" || text == "zeros" || text == "ones" ||
         text == "iota";
}

bool isFloat(DLDataType type) {
  return type.code == kDLFloat || type.code == kDLBfloat;
}

/// Reads the files among the sources first: they tell dynamic sizes.
std::map<std::string, Array> readFiles(const ssd_entry &entry,
                                       const Options &options, Sizes &sizes) {
  std::map<std::string, Array> files;
  for (const auto &[name, source] : options.inputs) {
    const ssd_argument *argument = findArgument(entry, name);
    if (!argument || argument->role == SSD_ROLE_PARAMETER ||
        argument->role == SSD_ROLE_STATE)
      throw UsageError("Entry '" + std::string(entry.name) +
                       "' has no input or output '" + name + "'.");
    if (isSource(source))
      continue;
    Array array = reference::readNpy(source);
    reference::adoptType(array, argument->dtype);
    // NumPy has no bf16, so files of other floats are rounded to it.
    if (isFloat(array.type) && isFloat(argument->dtype))
      array = array.as(argument->dtype);
    sizes.learn(*argument, array.shape);
    files.emplace(name, std::move(array));
  }
  return files;
}

/// Outputs begin as NaN (all bits set), so that what an entry forgets to write
/// can't pass for a result; a state that is an output begins as zero, because
/// destination style reads it.
Array blankOutput(const ssd_argument &argument, const Sizes &sizes) {
  Array array = Array::zeros(argument.dtype, sizes.shapeOf(argument));
  if (std::strcmp(argument.name, "state") != 0)
    std::fill(array.data.begin(), array.data.end(), '\xff');
  return array;
}

} // namespace

CallArguments::CallArguments(const ssd_entry &entry, const Options &options,
                             Sizes &sizes) {
  std::map<std::string, Array> files = readFiles(entry, options, sizes);
  Generator generator(options.seed, entry, sizes);
  for (int32_t i = 0; i < entry.n_args; ++i) {
    const ssd_argument &argument = entry.args[i];
    if (argument.role != SSD_ROLE_INPUT && argument.role != SSD_ROLE_OUTPUT)
      continue;
    auto source = options.inputs.find(argument.name);
    auto file = files.find(argument.name);
    Array array;
    if (file != files.end())
      array = std::move(file->second);
    else if (source != options.inputs.end())
      array = generator.make(argument, source->second);
    else if (argument.role == SSD_ROLE_OUTPUT)
      array = blankOutput(argument, sizes);
    else
      array = generator.make(argument, "random");
    arguments.push_back({&argument, std::move(array), {}, nullptr});
  }
}

std::vector<const DLTensor *> CallArguments::tensors() {
  std::vector<const DLTensor *> views;
  for (Argument &argument : arguments) {
    argument.view = argument.array.view();
    if (const Device *device = deviceFor(argument.declaration->device)) {
      const auto &data = argument.array.data;
      argument.memory = std::make_unique<Memory>(device, data.size());
      argument.memory->write(data.data(), data.size());
      argument.view.data = argument.memory->data();
      argument.view.device = argument.memory->dlDevice();
    }
    views.push_back(&argument.view);
  }
  return views;
}

void CallArguments::fetch() {
  for (Argument &argument : arguments)
    if (argument.memory)
      argument.memory->read(argument.array.data.data(),
                            argument.array.data.size());
}

Array *CallArguments::find(const std::string &name) {
  for (Argument &argument : arguments)
    if (name == argument.declaration->name)
      return &argument.array;
  return nullptr;
}
