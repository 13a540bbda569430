/*===- entries.c - An artifact with entries of all kinds, by hand -*- C -*-===//
 * Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *===----------------------------------------------------------------------===*/
#include "Artifact.h"

#include <string.h>
#include <time.h>

ARTIFACT_NOTE(SSD_ABI_VERSION, TARGET)

/* add(x [d0, d1, 4] strided, y [d0, d1, 4]) -> sum, difference */
static int32_t add(ssd_context *context, const DLTensor *const *args,
                   int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)workspace, (void)stream;
  const DLTensor *x = args[0];
  const float *y = args[1]->data;
  float *sum = args[2]->data, *difference = args[3]->data;
  for (int64_t i = 0, o = 0; i < x->shape[0]; ++i)
    for (int64_t j = 0; j < x->shape[1]; ++j)
      for (int64_t k = 0; k < 4; ++k, ++o) {
        float v =
            ((const float *)x->data)[i * x->strides[0] + j * x->strides[1] + k];
        sum[o] = v + y[o];
        difference[o] = v - y[o];
      }
  return SSD_OK;
}
static const ssd_argument add_args[] = {
    {"x", SSD_ROLE_INPUT, F32, 3, SHAPE(-1, -2, 4), 1, kDLCPU, 1, 0},
    ARGUMENT("y", SSD_ROLE_INPUT, F32, -1, -2, 4),
    ARGUMENT("sum", SSD_ROLE_OUTPUT, F32, -1, -2, 4),
    ARGUMENT("difference", SSD_ROLE_OUTPUT, F32, -1, -2, 4)};

/* copy_T(x [d0]) -> y [d0] for types without arithmetic in C */
static int32_t copy(ssd_context *context, const DLTensor *const *args,
                    int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)workspace, (void)stream;
  memcpy(args[1]->data, args[0]->data,
         (size_t)args[0]->shape[0] * args[0]->dtype.bits / 8);
  return SSD_OK;
}
/* The type's name is pasted: its commas must not be seen too early. */
#define COPY_ARGS(name, letters, bits)                                         \
  static const ssd_argument name[] = {                                         \
      ARGUMENT("x", SSD_ROLE_INPUT, letters##bits, -1),                        \
      ARGUMENT("y", SSD_ROLE_OUTPUT, letters##bits, -1)};
#define F64 {kDLFloat, 64, 1}
COPY_ARGS(copy_f32_args, F, 32)
COPY_ARGS(copy_f64_args, F, 64)
COPY_ARGS(copy_bf16_args, BF, 16)
COPY_ARGS(copy_f16_args, F, 16)
COPY_ARGS(copy_i32_args, I, 32)
COPY_ARGS(copy_i64_args, I, 64)

/* scratch(x [d0]) -> y [d0] through a workspace of d0 floats */
static int32_t scratch(ssd_context *context, const DLTensor *const *args,
                       int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)stream;
  size_t bytes = (size_t)args[0]->shape[0] * sizeof(float);
  if ((uintptr_t)workspace % 64)
    return SSD_ERROR_INTERNAL;
  memset(workspace, 0xff, bytes);
  memcpy(workspace, args[0]->data, bytes);
  memcpy(args[1]->data, workspace, bytes);
  return SSD_OK;
}
static int64_t scratch_bytes(const DLTensor *const *args, int32_t count) {
  (void)count;
  return args[0]->shape[0] * (int64_t)sizeof(float);
}

/* count(counter [d0]): counter += 1, slowly */
static int32_t count_slowly(ssd_context *context, const DLTensor *const *args,
                            int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)workspace, (void)stream;
  struct timespec half = {0, 500 * 1000 * 1000};
  nanosleep(&half, 0);
  for (int64_t b = 0; b < args[0]->shape[0]; ++b)
    ((float *)args[0]->data)[b] += 1;
  return SSD_OK;
}
static const ssd_argument count_args[] = {
    ARGUMENT("counter", SSD_ROLE_STATE, F32, -1)};

/* made_up() -> y [d0]: a size that follows from nothing */
static int32_t made_up(ssd_context *context, const DLTensor *const *args,
                       int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)workspace, (void)stream;
  for (int64_t i = 0; i < args[0]->shape[0]; ++i)
    ((float *)args[0]->data)[i] = (float)i;
  return SSD_OK;
}
static const ssd_argument made_up_args[] = {
    ARGUMENT("y", SSD_ROLE_OUTPUT, F32, -1)};

/* workers(x [d0]) -> y [d0]: which worker did each element */
struct workers {
  float *y;
};
static void note_worker(void *closure, int64_t index, int32_t worker) {
  struct timespec moment = {0, 1000 * 1000};
  nanosleep(&moment, 0);
  ((struct workers *)closure)->y[index] = (float)worker;
}
static int32_t workers(ssd_context *context, const DLTensor *const *args,
                       int32_t count, void *workspace, void *stream) {
  (void)count, (void)workspace, (void)stream;
  struct workers closure = {args[1]->data};
  context->api->parallel_for(context, args[0]->shape[0], note_worker, &closure);
  return SSD_OK;
}

static int32_t fail(ssd_context *context, const DLTensor *const *args,
                    int32_t count, void *workspace, void *stream) {
  (void)context, (void)args, (void)count, (void)workspace, (void)stream;
  return SSD_ERROR_CORRUPT;
}

static const ssd_entry entries[] = {
    {"add", 4, add_args, add, 0, "[]"},
    {"copy_f32", 2, copy_f32_args, copy, 0, "[]"},
    {"copy_f64", 2, copy_f64_args, copy, 0, "[]"},
    {"copy_bf16", 2, copy_bf16_args, copy, 0, "[]"},
    {"copy_f16", 2, copy_f16_args, copy, 0, "[]"},
    {"copy_i32", 2, copy_i32_args, copy, 0, "[]"},
    {"copy_i64", 2, copy_i64_args, copy, 0, "[]"},
    {"scratch", 2, copy_f32_args, scratch, scratch_bytes, "[]"},
    {"count", 1, count_args, count_slowly, 0, "[]"},
    {"made_up", 1, made_up_args, made_up, 0, "[]"},
    {"workers", 2, copy_f32_args, workers, 0, "[]"},
    {"fail", 2, copy_f32_args, fail, 0, "[]"}};

static const ssd_artifact table = {SSD_ABI_VERSION, "by hand", TARGET, "{}",
                                   LENGTH(entries), entries,   0,      0};

__attribute__((visibility("default"))) const ssd_artifact *
ssd_artifact_query(uint32_t max_version) {
  return max_version >= SSD_ABI_VERSION ? &table : 0;
}
