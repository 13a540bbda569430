//===- Arrays.cpp - Arrays on their way to and from the runtime *- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "python/Arrays.h"
#include "python/Errors.h"

using namespace ssd::python;

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

namespace {

struct ElementType {
  const char *name;
  uint8_t code, bits;
  const char *storage; // the NumPy type its bits travel as
};

constexpr uint8_t kBool = 6; // kDLBool of DLPack 0.8 and later

constexpr ElementType kElementTypes[] = {
    {"f32", kDLFloat, 32, "float32"}, {"bf16", kDLBfloat, 16, "uint16"},
    {"f16", kDLFloat, 16, "float16"}, {"i32", kDLInt, 32, "int32"},
    {"i64", kDLInt, 64, "int64"},     {"f64", kDLFloat, 64, "float64"},
    {"i8", kDLInt, 8, "int8"},        {"i16", kDLInt, 16, "int16"},
    {"u8", kDLUInt, 8, "uint8"},      {"u16", kDLUInt, 16, "uint16"},
    {"u32", kDLUInt, 32, "uint32"},   {"u64", kDLUInt, 64, "uint64"},
    {"bool", kBool, 8, "bool"},
};

const ElementType &elementType(const std::string &name) {
  for (const ElementType &type : kElementTypes)
    if (name == type.name)
      return type;
  refuse("Unknown element type '" + name + "'.");
}

const ElementType *findElementType(DLDataType dtype) {
  for (const ElementType &type : kElementTypes)
    if (dtype.code == type.code && dtype.bits == type.bits && dtype.lanes == 1)
      return &type;
  return nullptr;
}

} // namespace

std::string ssd::python::elementTypeName(DLDataType dtype) {
  if (const ElementType *type = findElementType(dtype))
    return type->name;
  return "dlpack(" + std::to_string(dtype.code) + ", " +
         std::to_string(dtype.bits) + ", " + std::to_string(dtype.lanes) + ")";
}

//===----------------------------------------------------------------------===//
// Tensors and arrays
//===----------------------------------------------------------------------===//

namespace {

/// The names of attributes, made once.
struct AttributeNames {
  PyObject *dataPointer = PyUnicode_InternFromString("data_ptr");
  PyObject *shape = PyUnicode_InternFromString("shape");
  PyObject *stride = PyUnicode_InternFromString("stride");
};

const AttributeNames &attributeNames() {
  static const AttributeNames names;
  return names;
}

/// Appends the integers of a tuple.
void readSizes(const py::object &tuple, std::vector<int64_t> &sizes) {
  if (!PyTuple_Check(tuple.ptr()))
    refuse("An array's shape or strides are no tuple.");
  for (Py_ssize_t d = 0, rank = PyTuple_GET_SIZE(tuple.ptr()); d < rank; ++d)
    sizes.push_back(PyLong_AsLongLong(PyTuple_GET_ITEM(tuple.ptr(), d)));
  if (PyErr_Occurred())
    throw py::error_already_set();
}

} // namespace

py::object ssd::python::steal(PyObject *object) {
  if (!object)
    throw py::error_already_set();
  return py::reinterpret_steal<py::object>(object);
}

void *ssd::python::dataPointer(py::handle tensor) {
  py::object address = steal(
      PyObject_CallMethodNoArgs(tensor.ptr(), attributeNames().dataPointer));
  return PyLong_AsVoidPtr(address.ptr());
}

TensorView::TensorView(py::object value, const std::string &typeName,
                       DLDevice device)
    : owner(std::move(value)) {
  const ElementType &type = elementType(typeName);
  tensor.dtype.code = type.code;
  tensor.dtype.bits = type.bits;
  tensor.dtype.lanes = 1;
  tensor.device = kCpu;
  if (py::isinstance<py::array>(owner)) {
    readNumPy(py::reinterpret_borrow<py::array>(owner), typeName);
  } else {
    tensor.device = device;
    readTorch();
  }
  tensor.ndim = static_cast<int32_t>(shape.size());
  tensor.shape = shape.data();
  tensor.strides = strides.data();
  tensor.byte_offset = 0;
}

void TensorView::readNumPy(const py::array &a, const std::string &typeName) {
  if (a.itemsize() * 8 != tensor.dtype.bits)
    refuse("An array of " + std::to_string(a.itemsize()) +
           " bytes an element cannot hold " + typeName + ".");
  for (py::ssize_t d = 0; d < a.ndim(); ++d) {
    if (a.shape(d) > 1 && a.strides(d) % a.itemsize() != 0)
      refuse("A stride is no multiple of the element size; copy the array "
             "first.");
    shape.push_back(a.shape(d));
    strides.push_back(a.strides(d) / a.itemsize());
  }
  tensor.data = const_cast<void *>(a.data());
  writable = a.writeable();
}

