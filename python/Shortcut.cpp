//===- Shortcut.cpp - Calls that are made again ----------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "python/Shortcut.h"

using namespace ssd::python;

/// One call. Its arguments are arrays on the stack: a call takes no longer than
/// some allocations do.
struct Shortcut::Call {
  struct Argument {
    DLTensor tensor;
    int64_t shape[kMaxRank], strides[kMaxRank];
  };

  /// The next argument, without data, sizes and strides.
  Argument &add(const ssd_argument &declared, DLDevice device) {
    Argument &argument = arguments[count++];
    argument.tensor = {
        nullptr,          device, declared.rank, declared.dtype, argument.shape,
        argument.strides, 0};
    return argument;
  }

  py::handle allocate;
  Argument arguments[kMaxArguments];
  int32_t count = 0;
  Sizes sizes = {};
  py::list results;
};

Shortcut::Shortcut(py::object owner, const std::string &entry,
                   std::vector<Place> places,
                   const std::vector<int32_t> &aligned, py::tuple dtypes,
                   py::tuple types, py::object exchange, int32_t gpu)
    : owner(std::move(owner)), program(this->owner.cast<Program &>()),
      entry(program.entry(entry, deviceOf(gpu).device_type)),
      places(std::move(places)), dtypes(std::move(dtypes)),
      types(std::move(types)), isNegated(this->types[0].attr("is_neg")),
      requiresGradient(this->types[0].attr("requires_grad")),
      exchangeOwner(std::move(exchange)),
      exchange(exchangeOwner.cast<Exchange &>()), device(deviceOf(gpu)) {
  if (!this->entry || this->places.size() != size_t(this->entry->n_args) ||
      this->places.size() > kMaxArguments)
    refuse("A shortcut's arguments are not its entry's.");
  for (int32_t i = 0; i < this->entry->n_args; ++i) {
    const ssd_argument &declared = this->entry->args[i];
    const auto &[source, dims] = this->places[i];
    if (declared.rank > kMaxRank || dims.size() != size_t(declared.rank))
      refuse("A shortcut's dimensions are not its entry's.");
    for (int32_t d = 0; d < declared.rank; ++d)
      if (-1 - declared.shape[d] >= kMaxSizes)
        refuse("A shortcut's entry has too many sizes.");
    if (source >= kMaxOperands)
      refuse("A shortcut has too many operands.");
    if (source >= 0)
      operandsRead.set(source);
  }
  for (int32_t operand : aligned)
    alignedOperands.set(operand); // throws beyond the last
  lastSizes.fill(-1);
}

/// Whether an operand is a tensor of the kind that views tell all about.
bool Shortcut::isLike(PyObject *operand, bool gradients) const {
  auto *type = reinterpret_cast<PyObject *>(Py_TYPE(operand));
  bool known = false;
  for (size_t i = 0, e = types.size(); i < e && !known; ++i)
    known = type == PyTuple_GET_ITEM(types.ptr(), i);
  // By the descriptors: looking for their names takes as long as asking.
  if (!known ||
      steal(PyObject_Vectorcall(isNegated.ptr(), &operand, 1, nullptr)).ptr() ==
          Py_True)
    return false;
  auto *property = requiresGradient.ptr();
  return !gradients ||
         steal(Py_TYPE(property)->tp_descr_get(property, operand, type))
                 .ptr() != Py_True;
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
    int64_t &known = call.sizes[size_t(-1 - size)];
    if (shape[d] == 0 || (known && known != shape[d]))
      return false;
    known = shape[d];
  }
  return true;
}

/// Whether rows begin at multiples of 16 bytes.
static bool hasAlignedRows(const DLTensor &view) {
  uint64_t bits = reinterpret_cast<uintptr_t>(view.data) + view.byte_offset;
  for (int32_t d = 0; d + 1 < view.ndim; ++d)
    bits |= uint64_t(view.strides[d]) * (view.dtype.bits / 8);
  return bits % 16 == 0;
}

