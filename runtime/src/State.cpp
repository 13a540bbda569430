//===- State.cpp - The state tensors of one batch ---------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/State.h"
#include "runtime/src/AlignedBuffer.h"
#include "runtime/src/Error.h"
#include "runtime/src/Type.h"

using namespace ssd;

ssd_state::ssd_state(std::shared_ptr<const StateLayout> stateLayout,
                     int64_t batch, const Device *device)
    : layout(std::move(stateLayout)), batch(batch) {
  std::vector<size_t> offsets;
  int64_t total = 0;
  for (const StateLayout::Tensor &tensor : layout->tensors) {
    std::vector<int64_t> shape = tensor.shape;
    for (int64_t &size : shape)
      size = size < 0 ? batch : size;
    int32_t rank = static_cast<int32_t>(shape.size());
    std::optional<int64_t> needed = denseBytes(shape.data(), rank, tensor.type);
    offsets.push_back(static_cast<size_t>(total));
    if (!needed || __builtin_add_overflow(total, *needed, &total) ||
        __builtin_add_overflow(total, int64_t(kAlignment) - 1, &total))
      fail(SSD_ERROR_INVALID_ARGUMENT, "The state '", tensor.name,
           "' for a batch of ", batch, " is larger than any memory.");
    total -= total % int64_t(kAlignment);
    strides.emplace_back(rank);
    denseStrides(shape.data(), rank, strides.back().data());
    shapes.push_back(std::move(shape));
  }
  memory.emplace(device, static_cast<size_t>(total));
  for (size_t i = 0; i < offsets.size(); ++i)
    tensors.push_back(
        {static_cast<char *>(memory->data()) + offsets[i], memory->dlDevice(),
         static_cast<int32_t>(shapes[i].size()), layout->tensors[i].type,
         shapes[i].data(), strides[i].data(), 0});
}

/// `device`: a DLDeviceType, or nothing for the program's first.
static int32_t createState(const ssd_program *program,
                           std::optional<int32_t> device, int64_t batch,
                           ssd_state **out) {
  return guard([&] {
    if (!program || !out)
      fail(SSD_ERROR_INVALID_ARGUMENT,
           "ssd_state_create: the program or the result pointer is null.");
    *out = nullptr;
    if (batch < 0)
      fail(SSD_ERROR_INVALID_ARGUMENT,
           "A state's batch can't be negative; "
           "found ",
           batch, ".");
    auto state = std::make_unique<ssd_state>(
        program->states, batch,
        program->memoryDevice(device ? deviceKind(*device)
                                     : program->firstDevice()));
    state->memory->clear();
    *out = state.release();
  });
}

int32_t ssd_state_create(const ssd_program *program, int64_t batch,
                         ssd_state **out) {
  return createState(program, std::nullopt, batch, out);
}

int32_t ssd_state_create_on(const ssd_program *program, int32_t device,
                            int64_t batch, ssd_state **out) {
  return createState(program, device, batch, out);
}

void ssd_state_destroy(ssd_state *state) { delete state; }

int64_t ssd_state_batch(const ssd_state *state) {
  return state ? state->batch : 0;
}

int32_t ssd_state_count(const ssd_state *state) {
  return state ? static_cast<int32_t>(state->tensors.size()) : 0;
}

static bool isValidIndex(const ssd_state *state, int32_t index) {
  return guard([&] {
           if (!state || index < 0 || index >= ssd_state_count(state))
             fail(SSD_ERROR_INVALID_ARGUMENT, "There is no state tensor ",
                  index, "; the state has ", ssd_state_count(state), ".");
         }) == SSD_OK;
}

const char *ssd_state_name(const ssd_state *state, int32_t index) {
  return isValidIndex(state, index) ? state->layout->tensors[index].name.c_str()
                                    : nullptr;
}

const DLTensor *ssd_state_tensor(const ssd_state *state, int32_t index) {
  return isValidIndex(state, index) ? &state->tensors[index] : nullptr;
}

int32_t ssd_state_copy(const ssd_state *state, ssd_state **out) {
  return guard([&] {
    if (!state || !out)
      fail(SSD_ERROR_INVALID_ARGUMENT,
           "ssd_state_copy: the state or the result pointer is null.");
    *out = nullptr;
    auto copy = std::make_unique<ssd_state>(state->layout, state->batch,
                                            state->memory->device());
    copy->memory->copyFrom(*state->memory);
    *out = copy.release();
  });
}

int32_t ssd_state_zero(ssd_state *state) {
  return guard([&] {
    if (!state)
      fail(SSD_ERROR_INVALID_ARGUMENT, "ssd_state_zero: the state is null.");
    state->memory->clear();
  });
}
