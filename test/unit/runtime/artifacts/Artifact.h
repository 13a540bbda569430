/*===- Artifact.h - Writing artifacts by hand ---------------------*- C -*-===//
 *
 * Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*/
#ifndef SSD_TEST_ARTIFACT_H
#define SSD_TEST_ARTIFACT_H

#include "ssd_runtime.h"

/* The lowest level, so that these run wherever the tests do. */
#define TARGET "x86-64"

/* The ELF note that the runtime reads before dlopen. */
#define ARTIFACT_NOTE(version, target)                                         \
  __attribute__((section(".note.ssd-mlir"), used,                              \
                 aligned(4))) static const struct {                            \
    uint32_t name_size, description_size, type;                                \
    char name[12]; /* padded to 4 */                                           \
    uint32_t abi_version;                                                      \
    char target_name[sizeof(target)];                                          \
  } ssd_note = {sizeof(SSD_NOTE_NAME),                                         \
                sizeof(uint32_t) + sizeof(target),                             \
                SSD_NOTE_TYPE,                                                 \
                SSD_NOTE_NAME,                                                 \
                version,                                                       \
                target};

#define LENGTH(array) ((int32_t)(sizeof(array) / sizeof((array)[0])))

#define F32 {kDLFloat, 32, 1}
#define BF16 {kDLBfloat, 16, 1}
#define F16 {kDLFloat, 16, 1}
#define I64 {kDLInt, 64, 1}
#define I32 {kDLInt, 32, 1}

/* One argument; the shape follows as a brace-free list: ARG("x", ..., 2, 3). */
#define SHAPE(...) ((const int64_t[]){__VA_ARGS__})
#define RANK(...) LENGTH(SHAPE(__VA_ARGS__))
#define ARGUMENT(name, role, type, ...)                                        \
  {name, role, type, RANK(__VA_ARGS__), SHAPE(__VA_ARGS__), 0, kDLCPU, 1, 0}

#endif
