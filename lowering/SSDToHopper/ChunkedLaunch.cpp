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
  c = tiles(unit.c), y = tiles(unit.y);
  if (!unit.scaleIsDecay)
    scale = Factor(arguments, unit.scale);
  finalState = unit.finalState == unit.initialState
                   ? initialState
                   : Tensor(arguments, unit.finalState);
  checkpoints = Tensor(arguments, unit.checkpoints);
  if (unit.slots)
    poolRows = addPoolRows(arguments, unit);
  if (shape.isPacked && !y.rows)
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
  if (unit.heads / unit.groups % ChunkedShape(unit, block).heads)
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
/// Runs before its own whose states a block sums up itself; where there are
/// more, a pass sums up for all.
constexpr int64_t kMaxReach = 6;

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
    count = host.mul(number, ChunkedShape(unit, block).unitsPerBatch);
    chunks = host.ceilDiv(tokens, 64);
    total = host.mul(count, chunks);
  }

  Value number, count;
  Value chunks; // of one; where they are packed, the mean
  Value total;
};

/// How the chunks of all sequences are laid out in runs, a block each, and what
/// that takes.
struct Schedule {
  Schedule(HostBuilder &host, const MixerUnit &unit, ChunkedBlock block)
      : sequences(host, unit, block) {
    parts = ChunkedShape::partsOf(unit);
    Value multiprocessors = host.multiprocessors();
    Value least = host.ceilDiv(sequences.total, multiprocessors);
    auto [wholeTime, cutTime] = nanosecondsOf(block);
    // At most one block a multiprocessor, as neighbours wait for each other.
    run = host.max(sequences.chunks, least);
    time = host.mul(run, wholeTime);
    if (!ChunkedShape(unit, block).mayCut)
      return;
    Value cut = parts ? host.ceilDiv(sequences.chunks, parts) : least;
    Value reach = host.ceilDiv(sequences.chunks, cut);
    Value isPassed = host.less(host.constant(kMaxReach), reach);
    Value more = host.select(isPassed, host.constant(kPassTime),
                             host.add(host.mul(reach, kReachTime), kCutTime));
    Value timeCut = host.add(host.mul(cut, cutTime), more);
    isCut = parts ? host.less(cut, sequences.chunks) : host.less(timeCut, time);
    needsPass = host.land(isCut, isPassed);
    run = host.select(isCut, cut, run);
    time = host.select(isCut, timeCut, time);
  }

  Sequences sequences;
  int64_t parts;   // of a sequence, 0 where the form leaves it open
  Value run;       // chunks
  Value isCut;     // whether runs are shorter than sequences; null: no
  Value needsPass; // null: no
  Value time;      // ns, estimated

private:
  /// A chunk's time, and what cutting takes but for these (NOTES.md).
  static std::pair<int64_t, int64_t> nanosecondsOf(ChunkedBlock block) {
    if (block.isPortable)
      return {2050, 3000};
    return block.stateWarpgroups == 1 ? std::pair(1040, 1600)
                                      : std::pair(1500, 2350);
  }
  static constexpr int64_t kCutTime = 3000, kReachTime = 1000,
                           kPassTime = 10000;
};

/// A launch of the chunked kernel, without its schedule.
struct ChunkedLaunch {
  ChunkedLaunch(HostBuilder &host, const MixerUnit &unit, ChunkedBlock block)
      : host(host), unit(unit), shape(unit, block), arguments(host),
        parameters(arguments, unit, shape),
        epilogue(arguments, unit, shape.transport) {}

  gpu::GPUFuncOp build(gpu::GPUModuleOp module) {
    OpBuilder builder(module.getContext());
    auto kernel =
        createKernel(builder, module, arguments.getTypes(), shape.threads(),
                     ChunkedKernel::sharedBytes(shape));
    KernelBuilder k(builder, kernel);
    ChunkedKernel(k, unit, shape, parameters, &epilogue).emit();
    return kernel;
  }

  HostBuilder &host;
  const MixerUnit &unit;
  ChunkedShape shape;
  KernelArguments arguments;
  ChunkedParameters parameters;
  ChunkedEpilogue epilogue;
};

/// One or two row blocks a block: two share the scores, one leaves fewer
/// multiprocessors idle. One where its state takes both warpgroups, and on
/// other chips than Hopper.
class ChunkedKind final : public KernelKind {
public:
  ChunkedKind(ChunkedBlock block) : block(block) {}

