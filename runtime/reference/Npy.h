//===- Npy.h - Arrays in NumPy's .npy format ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_REFERENCE_NPY_H
#define SSD_RUNTIME_REFERENCE_NPY_H

#include <dlpack/dlpack.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ssd::reference {

/// A dense, C-contiguous array.
struct Array {
  DLDataType type = {kDLFloat, 32, 1};
  std::vector<int64_t> shape;
  std::vector<char> data;

  int64_t elementCount() const;
  /// All elements as doubles; integers beyond 2^53 lose bits.
  std::vector<double> toDoubles() const;
  std::vector<int64_t> toIntegers() const;
  /// The array in another type. Floats are rounded to nearest even.
  Array as(DLDataType target) const;
  /// Views this array in place; it must outlive the view.
  DLTensor view();

  static Array zeros(DLDataType type, std::vector<int64_t> shape);
  void setElement(int64_t index, double value);
  double element(int64_t index) const;
};

/// Reads versions 1, 2 and 3, little-endian, C order, of the types f2, f4, f8,
/// i1, i2, i4, i8, u1, u2, u4, u8, b1 and V2, where V2 is taken as bf16 (which
/// is how NumPy stores ml_dtypes' bfloat16). Throws std::runtime_error with a
/// sentence; never reads outside [data, data + size).
Array parseNpy(const uint8_t *data, size_t size, const std::string &name);
Array readNpy(const std::string &path);

/// Writes version 1; bf16 becomes V2.
void writeNpy(const std::string &path, const Array &array);

/// Reinterprets u2 as bf16 where `wanted` is bf16: NumPy has no bf16, so both
/// V2 and u2 are ways to store one.
void adoptType(Array &array, DLDataType wanted);

} // namespace ssd::reference

#endif // SSD_RUNTIME_REFERENCE_NPY_H
