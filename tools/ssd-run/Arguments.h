//===- Arguments.h - The tensors that ssd-run passes to an entry ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_TOOLS_SSD_RUN_ARGUMENTS_H
#define SSD_TOOLS_SSD_RUN_ARGUMENTS_H

#include "runtime/reference/Npy.h"
#include "runtime/src/Memory.h"
#include "ssd_runtime.h"
#include "tools/ssd-run/Options.h"

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace ssd::run {

using reference::Array;

/// Dynamic sizes of one entry, known from options, files and a saved state.
class Sizes {
public:
  Sizes(const ssd_entry &entry, const std::map<int32_t, int64_t> &given);

  /// Learns the sizes of an argument from a tensor for it.
  void learn(const ssd_argument &argument, const std::vector<int64_t> &shape);
  /// The argument's shape; throws UsageError for a size that nothing tells.
  std::vector<int64_t> shapeOf(const ssd_argument &argument) const;
  /// Of the first argument that carries the name.
  std::vector<int64_t> shapeOf(const std::string &name) const;
  /// What the dynamic sizes of states are.
  int64_t batch() const;

private:
  const ssd_entry &entry;
  std::map<int32_t, int64_t> known;
};

/// Fills arrays the way models fill them, by the argument's name.
class Generator {
public:
  Generator(uint64_t seed, const ssd_entry &entry, const Sizes &sizes);

  /// `source`: random, zeros, ones or iota.
  Array make(const ssd_argument &argument, const std::string &source);

private:
  void fillRandom(Array &array, const ssd_argument &argument);
  void fillFloats(Array &array, const std::string &name);
  void fillIntegers(Array &array, const ssd_argument &argument);
  void fillSegments(Array &array);
  void fillOffsets(Array &array);
  void fillSlots(Array &array);
  double uniform(double low, double high);
  bool hasArgument(const std::string &name) const;

  const ssd_entry &entry;
  const Sizes &sizes;
  std::mt19937_64 engine;
};

/// Inputs and outputs of a call by name, in the order of the call. Those of an
/// entry on the GPU have memory there, too.
struct CallArguments {
  CallArguments(const ssd_entry &entry, const Options &options, Sizes &sizes);

  std::vector<const DLTensor *> tensors();
  /// Makes the arrays what a call left in the GPU's memory.
  void fetch();
  Array *find(const std::string &name);

  struct Argument {
    const ssd_argument *declaration;
    Array array;
    DLTensor view;
    std::unique_ptr<Memory> memory; // on the GPU, null on the CPU
  };
  std::vector<Argument> arguments;
};

/// Where memory for arguments on this kind of device goes; null for the CPU.
const Device *deviceFor(int32_t type);

/// Copies a tensor of the runtime, on whatever device.
Array copyOf(const DLTensor &tensor);

/// The argument of an entry with this name, or null.
const ssd_argument *findArgument(const ssd_entry &entry,
                                 const std::string &name);

} // namespace ssd::run

#endif // SSD_TOOLS_SSD_RUN_ARGUMENTS_H
