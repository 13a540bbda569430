/*===- toy_model.c - A model with one weight ----------------------*- C -*-===//
 *
 * Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*/
#include "test/unit/runtime/artifacts/Artifact.h"

#include <string.h>

ARTIFACT_NOTE(SSD_ABI_VERSION, TARGET)

/* The next token is (3 * sum of all tokens so far + offset) mod 11, where the
 * sum is the state and the offset a weight; its logit is 1, others are 0. */
#define VOCABULARY 11

static void predict(float sum, const float *offset, float *logits) {
  memset(logits, 0, VOCABULARY * sizeof(float));
  logits[(int64_t)(3 * sum + *offset) % VOCABULARY] = 1;
}

/* Argument order: ids, state, parameter, logits; the workspace is used so that
 * a caller who forgets it is noticed. */
static int32_t run(ssd_context *context, const DLTensor *const *args,
                   int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)stream;
  const DLTensor *ids = args[0];
  int64_t length = ids->ndim == 2 ? ids->shape[1] : 1;
  for (int64_t b = 0; b < ids->shape[0]; ++b) {
    int64_t *row = workspace;
    memcpy(row, (int64_t *)ids->data + b * length, length * sizeof(int64_t));
    float *sum = (float *)args[1]->data + b;
    for (int64_t t = 0; t < length; ++t)
      *sum += (float)row[t];
    predict(*sum, args[2]->data, (float *)args[3]->data + b * VOCABULARY);
  }
  return SSD_OK;
}

static int64_t row_bytes(const DLTensor *const *args, int32_t count) {
  (void)count;
  return (args[0]->ndim == 2 ? args[0]->shape[1] : 1) * 8;
}

#define COMMON_ARGUMENTS                                                       \
  ARGUMENT("layers.0.sum", SSD_ROLE_STATE, F32, -1),                           \
      ARGUMENT("offset", SSD_ROLE_PARAMETER, F32, 1),                          \
      ARGUMENT("logits", SSD_ROLE_OUTPUT, F32, -1, VOCABULARY)

static const ssd_argument prefill[] = {
    {"ids", SSD_ROLE_INPUT, I64, 2, SHAPE(-1, -2), 0, kDLCPU, 0, VOCABULARY - 1},
    COMMON_ARGUMENTS};
static const ssd_argument step[] = {
    {"ids", SSD_ROLE_INPUT, I64, 1, SHAPE(-1), 0, kDLCPU, 0, VOCABULARY - 1},
    COMMON_ARGUMENTS};

static const ssd_entry entries[] = {
    {"prefill", LENGTH(prefill), prefill, run, row_bytes, 0},
    {"step", LENGTH(step), step, run, row_bytes, 0}};

static const ssd_artifact table = {SSD_ABI_VERSION, "by hand", TARGET, 0,
                                   LENGTH(entries), entries,   0,      0};

SSD_API const ssd_artifact *ssd_artifact_query(uint32_t max_version) {
  return max_version >= SSD_ABI_VERSION ? &table : 0;
}
