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

  /// `allocators` make results from shape and strides; `types` are those of
  /// operands, and `exchange` is theirs.
  Shortcut(py::object owner, const std::string &entry,
           std::vector<Place> places, py::tuple allocators, py::tuple types,
           py::object exchange, int32_t gpu);

  /// The results, or None. `gradients`: whether they are recorded. `workspace`
  /// is the CPU's.
  py::object call(const py::tuple &operands, bool gradients, Context &context,
                  Workspace *workspace) const;

private:
  static constexpr int32_t kMaxRank = 8;
  struct Argument {
    DLTensor tensor;
    int64_t shape[kMaxRank], strides[kMaxRank];
  };
  struct Call {
    std::vector<Argument> arguments;
    std::vector<int64_t> sizes; // dynamic ones by number; 0: not known
    py::list results;
  };

  bool isLike(py::handle operand, bool gradients) const;
  bool read(py::handle operand, const std::vector<int32_t> &dims,
            const ssd_argument &declared, Call &call) const;
  bool bindSizes(const ssd_argument &declared, const int64_t *shape,
                 Call &call) const;
  bool allocate(size_t number, const std::vector<int32_t> &dims,
                const ssd_argument &declared, Call &call) const;
  Argument &add(const ssd_argument &declared, Call &call) const;
  bool run(Call &call, Context &context, Workspace *workspace) const;

  py::object owner;
  const Program &program;
  const ssd_entry *entry;
  std::vector<Place> places;
  py::tuple allocators, types;
  py::object exchangeOwner;
  const Exchange &exchange;
  DLDevice device;
};

} // namespace ssd::python

#endif // SSD_PYTHON_SHORTCUT_H
