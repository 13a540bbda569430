//===- FuzzSafetensors.cpp - Fuzzes the .safetensors reader ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Error.h"
#include "runtime/src/Safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    ssd::SafetensorsHeader header = ssd::parseSafetensors(data, size, "f");
    // What was accepted must be readable to the last byte.
    volatile uint8_t byte = 0;
    for (const auto &[name, tensor] : header.tensors)
      if (tensor.bytes > 0) {
        byte = data[tensor.begin];
        byte = data[tensor.begin + tensor.bytes - 1];
      }
    (void)byte;
  } catch (const ssd::Failure &failure) {
    if (failure.status != SSD_ERROR_CORRUPT || failure.message.empty())
      __builtin_trap();
  }
  return 0;
}
