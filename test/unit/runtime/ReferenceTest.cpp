//===- ReferenceTest.cpp - The float64 recurrence against itself ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/reference/Reference.h"
#include "test/unit/runtime/TestSupport.h"

#include <cmath>
#include <random>

using namespace ssd::reference;
using ssd::test::TemporaryFolder;

namespace {

std::mt19937 generator(7);

std::vector<double> draw(int64_t count, double low = -1, double high = 1) {
  std::uniform_real_distribution<double> distribution(low, high);
  std::vector<double> values(count);
  for (double &value : values)
    value = distribution(generator);
  return values;
}

/// Random operands with decay [B, L, H] and rate [H].
MixOperands problem(int64_t B, int64_t L, int64_t H, int64_t P, int64_t G,
                    int64_t N) {
  MixOperands in;
  in.batch = B, in.length = L, in.heads = H;
  in.headDim = P, in.groups = G, in.stateDim = N;
  in.x = draw(B * L * H * P);
  in.b = draw(B * L * G * N);
  in.c = draw(B * L * G * N);
  in.decay = draw(B * L * H, 0.01, 0.5);
  in.rate = draw(H, -2, -0.1);
  in.scale = draw(B * L * H);
  return in;
}

void expectNear(const std::vector<double> &a, const std::vector<double> &b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_LT(rmsErrorRatio(a, b), 1e-13);
}

template <typename T>
std::vector<T> slice(const std::vector<T> &values, int64_t begin, int64_t end,
                     int64_t unit) {
  return {values.begin() + begin * unit, values.begin() + end * unit};
}

/// Tokens [begin, end) of a problem with batch 1.
MixOperands part(const MixOperands &in, int64_t begin, int64_t end) {
  MixOperands out = in;
  out.length = end - begin;
  out.x = slice(in.x, begin, end, in.heads * in.headDim);
  out.b = slice(in.b, begin, end, in.groups * in.stateDim);
  out.c = slice(in.c, begin, end, in.groups * in.stateDim);
  out.decay = slice(in.decay, begin, end, in.heads);
  out.scale = slice(in.scale, begin, end, in.heads);
  return out;
}

std::vector<double> join(std::vector<double> a, const std::vector<double> &b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(Reference, two_steps_by_hand) {
  MixOperands in;
  in.batch = 1, in.length = 2, in.heads = 1;
  in.headDim = 1, in.groups = 1, in.stateDim = 2;
  in.x = {2, 3};
  in.b = {1, 10, 1, 1};
  in.c = {1, 0, 1, 1};
  in.decay = {5, std::log(0.5)};
  in.scale = {1, 2};
  MixResults out = mix(in);
  // S_1 = 2 [1, 10]; S_2 = 0.5 S_1 + 6 [1, 1] = [7, 16].
  expectNear(out.y, {2, 23});
  expectNear(out.state, {7, 16});
}

TEST(Reference, quadratic_form_agrees) {
  const int64_t B = 2, L = 9, H = 4, P = 3, G = 2, N = 5;
  MixOperands in = problem(B, L, H, P, G, N);
  std::vector<double> y(in.x.size());
  for (int64_t b = 0; b < B; ++b)
    for (int64_t h = 0; h < H; ++h)
      for (int64_t t = 0; t < L; ++t)
        for (int64_t s = 0; s <= t; ++s) {
          double dot = 0, logDecay = 0;
          for (int64_t n = 0; n < N; ++n)
            dot += in.c[((b * L + t) * G + h / 2) * N + n] *
                   in.b[((b * L + s) * G + h / 2) * N + n];
          for (int64_t r = s + 1; r <= t; ++r)
            logDecay += in.decay[(b * L + r) * H + h] * in.rate[h];
          double weight =
              dot * std::exp(logDecay) * in.scale[(b * L + s) * H + h];
          for (int64_t p = 0; p < P; ++p)
            y[((b * L + t) * H + h) * P + p] +=
                weight * in.x[((b * L + s) * H + h) * P + p];
        }
  expectNear(mix(in).y, y);
}

TEST(Reference, a_state_continues_a_sequence) {
  MixOperands in = problem(1, 12, 2, 3, 1, 4);
  in.initialState = draw(2 * 3 * 4);
  MixResults whole = mix(in);
  MixResults first = mix(part(in, 0, 5));
  MixOperands rest = part(in, 5, 12);
  rest.initialState = first.state;
  MixResults second = mix(rest);
  expectNear(join(first.y, second.y), whole.y);
  expectNear(second.state, whole.state);
}

TEST(Reference, segments_are_separate_sequences) {
  MixOperands in = problem(1, 10, 2, 3, 1, 4);
  in.initialState = draw(2 * 3 * 4);
  MixOperands first = part(in, 0, 4), second = part(in, 4, 10);
  second.initialState.clear();
  in.segmentIds = {5, 5, 5, 5, 2, 2, 2, 2, 2, 2};
  MixResults whole = mix(in), last = mix(second);
  expectNear(whole.y, join(mix(first).y, last.y));
  expectNear(whole.state, last.state);
}

TEST(Reference, a_leading_segment_owns_the_initial_state) {
  MixOperands in = problem(2, 5, 2, 3, 1, 4);
  in.initialState = draw(2 * 2 * 3 * 4);
  MixOperands led = in;
  led.leadingSegment = true;
  led.segmentIds = {1, 1, 1, 2, 2, 2, /**/ 7, 8, 8, 8, 8, 8};
  in.segmentIds = {1, 1, 2, 2, 2, /**/ 8, 8, 8, 8, 8};
  // The second row begins another segment, so its state is not seen.
  std::fill(in.initialState.begin() + 24, in.initialState.end(), 0.0);
  for (bool reverse : {false, true}) {
    led.reverse = in.reverse = reverse;
    if (reverse)
      led.segmentIds[0] = 2; // the id before the first processed token
    expectNear(mix(led).y, mix(in).y);
    expectNear(mix(led).state, mix(in).state);
  }
}

TEST(Reference, offsets_pack_sequences) {
  MixOperands in = problem(1, 10, 2, 3, 1, 4);
  int64_t size = 2 * 3 * 4;
  in.initialState = draw(3 * size);
  in.offsets = {0, 4, 4, 10};
  MixOperands first = part(in, 0, 4), third = part(in, 4, 10);
  first.offsets.clear(), third.offsets.clear();
  first.initialState = slice(in.initialState, 0, 1, size);
  third.initialState = slice(in.initialState, 2, 3, size);
  MixResults packed = mix(in), one = mix(first), three = mix(third);
  expectNear(packed.y, join(one.y, three.y));
  // The empty sequence in the middle keeps its state.
  expectNear(
      packed.state,
      join(join(one.state, slice(in.initialState, 1, 2, size)), three.state));
}

TEST(Reference, slots_choose_rows_of_a_pool) {
  MixOperands in = problem(3, 6, 2, 3, 1, 4);
  int64_t size = 2 * 3 * 4;
  std::vector<double> pool = draw(4 * size);
  MixOperands plain = in;
  plain.initialState =
      join(join(slice(pool, 2, 3, size), std::vector<double>(size)),
           slice(pool, 0, 1, size));
  in.initialState = pool;
  in.slots = {2, -1, 0};
  MixResults slotted = mix(in), expected = mix(plain);
  expectNear(slotted.y, expected.y);
  expectNear(slice(slotted.state, 2, 3, size),
             slice(expected.state, 0, 1, size));
  expectNear(slice(slotted.state, 0, 1, size),
             slice(expected.state, 2, 3, size));
  expectNear(slice(slotted.state, 1, 2, size), slice(pool, 1, 2, size));
  expectNear(slice(slotted.state, 3, 4, size), slice(pool, 3, 4, size));
}

TEST(Reference, reverse_is_forward_on_reversed_tokens) {
  MixOperands in = problem(1, 7, 1, 1, 1, 1);
  in.segmentIds = {1, 1, 2, 2, 2, 3, 3};
  in.initialState = {0.3};
  MixOperands mirrored = in;
  for (auto *values : {&mirrored.x, &mirrored.b, &mirrored.c, &mirrored.decay,
                       &mirrored.scale})
    std::reverse(values->begin(), values->end());
  std::reverse(mirrored.segmentIds.begin(), mirrored.segmentIds.end());
  in.reverse = true;
  MixResults backward = mix(in), forward = mix(mirrored);
  std::reverse(forward.y.begin(), forward.y.end());
  expectNear(backward.y, forward.y);
  expectNear(backward.state, forward.state);
}

TEST(Reference, checkpoints_are_states_of_prefixes) {
  MixOperands in = problem(1, 8, 2, 3, 1, 4);
  in.checkpointEvery = 3;
  int64_t size = 2 * 3 * 4;
  MixResults out = mix(in);
  ASSERT_EQ(out.checkpoints.size(), size_t(2 * size));
  expectNear(slice(out.checkpoints, 0, 1, size), mix(part(in, 0, 3)).state);
  expectNear(slice(out.checkpoints, 1, 2, size), mix(part(in, 0, 6)).state);
  in.checkpointEvery = 8;
  out = mix(in);
  expectNear(out.checkpoints, out.state);
}

TEST(Reference, decays_of_all_kinds) {
  const int64_t L = 6, H = 2, N = 4;
  MixOperands in = problem(1, L, H, 3, 1, N);
  MixResults expected = mix(in);
  // The same decay spelled per channel.
  MixOperands wide = in;
  wide.decay.clear();
  for (double value : in.decay)
    wide.decay.insert(wide.decay.end(), N, value);
  wide.rate.clear();
  for (double value : in.rate)
    wide.rate.insert(wide.rate.end(), N, value);
  expectNear(mix(wide).y, expected.y);
  // The product spelled as one factor.
  MixOperands product = in;
  for (int64_t i = 0; i < L * H; ++i)
    product.decay[i] *= in.rate[i % H];
  product.rate.clear();
  expectNear(mix(product).y, expected.y);
  // A rate alone is a decay of one; nothing at all is no decay.
  MixOperands rate = in, ones = in;
  rate.decay.clear();
  ones.decay.assign(L * H, 1);
  expectNear(mix(rate).y, mix(ones).y);
  MixOperands none = rate, zeros = in;
  none.rate.clear();
  zeros.decay.assign(L * H, 0);
  expectNear(mix(none).y, mix(zeros).y);
  // No scale is a scale of one.
  MixOperands unscaled = in, unit = in;
  unscaled.scale.clear();
  unit.scale.assign(L * H, 1);
  expectNear(mix(unscaled).y, mix(unit).y);
}

TEST(Reference, channels_decay_on_their_own) {
  MixOperands in;
  in.batch = 1, in.length = 2, in.heads = 1;
  in.headDim = 1, in.groups = 1, in.stateDim = 2;
  in.x = {1, 0};
  in.b = in.c = {1, 1, 1, 1};
  in.decay = {0, 0, 1, 1};
  in.rate = {std::log(0.5), std::log(0.25)};
  expectNear(mix(in).state, {0.5, 0.25});
}

TEST(Reference, empty_lengths_keep_the_state) {
  MixOperands in = problem(2, 0, 2, 3, 1, 4);
  in.initialState = draw(2 * 2 * 3 * 4);
  MixResults out = mix(in);
  EXPECT_TRUE(out.y.empty());
  EXPECT_EQ(out.state, in.initialState);
}

TEST(Reference, contradicting_operands) {
  auto refuses = [](MixOperands in) {
    EXPECT_THROW(mix(in), std::invalid_argument);
  };
  MixOperands in = problem(1, 4, 2, 3, 1, 4), bad = in;
  bad.x.pop_back(), refuses(bad);
  bad = in, bad.groups = 3, refuses(bad);
  bad = in, bad.decay.push_back(0), refuses(bad);
  bad = in, bad.rate.push_back(0), refuses(bad);
  bad = in, bad.scale.pop_back(), refuses(bad);
  bad = in, bad.initialState.resize(3), refuses(bad);
  bad = in, bad.segmentIds.resize(3), refuses(bad);
  bad = in, bad.offsets = {0, 3, 2, 4}, refuses(bad);
  bad = in, bad.offsets = {0, 3}, refuses(bad);
  bad = in, bad.slots = {0}, refuses(bad);
  bad = problem(2, 4, 2, 3, 1, 4);
  bad.initialState.resize(2 * 2 * 3 * 4);
  bad.slots = {1, 1}, refuses(bad);
}

TEST(Reference, discretize_skip_and_gate) {
  expectNear(discretize({0, 100, -100, 1}, {0, 1}, true, 0.01, 50),
             {std::log(2.0), 50, 0.01, std::log1p(std::exp(2.0))});
  expectNear(discretize({0.5}, {}, false), {0.5});
  std::vector<double> y = {1, 1, 1, 1};
  addSkip(y, {1, 2, 3, 4}, {10, 100}, 2, 2);
  expectNear(y, {11, 21, 301, 401});
  addSkip(y, {1, 1, 1, 1}, {1, 2, 3, 4}, 2, 2);
  expectNear(y, {12, 23, 304, 405});
  applyGate(y, {0, 0, 0, 1});
  expectNear(y, {0, 0, 0, 405 / (1 + std::exp(-1.0))});
}

TEST(Reference, rms_error_ratio) {
  EXPECT_EQ(rmsErrorRatio({}, {}), 0);
  EXPECT_EQ(rmsErrorRatio({0, 0}, {0, 0}), 0);
  EXPECT_EQ(rmsErrorRatio({1}, {0}), INFINITY);
  EXPECT_EQ(rmsErrorRatio({NAN}, {1}), INFINITY);
  EXPECT_NEAR(rmsErrorRatio({1.1, 1}, {1, 1}), 0.1 / std::sqrt(2), 1e-12);
}

} // namespace
