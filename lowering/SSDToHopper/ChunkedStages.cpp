//===- ChunkedStages.cpp - The chunked kernel: decay, scores ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/ChunkedKernel.h"
#include "lowering/SSDToHopper/KernelMath.h"

using namespace mlir;
using namespace ssd;
using namespace ssd::hopper;

//===----------------------------------------------------------------------===//
// cumulative_decay
//===----------------------------------------------------------------------===//

// One warp a head. Lane l owns tokens 2l and 2l+1 of the chunk. Raw values are
// loaded one chunk ahead; past the end of the sequence they are a repeated last
// token's, and weigh nothing.

KernelBuilder::Values ChunkedKernel::loadRawDecay(const ChunkedUnit &unit,
                                                  Value head, Value chunk) {
  Value index = k.add(unit.firstHead, head);
  Value last = k.add(length, -1);
  Value first = k.add(k.mul(chunk, 64), k.mul(k.create<LaneOp>(), 2));
  Values raw;
  for (const Factor *factor : {&p.decay, &p.scale})
    for (int32_t i = 0; *factor && i < 2; ++i) {
      Value token = k.min(k.add(first, i), last);
      raw.push_back(
          factor->raw.load(k, Position{unit.batch, token, index, Value()}));
    }
  return raw;
}

void ChunkedKernel::cumulativeDecay(ValueRange raw, Value chunk,
                                    const DecayTables &tables) {
  Value lane = k.create<LaneOp>();
  Value first = k.add(k.mul(chunk, 64), k.mul(lane, 2));
  Value zero = k.f(0), log[2], scale[2];
  for (int32_t i = 0; i < 2; ++i) {
    Value inside = k.less(k.add(first, i), length), weight = k.f(1), decay;
    if (p.decay)
      decay = p.decay.discretize(k, raw[i], decayBias);
    if (mixer.scaleIsDecay)
      weight = decay;
    else if (p.scale)
      weight = p.scale.discretize(k, raw[raw.size() - 2 + i], scaleBias);
    log[i] = k.select(inside, decay ? k.fmul(decay, rate) : rate, zero);
    scale[i] = k.select(inside, weight, zero);
  }

  // Inclusive sums over lanes, then over the two tokens of a lane.
  Value sum = k.fadd(log[0], log[1]);
  for (int32_t step = 1; step < 32; step *= 2) {
    Value below = k.shuffle("up", sum, k.i(step));
    sum = k.select(k.less(lane, k.i(step)), sum, k.fadd(sum, below));
  }
  Value before =
      k.select(k.equal(lane, k.i(0)), zero, k.shuffle("up", sum, k.i(1)));
  Value cumulative[2] = {k.fadd(before, log[0]), sum};
  Value total = k.shuffle("from", sum, k.i(31));
  Value blockEnd = k.shuffle("from", sum, k.bor(lane, 7));

  Value at = k.mul(lane, 2), fromStart[2], toBlockEnd[2], toEnd[2];
  for (int32_t i = 0; i < 2; ++i)
    toEnd[i] = k.fmul(scale[i], k.exp2(k.fsub(total, cumulative[i])));
  k.create<StoreHiLoOp>(toEnd[0], toEnd[1], tables.toEnd, shape.element);
  k.elect(Agent::warp, [&]() { k.store(k.exp2(total), tables.total, k.i(0)); });
  if (!shape.hasOutputs)
    return;

  for (int32_t i = 0; i < 2; ++i) {
    fromStart[i] = k.exp2(cumulative[i]);
    toBlockEnd[i] = k.fmul(scale[i], k.exp2(k.fsub(blockEnd, cumulative[i])));
  }
  k.store(ValueRange(cumulative), tables.cumulative, at);
  k.store(ValueRange(fromStart), tables.fromStart, at);
  k.store(ValueRange(toBlockEnd), tables.toBlockEnd, at);
  k.store(ValueRange(scale), tables.scale, at);
}

