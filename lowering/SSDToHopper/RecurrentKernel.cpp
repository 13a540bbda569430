//===- RecurrentKernel.cpp - Token by token, whatever the unit --*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/KernelMath.h"
#include "lowering/SSDToHopper/KernelOperands.h"
#include "lowering/SSDToHopper/Kernels.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ssd;
using namespace ssd::hopper;

namespace {

/// How threads share the states. A tile is a few rows of one head; the lanes
/// that own it have every `lanes`-th column each, from the first on.
struct RecurrentShape {
  explicit RecurrentShape(const MixerUnit &unit) {
    auto columnsOf = [&](int64_t lanes) {
      return llvm::divideCeil(unit.stateDim, lanes);
    };
    while (lanes < 32 && columnsOf(lanes) > 4)
      lanes *= 2;
    columns = columnsOf(lanes);
    // A row's sum ends in lanes of its own.
    rows = std::min<int64_t>(columns > 16 ? 1 : 4, lanes);
    while (rows > unit.headDim)
      rows /= 2;
    tilesPerHead = llvm::divideCeil(unit.headDim, rows);
    tilesPerWarp = 32 / lanes;
    warpsPerSequence =
        llvm::divideCeil(unit.heads * tilesPerHead, tilesPerWarp);
  }

  static constexpr int32_t kWarps = 4;
  /// Above, what a lane holds spills.
  static constexpr int64_t kMaxStateDim = 1024;
  /// Tokens that are on their way while one is computed.
  static constexpr int64_t kAhead = 2;

  int64_t lanes = 1, columns, rows, tilesPerHead, tilesPerWarp,
          warpsPerSequence;
};

/// The kernel's parameters.
struct RecurrentParameters : KernelOperands {
  RecurrentParameters(HostBuilder &host, KernelArguments &arguments,
                      const MixerUnit &unit, Value warpCount)
      : KernelOperands(arguments, unit), warps(arguments.integer(warpCount)) {
    if (!unit.isStep)
      length = arguments.size(unit.x.memref, UnitBuffer::token);
    if (unit.slots)
      poolRows = addPoolRows(arguments, unit);
  }

  unsigned warps, length = 0, poolRows = 0;
};

class RecurrentKernel {
public:
  RecurrentKernel(KernelBuilder &k, const MixerUnit &unit,
                  const RecurrentParameters &parameters)
      : k(k), unit(unit), shape(unit), p(parameters) {}

  void emit();

private:
  using Values = KernelBuilder::Values;
  using Part = EpilogueOperands::Part;

  /// A row or column, clamped so that loads need no branch, and whether it is
  /// one; null means that it is.
  struct Index {
    Value clamped, exists;
  };
  /// What is loaded for a token, as it is stored.
  struct Token {
    Values x, b, c, decay, scale, segment, epilogue;
    void forEach(llvm::function_ref<void(Values &)> visit) {
      for (Values *part : {&x, &b, &c, &decay, &scale, &segment, &epilogue})
        visit(*part);
    }
  };

  Index clamp(Value index, int64_t size, bool canExceed);
  void emitWarp(Value warp);
  void setTile(Value warp);
  void setSequence(Value sequence);
  void loadFixed();

  Position position(Value token, Value outer = {}, Value inner = {}) {
    return {batch, token, outer, inner};
  }
  Value tokenOf(Value step);
  Token loadToken(Value step);
  Values loadState();
  void storeState(const Tensor &into, Value row, ValueRange state,
                  Value leading = {});
  void forEachElement(ValueRange state,
                      llvm::function_ref<void(Value, Index, Index)> visit);
  Values run(ValueRange state);
  void compute(Value step, const Token &token, MutableArrayRef<Value> state,
               Value lastSegment);
  SmallVector<Split> factorsOf(const Token &token, Value &scale);
  void storeY(Value token, Values sums, ArrayRef<Value> x, ValueRange epilogue);
  void storeCheckpoint(Value step, ValueRange state);

  KernelBuilder &k;
  const MixerUnit &unit;
  RecurrentShape shape;
  const RecurrentParameters &p;

  Value batch, head, group, firstToken, length;
  Value stateRow, ownsState; // null: always
  SmallVector<Index> rows, columns;
  Value outputRow, isWriter;
  Index output;
  Values rates, fixedInputs;
  Value decayBias, scaleBias;
};

} // namespace

//===----------------------------------------------------------------------===//
// Work of a warp
//===----------------------------------------------------------------------===//

