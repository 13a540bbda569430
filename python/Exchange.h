//===- Exchange.h - DLPack between Python objects, without Python *- C++
//-*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_PYTHON_EXCHANGE_H
#define SSD_PYTHON_EXCHANGE_H

#include "python/Arrays.h"

namespace ssd::python {

/// What an array library lets C code ask of its arrays (DLPack 1.3's
/// DLPackExchangeAPI, which the type has as `__dlpack_c_exchange_api__`): a
/// tenth of what attributes cost.
class Exchange {
public:
  /// None if the type has no such thing, or of a version that is not known.
  static py::object of(py::handle type);

  /// Views an array for as long as Python does not run. False if it is not an
  /// array of dense memory.
  bool view(py::handle array, DLTensor &tensor) const;
  /// The stream that work on a device is put into.
  void *stream(DLDevice device) const;

private:
  struct Functions;
  explicit Exchange(const Functions &functions) : functions(functions) {}

  const Functions &functions;
};

} // namespace ssd::python

#endif // SSD_PYTHON_EXCHANGE_H
