//===- Errors.cpp - Python's exceptions for the runtime's errors *- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "python/Errors.h"
#include "runtime/include/ssd_runtime.h"

#include <pybind11/pybind11.h>

namespace py = pybind11;

void ssd::python::raiseStatus(int32_t status, const std::string &message) {
  py::object error = py::module_::import("ssd_mlir._errors")
                         .attr("from_status")(status, message);
  PyErr_SetObject(py::type::handle_of(error).ptr(), error.ptr());
  throw py::error_already_set();
}

void ssd::python::check(int32_t status) {
  if (status != SSD_OK)
    raiseStatus(status, ssd_last_error());
}

void ssd::python::refuse(const std::string &message) {
  raiseStatus(SSD_ERROR_INVALID_ARGUMENT, message);
}
