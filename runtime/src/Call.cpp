//===- Call.cpp - Running an entry ------------------------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/AlignedBuffer.h"
#include "runtime/src/ArgumentCheck.h"
#include "runtime/src/Context.h"
#include "runtime/src/Error.h"
#include "runtime/src/Program.h"
#include "runtime/src/State.h"
#include "runtime/src/Type.h"

#include <algorithm>
#include <array>

using namespace ssd;

namespace {

/// Memory that calls of one thread share, so that a call allocates nothing
/// once its thread has seen the entry.
struct CallScratch {
  /// All arguments of the entry, in its order.
  std::vector<const DLTensor *> arguments;
  /// The caller's tensors with the offset folded into the pointer and strides
  /// written out: compiled code sees one spelling of a tensor.
  std::vector<DLTensor> tensors;
  std::vector<std::array<int64_t, kMaxRank>> strides;
  DynamicSizes sizes;
  CallDevice device;
};

CallScratch &threadScratch() {
  static thread_local CallScratch scratch;
  return scratch;
}

/// The device whose code a call takes where the program has several.
DLDeviceType chooseDevice(const DLTensor *const *args, int32_t count,
                          const ssd_state *state) {
  if (state && state->memory->device())
    return kDLCUDA;
  for (int32_t i = 0; args && i < count; ++i)
    if (args[i] && args[i]->device.device_type == kDLCUDA)
      return kDLCUDA;
  return kDLCPU;
}

/// Checks the tensors of one call and puts the entry's argument list together.
class CallBuilder {
public:
  CallBuilder(const ssd_program &program, const char *entry,
              const DLTensor *const *args, int32_t count,
              const ssd_state *state)
      : program(program),
        plan(program.plan(entry, chooseDevice(args, count, state))), args(args),
        count(count), state(state), scratch(threadScratch()) {}

  void build();

  const ssd_entry &entry() const { return *plan.entry; }
  bool isOnGpu() const { return plan.device == kDLCUDA; }
  const DLTensor *const *arguments() const { return scratch.arguments.data(); }
  size_t workspaceBytes() const;
  std::optional<int32_t> device() const { return scratch.device.ordinal(); }

private:
  TensorName nameOf(int32_t position) const {
    return {plan.entry->name, &plan.entry->args[position]};
  }
  void addCallArguments(const std::vector<int32_t> &positions);
  void add(int32_t position, const DLTensor &tensor);
  [[noreturn]] void failCount(size_t expected) const;
  void addStates();
  const Binding &bindingOf(const EntryPlan::Source &parameter) const {
    const ssd_argument &argument = plan.entry->args[parameter.position];
    return program.parameters[parameter.index].bindings.at(
        static_cast<DLDeviceType>(argument.device));
  }
  void addParameters();
  [[noreturn]] void failUnbound() const;

