//===- ChunkedLaunch.cpp - Chunked kernel: launches -------------*- C++ -*-===//
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
  if (!block.isPortable &&
      block.stateWarpgroups < ChunkedShape::columnPartsOf(unit))
    return llvm::formatv("a state of {0} columns takes two warpgroups",
                         unit.stateDim);
  Type element = unit.x.getElementType();
  for (const UnitBuffer *buffer : {&unit.x, &unit.b, &unit.c, &unit.y})
    if (buffer->getType().getElementTypeBitWidth() !=
            element.getIntOrFloatBitWidth() ||
        !(element.isF32() || element.getIntOrFloatBitWidth() == 16) ||
        !buffer->getType().isLastDimUnitStride())
      return "x, b, c and y are not rows of bf16 or f16, nor all of f32";
  ChunkedShape shape(unit, block);
  if (unit.heads / unit.groups % shape.heads)
    return "a block's two heads would be of two groups";
  if (shape.isSplit() && shape.stateWarpgroups() > 1)
    return "two warpgroups have too few registers for f32";
  if (!shape.whyNot.empty())
    return shape.whyNot;
  for (Value state : {unit.initialState, unit.finalState, unit.checkpoints})
    if (state && !hasWholeRows(state))
      return "the states have strided rows";
  return {};
}

/// More than any chip has multiprocessors.
constexpr int64_t kMaxBlocks = 256;

/// HostBuilder's arithmetic on numbers that are known already.
struct Numbers {
  using Value = int64_t;
  int64_t constant(int64_t value) { return value; }
  int64_t add(int64_t a, int64_t b) { return a + b; }
  int64_t mul(int64_t a, int64_t b) { return a * b; }
  int64_t ceilDiv(int64_t a, int64_t b) { return llvm::divideCeil(a, b); }
  int64_t max(int64_t a, int64_t b) { return std::max(a, b); }
  bool less(int64_t a, int64_t b) { return a < b; }
  int64_t select(bool condition, int64_t a, int64_t b) {
    return condition ? a : b;
  }
  int64_t multiprocessors() { return 132; } // an H200's
};

/// What is known of a unit's sequences, one for each run of row blocks that a
/// block takes: by the host, or now.
template <typename Arithmetic> struct Sequences {
  using Value = typename Arithmetic::Value;
  Sequences(Arithmetic &host, Value number, Value tokens, const MixerUnit &unit,
            ChunkedBlock block)
      : number(number),
        count(host.mul(number, ChunkedShape(unit, block).unitsPerBatch)),
        chunks(host.ceilDiv(tokens, kChunkTokens)),
        total(host.mul(count, chunks)) {}

  Value number, count;
  Value chunks; // of one; where they are packed, the mean
  Value total;
};

Sequences<HostBuilder> sequencesOf(HostBuilder &host, const MixerUnit &unit,
                                   ChunkedBlock block) {
  Value tokens = host.size(unit.x.memref, UnitBuffer::token);
  Value number = host.size(unit.x.memref, UnitBuffer::batch);
  if (unit.offsets) {
    number =
        host.max(host.add(host.size(unit.offsets, 0), -1), host.constant(0));
    tokens = host.ceilDiv(tokens, host.max(number, host.constant(1)));
  }
  return {host, number, tokens, unit, block};
}

