//===- Reference.cpp - The float64 recurrence ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/reference/Reference.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <thread>

using namespace ssd::reference;

namespace {

void require(bool holds, const std::string &message) {
  if (!holds)
    throw std::invalid_argument(message);
}

void requireSize(const char *name, size_t found, int64_t expected) {
  require(found == static_cast<size_t>(expected),
          std::string("The operand ") + name + " has " + std::to_string(found) +
              " elements; expected " + std::to_string(expected) + ".");
}

/// One mixer at work. Heads of sequences are independent of each other.
class Mixer {
public:
  explicit Mixer(const MixOperands &operands);

  MixResults run();

private:
  void checkOperands();
  void checkSequences();
  void placeCheckpoints();
  void runHead(int64_t sequence, int64_t head);
  void step(int64_t row, int64_t head, double *state);
  /// True if the t-th processed token `row` of a sequence begins with a zero
  /// state for the sake of its segment.
  bool startsSegment(int64_t sequence, int64_t t, int64_t row) const;
  /// The row of the state operand that a sequence owns, negative for none.
  int64_t stateRow(int64_t sequence) const {
    return in.slots.empty() ? sequence : in.slots[sequence];
  }
  /// First and one-past-last row of [B * L] of a sequence.
  std::pair<int64_t, int64_t> rows(int64_t sequence) const {
    if (in.offsets.empty())
      return {sequence * in.length, (sequence + 1) * in.length};
    return {in.offsets[sequence], in.offsets[sequence + 1]};
  }

  const MixOperands &in;
  MixResults out;
  int64_t stateSize; // P * N
  bool decayPerChannel, ratePerChannel;
  std::vector<int64_t> firstCheckpoint; // of every sequence
};

Mixer::Mixer(const MixOperands &operands)
    : in(operands), stateSize(in.headDim * in.stateDim) {
  int64_t perHead = in.batch * in.length * in.heads;
  decayPerChannel = in.decay.size() != static_cast<size_t>(perHead);
  ratePerChannel = in.rate.size() != static_cast<size_t>(in.heads);
  checkOperands();
  checkSequences();
}

void Mixer::checkOperands() {
  int64_t rows = in.batch * in.length;
  require(in.groups > 0 && in.heads % in.groups == 0,
          "The number of heads is not a multiple of the number of groups.");
  requireSize("x", in.x.size(), rows * in.heads * in.headDim);
  requireSize("b", in.b.size(), rows * in.groups * in.stateDim);
  requireSize("c", in.c.size(), rows * in.groups * in.stateDim);
  if (!in.decay.empty() && decayPerChannel)
    requireSize("decay", in.decay.size(), rows * in.heads * in.stateDim);
  if (!in.rate.empty() && ratePerChannel)
    requireSize("rate", in.rate.size(), in.heads * in.stateDim);
  if (!in.scale.empty())
    requireSize("scale", in.scale.size(), rows * in.heads);
  if (!in.segmentIds.empty())
    requireSize("segment_ids", in.segmentIds.size(),
                in.leadingSegment ? rows + in.batch : rows);
  require(in.checkpointEvery >= 0, "checkpoint_every is negative.");
}

void Mixer::checkSequences() {
  if (!in.offsets.empty()) {
    require(in.batch == 1, "Packed sequences need a batch of 1.");
    require(!in.leadingSegment,
            "Packed sequences have no segment in front of them.");
    require(in.offsets.front() == 0 && in.offsets.back() == in.length &&
                std::is_sorted(in.offsets.begin(), in.offsets.end()),
            "The offsets must rise from 0 to the length.");
  }
  int64_t headStates = in.heads * stateSize;
  if (in.slots.empty()) {
    if (!in.initialState.empty())
      requireSize("state", in.initialState.size(), in.sequences() * headStates);
    return;
  }
  requireSize("slots", in.slots.size(), in.sequences());
  int64_t pool =
      headStates == 0 ? 0 : int64_t(in.initialState.size()) / headStates;
  std::vector<bool> taken(pool);
  for (int64_t slot : in.slots) {
    require(slot < pool, "A slot is outside of the state pool.");
    require(slot < 0 || !taken[slot], "Two sequences share a slot.");
    if (slot >= 0)
      taken[slot] = true;
  }
}

void Mixer::placeCheckpoints() {
  int64_t count = 0;
  for (int64_t s = 0; s < in.sequences(); ++s) {
    firstCheckpoint.push_back(count);
    auto [begin, end] = rows(s);
    count += in.checkpointEvery ? (end - begin) / in.checkpointEvery : 0;
  }
  out.checkpoints.resize(count * in.heads * stateSize);
}

bool Mixer::startsSegment(int64_t sequence, int64_t t, int64_t row) const {
  if (in.segmentIds.empty())
    return false;
  if (!in.leadingSegment)
    return t > 0 &&
           in.segmentIds[row] != in.segmentIds[in.reverse ? row + 1 : row - 1];
  // Every row of the batch is one id longer than its tokens.
  const int64_t *ids = &in.segmentIds[sequence * (in.length + 1)];
  int64_t position = row - sequence * in.length;
  int64_t before = in.reverse ? position + 1 : position - 1;
  return ids[1 + position] != (t == 0 ? ids[0] : ids[1 + before]);
}

/// One token of one head: decays the state, adds the outer product, reads y.
void Mixer::step(int64_t row, int64_t head, double *state) {
  int64_t group = head / (in.heads / in.groups);
  int64_t N = in.stateDim, P = in.headDim;
  const double *x = &in.x[(row * in.heads + head) * P];
  const double *b = &in.b[(row * in.groups + group) * N];
  const double *c = &in.c[(row * in.groups + group) * N];
  double *y = &out.y[(row * in.heads + head) * P];
  double scale = in.scale.empty() ? 1 : in.scale[row * in.heads + head];
  std::fill(y, y + P, 0.0);
  for (int64_t n = 0; n < N; ++n) {
    double logDecay = in.decay.empty() && in.rate.empty() ? 0 : 1;
    if (!in.decay.empty())
      logDecay *= in.decay[decayPerChannel ? (row * in.heads + head) * N + n
                                           : row * in.heads + head];
    if (!in.rate.empty())
      logDecay *= in.rate[ratePerChannel ? head * N + n : head];
    double factor = std::exp(logDecay);
    for (int64_t p = 0; p < P; ++p) {
      double &element = state[p * N + n];
      element = factor * element + scale * x[p] * b[n];
      y[p] += element * c[n];
    }
  }
}

void Mixer::runHead(int64_t sequence, int64_t head) {
  auto [begin, end] = rows(sequence);
  int64_t owned = stateRow(sequence);
  std::vector<double> state(stateSize);
  if (owned >= 0 && !in.initialState.empty())
    std::copy_n(&in.initialState[(owned * in.heads + head) * stateSize],
                stateSize, state.begin());
  for (int64_t t = 0; t < end - begin; ++t) {
    int64_t row = in.reverse ? end - 1 - t : begin + t;
    if (startsSegment(sequence, t, row))
      std::fill(state.begin(), state.end(), 0.0);
    step(row, head, state.data());
    if (in.checkpointEvery && (t + 1) % in.checkpointEvery == 0) {
      int64_t index = firstCheckpoint[sequence] + t / in.checkpointEvery;
      std::copy(state.begin(), state.end(),
                &out.checkpoints[(index * in.heads + head) * stateSize]);
    }
  }
  if (owned >= 0)
    std::copy(state.begin(), state.end(),
              &out.state[(owned * in.heads + head) * stateSize]);
}

MixResults Mixer::run() {
  out.y.resize(in.x.size());
  out.state = in.initialState;
  if (out.state.empty())
    out.state.resize(in.sequences() * in.heads * stateSize);
  placeCheckpoints();
  // Without elements there is nothing to compute and nothing to point at.
  if (stateSize == 0)
    return std::move(out);
  int64_t count = in.sequences() * in.heads;
  int64_t workers = std::min<int64_t>(
      count, std::max(1u, std::thread::hardware_concurrency()));
  std::vector<std::thread> threads;
  for (int64_t worker = 0; worker < workers; ++worker)
    threads.emplace_back([=] {
      for (int64_t i = worker; i < count; i += workers)
        runHead(i / in.heads, i % in.heads);
    });
  for (std::thread &thread : threads)
    thread.join();
  return std::move(out);
}

} // namespace

