//===- Shortcut.cpp - Calls that are made again ----------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "python/Shortcut.h"

using namespace ssd::python;

Shortcut::Shortcut(py::object owner, const std::string &entry,
                   std::vector<Place> places, py::tuple allocators,
                   py::tuple types, py::object exchange, int32_t gpu)
    : owner(std::move(owner)), program(this->owner.cast<Program &>()),
      entry(program.entry(entry, deviceOf(gpu).device_type)),
      places(std::move(places)), allocators(std::move(allocators)),
      types(std::move(types)), exchangeOwner(std::move(exchange)),
      exchange(exchangeOwner.cast<Exchange &>()), device(deviceOf(gpu)) {
  if (!this->entry || this->places.size() != size_t(this->entry->n_args))
    refuse("A shortcut's arguments are not its entry's.");
  for (int32_t i = 0; i < this->entry->n_args; ++i)
    if (this->entry->args[i].rank > kMaxRank ||
        this->places[i].second.size() != size_t(this->entry->args[i].rank))
      refuse("A shortcut's dimensions are not its entry's.");
}

/// Whether an operand is a tensor of the kind that views tell all about.
bool Shortcut::isLike(py::handle operand, bool gradients) const {
  static PyObject *isNegated = PyUnicode_InternFromString("is_neg");
  static PyObject *requiresGradient =
      PyUnicode_InternFromString("requires_grad");
  auto *type = reinterpret_cast<PyObject *>(Py_TYPE(operand.ptr()));
  bool known = false;
  for (py::handle one : types)
    known |= type == one.ptr();
  if (!known ||
      steal(PyObject_CallMethodNoArgs(operand.ptr(), isNegated)).ptr() ==
          Py_True)
    return false;
  return !gradients ||
         steal(PyObject_GetAttr(operand.ptr(), requiresGradient)).ptr() !=
             Py_True;
}

/// Compares static sizes; takes or compares dynamic ones.
bool Shortcut::bindSizes(const ssd_argument &declared, const int64_t *shape,
                         Call &call) const {
  for (int32_t d = 0; d < declared.rank; ++d) {
    int64_t size = declared.shape[d];
    if (size >= 0 && shape[d] != size)
      return false;
    if (size >= 0)
      continue;
    size_t number = static_cast<size_t>(-1 - size);
    if (call.sizes.size() <= number)
      call.sizes.resize(number + 1);
    int64_t &known = call.sizes[number];
    if (shape[d] == 0 || (known && known != shape[d]))
      return false;
    known = shape[d];
  }
  return true;
}

/// The next argument, without data, sizes and strides. There is room for all:
/// none moves.
Shortcut::Argument &Shortcut::add(const ssd_argument &declared,
                                  Call &call) const {
  Argument &argument = call.arguments.emplace_back();
  argument.tensor = {
      nullptr,          device, declared.rank, declared.dtype, argument.shape,
      argument.strides, 0};
  return argument;
}

bool Shortcut::read(py::handle operand, const std::vector<int32_t> &dims,
                    const ssd_argument &declared, Call &call) const {
  DLTensor view;
  if (!exchange.view(operand, view) ||
      view.device.device_type != device.device_type ||
      view.device.device_id != device.device_id ||
      view.dtype.code != declared.dtype.code ||
      view.dtype.bits != declared.dtype.bits ||
      view.dtype.lanes != declared.dtype.lanes)
    return false;
  Argument &argument = add(declared, call);
  argument.tensor.data = static_cast<char *>(view.data) + view.byte_offset;
  int32_t used = 0;
  /// Whether the dimensions before `end` that are left out repeat one value.
  auto skip = [&](int32_t end) {
    bool repeats = true;
    for (; used < end; ++used)
      repeats &= view.shape[used] == 1 || view.strides[used] == 0;
    return repeats;
  };
  for (size_t i = 0; i < dims.size(); ++i) {
    int32_t d = dims[i];
    // Dimensions are in order.
    if (d >= view.ndim || (d >= 0 && !skip(d)))
      return false;
    used += d >= 0;
    argument.shape[i] = d < 0 ? 1 : view.shape[d];
    argument.strides[i] = d < 0 ? 1 : view.strides[d];
  }
  return skip(view.ndim) && bindSizes(declared, argument.shape, call);
}

bool Shortcut::allocate(size_t number, const std::vector<int32_t> &dims,
                        const ssd_argument &declared, Call &call) const {
  Argument &argument = add(declared, call);
  int64_t dense = 1;
  for (int32_t d = declared.rank - 1; d >= 0; --d) {
    int64_t size = declared.shape[d];
    if (size < 0 && size_t(-1 - size) >= call.sizes.size())
      return false;
    argument.shape[d] = size >= 0 ? size : call.sizes[size_t(-1 - size)];
    argument.strides[d] = dense;
    dense *= argument.shape[d];
  }
  size_t rank = 0;
  for (int32_t d : dims)
    rank += d >= 0;
  py::tuple shape(rank), strides(rank);
  for (size_t d = 0, next = 0; d < dims.size(); ++d)
    if (dims[d] >= 0) {
      shape[next] = argument.shape[d];
      strides[next++] = argument.strides[d];
    }
  py::object result = allocators[number](shape, strides);
  DLTensor view;
  if (!exchange.view(result, view))
    return false;
  argument.tensor.data = view.data;
  call.results.append(std::move(result));
  return true;
}

py::object Shortcut::call(const py::tuple &operands, bool gradients,
                          Context &context, Workspace *workspace) const {
  Call call;
  call.arguments.reserve(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    const auto &[source, dims] = places[i];
    const ssd_argument &declared = entry->args[i];
    bool fits = source < 0 ? allocate(static_cast<size_t>(-1 - source), dims,
                                      declared, call)
                           : isLike(operands[source], gradients) &&
                                 read(operands[source], dims, declared, call);
    if (!fits)
      return py::none();
  }
  if (!run(call, context, workspace))
    return py::none();
  return std::move(call.results);
}

bool Shortcut::run(Call &call, Context &context, Workspace *workspace) const {
  Program::Arguments arguments;
  arguments.reserve(call.arguments.size());
  for (const Argument &argument : call.arguments)
    arguments.push_back(&argument.tensor);
  size_t bytes = 0;
  int32_t status =
      program.workspaceBytes(entry->name, arguments, /*state=*/nullptr, bytes);
  if (status == SSD_ERROR_INVALID_ARGUMENT)
    return false; // another layout: Python copies, or says what is wrong
  check(status);
  bool onCpu = device.device_type == kDLCPU;
  Exchange::Memory scratch; // until all work that uses it is in the stream
  if (!onCpu && bytes > 0 && !exchange.allocate(bytes, device, scratch))
    return false; // Python fails to as well, and says so
  program.run(entry->name, arguments, /*state=*/nullptr, context,
              onCpu ? workspace->reserve(bytes) : scratch.get(), bytes,
              onCpu ? nullptr : exchange.stream(device));
  return true;
}
