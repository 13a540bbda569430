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
  Value first = k.add(k.mul(chunk, 64), k.mul(k.create<LaneOp>(), 2));
  Values raw;
  for (const Factor *factor : {&p.decay, &p.scale})
    for (int32_t i = 0; *factor && i < 2; ++i) {
      Value token = someTokenOf(unit, k.add(first, i));
      raw.push_back(
          factor->raw.load(k, Position{unit.batch, token, index, Value()}));
    }
  return raw;
}

/// Where in the chunk the segments of a lane's tokens start, −1 where in an
/// earlier chunk.
KernelBuilder::Values ChunkedKernel::segmentStarts(const ChunkedUnit &unit,
                                                   Value chunk) {
  Value lane = k.create<LaneOp>(), at = k.mul(lane, 2), none = k.i(-1);
  Value token = k.add(k.mul(chunk, 64), at), starts[2];
  // With a leading id, which is the initial state's, that of token t is the one
  // after.
  int32_t shift = mixer.leadingSegment;
  auto load = [&](Value index) {
    return p.segmentIds.load(k, Position{unit.batch, index, Value(), Value()});
  };
  auto indexOf = [&](Value i) { return k.add(someTokenOf(unit, i), shift); };
  Value first = indexOf(k.max(k.add(token, -1), k.i(0)));
  if (mixer.leadingSegment)
    first = k.select(k.equal(token, k.i(0)), k.i(0), first);
  Value before = load(first);
  for (int32_t i = 0; i < 2; ++i) {
    Value id = load(indexOf(k.add(token, i)));
    Value changes = k.compare(arith::CmpIPredicate::ne, before, id);
    changes = k.both(changes, k.less(k.add(token, i), unit.length));
    starts[i] = k.select(changes, k.add(at, i), i ? starts[0] : none);
    before = id;
  }
  Value latest = starts[1];
  for (int32_t step = 1; step < 32; step *= 2)
    latest = k.max(latest, k.select(k.less(lane, k.i(step)), none,
                                    k.shuffle("up", latest, k.i(step))));
  Value below =
      k.select(k.equal(lane, k.i(0)), none, k.shuffle("up", latest, k.i(1)));
  return {k.max(starts[0], below), latest};
}

LogDecay ChunkedKernel::logDecay(Value log) {
  return {log, shape.terms > 1 ? k.f(0) : Value()};
}

LogDecay ChunkedKernel::select(Value condition, LogDecay a, LogDecay b) {
  return {k.select(condition, a.high, b.high),
          a.low ? k.select(condition, a.low, b.low) : Value()};
}

LogDecay ChunkedKernel::shuffle(StringRef kind, LogDecay value, Value lane) {
  return {k.shuffle(kind, value.high, lane),
          value.low ? k.shuffle(kind, value.low, lane) : Value()};
}

/// What rounding takes from a sum of two is a float (Knuth's TwoSum): nothing
/// of it may be contracted.
LogDecay ChunkedKernel::sum(LogDecay a, LogDecay b) {
  if (!a.low)
    return {k.fadd(a.high, b.high), Value()};
  auto add = [&](Value a, Value b) -> Value {
    return k.create<arith::AddFOp>(a, b);
  };
  auto sub = [&](Value a, Value b) -> Value {
    return k.create<arith::SubFOp>(a, b);
  };
  Value high = add(a.high, b.high), part = sub(high, a.high);
  Value rest = add(sub(a.high, sub(high, part)), sub(b.high, part));
  return {high, add(rest, add(a.low, b.low))};
}

/// a − b as f32.
Value ChunkedKernel::difference(LogDecay a, LogDecay b) {
  Value high = k.fsub(a.high, b.high);
  return a.low ? k.fadd(high, k.fsub(a.low, b.low)) : high;
}

