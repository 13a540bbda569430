//===- StepKernel.cpp - The decode step ---*- C++ -*-===//
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

/// How a warp covers state rows: each lane reads 16 bytes of a row, so that one
/// load instruction covers one row or several, and all loads are issued before
/// the first is used.
struct StepShape {
  explicit StepShape(const MixerUnit &unit) {
    Value state = unit.finalState ? unit.finalState : unit.initialState;
    values = 16 / bytesOf(state ? state : unit.x.memref);
    while (unit.stateDim % (values * 2) == 0 && unit.stateDim / values > 32)
      values *= 2;
    lanesPerRow = unit.stateDim / values;
    if (!hasLayout(unit))
      return;
    rowsPerLoad = 32 / lanesPerRow;
    rowsPerWarp = kLoads * rowsPerLoad;
    // As many as the rows fill, up to four.
    for (warps = 4; warps > 1 && unit.headDim % (warps * rowsPerWarp); --warps)
      ;
  }

  bool hasLayout(const MixerUnit &unit) const {
    return llvm::isPowerOf2_64(unit.stateDim) && lanesPerRow <= 32 &&
           lanesPerRow >= kLoads;
  }

  static int64_t bytesOf(Value memref) {
    return cast<MemRefType>(memref.getType()).getElementTypeBitWidth() / 8;
  }

  /// Measured: 8 cost occupancy, 13 % at batch 256 with bf16 states.
  static constexpr int64_t kLoads = 4;
  int64_t values, lanesPerRow, rowsPerLoad = 0, rowsPerWarp = 0, warps = 0;
};

class StepKernel {
public:
  StepKernel(KernelBuilder &k, const MixerUnit &unit,
             const KernelOperands &operands, unsigned poolRows)
      : k(k), unit(unit), shape(unit), p(operands), poolRows(poolRows) {}
  void emit();

private:
  using Values = KernelBuilder::Values;
  using Part = EpilogueOperands::Part;

  Position position(Value outer, Value inner = {}) {
    return {batch, zero, outer, inner};
  }
  void setPlace();
  SmallVector<Values> loadState();
  Values loadColumns(const SequenceTensor &operand);
  SmallVector<Split> factorsOf(Value &scale);
  Value updateRow(Values &row, ArrayRef<Value> b, ArrayRef<Value> c,
                  ArrayRef<Split> factors, Value input);
  void storeRow(ValueRange row, int64_t load);
  void loadEpilogue();
  void storeY(Value sum);
  Value rowOf(int64_t load) {
    return k.add(firstRow, load * shape.rowsPerLoad);
  }
  /// Lanes that end up with the same row's sum.
  int32_t copies() const { return shape.lanesPerRow / StepShape::kLoads; }

  KernelBuilder &k;
  const MixerUnit &unit;
  StepShape shape;
  const KernelOperands &p;
  unsigned poolRows;
  /// firstRow is this lane's of the first load, column its first.
  Value zero, batch, head, firstRow, column;
  Value stateRow, ownsState; // null: always
  /// What y's element of this lane is made of beside the sum, where there is
  /// an epilogue.
  Value rowOfY, x;
  Values fixed, perToken;
};

} // namespace

void StepKernel::setPlace() {
  int64_t rowsPerBlock = shape.warps * shape.rowsPerWarp;
  int64_t parts = unit.headDim / rowsPerBlock;
  Value block = k.create<BlockOp>(), lane = k.create<LaneOp>();
  Value index = k.div(block, parts); // b·H + h
  zero = k.i(0);
  batch = k.div(index, unit.heads);
  head = k.rem(index, unit.heads);
  column = k.mul(k.rem(lane, shape.lanesPerRow), shape.values);
  firstRow = k.add(k.mul(k.rem(block, parts), rowsPerBlock),
                   k.add(k.mul(k.create<WarpOp>(), shape.rowsPerWarp),
                         k.div(lane, shape.lanesPerRow)));
  stateRow = batch;
  if (p.slots) {
    stateRow = p.slots.load(k, batch);
    ownsState =
        k.compare(arith::CmpIPredicate::ult, stateRow, k.argument(poolRows));
  }
}

