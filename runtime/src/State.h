//===- State.h - The state tensors of one batch -----------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_STATE_H
#define SSD_RUNTIME_SRC_STATE_H

#include "runtime/src/AlignedBuffer.h"
#include "runtime/src/Program.h"

/// All tensors lie in one block, each at a multiple of 64 bytes.
struct ssd_state {
  ssd_state(std::shared_ptr<const ssd::StateLayout> layout, int64_t batch);
  ssd_state(const ssd_state &) = delete;

  std::shared_ptr<const ssd::StateLayout> layout;
  int64_t batch;
  std::vector<DLTensor> tensors;
  ssd::AlignedBuffer memory;
  size_t bytes = 0;

private:
  std::vector<std::vector<int64_t>> shapes, strides;
};

#endif // SSD_RUNTIME_SRC_STATE_H