void ChunkedKernel::cumulativeDecay(const ChunkedUnit &unit, ValueRange raw,
                                    Value chunk, const DecayTables &tables,
                                    bool isAhead) {
  Value lane = k.create<LaneOp>(), at = k.mul(lane, 2);
  Value first = k.add(k.mul(chunk, 64), at);
  Value zero = k.f(0), scale[2];
  LogDecay none = logDecay(zero), log[2];
  Values starts;
  if (p.segmentIds)
    starts = segmentStarts(unit, chunk);
  for (int32_t i = 0; i < 2; ++i) {
    Value inside = k.less(k.add(first, i), unit.length), weight = k.f(1), decay;
    if (p.decay)
      decay = p.decay.discretize(k, raw[i], decayBias);
    if (mixer.scaleIsDecay)
      weight = decay;
    else if (p.scale)
      weight = p.scale.discretize(k, raw[raw.size() - 2 + i], scaleBias);
    log[i] =
        logDecay(k.select(inside, decay ? k.fmul(decay, rate) : rate, zero));
    scale[i] = k.select(inside, weight, zero);
  }
  /// `value`, or zero if `start` is after a token: of another segment.
  auto within = [&](Value start, Value token, Value value) {
    return start ? k.select(k.less(token, start), zero, value) : value;
  };
  auto logWithin = [&](Value start, Value token, LogDecay value) {
    return start ? select(k.less(token, start), none, value) : value;
  };
  auto startAt = [&](Value lane) {
    return starts.empty() ? Value() : k.shuffle("from", starts[1], lane);
  };

  // Inclusive sums over lanes, from the segment's start, then over the two
  // tokens of a lane.
  Value start = starts.empty() ? Value() : starts[1];
  LogDecay inclusive = sum(logWithin(start, at, log[0]), log[1]);
  for (int32_t step = 1; step < 32; step *= 2) {
    LogDecay below = logWithin(start, k.add(at, 1 - 2 * step),
                               shuffle("up", inclusive, k.i(step)));
    inclusive =
        select(k.less(lane, k.i(step)), inclusive, sum(inclusive, below));
  }
  LogDecay before =
      select(k.equal(lane, k.i(0)), none, shuffle("up", inclusive, k.i(1)));
  if (start)
    before = logWithin(starts[0], k.add(at, -1), before);
  LogDecay cumulative[2] = {sum(before, log[0]), inclusive};
  LogDecay total = shuffle("from", inclusive, k.i(31));
  LogDecay blockEnd = shuffle("from", inclusive, k.bor(lane, 7));
  Value startAtEnd = startAt(k.i(31)),
        startAtBlockEnd = startAt(k.bor(lane, 7));

  Value fromStart[2], toBlockEnd[2], toEnd[2];
  for (int32_t i = 0; i < 2; ++i)
    toEnd[i] =
        within(startAtEnd, k.add(at, i),
               k.fmul(scale[i], k.exp2(difference(total, cumulative[i]))));
  if (shape.terms == 1)
    k.create<StoreHiLoOp>(toEnd[0], toEnd[1], tables.toEnd, shape.element);
  else
    k.store(ValueRange(toEnd), tables.toEnd, at);
  k.elect(Agent::warp, [&]() {
    k.store(within(startAtEnd, k.i(-1), k.exp2(total.high)), tables.total,
            k.i(0));
  });
  if (isAhead) // chunk_state needs no more
    return;

  for (int32_t i = 0; i < 2; ++i) {
    fromStart[i] = within(starts.empty() ? Value() : starts[i], k.i(-1),
                          k.exp2(cumulative[i].high));
    toBlockEnd[i] =
        within(startAtBlockEnd, k.add(at, i),
               k.fmul(scale[i], k.exp2(difference(blockEnd, cumulative[i]))));
  }
  k.store({cumulative[0].high, cumulative[1].high}, tables.cumulative.high, at);
  if (tables.cumulative.low)
    k.store({cumulative[0].low, cumulative[1].low}, tables.cumulative.low, at);
  k.store(ValueRange(fromStart), tables.fromStart, at);
  k.store(ValueRange(toBlockEnd), tables.toBlockEnd, at);
  k.store(ValueRange(scale), tables.scale, at);
  if (start)
    k.store({k.create<arith::SIToFPOp>(k.f32(), starts[0]),
             k.create<arith::SIToFPOp>(k.f32(), starts[1])},
            tables.starts, at);
}

void ChunkedKernel::cumulativeDecayRole(Value head) {
  Value ring = k.slice(ringTables, head);
  auto begin = [&](const ChunkedUnit &unit, ValueRange v) -> Values {
    Value index = k.add(unit.firstHead, head);
    rate = k.f(p.decay || p.rate ? kLog2E : 0);
    if (p.rate)
      rate = k.fmul(rate, p.rate.loadF32(k, index));
    decayBias = p.decay.loadBias(k, index);
    scaleBias = p.scale.loadBias(k, index);
    Values inner(v);
    llvm::append_range(inner, loadRawDecay(unit, head, unit.firstChunk));
    return inner;
  };
  auto fill = [&](bool isAhead) {
    return [&, isAhead](const ChunkedUnit &unit, Value chunk,
                        ValueRange v) -> Values {
      Values inner = {k.advance(v[0])};
      llvm::append_range(inner, loadRawDecay(unit, head, k.add(chunk, 1)));
      k.create<AcquireOp>(ring, v[0]);
      cumulativeDecay(unit, v.drop_front(), chunk, tablesOf(head, v[0]),
                      isAhead);
      k.create<CommitOp>(ring, v[0], Agent::warp);
      return inner;
    };
  };
  auto end = [&](const ChunkedUnit &, ValueRange v) -> Values {
    return {v[0]};
  };
  auto ahead = fill(/*isAhead=*/true), along = fill(/*isAhead=*/false);
  Values cursor =
      forEachChunkAhead(k.cursor(shape.stages.tables), begin, ahead, end);
  forEachChunk(cursor, begin, along, end);
}

//===----------------------------------------------------------------------===//
// chunk_scores
//===----------------------------------------------------------------------===//

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