SmallVector<KernelBuilder::Values> StepKernel::loadState() {
  Values zeros(StepShape::kLoads * shape.values, k.f(0));
  auto load = [&]() {
    Values all;
    Type element = p.initialState.getElementType();
    for (int64_t r = 0; r < StepShape::kLoads; ++r) {
      Value at = p.initialState.at(k, {stateRow, head, rowOf(r), column});
      llvm::append_range(all, k.loadWide(element, at, shape.values));
    }
    return all;
  };
  Values all = zeros;
  if (p.initialState)
    all = ownsState ? k.choose(ownsState, ValueRange(zeros).getTypes(), load,
                               [&]() { return zeros; })
                    : load();
  SmallVector<Values> rows;
  for (int64_t r = 0; r < StepShape::kLoads; ++r)
    rows.push_back(
        Values(ArrayRef<Value>(all).slice(r * shape.values, shape.values)));
  return rows;
}

KernelBuilder::Values StepKernel::loadColumns(const SequenceTensor &operand) {
  Value group = k.div(head, unit.heads / unit.groups);
  return k.loadWide(operand.getElementType(),
                    operand.at(k, position(group, column)), shape.values);
}

/// One factor, or one a column; none where nothing decays.
SmallVector<Split> StepKernel::factorsOf(Value &scale) {
  Values decays, rates;
  auto columnAt = [&](int64_t j) { return k.add(column, j); };
  if (p.decay) {
    bool diagonal = unit.decay.raw.getDim(UnitBuffer::inner) >= 0;
    Value bias = p.decay.loadBias(k, head);
    for (int64_t j = 0; j < (diagonal ? shape.values : 1); ++j)
      decays.push_back(p.decay.discretize(
          k, p.decay.raw.load(k, position(head, columnAt(j))), bias));
  }
  if (p.rate) {
    bool diagonal = cast<MemRefType>(unit.rate.getType()).getRank() == 2;
    for (int64_t j = 0; j < (diagonal ? shape.values : 1); ++j)
      rates.push_back(diagonal ? p.rate.loadF32(k, {head, columnAt(j)})
                               : p.rate.loadF32(k, head));
  }
  if (unit.scaleIsDecay)
    scale = decays.front();
  else if (p.scale)
    scale = p.scale.discretize(k, p.scale.raw.load(k, position(head)),
                               p.scale.loadBias(k, head));
  return splitFactors(k, decays, rates);
}

/// One row: the new state, and this lane's part of y.
Value StepKernel::updateRow(Values &row, ArrayRef<Value> b, ArrayRef<Value> c,
                            ArrayRef<Split> factors, Value input) {
  Value sum;
  for (auto [j, value] : llvm::enumerate(row)) {
    if (!factors.empty())
      value = fmul(k, value, factors[j % factors.size()]);
    value = k.fma(input, b[j], value);
    sum = sum ? k.fma(value, c[j], sum) : k.fmul(value, c[j]);
  }
  return sum;
}

void StepKernel::storeRow(ValueRange row, int64_t load) {
  Value at = p.finalState.at(k, {stateRow, head, rowOf(load), column});
  k.storeNarrow(row, p.finalState.getElementType(), at);
}

/// Load r's row ends in the lanes whose upper bits within the row are r. Loaded
/// before any store, which nothing passes, and by all lanes: nothing waits for
/// memory when the sum is there.
void StepKernel::loadEpilogue() {
  Value lane = k.rem(k.create<LaneOp>(), shape.lanesPerRow);
  Value load = k.div(lane, copies());
  rowOfY = k.add(firstRow, k.mul(load, shape.rowsPerLoad));
  if (p.epilogue.empty())
    return;
  Position at = position(head, rowOfY);
  x = k.widen(p.x.load(k, at));
  fixed = p.epilogue.load(k, at, Part::fixed);
  perToken = p.epilogue.load(k, at, Part::perToken);
}

void StepKernel::storeY(Value sum) {
  Value lane = k.rem(k.create<LaneOp>(), shape.lanesPerRow);
  Value y = p.epilogue.apply(k, sum, x, fixed, perToken);
  k.when(k.equal(k.rem(lane, copies()), zero),
         [&]() { p.y.store(k, y, position(head, rowOfY)); });
}

