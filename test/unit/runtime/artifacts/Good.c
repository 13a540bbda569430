/*===- Good.c - Every kind of argument and failure ----------------*- C -*-===//
 *
 * Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*/
#include "Artifact.h"

ARTIFACT_NOTE(SSD_ABI_VERSION, TARGET)

/* multiply(x [d0, 4], weight [4]) -> y [d0, 4], rows in parallel */
struct rows {
  const float *x, *weight;
  float *y;
};

static void multiply_row(void *closure, int64_t row, int32_t worker) {
  const struct rows *rows = closure;
  (void)worker;
  for (int i = 0; i < 4; ++i)
    rows->y[row * 4 + i] = rows->x[row * 4 + i] * rows->weight[i];
}

static int32_t multiply(ssd_context *context, const DLTensor *const *args,
                        int32_t count, void *workspace, void *stream) {
  (void)count, (void)workspace, (void)stream;
  struct rows rows = {args[0]->data, args[1]->data, args[2]->data};
  context->api->parallel_for(context, args[0]->shape[0], multiply_row, &rows);
  return SSD_OK;
}

static const ssd_argument multiply_args[] = {
    ARGUMENT("x", SSD_ROLE_INPUT, F32, -1, 4),
    ARGUMENT("layer.weight", SSD_ROLE_PARAMETER, F32, 4),
    ARGUMENT("y", SSD_ROLE_OUTPUT, F32, -1, 4)};

/* accumulate(ids [d0] in [0, 9], cache [d0, 2]) -> sum [d0]: cache += id */
static int32_t accumulate(ssd_context *context, const DLTensor *const *args,
                          int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)workspace, (void)stream;
  const int64_t *ids = args[0]->data;
  float *cache = args[1]->data, *sum = args[2]->data;
  for (int64_t i = 0; i < args[0]->shape[0]; ++i) {
    cache[2 * i] += (float)ids[i];
    cache[2 * i + 1] += 1;
    sum[i] = cache[2 * i];
  }
  return SSD_OK;
}

static const ssd_argument accumulate_args[] = {
    {"ids", SSD_ROLE_INPUT, I64, 1, SHAPE(-1), 0, kDLCPU, 0, 9},
    ARGUMENT("cache", SSD_ROLE_STATE, F32, -1, 2),
    ARGUMENT("sum", SSD_ROLE_OUTPUT, F32, -1)};

/* strided(x [d0, d1] i32 in [-5, 5], free outer stride) -> y [d0, d1]; reads
 * strides, so it fails where they are null or byte_offset is not folded */
static int32_t strided(ssd_context *context, const DLTensor *const *args,
                       int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)workspace, (void)stream;
  const DLTensor *x = args[0], *y = args[1];
  if (!x->strides || !y->strides || x->byte_offset || y->byte_offset)
    return SSD_ERROR_INTERNAL;
  for (int64_t i = 0; i < x->shape[0]; ++i)
    for (int64_t j = 0; j < x->shape[1]; ++j)
      ((int32_t *)y->data)[i * y->strides[0] + j] =
          ((const int32_t *)x->data)[i * x->strides[0] + j];
  return SSD_OK;
}

static const ssd_argument strided_args[] = {
    {"x", SSD_ROLE_INPUT, I32, 2, SHAPE(-1, -2), 1, kDLCPU, -5, 5},
    {"y", SSD_ROLE_OUTPUT, I32, 2, SHAPE(-1, -2), 1, kDLCPU, 1, 0}};

/* scratch(x [d0]) -> y [d0] through a workspace of d0 floats */
static int32_t scratch(ssd_context *context, const DLTensor *const *args,
                       int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)stream;
  float *memory = workspace;
  for (int64_t i = 0; i < args[0]->shape[0]; ++i)
    memory[i] = ((const float *)args[0]->data)[i] + 1;
  for (int64_t i = 0; i < args[0]->shape[0]; ++i)
    ((float *)args[1]->data)[i] = memory[i];
  return SSD_OK;
}

