//===- Arrays.h - Arrays on their way to and from the runtime --*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A tensor crosses this border as a NumPy array and the name of its element
// type, because NumPy has no bfloat16: its bits travel as uint16. PyTorch's
// tensors cross as they are, by the attributes that tell where they lie: that
// is cheaper than a DLPack capsule, and works for views that DLPack refuses.
//
//===----------------------------------------------------------------------===//

#ifndef SSD_PYTHON_ARRAYS_H
#define SSD_PYTHON_ARRAYS_H

#include "runtime/include/ssd_runtime.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <vector>

namespace ssd::python {

namespace py = pybind11;

constexpr DLDevice kCpu = {kDLCPU, 0};

/// GPU `gpu`, or the CPU if that is negative.
inline DLDevice deviceOf(int32_t gpu) {
  return gpu < 0 ? kCpu : DLDevice{kDLCUDA, gpu};
}

/// "bf16", or DLPack's numbers for what has no name here.
std::string elementTypeName(DLDataType dtype);

/// The object, or the exception that stands in for it.
py::object steal(PyObject *object);

/// The address of a tensor of PyTorch's.
void *dataPointer(py::handle tensor);

/// A DLTensor that views an array, with strides in elements.
class TensorView {
public:
  /// A NumPy array, or a tensor of PyTorch's on `device`.
  TensorView(py::object value, const std::string &typeName,
             DLDevice device = kCpu);
  TensorView(const TensorView &) = delete;

  const DLTensor *get() const { return &tensor; }
  bool isWritable() const { return writable; }

private:
  void readNumPy(const py::array &array, const std::string &typeName);
  void readTorch();

  py::object owner;
  std::vector<int64_t> shape, strides;
  DLTensor tensor = {};
  bool writable = true;
};

/// A result on its way to another array library.
class Exporter {
public:
  Exporter(py::array array, std::string typeName)
      : array(std::move(array)), typeName(std::move(typeName)) {}

  py::object dlpack(const py::args &, const py::kwargs &) const;
  py::tuple device() const {
    return py::make_tuple(static_cast<int>(kDLCPU), 0);
  }

private:
  py::array array;
  std::string typeName;
};

/// The array over a tensor of another library, and its element type. `owner`
/// keeps it alive.
py::tuple viewTensor(const DLTensor &tensor, py::object owner, bool readOnly);

/// The same over the memory of a DLPack capsule, which is consumed.
py::tuple fromDLPack(py::object capsule);

// DLPack 1.0's managed tensor; the headers of distributions are often older.
struct VersionedTensor {
  uint32_t major, minor;
  void *context;
  void (*deleter)(VersionedTensor *);
  uint64_t flags;
  DLTensor tensor;
};

} // namespace ssd::python

#endif // SSD_PYTHON_ARRAYS_H
