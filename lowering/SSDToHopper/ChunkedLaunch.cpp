//===- ChunkedLaunch.cpp - The chunked kernel: when and on how many blocks ---*-
// C++ -*-===//
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
                                     const MixerUnit &unit,
                                     const ChunkedShape &shape)
    : decay(arguments, unit.decay), segmentIds(arguments, unit.segmentIds),
      rate(arguments, unit.rate), offsets(arguments, unit.offsets),
      slots(arguments, unit.slots), initialState(arguments, unit.initialState),
      batch(arguments.size(unit.x.memref, UnitBuffer::batch)),
      length(arguments.size(unit.x.memref, UnitBuffer::token)) {
  auto tiles = [&](const UnitBuffer &buffer) {
    return TileTensor(arguments, buffer, shape.transport);
  };
  x = tiles(unit.x), b = tiles(unit.b);
  if (shape.hasOutputs)
    c = tiles(unit.c), y = tiles(unit.y);
  if (!unit.scaleIsDecay)
    scale = Factor(arguments, unit.scale);
  finalState = unit.finalState == unit.initialState
                   ? initialState
                   : Tensor(arguments, unit.finalState);
  if (shape.hasOutputs)
    checkpoints = Tensor(arguments, unit.checkpoints);
  if (unit.slots)
    poolRows = addPoolRows(arguments, unit);
  if (shape.phase == ChunkedPhase::packed && !y.rows)
    y.rows = SequenceTensor(arguments, unit.y);
}

namespace {

/// Whether rows of states follow each other.
bool hasWholeRows(Value states) {
  auto type = cast<MemRefType>(states.getType());
  auto [strides, offset] = type.getStridesAndOffset();
  return strides.back() == 1 &&
         *std::next(strides.rbegin()) == type.getShape().back();
}

std::string whyNotSizes(const MixerUnit &unit, ChunkedBlock block) {
  auto isWithin = [](int64_t size, int64_t most) {
    return size > 0 && size <= most && size % 8 == 0;
  };
  if (!isWithin(unit.headDim, 256))
    return llvm::formatv(
        "the head dimension is {0}, not a multiple of 8 up to 256",
        unit.headDim);
  if (!isWithin(unit.stateDim, 256))
    return llvm::formatv(
        "the state dimension is {0}, not a multiple of 8 up to 256",
        unit.stateDim);
  if (block.stateWarpgroups < ChunkedShape::columnPartsOf(unit))
    return llvm::formatv("a state of {0} columns takes two warpgroups",
                         unit.stateDim);
  if (unit.heads / unit.groups %
      ChunkedShape(unit, block, ChunkedPhase::whole).heads)
    return "a block's two heads would be of two groups";
  for (const UnitBuffer *buffer : {&unit.x, &unit.b, &unit.c, &unit.y})
    if (buffer->getType().getElementTypeBitWidth() != 16 ||
        !buffer->getType().isLastDimUnitStride())
      return "x, b, c and y are not rows of bf16 or f16";
  for (Value state : {unit.initialState, unit.finalState, unit.checkpoints})
    if (state && !hasWholeRows(state))
      return "the states have strided rows";
  return {};
}

/// More than any chip has multiprocessors.
constexpr int64_t kMaxBlocks = 256;

int64_t unitsPerBatch(const MixerUnit &unit, ChunkedBlock block) {
  return ChunkedShape(unit, block, ChunkedPhase::whole).unitsPerBatch;
}

/// What the host knows of a unit's sequences, one for each run of row blocks
/// that a block takes.
struct Sequences {
  Sequences(HostBuilder &host, const MixerUnit &unit, ChunkedBlock block) {
    Value tokens = host.size(unit.x.memref, UnitBuffer::token);
    number = host.size(unit.x.memref, UnitBuffer::batch);
    if (unit.offsets) {
      number =
          host.max(host.add(host.size(unit.offsets, 0), -1), host.constant(0));
      tokens = host.ceilDiv(tokens, host.max(number, host.constant(1)));
    }
    count = host.mul(number, unitsPerBatch(unit, block));
    chunks = host.ceilDiv(tokens, 64);
    total = host.mul(count, chunks);
  }

  Value number, count;
  Value chunks; // of one; where they are packed, the mean
  Value total;
};

/// A launch of the chunked kernel of one phase, without its schedule.
struct ChunkedLaunch {
  ChunkedLaunch(HostBuilder &host, const MixerUnit &unit, ChunkedBlock block,
                ChunkedPhase phase)
      : host(host), unit(unit), shape(unit, block, phase), arguments(host),
        parameters(arguments, unit, shape) {
    if (shape.hasOutputs)
      epilogue.emplace(arguments, unit, shape.transport);
  }