RecurrentKernel::Index RecurrentKernel::clamp(Value index, int64_t size,
                                              bool canExceed) {
  if (!canExceed)
    return {index, Value()};
  return {k.min(index, k.i(size - 1)), k.less(index, k.i(size))};
}

/// The warp's lanes may own tiles of several heads, but of one sequence, whose
/// length bounds the loop around their shuffles.
void RecurrentKernel::setTile(Value warp) {
  int32_t lanes = shape.lanes;
  int64_t tiles = unit.heads * shape.tilesPerHead;
  Value lane = k.create<LaneOp>();
  Value first = k.mul(k.rem(warp, shape.warpsPerSequence), shape.tilesPerWarp);
  Index tile = clamp(k.add(first, k.div(lane, lanes)), tiles,
                     tiles % shape.tilesPerWarp != 0);
  head = k.div(tile.clamped, shape.tilesPerHead);
  group = k.div(head, unit.heads / unit.groups);
  Value firstRow = k.mul(k.rem(tile.clamped, shape.tilesPerHead), shape.rows);
  Value laneOfTile = k.rem(lane, lanes);
  auto rowAt = [&](Value index) {
    Index row = clamp(k.add(firstRow, index), unit.headDim,
                      unit.headDim % shape.rows != 0);
    row.exists = k.both(tile.exists, row.exists);
    return row;
  };
  for (int64_t r = 0; r < shape.rows; ++r)
    rows.push_back(rowAt(k.i(r)));
  for (int64_t j = 0; j < shape.columns; ++j)
    columns.push_back(clamp(k.add(laneOfTile, j * lanes), unit.stateDim,
                            (j + 1) * lanes > unit.stateDim));
  // Where sumOverLanes leaves the rows' sums.
  int32_t copies = lanes / shape.rows;
  outputRow = k.div(laneOfTile, copies);
  output = rowAt(outputRow);
  isWriter = k.both(k.equal(k.rem(laneOfTile, copies), k.i(0)), output.exists);
}

/// A row of the batch, or a packed piece of its only row. Offsets and slots are
/// data: whatever they are, nothing outside of the buffers is touched.
void RecurrentKernel::setSequence(Value sequence) {
  Value zero = k.i(0);
  firstToken = zero;
  batch = stateRow = sequence;
  length = unit.isStep ? k.i(1) : k.argument(p.length);
  if (p.offsets) {
    batch = zero;
    auto bound = [&](Value index, Value least) {
      return k.min(k.max(p.offsets.load(k, index), least), length);
    };
    firstToken = bound(sequence, zero);
    length = k.sub(bound(k.add(sequence, 1), firstToken), firstToken);
  }
  if (p.slots) {
    stateRow = p.slots.load(k, sequence);
    ownsState =
        k.compare(arith::CmpIPredicate::ult, stateRow, k.argument(p.poolRows));
  }
}

void RecurrentKernel::loadFixed() {
  if (p.rate && cast<MemRefType>(unit.rate.getType()).getRank() == 2) {
    for (const Index &column : columns)
      rates.push_back(p.rate.loadF32(k, {head, column.clamped}));
  } else if (p.rate) {
    rates.push_back(p.rate.loadF32(k, head));
  }
  decayBias = p.decay.loadBias(k, head);
  scaleBias = p.scale.loadBias(k, head);
  fixedInputs =
      p.epilogue.load(k, position(k.i(0), head, output.clamped), Part::fixed);
}

//===----------------------------------------------------------------------===//
// Loads and stores
//===----------------------------------------------------------------------===//

Value RecurrentKernel::tokenOf(Value step) {
  return unit.reverse ? k.sub(k.add(k.add(firstToken, length), -1), step)
                      : k.add(firstToken, step);
}

/// Past the end, the last token again.
RecurrentKernel::Token RecurrentKernel::loadToken(Value step) {
  Value token = tokenOf(k.min(step, k.add(length, -1)));
  Token values;
  for (const Index &row : rows)
    values.x.push_back(p.x.load(k, position(token, head, row.clamped)));
  for (const Index &column : columns) {
    values.b.push_back(p.b.load(k, position(token, group, column.clamped)));
    values.c.push_back(p.c.load(k, position(token, group, column.clamped)));
  }
  if (p.decay && unit.decay.raw.getDim(UnitBuffer::inner) >= 0) {
    for (const Index &column : columns)
      values.decay.push_back(
          p.decay.raw.load(k, position(token, head, column.clamped)));
  } else if (p.decay) {
    values.decay.push_back(p.decay.raw.load(k, position(token, head)));
  }
  if (p.scale)
    values.scale.push_back(p.scale.raw.load(k, position(token, head)));
  if (p.segmentIds) {
    Value at = unit.leadingSegment ? k.add(token, 1) : token;
    values.segment.push_back(p.segmentIds.load(k, position(at)));
  }
  values.epilogue =
      p.epilogue.load(k, position(token, head, output.clamped), Part::perToken);
  return values;
}

