//===- analysis/CostModel.cpp - What a form costs on a target ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/analysis/CostModel.h"

#include <algorithm>
#include <cmath>

using namespace ssd;

std::string ssd::toString(const Form &form) {
  switch (form.kind) {
  case FormKind::recurrent:
    return "recurrent";
  case FormKind::quadratic:
    return "quadratic";
  case FormKind::chunked:
    return "chunked<" + std::to_string(form.chunk) +
           (form.tasks > 0   ? ", tasks = " + std::to_string(form.tasks)
            : form.parts > 1 ? ", parts = " + std::to_string(form.parts)
                             : "") +
           ">";
  }
  return {};
}

int64_t ssd::partsForTasks(int64_t tasks, int64_t batch, int64_t heads) {
  return std::max<int64_t>(tasks / std::max<int64_t>(batch * heads, 1), 1);
}

std::vector<Form> ssd::candidateForms(const MixerShape &shape,
                                      const CPUNumbers &target) {
  std::vector<Form> forms = {{FormKind::recurrent, 0}};
  if (shape.diagonalDecay)
    return forms;
  bool splits = shape.batchIs != MixerShape::Batch::any;
  int64_t parts =
      splits ? partsForTasks(target.workers, shape.batch, shape.heads) : 1;
  int64_t tasks =
      shape.batchIs == MixerShape::Batch::dynamic ? target.workers : 0;
  for (int64_t chunk : {16, 32, 64, 128, 256}) {
    if (chunk < shape.length)
      forms.push_back({FormKind::chunked, chunk});
    if (parts > 1 && parts * chunk < shape.length)
      forms.push_back({FormKind::chunked, chunk, parts, tasks});
  }
  forms.push_back({FormKind::quadratic, 0});
  return forms;
}

/// Bytes every form moves of one sequence: its operands once, the state in and
/// out.
static double sequenceBytes(const MixerShape &s) {
  double perToken = s.activationBytes * (2.0 * s.heads * s.headDim +
                                         2.0 * s.groups * s.stateDim) +
                    8.0 * s.heads;
  double state = double(s.heads) * s.headDim * s.stateDim;
  return s.length * perToken + 2 * state * s.stateBytes;
}

/// Time on all workers of work that takes `seconds` on one. Tasks are blocks of
/// heads, of `parts` parts each: few of them leave workers idle.
static double onWorkers(const MixerShape &s, double seconds,
                        const CPUNumbers &t, int64_t parts = 1) {
  double tasks = double(s.batch) * s.heads * parts;
  double rounds = std::ceil(tasks / t.workers);
  return seconds * rounds / std::max(tasks, 1.0) + t.loopTime;
}

static Cost recurrentCost(const MixerShape &s, const CPUNumbers &t) {
  double steps = double(s.batch) * s.length * s.heads;
  Cost cost;
  cost.flops = steps * 5.0 * s.headDim * s.stateDim;
  // Tasks of other heads find the lines that they share in the cache, or not.
  bool streams = sequenceBytes(s) > t.cacheBytes;
  double rowTime = t.rowTime + (streams ? t.streamedRowTime : 0.0);
  double seconds =
      steps * (t.tokenTime + s.headDim * rowTime) + cost.flops / t.updateRate;
  cost.bytes = s.batch * sequenceBytes(s);
  cost.seconds = std::max(onWorkers(s, seconds, t),
                          cost.bytes / (t.bandwidth * t.workers));
  cost.launches = 1;
  return cost;
}

/// Short blocks do not reach the rate of a large product.
static double productRate(double q, const CPUNumbers &t) {
  double block = std::min<double>(t.block, q);
  return t.matmulRate * block / (block + 7.0);
}

/// What a chunk of one head takes whatever its size.
static double chunkOverhead(const MixerShape &s, const CPUNumbers &t) {
  bool streams = s.batch * sequenceBytes(s) > t.cacheBytes;
  double rows = std::max<double>(s.stateDim, t.leastStateRows);
  return t.chunkTime + (streams ? rows * t.stateRowTime : 0.0);
}

