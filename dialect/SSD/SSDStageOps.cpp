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
  ArrayRef<int64_t> c = shapeOf(getC());
  if (failed(expectShape(*this, getB(), "b", c, "SCORES1")))
    return failure();
  return expectShape(*this, getOuts()[0], "scores", {c[0], c[0]}, "SCORES1");
}

static LogicalResult verifyRuns(Operation *op, Value runs, int64_t tokens,
                                StringRef label) {
  if (!ShapedType::isDynamic(tokens))
    tokens += 1;
  return expectShape(op, runs, "runs", {tokens}, label);
}

LogicalResult ChunkScanOp::verify() {
  if (failed(expectOuts(*this, getOuts(), {"y"})))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX());
  int64_t q = x[0], r = x[1], p = x[2], n = shapeOf(getC())[1];
  if (failed(expectShape(*this, getScores(), "scores", {q, q}, "SCAN1")) ||
      failed(expectShape(*this, getC(), "c", {q, n}, "SCAN1")) ||
      failed(expectShape(*this, getState(), "state", {r, p, n}, "SCAN1")) ||
      failed(expectShape(*this, getCumulativeDecay(), "cumulative_decay",
                         {r, q}, "SCAN1")) ||
      failed(expectShape(*this, getScale(), "scale", {q, r}, "SCAN1")) ||
      failed(expectShape(*this, getOuts()[0], "y", x, "SCAN1")))
    return failure();
  return verifyRuns(*this, getRuns(), q, "SCAN2");
}

LogicalResult ChunkStateOp::verify() {
  if (failed(expectOuts(*this, getOuts(), {"state"})))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX());
  int64_t q = x[0], r = x[1], p = x[2], n = shapeOf(getB())[1];
  if (failed(expectShape(*this, getB(), "b", {q, n}, "STATE1")) ||
      failed(expectShape(*this, getCumulativeDecay(), "cumulative_decay",
                         {r, q}, "STATE1")) ||
      failed(expectShape(*this, getScale(), "scale", {q, r}, "STATE1")) ||
      failed(
          expectShape(*this, getOuts()[0], "state", {r, p, n}, "STATE1")))
    return failure();
  return verifyRuns(*this, getRuns(), q, "STATE2");
}
