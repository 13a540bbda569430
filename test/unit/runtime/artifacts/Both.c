/*===- Both.c - An artifact for the CPU and for GPUs ---------------*- C
 * -*-===//
 *
 * Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*/
#include "Artifact.h"

ARTIFACT_NOTE(SSD_ABI_VERSION, TARGET)

static const ssd_kernel_image images[] = {{"sm_90a", "cubin", 6}};
static const ssd_kernel kernels[] = {
    {"scale", {128, 1, 1}, {1, 1, 1}, 0, 1, images}};

/* scale(x [d0, 4], count [d0], weight [4]) -> y [d0, 4]: y = x * weight, and
 * count counts calls; on a GPU, whose kernels nobody runs here, y = x */
static int32_t scale_on_cpu(ssd_context *context, const DLTensor *const *args,
                            int32_t n_args, void *workspace, void *stream) {
  const float *x = args[0]->data, *weight = args[2]->data;
  float *count = args[1]->data, *y = args[3]->data;
  (void)context, (void)n_args, (void)workspace, (void)stream;
  for (int64_t row = 0; row < args[0]->shape[0]; ++row) {
    count[row] += 1;
    for (int64_t i = 4 * row; i < 4 * row + 4; ++i)
      y[i] = x[i] * weight[i % 4];
  }
  return SSD_OK;
}
static int32_t scale_on_gpu(ssd_context *context, const DLTensor *const *args,
                            int32_t n_args, void *workspace, void *stream) {
  (void)n_args, (void)workspace;
  context->stream = stream;
  context->api->copy(context, args[3]->data, args[0]->data,
                     args[0]->shape[0] * 16);
  context->api->launch(context, 0, 1, 0, 0);
  return context->api->status(context);
}
static int64_t scale_bytes_on_gpu(const DLTensor *const *args, int32_t n_args) {
  (void)n_args;
  return args[0]->shape[0] * 100;
}

#define ON(device, name, role, ...)                                            \
  {name, role, F32, RANK(__VA_ARGS__), SHAPE(__VA_ARGS__), 0, device, 1, 0}
#define SCALE_ARGUMENTS(device)                                                \
  ON(device, "x", SSD_ROLE_INPUT, -1, 4),                                      \
      ON(device, "count", SSD_ROLE_STATE, -1),                                 \
      ON(device, "weight", SSD_ROLE_PARAMETER, 4),                             \
      ON(device, "y", SSD_ROLE_OUTPUT, -1, 4)
static const ssd_argument cpu_args[] = {SCALE_ARGUMENTS(kDLCPU)};
static const ssd_argument gpu_args[] = {SCALE_ARGUMENTS(kDLCUDA)};

static const ssd_entry entries[] = {
    {"scale", LENGTH(cpu_args), cpu_args, scale_on_cpu, 0, 0},
    {"on_cpu", LENGTH(cpu_args), cpu_args, scale_on_cpu, 0, 0},
    {"scale", LENGTH(gpu_args), gpu_args, scale_on_gpu, scale_bytes_on_gpu, 0}};

static const ssd_artifact table = {
    SSD_ABI_VERSION, "by hand", TARGET,          0,
    LENGTH(entries), entries,   LENGTH(kernels), kernels};

SSD_API const ssd_artifact *ssd_artifact_query(uint32_t max_version) {
  return max_version >= SSD_ABI_VERSION ? &table : 0;
}