MixResults ssd::reference::mix(const MixOperands &operands) {
  return Mixer(operands).run();
}

std::vector<double> ssd::reference::discretize(const std::vector<double> &raw,
                                               const std::vector<double> &bias,
                                               bool applySoftplus,
                                               double minimum, double maximum) {
  require(bias.empty() || raw.size() % bias.size() == 0,
          "The bias does not divide the raw values.");
  std::vector<double> steps(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    double value = raw[i] + (bias.empty() ? 0 : bias[i % bias.size()]);
    // softplus without overflow: max(v, 0) + log(1 + exp(-|v|)).
    if (applySoftplus)
      value = std::max(value, 0.0) + std::log1p(std::exp(-std::abs(value)));
    steps[i] = std::min(std::max(value, minimum), maximum);
  }
  return steps;
}

void ssd::reference::addSkip(std::vector<double> &y,
                             const std::vector<double> &x,
                             const std::vector<double> &skip, int64_t heads,
                             int64_t headDim) {
  requireSize("x", x.size(), int64_t(y.size()));
  bool perHead = skip.size() == static_cast<size_t>(heads);
  if (!perHead)
    requireSize("skip", skip.size(), heads * headDim);
  for (size_t i = 0; i < y.size(); ++i) {
    size_t channel = i % static_cast<size_t>(heads * headDim);
    y[i] += skip[perHead ? channel / headDim : channel] * x[i];
  }
}

void ssd::reference::applyGate(std::vector<double> &y,
                               const std::vector<double> &z) {
  requireSize("z", z.size(), int64_t(y.size()));
  for (size_t i = 0; i < y.size(); ++i)
    y[i] *= z[i] / (1 + std::exp(-z[i]));
}

double ssd::reference::rmsErrorRatio(const std::vector<double> &out,
                                     const std::vector<double> &ref) {
  requireSize("out", out.size(), int64_t(ref.size()));
  double error = 0, norm = 0;
  for (size_t i = 0; i < ref.size(); ++i) {
    error += (out[i] - ref[i]) * (out[i] - ref[i]);
    norm += ref[i] * ref[i];
  }
  if (error == 0)
    return 0;
  double ratio = std::sqrt(error / norm);
  return std::isfinite(ratio) ? ratio : std::numeric_limits<double>::infinity();
}
