//===- Shortcut.h - Calls that are made again ------------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_PYTHON_SHORTCUT_H
#define SSD_PYTHON_SHORTCUT_H

#include "python/Exchange.h"
#include "python/Program.h"

#include <array>
#include <bitset>

namespace ssd::python {

/// A call that was made once with tensors of PyTorch's, to be made again with
/// others like them: what Python read and checked then is only compared now. Of
/// everything that differs it makes nothing, and Python does it the long way.
class Shortcut {
public:
  /// Where an argument of the entry comes from: an operand, or -1 - the number
  /// of a result; and which of its dimensions are the argument's, in order,
  /// where -1 is a new one of size 1 and those left out repeat one value.
  using Place = std::pair<int32_t, std::vector<int32_t>>;

  /// `types` are those of operands, and `exchange` is theirs. `dtypes` are
  /// PyTorch's for the results and, last, for bytes. `aligned` are operands
  /// whose rows must begin at multiples of 16 bytes.
  Shortcut(py::object owner, const std::string &entry,
           std::vector<Place> places, const std::vector<int32_t> &aligned,
           py::tuple dtypes, py::tuple types, py::object exchange, int32_t gpu);

  /// The results, or None. Operands without a place must be None.
  /// `gradients`: whether they are recorded. `allocate` makes a tensor from
  /// shape, strides and dtype. `resources`: on the CPU a Context and a
  /// Workspace.
  py::object call(const py::tuple &operands, bool gradients,
                  const py::object &allocate, const py::object &resources);

private:
  static constexpr int32_t kMaxRank = 8, kMaxSizes = 8, kMaxArguments = 32,
                           kMaxOperands = 32;
  /// Dynamic ones by number; 0: not known.
  using Sizes = std::array<int64_t, kMaxSizes>;
  struct Call;

  bool isHere(DLDevice other) const {
    return other.device_type == device.device_type &&
           other.device_id == device.device_id;
  }
  bool areThere(const py::tuple &operands) const;
  bool isLike(PyObject *operand, bool gradients) const;
  bool read(PyObject *operand, const Place &place, const ssd_argument &declared,
            Call &call) const;
  bool bindSizes(const ssd_argument &declared, const int64_t *shape,
                 Call &call) const;
  bool addResult(size_t number, const std::vector<int32_t> &dims,
                 const ssd_argument &declared, Call &call) const;
  py::object empty(py::handle allocate, const py::tuple &shape,
                   const py::tuple &strides, py::handle dtype,
                   void *&data) const;
  bool measure(const Program::Arguments &arguments, const Sizes &sizes);
  bool run(const Call &call, const py::object &resources);

  py::object owner;
  const Program &program;
  const ssd_entry *entry;
  std::vector<Place> places;
  std::bitset<kMaxOperands> operandsRead, alignedOperands;
  py::tuple dtypes, types;
  py::object isNegated, requiresGradient; // the types' method and property
  py::object exchangeOwner;
  const Exchange &exchange;
  DLDevice device;
  /// Of the last call, and the workspace that it needed.
  Sizes lastSizes;
  size_t lastBytes = 0;
};

} // namespace ssd::python

#endif // SSD_PYTHON_SHORTCUT_H
