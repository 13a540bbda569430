//===- Weights.cpp - Binding parameters -------------------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/AlignedBuffer.h"
#include "runtime/src/ArgumentCheck.h"
#include "runtime/src/Checkpoint.h"
#include "runtime/src/Error.h"
#include "runtime/src/Float.h"
#include "runtime/src/Memory.h"
#include "runtime/src/Program.h"
#include "runtime/src/Type.h"

#include <algorithm>

using namespace ssd;

Binding::Binding(const void *data, DLDevice device, DLDataType type,
                 std::vector<int64_t> shape, const int64_t *givenStrides,
                 std::shared_ptr<const void> owner)
    : shape(std::move(shape)), owner(std::move(owner)), bound(true) {
  int32_t rank = static_cast<int32_t>(this->shape.size());
  strides.resize(rank);
  if (givenStrides)
    std::copy_n(givenStrides, rank, strides.begin());
  else
    denseStrides(this->shape.data(), rank, strides.data());
  // DLPack has no pointer to const; entries only read parameters.
  view = {const_cast<void *>(data), device,         rank, type,
          this->shape.data(),       strides.data(), 0};
}

namespace {

/// How many unfit parameters a message lists.
constexpr size_t kListed = 4;

/// Binds all parameters of a program to a checkpoint, or none.
class WeightBinder {
public:
  WeightBinder(ssd_program &program, const Checkpoint &checkpoint)
      : program(program), checkpoint(checkpoint) {}

  void bindAll();

private:
  /// What is wrong with the checkpoint's tensor; empty if it fits.
  std::string findMismatch(const ssd_argument &argument,
                           const Checkpoint::Tensor &tensor);
  Binding bind(const ssd_argument &argument, DLDeviceType device,
               const Checkpoint::Tensor &tensor);
  Binding bindOnCpu(const ssd_argument &argument,
                    const Checkpoint::Tensor &tensor);
  [[noreturn]] void failMismatch();

