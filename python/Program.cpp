//===- Program.cpp - Programs, states and calls ----------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "python/Program.h"

#include <pthread.h>

using namespace ssd::python;

int32_t Context::currentProcess() {
  // Counted, because asking the system takes as long as all checks of a call.
  static int32_t number = 0;
  static int registered = pthread_atfork(nullptr, nullptr, [] { ++number; });
  (void)registered;
  return number;
}

ssd_context *Context::handleOf(const Context *context) {
  struct Own {
    ~Own() { ssd_context_destroy(handle); }
    ssd_context *handle = nullptr;
  };
  static thread_local Own own;
  if (context && !context->isUsable())
    raiseStatus(SSD_ERROR_INTERNAL, "The context is another process's.");
  if (!context && !own.handle)
    check(ssd_context_create(/*threads=*/1, &own.handle));
  return context ? context->handle : own.handle;
}

py::tuple ssd::python::stateTensor(py::object self, int32_t index) {
  State &state = self.cast<State &>();
  if (index < 0 || index >= ssd_state_count(state.handle))
    throw py::index_error("no such state tensor");
  return viewTensor(*ssd_state_tensor(state.handle, index), self, false);
}

//===----------------------------------------------------------------------===//
// What a program has
//===----------------------------------------------------------------------===//

namespace {

const char *roleName(int32_t role) {
  switch (role) {
  case SSD_ROLE_INPUT:
    return "input";
  case SSD_ROLE_OUTPUT:
    return "output";
  case SSD_ROLE_STATE:
    return "state";
  default:
    return "parameter";
  }
}

const char *deviceName(int32_t device) {
  return device == kDLCUDA ? "cuda" : "cpu";
}

int32_t deviceNumber(const std::string &name) {
  if (name != "cpu" && name != "cuda")
    refuse("A device is 'cpu' or 'cuda', not '" + name + "'.");
  return name == "cpu" ? kDLCPU : kDLCUDA;
}

py::dict describeArgument(const ssd_argument &argument) {
  py::list shape;
  for (int32_t d = 0; d < argument.rank; ++d)
    shape.append(argument.shape[d]);
  py::dict result;
  result["name"] = argument.name ? argument.name : "";
  result["role"] = roleName(argument.role);
  result["dtype"] = elementTypeName(argument.dtype);
  result["shape"] = py::tuple(shape);
  result["strided"] = argument.strided != 0;
  result["device"] = deviceName(argument.device);
  if (argument.min_value <= argument.max_value)
    result["range"] = py::make_tuple(argument.min_value, argument.max_value);
  else
    result["range"] = py::none();
  return result;
}

} // namespace

Program::Program(const std::string &path) {
  py::gil_scoped_release nogil;
  int32_t status = ssd_program_load(path.c_str(), &handle);
  if (status != SSD_OK) {
    std::string message = ssd_last_error();
    py::gil_scoped_acquire gil;
    raiseStatus(status, message);
  }
}

void Program::bindWeights(const std::string &path) {
  int32_t status;
  std::string message;
  {
    py::gil_scoped_release nogil;
    status = ssd_program_bind_weights(handle, path.c_str());
    if (status != SSD_OK)
      message = ssd_last_error();
  }
  if (status != SSD_OK)
    raiseStatus(status, message);
}

void Program::bind(const std::string &name, py::object array,
                   const std::string &type, int32_t gpu) {
  auto view =
      std::make_unique<TensorView>(std::move(array), type, deviceOf(gpu));
  check(ssd_program_bind(handle, name.c_str(), view->get()));
  bound.push_back(std::move(view));
}

py::list Program::entries() const {
  const ssd_artifact *table = ssd_program_artifact(handle);
  py::list result;
  for (int32_t i = 0; i < table->n_entries; ++i) {
    const ssd_entry &entry = table->entries[i];
    py::list arguments;
    for (int32_t a = 0; a < entry.n_args; ++a)
      arguments.append(describeArgument(entry.args[a]));
    py::dict description;
    description["name"] = entry.name;
    description["arguments"] = arguments;
    description["mixers"] = entry.mixers ? entry.mixers : "[]";
    result.append(description);
  }
  return result;
}

py::dict Program::info() const {
  const ssd_artifact *table = ssd_program_artifact(handle);
  py::dict result;
  result["abi_version"] = table->abi_version;
  result["compiler"] = table->compiler ? table->compiler : "";
  result["target"] = table->target ? table->target : "";
  result["metadata"] = table->metadata ? table->metadata : "{}";
  return result;
}

std::unique_ptr<State> Program::createState(int64_t batch,
                                            const Kind &device) const {
  ssd_state *state = nullptr;
  check(device
            ? ssd_state_create_on(handle, deviceNumber(*device), batch, &state)
            : ssd_state_create(handle, batch, &state));
  return std::make_unique<State>(state);
}

std::unique_ptr<State> Program::loadState(const std::string &path,
                                          const Kind &device) const {
  ssd_state *state = nullptr;
  check(device ? ssd_state_load_on(handle, deviceNumber(*device), path.c_str(),
                                   &state)
               : ssd_state_load(handle, path.c_str(), &state));
  return std::make_unique<State>(state);
}

std::optional<std::string> State::device() const {
  if (ssd_state_count(handle) == 0)
    return std::nullopt;
  return deviceName(ssd_state_tensor(handle, 0)->device.device_type);
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

int32_t Program::workspaceBytes(const char *entry, const Arguments &arguments,
                                ssd_state *state, size_t &bytes) const {
  return ssd_workspace_size(handle, entry, arguments.data(),
                            static_cast<int32_t>(arguments.size()), state,
                            &bytes);
}

int32_t Program::run(const char *entry, const Arguments &arguments,
                     ssd_state *state, const Context *context, void *memory,
                     size_t bytes, void *stream) const {
  ssd_context *workers = Context::handleOf(context);
  py::gil_scoped_release nogil;
  return ssd_call(handle, workers, entry, arguments.data(),
                  static_cast<int32_t>(arguments.size()), state, memory, bytes,
                  stream);
}

void Program::call(const std::string &entry, const py::sequence &arrays,
                   const std::vector<bool> &written, State *state,
                   const Context *context, const py::object &workspace,
                   int32_t gpu, uintptr_t stream) const {
  DLDevice device = deviceOf(gpu);
  std::vector<std::unique_ptr<TensorView>> views;
  Arguments args;
  size_t position = 0;
  for (py::handle item : arrays) {
    auto pair = item.cast<py::tuple>();
    views.push_back(std::make_unique<TensorView>(
        py::object(pair[0]), pair[1].cast<std::string>(), device));
    args.push_back(views.back()->get());
    if (position < written.size() && written[position] &&
        !views.back()->isWritable())
      refuse("Array " + std::to_string(position) +
             " is written by the call, but it is read-only.");
    ++position;
  }
  std::unique_ptr<State::Use> use;
  if (state)
    use = std::make_unique<State::Use>(*state);
  ssd_state *stateHandle = state ? state->handle : nullptr;
  size_t bytes = 0;
  check(workspaceBytes(entry.c_str(), args, stateHandle, bytes));
  py::object scratch; // until all work that uses it is in the stream
  void *memory = nullptr;
  if (py::isinstance<Workspace>(workspace)) {
    memory = workspace.cast<Workspace &>().reserve(bytes);
  } else if (bytes > 0) {
    scratch = workspace(bytes);
    memory = dataPointer(scratch);
  }
  check(run(entry.c_str(), args, stateHandle, context, memory, bytes,
            reinterpret_cast<void *>(stream)));
}
