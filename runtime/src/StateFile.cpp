//===- StateFile.cpp - States on disk ---------------------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/Driver.h"
#include "runtime/src/Error.h"
#include "runtime/src/File.h"
#include "runtime/src/Safetensors.h"
#include "runtime/src/State.h"
#include "runtime/src/Type.h"

#include <charconv>
#include <cstring>

using namespace ssd;

namespace {

constexpr const char *kBatchKey = "batch";

/// Compares a state file with what a program's states look like.
class StateFileCheck {
public:
  StateFileCheck(const StateLayout &layout, const SafetensorsHeader &header,
                 const std::string &path)
      : layout(layout), header(header), path(path) {}

  /// Checks names, types and shapes; returns the batch.
  int64_t check();

private:
  void checkNames();
  void checkShape(const StateLayout::Tensor &expected,
                  const StoredTensor &found);
  int64_t recordedBatch();

  const StateLayout &layout;
  const SafetensorsHeader &header;
  const std::string &path;
  int64_t batch = -1;
};

void StateFileCheck::checkNames() {
  for (const StateLayout::Tensor &tensor : layout.tensors)
    if (!header.tensors.count(tensor.name))
      fail(SSD_ERROR_INVALID_ARGUMENT, "The state file '", path,
           "' lacks the state '", tensor.name,
           "'. It was saved from another program.");
  if (header.tensors.size() == layout.tensors.size())
    return;
  fail(SSD_ERROR_INVALID_ARGUMENT, "The state file '", path, "' holds ",
       header.tensors.size(), " tensors; the program has ",
       layout.tensors.size(), " states. It was saved from another program.");
}

void StateFileCheck::checkShape(const StateLayout::Tensor &expected,
                                const StoredTensor &found) {
  bool fits = expected.shape.size() == found.shape.size();
  std::string wanted = "[";
  for (size_t d = 0; d < expected.shape.size(); ++d) {
    int64_t size = expected.shape[d];
    if (size < 0 && batch < 0 && fits)
      batch = found.shape[d];
    size = size < 0 ? batch : size;
    wanted += (d ? ", " : "") + (size < 0 ? "batch" : std::to_string(size));
    fits = fits && size == found.shape[d];
  }
  if (!fits)
    fail(SSD_ERROR_INVALID_ARGUMENT, "The state file '", path, "' holds '",
         expected.name, "' with shape ",
         shapeString(found.shape.data(), int32_t(found.shape.size())),
         "; expected ", wanted, "].");
  if (!sameType(expected.type, found.type))
    fail(SSD_ERROR_INVALID_ARGUMENT, "The state file '", path, "' holds '",
         expected.name, "' with type ", typeName(found.type), "; expected ",
         typeName(expected.type), ".");
}

/// The batch of states whose shapes don't tell it.
int64_t StateFileCheck::recordedBatch() {
  auto found = header.metadata.find(kBatchKey);
  if (found == header.metadata.end())
    return 1;
  const std::string &text = found->second;
  int64_t value = -1;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    fail(SSD_ERROR_CORRUPT, "The state file '", path,
         "' records the batch as '", text, "', which is not a size.");
  return value;
}

int64_t StateFileCheck::check() {
  checkNames();
  for (const StateLayout::Tensor &tensor : layout.tensors)
    checkShape(tensor, header.tensors.at(tensor.name));
  return batch >= 0 ? batch : recordedBatch();
}

} // namespace

int32_t ssd_state_save(const ssd_state *state, const char *path) {
  return guard([&] {
    if (!state || !path)
      fail(SSD_ERROR_INVALID_ARGUMENT,
           "ssd_state_save: the state or the path is null.");
    std::optional<ssd_state> onCpu;
    if (state->memory->device()) {
      onCpu.emplace(state->layout, state->batch, /*device=*/nullptr);
      state->memory->read(onCpu->memory->data(), state->memory->size());
      state = &*onCpu;
    }
    std::vector<std::pair<std::string, const DLTensor *>> tensors;
    for (size_t i = 0; i < state->tensors.size(); ++i)
      tensors.emplace_back(state->layout->tensors[i].name, &state->tensors[i]);
    writeSafetensors(path, tensors,
                     {{kBatchKey, std::to_string(state->batch)}});
  });
}

/// `kind`: a DLDeviceType, or nothing for the program's first.
static int32_t loadState(const ssd_program *program,
                         std::optional<int32_t> kind, const char *path,
                         ssd_state **out) {
  return guard([&] {
    if (!program || !path || !out)
      fail(SSD_ERROR_INVALID_ARGUMENT,
           "ssd_state_load: the program, path or result pointer is null.");
    *out = nullptr;
    MappedFile file(path);
    SafetensorsHeader header =
        parseSafetensors(file.data(), file.size(), file.path());
    int64_t batch =
        StateFileCheck(*program->states, header, file.path()).check();
    auto state = std::make_unique<ssd_state>(program->states, batch,
                                             /*device=*/nullptr);
    for (size_t i = 0; i < state->tensors.size(); ++i) {
      const StoredTensor &stored =
          header.tensors.at(state->layout->tensors[i].name);
      std::memcpy(state->tensors[i].data, file.data() + stored.begin,
                  stored.bytes);
    }
    if (const Device *device = program->memoryDevice(
            kind ? deviceKind(*kind) : program->firstDevice())) {
      auto onGpu = std::make_unique<ssd_state>(state->layout, batch, device);
      onGpu->memory->write(state->memory->data(), state->memory->size());
      state = std::move(onGpu);
    }
    *out = state.release();
  });
}

int32_t ssd_state_load(const ssd_program *program, const char *path,
                       ssd_state **out) {
  return loadState(program, std::nullopt, path, out);
}

int32_t ssd_state_load_on(const ssd_program *program, int32_t device,
                          const char *path, ssd_state **out) {
  return loadState(program, device, path, out);
}
