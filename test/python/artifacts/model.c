/*===- model.c - An artifact with a model's entries, by hand ------*- C -*-===//
 * Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *===----------------------------------------------------------------------===*/
/* A "language" of V tokens: the state is the sum of the ids so far, and the
 * likeliest next token is (sum + SHIFT) mod V. SHIFT makes different builds. */
#include "Artifact.h"

#include <math.h>
#include <string.h>

#ifndef SHIFT
#define SHIFT 1
#endif
#define V 16

ARTIFACT_NOTE(SSD_ABI_VERSION, TARGET)

static void write_logits(float sum, const float *weight, float *logits) {
  float next = fmodf(sum + SHIFT, V);
  for (int v = 0; v < V; ++v)
    logits[v] = -fabsf((float)v - next) * weight[v];
}

/* logits(ids [B, L], weight [V]) -> logits [B, L, V] */
static int32_t logits(ssd_context *context, const DLTensor *const *args,
                      int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)workspace, (void)stream;
  const int64_t *ids = args[0]->data;
  float *out = args[2]->data;
  int64_t batch = args[0]->shape[0], length = args[0]->shape[1];
  for (int64_t b = 0; b < batch; ++b) {
    float sum = 0;
    for (int64_t l = 0; l < length; ++l) {
      sum += (float)ids[b * length + l];
      write_logits(sum, args[1]->data, out + (b * length + l) * V);
    }
  }
  return SSD_OK;
}

static const ssd_argument logits_args[] = {
    {"ids", SSD_ROLE_INPUT, I64, 2, SHAPE(-1, -2), 0, kDLCPU, 0, V - 1},
    ARGUMENT("weight", SSD_ROLE_PARAMETER, F32, V),
    ARGUMENT("logits", SSD_ROLE_OUTPUT, F32, -1, -2, V)};

/* prefill(ids [B, L], sum [B, 2], weight [V]) -> logits [B, V] */
static int32_t prefill(ssd_context *context, const DLTensor *const *args,
                       int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)workspace, (void)stream;
  const int64_t *ids = args[0]->data;
  float *sum = args[1]->data;
  int64_t batch = args[0]->shape[0];
  int64_t length = args[0]->ndim > 1 ? args[0]->shape[1] : 1;
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t l = 0; l < length; ++l)
      sum[2 * b] += (float)ids[b * length + l];
    sum[2 * b + 1] += (float)length;
    write_logits(sum[2 * b], args[2]->data, (float *)args[3]->data + b * V);
  }
  return SSD_OK;
}

static const ssd_argument prefill_args[] = {
    {"ids", SSD_ROLE_INPUT, I64, 2, SHAPE(-1, -2), 0, kDLCPU, 0, V - 1},
    ARGUMENT("sum", SSD_ROLE_STATE, F32, -1, 2),
    ARGUMENT("weight", SSD_ROLE_PARAMETER, F32, V),
    ARGUMENT("logits", SSD_ROLE_OUTPUT, F32, -1, V)};

/* step(ids [B], sum [B, 2], weight [V]) -> logits [B, V] */
static const ssd_argument step_args[] = {
    {"ids", SSD_ROLE_INPUT, I64, 1, SHAPE(-1), 0, kDLCPU, 0, V - 1},
    ARGUMENT("sum", SSD_ROLE_STATE, F32, -1, 2),
    ARGUMENT("weight", SSD_ROLE_PARAMETER, F32, V),
    ARGUMENT("logits", SSD_ROLE_OUTPUT, F32, -1, V)};

static const char mixers[] =
    "[{\"location\": \"backbone.layers.0.mixer\", \"entry\": \"prefill\","
    "  \"shape\": {\"B\": null, \"L\": null, \"H\": 8, \"P\": 64},"
    "  \"form\": \"#ssd.chunked<chunk = 128>\", \"count\": 24, \"why\": "
    "\"least time of 2\","
    "  \"candidates\": ["
    "   {\"form\": \"chunked<128>\", \"time_us\": 1234.5, \"flops\": 5000000,"
    "    \"bytes\": 2048, \"memory\": 1048576},"
    "   {\"form\": \"recurrent\", \"time_us\": 99999}]},"
    " {\"location\": \"backbone.layers.1.mixer\"}]";

static const ssd_entry entries[] = {
    {"logits", 3, logits_args, logits, 0, "[]"},
    {"prefill", 4, prefill_args, prefill, 0, mixers},
    {"step", 4, step_args, prefill, 0, "[]"}};

static const ssd_artifact table = {
    SSD_ABI_VERSION, "by hand", TARGET, "{\"eos_token_id\": [7, 0]}", 3,
    entries,         0,         0};

__attribute__((visibility("default"))) const ssd_artifact *
ssd_artifact_query(uint32_t max_version) {
  return max_version >= SSD_ABI_VERSION ? &table : 0;
}
