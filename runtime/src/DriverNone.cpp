//===- DriverNone.cpp - A runtime without a GPU -----------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/Driver.h"
#include "runtime/src/Error.h"

using namespace ssd;

void ssd::failNoDriver(const char *what) {
  fail(SSD_ERROR_NO_DEVICE, what,
       " needs a GPU driver, and this build of the runtime has none.");
}

int32_t ssd::launchKernel(ssd_context *, int32_t kernel, const uint32_t[3],
                          uint32_t, void **, void *) {
  return guard([&] {
    failNoDriver(concat("Launching kernel number ", kernel).c_str());
  });
}
