//===- Program.h - A loaded artifact with its weights -----------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_PROGRAM_H
#define SSD_RUNTIME_SRC_PROGRAM_H

#include "runtime/src/DriverKernels.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace ssd {

/// What a parameter is bound to: a view, and whoever keeps its memory (a
/// mapped file, a converted copy, nobody for the caller's own memory).
class Binding {
public:
  Binding() = default;
  /// A dense tensor, or one with the `strides` of the caller's.
  Binding(const void *data, DLDevice device, DLDataType type,
          std::vector<int64_t> shape, const int64_t *strides,
          std::shared_ptr<const void> owner);

  bool isBound() const { return bound; }
  const DLTensor &tensor() const { return view; }

private:
  DLTensor view = {};
  // Views point into these; moving a vector keeps its elements where they are.
  std::vector<int64_t> shape, strides;
  std::shared_ptr<const void> owner;
  bool bound = false;
};

/// One weight of the program, whichever entries use it.
struct Parameter {
  const ssd_argument *argument; // the first of those that declare it
  /// By where entries want it.
  std::map<DLDeviceType, Binding> bindings;
};

/// The state tensors that all entries of a program agree on, wherever they run.
/// Shared with the states, which may outlive the program.
struct StateLayout {
  struct Tensor {
    std::string name;
    DLDataType type;
    /// -1 stands for the batch.
    std::vector<int64_t> shape;

    bool operator==(const Tensor &other) const;
  };
  std::vector<Tensor> tensors;

  bool operator==(const StateLayout &other) const {
    return tensors == other.tensors;
  }
};

/// A caller's DLDeviceType of entries. Throws Failure for others.
DLDeviceType deviceKind(int32_t device);

/// Where each argument of an entry comes from in a call.
struct EntryPlan {
  const ssd_entry *entry;
  DLDeviceType device;
  /// Positions of inputs and outputs, in the order of a call's arguments, and
  /// the same with the states.
  std::vector<int32_t> callPositions, tensorPositions;
  /// Argument position and index into the program's states or parameters.
  struct Source {
    int32_t position;
    int32_t index;
  };
  std::vector<Source> states;
  std::vector<Source> parameters;
};

} // namespace ssd

struct ssd_program {
  explicit ssd_program(const std::string &path);

  /// The entry for `device`, or else for the other one; without a device the
  /// table's first.
  const ssd::EntryPlan &plan(const char *entry,
                             std::optional<DLDeviceType> device = {}) const;
  ssd::Parameter *findParameter(const std::string &name);
  /// Whether there are entries for a device.
  bool isFor(DLDeviceType device) const;
  /// Whether what is for a device is of use here: all but what is for GPUs
  /// where none can be used, unless there is nothing else.
  bool isAvailable(DLDeviceType device) const;
  /// Whether a parameter is bound wherever it can be of use.
  bool isBound(const ssd::Parameter &parameter) const;
  /// Of the first entry.
  DLDeviceType firstDevice() const;
  /// The kernels on the GPU. Throws Failure where they can't be used.
  ssd::ProgramKernels &gpu() const;
  /// Where new memory for arguments on `device` goes: null for the CPU.
  const ssd::Device *memoryDevice(DLDeviceType device) const;

  ssd::Artifact artifact;
  std::string description;
  std::vector<ssd::Parameter> parameters;
  std::shared_ptr<const ssd::StateLayout> states;
  std::vector<ssd::EntryPlan> plans;

private:
  void loadKernels();
  ssd::EntryPlan makePlan(const ssd_entry &entry, ssd::StateLayout &layout);
  int32_t addParameter(const ssd_argument &argument);
  int32_t addState(ssd::StateLayout &layout, const ssd_argument &argument);

  std::unordered_map<std::string, int32_t> parameterIndex;
  std::unique_ptr<ssd::ProgramKernels> kernels;
  /// Why there are none, in an artifact with entries for GPUs: they can be
  /// described, but not called.
  std::optional<ssd::Failure> gpuFailure;
};

#endif // SSD_RUNTIME_SRC_PROGRAM_H