void RecurrentKernel::forEachElement(
    ValueRange state, llvm::function_ref<void(Value, Index, Index)> visit) {
  for (auto [i, value] : llvm::enumerate(state))
    visit(value, rows[i / shape.columns], columns[i % shape.columns]);
}

RecurrentKernel::Values RecurrentKernel::loadState() {
  Values zeros(shape.rows * shape.columns, k.f(0));
  if (!p.initialState)
    return zeros;
  auto load = [&]() {
    Values state;
    forEachElement(zeros, [&](Value, Index row, Index column) {
      state.push_back(p.initialState.loadF32(
          k, {stateRow, head, row.clamped, column.clamped}));
    });
    return state;
  };
  if (!ownsState)
    return load();
  return k.choose(ownsState, ValueRange(zeros).getTypes(), load,
                  [&]() { return zeros; });
}

/// `leading` is an index before those of head, row and column, besides `row`.
void RecurrentKernel::storeState(const Tensor &into, Value row,
                                 ValueRange state, Value leading) {
  forEachElement(state, [&](Value value, Index p, Index n) {
    k.when(k.both(p.exists, n.exists), [&]() {
      Values at = {row};
      if (leading)
        at.push_back(leading);
      at.append({head, p.clamped, n.clamped});
      into.store(k, value, at);
    });
  });
}

void RecurrentKernel::storeY(Value token, Values sums, ArrayRef<Value> x,
                             ValueRange epilogue) {
  Value y = k.sumOverLanes(sums, shape.lanes), mine = x.front();
  for (int64_t r = 1; r < shape.rows; ++r)
    mine = k.select(k.equal(outputRow, k.i(r)), x[r], mine);
  Position at = position(token, head, output.clamped);
  k.when(isWriter, [&]() {
    p.y.store(k, p.epilogue.apply(k, y, mine, fixedInputs, epilogue), at);
  });
}

void RecurrentKernel::storeCheckpoint(Value step, ValueRange state) {
  int32_t every = *unit.checkpointEvery;
  Value done = k.add(step, 1);
  k.when(k.equal(k.rem(done, every), k.i(0)), [&]() {
    storeState(p.checkpoints, batch, state, k.div(step, every));
  });
}

//===----------------------------------------------------------------------===//
// The recurrence
//===----------------------------------------------------------------------===//

/// What the columns' states decay by. Sets the scale, null where there is none.
SmallVector<Split> RecurrentKernel::factorsOf(const Token &token,
                                              Value &scale) {
  Values decays;
  for (Value loaded : token.decay)
    decays.push_back(p.decay.discretize(k, loaded, decayBias));
  if (unit.scaleIsDecay)
    scale = decays.front();
  else if (p.scale)
    scale = p.scale.discretize(k, token.scale.front(), scaleBias);
  return splitFactors(k, decays, rates);
}

void RecurrentKernel::compute(Value step, const Token &token,
                              MutableArrayRef<Value> state, Value lastSegment) {
  auto widen = [&](Value value) { return k.widen(value); };
  Values x = llvm::map_to_vector(token.x, widen),
         b = llvm::map_to_vector(token.b, widen), c, sums;
  // Columns beyond N repeat the last one and must not count twice.
  for (auto [value, column] : llvm::zip(token.c, columns)) {
    Value wide = k.widen(value);
    c.push_back(column.exists ? k.select(column.exists, wide, k.f(0)) : wide);
  }
  if (lastSegment) {
    Value same = k.equal(token.segment.front(), lastSegment);
    for (Value &value : state)
      value = k.select(same, value, k.f(0));
  }
  Value scale;
  SmallVector<Split> factors = factorsOf(token, scale);
  for (int64_t r = 0; r < shape.rows; ++r) {
    Value input = scale ? k.fmul(x[r], scale) : x[r], sum;
    for (int64_t j = 0; j < shape.columns; ++j) {
      Value &value = state[r * shape.columns + j];
      if (!factors.empty())
        value = fmul(k, value, factors[j % factors.size()]);
      value = k.fma(input, b[j], value);
      sum = sum ? k.fma(value, c[j], sum) : k.fmul(value, c[j]);
    }
    sums.push_back(sum);
  }
  storeY(tokenOf(step), sums, x, token.epilogue);
  if (p.checkpoints)
    storeCheckpoint(step, state);
}

