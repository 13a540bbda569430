//===- StepKernel.cpp - The decode step ---*- C++ -*-===//
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

/// How a warp covers state rows: each lane reads 16 bytes of a row, so that one
/// load instruction covers one row or several, and all loads are issued before
/// the first is used.
struct StepShape {
  StepShape(const StepKernelConfig &config) {
    values = config.stateBF16 ? 8 : 4;
    while (config.mixer.stateDim % (values * 2) == 0 &&
           config.mixer.stateDim / values > 32)
      values *= 2;
    lanesPerRow = config.mixer.stateDim / values;
    rowsPerLoad = 32 / lanesPerRow;
    rowsPerWarp = kLoads * rowsPerLoad;
    rowsPerBlock = rowsPerWarp * kStepThreads / 32;
    // Small head dimensions: fewer warps would idle lanes, so blocks shrink.
    rowsPerBlock = std::min<int64_t>(rowsPerBlock, config.mixer.headDim);
  }

  /// Measured: 8 cost occupancy, 13 % at batch 256 with bf16 states.
  static constexpr int64_t kLoads = 4;
  int64_t values, lanesPerRow, rowsPerLoad, rowsPerWarp, rowsPerBlock;
};

struct StepParameters {
  Value x, b, c, y, decay, rate, scale, skip, state;
};

class StepKernel {
public:
  StepKernel(KernelBuilder &k, const StepKernelConfig &config,
             const StepParameters &parameters)
      : k(k), config(config), shape(config), p(parameters) {
    stateType = config.stateBF16 ? Type(k.builder.getBF16Type()) : k.f32();
  }
  void emit();

private:
  using Values = KernelBuilder::Values;
  Value perHead(Value pointer, Value index) {
    return k.loadGlobal(k.f32(), k.at(pointer, k.mulWide(index, 4)), 4);
  }
  /// One row: the new state, and this lane's part of y.
  Value updateRow(Values &row, ArrayRef<Value> b, ArrayRef<Value> c,
                  Value factor, Value input);
  void storeOutputs(Value sum, Value head, Value firstRow);

  KernelBuilder &k;
  const StepKernelConfig &config;
  StepShape shape;
  StepParameters p;
  Type stateType;
};

} // namespace

Value StepKernel::updateRow(Values &row, ArrayRef<Value> b, ArrayRef<Value> c,
                            Value factor, Value input) {
  Value sum;
  for (auto [value, bn, cn] : llvm::zip(row, b, c)) {
    value = k.fma(input, bn, k.fmul(factor, value));
    sum = sum ? k.fma(value, cn, sum) : k.fmul(value, cn);
  }
  return sum;
}

