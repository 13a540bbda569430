//===- LowerGlobal.cpp - Fragments in global memory -------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/Emitter.h"

using namespace mlir;
using namespace ssd::hopper;

namespace {

/// A run of a thread's values that is contiguous in memory.
struct Run {
  int64_t first, count;
  int64_t half;  // 0: in the first of the thread's two rows in 16
  int32_t bytes; // from the thread's first value
};

/// A thread's values of a fragment in global memory.
class GlobalValues {
public:
  template <typename Op>
  GlobalValues(Emitter &emit, Op op, FragmentType type, Value base)
      : order(op.getOrder()), stored(op.getStored()) {
    if (order == Order::fragment) {
      pointer = emit.offset(base, emit.shl(emit.thread(), 4));
      for (int64_t i = 0; i < type.getValuesPerThread(); i += 4)
        runs.push_back({i, 4, 0, int32_t(512 * i)});
      return;
    }
    bool isMatrix = type.isMatrix();
    int64_t blocks = op.getColumns().value_or(type.getColumns()) / 8;
    int64_t pitch = op.getPitch().value_or(type.getColumns());
    if (!isMatrix)
      blocks = pitch = 1;
    Value element = emit.mul(emit.fragmentRow(), pitch);
    if (isMatrix)
      element = emit.add(element, emit.fragmentColumn());
    pointer = emit.offset(base, emit.mul(element, bytes()));
    int64_t count = isMatrix ? 2 : 1;
    for (int64_t i = 0; i < 2 * blocks; ++i)
      runs.push_back({i * count, count, i % 2,
                      int32_t(bytes() * (8 * (i % 2) * pitch + i / 2 * 8))});
  }

  /// The runs in one of the thread's rows.
  SmallVector<Run> runsOf(int64_t half) const {
    return llvm::filter_to_vector(
        runs, [&](const Run &run) { return run.half == half; });
  }
  /// The values of runs one after the other, as f32.
  SmallVector<Value> load(Emitter &emit, ArrayRef<Run> some) const;
  /// Stores the runs' values among all `values` of the thread.
  void store(Emitter &emit, ArrayRef<Value> values, ArrayRef<Run> some) const;

  SmallVector<Run> runs;

private:
  int64_t bytes() const { return stored.getIntOrFloatBitWidth() / 8; }

  Value pointer;
  Order order;
  Type stored;
};

SmallVector<Value> GlobalValues::load(Emitter &emit, ArrayRef<Run> some) const {
  SmallVector<Value> values;
  for (const Run &run : some) {
    Value from = emit.offset(pointer, run.bytes);
    if (order == Order::fragment) {
      llvm::append_range(
          values, emit.assembly(SmallVector<Type>(4, emit.f32()),
                                "ld.global.cg.v4.f32 {$0, $1, $2, $3}, [$4];",
                                "=f,=f,=f,=f,l,~{memory}", {from}));
      continue;
    }
    auto type = VectorType::get({run.count}, stored);
    for (Value value :
         emit.elements(emit.load(type, from, run.count * bytes())))
      values.push_back(stored.isF32()
                           ? value
                           : arith::ExtFOp::create(emit.builder, emit.loc,
                                                   emit.f32(), value));
  }
  return values;
}

void GlobalValues::store(Emitter &emit, ArrayRef<Value> values,
                         ArrayRef<Run> some) const {
  for (const Run &run : some)
    emit.store(emit.vector(values.slice(run.first, run.count)),
               emit.offset(pointer, run.bytes), run.count * bytes());
}

/// Whether the first or second of the thread's rows in 16 is among the first
/// `rows`.
Value isRowWithin(Emitter &emit, int64_t half, Value rows) {
  return arith::CmpIOp::create(emit.builder, emit.loc,
                               arith::CmpIPredicate::slt,
                               emit.add(emit.fragmentRow(), 8 * half), rows);
}

/// The values of runs where `within` holds, else zeros.
SmallVector<Value> loadWithin(Emitter &emit, const GlobalValues &from,
                              ArrayRef<Run> some, Value within, Value zero) {
  auto branch = scf::IfOp::create(
      emit.builder, emit.loc, within,
      [&](OpBuilder &builder, Location loc) {
        Emitter inside(builder, loc);
        scf::YieldOp::create(builder, loc, from.load(inside, some));
      },
      [&](OpBuilder &builder, Location loc) {
        SmallVector<Value> zeros(some.size() * some.front().count, zero);
        scf::YieldOp::create(builder, loc, zeros);
      });
  return SmallVector<Value>(branch.getResults());
}

Value lowerGlobalLoad(Emitter &emit, GlobalLoadOp op,
                      GlobalLoadOp::Adaptor adaptor) {
  FragmentType type = op.getResult().getType();
  GlobalValues from(emit, op, type, adaptor.getSource());
  Value zero = arith::ConstantOp::create(emit.builder, emit.loc,
                                         emit.builder.getF32FloatAttr(0));
  SmallVector<Value> values(type.getValuesPerThread(), zero);
  auto place = [&](ArrayRef<Run> some, ArrayRef<Value> loaded) {
    for (const Run &run : some) {
      llvm::copy(loaded.take_front(run.count), values.begin() + run.first);
      loaded = loaded.drop_front(run.count);
    }
  };
  if (!op.getRows()) {
    place(from.runs, from.load(emit, from.runs));
    return emit.vector(values);
  }
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<Run> some = from.runsOf(half);
    Value within = isRowWithin(emit, half, adaptor.getRows());
    place(some, loadWithin(emit, from, some, within, zero));
  }
  return emit.vector(values);
}

