/*===- Odd.c - One thing wrong, chosen by a macro -----------------*- C -*-===//
 *
 * Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*/
#include "Artifact.h"

/* Each variant replaces one of these. */
#define NOTE_VERSION SSD_ABI_VERSION
#define NOTE_TARGET TARGET
#define TABLE_VERSION SSD_ABI_VERSION
#define TABLE &table

#if defined(ODD_NEWER_NOTE)
#undef NOTE_VERSION
#define NOTE_VERSION (SSD_ABI_VERSION + 1)
#elif defined(ODD_NEWER_TABLE)
#undef TABLE_VERSION
#define TABLE_VERSION (SSD_ABI_VERSION + 1)
#elif defined(ODD_VERSION_1)
#undef NOTE_VERSION
#undef TABLE_VERSION
#define NOTE_VERSION 1
#define TABLE_VERSION 1
#elif defined(ODD_UNKNOWN_CPU)
#undef NOTE_TARGET
#define NOTE_TARGET "x86-64-v9"
#elif defined(ODD_OTHER_TARGET)
#undef NOTE_TARGET
#define NOTE_TARGET "x86-64-v2"
#elif defined(ODD_NULL_TABLE)
#undef TABLE
#define TABLE 0
#elif defined(ODD_OLDER_TABLE)
#undef TABLE_VERSION
#define TABLE_VERSION 0
#endif

#ifndef ODD_NO_NOTE
ARTIFACT_NOTE(NOTE_VERSION, NOTE_TARGET)
#endif

#ifdef ODD_UNRESOLVED
extern int missing_everywhere(void);
int call_missing(void) { return missing_everywhere(); }
#endif

#ifdef ODD_OTHER_STATE
static int32_t run(ssd_context *context, const DLTensor *const *args,
                   int32_t count, void *workspace, void *stream) {
  (void)context, (void)args, (void)count, (void)workspace, (void)stream;
  return SSD_OK;
}
static const ssd_argument args[] = {
    ARGUMENT("cache", SSD_ROLE_STATE, F32, -1, 5)};
static const ssd_entry entries[] = {{"step", 1, args, run, 0, 0}};
#define KERNELS 0, 0
#define ENTRIES 1, entries
#else
#define KERNELS 0, 0
#define ENTRIES 0, 0
#endif

static const ssd_artifact table = {TABLE_VERSION, "by hand", TARGET, 0,
                                   ENTRIES,       KERNELS};

#ifdef ODD_NO_QUERY
SSD_API const void *other_symbol(void) { return &table; }
#else
SSD_API const ssd_artifact *ssd_artifact_query(uint32_t max_version) {
  (void)max_version;
  (void)table;
  return TABLE;
}
#endif