  const ssd_program &program;
  const EntryPlan &plan;
  const DLTensor *const *args;
  int32_t count;
  const ssd_state *state;
  CallScratch &scratch;
};

void CallBuilder::build() {
  scratch.arguments.assign(plan.entry->n_args, nullptr);
  scratch.sizes.clear();
  scratch.device.clear();
  if (state) {
    addCallArguments(plan.callPositions);
    addStates();
  } else {
    addCallArguments(plan.tensorPositions);
  }
  addParameters();
}

void CallBuilder::failCount(size_t expected) const {
  if (expected != plan.callPositions.size() &&
      static_cast<size_t>(count) == plan.callPositions.size())
    fail(SSD_ERROR_INVALID_ARGUMENT, "Entry '", plan.entry->name,
         "' needs a state; create one with ssd_state_create(), or pass its "
         "tensors with the others.");
  fail(SSD_ERROR_INVALID_ARGUMENT, "Entry '", plan.entry->name, "' takes ",
       expected, " inputs and outputs; found ", count, ".");
}

void CallBuilder::addCallArguments(const std::vector<int32_t> &positions) {
  size_t expected = positions.size();
  if (count < 0 || static_cast<size_t>(count) != expected)
    failCount(expected);
  if (count > 0 && !args)
    fail(SSD_ERROR_INVALID_ARGUMENT, "Entry '", plan.entry->name,
         "': the argument list is null.");
  scratch.tensors.resize(expected);
  scratch.strides.resize(expected);
  for (size_t i = 0; i < expected; ++i) {
    int32_t position = positions[i];
    TensorName name = nameOf(position);
    checkTensor(name, args[i]);
    DLTensor &tensor = scratch.tensors[i] = *args[i];
    if (tensor.data)
      tensor.data = static_cast<char *>(tensor.data) + tensor.byte_offset;
    tensor.byte_offset = 0;
    int64_t *strides = scratch.strides[i].data();
    if (name.argument->strided && tensor.strides)
      std::copy_n(tensor.strides, tensor.ndim, strides);
    else
      denseStrides(tensor.shape, tensor.ndim, strides);
    tensor.strides = strides;
    add(position, tensor);
    // What the GPU reads may not be written yet when the CPU looks.
    if (name.argument->role == SSD_ROLE_INPUT &&
        name.argument->device == kDLCPU)
      checkRange(name, tensor);
  }
}

void CallBuilder::add(int32_t position, const DLTensor &tensor) {
  TensorName name = nameOf(position);
  scratch.sizes.check(name, tensor);
  scratch.device.check(name, tensor);
  scratch.arguments[position] = &tensor;
}

void CallBuilder::addStates() {
  if (plan.states.empty())
    return;
  // A state made by another load of the same artifact serves as well.
  if (state->layout != program.states && !(*state->layout == *program.states))
    fail(SSD_ERROR_INVALID_ARGUMENT, "Entry '", plan.entry->name,
         "': the state was made for another program.");
  DLDevice memory = state->memory->dlDevice();
  if (memory.device_type != plan.device)
    fail(SSD_ERROR_INVALID_ARGUMENT, "Entry '", plan.entry->name,
         "': the state is on ", deviceName(memory), "; expected ",
         isOnGpu() ? "cuda" : "cpu", ", as ssd_state_create_on() makes it.");
  for (const EntryPlan::Source &source : plan.states)
    add(source.position, state->tensors[source.index]);
}

void CallBuilder::addParameters() {
  for (const EntryPlan::Source &source : plan.parameters) {
    const Binding &binding = bindingOf(source);
    if (!binding.isBound())
      failUnbound();
    add(source.position, binding.tensor());
  }
}

void CallBuilder::failUnbound() const {
  size_t unbound = 0;
  const char *first = nullptr;
  for (const EntryPlan::Source &source : plan.parameters) {
    if (bindingOf(source).isBound())
      continue;
    first = first ? first : plan.entry->args[source.position].name;
    ++unbound;
  }
  fail(SSD_ERROR_INVALID_ARGUMENT, "Entry '", plan.entry->name, "': ", unbound,
       " of ", plan.parameters.size(),
       " parameters are not bound, the first is '", first,
       "'. Call ssd_program_bind_weights() first.");
}

size_t CallBuilder::workspaceBytes() const {
  if (!plan.entry->workspace)
    return 0;
  int64_t bytes = plan.entry->workspace(arguments(), plan.entry->n_args);
  if (bytes < 0)
    fail(SSD_ERROR_INTERNAL, "Entry '", plan.entry->name,
         "' reports a workspace of ", bytes,
         " bytes. Its workspace overflows for these shapes.");
  return static_cast<size_t>(bytes);
}

void checkWorkspace(const ssd_entry &entry, size_t needed, const void *memory,
                    size_t bytes) {
  if (needed == 0)
    return;
  if (!memory || bytes < needed)
    fail(SSD_ERROR_INVALID_ARGUMENT, "Entry '", entry.name,
         "' needs a workspace of ", needed,
         " bytes for these arguments; found ", memory ? bytes : 0,
         ". ssd_workspace_size() returns the size.");
  if (reinterpret_cast<uintptr_t>(memory) % kAlignment != 0)
    fail(SSD_ERROR_INVALID_ARGUMENT, "Entry '", entry.name,
         "': the workspace must be aligned to ", kAlignment, " bytes.");
}

/// Takes a context for one call and releases it on every way out.
class ContextLease {
public:
  explicit ContextLease(Context &context) : context(context) {
    if (context.busy.exchange(true, std::memory_order_acquire))
      fail(SSD_ERROR_INVALID_ARGUMENT, "The context is running another call; "
                                       "concurrent calls need a context each.");
    context.kernels = nullptr;
    context.failure = SSD_OK;
  }
  ~ContextLease() { context.busy.store(false, std::memory_order_release); }
  ContextLease(const ContextLease &) = delete;

private:
  Context &context;
};

/// The kernels on the device of the call's tensors; where these are all in
/// memory that the CPU shares, on the current one.
const DeviceKernels &kernelsFor(ProgramKernels &gpu,
                                std::optional<int32_t> device, void *stream) {
  return gpu.on(device ? *device : gpu.driver().currentDevice().ordinal,
                stream);
}

void runEntry(const ssd_entry &entry, Context &context,
              const DLTensor *const *arguments, void *workspace, void *stream) {
  clearLastError();
  int32_t status =
      entry.run(&context, arguments, entry.n_args, workspace, stream);
  if (status == SSD_OK)
    return;
  std::string reason = ssd_last_error();
  fail(status < 0 ? status : SSD_ERROR_INTERNAL, "Entry '", entry.name,
       "' failed: ",
       reason.empty() ? concat(statusName(status), " (", status, ").")
                      : reason);
}

} // namespace

int32_t ssd_workspace_size(const ssd_program *program, const char *entry,
                           const DLTensor *const *args, int32_t n_args,
                           const ssd_state *state, size_t *bytes) {
  return guard([&] {
    if (!program || !bytes)
      fail(SSD_ERROR_INVALID_ARGUMENT,
           "ssd_workspace_size: the program or the result pointer is null.");
    *bytes = 0;
    CallBuilder call(*program, entry, args, n_args, state);
    call.build();
    *bytes = call.workspaceBytes();
  });
}

int32_t ssd_call(const ssd_program *program, ssd_context *context,
                 const char *entry, const DLTensor *const *args, int32_t n_args,
                 ssd_state *state, void *workspace, size_t workspace_bytes,
                 void *stream) {
  return guard([&] {
    if (!program || !context)
      fail(SSD_ERROR_INVALID_ARGUMENT,
           "ssd_call: the program or the context is null.");
    CallBuilder call(*program, entry, args, n_args, state);
    ProgramKernels *gpu = call.isOnGpu() ? &program->gpu() : nullptr;
    Context &own = *Context::of(context);
    ContextLease lease(own);
    call.build();
    checkWorkspace(call.entry(), call.workspaceBytes(), workspace,
                   workspace_bytes);
    std::optional<DeviceScope> scope;
    if (gpu) {
      own.kernels = &kernelsFor(*gpu, call.device(), stream);
      scope.emplace(*own.kernels->device);
    }
    runEntry(call.entry(), own, call.arguments(), workspace, stream);
  });
}
