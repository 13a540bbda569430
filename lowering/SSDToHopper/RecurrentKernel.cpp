//===- RecurrentKernel.cpp - Token by token, for any shape ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/KernelBuilder.h"
#include "lowering/SSDToHopper/KernelConfig.h"

using namespace mlir;
using namespace ssd;
using namespace ssd::hopper;

static constexpr float kLog2E = 1.44269504088896341f;

namespace {

struct RecurrentParameters {
  Value x, b, c, y, decay, rate, scale, skip, initialState, finalState,
      segmentIds, length;
};

/// A warp owns kRows rows of one head's state; lane l has columns l, l+32, ….
/// What a token needs is loaded one token ahead.
class RecurrentKernel {
public:
  RecurrentKernel(KernelBuilder &k, const RecurrentKernelConfig &config,
                  const RecurrentParameters &parameters)
      : k(k), config(config), p(parameters) {
    element = config.element == RecurrentKernelConfig::Element::f32 ? k.f32()
              : config.element == RecurrentKernelConfig::Element::bf16
                  ? Type(k.builder.getBF16Type())
                  : Type(k.builder.getF16Type());
    columns = (config.mixer.stateDim + 31) / 32;
  }
  void emit();

private:
  using Values = KernelBuilder::Values;
  static constexpr int64_t kRows = 4;

  /// Clamped position of a row or column, so that loads need no branch, and
  /// whether it exists.
  struct Position {
    Value clamped, exists;
  };
  Position clamp(Value index, int64_t size);
  void setPositions();

  /// x rows, b and c columns, then decay, scale and segment id as present.
  Values loadToken(Value step);
  Values logDecay(ArrayRef<Value> decay);
  Value tokenOf(Value step);
  Value elementAt(Value pointer, Value row, int64_t size, Value index);
  Value floatAt(Value pointer, Value row, int64_t size, Value index);
  Values loadState();
  void storeState(ValueRange state);
  void stepToken(Value step, ValueRange token, Values &state, Value &lastId);
  void storeY(Value step, ArrayRef<Value> sums, ArrayRef<Value> x);

  KernelBuilder &k;
  const RecurrentKernelConfig &config;
  RecurrentParameters p;
  Type element;
  int64_t columns;
  Value batch, head, group, state;
  SmallVector<Position> rowAt, columnAt;
  Values rates;
  Value skip;
};

} // namespace

//===----------------------------------------------------------------------===//
// Positions and loads
//===----------------------------------------------------------------------===//

RecurrentKernel::Position RecurrentKernel::clamp(Value index, int64_t size) {
  Value limit = k.i(size - 1);
  return {k.min(index, limit),
          k.compare(arith::CmpIPredicate::sle, index, limit)};
}

void RecurrentKernel::setPositions() {
  const MixerOperands &mixer = config.mixer;
  int64_t parts = (mixer.headDim + kRecurrentRows - 1) / kRecurrentRows;
  Value block = k.create<BlockOp>();
  state = k.div(block, k.i(parts)); // b·H + h
  batch = k.div(state, k.i(mixer.heads));
  head = k.rem(state, k.i(mixer.heads));
  group = k.div(head, k.i(mixer.heads / mixer.groups));
  Value first = k.add(k.mul(k.rem(block, k.i(parts)), kRecurrentRows),
                      k.mul(k.create<WarpOp>(), kRows));
  for (int64_t r = 0; r < kRows; ++r)
    rowAt.push_back(clamp(k.add(first, r), mixer.headDim));
  for (int64_t j = 0; j < columns; ++j)
    columnAt.push_back(
        clamp(k.add(k.create<LaneOp>(), 32 * j), mixer.stateDim));
}

Value RecurrentKernel::tokenOf(Value step) {
  Value index = config.reverse ? k.sub(k.add(p.length, -1), step) : step;
  Value start = k.create<arith::MulIOp>(k.wide(batch), k.wide(p.length));
  return k.addWide(start, k.wide(index));
}

Value RecurrentKernel::elementAt(Value pointer, Value row, int64_t size,
                                 Value index) {
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  Value at = k.addWide(k.mulWide(row, size), k.wide(index));
  return k.loadWide(element, k.at(pointer, k.mulWide(at, bytes)), 1)[0];
}