  void launch(gpu::GPUModuleOp module, Value blocks) {
    OpBuilder builder(module.getContext());
    auto kernel =
        createKernel(builder, module, arguments.getTypes(), shape.threads(),
                     ChunkedKernel::sharedBytes(shape));
    KernelBuilder k(builder, kernel);
    ChunkedKernel(k, unit, shape, parameters, epilogue ? &*epilogue : nullptr)
        .emit();
    createLaunch(host, kernel, blocks, arguments);
  }

  HostBuilder &host;
  const MixerUnit &unit;
  ChunkedShape shape;
  KernelArguments arguments;
  ChunkedParameters parameters;
  std::optional<ChunkedEpilogue> epilogue;
};

/// One or two row blocks a block: two share the scores, one leaves fewer
/// multiprocessors idle. One where its state takes both warpgroups, and on
/// other chips than Hopper.
class ChunkedKind : public KernelKind {
public:
  ChunkedKind(ChunkedBlock block) : block(block) {}

  StringRef getName() const override {
    if (block.isPortable)
      return "chunked_portable";
    return isPair() ? "chunked" : "chunked_single";
  }
  StringRef getTarget() const override {
    return block.isPortable ? "sm_80" : "sm_90a";
  }

  std::string whyNot(const MixerUnit &unit) const override {
    if (unit.isStep)
      return "it is a step";
    if (isa_and_present<RecurrentAttr>(unit.form))
      return "the form is recurrent";
    if (unit.checkpoints && *unit.checkpointEvery % 64)
      return llvm::formatv("checkpoints, every {0} tokens, are within chunks",
                           *unit.checkpointEvery);
    if (unit.hasDiagonalDecay())
      return "each state column has a decay of its own";
    std::string why = whyNotSizes(unit, block);
    return why.empty() ? ChunkedEpilogue::whyNot(unit) : why;
  }

  /// Tensor maps and copies of rows are of what is aligned and not empty.
  Value buildCondition(HostBuilder &host,
                       const MixerUnit &unit) const override {
    Sequences sequences(host, unit, block);
    Value condition = host.less(host.constant(0), sequences.total);
    SmallVector<Value> mapped = {unit.x.memref, unit.b.memref, unit.c.memref,
                                 unit.y.memref};
    for (Value other : {ChunkedEpilogue::getTiled(unit), unit.initialState,
                        unit.finalState, unit.checkpoints})
      if (other)
        mapped.push_back(other);
    for (Value memref : mapped)
      condition = host.land(condition, host.isMappable(memref));
    return host.land(condition, buildPreference(host, unit, sequences));
  }

  LogicalResult build(HostBuilder &host, KernelModules &modules,
                      const MixerUnit &unit) const override {
    Sequences sequences(host, unit, block);
    if (unit.offsets)
      return buildPacked(host, modules, unit, sequences);
    ChunkedLaunch kernel(host, unit, block, ChunkedPhase::whole);
    Value most = host.min(sequences.count, host.constant(kMaxBlocks));
    // At most one block a multiprocessor, as neighbours wait for each other.
    Value run =
        host.ceilDiv(sequences.total, host.min(most, host.multiprocessors()));
    Value states = host.mul(most, block.stateWarpgroups);
    Value handed =
        host.workspace(host.mul(states, 4 * kernel.shape.stateElements()));
    Value flags = host.workspace(host.mul(states, 4));
    clearIfCut(host, flags, run, sequences.chunks);
    ChunkedSchedule &schedule = kernel.parameters.schedule;
    schedule.handed = kernel.arguments.pointer(handed);
    schedule.flags = kernel.arguments.pointer(flags);
    schedule.chunksPerBlock = kernel.arguments.integer(run);
    kernel.launch(modules.create(), host.ceilDiv(sequences.total, run));
    return success();
  }

protected:
  /// Whether this kind is the fastest of those that could run, i1; null: yes.
  virtual Value buildPreference(HostBuilder &host, const MixerUnit &unit,
                                const Sequences &sequences) const {
    int32_t least = ChunkedShape::columnPartsOf(unit);
    if (block.stateWarpgroups == least)
      return {};
    return host.less(getTime(host, unit, block), getTime(host, unit, {least}));
  }

  /// Nanoseconds, estimated: what a chunk with one and with two state
  /// warpgroups takes.
  static Value getTime(HostBuilder &host, const MixerUnit &unit,
                       ChunkedBlock block) {
    Sequences sequences(host, unit, block);
    Value run = host.max(sequences.chunks,
                         host.ceilDiv(sequences.total, host.multiprocessors()));
    return host.mul(run, block.stateWarpgroups == 1 ? 1040 : 1500);
  }

  bool isPair() const { return block.stateWarpgroups == 2; }