void StepKernel::emit() {
  setPlace();
  // All loads of the state first: they are what the kernel waits for.
  SmallVector<Values> rows = loadState();
  Values b = loadColumns(p.b), c = loadColumns(p.c), inputs, sums;
  for (int64_t r = 0; r < StepShape::kLoads; ++r)
    inputs.push_back(p.x.load(k, position(head, rowOf(r))));
  loadEpilogue();
  Value scale;
  SmallVector<Split> factors = factorsOf(scale);
  for (int64_t r = 0; r < StepShape::kLoads; ++r) {
    Value input = k.widen(inputs[r]);
    if (scale)
      input = k.fmul(input, scale);
    sums.push_back(updateRow(rows[r], b, c, factors, input));
  }
  if (p.finalState)
    k.when(ownsState, [&]() {
      for (auto [r, row] : llvm::enumerate(rows))
        storeRow(row, r);
    });
  storeY(k.sumOverLanes(sums, shape.lanesPerRow));
}

//===----------------------------------------------------------------------===//
// The kind
//===----------------------------------------------------------------------===//

namespace {

struct StepKind : KernelKind {
  StringRef getName() const override { return "step"; }
  StringRef getTarget() const override { return "sm_80"; }

  std::string whyNot(const MixerUnit &unit) const override {
    int64_t length = 1;
    if (!unit.isStep)
      length = unit.x.getType().getDimSize(UnitBuffer::token);
    if (length != 1)
      return "the length is not known to be 1";
    if (unit.segmentIds || unit.offsets || unit.checkpoints)
      return "it has no segments, offsets or checkpoints";
    if (unit.initialState && unit.finalState &&
        StepShape::bytesOf(unit.initialState) !=
            StepShape::bytesOf(unit.finalState))
      return "initial and final state have different types";
    StepShape shape(unit);
    if (!shape.hasLayout(unit))
      return llvm::formatv("no warp covers rows of state dimension {0}",
                           unit.stateDim);
    if (unit.headDim % shape.rowsPerWarp)
      return llvm::formatv("the head dimension is {0}, not a multiple of {1}",
                           unit.headDim, shape.rowsPerWarp);
    return {};
  }

  /// States from memory and back, at 4.0 TB/s (measured, all batches from 1 to
  /// 256 within 5 %).
  std::optional<double> estimate(const MixerUnit &unit, int64_t batch,
                                 int64_t) const override {
    double bytes = 0;
    for (Value state : {unit.initialState, unit.finalState})
      if (state)
        bytes += StepShape::bytesOf(state);
    return 2.0 +
           batch * unit.heads * unit.headDim * unit.stateDim * bytes / 4e6;
  }

  /// Rows are read 16 bytes at a time.
  Value buildCondition(HostBuilder &host,
                       const MixerUnit &unit) const override {
    Value aligned = host.land(host.isMappable(unit.b.memref),
                              host.isMappable(unit.c.memref));
    for (Value state : {unit.initialState, unit.finalState})
      if (state)
        aligned = host.land(aligned, host.isMappable(state));
    return aligned;
  }

  void build(HostBuilder &host, gpu::GPUModuleOp module,
             const MixerUnit &unit) const override {
    StepShape shape(unit);
    KernelArguments arguments(host);
    KernelOperands operands(arguments, unit);
    unsigned poolRows = unit.slots ? addPoolRows(arguments, unit) : 0;
    OpBuilder builder(host.builder.getContext());
    auto kernel = createKernel(builder, module, arguments.getTypes(),
                               32 * shape.warps, /*sharedBytes=*/0);
    KernelBuilder k(builder, kernel);
    StepKernel(k, unit, operands, poolRows).emit();
    int64_t perBatch =
        unit.heads * unit.headDim / (shape.warps * shape.rowsPerWarp);
    Value batch = host.size(unit.x.memref, UnitBuffer::batch);
    createLaunch(host, kernel, host.mul(batch, perBatch), arguments);
  }
};

} // namespace

const KernelKind &ssd::getStepKernel() {
  static const StepKind kind;
  return kind;
}
