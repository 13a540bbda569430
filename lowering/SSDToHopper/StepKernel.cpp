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
/// the first is used. Lanes of a row are a power of two, to be summed over, of
/// which the last may be idle. A warp's rows are one head's where heads are
/// multiples of them; else rows of all heads are counted through.
struct StepShape {
  explicit StepShape(const MixerUnit &unit)
      : rowsPerBatch(unit.heads * unit.headDim) {
    Value state = unit.finalState ? unit.finalState : unit.initialState;
    values = 16 / bytesOf(state ? state : unit.x.memref);
    while (unit.stateDim > 32 * values)
      values *= 2;
    isAligned = unit.stateDim % values == 0;
    int64_t used = llvm::divideCeil(unit.stateDim, values);
    lanesPerRow = std::max<int64_t>(llvm::PowerOf2Ceil(used), kLoads);
    hasIdleLanes = used < lanesPerRow;
    rowsPerLoad = 32 / lanesPerRow;
    rowsPerWarp = kLoads * rowsPerLoad;
    isOfOneHead = unit.headDim % rowsPerWarp == 0;
    // As many as the rows fill, up to four.
    int64_t rows = isOfOneHead ? unit.headDim : rowsPerBatch;
    warps = std::min<int64_t>(llvm::divideCeil(rows, rowsPerWarp), 4);
    while (isOfOneHead && rows % (warps * rowsPerWarp))
      --warps;
  }

  int64_t rowsPerBlock() const { return warps * rowsPerWarp; }
  int64_t blocksPerBatch() const {
    return llvm::divideCeil(rowsPerBatch, rowsPerBlock());
  }
  /// Whether the last block reaches beyond the rows.
  bool hasIdleRows() const { return rowsPerBatch % rowsPerBlock() != 0; }

  static int64_t bytesOf(Value memref) {
    return cast<MemRefType>(memref.getType()).getElementTypeBitWidth() / 8;
  }

  /// Measured: 8 cost occupancy, 13 % at batch 256 with bf16 states.
  static constexpr int64_t kLoads = 4;
  int64_t rowsPerBatch, values, lanesPerRow, rowsPerLoad, rowsPerWarp, warps;
  bool isAligned, hasIdleLanes, isOfOneHead;
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
  /// A row of a state, and whether it is there; null: it is.
  struct Row {
    Value head, inner, exists;
  };
  /// What the rows of a head have in common, in this lane's columns.
  struct Head {
    Values b, c;
    SmallVector<Split> factors; // one, one a column, or none without decay
    Value scale;                // null: 1
  };
  void setPlace();
  Row rowOf(Value load);
  SmallVector<Values> loadState();
  Values loadColumns(const SequenceTensor &operand, Value head);
  void loadFactors(Head &into, Value head);
  Value updateRow(Values &row, const Head &head, Value input);
  void storeRow(ValueRange values, const Row &row);
  void loadEpilogue();
  void storeY(Value sum);
  /// Lanes that end up with the same row's sum.
  int32_t copies() const { return shape.lanesPerRow / StepShape::kLoads; }

  KernelBuilder &k;
  const MixerUnit &unit;
  StepShape shape;
  const KernelOperands &p;
  unsigned poolRows;
  /// firstRow is this lane's of the first load, column its first; `ofBlock` the
  /// head of all rows, null where there are several.
  Value zero, batch, ofBlock, firstRow, column;
  Value hasColumns;          // whether the lane does; null: it does
  Value stateRow, ownsState; // null: always
  SmallVector<Row> rows;     // of this lane, one a load
  /// What y's element of this lane is made of beside the sum, where there is
  /// an epilogue.
  Row rowOfY;
  Value x;
  Values fixed, perToken;
};

} // namespace

void StepKernel::setPlace() {
  int64_t perBatch = shape.blocksPerBatch();
  Value block = k.create<BlockOp>(), lane = k.create<LaneOp>();
  zero = k.i(0);
  batch = k.div(block, perBatch);
  Value part = k.rem(block, perBatch);
  if (shape.isOfOneHead) {
    int64_t perHead = unit.headDim / shape.rowsPerBlock();
    ofBlock = k.div(part, perHead);
    part = k.rem(part, perHead);
  }
  column = k.mul(k.rem(lane, shape.lanesPerRow), shape.values);
  if (shape.hasIdleLanes) {
    hasColumns = k.less(column, k.i(unit.stateDim));
    column = k.select(hasColumns, column, zero);
  }
  firstRow = k.add(k.mul(part, shape.rowsPerBlock()),
                   k.add(k.mul(k.create<WarpOp>(), shape.rowsPerWarp),
                         k.div(lane, shape.lanesPerRow)));
  for (int64_t load = 0; load < StepShape::kLoads; ++load)
    rows.push_back(rowOf(k.i(load)));
  stateRow = batch;
  if (p.slots) {
    stateRow = p.slots.load(k, batch);
    ownsState =
        k.compare(arith::CmpIPredicate::ult, stateRow, k.argument(poolRows));
  }
}

/// Rows beyond the last one are the last one, and nothing of them is stored.
StepKernel::Row StepKernel::rowOf(Value load) {
  Value row = k.add(firstRow, k.mul(load, shape.rowsPerLoad));
  if (ofBlock)
    return {ofBlock, row, Value()};
  Value exists;
  if (shape.hasIdleRows()) {
    exists = k.less(row, k.i(shape.rowsPerBatch));
    row = k.min(row, k.i(shape.rowsPerBatch - 1));
  }
  return {k.div(row, unit.headDim), k.rem(row, unit.headDim), exists};
}

