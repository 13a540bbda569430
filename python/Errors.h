//===- Errors.h - Python's exceptions for the runtime's errors -*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_PYTHON_ERRORS_H
#define SSD_PYTHON_ERRORS_H

#include <cstdint>
#include <string>

namespace ssd::python {

/// Raises the Python exception for a failed call of the runtime. The classes
/// are Python's, so that they can have several bases and be documented there.
[[noreturn]] void raiseStatus(int32_t status, const std::string &message);

/// The same for the last error, unless the status is SSD_OK.
void check(int32_t status);

[[noreturn]] void refuse(const std::string &message);

} // namespace ssd::python

#endif // SSD_PYTHON_ERRORS_H
