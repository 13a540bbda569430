//===- FuzzNpy.cpp - Fuzzes the .npy reader ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/reference/Npy.h"
#include "runtime/src/Type.h"

#include <stdexcept>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    ssd::reference::Array array = ssd::reference::parseNpy(data, size, "f");
    // What was accepted must be as large as it claims.
    auto bytes =
        ssd::denseBytes(array.shape.data(),
                        static_cast<int32_t>(array.shape.size()), array.type);
    if (!bytes || static_cast<size_t>(*bytes) != array.data.size())
      __builtin_trap();
    array.toDoubles();
  } catch (const std::runtime_error &) {
  }
  return 0;
}