Value lowerGlobalStore(Emitter &emit, GlobalStoreOp op,
                       GlobalStoreOp::Adaptor adaptor) {
  Type stored = op.getStored();
  SmallVector<Value> values = emit.elements(adaptor.getValue());
  if (!stored.isF32())
    for (Value &value : values)
      value = arith::TruncFOp::create(emit.builder, emit.loc, stored, value);
  GlobalValues to(emit, op, op.getValue().getType(), adaptor.getTarget());
  if (!op.getRows()) {
    to.store(emit, values, to.runs);
    return {};
  }
  for (int64_t half = 0; half < 2; ++half) {
    Value within = isRowWithin(emit, half, adaptor.getRows());
    scf::IfOp::create(emit.builder, emit.loc, within,
                      [&](OpBuilder &builder, Location loc) {
                        Emitter inside(builder, loc);
                        to.store(inside, values, to.runsOf(half));
                        scf::YieldOp::create(builder, loc);
                      });
  }
  return {};
}

/// Eight lanes have rows that follow each other: whole sectors of f32.
Value lowerStoreColumns(Emitter &emit, StoreColumnsOp op,
                        StoreColumnsOp::Adaptor adaptor) {
  Type stored = op.getStored();
  int32_t bytes = stored.getIntOrFloatBitWidth() / 8;
  Value row = emit.fragmentRow(), column = emit.fragmentColumn();
  Value stride = emit.mul(adaptor.getStride(), emit.constant64(bytes));
  Value wide =
      arith::ExtUIOp::create(emit.builder, emit.loc, emit.i64(), column);
  Value target =
      emit.offset(emit.offset(adaptor.getTarget(), emit.mul(wide, stride)),
                  emit.mul(row, bytes));
  Value blockStep = emit.mul(stride, emit.constant64(7));
  SmallVector<Value> values = emit.elements(adaptor.getValue());
  auto isBelow = [&](Value index, Value count) -> Value {
    return arith::CmpIOp::create(emit.builder, emit.loc,
                                 arith::CmpIPredicate::slt, index, count);
  };
  // As in a matrix fragment: i is 4 · block + 2 · row half + column parity.
  for (size_t i = 0; i < values.size(); i += 4) {
    for (int32_t parity = 0; parity < 2; ++parity) {
      Value within = isBelow(emit.add(column, int32_t(i / 4 * 8) + parity),
                             adaptor.getColumns());
      for (int32_t half = 0; half < 2; ++half) {
        Value exists = within;
        if (adaptor.getRows())
          exists = arith::AndIOp::create(
              emit.builder, emit.loc, within,
              isBelow(emit.add(row, 8 * half), adaptor.getRows()));
        scf::IfOp::create(
            emit.builder, emit.loc, exists,
            [&](OpBuilder &builder, Location loc) {
              Emitter inside(builder, loc);
              Value value = values[i + 2 * half + parity];
              if (!stored.isF32())
                value = arith::TruncFOp::create(builder, loc, stored, value);
              inside.store(value, inside.offset(target, 8 * half * bytes),
                           bytes);
              scf::YieldOp::create(builder, loc);
            });
      }
      target = emit.offset(target, parity ? blockStep : stride);
    }
  }
  return {};
}

} // namespace

void ssd::hopper::populateGlobalPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerOp<GlobalLoadOp, lowerGlobalLoad>,
               LowerOp<GlobalStoreOp, lowerGlobalStore>,
               LowerOp<StoreColumnsOp, lowerStoreColumns>>(
      converter, patterns.getContext());
}
