//===- RangeCheck.cpp - Values of integer inputs ----------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/ArgumentCheck.h"
#include "runtime/src/Error.h"

#include <limits>

using namespace ssd;

namespace {

/// Walks the rows of a tensor whose innermost dimension is contiguous.
class RangeCheck {
public:
  RangeCheck(const TensorName &name, const DLTensor &tensor)
      : name(name), tensor(tensor) {}

  template <typename T> void check() {
    const char *base =
        static_cast<const char *>(tensor.data) + tensor.byte_offset;
    walk(reinterpret_cast<const T *>(base), 0);
  }

private:
  /// The stride of a dimension whose inner ones hold `inner` elements.
  int64_t stride(int32_t dimension) const {
    if (tensor.strides)
      return tensor.strides[dimension];
    int64_t dense = 1;
    for (int32_t d = tensor.ndim - 1; d > dimension; --d)
      dense *= tensor.shape[d];
    return dense;
  }

  template <typename T> void walk(const T *values, int32_t dimension) {
    if (dimension >= tensor.ndim - 1) {
      checkRow(values, tensor.ndim > 0 ? tensor.shape[dimension] : 1);
      return;
    }
    int64_t step = stride(dimension);
    for (int64_t i = 0; i < tensor.shape[dimension]; ++i) {
      index[dimension] = i;
      // Size-1 dimensions may carry any stride, so 0 never multiplies it.
      walk(i == 0 ? values : values + i * step, dimension + 1);
    }
  }

  /// The common case has no branch per value and becomes vector code.
  template <typename T> void checkRow(const T *row, int64_t count) {
    bool outside = false;
    for (int64_t i = 0; i < count; ++i)
      outside |= isOutside(row[i]);
    for (int64_t i = 0; outside && i < count; ++i)
      if (isOutside(row[i]))
        failAt(row[i], i);
  }

  template <typename T> bool isOutside(T value) const {
    const ssd_argument &argument = *name.argument;
    if (std::numeric_limits<T>::max() > uint64_t(INT64_MAX) &&
        value > T(INT64_MAX))
      return true;
    return int64_t(value) < argument.min_value ||
           int64_t(value) > argument.max_value;
  }

  template <typename T> [[noreturn]] void failAt(T value, int64_t column) {
    std::string place;
    for (int32_t d = 0; d + 1 < tensor.ndim; ++d)
      place += concat(index[d], ", ");
    fail(SSD_ERROR_INVALID_ARGUMENT, name.str(), "holds ", +value, " at [",
         place, tensor.ndim > 0 ? concat(column) : "",
         "]; values must lie in [", name.argument->min_value, ", ",
         name.argument->max_value, "].");
  }

  const TensorName &name;
  const DLTensor &tensor;
  int64_t index[kMaxRank] = {};
};

bool isEmpty(const DLTensor &tensor) {
  for (int32_t d = 0; d < tensor.ndim; ++d)
    if (tensor.shape[d] == 0)
      return true;
  return false;
}

} // namespace

void ssd::checkRange(const TensorName &name, const DLTensor &tensor) {
  const ssd_argument &argument = *name.argument;
  if (argument.min_value > argument.max_value || isEmpty(tensor))
    return;
  RangeCheck range(name, tensor);
  bool isSigned = argument.dtype.code == kDLInt;
  if (!isSigned && argument.dtype.code != kDLUInt)
    return;
  switch (argument.dtype.bits) {
  case 8:
    return isSigned ? range.check<int8_t>() : range.check<uint8_t>();
  case 16:
    return isSigned ? range.check<int16_t>() : range.check<uint16_t>();
  case 32:
    return isSigned ? range.check<int32_t>() : range.check<uint32_t>();
  default:
    return isSigned ? range.check<int64_t>() : range.check<uint64_t>();
  }
}