Value RecurrentKernel::floatAt(Value pointer, Value row, int64_t size,
                               Value index) {
  Value at = k.addWide(k.mulWide(row, size), k.wide(index));
  return k.loadGlobal(k.f32(), k.at(pointer, k.mulWide(at, 4)), 4);
}

RecurrentKernel::Values RecurrentKernel::loadToken(Value step) {
  const MixerOperands &mixer = config.mixer;
  Value token = tokenOf(k.min(step, k.add(p.length, -1)));
  Value headRow = k.addWide(k.mulWide(token, mixer.heads), k.wide(head));
  Value groupRow = k.addWide(k.mulWide(token, mixer.groups), k.wide(group));
  Values values;
  for (const Position &row : rowAt)
    values.push_back(elementAt(p.x, headRow, mixer.headDim, row.clamped));
  for (Value pointer : {p.b, p.c})
    for (const Position &column : columnAt)
      values.push_back(
          elementAt(pointer, groupRow, mixer.stateDim, column.clamped));
  if (mixer.decay && config.diagonal) {
    for (const Position &column : columnAt)
      values.push_back(
          floatAt(p.decay, headRow, mixer.stateDim, column.clamped));
  } else if (mixer.decay) {
    values.push_back(floatAt(p.decay, headRow, 1, k.i(0)));
  }
  if (mixer.scale)
    values.push_back(floatAt(p.scale, headRow, 1, k.i(0)));
  if (config.segmentIds) {
    Value bytes = k.mulWide(token, 4);
    values.push_back(k.loadGlobal(k.i32(), k.at(p.segmentIds, bytes), 4));
  }
  return values;
}

/// Base-2 log decay of each column this lane has (one for all if not diagonal).
RecurrentKernel::Values RecurrentKernel::logDecay(ArrayRef<Value> decay) {
  Values logs;
  size_t count = std::max(decay.size(), rates.size());
  for (size_t i = 0; i < count; ++i) {
    Value log = k.f(kLog2E);
    if (!rates.empty())
      log = rates[i % rates.size()];
    if (!decay.empty())
      log = k.fmul(log, decay[i % decay.size()]);
    logs.push_back(log);
  }
  return logs;
}

//===----------------------------------------------------------------------===//
// State and outputs
//===----------------------------------------------------------------------===//

RecurrentKernel::Values RecurrentKernel::loadState() {
  Values values;
  Value firstRow = k.mulWide(state, config.mixer.headDim);
  for (const Position &row : rowAt)
    for (const Position &column : columnAt)
      values.push_back(config.mixer.initialState
                           ? floatAt(p.initialState,
                                     k.addWide(firstRow, k.wide(row.clamped)),
                                     config.mixer.stateDim, column.clamped)
                           : k.f(0));
  return values;
}

void RecurrentKernel::storeState(ValueRange values) {
  Value firstRow = k.mulWide(state, config.mixer.headDim);
  for (auto [r, row] : llvm::enumerate(rowAt))
    for (auto [j, column] : llvm::enumerate(columnAt)) {
      Value at = k.addWide(k.mulWide(k.addWide(firstRow, k.wide(row.clamped)),
                                     config.mixer.stateDim),
                           k.wide(column.clamped));
      Value exists = k.create<arith::AndIOp>(row.exists, column.exists);
      k.when(exists, [&]() {
        k.storeGlobal(values[r * columns + j],
                      k.at(p.finalState, k.mulWide(at, 4)), 4);
      });
    }
}

void RecurrentKernel::storeY(Value step, ArrayRef<Value> sums,
                             ArrayRef<Value> x) {
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  Value headRow =
      k.addWide(k.mulWide(tokenOf(step), config.mixer.heads), k.wide(head));
  Value lane = k.create<LaneOp>();
  Value sum = k.sumOverLanes(Values(sums), 32);
  // Row r's sum is in lanes 8r to 8r+7.
  for (int64_t r = 0; r < kRows; ++r) {
    Value mine =
        k.create<arith::AndIOp>(rowAt[r].exists, k.equal(lane, k.i(8 * r)));
    k.when(mine, [&]() {
      Value y = skip ? k.fma(skip, x[r], sum) : sum;
      Value at = k.addWide(k.mulWide(headRow, config.mixer.headDim),
                           k.wide(rowAt[r].clamped));
      k.storeNarrow(y, element, k.at(p.y, k.mulWide(at, bytes)));
    });
  }
}

