//===- ChunkedScores.cpp - Chunked kernel: scores ---------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/ChunkedKernel.h"

using namespace mlir;
using namespace ssd;
using namespace ssd::hopper;

Value ChunkedKernel::chunkScores(Value c, Value b) {
  Value scores;
  for (int32_t part = 0; part < shape.columnParts; ++part)
    scores =
        product(termsOf(k.slice(c, k.i(part))), k.slice(b, k.i(part)), scores);
  return k.wait(0, scores);
}

/// The decay of a block below the diagonal is factored at the row block's start
/// a and the column block's end e, 2^(L_i − L_a) · 2^(L_a − L_e) · 2^(L_e −
/// L_j): no exponential an element, and no positive exponent where decays are
/// not.
Value ChunkedKernel::belowDiagonalBlock(Value block, Value rows,
                                        Value columns) {
  return k.map(k.matrix(16), {block, rows, columns},
               [&](ValueRange v) { return k.fmul(k.fmul(v[0], v[1]), v[2]); });
}

/// The diagonal block: an exponential an element, and zero by selection above
/// the diagonal, where the exponent may be positive, and before the row's
/// segment.
Value ChunkedKernel::diagonalBlock(Value block, LogDecay rowLog,
                                   LogDecay columnLog, Value scale,
                                   Value rowStart, int32_t warp) {
  Values inputs = {block, rowLog.high, columnLog.high, scale};
  for (Value more : {rowLog.low, columnLog.low, rowStart})
    if (more)
      inputs.push_back(more);
  return k.map(k.matrix(16), inputs, [&](ValueRange v) {
    bool hasLow(rowLog.low);
    LogDecay row = {v[1], hasLow ? v[4] : Value()},
             column = {v[2], hasLow ? v[5] : Value()};
    auto position = k.create<PositionOp>(k.i32(), k.i32());
    Value visible =
        k.compare(arith::CmpIPredicate::sge,
                  k.add(position.getRow(), -16 * warp), position.getColumn());
    if (rowStart) {
      Value token = k.create<arith::SIToFPOp>(
          k.f32(), k.add(position.getColumn(), 16 * warp));
      visible =
          k.both(visible, k.create<arith::CmpFOp>(arith::CmpFPredicate::OGE,
                                                  token, v.back()));
    }
    Value decay = k.exp2(difference(row, column));
    return k.select(visible, k.fmul(v[0], k.fmul(decay, v[3])), k.f(0));
  });
}

/// One head's scores in the rows of one warp, whose index is static so that all
/// its blocks are one piece of straight code: the last warp has four of them
/// and is what the kernel waits for.
void ChunkedKernel::decayScoresOfWarp(Value scores, const DecayTables &tables,
                                      int32_t warp, Value target) {
  auto blockOf = [&](Value table, int32_t i) {
    return k.loadVector(table, k.columns(16), 16 * i);
  };
  auto logOf = [&](function_ref<Value(Value)> load) -> LogDecay {
    const LogDecay &log = tables.cumulative;
    return {load(log.high), log.low ? load(log.low) : Value()};
  };
  auto logAt = [&](int32_t token) {
    return logOf([&](Value table) { return k.load(table, k.i(token)); });
  };
  // Loads first: nothing passes a store.
  LogDecay rowLog =
      logOf([&](Value table) { return k.loadVector(table, k.rows()); });
  LogDecay columnLog = logOf([&](Value table) { return blockOf(table, warp); });
  Value scale = blockOf(tables.scale, warp);
  Value rowStart =
      tables.starts ? k.loadVector(tables.starts, k.rows()) : Value();
  LogDecay anchor;
  Value anchorStart;
  if (warp)
    anchor = logAt(16 * warp - 1);
  if (warp && tables.starts)
    anchorStart = k.load(tables.starts, k.i(16 * warp - 1));
  SmallVector<LogDecay> ends;
  Values columns, blocks;
  for (int32_t i = 0; i < warp; ++i) {
    ends.push_back(i + 1 == warp ? anchor : logAt(16 * i + 15));
    columns.push_back(blockOf(tables.toBlockEnd, i));
  }
  /// `factor`, or zero if the segment starts after a token.
  auto within = [&](Value start, int32_t token, Value factor) {
    return k.select(
        k.create<arith::CmpFOp>(arith::CmpFPredicate::OLE, start, k.f(token)),
        factor, k.f(0));
  };

  Value rowFactor;
  if (warp) {
    Values inputs = {rowLog.high};
    for (Value more : {rowLog.low, rowStart})
      if (more)
        inputs.push_back(more);
    rowFactor = k.map(k.rows(), inputs, [&](ValueRange v) {
      LogDecay row = {v[0], rowLog.low ? v[1] : Value()};
      Value factor = k.exp2(difference(row, anchor));
      return rowStart ? within(v.back(), 16 * warp - 1, factor) : factor;
    });
  }
  for (int32_t i = 0; i < warp; ++i) {
    Value block = k.create<BlockOfOp>(k.matrix(16), scores, 16 * i);
    Value rows = rowFactor;
    if (i + 1 < warp) { // else a = e
      Value between = k.exp2(difference(anchor, ends[i]));
      if (anchorStart)
        between = within(anchorStart, 16 * i + 15, between);
      rows = k.map(k.rows(), rowFactor,
                   [&](ValueRange v) { return k.fmul(v[0], between); });
    }
    blocks.push_back(belowDiagonalBlock(block, rows, columns[i]));
  }
  Value diagonal = k.create<BlockOfOp>(k.matrix(16), scores, 16 * warp);
  blocks.push_back(
      diagonalBlock(diagonal, rowLog, columnLog, scale, rowStart, warp));
  for (auto [i, block] : llvm::enumerate(blocks)) {
    Values terms = k.split(block, shape.element, shape.terms);
    for (auto [term, tile] : llvm::zip(terms, termsOf(target)))
      k.create<StoreFragmentOp>(term, tile, 16 * i, /*transpose=*/false);
  }
}

/// scores_ij · 2^(L_i − L_j) · s_j for j ≤ i, rounded into each head's target.
void ChunkedKernel::decayScores(Value scores, ArrayRef<DecayTables> tables,
                                Value warp, ArrayRef<Value> targets) {
  for (int32_t w = 3; w >= 0; --w)
    k.when(k.equal(warp, k.i(w)), [&]() {
      for (size_t h = 0; h < tables.size(); ++h)
        decayScoresOfWarp(scores, tables[h], w, targets[h]);
    });
}