void TensorView::readTorch() {
  PyObject *self = owner.ptr();
  tensor.data = dataPointer(owner);
  readSizes(steal(PyObject_GetAttr(self, attributeNames().shape)), shape);
  readSizes(steal(PyObject_CallMethodNoArgs(self, attributeNames().stride)),
            strides);
}

//===----------------------------------------------------------------------===//
// DLPack
//===----------------------------------------------------------------------===//

namespace {

constexpr uint64_t kReadOnlyFlag = 1;

/// What a consumer of `__dlpack__` gets: owns a reference to the array.
struct ExportedTensor {
  ExportedTensor(const py::array &array, const std::string &typeName)
      : view(array, typeName) {
    managed.dl_tensor = *view.get();
    managed.manager_ctx = this;
    managed.deleter = [](DLManagedTensor *self) {
      py::gil_scoped_acquire gil;
      delete static_cast<ExportedTensor *>(self->manager_ctx);
    };
  }
  TensorView view;
  DLManagedTensor managed = {};
};

void destroyCapsule(PyObject *capsule) {
  // A consumer renames the capsule and takes over the tensor.
  if (!PyCapsule_IsValid(capsule, "dltensor"))
    return;
  auto *managed =
      static_cast<DLManagedTensor *>(PyCapsule_GetPointer(capsule, "dltensor"));
  managed->deleter(managed);
}

/// Renames the capsule as consumed and wraps its tensor in one that calls the
/// producer's deleter.
template <typename Managed>
Managed *consume(py::object capsule, const char *name, const char *used,
                 py::object &owner) {
  auto *managed =
      static_cast<Managed *>(PyCapsule_GetPointer(capsule.ptr(), name));
  if (!managed)
    throw py::error_already_set();
  owner = py::capsule(managed, [](void *pointer) {
    auto *tensor = static_cast<Managed *>(pointer);
    if (tensor->deleter)
      tensor->deleter(tensor);
  });
  PyCapsule_SetName(capsule.ptr(), used);
  return managed;
}

} // namespace

py::object Exporter::dlpack(const py::args &, const py::kwargs &) const {
  auto exported = std::make_unique<ExportedTensor>(array, typeName);
  PyObject *capsule =
      PyCapsule_New(&exported->managed, "dltensor", destroyCapsule);
  if (!capsule)
    throw py::error_already_set();
  exported.release();
  return py::reinterpret_steal<py::object>(capsule);
}

py::tuple ssd::python::viewTensor(const DLTensor &tensor, py::object owner,
                                  bool readOnly) {
  if (tensor.device.device_type != kDLCPU &&
      tensor.device.device_type != kDLCUDAHost)
    refuse("The array is not in CPU memory (DLPack device type " +
           std::to_string(static_cast<int>(tensor.device.device_type)) +
           "); move it to the CPU first.");
  const ElementType *type = findElementType(tensor.dtype);
  if (!type)
    refuse("The array's element type " + elementTypeName(tensor.dtype) +
           " is not supported.");
  py::dtype storage(type->storage);
  std::vector<py::ssize_t> shape(tensor.shape, tensor.shape + tensor.ndim);
  std::vector<py::ssize_t> strides;
  if (tensor.strides)
    for (int32_t d = 0; d < tensor.ndim; ++d)
      strides.push_back(tensor.strides[d] * storage.itemsize());
  char *data = static_cast<char *>(tensor.data) + tensor.byte_offset;
  py::array array(storage, shape, strides, tensor.data ? data : nullptr, owner);
  if (readOnly)
    array.attr("flags").attr("writeable") = false;
  return py::make_tuple(array, type->name);
}

py::tuple ssd::python::fromDLPack(py::object capsule) {
  py::object owner;
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned")) {
    auto *managed = consume<VersionedTensor>(capsule, "dltensor_versioned",
                                             "used_dltensor_versioned", owner);
    if (managed->major > 1)
      refuse("The array speaks a version of DLPack that is newer than 1.");
    return viewTensor(managed->tensor, owner,
                      (managed->flags & kReadOnlyFlag) != 0);
  }
  if (!PyCapsule_IsValid(capsule.ptr(), "dltensor"))
    refuse("__dlpack__ did not return a fresh DLPack capsule.");
  auto *managed =
      consume<DLManagedTensor>(capsule, "dltensor", "used_dltensor", owner);
  return viewTensor(managed->dl_tensor, owner, /*readOnly=*/false);
}
