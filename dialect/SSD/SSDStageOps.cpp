//===- SSDStageOps.cpp - Verifiers of the one-chunk ops ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/OpSupport.h"
#include "dialect/SSD/SSDOps.h"

using namespace mlir;
using namespace ssd;
using namespace ssd::detail;

LogicalResult CumulativeDecayOp::verify() {
  if (failed(expectOuts(*this, getOuts(), {"cumulative decay"})))
    return failure();
  if (!getDecay() && !getRate())
    return emitOpError() << "needs a decay or a rate (CDEC1)";
  ArrayRef<int64_t> out = shapeOf(getOuts()[0]);
  if (failed(expectShape(*this, getDecay(), "decay", {out[1], out[0]},
                         "CDEC2")))
    return failure();
  return expectShape(*this, getRate(), "rate", {out[0]}, "CDEC2");
}

LogicalResult ChunkScoresOp::verify() {
  if (failed(expectOuts(*this, getOuts(), {"scores"})))
    return failure();
  ArrayRef<int64_t> c = shapeOf(getC()), b = shapeOf(getB());
  if (failed(expectShape(*this, getB(), "b", {b[0], c[1]}, "SCORES1")))
    return failure();
  return expectShape(*this, getOuts()[0], "scores", {c[0], b[0]}, "SCORES1");
}

/// Operands that mean nothing without each other.
static LogicalResult expectPair(Operation *op, Value first, Value second,
                                StringRef names, StringRef label) {
  if (static_cast<bool>(first) == static_cast<bool>(second))
    return success();
  return op->emitOpError() << names << " must come together (" << label << ")";
}

LogicalResult ChunkOutputOp::verify() {
  if (failed(expectOuts(*this, getOuts(), {"y"})) ||
      failed(expectPair(*this, getQueryRuns(), getStateRun(),
                        "query_runs and state_run", "OUTPUT2")))
    return failure();
  ArrayRef<int64_t> out = shapeOf(getOuts()[0]);
  int64_t i = out[0], r = out[1], p = out[2], n = shapeOf(getC())[1];
  if (failed(expectShape(*this, getC(), "c", {i, n}, "OUTPUT1")) ||
      failed(expectShape(*this, getState(), "state", {r, n, p}, "OUTPUT1")) ||
      failed(expectShape(*this, getCumulativeDecay(), "cumulative_decay",
                         {r, i}, "OUTPUT1")) ||
      failed(expectShape(*this, getQueryRuns(), "query_runs", {i}, "OUTPUT1")))
    return failure();
  return expectShape(*this, getStateRun(), "state_run", {1}, "OUTPUT1");
}

LogicalResult ChunkScanOp::verify() {
  if (failed(expectOuts(*this, getOuts(), {"y"})) ||
      failed(expectPair(*this, getQueryDecay(), getKeyDecay(),
                        "cumulative decays of queries and keys", "SCAN2")) ||
      failed(expectPair(*this, getQueryRuns(), getKeyRuns(),
                        "runs of queries and keys", "SCAN2")))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX());
  int64_t i = shapeOf(getScores())[0], j = x[0], r = x[1], p = x[2];
  if (failed(expectShape(*this, getScores(), "scores", {i, j}, "SCAN1")) ||
      failed(expectShape(*this, getQueryDecay(), "cumulative_decay of queries",
                         {r, i}, "SCAN1")) ||
      failed(expectShape(*this, getKeyDecay(), "cumulative_decay of keys",
                         {r, j}, "SCAN1")) ||
      failed(expectShape(*this, getScale(), "scale", {r, j}, "SCAN1")) ||
      failed(expectShape(*this, getQueryRuns(), "query_runs", {i}, "SCAN1")) ||
      failed(expectShape(*this, getKeyRuns(), "key_runs", {j}, "SCAN1")))
    return failure();
  return expectShape(*this, getOuts()[0], "y", {i, r, p}, "SCAN1");
}

LogicalResult ChunkStateOp::verify() {
  if (failed(expectOuts(*this, getOuts(), {"state"})) ||
      failed(expectPair(*this, getRuns(), getStateRun(), "runs and state_run",
                        "STATE2")))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX());
  int64_t q = x[0], r = x[1], p = x[2], n = shapeOf(getB())[1];
  if (failed(expectShape(*this, getB(), "b", {q, n}, "STATE1")) ||
      failed(expectShape(*this, getCumulativeDecay(), "cumulative_decay",
                         {r, q}, "STATE1")) ||
      failed(expectShape(*this, getScale(), "scale", {r, q}, "STATE1")) ||
      failed(expectShape(*this, getRuns(), "runs", {q}, "STATE1")) ||
      failed(expectShape(*this, getStateRun(), "state_run", {1}, "STATE1")))
    return failure();
  return expectShape(*this, getOuts()[0], "state", {r, n, p}, "STATE1");
}
