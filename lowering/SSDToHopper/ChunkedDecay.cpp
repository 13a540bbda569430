//===- ChunkedDecay.cpp - Chunked kernel: decays ----------------*- C++ -*-===//
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
  return {log, shape.hasLowDecays() ? k.f(0) : Value()};
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
  if (shape.isSplit())
    k.store(ValueRange(toEnd), tables.toEnd, at);
  else
    k.create<StoreHiLoOp>(toEnd[0], toEnd[1], tables.toEnd, shape.element);
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