//===----------------------------------------------------------------------===//
// The recurrence
//===----------------------------------------------------------------------===//

void RecurrentKernel::stepToken(Value step, ValueRange token, Values &values,
                                Value &lastId) {
  Values all(token);
  ArrayRef<Value> rest = all;
  auto take = [&](size_t count) {
    ArrayRef<Value> head = rest.take_front(count);
    rest = rest.drop_front(count);
    return head;
  };
  ArrayRef<Value> x = take(kRows), b = take(columns), c = take(columns);
  ArrayRef<Value> decay = take(!config.mixer.decay ? 0
                               : config.diagonal   ? columns
                                                   : 1);
  Value scale = config.mixer.scale ? take(1).front() : Value();
  Values factors;
  for (Value log : logDecay(decay))
    factors.push_back(k.exp2(log));
  if (config.segmentIds) {
    Value id = take(1).front();
    // The first token continues the initial state.
    Value same =
        k.create<arith::OrIOp>(k.equal(step, k.i(0)), k.equal(id, lastId));
    for (Value &value : values)
      value = k.select(same, value, k.f(0));
    lastId = id;
  }
  Values sums;
  for (int64_t r = 0; r < kRows; ++r) {
    Value input = scale ? k.fmul(x[r], scale) : x[r], sum = k.f(0);
    for (int64_t j = 0; j < columns; ++j) {
      Value &value = values[r * columns + j];
      if (!factors.empty())
        value = k.fmul(value, factors[j % factors.size()]);
      value = k.fma(input, b[j], value);
      Value part = k.fmul(value, c[j]);
      // Columns beyond N repeat the last one and must not count twice.
      sum = k.fadd(sum, k.select(columnAt[j].exists, part, k.f(0)));
    }
    sums.push_back(sum);
  }
  storeY(step, sums, x);
}

void RecurrentKernel::emit() {
  setPositions();
  const MixerOperands &mixer = config.mixer;
  if (mixer.rate && config.diagonal) {
    for (const Position &column : columnAt)
      rates.push_back(k.fmul(
          k.f(kLog2E), floatAt(p.rate, head, mixer.stateDim, column.clamped)));
  } else if (mixer.rate) {
    rates.push_back(k.fmul(k.f(kLog2E), floatAt(p.rate, head, 1, k.i(0))));
  }
  if (mixer.skip)
    skip = floatAt(p.skip, head, 1, k.i(0));
  Values carried = loadState();
  size_t stateSize = carried.size();
  Value some = k.less(k.i(0), p.length);
  if (config.segmentIds)
    carried.push_back(k.i(0));
  size_t fixed = carried.size();
  k.when(some, [&]() {
    llvm::append_range(carried, loadToken(k.i(0)));
    carried = k.loop(
        k.i(0), p.length, k.i(1), carried, [&](Value step, ValueRange v) {
          Values values(v.take_front(stateSize)), next;
          Value lastId = config.segmentIds ? v[stateSize] : Value();
          Values ahead = loadToken(k.add(step, 1));
          stepToken(step, v.drop_front(fixed), values, lastId);
          next = values;
          if (config.segmentIds)
            next.push_back(lastId);
          llvm::append_range(next, ahead);
          return next;
        });
    if (mixer.finalState)
      storeState(ValueRange(carried).take_front(stateSize));
  });
}

LogicalResult ssd::buildRecurrentKernel(OpBuilder &builder,
                                        gpu::GPUModuleOp module,
                                        const RecurrentKernelConfig &config) {
  const MixerOperands &mixer = config.mixer;
  if (mixer.stateDim > 512)
    return module.emitError("the recurrent kernel holds at most 512 state "
                            "columns");
  if (mixer.groups < 1 || mixer.heads % mixer.groups)
    return module.emitError("groups divide heads");
  OpBuilder::InsertionGuard guard(builder);
  KernelBuilder k(builder, module.getLoc());
  SmallVector<Type> inputs(11, k.global());
  inputs.push_back(k.i32());
  auto func =
      createKernel(builder, module, config.name, inputs, kRecurrentThreads, 0);
  auto a = func.getArguments();
  RecurrentParameters p = {a[0], a[1], a[2], a[3], a[4],  a[5],
                           a[6], a[7], a[8], a[9], a[10], a[11]};
  RecurrentKernel(k, config, p).emit();
  return success();
}
