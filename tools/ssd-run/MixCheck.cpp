//===- MixCheck.cpp - A mixer against the float64 recurrence ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/ssd-run/MixCheck.h"
#include "runtime/src/Type.h"

#include <cstdio>
#include <cstring>
#include <optional>

using namespace ssd;
using namespace ssd::run;

namespace {

std::vector<double> doublesOf(CallArguments &call, const char *name) {
  Array *array = call.find(name);
  return array ? array->toDoubles() : std::vector<double>();
}

std::vector<int64_t> integersOf(CallArguments &call, const char *name) {
  Array *array = call.find(name);
  return array ? array->toIntegers() : std::vector<int64_t>();
}

const Array &require(CallArguments &call, const char *name, size_t rank) {
  Array *array = call.find(name);
  if (!array || array->shape.size() != rank)
    throw std::runtime_error("--check=ssd-mix needs an argument '" +
                             std::string(name) + "' of rank " +
                             std::to_string(rank) + ".");
  return *array;
}

/// A state by one of these names, among the call's tensors and the states.
std::optional<Array> findState(CallArguments &call, const ssd_state *state,
                               std::initializer_list<const char *> names) {
  for (const char *name : names) {
    if (Array *array = call.find(name))
      return *array;
    for (int32_t i = 0; i < ssd_state_count(state); ++i)
      if (std::strcmp(ssd_state_name(state, i), name) == 0)
        return copyOf(*ssd_state_tensor(state, i));
  }
  return std::nullopt;
}

} // namespace

MixCheck::MixCheck(const Options &options, CallArguments &call,
                   const ssd_state *state)
    : options(options) {
  readOperands(call, state);
  DLDataType type = call.find("x")->type;
  tolerance = options.tolerance.value_or(sameType(type, kF32) ? 1e-5 : 5e-3);
}

void MixCheck::readOperands(CallArguments &call, const ssd_state *state) {
  const Array &x = require(call, "x", 4), &b = require(call, "b", 4);
  require(call, "c", 4);
  require(call, "y", 4);
  operands.batch = x.shape[0];
  operands.length = x.shape[1];
  operands.heads = x.shape[2];
  operands.headDim = x.shape[3];
  operands.groups = b.shape[2];
  operands.stateDim = b.shape[3];
  operands.x = x.toDoubles();
  operands.b = b.toDoubles();
  operands.c = doublesOf(call, "c");
  operands.decay = doublesOf(call, "decay");
  operands.rate = doublesOf(call, "rate");
  operands.scale = doublesOf(call, "scale");
  operands.segmentIds = integersOf(call, "segment_ids");
  operands.offsets = integersOf(call, "offsets");
  operands.slots = integersOf(call, "slots");
  operands.reverse = options.reverse;
  operands.checkpointEvery = options.checkpointEvery;
  // Ids that are one longer than the tokens have the leading segment's.
  if (Array *ids = call.find("segment_ids"))
    operands.leadingSegment =
        ids->shape.size() == 2 && ids->shape[1] == x.shape[1] + 1;
  if (std::optional<Array> initial =
          findState(call, state, {"state0", "state"}))
    operands.initialState = initial->toDoubles();
}

bool MixCheck::report(const char *name, const Array &found,
                      const std::vector<double> &expected) const {
  std::vector<double> values = found.toDoubles();
  if (values.size() != expected.size())
    throw std::runtime_error("The result '" + std::string(name) + "' has " +
                             std::to_string(values.size()) +
                             " elements; the reference has " +
                             std::to_string(expected.size()) + ".");
  double ratio = reference::rmsErrorRatio(values, expected);
  bool passed = ratio <= tolerance;
  std::printf("check %s: RMS error ratio %.3g, tolerance %.3g: %s\n", name,
              ratio, tolerance, passed ? "passed" : "FAILED");
  return passed;
}

bool MixCheck::compare(CallArguments &call, const ssd_state *state) const {
  reference::MixResults expected = reference::mix(operands);
  bool passed = report("y", *call.find("y"), expected.y);
  // An input called state0 is not written: the final state is elsewhere.
  if (std::optional<Array> final = findState(call, state, {"state"}))
    passed &= report("state", *final, expected.state);
  if (Array *checkpoints = call.find("checkpoints"))
    passed &= report("checkpoints", *checkpoints, expected.checkpoints);
  return passed;
}
