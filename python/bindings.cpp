//===- bindings.cpp - Python module over the runtime's C ABI ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `ssd_mlir._runtime`: programs, contexts, states and calls, as thin as the C
// interface itself. Shapes and types are the runtime's to check; whatever has
// an opinion (defaults, caller's array kinds, messages for people) is Python.
//
//===----------------------------------------------------------------------===//

#include "python/Shortcut.h"

#include <pybind11/stl.h>

using namespace ssd::python;

PYBIND11_MODULE(_runtime, m) {
  m.doc() = "Programs, states and calls: the runtime's C interface.";
  m.def("abi_version", &ssd_abi_version);
  m.def("from_dlpack", &fromDLPack, py::arg("capsule"),
        "(array, element type) over the memory of a DLPack capsule.");

  py::class_<Exporter>(m, "Exporter", "An array as a DLPack producer.")
      .def(py::init<py::array, std::string>(), py::arg("array"),
           py::arg("dtype"))
      .def("__dlpack__", &Exporter::dlpack)
      .def("__dlpack_device__", &Exporter::device);

  py::class_<Context>(m, "Context", "A pool of worker threads.")
      .def(py::init<int32_t>(), py::arg("threads"))
      .def_property_readonly("threads", &Context::threads)
      .def_property_readonly("is_usable", &Context::isUsable);

  py::class_<Workspace>(m, "Workspace", "Scratch memory of calls.")
      .def(py::init<>())
      .def_property_readonly("bytes", &Workspace::bytes);

  py::class_<State>(m, "State", "The state tensors of one batch.")
      .def_property_readonly("batch", &State::batch)
      .def_property_readonly("device", &State::device)
      .def_property_readonly("names", &State::names)
      .def("tensor", &stateTensor, py::arg("index"))
      .def("zero", &State::zero)
      .def("copy", &State::copy)
      .def("save", &State::save, py::arg("path"));

  py::class_<Exchange>(m, "Exchange", "What C code may ask of arrays.")
      .def_static("of", &Exchange::of, py::arg("type"));

  py::class_<Shortcut>(m, "Shortcut", "A call, ready to be made again.")
      .def(py::init<py::object, const std::string &,
                    std::vector<Shortcut::Place>, const std::vector<int32_t> &,
                    py::tuple, py::tuple, py::object, int32_t>(),
           py::arg("program"), py::arg("entry"), py::arg("places"),
           py::arg("aligned"), py::arg("dtypes"), py::arg("types"),
           py::arg("exchange"), py::arg("gpu"))
      .def("__call__", &Shortcut::call, py::arg("operands"),
           py::arg("gradients"), py::arg("allocate"), py::arg("resources"));

  py::class_<Program>(m, "Program", "A loaded artifact with its weights.")
      .def(py::init<const std::string &>(), py::arg("path"))
      .def("describe", &Program::describe)
      .def_property_readonly("is_bound", &Program::isBound)
      .def("bind_weights", &Program::bindWeights, py::arg("path"))
      .def("bind", &Program::bind, py::arg("name"), py::arg("array"),
           py::arg("dtype"), py::arg("gpu") = -1)
      .def("entries", &Program::entries)
      .def("info", &Program::info)
      .def("create_state", &Program::createState, py::arg("batch"),
           py::arg("device") = py::none())
      .def("load_state", &Program::loadState, py::arg("path"),
           py::arg("device") = py::none())
      .def("call", &Program::call, py::arg("entry"), py::arg("arrays"),
           py::arg("written"), py::arg("state").none(true),
           py::arg("context").none(true), py::arg("workspace"),
           py::arg("gpu") = -1, py::arg("stream") = 0);
}
