//===- Reference.h - The float64 recurrence ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_REFERENCE_REFERENCE_H
#define SSD_RUNTIME_REFERENCE_REFERENCE_H

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace ssd::reference {

/// Operands of one mixer, dense and C-contiguous. An empty vector is an absent
/// operand. Sequences are the B rows of the batch or, with `offsets`, the
/// packed pieces of the only row.
///
///   S_t = exp(decay_t * rate) S_{t-1} + s_t x_t b_t^T        y_t = S_t c_t
struct MixOperands {
  int64_t batch = 0, length = 0, heads = 0, headDim = 0;
  int64_t groups = 0, stateDim = 0;

  std::vector<double> x;     // [B, L, H, P]
  std::vector<double> b, c;  // [B, L, G, N]
  std::vector<double> decay; // [B, L, H] or [B, L, H, N]
  std::vector<double> rate;  // [H] or [H, N]
  std::vector<double> scale; // [B, L, H]
  /// [sequences, H, P, N], or with slots [pool, H, P, N]; absent: zero.
  std::vector<double> initialState;
  /// [B, L]: the state resets to zero where the id changes. The initial state
  /// belongs to the first segment in the order of processing.
  std::vector<int64_t> segmentIds;
  /// segmentIds is [B, 1 + L]: a column in front holds the id of the segment
  /// that the initial state belongs to.
  bool leadingSegment = false;
  /// [sequences + 1], from 0 to L, not decreasing; the batch is then 1.
  std::vector<int64_t> offsets;
  /// [sequences]: rows of the pool; a negative one starts from zero and keeps
  /// nothing.
  std::vector<int64_t> slots;
  /// Walk every sequence from its last token to its first.
  bool reverse = false;
  /// K > 0: also return the states after every K processed tokens.
  int64_t checkpointEvery = 0;

  int64_t sequences() const {
    return offsets.empty() ? batch : int64_t(offsets.size()) - 1;
  }
};

struct MixResults {
  std::vector<double> y; // [B, L, H, P]
  /// The shape of initialState (of the pool, where slots are given): rows
  /// that no sequence owns keep their initial value.
  std::vector<double> state;
  /// [sum over sequences of floor(length / K), H, P, N], in order.
  std::vector<double> checkpoints;
};

/// Throws std::invalid_argument, naming the operand, if sizes contradict each
/// other.
MixResults mix(const MixOperands &operands);

/// clip(softplus(raw + bias), minimum, maximum) for raw [..., H], bias [H] or
/// absent; `applySoftplus` false leaves softplus out.
std::vector<double>
discretize(const std::vector<double> &raw, const std::vector<double> &bias,
           bool applySoftplus, double minimum = 0,
           double maximum = std::numeric_limits<double>::infinity());

/// y += skip * x for x, y [..., H, P], skip [H] or [H, P].
void addSkip(std::vector<double> &y, const std::vector<double> &x,
             const std::vector<double> &skip, int64_t heads, int64_t headDim);

/// y *= silu(z), elementwise.
void applyGate(std::vector<double> &y, const std::vector<double> &z);

/// rms(out - ref) / rms(ref); infinity if `out` is not finite where `ref` is,
/// or if only `ref` is zero.
double rmsErrorRatio(const std::vector<double> &out,
                     const std::vector<double> &ref);

} // namespace ssd::reference

#endif // SSD_RUNTIME_REFERENCE_REFERENCE_H