void StepKernel::emit() {
  const MixerOperands &mixer = config.mixer;
  Type bf16 = k.builder.getBF16Type();
  int64_t parts = mixer.headDim / shape.rowsPerBlock;
  Value block = k.create<BlockOp>(), lane = k.create<LaneOp>();
  Value row = k.div(block, k.i(parts)); // b·H + h
  Value batch = k.div(row, k.i(mixer.heads)),
        head = k.rem(row, k.i(mixer.heads));
  Value group = k.div(head, k.i(mixer.heads / mixer.groups));
  Value column = k.mul(k.rem(lane, k.i(shape.lanesPerRow)), shape.values);
  // This lane's row of the first load.
  Value firstRow = k.add(k.mul(k.rem(block, k.i(parts)), shape.rowsPerBlock),
                         k.add(k.mul(k.create<WarpOp>(), shape.rowsPerWarp),
                               k.div(lane, k.i(shape.lanesPerRow))));

  // All loads of the state first: they are what the kernel waits for.
  int64_t elementBytes = config.stateBF16 ? 2 : 4;
  int64_t rowBytes = mixer.stateDim * elementBytes;
  Value firstByte = k.addWide(
      k.mulWide(k.addWide(k.mulWide(row, mixer.headDim), k.wide(firstRow)),
                rowBytes),
      k.wide(k.mul(column, elementBytes)));
  Value base = k.at(p.state, firstByte);
  SmallVector<Values> rows;
  SmallVector<Value> pointers;
  for (int64_t r = 0; r < StepShape::kLoads; ++r) {
    pointers.push_back(k.at(base, k.i(r * shape.rowsPerLoad * rowBytes)));
    rows.push_back(k.loadWide(stateType, pointers.back(), shape.values));
  }

  auto mapRow = [&](Value pointer) {
    Value index = k.add(k.mul(batch, mixer.groups), group);
    Value bytes = k.addWide(k.mulWide(index, 2 * mixer.stateDim),
                            k.wide(k.mul(column, 2)));
    return k.loadWide(bf16, k.at(pointer, bytes), shape.values);
  };
  Values b = mapRow(p.b), c = mapRow(p.c);
  Value log = k.f(mixer.decay || mixer.rate ? kLog2E : 0);
  Value decay = mixer.decay ? perHead(p.decay, row) : Value();
  if (decay)
    log = k.fmul(log, decay);
  if (mixer.rate)
    log = k.fmul(log, perHead(p.rate, head));
  Value factor = k.exp2(log), scale;
  if (mixer.scale)
    scale = mixer.scaleIsDecay ? decay : perHead(p.scale, row);

  Values sums;
  for (int64_t r = 0; r < StepShape::kLoads; ++r) {
    Value position = k.addWide(k.mulWide(row, mixer.headDim),
                               k.wide(k.add(firstRow, r * shape.rowsPerLoad)));
    Value input = k.loadWide(bf16, k.at(p.x, k.mulWide(position, 2)), 1)[0];
    if (scale)
      input = k.fmul(input, scale);
    sums.push_back(updateRow(rows[r], b, c, factor, input));
    k.storeNarrow(rows[r], stateType, pointers[r]);
  }
  storeOutputs(k.sumOverLanes(sums, shape.lanesPerRow), row, firstRow);
}

/// Load r's row ends in the lanes whose upper bits within the row are r.
void StepKernel::storeOutputs(Value sum, Value head, Value firstRow) {
  Type bf16 = k.builder.getBF16Type();
  Value lane = k.rem(k.create<LaneOp>(), k.i(shape.lanesPerRow));
  int64_t copies = shape.lanesPerRow / StepShape::kLoads;
  Value load = k.div(lane, k.i(copies));
  Value p64 =
      k.addWide(k.mulWide(head, config.mixer.headDim),
                k.wide(k.add(firstRow, k.mul(load, shape.rowsPerLoad))));
  Value bytes = k.mulWide(p64, 2);
  if (config.mixer.skip) {
    Value x = k.loadWide(bf16, k.at(p.x, bytes), 1)[0];
    sum = k.fma(perHead(p.skip, k.rem(head, k.i(config.mixer.heads))), x, sum);
  }
  k.when(k.equal(k.rem(lane, k.i(copies)), k.i(0)),
         [&]() { k.storeNarrow(sum, bf16, k.at(p.y, bytes)); });
}

int64_t ssd::stepRowsPerBlock(const StepKernelConfig &config) {
  return StepShape(config).rowsPerBlock;
}

LogicalResult ssd::buildStepKernel(OpBuilder &builder, gpu::GPUModuleOp module,
                                   const StepKernelConfig &config) {
  const MixerOperands &mixer = config.mixer;
  StepShape shape(config);
  if (!llvm::isPowerOf2_64(mixer.stateDim) || shape.lanesPerRow > 32 ||
      shape.lanesPerRow < StepShape::kLoads)
    return module.emitError(
               "the step kernel has no layout for state dimension ")
           << mixer.stateDim;
  if (mixer.headDim % shape.rowsPerBlock ||
      shape.rowsPerBlock % shape.rowsPerWarp)
    return module.emitError("the step kernel takes head dimensions that are "
                            "multiples of ")
           << shape.rowsPerWarp;
  OpBuilder::InsertionGuard guard(builder);
  KernelBuilder k(builder, module.getLoc());
  SmallVector<Type> inputs(9, k.global());
  int32_t threads = shape.rowsPerBlock / shape.rowsPerWarp * 32;
  auto func = createKernel(builder, module, config.name, inputs, threads, 0);
  func->setAttr("ssd.rows_per_block",
                builder.getI32IntegerAttr(shape.rowsPerBlock));
  auto a = func.getArguments();
  StepParameters p = {a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]};
  StepKernel(k, config, p).emit();
  return success();
}
