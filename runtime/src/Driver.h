//===- Driver.h - Kernels on a device ---------------------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_DRIVER_H
#define SSD_RUNTIME_SRC_DRIVER_H

#include "ssd_runtime.h"

namespace ssd {

/// The `launch` member of ssd_context_api. Exactly one Driver*.cpp that
/// defines it is part of a build.
int32_t launchKernel(ssd_context *context, int32_t kernel,
                     const uint32_t grid[3], uint32_t sharedBytes,
                     void **params, void *stream);

/// Throws Failure (SSD_ERROR_NO_DEVICE): `what` needs a GPU driver.
[[noreturn]] void failNoDriver(const char *what);

} // namespace ssd

#endif // SSD_RUNTIME_SRC_DRIVER_H
