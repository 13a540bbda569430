/*===- Gpu.c - An artifact with kernels ----------------------------*- C
 * -*-===//
 *
 * Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*/
#include "Artifact.h"

ARTIFACT_NOTE(SSD_ABI_VERSION, TARGET)

#define PTX(target) ".version 8.6\n.target " target "\n"
#define IMAGE(target, text) {target, text, sizeof(text)}

static const ssd_kernel_image hopper_images[] = {IMAGE("ptx", PTX("sm_80")),
                                                 IMAGE("sm_90a", "cubin 90a"),
                                                 IMAGE("sm_80", "cubin 80")};
static const ssd_kernel_image only_hopper_images[] = {
    IMAGE("ptx", PTX("sm_90a"))};

enum { SCALE, ONLY_HOPPER, WIDE };
static const ssd_kernel kernels[] = {
    {"scale",
     {128, 2, 1},
     {1, 1, 1},
     50000,
     LENGTH(hopper_images),
     hopper_images},
    {"only_hopper", {64, 1, 1}, {4, 1, 1}, 0, 1, only_hopper_images},
    {"wide",
     {32, 1, 1},
     {16, 1, 1},
     200000,
     LENGTH(hopper_images),
     hopper_images}};

/* run(x [d0, 4], state [d0, 2], weight [4]) -> y [d0, 4]: one of everything */
static int32_t run(ssd_context *context, const DLTensor *const *args,
                   int32_t count, void *workspace, void *stream) {
  const ssd_context_api *api = context->api;
  const DLTensor *x = args[0], *y = args[3];
  (void)count, (void)workspace;
  context->stream = stream;
  int32_t number = 42;
  void *params[] = {&number};
  _Alignas(64) char map[128];
  const int32_t box[] = {1, 4};
  api->encode_tensor_map(context, map, x->dtype, x->ndim, x->data, x->shape,
                         x->strides, box);
  api->clear(context, y->data, x->shape[0] * 16);
  api->copy(context, y->data, x->data, x->shape[0] * 16);
  if (api->has_kernel(context, ONLY_HOPPER))
    api->launch(context, ONLY_HOPPER, api->multiprocessors(context), 16,
                params);
  api->launch(context, SCALE, x->shape[0], 50000, params);
  return api->status(context);
}
static int64_t run_bytes(const DLTensor *const *args, int32_t count) {
  (void)count;
  return args[0]->shape[0] * 100;
}

#define ON_GPU(name, role, type, ...)                                          \
  {name, role, type, RANK(__VA_ARGS__), SHAPE(__VA_ARGS__), 0, kDLCUDA, 1, 0}
static const ssd_argument run_args[] = {
    {"x", SSD_ROLE_INPUT, F32, 2, SHAPE(-1, 4), 1, kDLCUDA, 1, 0},
    ON_GPU("cache", SSD_ROLE_STATE, F32, -1, 2),
    ON_GPU("weight", SSD_ROLE_PARAMETER, F32, 4),
    ON_GPU("y", SSD_ROLE_OUTPUT, F32, -1, 4)};

/* launch_wide(blocks [1] on the CPU, in [-1, 5], x [4]) */
static int32_t launch_wide(ssd_context *context, const DLTensor *const *args,
                           int32_t count, void *workspace, void *stream) {
  (void)count, (void)workspace;
  context->stream = stream;
  context->api->launch(context, WIDE, *(const int64_t *)args[0]->data, 0, 0);
  return context->api->status(context);
}
static const ssd_argument wide_args[] = {
    {"blocks", SSD_ROLE_INPUT, I64, 1, SHAPE(1), 0, kDLCPU, -1, 5},
    ON_GPU("x", SSD_ROLE_INPUT, F32, 4)};

/* maps(x [d0, d1, 4]) of which the middle size is 1 or 0 */
static int32_t maps(ssd_context *context, const DLTensor *const *args,
                    int32_t count, void *workspace, void *stream) {
  (void)count, (void)workspace;
  context->stream = stream;
  const DLTensor *x = args[0];
  const int32_t box[] = {1, 1, 4};
  _Alignas(64) char map[128];
  context->api->encode_tensor_map(context, map, x->dtype, x->ndim, x->data,
                                  x->shape, x->strides, box);
  return context->api->status(context);
}
static const ssd_argument maps_args[] = {
    {"x", SSD_ROLE_INPUT, F32, 3, SHAPE(-1, -2, 4), 1, kDLCUDA, 1, 0}};

static const ssd_entry entries[] = {
    {"run", LENGTH(run_args), run_args, run, run_bytes, 0},
    {"launch_wide", 2, wide_args, launch_wide, 0, 0},
    {"maps", 1, maps_args, maps, 0, 0}};

static const ssd_artifact table = {
    SSD_ABI_VERSION, "by hand", TARGET,          0,
    LENGTH(entries), entries,   LENGTH(kernels), kernels};

SSD_API const ssd_artifact *ssd_artifact_query(uint32_t max_version) {
  return max_version >= SSD_ABI_VERSION ? &table : 0;
}
