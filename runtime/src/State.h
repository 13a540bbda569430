//===- State.h - The state tensors of one batch -----------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_STATE_H
#define SSD_RUNTIME_SRC_STATE_H

#include "runtime/src/Memory.h"
#include "runtime/src/Program.h"

/// All tensors lie in one block, each at a multiple of 64 bytes.
struct ssd_state {
  /// Uninitialised; `device` as for ssd::Memory.
  ssd_state(std::shared_ptr<const ssd::StateLayout> layout, int64_t batch,
            const ssd::Device *device);
  ssd_state(const ssd_state &) = delete;

  std::shared_ptr<const ssd::StateLayout> layout;
  int64_t batch;
  std::vector<DLTensor> tensors;
  std::optional<ssd::Memory> memory;

private:
  std::vector<std::vector<int64_t>> shapes, strides;
};

#endif // SSD_RUNTIME_SRC_STATE_H
