//===- Exchange.cpp - DLPack between Python objects, without Python *- C++
//-*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "python/Exchange.h"

using namespace ssd::python;

/// The layout that DLPack gives the interface.
struct Exchange::Functions {
  uint32_t major, minor;
  const Functions *older;
  int (*allocate)(DLTensor *prototype, VersionedTensor **result, void *context,
                  void (*onError)(void *context, const char *kind,
                                  const char *message));
  int (*takeArray)(void *array, VersionedTensor **result);
  int (*makeArray)(VersionedTensor *tensor, void **result);
  int (*viewArray)(void *array, DLTensor *result);
  int (*currentStream)(DLDeviceType type, int32_t ordinal, void **result);
};

py::object Exchange::of(py::handle type) {
  constexpr const char *attribute = "__dlpack_c_exchange_api__";
  constexpr const char *capsuleName = "dlpack_exchange_api";
  py::object capsule = py::getattr(type, attribute, py::none());
  if (!PyCapsule_IsValid(capsule.ptr(), capsuleName))
    return py::none();
  auto *functions = static_cast<const Functions *>(
      PyCapsule_GetPointer(capsule.ptr(), capsuleName));
  while (functions && functions->major > 1)
    functions = functions->older;
  if (!functions || functions->major < 1 || !functions->viewArray)
    return py::none();
  return py::cast(new Exchange(*functions),
                  py::return_value_policy::take_ownership);
}

bool Exchange::view(py::handle array, DLTensor &tensor) const {
  if (functions.viewArray(array.ptr(), &tensor) == 0)
    return true;
  PyErr_Clear();
  return false;
}

void *Exchange::stream(DLDevice device) const {
  void *stream = nullptr;
  if (functions.currentStream(device.device_type, device.device_id, &stream))
    throw py::error_already_set();
  return stream;
}
