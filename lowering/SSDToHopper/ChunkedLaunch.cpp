//===- ChunkedLaunch.cpp - The chunked kernel: when and on how many blocks ---*-
//C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/ChunkedKernel.h"
#include "lowering/SSDToHopper/Kernels.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace ssd;

ChunkedParameters::ChunkedParameters(KernelArguments &arguments,
                                     const MixerUnit &unit)
    : decay(arguments, unit.decay), rate(arguments, unit.rate),
      initialState(arguments, unit.initialState),
      batch(arguments.size(unit.x.memref, UnitBuffer::batch)),
      length(arguments.size(unit.x.memref, UnitBuffer::token)) {
  auto map = [&](const UnitBuffer &buffer) {
    return arguments.tensorMap(buffer.memref, {1, 64, 1, 64});
  };
  mapX = map(unit.x), mapB = map(unit.b), mapC = map(unit.c),
  mapY = map(unit.y);
  if (!unit.scaleIsDecay)
    scale = Factor(arguments, unit.scale);
  finalState = unit.finalState == unit.initialState
                   ? initialState
                   : Tensor(arguments, unit.finalState);
}

namespace {

/// Whether rows of a state follow each other.
bool hasWholeRows(Value state) {
  auto type = cast<MemRefType>(state.getType());
  auto [strides, offset] = type.getStridesAndOffset();
  return strides[3] == 1 && strides[2] == type.getDimSize(3);
}

std::string whyNotSizes(const MixerUnit &unit, int32_t heads) {
  if (unit.headDim != 64)
    return llvm::formatv("the head dimension is {0}, not 64", unit.headDim);
  if (unit.stateDim != 64 && unit.stateDim != 128)
    return llvm::formatv("the state dimension is {0}, not 64 or 128",
                         unit.stateDim);
  if (unit.heads / unit.groups % heads)
    return "a block's two heads would be of two groups";
  for (const UnitBuffer *buffer : {&unit.x, &unit.b, &unit.c, &unit.y})
    if (buffer->getType().getElementTypeBitWidth() != 16 ||
        !buffer->getType().isLastDimUnitStride())
      return "x, b, c and y are not rows of bf16 or f16";
  for (Value state : {unit.initialState, unit.finalState})
    if (state && !hasWholeRows(state))
      return "the states have strided rows";
  return {};
}

/// One or two heads a block: two where there are enough to keep all
/// multiprocessors busy, as they share the scores.
class ChunkedKind : public KernelKind {
public:
  ChunkedKind(int32_t heads) : heads(heads) {}

  StringRef getName() const override {
    return heads == 2 ? "chunked" : "chunked_single";
  }
  StringRef getTarget() const override { return "sm_90a"; }

  std::string whyNot(const MixerUnit &unit) const override {
    if (unit.isStep)
      return "it is a step";
    if (isa_and_present<RecurrentAttr>(unit.form))
      return "the form is recurrent";
    if (unit.reverse || unit.segmentIds || unit.offsets || unit.slots ||
        unit.checkpoints)
      return "it has no reverse direction, segments, offsets, slots or "
             "checkpoints";
    if (unit.hasDiagonalDecay())
      return "each state column has a decay of its own";
    std::string why = whyNotSizes(unit, heads);
    return why.empty() ? ChunkedEpilogue::whyNot(unit) : why;
  }

  /// Tensor maps describe what is aligned and not empty.
  Value buildCondition(HostBuilder &host,
                       const MixerUnit &unit) const override {
    Value batch = host.size(unit.x.memref, UnitBuffer::batch);
    Value length = host.size(unit.x.memref, UnitBuffer::token);
    Value condition = host.less(host.constant(0), host.mul(batch, length));
    SmallVector<Value> mapped = {unit.x.memref, unit.b.memref, unit.c.memref,
                                 unit.y.memref};
    for (Value other :
         {ChunkedEpilogue::getTiled(unit), unit.initialState, unit.finalState})
      if (other)
        mapped.push_back(other);
    for (Value memref : mapped)
      condition = host.land(condition, host.isMappable(memref));
    if (heads == 1)
      return condition;
    Value busy = host.less(host.multiprocessors(), host.mul(batch, unit.heads));
    return host.land(condition, busy);
  }

  LogicalResult build(HostBuilder &host, gpu::GPUModuleOp module,
                      StringRef name, const MixerUnit &unit) const override {
    ChunkedShape shape(unit, heads);
    KernelArguments arguments(host);
    ChunkedParameters parameters(arguments, unit);
    ChunkedEpilogue epilogue(arguments, unit);
    Value blocks = schedule(host, unit, shape, arguments, parameters);
    OpBuilder builder(module.getContext());
    auto kernel =
        createKernel(builder, module, name, arguments.getTypes(),
                     shape.threads(), ChunkedKernel::sharedBytes(shape));
    KernelBuilder k(builder, kernel);
    ChunkedKernel(k, unit, shape, parameters, epilogue).emit();
    createLaunch(host, kernel, blocks, arguments);
    return success();
  }

private:
  /// More than any chip has multiprocessors: bounds the memory for handing
  /// over.
  static constexpr int64_t kMaxBlocks = 256;

  /// Equal runs of chunks for at most one block a multiprocessor, as neighbours
  /// wait for each other. Returns the number of blocks.
  Value schedule(HostBuilder &host, const MixerUnit &unit,
                 const ChunkedShape &shape, KernelArguments &arguments,
                 ChunkedParameters &parameters) const {
    Value batch = host.size(unit.x.memref, UnitBuffer::batch);
    Value length = host.size(unit.x.memref, UnitBuffer::token);
    Value sequences = host.mul(batch, unit.heads / heads);
    Value chunks = host.ceilDiv(length, 64);
    Value total = host.mul(sequences, chunks);
    Value most = host.min(sequences, host.constant(kMaxBlocks));
    Value run = host.ceilDiv(total, host.min(most, host.multiprocessors()));
    Value states = host.mul(most, heads);
    Value handed = host.workspace(host.mul(states, shape.stateBytes()));
    Value flags = host.workspace(host.mul(states, 4));
    clearIfCut(host, flags, run, chunks);
    parameters.handed = arguments.pointer(handed);
    parameters.flags = arguments.pointer(flags);
    parameters.chunksPerBlock = arguments.integer(run);
    return host.ceilDiv(total, run);
  }

  /// Flags are only looked at where a run ends within a sequence.
  static void clearIfCut(HostBuilder &host, Value flags, Value run,
                         Value chunks) {
    Value rest =
        host.builder.createOrFold<arith::RemSIOp>(host.loc, run, chunks);
    Value isCut = host.less(host.constant(0), rest);
    scf::IfOp::create(host.builder, host.loc, isCut,
                      [&](OpBuilder &builder, Location loc) {
                        hopper::ClearOp::create(builder, loc, flags);
                        scf::YieldOp::create(builder, loc);
                      });
  }

  int32_t heads;
};

} // namespace

const KernelKind &ssd::getChunkedKernel(int32_t headsPerBlock) {
  static const ChunkedKind single(1), pair(2);
  return headsPerBlock == 1 ? single : pair;
}
