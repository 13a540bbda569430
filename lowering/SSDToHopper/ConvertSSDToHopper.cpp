//===- ConvertSSDToHopper.cpp - Units to kernels and launches ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Hopper/HopperOps.h"
#include "dialect/SSD/MixerRecords.h"
#include "lowering/HostABI/EntryInfo.h"
#include "lowering/SSDToHopper/Kernels.h"
#include "lowering/SSDToHopper/SSDToHopper.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

namespace ssd {
#define GEN_PASS_DEF_CONVERTSSDTOHOPPER
#include "lowering/SSDToHopper/SSDToHopperPasses.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

namespace {

struct ConvertSSDToHopper
    : ssd::impl::ConvertSSDToHopperBase<ConvertSSDToHopper> {
  using ConvertSSDToHopperBase::ConvertSSDToHopperBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                    UnitAttr::get(&getContext()));
    SmallVector<FusedOp> units;
    module.walk([&](FusedOp op) { units.push_back(op); });
    for (FusedOp op : units)
      if (failed(convert(op)))
        return signalPassFailure();
    WalkResult result = module.walk([&](Operation *op) {
      if (isa<gpu::GPUModuleOp>(op))
        return WalkResult::skip();
      return failed(convertHostOp(op)) ? WalkResult::interrupt()
                                       : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
    records.forEachEntry(
        module, [](FunctionOpInterface entry, std::string text) {
          // Without an ABI there is no table.
          std::optional<EntryInfo> info = EntryInfo::getFrom(entry);
          if (!info)
            return;
          info->mixers = std::move(text);
          info->setOn(entry);
        });
  }

private:
  LogicalResult convert(FusedOp op);
  LogicalResult buildForm(HostBuilder &host, MixerUnit unit);
  LogicalResult checkAskedFor(const MixerUnit &unit);
  LogicalResult checkStages(const MixerUnit &unit);
  void remarkOnForm(const MixerUnit &unit);
  void remarkOn(const KernelKind &kind, const std::string &why,
                const MixerUnit &unit);
  LogicalResult buildCases(HostBuilder &host, const MixerUnit &unit,
                           ArrayRef<int64_t> bounds, ArrayRef<Attribute> forms);
  LogicalResult buildKernels(HostBuilder &host, const MixerUnit &unit,
                             ArrayRef<const KernelKind *> kinds);
  std::string whyNot(const KernelKind &kind, const MixerUnit &unit);
  gpu::GPUModuleOp createModule(Location loc, StringRef name, StringRef target);
  LogicalResult convertHostOp(Operation *op);
  struct Example;
  void record(const MixerUnit &unit);
  /// Fills the branches of an scf.if.
  LogicalResult branch(HostBuilder &host, Value condition,
                       function_ref<LogicalResult()> then,
                       function_ref<LogicalResult()> otherwise);

  unsigned kernelCount = 0;
  /// Kernels that were considered for the present unit: why not, or nothing.
  llvm::MapVector<const KernelKind *, std::string> considered;
  MixerRecords records;
};

} // namespace

LogicalResult
ConvertSSDToHopper::branch(HostBuilder &host, Value condition,
                           function_ref<LogicalResult()> then,
                           function_ref<LogicalResult()> otherwise) {
  OpBuilder::InsertionGuard guard(host.builder);
  auto branches = scf::IfOp::create(host.builder, host.loc, condition,
                                    /*withElseRegion=*/true);
  host.builder.setInsertionPoint(branches.thenYield());
  if (failed(then()))
    return failure();
  host.builder.setInsertionPoint(branches.elseYield());
  return otherwise();
}

LogicalResult ConvertSSDToHopper::convert(FusedOp op) {
  FailureOr<MixerUnit> unit = MixerUnit::read(op);
  if (failed(unit))
    return failure();
  unit->batchInvariant = batchInvariant || getOperation()->hasAttr(
                                               SSDDialect::kBatchInvariantAttr);
  OpBuilder builder(op);
  HostBuilder host(builder, op.getLoc());
  considered.clear();
  if (failed(buildForm(host, *unit)))
    return failure();
  record(*unit);
  Value state = op.getOuts()[1];
  op.erase();
  for (Operation *needless : unit->replaced)
    needless->erase();
  auto alloc = state.getDefiningOp<memref::AllocOp>();
  if (alloc && alloc->use_empty())
    alloc.erase();
  return success();
}

/// What kernels' times are quoted for: a batch of one and 2048 tokens where
/// calls decide.
struct ConvertSSDToHopper::Example {
  explicit Example(const MixerUnit &unit)
      : batch(unit.x.getType().getDimSize(UnitBuffer::batch)),
        length(unit.isStep ? 1
                           : unit.x.getType().getDimSize(UnitBuffer::token)),
        batchIsDynamic(ShapedType::isDynamic(batch)),
        lengthIsDynamic(ShapedType::isDynamic(length)) {
    if (batchIsDynamic)
      batch = 1;
    if (lengthIsDynamic)
      length = 2048;
  }
  int64_t batch, length;
  bool batchIsDynamic, lengthIsDynamic;
};

void ConvertSSDToHopper::record(const MixerUnit &unit) {
  std::string forms, given;
  llvm::json::Array candidates;
  Example example(unit);
  for (auto &[kernel, why] : considered) {
    llvm::json::Object candidate{{"form", kernel->getName()}};
    if (!why.empty())
      candidate["why_not"] = why;
    else if (auto time = kernel->estimate(unit, example.batch, example.length))
      candidate["time_us"] = *time;
    if (why.empty())
      forms += (forms.empty() ? "" : "\n") + kernel->getName().str();
    candidates.push_back(std::move(candidate));
  }
  if (unit.form)
    llvm::raw_string_ostream(given) << ", given " << unit.form;
  llvm::json::Object shape{{"batch", example.batch},
                           {"batch_is_dynamic", example.batchIsDynamic},
                           {"heads", unit.heads},
                           {"groups", unit.groups},
                           {"head_dim", unit.headDim},
                           {"state_dim", unit.stateDim},
                           {"length", example.length},
                           {"length_is_dynamic", example.lengthIsDynamic}};
  StringRef why = unit.kernel ? "the attribute hopper.kernel asks for it, or "
                                "the first of these that can run"
                              : "the first of these that can run and is "
                                "estimated to be fastest";
  records.add(unit.op,
              llvm::json::Object{{"form", forms},
                                 {"why", why.str() + given},
                                 {"shape", std::move(shape)},
                                 {"candidates", std::move(candidates)}});
}

LogicalResult ConvertSSDToHopper::buildForm(HostBuilder &host, MixerUnit unit) {
  if (auto dispatch = dyn_cast_or_null<DispatchAttr>(unit.form))
    return buildCases(host, unit, dispatch.getBounds(), dispatch.getForms());
  if (failed(checkAskedFor(unit)))
    return failure();
  remarkOnForm(unit);
  return buildKernels(host, unit, getKernels());
}

/// What of a form the kernels do their own way.
void ConvertSSDToHopper::remarkOnForm(const MixerUnit &unit) {
  std::string how;
  auto chunked = dyn_cast_or_null<ChunkedAttr>(unit.form);
  if (chunked && chunked.getChunk() != kChunkTokens)
    how =
        llvm::formatv("the chunk of {0} is a hint: kernels have chunks of {1} "
                      "tokens",
                      chunked.getChunk(), kChunkTokens);
  if (isa_and_present<QuadraticAttr>(unit.form))
    how = llvm::formatv("chunked kernels compute it: within a chunk of {0} "
                        "tokens its form is the quadratic one",
                        kChunkTokens);
  if (how.empty())
    return;
  std::string form;
  llvm::raw_string_ostream(form) << unit.form;
  remark::analysis(unit.getLoc(),
                   remark::RemarkOpts::name("form").category(getArgument()))
      << remark::metric("form", form) << remark::reason("{0}", how);
}

/// Empty if `kind` computes the unit and nothing else is asked for. The last
/// kind stays for what the one that is asked for cannot take at run time.
std::string ConvertSSDToHopper::whyNot(const KernelKind &kind,
                                       const MixerUnit &unit) {
  if (unit.kernel && kind.getName() != unit.kernel.getValue() &&
      &kind != getKernels().back())
    return ("the attribute " + hopper::HopperDialect::kKernelAttr +
            " asks for " + unit.kernel.getValue())
        .str();
  if (kind.getTarget() != "sm_80" && kind.getTarget() != chip)
    return "it needs " + kind.getTarget().str();
  return kind.whyNot(unit);
}

/// That the kernel which the mixer's attribute names exists and computes it.
LogicalResult ConvertSSDToHopper::checkAskedFor(const MixerUnit &unit) {
  if (unit.stages && failed(checkStages(unit)))
    return failure();
  if (!unit.kernel)
    return success();
  StringRef name = unit.kernel.getValue();
  std::string why = "there is none of this name";
  for (const KernelKind *kind : getKernels())
    if (kind->getName() == name)
      why = whyNot(*kind, unit);
  if (why.empty())
    return success();
  FusedOp op = unit.op;
  return op.getMixer()->emitError()
         << "the kernel '" << name << "', which the attribute "
         << hopper::HopperDialect::kKernelAttr
         << " asks for, does not compute this: " << why << "; kernels are "
         << listKernels();
}

/// That a kernel has the stages which the mixer's attribute gives its rings.
LogicalResult ConvertSSDToHopper::checkStages(const MixerUnit &unit) {
  std::string reasons;
  for (const KernelKind *kind : getKernels()) {
    if (!kind->hasStages())
      continue;
    std::string why = whyNot(*kind, unit);
    if (why.empty())
      return success();
    reasons += ("\n  " + kind->getName() + ": " + why).str();
  }
  FusedOp op = unit.op;
  return op.getMixer()->emitError()
         << "no kernel computes this with the stages that the attribute "
         << hopper::HopperDialect::kStagesAttr << " asks for:" << reasons;
}

/// The first case whose bound is at least the length.
LogicalResult ConvertSSDToHopper::buildCases(HostBuilder &host,
                                             const MixerUnit &unit,
                                             ArrayRef<int64_t> bounds,
                                             ArrayRef<Attribute> forms) {
  MixerUnit one = unit;
  one.form = forms.front();
  if (bounds.empty())
    return buildForm(host, one);
  Value length = host.size(unit.x.memref, unit.x.getDim(UnitBuffer::token));
  Value within = host.less(length, host.constant(bounds.front() + 1));
  return branch(
      host, within, [&] { return buildForm(host, one); },
      [&] {
        return buildCases(host, unit, bounds.drop_front(), forms.drop_front());
      });
}

/// One kernel a module, so that each has its own images.
gpu::GPUModuleOp ConvertSSDToHopper::createModule(Location loc, StringRef name,
                                                  StringRef target) {
  auto builder = OpBuilder::atBlockEnd(getOperation().getBody());
  auto attribute = NVVM::NVVMTargetAttr::get(
      &getContext(), /*optLevel=*/3, "nvptx64-nvidia-cuda", target, "+ptx86");
  return gpu::GPUModuleOp::create(builder, loc, name,
                                  builder.getArrayAttr({attribute}));
}

/// Why a kernel is not taken, or how long it is estimated to take.
void ConvertSSDToHopper::remarkOn(const KernelKind &kind,
                                  const std::string &why,
                                  const MixerUnit &unit) {
  auto options = remark::RemarkOpts::name("kernel").category(getArgument());
  if (!why.empty()) {
    remark::missed(unit.getLoc(), options)
        << remark::metric("kernel", kind.getName())
        << remark::reason("{0}", why);
    return;
  }
  auto taken = remark::passed(unit.getLoc(), options);
  taken << remark::metric("kernel", kind.getName());
  Example example(unit);
  if (auto time = kind.estimate(unit, example.batch, example.length))
    taken << remark::metric("batch", example.batch)
          << remark::metric("length", example.length)
          << remark::metric("microseconds", *time);
}

/// The first kernel that computes the unit, where it can run; else what
/// follows.
LogicalResult
ConvertSSDToHopper::buildKernels(HostBuilder &host, const MixerUnit &unit,
                                 ArrayRef<const KernelKind *> kinds) {
  for (; !kinds.empty(); kinds = kinds.drop_front()) {
    const KernelKind &kind = *kinds.front();
    std::string why = whyNot(kind, unit);
    considered[&kind] = why;
    remarkOn(kind, why, unit);
    if (!why.empty())
      continue;
    std::string name =
        ("ssd_" + kind.getName() + "_" + Twine(kernelCount++)).str();
    auto build = [&] {
      kind.build(host, createModule(host.loc, name, kind.getTarget()), unit);
      return success();
    };
    Value condition = kind.buildCondition(host, unit);
    if (kind.getTarget() != "sm_80") {
      auto symbol = FlatSymbolRefAttr::get(&getContext(), name);
      Value has = hopper::HasKernelOp::create(
          host.builder, host.loc, host.builder.getI1Type(),
          SymbolRefAttr::get(symbol.getAttr(), {symbol}));
      condition = condition ? host.land(has, condition) : has;
    }
    if (!condition)
      return build();
    return branch(host, condition, build,
                  [&] { return buildKernels(host, unit, kinds.drop_front()); });
  }
  return emitError(host.loc, "no kernel computes this unit");
}

/// What stands between units must be something that the host can do without
/// touching device memory, or ask the driver for.
LogicalResult ConvertSSDToHopper::convertHostOp(Operation *op) {
  if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    Value target = fill.getOutputs()[0];
    auto type = cast<MemRefType>(target.getType());
    if (matchPattern(fill.getInputs()[0], m_AnyZeroFloat()) &&
        type.getLayout().isIdentity()) {
      OpBuilder builder(op);
      hopper::ClearOp::create(builder, op->getLoc(), target);
      op->erase();
      return success();
    }
  }
  if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    auto isWhole = [](Value value) {
      return cast<MemRefType>(value.getType()).getLayout().isIdentity();
    };
    if (isWhole(copy.getSource()) && isWhole(copy.getTarget()))
      return success();
    return op->emitError("a GPU program does not copy strided buffers; make "
                         "this a part of the mixer's unit or a copy of the "
                         "caller's");
  }
  StringRef dialect = op->getName().getDialectNamespace();
  if (dialect == "linalg" || dialect == "ssd" ||
      isa<memref::LoadOp, memref::StoreOp>(op))
    return op->emitError() << "'" << op->getName()
                           << "' has no GPU kernel here: only what ssd-fuse "
                              "fuses with an ssd.mix or ssd.step runs on a GPU";
  return success();
}
