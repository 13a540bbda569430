/*===- operator.c - An operator, token by token in double ---------*- C -*-===//
 * Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *===----------------------------------------------------------------------===*/
/* What operator_compiler.py makes of an operator's text: it gives the argument
 * list, ARG_<name> for each argument's position (-1: absent), and the options
 * of ssd.discretize, in the header operator.h. */
#include "Artifact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "operator.h"

ARTIFACT_NOTE(SSD_ABI_VERSION, TARGET)

static double load(const DLTensor *tensor, int64_t element) {
  if (tensor->dtype.code == kDLFloat && tensor->dtype.bits == 32)
    return ((const float *)tensor->data)[element];
  if (tensor->dtype.code == kDLFloat)
    return (double)((const _Float16 *)tensor->data)[element];
  if (tensor->dtype.code == kDLInt)
    return ((const int32_t *)tensor->data)[element];
  uint32_t bits = (uint32_t)((const uint16_t *)tensor->data)[element] << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

static void store(const DLTensor *tensor, int64_t element, double value) {
  if (tensor->dtype.code == kDLFloat && tensor->dtype.bits == 32) {
    ((float *)tensor->data)[element] = (float)value;
    return;
  }
  if (tensor->dtype.code == kDLFloat) {
    ((_Float16 *)tensor->data)[element] = (_Float16)value;
    return;
  }
  float narrow = (float)value;
  uint32_t bits;
  memcpy(&bits, &narrow, 4);
  bits += 0x7fff + (bits >> 16 & 1);
  ((uint16_t *)tensor->data)[element] = (uint16_t)(bits >> 16);
}

/* Positions are [batch, token, ...]; a step has no token dimension. */
static int64_t at(const DLTensor *tensor, int64_t b, int64_t t, int64_t i,
                  int64_t j) {
  const int64_t *stride = tensor->strides;
  int64_t element = b * *stride++;
  if (!IS_STEP)
    element += t * *stride++;
  element += i * *stride++;
  return stride == tensor->strides + tensor->ndim ? element
                                                  : element + j * *stride;
}

struct sequence {
  const DLTensor *const *args;
  int64_t batch, begin, end, row;
};

static const DLTensor *find(const struct sequence *s, int position) {
  return position < 0 ? 0 : s->args[position];
}

static double step_size(const struct sequence *s, int64_t t, int64_t h) {
  const DLTensor *dt = find(s, ARG_dt), *bias = find(s, ARG_dt_bias);
  double delta = load(dt, at(dt, s->batch, t, h, 0));
  if (bias)
    delta += load(bias, h);
  if (SOFTPLUS)
    delta = delta > 30 ? delta : log1p(exp(delta));
  return fmin(fmax(delta, MINIMUM), MAXIMUM);
}

/* The state S [P, N] of one head moves over one token. */
static void do_token(const struct sequence *s, double *S, int64_t t,
                     int64_t h) {
  const DLTensor *x = find(s, ARG_x), *b = find(s, ARG_B), *c = find(s, ARG_C);
  const DLTensor *a = find(s, ARG_A), *d = find(s, ARG_D), *z = find(s, ARG_z);
  const DLTensor *y = find(s, ARG_y);
  int64_t heads = x->shape[x->ndim - 2], width = x->shape[x->ndim - 1];
  int64_t groups = b->shape[b->ndim - 2], n_state = b->shape[b->ndim - 1];
  int64_t g = h / (heads / groups);
  double delta = step_size(s, t, h);
  for (int64_t p = 0; p < width; ++p) {
    double xv = load(x, at(x, s->batch, t, h, p)), sum = 0;
    for (int64_t n = 0; n < n_state; ++n) {
      double rate = load(a, a->ndim == 2 ? h * n_state + n : h);
      double *value = S + p * n_state + n;
      *value = exp(delta * rate) * *value +
               delta * xv * load(b, at(b, s->batch, t, g, n));
      sum += *value * load(c, at(c, s->batch, t, g, n));
    }
    if (d)
      sum += xv * load(d, d->ndim == 2 ? h * width + p : h);
    if (z) {
      double gate = load(z, at(z, s->batch, t, h, p));
      sum *= gate / (1 + exp(-gate));
    }
    store(y, at(y, s->batch, t, h, p), sum);
  }
}

/* The row of a state pool; negative: none. */
static int64_t pool_row(const struct sequence *s) {
  const DLTensor *slots = find(s, ARG_slots), *state = find(s, ARG_state);
  int64_t row = slots ? (int64_t)load(slots, s->row) : s->row;
  return state && row >= state->shape[0] ? -1 : row;
}

static void do_head(const struct sequence *s, double *S, int64_t h) {
  const DLTensor *before = find(s, ARG_initial_state);
  const DLTensor *after = find(s, ARG_final_state);
  if (ARG_state >= 0)
    before = after = pool_row(s) < 0 ? 0 : find(s, ARG_state);
  const DLTensor *segments = find(s, ARG_segment_ids), *x = find(s, ARG_x);
  const DLTensor *b = find(s, ARG_B);
  int64_t n_state = b->shape[b->ndim - 1];
  int64_t size = x->shape[x->ndim - 1] * n_state;
  const int64_t *steps = before ? before->strides : after ? after->strides : 0;
  int64_t row = ARG_state < 0 ? s->row : pool_row(s);
  int64_t first = steps ? row * steps[0] + h * steps[1] : 0;
  for (int64_t i = 0; i < size; ++i)
    S[i] =
        before ? load(before, first + i / n_state * steps[2] + i % n_state) : 0;
  for (int64_t t = s->begin; t < s->end; ++t) {
    int64_t id = s->batch * (segments ? segments->shape[1] : 0) + t;
    if (segments && t > s->begin &&
        load(segments, id) != load(segments, id - 1))
      memset(S, 0, (size_t)size * sizeof(double));
    do_token(s, S, t, h);
  }
  for (int64_t i = 0; after && i < size; ++i)
    store(after, first + i / n_state * steps[2] + i % n_state, S[i]);
}

static int32_t run(ssd_context *context, const DLTensor *const *args,
                   int32_t count, void *workspace, void *stream) {
  (void)context, (void)count, (void)stream;
  const DLTensor *x = args[ARG_x];
  const DLTensor *offsets = ARG_offsets < 0 ? 0 : args[ARG_offsets];
  int64_t rows = offsets ? offsets->shape[0] - 1 : x->shape[0];
  for (int64_t row = 0; row < rows; ++row) {
    struct sequence s = {args, row, 0, IS_STEP ? 1 : x->shape[1], row};
    if (offsets) {
      s.batch = 0;
      s.begin = (int64_t)load(offsets, row);
      s.end = (int64_t)load(offsets, row + 1);
    }
    for (int64_t h = 0; h < x->shape[x->ndim - 2]; ++h)
      do_head(&s, workspace, h);
  }
  return SSD_OK;
}

static int64_t workspace_bytes(const DLTensor *const *args, int32_t count) {
  (void)count;
  const DLTensor *x = args[ARG_x], *b = args[ARG_B];
  return x->shape[x->ndim - 1] * b->shape[b->ndim - 1] *
         (int64_t)sizeof(double);
}

static const ssd_argument arguments[] = {ARGUMENTS};
static const ssd_entry entry = {ENTRY, LENGTH(arguments), arguments,
                                run,   workspace_bytes,   "[]"};
static const ssd_artifact table = {
    SSD_ABI_VERSION, "through C", TARGET, "{}", 1, &entry, 0, 0};

__attribute__((visibility("default"))) const ssd_artifact *
ssd_artifact_query(uint32_t max_version) {
  return max_version >= SSD_ABI_VERSION ? &table : 0;
}