bool Shortcut::read(PyObject *operand, const Place &place,
                    const ssd_argument &declared, Call &call) const {
  const auto &[source, dims] = place;
  DLTensor view;
  if (!exchange.view(operand, view) || !isHere(view.device) ||
      view.dtype.code != declared.dtype.code ||
      view.dtype.bits != declared.dtype.bits ||
      view.dtype.lanes != declared.dtype.lanes ||
      (alignedOperands[source] && !hasAlignedRows(view)))
    return false;
  Call::Argument &argument = call.add(declared, device);
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

/// New memory on the device; null where it is elsewhere.
py::object Shortcut::empty(py::handle allocate, const py::tuple &shape,
                           const py::tuple &strides, py::handle dtype,
                           void *&data) const {
  PyObject *arguments[] = {shape.ptr(), strides.ptr(), dtype.ptr()};
  py::object result =
      steal(PyObject_Vectorcall(allocate.ptr(), arguments, 3, nullptr));
  DLTensor view;
  bool fits = exchange.view(result, view) && isHere(view.device);
  data = fits ? view.data : nullptr;
  return result;
}

/// The values of those dimensions that are not new.
static py::tuple chosen(const int64_t *values,
                        const std::vector<int32_t> &dims) {
  size_t rank = 0, next = 0;
  for (int32_t d : dims)
    rank += d >= 0;
  py::tuple result(rank);
  for (size_t d = 0; d < dims.size(); ++d)
    if (dims[d] >= 0)
      PyTuple_SET_ITEM(result.ptr(), next++,
                       steal(PyLong_FromLongLong(values[d])).release().ptr());
  return result;
}

bool Shortcut::addResult(size_t number, const std::vector<int32_t> &dims,
                         const ssd_argument &declared, Call &call) const {
  Call::Argument &argument = call.add(declared, device);
  int64_t dense = 1;
  for (int32_t d = declared.rank - 1; d >= 0; --d) {
    int64_t size = declared.shape[d];
    argument.shape[d] = size >= 0 ? size : call.sizes[size_t(-1 - size)];
    argument.strides[d] = dense;
    dense *= argument.shape[d];
  }
  if (dense == 0)
    return false; // a size that no operand has
  call.results.append(empty(call.allocate, chosen(argument.shape, dims),
                            chosen(argument.strides, dims), dtypes[number],
                            argument.tensor.data));
  return argument.tensor.data;
}

/// Whether the operands that there are are those that have a place.
bool Shortcut::areThere(const py::tuple &operands) const {
  size_t count = operands.size();
  if (count > kMaxOperands)
    return false;
  std::bitset<kMaxOperands> there;
  for (size_t i = 0; i < count; ++i)
    there[i] = PyTuple_GET_ITEM(operands.ptr(), i) != Py_None;
  return there == operandsRead;
}

py::object Shortcut::call(const py::tuple &operands, bool gradients,
                          const py::object &allocate,
                          const py::object &resources) {
  if (!areThere(operands))
    return py::none();
  Call call;
  call.allocate = allocate;
  for (size_t i = 0; i < places.size(); ++i) {
    const auto &[source, dims] = places[i];
    const ssd_argument &declared = entry->args[i];
    PyObject *operand =
        source < 0 ? nullptr : PyTuple_GET_ITEM(operands.ptr(), source);
    bool fits = operand ? isLike(operand, gradients) &&
                              read(operand, places[i], declared, call)
                        : addResult(static_cast<size_t>(-1 - source), dims,
                                    declared, call);
    if (!fits)
      return py::none();
  }
  if (!run(call, resources))
    return py::none();
  return std::move(call.results);
}

/// Whether the arguments were refused, as another layout is: Python copies, or
/// says what is wrong.
static bool isRefused(int32_t status) {
  if (status == SSD_ERROR_INVALID_ARGUMENT)
    return true;
  check(status);
  return false;
}

/// Asks what workspace calls of these sizes need. Others than the last call's
/// are rare.
bool Shortcut::measure(const Program::Arguments &arguments,
                       const Sizes &sizes) {
  size_t bytes = 0;
  if (isRefused(program.workspaceBytes(entry->name, arguments,
                                       /*state=*/nullptr, bytes)))
    return false;
  lastSizes = sizes;
  lastBytes = bytes;
  return true;
}

bool Shortcut::run(const Call &call, const py::object &resources) {
  Program::Arguments arguments;
  arguments.reserve(call.count);
  for (int32_t i = 0; i < call.count; ++i)
    arguments.push_back(&call.arguments[i].tensor);
  if (call.sizes != lastSizes && !measure(arguments, call.sizes))
    return false;
  size_t bytes = lastBytes;
  const Context *context = nullptr;
  py::object scratch; // until all work that uses it is in the stream
  void *memory = nullptr, *stream = nullptr;
  if (device.device_type == kDLCPU) {
    py::tuple own = resources;
    context = &own[0].cast<const Context &>();
    memory = own[1].cast<Workspace &>().reserve(bytes);
  } else {
    stream = exchange.stream(device);
    if (bytes > 0)
      scratch = empty(call.allocate, py::make_tuple(bytes), py::make_tuple(1),
                      dtypes[dtypes.size() - 1], memory);
  }
  return !isRefused(program.run(entry->name, arguments, /*state=*/nullptr,
                                context, memory, bytes, stream));
}
