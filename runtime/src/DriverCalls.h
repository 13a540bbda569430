//===- DriverCalls.h - What compiled code asks of the GPU -------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_DRIVERCALLS_H
#define SSD_RUNTIME_SRC_DRIVERCALLS_H

#include "ssd_runtime.h"

/// The members of ssd_context_api of the same names.
namespace ssd::gpu {

void launch(ssd_context *context, int32_t kernel, int64_t blocks,
            uint32_t sharedBytes, void **params);
void clear(ssd_context *context, void *to, int64_t bytes);
void copy(ssd_context *context, void *to, const void *from, int64_t bytes);
void encodeTensorMap(ssd_context *context, void *map, DLDataType type,
                     int32_t rank, const void *base, const int64_t *sizes,
                     const int64_t *strides, const int32_t *box);
int32_t hasKernel(ssd_context *context, int32_t kernel);
int32_t multiprocessors(ssd_context *context);
int32_t status(ssd_context *context);

} // namespace ssd::gpu

#endif // SSD_RUNTIME_SRC_DRIVERCALLS_H