static int64_t scratch_bytes(const DLTensor *const *args, int32_t count) {
  (void)count;
  return args[0]->shape[0] * (int64_t)sizeof(float);
}

static int64_t negative_bytes(const DLTensor *const *args, int32_t count) {
  (void)args, (void)count;
  return -8;
}

static const ssd_argument scratch_args[] = {
    ARGUMENT("x", SSD_ROLE_INPUT, F32, -1),
    ARGUMENT("y", SSD_ROLE_OUTPUT, F32, -1)};

/* halves(a, b) -> sums of both parameters: read in the program's types */
static int32_t halves(ssd_context *context, const DLTensor *const *args,
                      int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)workspace, (void)stream;
  uint16_t *out = args[2]->data;
  for (int i = 0; i < 3; ++i) {
    out[i] = ((const uint16_t *)args[0]->data)[i];
    out[3 + i] = ((const uint16_t *)args[1]->data)[i];
  }
  return SSD_OK;
}

static const ssd_argument halves_args[] = {
    ARGUMENT("a.bf16", SSD_ROLE_PARAMETER, BF16, 3),
    ARGUMENT("b.f16", SSD_ROLE_PARAMETER, F16, 3),
    {"bits", SSD_ROLE_OUTPUT, {kDLUInt, 16, 1}, 1, SHAPE(6), 0, kDLCPU, 1, 0}};

/* Entries that fail in all the ways an entry can. */
static int32_t fail_with_message(ssd_context *context,
                                 const DLTensor *const *args, int32_t count,
                                 void *workspace, void *stream) {
  (void)args, (void)count, (void)workspace, (void)stream;
  context->api->set_error(context, "The slot 7 is taken.");
  return SSD_ERROR_INVALID_ARGUMENT;
}

static int32_t fail_silently(ssd_context *context, const DLTensor *const *args,
                             int32_t count, void *workspace, void *stream) {
  (void)context, (void)args, (void)count, (void)workspace, (void)stream;
  return SSD_ERROR_DRIVER;
}

static int32_t fail_positively(ssd_context *context,
                               const DLTensor *const *args, int32_t count,
                               void *workspace, void *stream) {
  (void)context, (void)args, (void)count, (void)workspace, (void)stream;
  return 7;
}

static int32_t launch(ssd_context *context, const DLTensor *const *args,
                      int32_t count, void *workspace, void *stream) {
  (void)args, (void)count, (void)workspace;
  context->stream = stream;
  context->api->launch(context, 0, 1, 0, 0);
  return context->api->status(context);
}

static const ssd_entry entries[] = {
    {"multiply", LENGTH(multiply_args), multiply_args, multiply, 0,
     "[{\"form\": \"chunked\"}]"},
    {"accumulate", LENGTH(accumulate_args), accumulate_args, accumulate, 0, 0},
    {"strided", LENGTH(strided_args), strided_args, strided, 0, "[]"},
    {"scratch", LENGTH(scratch_args), scratch_args, scratch, scratch_bytes, 0},
    {"negative", LENGTH(scratch_args), scratch_args, scratch, negative_bytes,
     0},
    {"halves", LENGTH(halves_args), halves_args, halves, 0, 0},
    {"fail_with_message", 0, 0, fail_with_message, 0, 0},
    {"fail_silently", 0, 0, fail_silently, 0, 0},
    {"fail_positively", 0, 0, fail_positively, 0, 0},
    {"launch", 0, 0, launch, 0, 0}};

static const ssd_artifact table = {
    SSD_ABI_VERSION, "by hand", TARGET, "{\"vocabulary\": 10}",
    LENGTH(entries), entries,   0,      0};

SSD_API const ssd_artifact *ssd_artifact_query(uint32_t max_version) {
  return max_version >= SSD_ABI_VERSION ? &table : 0;
}