/// How the chunks of all sequences are laid out in runs, a block each, and what
/// that takes.
template <typename Arithmetic> struct Schedule {
  using Value = typename Arithmetic::Value;
  Schedule(Arithmetic &host, Sequences<Arithmetic> sequences,
           const MixerUnit &unit, ChunkedBlock block)
      : sequences(sequences) {
    parts = ChunkedShape::partsOf(unit);
    ChunkedShape shape(unit, block);
    Value multiprocessors = host.multiprocessors();
    Value least = host.ceilDiv(sequences.total, multiprocessors);
    const Nanoseconds &ns = nanosecondsOf(shape);
    // At most one block a multiprocessor, as neighbours wait for each other.
    run = host.max(sequences.chunks, least);
    time = host.add(host.mul(run, ns.chunk), kLaunch);
    if (!shape.mayCut)
      return;
    Value cut = parts ? host.ceilDiv(sequences.chunks, parts) : least;
    cut = host.max(cut, host.constant(1)); // of nothing
    // Runs before its own that a block sums up.
    Value reach = host.ceilDiv(sequences.chunks, cut);
    Value bytes =
        host.mul(host.mul(sequences.number, sequences.chunks),
                 64 * unit.heads * unit.headDim *
                     unit.x.getElementType().getIntOrFloatBitWidth() / 8);
    Value chunkTwice = host.select(host.less(host.constant(kCacheBytes), bytes),
                                   host.constant(ns.chunkTwiceFromMemory),
                                   host.constant(ns.chunkTwice));
    Value timeCut =
        host.add(host.mul(cut, chunkTwice), host.mul(reach, ns.reach));
    timeCut = host.add(timeCut, ns.cutting + kLaunch);
    auto isFaster =
        parts ? host.less(cut, sequences.chunks) : host.less(timeCut, time);
    run = host.select(isFaster, cut, run);
    time = host.select(isFaster, timeCut, time);
  }

  Sequences<Arithmetic> sequences;
  int64_t parts; // of a sequence, 0 where the form leaves it open
  Value run;     // chunks, fewer than a sequence has where it is cut
  Value time;    // ns, estimated

private:
  /// What was measured (NOTES.md): a chunk of a whole sequence, and of one that
  /// is cut, whose states are computed twice, also where x does not stay in the
  /// cache in between; a state that is added, and all else that cutting takes.
  /// Portable states in parts were not: theirs are counted from those in one.
  struct Nanoseconds {
    int64_t chunk, chunkTwice, chunkTwiceFromMemory, reach, cutting;
  };
  static const Nanoseconds &nanosecondsOf(const ChunkedShape &shape) {
    static constexpr Nanoseconds single = {1030, 1470, 1820, 350, 3000},
                                 pair = {1500, 2180, 2700, 610, 4000},
                                 portable = {2050, 3000, 3000, 350, 3000},
                                 portableParts = {3500, 5200, 5200, 600, 4000},
                                 ofTerms = {4500, 7500, 7800, 600, 4000},
                                 portableOfTerms = {12000, 20000, 20000, 600,
                                                    4000};
    if (shape.isSplit())
      return shape.isPortable ? portableOfTerms : ofTerms;
    if (shape.isPortable)
      return shape.columnParts > 1 ? portableParts : portable;
    return shape.stateWarpgroups() == 1 ? single : pair;
  }
  static constexpr int64_t kLaunch = 1500, kCacheBytes = 64 << 20;
};

Schedule<HostBuilder> scheduleOf(HostBuilder &host, const MixerUnit &unit,
                                 ChunkedBlock block) {
  return {host, sequencesOf(host, unit, block), unit, block};
}

/// A launch of the chunked kernel, without its schedule.
struct ChunkedLaunch {
  ChunkedLaunch(HostBuilder &host, const MixerUnit &unit, ChunkedBlock block)
      : host(host), unit(unit), shape(unit, block), arguments(host),
        parameters(arguments, unit, shape),
        epilogue(arguments, unit, shape.transport) {}

  gpu::GPUFuncOp build(gpu::GPUModuleOp module) {
    OpBuilder builder(module.getContext());
    auto kernel = createKernel(builder, module, arguments.getTypes(),
                               shape.threads(), ChunkedMemory(shape).end);
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
/// every chip since Ampere.
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
    if (unit.checkpoints && *unit.checkpointEvery % kChunkTokens)
      return llvm::formatv("checkpoints, every {0} tokens, are within chunks",
                           *unit.checkpointEvery);
    if (unit.hasDiagonalDecay())
      return "each state column has a decay of its own";
    std::string why = whyNotSizes(unit, block);
    return why.empty() ? ChunkedEpilogue::whyNot(unit) : why;
  }

  bool hasStages() const override { return true; }