  StringRef getName() const override {
    if (block.isPortable)
      return "chunked_portable";
    return block.stateWarpgroups == 2 ? "chunked" : "chunked_single";
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

  /// Tensor maps and copies of rows are of what is aligned and not empty. Two
  /// warpgroups of states only where they are estimated to be faster than one,
  /// if one could hold a state.
  Value buildCondition(HostBuilder &host,
                       const MixerUnit &unit) const override {
    Schedule schedule(host, unit, block);
    Value condition = host.less(host.constant(0), schedule.sequences.total);
    SmallVector<Value> mapped = {unit.x.memref, unit.b.memref, unit.c.memref,
                                 unit.y.memref};
    for (Value other : {ChunkedEpilogue::getTiled(unit), unit.initialState,
                        unit.finalState, unit.checkpoints})
      if (other)
        mapped.push_back(other);
    for (Value memref : mapped)
      condition = host.land(condition, host.isMappable(memref));
    if (block.stateWarpgroups == ChunkedShape::columnPartsOf(unit))
      return condition;
    Schedule single(host, unit, {1});
    return host.land(condition, host.less(schedule.time, single.time));
  }

  LogicalResult build(HostBuilder &host, KernelModules &modules,
                      const MixerUnit &unit) const override {
    ChunkedLaunch launch(host, unit, block);
    if (unit.offsets)
      buildPacked(launch, modules);
    else
      buildRuns(launch, modules);
    return success();
  }

private:
  void buildPacked(ChunkedLaunch &launch, KernelModules &modules) const {
    HostBuilder &host = launch.host;
    Sequences sequences(host, launch.unit, block);
    launch.parameters.sequences = launch.arguments.integer(sequences.number);
    gpu::GPUFuncOp kernel = launch.build(modules.create());
    createLaunch(host, kernel,
                 host.min(sequences.count, host.multiprocessors()),
                 launch.arguments);
  }

  void buildRuns(ChunkedLaunch &launch, KernelModules &modules) const {
    HostBuilder &host = launch.host;
    Schedule schedule(host, launch.unit, block);
    const Sequences &sequences = schedule.sequences;
    Value blocks = host.ceilDiv(sequences.total, schedule.run);
    // The size of what is handed over is to be known without a device.
    Value most = launch.shape.mayCut ? sequences.total : sequences.count;
    most = schedule.parts ? host.mul(sequences.count, schedule.parts)
                          : host.min(most, host.constant(kMaxBlocks));
    Value states = host.mul(most, block.stateWarpgroups);
    int64_t stateBytes = 4 * launch.shape.stateElements();
    Buffers buffers;
    buffers.handed = host.workspace(host.mul(states, stateBytes));
    buffers.decays = host.workspace(host.mul(states, 4));
    Value flags = host.workspace(host.mul(states, 4));

    KernelArguments &arguments = launch.arguments;
    ChunkedSchedule &added = launch.parameters.schedule;
    added = addSchedule(arguments, schedule, buffers);
    added.flags = arguments.pointer(flags);
    if (launch.shape.mayCut && launch.unit.initialState &&
        launch.unit.initialState == launch.unit.finalState)
      added.starts =
          arguments.pointer(host.workspace(host.mul(states, stateBytes)));
    auto phase = [&](ChunkedPhase phase) {
      return host.constant(int64_t(phase));
    };
    Value one = host.constant(1);
    auto ifCut = [&](Value cut, Value whole) {
      return schedule.isCut ? host.select(schedule.isCut, cut, whole) : whole;
    };
    added.phase = arguments.integer(
        ifCut(phase(ChunkedPhase::both), phase(ChunkedPhase::whole)));
    added.reach = arguments.integer(ifCut(host.constant(kMaxReach), one));
    gpu::GPUFuncOp kernel = launch.build(modules.create());

    auto launchOnce = [&]() {
      // Flags are only looked at where a run ends within a sequence.
      Value rest = host.builder.createOrFold<arith::RemSIOp>(
          host.loc, schedule.run, sequences.chunks);
      host.branch(host.less(host.constant(0), rest), [&]() {
        hopper::ClearOp::create(host.builder, host.loc, flags);
      });
      createLaunch(host, kernel, blocks, arguments);
    };
    if (!schedule.needsPass)
      return launchOnce();
    auto launchInPhases = [&]() {
      KernelArguments inPhases = arguments.with(added.reach, one);
      auto launchPhase = [&](ChunkedPhase is) {
        createLaunch(host, kernel, blocks,
                     inPhases.with(added.phase, phase(is)));
      };
      launchPhase(ChunkedPhase::states);
      launchPass(launch, modules, schedule, buffers, blocks);
      launchPhase(ChunkedPhase::outputs);
    };
    host.branch(schedule.needsPass, launchInPhases, launchOnce);
  }

  /// What runs leave, between launches.
  struct Buffers {
    Value handed, decays;
  };

  static ChunkedSchedule addSchedule(KernelArguments &arguments,
                                     const Schedule &schedule,
                                     const Buffers &buffers) {
    ChunkedSchedule added;
    added.chunksPerBlock = arguments.integer(schedule.run);
    added.handed = arguments.pointer(buffers.handed);
    added.decays = arguments.pointer(buffers.decays);
    return added;
  }

  void launchPass(ChunkedLaunch &launch, KernelModules &modules,
                  const Schedule &schedule, const Buffers &buffers,
                  Value blocks) const {
    HostBuilder &host = launch.host;
    KernelArguments arguments(host);
    unsigned length = arguments.size(launch.unit.x.memref, UnitBuffer::token);
    unsigned runs = arguments.integer(blocks);
    ChunkedSchedule added = addSchedule(arguments, schedule, buffers);
    OpBuilder builder(host.builder.getContext());
    auto pass = createKernel(builder, modules.create("pass"),
                             arguments.getTypes(), statePassThreads(),
                             /*sharedBytes=*/0);
    KernelBuilder k(builder, pass);
    emitStatePass(k, launch.shape, length, runs, added);
    createLaunch(
        host, pass,
        host.mul(schedule.sequences.count, launch.shape.stateWarpgroups() *
                                               statePassBlocks(launch.shape)),
        arguments);
  }

  ChunkedBlock block;
};

} // namespace

const KernelKind &ssd::getChunkedKernel(int32_t stateWarpgroups) {
  static const ChunkedKind single({1}), pair({2});
  return stateWarpgroups == 1 ? single : pair;
}

const KernelKind &ssd::getPortableKernel() {
  static const ChunkedKind kind({1, /*isPortable=*/true});
  return kind;
}
