//===- FuzzArtifactNote.cpp - Fuzzes the ELF reader of artifacts ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/ElfNote.h"
#include "runtime/src/Error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    ssd::readArtifactNote(data, size, "f");
  } catch (const ssd::Failure &failure) {
    if (failure.status != SSD_ERROR_CORRUPT || failure.message.empty())
      __builtin_trap();
  }
  return 0;
}