  std::optional<double> estimate(const MixerUnit &unit, int64_t batch,
                                 int64_t length) const override {
    Numbers numbers;
    Sequences<Numbers> sequences(numbers, batch, length, unit, block);
    return Schedule<Numbers>(numbers, sequences, unit, block).time * 1e-3;
  }

  /// Tensor maps and copies of rows are of what is aligned and not empty. Two
  /// warpgroups of states only where they are asked for or estimated to be
  /// faster than one, if one could hold a state.
  Value buildCondition(HostBuilder &host,
                       const MixerUnit &unit) const override {
    Schedule schedule = scheduleOf(host, unit, block);
    Value condition = host.less(host.constant(0), schedule.sequences.total);
    SmallVector<Value> mapped = {unit.x.memref, unit.b.memref, unit.c.memref,
                                 unit.y.memref};
    for (Value other : {ChunkedEpilogue::getTiled(unit), unit.initialState,
                        unit.finalState, unit.checkpoints})
      if (other)
        mapped.push_back(other);
    for (Value memref : mapped)
      condition = host.land(condition, host.isMappable(memref));
    if (unit.kernel || ChunkedShape(unit, block).rowBlocks() == 1)
      return condition;
    Schedule single = scheduleOf(host, unit, {1});
    return host.land(condition, host.less(schedule.time, single.time));
  }

  void build(HostBuilder &host, gpu::GPUModuleOp module,
             const MixerUnit &unit) const override {
    ChunkedLaunch launch(host, unit, block);
    if (unit.offsets)
      buildPacked(launch, module);
    else
      buildRuns(launch, module);
  }

private:
  void buildPacked(ChunkedLaunch &launch, gpu::GPUModuleOp module) const {
    HostBuilder &host = launch.host;
    Sequences sequences = sequencesOf(host, launch.unit, block);
    launch.parameters.sequences = launch.arguments.integer(sequences.number);
    gpu::GPUFuncOp kernel = launch.build(module);
    createLaunch(host, kernel,
                 host.min(sequences.count, host.multiprocessors()),
                 launch.arguments);
  }

  void buildRuns(ChunkedLaunch &launch, gpu::GPUModuleOp module) const {
    HostBuilder &host = launch.host;
    Schedule schedule = scheduleOf(host, launch.unit, block);
    const Sequences<HostBuilder> &sequences = schedule.sequences;
    Value blocks = host.ceilDiv(sequences.total, schedule.run);
    // The size of what is handed over is to be known without a device.
    Value count = sequences.count, runs = host.constant(1);
    if (schedule.parts) {
      runs = host.constant(schedule.parts);
      count = host.mul(count, runs);
    } else {
      Value most = host.constant(kMaxBlocks);
      if (launch.shape.mayCut) {
        runs = host.min(sequences.chunks, most);
        count = sequences.total;
      }
      count = host.min(count, most);
    }
    Value states = host.mul(count, launch.shape.stateWarpgroups());
    int64_t stateBytes = 4 * launch.shape.stateElements();
    Value handed = host.workspace(host.mul(states, stateBytes)),
          decays = host.workspace(host.mul(states, 4)),
          flags = host.workspace(host.mul(host.mul(states, runs), 8));

    KernelArguments &arguments = launch.arguments;
    ChunkedSchedule &added = launch.parameters.schedule;
    added.chunksPerBlock = arguments.integer(schedule.run);
    added.handed = arguments.pointer(handed);
    added.decays = arguments.pointer(decays);
    added.flags = arguments.pointer(flags);
    if (launch.shape.mayCut && launch.unit.initialState &&
        launch.unit.initialState == launch.unit.finalState)
      added.starts =
          arguments.pointer(host.workspace(host.mul(states, stateBytes)));
    gpu::GPUFuncOp kernel = launch.build(module);
    createLaunch(host, kernel, blocks, arguments);
  }

  ChunkedBlock block;
};

} // namespace

const KernelKind &ssd::getChunkedKernel(int32_t stateWarpgroups) {
  static const ChunkedKind single({1}), pair({2});
  return stateWarpgroups == 1 ? single : pair;
}

const KernelKind &ssd::getPortableKernel() {
  static const ChunkedKind kind(ChunkedBlock::portable());
  return kind;
}
