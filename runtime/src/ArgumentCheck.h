//===- ArgumentCheck.h - Tensors against their declarations -----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_ARGUMENTCHECK_H
#define SSD_RUNTIME_SRC_ARGUMENTCHECK_H

#include "runtime/src/Artifact.h"

#include <string>

namespace ssd {

/// Names a tensor in messages; the text is only put together on failure.
struct TensorName {
  const char *entry; // null outside of calls
  const ssd_argument *argument;

  std::string str() const;
};

/// Checks a tensor alone against its declaration: null, type, rank, sizes
/// (static ones equal, none negative, the product addressable), device, data
/// pointer, alignment, strides. Throws Failure (SSD_ERROR_INVALID_ARGUMENT).
void checkTensor(const TensorName &name, const DLTensor *tensor);

/// The GPU that the tensors of one call are on.
class CallDevice {
public:
  void clear() { owner = nullptr; }
  /// Takes or compares the device of one argument.
  void check(const TensorName &name, const DLTensor &tensor);
  /// Nothing if no tensor is bound to a GPU.
  std::optional<int32_t> ordinal() const {
    return owner ? std::optional(device) : std::nullopt;
  }

private:
  const ssd_argument *owner = nullptr;
  int32_t device = 0;
};

/// The dynamic sizes of one call, and where each was first seen.
class DynamicSizes {
public:
  void clear() { used = 0; }
  /// Binds or compares the dynamic sizes of one argument.
  void check(const TensorName &name, const DLTensor &tensor);

private:
  void bindOrCompare(const TensorName &name, int32_t dimension, int64_t size);

  struct Size {
    int32_t number;
    int32_t dimension;
    int64_t value;
    const ssd_argument *argument;
  };
  // Entries have a handful of sizes, so a linear search is fastest.
  Size sizes[kMaxDynamicSizes];
  int32_t used = 0;
};

/// Checks that all values of an integer tensor in CPU memory lie in the range
/// of its declaration, if that has one.
void checkRange(const TensorName &name, const DLTensor &tensor);

/// "cpu", "cuda:0".
std::string deviceName(DLDevice device);

} // namespace ssd

#endif // SSD_RUNTIME_SRC_ARGUMENTCHECK_H
