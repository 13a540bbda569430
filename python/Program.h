//===- Program.h - Programs, states and calls ------------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_PYTHON_PROGRAM_H
#define SSD_PYTHON_PROGRAM_H

#include "python/Arrays.h"
#include "python/Errors.h"

#include <atomic>
#include <cstdlib>
#include <optional>

namespace ssd::python {

class Context {
public:
  explicit Context(int32_t threads) {
    check(ssd_context_create(threads, &handle));
  }
  ~Context() {
    // The workers don't exist in the child of a fork; joining them would hang.
    if (!isUsable())
      return;
    py::gil_scoped_release nogil;
    ssd_context_destroy(handle);
  }
  Context(const Context &) = delete;

  int32_t threads() const { return ssd_context_threads(handle); }
  bool isUsable() const { return process == currentProcess(); }

  /// The handle of `context`; without one, the calling thread's own, which has
  /// no workers: for calls that only put work into a stream.
  static ssd_context *handleOf(const Context *context);

private:
  /// A number that changes in the child of a fork.
  static int32_t currentProcess();

  ssd_context *handle = nullptr;
  int32_t process = currentProcess();
};

/// Scratch memory that only grows, aligned as the ABI asks.
class Workspace {
public:
  ~Workspace() { std::free(memory); }
  Workspace() = default;
  Workspace(const Workspace &) = delete;

  void *reserve(size_t bytes) {
    if (bytes <= size)
      return memory;
    std::free(memory);
    memory = nullptr;
    size = 0;
    // aligned_alloc wants a multiple of the alignment.
    size_t rounded = (bytes + 63) / 64 * 64;
    memory = rounded < bytes ? nullptr : std::aligned_alloc(64, rounded);
    if (!memory)
      raiseStatus(SSD_ERROR_OUT_OF_MEMORY, "The workspace of " +
                                               std::to_string(bytes) +
                                               " bytes cannot be allocated.");
    size = rounded;
    return memory;
  }
  size_t bytes() const { return size; }

private:
  void *memory = nullptr;
  size_t size = 0;
};

class State {
public:
  explicit State(ssd_state *handle) : handle(handle) {}
  ~State() { ssd_state_destroy(handle); }
  State(const State &) = delete;

  /// Marks the state as in use, so that two threads cannot write it at once.
  class Use {
  public:
    explicit Use(State &state) : state(state) {
      if (state.inUse.exchange(true))
        refuse("The state is in use by a call of another thread; give each "
               "thread a copy.");
    }
    ~Use() { state.inUse = false; }

  private:
    State &state;
  };

  int64_t batch() const { return ssd_state_batch(handle); }
  /// "cpu" or "cuda"; nothing for a state without tensors.
  std::optional<std::string> device() const;
  void zero() {
    Use use(*this);
    check(ssd_state_zero(handle));
  }
  std::unique_ptr<State> copy() {
    Use use(*this);
    ssd_state *result = nullptr;
    check(ssd_state_copy(handle, &result));
    return std::make_unique<State>(result);
  }
  void save(const std::string &path) {
    Use use(*this);
    check(ssd_state_save(handle, path.c_str()));
  }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (int32_t i = 0, e = ssd_state_count(handle); i < e; ++i)
      result.push_back(ssd_state_name(handle, i));
    return result;
  }

  ssd_state *handle;

private:
  std::atomic<bool> inUse{false};
};

/// The i-th tensor of a state, as an array that writes through and keeps the
/// state alive.
py::tuple stateTensor(py::object self, int32_t index);

class Program {
public:
  using Arguments = std::vector<const DLTensor *>;
  using Kind = std::optional<std::string>;

  explicit Program(const std::string &path);
  ~Program() { ssd_program_destroy(handle); }
  Program(const Program &) = delete;

  std::string describe() const { return ssd_program_describe(handle); }
  bool isBound() const { return ssd_program_is_bound(handle) != 0; }
  void bindWeights(const std::string &path);
  /// The program reads the array's own memory, so it keeps the array.
  void bind(const std::string &name, py::object array, const std::string &type,
            int32_t gpu);

  py::list entries() const;
  py::dict info() const;
  /// Null if there is no such entry for the device.
  const ssd_entry *entry(const std::string &name, int32_t device) const {
    return ssd_program_entry_on(handle, name.c_str(), device);
  }

  /// For "cpu" or "cuda"; nothing: for the first entry's device.
  std::unique_ptr<State> createState(int64_t batch, const Kind &device) const;
  std::unique_ptr<State> loadState(const std::string &path,
                                   const Kind &device) const;

  /// `workspace` is a Workspace, or a function from a number of bytes to a
  /// tensor of PyTorch's; PyTorch's tensors are all on GPU `gpu`, or on the CPU
  /// if that is negative. On a GPU there need be no context.
  void call(const std::string &entry, const py::sequence &arrays,
            const std::vector<bool> &written, State *state,
            const Context *context, const py::object &workspace, int32_t gpu,
            uintptr_t stream) const;

  /// Statuses of the runtime.
  int32_t workspaceBytes(const char *entry, const Arguments &arguments,
                         ssd_state *state, size_t &bytes) const;
  /// Others may run Python meanwhile.
  int32_t run(const char *entry, const Arguments &arguments, ssd_state *state,
              const Context *context, void *memory, size_t bytes,
              void *stream) const;

private:
  ssd_program *handle = nullptr;
  std::vector<std::unique_ptr<TensorView>> bound;
};

} // namespace ssd::python

#endif // SSD_PYTHON_PROGRAM_H
