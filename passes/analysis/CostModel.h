//===- analysis/CostModel.h - What a form costs on a target ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_PASSES_ANALYSIS_COSTMODEL_H
#define SSD_PASSES_ANALYSIS_COSTMODEL_H

#include <cstdint>
#include <string>
#include <vector>

namespace ssd {

/// A mixer's sizes. Plain numbers: this file knows no IR.
struct MixerShape {
  int64_t batch = 1, length = 1, heads = 1, groups = 1;
  int64_t headDim = 1, stateDim = 1;
  /// Bytes of an element of x, b, c and y, and of the state.
  int64_t activationBytes = 4, stateBytes = 4;
  /// A decay per state column, which only the recurrent form computes.
  bool diagonalDecay = false;
  /// How many there are of `batch`. It may be known at run time only, and
  /// counts as one sequence then, or be none of the choice's business: one
  /// sequence of many, and none is split.
  enum class Batch { known, dynamic, any } batchIs = Batch::known;
};

/// What the model knows of a CPU. The defaults were fitted to the times of all
/// forms over the grid of `ssd-bench forms` on one core of a Zen 4 server with
/// AVX-512.
struct CPUNumbers {
  int64_t workers = 1;
  /// Rate of a large f32 matrix product on one worker, FLOP/s.
  double matmulRate = 98e9;
  /// Rate of the state update and read-out of one token, FLOP/s: the state
  /// stays in the first cache.
  double updateRate = 47e9;
  /// Masked exponentials of scores, elements/s.
  double scoreRate = 1.6e9;
  /// Elements/s of transposing a state between its place and scratch.
  double transposeRate = 10e9;
  /// Bytes/s one worker streams from memory.
  double bandwidth = 18e9;
  /// Bytes of a mixer's operands that stay near the cores.
  double cacheBytes = 8e6;
  /// Seconds for a parallel loop, a token, a row of the state per token (its
  /// sum over lanes), a chunk of one head, whatever its size, and a row of the
  /// state per chunk where operands exceed the cache and push the state out, of
  /// which there are at least so many.
  double loopTime = 4e-6, tokenTime = 10e-9, rowTime = 1.05e-9,
         chunkTime = 160e-9, stateRowTime = 7e-9, leastStateRows = 48;
  /// More for a row of the state per token where the operands of one sequence
  /// exceed the cache: tasks of other heads find nothing of their lines there.
  double streamedRowTime = 2.5e-9;
  /// Queries of a block; see DecompositionOptions.
  int64_t block = 32;
};

enum class FormKind { recurrent, chunked, quadratic };

struct Form {
  FormKind kind = FormKind::recurrent;
  // Of the chunked form. With `tasks`, `parts` are those of a single sequence.
  int64_t chunk = 0, parts = 1, tasks = 0;
  bool operator==(const Form &other) const {
    return kind == other.kind && chunk == other.chunk && parts == other.parts &&
           tasks == other.tasks;
  }
};

std::string toString(const Form &form);

struct Cost {
  double seconds = 0;
  double flops = 0;     // all operations that the form performs
  double bytes = 0;     // moved between memory and cores, each operand once
  double memory = 0;    // scratch, bytes
  int64_t launches = 0; // parallel loops
};

/// The parts to cut each sequence into for so many tasks, at least one: they
/// keep workers busy that have no head of their own, and more would take turns.
int64_t partsForTasks(int64_t tasks, int64_t batch, int64_t heads);

/// The forms worth comparing for this shape.
std::vector<Form> candidateForms(const MixerShape &shape,
                                 const CPUNumbers &target);

/// Predicted cost of computing `shape` by `form`.
Cost estimateCost(const MixerShape &shape, const Form &form,
                  const CPUNumbers &target);

/// The candidate that is predicted to be fastest.
Form chooseForm(const MixerShape &shape, const CPUNumbers &target);

/// The best form for lengths up to `upTo`, for the last range unbounded.
struct LengthRange {
  int64_t upTo;
  Form form;
};
/// Ranges of lengths for a mixer whose length is known at run time only. A
/// range is split off only where it gains at least a tenth somewhere.
std::vector<LengthRange> chooseForLengths(MixerShape shape,
                                          const CPUNumbers &target);

} // namespace ssd

#endif // SSD_PASSES_ANALYSIS_COSTMODEL_H