/// Carries the state, the last token's segment and the tokens on their way.
RecurrentKernel::Values RecurrentKernel::run(ValueRange state) {
  Values carried(state);
  SmallVector<Token, 2> ahead;
  for (int64_t i = 0; i < shape.kAhead; ++i)
    ahead.push_back(loadToken(k.i(i)));
  // The initial state belongs to the first token's segment, or to a given one.
  if (p.segmentIds)
    carried.push_back(unit.leadingSegment
                          ? p.segmentIds.load(k, position(k.i(0)))
                          : ahead.front().segment.front());
  auto pack = [](Values &into, SmallVectorImpl<Token> &tokens) {
    for (Token &token : tokens)
      token.forEach([&](Values &part) { llvm::append_range(into, part); });
  };
  pack(carried, ahead);
  auto body = [&](Value step, ValueRange values) {
    Values next(values.take_front(state.size()));
    values = values.drop_front(state.size());
    auto take = [&]() {
      Value value = values.front();
      values = values.drop_front();
      return value;
    };
    Value lastSegment = p.segmentIds ? take() : Value();
    for (Token &token : ahead)
      token.forEach([&](Values &part) {
        for (Value &value : part)
          value = take();
      });
    SmallVector<Token, 2> later(llvm::drop_begin(ahead));
    later.push_back(loadToken(k.add(step, shape.kAhead)));
    compute(step, ahead.front(), next, lastSegment);
    if (p.segmentIds)
      next.push_back(ahead.front().segment.front());
    pack(next, later);
    return next;
  };
  Values after = k.loop(k.i(0), length, k.i(1), carried, body);
  after.resize(state.size());
  return after;
}

void RecurrentKernel::emitWarp(Value warp) {
  setTile(warp);
  setSequence(k.div(warp, shape.warpsPerSequence));
  Values state = loadState();
  state = k.choose(
      k.less(k.i(0), length), ValueRange(state).getTypes(),
      [&]() {
        loadFixed();
        return run(state);
      },
      [&]() { return state; });
  if (p.finalState)
    k.when(ownsState, [&]() { storeState(p.finalState, stateRow, state); });
}

void RecurrentKernel::emit() {
  Value warp =
      k.add(k.mul(k.create<BlockOp>(), shape.kWarps), k.create<WarpOp>());
  k.when(k.less(warp, k.argument(p.warps)), [&]() { emitWarp(warp); });
}

//===----------------------------------------------------------------------===//
// The kind
//===----------------------------------------------------------------------===//

namespace {

struct RecurrentKind : KernelKind {
  StringRef getName() const override { return "recurrent"; }
  StringRef getTarget() const override { return "sm_80"; }

  std::string whyNot(const MixerUnit &unit) const override {
    if (unit.stateDim > RecurrentShape::kMaxStateDim)
      return llvm::formatv("the state dimension is {0}, more than {1}",
                           unit.stateDim, RecurrentShape::kMaxStateDim);
    return {};
  }

  void build(HostBuilder &host, gpu::GPUModuleOp module,
             const MixerUnit &unit) const override {
    RecurrentShape shape(unit);
    Value sequences = host.size(unit.x.memref, UnitBuffer::batch);
    if (unit.offsets) {
      Value one = host.constant(1);
      Value offsets = host.max(host.size(unit.offsets, 0), one);
      sequences =
          host.builder.createOrFold<arith::SubIOp>(host.loc, offsets, one);
    }
    Value warps = host.mul(sequences, shape.warpsPerSequence);
    KernelArguments arguments(host);
    RecurrentParameters parameters(host, arguments, unit, warps);
    OpBuilder builder(host.builder.getContext());
    auto kernel = createKernel(builder, module, arguments.getTypes(),
                               32 * shape.kWarps, /*sharedBytes=*/0);
    KernelBuilder k(builder, kernel);
    RecurrentKernel(k, unit, parameters).emit();
    createLaunch(host, kernel, host.ceilDiv(warps, shape.kWarps), arguments);
  }
};

} // namespace

const KernelKind &ssd::getRecurrentKernel() {
  static const RecurrentKind kind;
  return kind;
}