  ssd_program &program;
  const Checkpoint &checkpoint;
  std::vector<std::string> mismatches;
  size_t missing = 0;
};

std::string WeightBinder::findMismatch(const ssd_argument &argument,
                                       const Checkpoint::Tensor &tensor) {
  const StoredTensor &stored = *tensor.stored;
  int32_t rank = static_cast<int32_t>(stored.shape.size());
  bool sameShape = rank == argument.rank;
  std::string expected = "[";
  for (int32_t d = 0; d < argument.rank; ++d) {
    int64_t size = argument.shape[d];
    expected += (d ? ", " : "") + (size < 0 ? "any" : std::to_string(size));
    sameShape = sameShape && (size < 0 || size == stored.shape[d]);
  }
  if (!sameShape)
    return concat("'", argument.name, "' has shape ",
                  shapeString(stored.shape.data(), rank), " in '",
                  tensor.file->path(), "'; expected ", expected, "]");
  bool converts =
      isConvertibleFloat(stored.type) && isConvertibleFloat(argument.dtype);
  if (!sameType(stored.type, argument.dtype) && !converts)
    return concat("'", argument.name, "' has type ", typeName(stored.type),
                  " in '", tensor.file->path(), "', which is not converted to ",
                  typeName(argument.dtype));
  return "";
}

Binding WeightBinder::bind(const ssd_argument &argument, DLDeviceType kind,
                           const Checkpoint::Tensor &tensor) {
  Binding onCpu = bindOnCpu(argument, tensor);
  const Device *device = program.memoryDevice(kind);
  if (!device)
    return onCpu;
  const std::vector<int64_t> &shape = tensor.stored->shape;
  size_t bytes = *denseBytes(shape.data(), argument.rank, argument.dtype);
  auto memory = std::make_shared<Memory>(device, bytes);
  memory->write(onCpu.tensor().data, bytes);
  return Binding(memory->data(), memory->dlDevice(), argument.dtype, shape,
                 nullptr, memory);
}

Binding WeightBinder::bindOnCpu(const ssd_argument &argument,
                                const Checkpoint::Tensor &tensor) {
  const StoredTensor &stored = *tensor.stored;
  DLDevice cpu = {kDLCPU, 0};
  int64_t elementBytes = typeBytes(argument.dtype);
  bool aligned = reinterpret_cast<uintptr_t>(tensor.data) % elementBytes == 0;
  if (sameType(stored.type, argument.dtype) && aligned)
    return Binding(tensor.data, cpu, argument.dtype, stored.shape, nullptr,
                   tensor.file);
  size_t count = stored.bytes / typeBytes(stored.type);
  std::shared_ptr<void> copy = allocateAligned(count * elementBytes);
  convertFloats(stored.type, tensor.data, argument.dtype, copy.get(), count);
  return Binding(copy.get(), cpu, argument.dtype, stored.shape, nullptr, copy);
}

void WeightBinder::failMismatch() {
  std::string list;
  for (size_t i = 0; i < std::min(kListed, mismatches.size()); ++i)
    list += (i ? "; " : "") + mismatches[i];
  if (mismatches.size() > kListed)
    list += concat("; and ", mismatches.size() - kListed, " more");
  bool allMissing = missing == mismatches.size();
  fail(allMissing ? SSD_ERROR_NOT_FOUND : SSD_ERROR_INVALID_ARGUMENT, "'",
       checkpoint.path(), "' with its ", checkpoint.size(),
       " tensors does not fit '", program.artifact.path(),
       "': ", mismatches.size(), " of ", program.parameters.size(),
       allMissing ? " parameters are missing: " : " parameters do not fit: ",
       list, ".");
}

void WeightBinder::bindAll() {
  for (const Parameter &parameter : program.parameters) {
    const ssd_argument &argument = *parameter.argument;
    std::optional<Checkpoint::Tensor> tensor = checkpoint.find(argument.name);
    if (!tensor && program.isBound(parameter))
      continue; // the caller provided it
    if (!tensor) {
      ++missing;
      mismatches.push_back(concat("'", argument.name, "' is missing"));
    } else if (std::string text = findMismatch(argument, *tensor);
               !text.empty()) {
      mismatches.push_back(std::move(text));
    }
  }
  if (!mismatches.empty())
    failMismatch();

  std::vector<std::pair<Binding *, Binding>> bindings;
  for (Parameter &parameter : program.parameters)
    if (auto tensor = checkpoint.find(parameter.argument->name))
      for (auto &[device, binding] : parameter.bindings)
        if (program.isAvailable(device))
          bindings.emplace_back(&binding,
                                bind(*parameter.argument, device, *tensor));
  for (auto &[old, binding] : bindings)
    *old = std::move(binding);
}

} // namespace

int32_t ssd_program_bind_weights(ssd_program *program, const char *path) {
  return guard([&] {
    if (!program || !path)
      fail(SSD_ERROR_INVALID_ARGUMENT,
           "ssd_program_bind_weights: the program or the path is null.");
    Checkpoint checkpoint = Checkpoint::open(path);
    WeightBinder(*program, checkpoint).bindAll();
  });
}

int32_t ssd_program_bind(ssd_program *program, const char *name,
                         const DLTensor *tensor) {
  return guard([&] {
    if (!program || !name)
      fail(SSD_ERROR_INVALID_ARGUMENT,
           "ssd_program_bind: the program or the name is null.");
    Parameter *parameter = program->findParameter(name);
    if (!parameter)
      fail(SSD_ERROR_NOT_FOUND, "'", program->artifact.path(),
           "' has no parameter '", name, "' among its ",
           program->parameters.size(), "; ssd_program_describe() lists them.");
    auto &bindings = parameter->bindings;
    auto found = bindings.find(
        tensor && tensor->device.device_type == kDLCUDA ? kDLCUDA : kDLCPU);
    auto &[device, binding] =
        found == bindings.end() ? *bindings.begin() : *found;
    ssd_argument argument = *parameter->argument;
    argument.device = device;
    checkTensor({nullptr, &argument}, tensor);
    std::vector<int64_t> shape(tensor->shape, tensor->shape + tensor->ndim);
    const char *data = static_cast<const char *>(tensor->data);
    binding = Binding(data ? data + tensor->byte_offset : nullptr,
                      tensor->device, tensor->dtype, std::move(shape),
                      argument.strided ? tensor->strides : nullptr, nullptr);
  });
}

int32_t ssd_program_is_bound(const ssd_program *program) {
  if (!program)
    return 0;
  for (const Parameter &parameter : program->parameters)
    if (!program->isBound(parameter))
      return 0;
  return 1;
}
