/*===- toy_mixer.c - A bare mixer ---------------------------------*- C -*-===//
 *
 * Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*/
#include "test/unit/runtime/artifacts/Artifact.h"

#include <math.h>

ARTIFACT_NOTE(SSD_ABI_VERSION, TARGET)

/* The recurrence in f32 with one group; BROKEN leaves the decay out. */
enum { HEADS = 2, HEAD_DIM = 3, STATE_DIM = 4 };

static void step(const DLTensor *const *args, int64_t row, int64_t head,
                 float *state) {
  const float *x = (float *)args[0]->data + (row * HEADS + head) * HEAD_DIM;
  const float *b = (float *)args[1]->data + row * STATE_DIM;
  const float *c = (float *)args[2]->data + row * STATE_DIM;
  float scale = ((float *)args[3]->data)[row * HEADS + head];
  float decay = ((float *)args[7]->data)[row * HEADS + head];
  float rate = ((float *)args[4]->data)[head];
  float *y = (float *)args[6]->data + (row * HEADS + head) * HEAD_DIM;
#ifdef BROKEN
  rate = 0;
#endif
  for (int p = 0; p < HEAD_DIM; ++p) {
    y[p] = 0;
    for (int n = 0; n < STATE_DIM; ++n) {
      float *element = state + p * STATE_DIM + n;
      *element = expf(decay * rate) * *element + scale * x[p] * b[n];
      y[p] += *element * c[n];
    }
  }
}

static int32_t run(ssd_context *context, const DLTensor *const *args,
                   int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)workspace, (void)stream;
  int64_t length = args[0]->shape[1];
  for (int64_t b = 0; b < args[0]->shape[0]; ++b)
    for (int64_t h = 0; h < HEADS; ++h)
      for (int64_t t = 0; t < length; ++t)
        step(args, b * length + t, h,
             (float *)args[5]->data + (b * HEADS + h) * HEAD_DIM * STATE_DIM);
  return SSD_OK;
}

static const ssd_argument args[] = {
    ARGUMENT("x", SSD_ROLE_INPUT, F32, -1, -2, HEADS, HEAD_DIM),
    ARGUMENT("b", SSD_ROLE_INPUT, F32, -1, -2, 1, STATE_DIM),
    ARGUMENT("c", SSD_ROLE_INPUT, F32, -1, -2, 1, STATE_DIM),
    ARGUMENT("scale", SSD_ROLE_INPUT, F32, -1, -2, HEADS),
    ARGUMENT("rate", SSD_ROLE_INPUT, F32, HEADS),
    ARGUMENT("state", SSD_ROLE_STATE, F32, -1, HEADS, HEAD_DIM, STATE_DIM),
    ARGUMENT("y", SSD_ROLE_OUTPUT, F32, -1, -2, HEADS, HEAD_DIM),
    ARGUMENT("decay", SSD_ROLE_INPUT, F32, -1, -2, HEADS)};
static const ssd_entry entries[] = {{"mix", LENGTH(args), args, run, 0, 0}};
static const ssd_artifact table = {SSD_ABI_VERSION, "by hand", TARGET, 0, 1,
                                   entries,         0,         0};

SSD_API const ssd_artifact *ssd_artifact_query(uint32_t max_version) {
  return max_version >= SSD_ABI_VERSION ? &table : 0;
}