/// One chunk of Q tokens of one head: keys are visited in whole blocks.
static Cost chunkCost(const MixerShape &s, double q, const CPUNumbers &t) {
  double block = std::min<double>(t.block, q);
  double blocks = std::ceil(q / block);
  double pairs = q * (blocks + 1) * block / 2;
  double headsPerTask = std::max(1.0, double(s.heads) / s.groups / 4);
  double products = 2 * pairs * s.stateDim / headsPerTask + // c · bᵀ
                    2 * pairs * s.headDim +                 // scores · x
                    4 * q * s.stateDim * s.headDim; // state in, state out
  Cost cost;
  cost.flops = products + 4 * pairs + 6 * q;
  cost.seconds =
      products / productRate(q, t) + pairs / t.scoreRate + chunkOverhead(s, t);
  return cost;
}

/// What splitting a sequence adds to one head: the states of all chunks without
/// their outputs, and the states of the parts in memory.
static Cost splitCost(const MixerShape &s, double q, double chunks,
                      int64_t parts, const CPUNumbers &t) {
  double elements = double(s.headDim) * s.stateDim;
  Cost cost;
  cost.flops = chunks * 2 * q * elements;
  cost.bytes = 16.0 * parts * elements;
  cost.seconds = cost.flops / productRate(q, t) + chunks * chunkOverhead(s, t) +
                 3.0 * parts * elements / t.transposeRate;
  return cost;
}

static Cost chunkedCost(const MixerShape &s, double chunk, int64_t parts,
                        const CPUNumbers &t) {
  double q = std::min<double>(chunk, s.length);
  double chunks = q > 0 ? std::floor(s.length / q) : 0;
  double rest = s.length - chunks * q;
  double sequences = double(s.batch) * s.heads;
  Cost whole = chunkCost(s, q, t), tail, split;
  if (rest > 0)
    tail = chunkCost(s, rest, t);
  if (parts > 1)
    split = splitCost(s, q, std::ceil(s.length / q), parts, t);
  // The state is transposed on the way in and out.
  double transposes = 2.0 * s.headDim * s.stateDim / t.transposeRate;
  Cost cost;
  cost.flops = sequences * (chunks * whole.flops + tail.flops + split.flops);
  double seconds = sequences * (chunks * whole.seconds + tail.seconds +
                                split.seconds + transposes);
  cost.bytes = s.batch * sequenceBytes(s) * (parts > 1 ? 2 : 1) +
               sequences * split.bytes;
  cost.launches = parts > 1 ? 3 : 1;
  cost.seconds = std::max(onWorkers(s, seconds, t, parts) +
                              (cost.launches - 1) * t.loopTime,
                          cost.bytes / (t.bandwidth * t.workers));
  double keys = std::min<double>(q, 4.0 * t.block);
  cost.memory = double(t.workers) *
                (8 * t.block * keys + 12 * q + 8.0 * s.headDim * s.stateDim);
  return cost;
}

Cost ssd::estimateCost(const MixerShape &shape, const Form &form,
                       const CPUNumbers &target) {
  Cost cost;
  if (shape.length == 0 || shape.batch == 0)
    return cost;
  if (form.kind == FormKind::recurrent)
    cost = recurrentCost(shape, target);
  else
    cost = chunkedCost(
        shape, form.kind == FormKind::chunked ? form.chunk : shape.length,
        form.parts, target);
  return cost;
}

Form ssd::chooseForm(const MixerShape &shape, const CPUNumbers &target) {
  std::vector<Form> forms = candidateForms(shape, target);
  return *std::min_element(forms.begin(), forms.end(),
                           [&](const Form &a, const Form &b) {
                             return estimateCost(shape, a, target).seconds <
                                    estimateCost(shape, b, target).seconds;
                           });
}

std::vector<LengthRange> ssd::chooseForLengths(MixerShape shape,
                                               const CPUNumbers &target) {
  auto seconds = [&](int64_t length, const Form &form) {
    shape.length = length;
    return estimateCost(shape, form, target).seconds;
  };
  // From long to short: a shorter range gets a form of its own where that is
  // clearly better than the form of the longer one.
  std::vector<int64_t> lengths;
  for (int64_t length = 1; length <= 65536; length *= 2)
    lengths.push_back(length);
  shape.length = lengths.back();
  std::vector<LengthRange> ranges = {{INT64_MAX, chooseForm(shape, target)}};
  for (size_t i = lengths.size(); i-- > 0;) {
    shape.length = lengths[i];
    Form best = chooseForm(shape, target);
    const Form &current = ranges.front().form;
    if (best == current ||
        seconds(lengths[i], best) * 1.1 > seconds(lengths[i], current))
      continue;
    ranges.insert(ranges.begin(), {lengths[i], best});
  }
  return ranges;
}
