/*===- generate.c - Greedy generation in C ------------------------*- C -*-===//
 *
 * Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*/
/* generate MODEL.so WEIGHTS STEPS ID...: continues the prompt ID... */
#include "ssd_runtime.h"
#include <stdio.h>
#include <stdlib.h>

static ssd_program *program;
static ssd_context *context;
static ssd_state *state;
static const DLDataType i64 = {kDLInt, 64, 1}, f32 = {kDLFloat, 32, 1};

static void check(int32_t status) {
  if (status != SSD_OK)
    exit(fprintf(stderr, "generate: %s\n", ssd_last_error()) ? 1 : 2);
}

/* Runs ids -> logits of an entry and returns the likeliest token. */
static int64_t predict(const char *entry, const DLTensor *ids, DLTensor *out) {
  const DLTensor *args[] = {ids, out};
  const float *logits = out->data;
  size_t bytes;
  check(ssd_workspace_size(program, entry, args, 2, state, &bytes));
  void *memory = aligned_alloc(64, (bytes / 64 + 1) * 64);
  check(ssd_call(program, context, entry, args, 2, state, memory, bytes, NULL));
  free(memory);
  int64_t best = 0;
  for (int64_t v = 1; v < out->shape[1]; ++v)
    best = logits[v] > logits[best] ? v : best;
  return best;
}

int main(int argc, char **argv) {
  if (argc < 5)
    return fputs("usage: generate MODEL.so WEIGHTS STEPS ID...\n", stderr), 2;
  check(ssd_program_load(argv[1], &program));
  check(ssd_program_bind_weights(program, argv[2]));
  check(ssd_context_create(0, &context));
  check(ssd_state_create(program, 1, &state));
  const ssd_entry *step = ssd_program_entry(program, "step");
  check(step ? SSD_OK : SSD_ERROR_NOT_FOUND);
  int64_t sizes[] = {1, argc - 4}, one[] = {1}, logit_sizes[] = {1, 0};
  for (int32_t i = 0; i < step->n_args; ++i)
    if (step->args[i].role == SSD_ROLE_OUTPUT)
      logit_sizes[1] = step->args[i].shape[1];
  int64_t *ids = calloc(sizes[1], sizeof(*ids)), steps = atoll(argv[3]);
  for (int64_t i = 0; i < sizes[1]; ++i)
    ids[i] = atoll(argv[4 + i]);
  float *data = calloc(logit_sizes[1], sizeof(*data));
  DLTensor logits = {data, {kDLCPU, 0}, 2, f32, logit_sizes, NULL, 0};
  DLTensor prompt = {ids, {kDLCPU, 0}, 2, i64, sizes, NULL, 0};
  DLTensor last = {ids, {kDLCPU, 0}, 1, i64, one, NULL, 0};
  for (int64_t i = 0; i < steps; ++i) {
    ids[0] = predict(i ? "step" : "prefill", i ? &last : &prompt, &logits);
    printf("%lld%c", (long long)ids[0], i + 1 < steps ? ' ' : '\n');
  }
  free(ids), free(data), ssd_state_destroy(state);
  return ssd_context_destroy(context), ssd_program_destroy(program), 0;
}