  ChunkedBlock block;

private:
  LogicalResult buildPacked(HostBuilder &host, KernelModules &modules,
                            const MixerUnit &unit,
                            const Sequences &sequences) const {
    ChunkedLaunch kernel(host, unit, block, ChunkedPhase::packed);
    kernel.parameters.sequences = kernel.arguments.integer(sequences.number);
    kernel.launch(modules.create(),
                  host.min(sequences.count, host.multiprocessors()));
    return success();
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
};

/// Runs shorter than a sequence, all multiprocessors busy: where sequences are
/// few, or where the form says in how many parts to cut them.
class SplitKind : public ChunkedKind {
public:
  using ChunkedKind::ChunkedKind;

  StringRef getName() const override {
    return isPair() ? "chunked_split" : "chunked_split_single";
  }

  std::string whyNot(const MixerUnit &unit) const override {
    if (unit.offsets)
      return "packed sequences are not cut";
    if (unit.form && partsOf(unit) == 1)
      return "the form does not cut sequences";
    if (unit.batchInvariant && !partsOf(unit))
      return "whether sequences are cut would depend on the batch";
    if (!isPair() && whyNotSizes(unit, {2}).empty())
      return "two row blocks a block share scores";
    return ChunkedKind::whyNot(unit);
  }

  LogicalResult build(HostBuilder &host, KernelModules &modules,
                      const MixerUnit &unit) const override {
    Sequences sequences(host, unit, block);
    Value run = getRun(host, unit, sequences);
    // The size of what is handed over is to be known without a device.
    Value blocks = host.ceilDiv(sequences.total, run);
    int64_t parts = partsOf(unit);
    Value most = parts ? host.mul(sequences.count, parts)
                       : host.min(sequences.total, host.constant(kMaxBlocks));
    Value count = host.mul(most, block.stateWarpgroups);
    ChunkedShape shape(unit, block, ChunkedPhase::outputs);
    Value handed = host.workspace(host.mul(count, 4 * shape.stateElements()));
    Value decays = host.workspace(host.mul(count, 4)), starts;
    if (unit.initialState && unit.initialState == unit.finalState)
      starts = host.workspace(host.mul(count, 4 * shape.stateElements()));
    auto add = [&](KernelArguments &arguments) {
      ChunkedSchedule schedule;
      schedule.handed = arguments.pointer(handed);
      schedule.decays = arguments.pointer(decays);
      if (starts)
        schedule.starts = arguments.pointer(starts);
      schedule.chunksPerBlock = arguments.integer(run);
      return schedule;
    };
    auto launch = [&](ChunkedPhase phase, StringRef part) {
      ChunkedLaunch kernel(host, unit, block, phase);
      kernel.parameters.schedule = add(kernel.arguments);
      kernel.launch(modules.create(part), blocks);
    };
    launch(ChunkedPhase::states, "states");
    KernelArguments arguments(host);
    unsigned length = arguments.size(unit.x.memref, UnitBuffer::token);
    ChunkedSchedule schedule = add(arguments);
    OpBuilder builder(host.builder.getContext());
    auto pass = createKernel(builder, modules.create("pass"),
                             arguments.getTypes(), statePassThreads(),
                             /*sharedBytes=*/0);
    KernelBuilder k(builder, pass);
    emitStatePass(k, shape, length, schedule);
    createLaunch(host, pass,
                 host.mul(sequences.count,
                          shape.stateWarpgroups() * statePassBlocks(shape)),
                 arguments);
    launch(ChunkedPhase::outputs, "");
    return success();
  }

protected:
  /// Two more launches and every chunk's state once more.
  Value buildPreference(HostBuilder &host, const MixerUnit &unit,
                        const Sequences &sequences) const override {
    if (partsOf(unit))
      return {};
    Value run = getRun(host, unit, sequences);
    Value time = host.add(host.mul(run, isPair() ? 2450 : 1600), 10000);
    int32_t least = ChunkedShape::columnPartsOf(unit);
    Value whole = getTime(host, unit, {least});
    if (block.stateWarpgroups > least)
      whole = host.min(whole, getTime(host, unit, block));
    return host.less(time, whole);
  }

private:
  /// 0 where the form leaves it open.
  static int64_t partsOf(const MixerUnit &unit) {
    auto form = dyn_cast_or_null<ChunkedAttr>(unit.form);
    return form ? form.getParts() : 0;
  }

  Value getRun(HostBuilder &host, const MixerUnit &unit,
               const Sequences &sequences) const {
    if (int64_t parts = partsOf(unit))
      return host.ceilDiv(sequences.chunks, parts);
    return host.ceilDiv(sequences.total, host.multiprocessors());
  }
};

} // namespace

const KernelKind &ssd::getChunkedKernel(int32_t stateWarpgroups) {
  static const ChunkedKind single({1}), pair({2});
  return stateWarpgroups == 1 ? single : pair;
}

const KernelKind &ssd::getSplitKernel(int32_t stateWarpgroups) {
  static const SplitKind single({1}), pair({2});
  return stateWarpgroups == 1 ? single : pair;
}

const KernelKind &ssd::getPortableKernel() {
  static const ChunkedKind kind({1, /*isPortable=*/true});
  return kind;
}