void ChunkedKernel::cumulativeDecayRole(Value head) {
  Value ring = k.slice(ringTables, head);
  Value firstCursor = k.cursor(shape.tables);
  forEachChunk(
      firstCursor,
      [&](const ChunkedUnit &unit, ValueRange v) -> Values {
        Value index = k.add(unit.firstHead, head);
        rate = k.f(p.decay || p.rate ? kLog2E : 0);
        if (p.rate)
          rate = k.fmul(rate, p.rate.loadF32(k, index));
        decayBias = p.decay.loadBias(k, index);
        scaleBias = p.scale.loadBias(k, index);
        Values inner(v);
        llvm::append_range(inner, loadRawDecay(unit, head, unit.firstChunk));
        return inner;
      },
      [&](const ChunkedUnit &unit, Value chunk, ValueRange v) -> Values {
        Values inner = {k.advance(v[0])};
        llvm::append_range(inner, loadRawDecay(unit, head, k.add(chunk, 1)));
        k.create<AcquireOp>(ring, v[0]);
        cumulativeDecay(v.drop_front(), chunk, tablesOf(head, v[0]));
        k.create<CommitOp>(ring, v[0], Agent::warp);
        return inner;
      },
      [&](const ChunkedUnit &, ValueRange v) -> Values { return {v[0]}; });
}

//===----------------------------------------------------------------------===//
// chunk_scores
//===----------------------------------------------------------------------===//

Value ChunkedKernel::chunkScores(Value c, Value b) {
  return k.wait(0, k.wgmma(c, b));
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
/// the diagonal, where the exponent may be positive.
Value ChunkedKernel::diagonalBlock(Value block, Value rowLog, Value columnLog,
                                   Value scale, int32_t warp) {
  return k.map(
      k.matrix(16), {block, rowLog, columnLog, scale}, [&](ValueRange v) {
        auto position = k.create<PositionOp>(k.i32(), k.i32());
        Value row = k.add(position.getRow(), -16 * warp);
        Value visible =
            k.compare(arith::CmpIPredicate::sge, row, position.getColumn());
        Value decay = k.exp2(k.fsub(v[1], v[2]));
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
  // Loads first: nothing passes a store.
  Value rowLog = k.loadVector(tables.cumulative, k.rows());
  Value columnLog = blockOf(tables.cumulative, warp);
  Value scale = blockOf(tables.scale, warp);
  Value anchor = warp ? k.load(tables.cumulative, k.i(16 * warp - 1)) : Value();
  Values ends, columns, blocks;
  for (int32_t i = 0; i < warp; ++i) {
    ends.push_back(i + 1 == warp ? anchor
                                 : k.load(tables.cumulative, k.i(16 * i + 15)));
    columns.push_back(blockOf(tables.toBlockEnd, i));
  }

  Value rowFactor;
  if (warp)
    rowFactor = k.map(k.rows(), rowLog, [&](ValueRange v) {
      return k.exp2(k.fsub(v[0], anchor));
    });
  for (int32_t i = 0; i < warp; ++i) {
    Value block = k.create<BlockOfOp>(k.matrix(16), scores, 16 * i);
    Value rows = rowFactor;
    if (i + 1 < warp) { // else a = e
      Value between = k.exp2(k.fsub(anchor, ends[i]));
      rows = k.map(k.rows(), rowFactor,
                   [&](ValueRange v) { return k.fmul(v[0], between); });
    }
    blocks.push_back(belowDiagonalBlock(block, rows, columns[i]));
  }
  Value diagonal = k.create<BlockOfOp>(k.matrix(16), scores, 16 * warp);
  blocks.push_back(diagonalBlock(diagonal, rowLog, columnLog, scale, warp));
  for (auto [i, block] : llvm::enumerate(blocks)) {
    Value rounded = k.create<TruncateOp>(packed(16), block);
    k.create<StoreFragmentOp>(rounded, target, 16 * i, /*transpose=*/false);
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