SmallVector<KernelBuilder::Values> StepKernel::loadState() {
  Values zeros(StepShape::kLoads * shape.values, k.f(0));
  auto load = [&]() {
    Values all;
    Type element = p.initialState.getElementType();
    for (const Row &row : rows) {
      Value at = p.initialState.at(k, {stateRow, row.head, row.inner, column});
      llvm::append_range(all, k.loadWide(element, at, shape.values));
    }
    return all;
  };
  Values all = zeros;
  if (p.initialState)
    all = ownsState ? k.choose(ownsState, ValueRange(zeros).getTypes(), load,
                               [&]() { return zeros; })
                    : load();
  SmallVector<Values> states;
  for (int64_t r = 0; r < StepShape::kLoads; ++r)
    states.push_back(
        Values(ArrayRef<Value>(all).slice(r * shape.values, shape.values)));
  return states;
}

KernelBuilder::Values StepKernel::loadColumns(const SequenceTensor &operand,
                                              Value head) {
  Value group = unit.groups == 1 ? zero : k.div(head, unit.heads / unit.groups);
  return k.loadWide(operand.getElementType(),
                    operand.at(k, position(group, column)), shape.values);
}

void StepKernel::loadFactors(Head &into, Value head) {
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
    into.scale = decays.front();
  else if (p.scale)
    into.scale = p.scale.discretize(k, p.scale.raw.load(k, position(head)),
                                    p.scale.loadBias(k, head));
  into.factors = splitFactors(k, decays, rates);
}

/// One row: the new state, and this lane's part of y.
Value StepKernel::updateRow(Values &row, const Head &head, Value input) {
  Value sum;
  for (auto [j, value] : llvm::enumerate(row)) {
    if (!head.factors.empty())
      value = fmul(k, value, head.factors[j % head.factors.size()]);
    value = k.fma(input, head.b[j], value);
    sum = sum ? k.fma(value, head.c[j], sum) : k.fmul(value, head.c[j]);
  }
  return hasColumns ? k.select(hasColumns, sum, k.f(0)) : sum;
}

void StepKernel::storeRow(ValueRange values, const Row &row) {
  k.when(k.both(hasColumns, row.exists), [&]() {
    Value at = p.finalState.at(k, {stateRow, row.head, row.inner, column});
    k.storeNarrow(values, p.finalState.getElementType(), at);
  });
}

/// Load r's row ends in the lanes whose upper bits within the row are r. Loaded
/// before any store, which nothing passes, and by all lanes: nothing waits for
/// memory when the sum is there.
void StepKernel::loadEpilogue() {
  Value lane = k.rem(k.create<LaneOp>(), shape.lanesPerRow);
  rowOfY = rowOf(k.div(lane, copies()));
  if (p.epilogue.empty())
    return;
  Position at = position(rowOfY.head, rowOfY.inner);
  x = k.widen(p.x.load(k, at));
  fixed = p.epilogue.load(k, at, Part::fixed);
  perToken = p.epilogue.load(k, at, Part::perToken);
}

void StepKernel::storeY(Value sum) {
  Value lane = k.rem(k.create<LaneOp>(), shape.lanesPerRow);
  Value y = p.epilogue.apply(k, sum, x, fixed, perToken);
  Value isFirst = k.equal(k.rem(lane, copies()), zero);
  k.when(k.both(isFirst, rowOfY.exists),
         [&]() { p.y.store(k, y, position(rowOfY.head, rowOfY.inner)); });
}

void StepKernel::emit() {
  setPlace();
  // All loads of the state first: they are what the kernel waits for.
  SmallVector<Values> states = loadState();
  SmallVector<Head> heads(ofBlock ? 1 : StepShape::kLoads);
  Values inputs, sums;
  for (auto [head, row] : llvm::zip(heads, rows)) {
    head.b = loadColumns(p.b, row.head);
    head.c = loadColumns(p.c, row.head);
  }
  for (const Row &row : rows)
    inputs.push_back(p.x.load(k, position(row.head, row.inner)));
  loadEpilogue();
  for (auto [head, row] : llvm::zip(heads, rows))
    loadFactors(head, row.head);
  for (auto [r, state] : llvm::enumerate(states)) {
    const Head &head = heads[r % heads.size()];
    Value input = k.widen(inputs[r]);
    if (head.scale)
      input = k.fmul(input, head.scale);
    sums.push_back(updateRow(state, head, input));
  }
  if (p.finalState)
    k.when(ownsState, [&]() {
      for (auto [state, row] : llvm::zip(states, rows))
        storeRow(state, row);
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
    if (!shape.isAligned)
      return llvm::formatv("the state dimension is {0}, not a multiple of {1}",
                           unit.stateDim, shape.values);
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
    Value batch = host.size(unit.x.memref, UnitBuffer::batch);
    createLaunch(host, kernel, host.mul(batch, shape.blocksPerBatch()),
                 arguments);
  }
};

} // namespace

const KernelKind &ssd::getStepKernel() {
  static const StepKind kind;
  return kind;
}
