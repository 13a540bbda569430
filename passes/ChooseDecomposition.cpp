//===- ChooseDecomposition.cpp - A form for each mixer ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/MixerRecords.h"
#include "dialect/SSD/SSDOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "passes/Passes.h"
#include "passes/analysis/TargetModel.h"
#include "llvm/Support/JSON.h"

namespace ssd {
#define GEN_PASS_DEF_SSDCHOOSEDECOMPOSITIONPASS
#include "passes/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

static MixerShape getShape(MixOp op, bool batchInvariant) {
  auto bytes = [](Type type) {
    return int64_t(getElementTypeOrSelf(type).getIntOrFloatBitWidth() / 8);
  };
  MixerShape shape;
  using Batch = MixerShape::Batch;
  shape.batchIs = batchInvariant                         ? Batch::any
                  : ShapedType::isDynamic(op.getBatch()) ? Batch::dynamic
                                                         : Batch::known;
  shape.batch = shape.batchIs == Batch::known ? op.getBatch() : 1;
  shape.length = op.getLength();
  shape.heads = op.getHeads(), shape.groups = op.getGroups();
  shape.headDim = op.getHeadDim(), shape.stateDim = op.getStateDim();
  shape.activationBytes = bytes(op.getX().getType());
  shape.stateBytes = bytes(op.getStateInit().getType());
  shape.diagonalDecay = op.hasDiagonalDecay();
  return shape;
}

static Attribute toAttribute(MLIRContext *context, const Form &form) {
  switch (form.kind) {
  case FormKind::recurrent:
    return RecurrentAttr::get(context);
  case FormKind::quadratic:
    return QuadraticAttr::get(context);
  case FormKind::chunked:
    return ChunkedAttr::get(context, form.chunk,
                            form.tasks > 0 ? 1 : form.parts, form.tasks);
  }
  return {};
}

static llvm::json::Value costToJson(const Form &form, const Cost &cost) {
  return llvm::json::Object{{"form", toString(form)},
                            {"time_us", cost.seconds * 1e6},
                            {"flops", cost.flops},
                            {"bytes", cost.bytes},
                            {"memory", cost.memory}};
}

namespace {

struct ChooseDecompositionPass
    : ssd::impl::SSDChooseDecompositionPassBase<ChooseDecompositionPass> {
  using SSDChooseDecompositionPassBase::SSDChooseDecompositionPassBase;

  void runOnOperation() override {
    numbers = getCPUNumbers(getOperation());
    invariant = batchInvariant ||
                getOperation()->hasAttr(SSDDialect::kBatchInvariantAttr);
    if (workers > 0)
      numbers.workers = workers;
    if (!force.empty() && force != "recurrent" && force != "chunked" &&
        force != "quadratic") {
      getOperation()->emitError()
          << "unknown form '" << force
          << "': expected recurrent, chunked or quadratic";
      return signalPassFailure();
    }
    WalkResult result = getOperation()->walk([&](MixOp op) {
      return failed(choose(op)) ? WalkResult::interrupt()
                                : WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    records.forEachEntry(
        getOperation(), [&](FunctionOpInterface entry, std::string text) {
          entry->setAttr(kMixersAttr, StringAttr::get(&getContext(), text));
        });
  }

private:
  LogicalResult choose(MixOp op) {
    std::string why = "given";
    if (!op.getFormAttr()) {
      FailureOr<Attribute> form = force.empty() ? decide(op) : forced(op);
      if (failed(form))
        return failure();
      op.setFormAttr(*form);
      ++chosen;
      why = force.empty() ? "lowest predicted time" : "forced";
    }
    explain(op, why);
    return success();
  }

  Attribute decideStatic(const MixerShape &shape) {
    return toAttribute(&getContext(), chooseForm(shape, numbers));
  }

  FailureOr<Attribute> decide(MixOp op) {
    MixerShape shape = getShape(op, invariant);
    if (!ShapedType::isDynamic(shape.length))
      return decideStatic(shape);
    SmallVector<int64_t> bounds;
    SmallVector<Attribute> forms;
    for (const LengthRange &range : chooseForLengths(shape, numbers)) {
      if (range.upTo != INT64_MAX)
        bounds.push_back(range.upTo);
      forms.push_back(toAttribute(&getContext(), range.form));
    }
    if (forms.size() == 1)
      return forms.front();
    return Attribute(DispatchAttr::get(&getContext(), bounds, forms));
  }

  FailureOr<Attribute> forced(MixOp op) {
    Form form;
    if (force == "recurrent" || force == "quadratic") {
      form.kind =
          force == "recurrent" ? FormKind::recurrent : FormKind::quadratic;
    } else {
      form = {FormKind::chunked, chunk > 0 ? int64_t(chunk) : bestChunk(op)};
    }
    Attribute attribute = toAttribute(&getContext(), form);
    if (op.hasDiagonalDecay() &&
        !cast<FormInterface>(attribute).supportsDiagonalDecay())
      return op.emitOpError() << "can't be forced to form " << attribute
                              << ", which does not compute a decay per state "
                                 "column; use recurrent";
    return attribute;
  }

  int64_t bestChunk(MixOp op) {
    MixerShape shape = getShape(op, invariant);
    if (ShapedType::isDynamic(shape.length))
      shape.length = 4096;
    Form best = {FormKind::chunked, 64};
    for (const Form &form : candidateForms(shape, numbers))
      if (form.parts == 1 && form.kind == FormKind::chunked &&
          estimateCost(shape, form, numbers).seconds <
              estimateCost(shape, best, numbers).seconds)
        best = form;
    return best.chunk;
  }

  /// A remark per candidate, and the same as JSON for the artifact.
  void explain(MixOp op, StringRef why) {
    MixerShape shape = getShape(op, invariant);
    bool dynamic = ShapedType::isDynamic(shape.length);
    if (dynamic)
      shape.length = 2048; // what the candidates are quoted for
    llvm::json::Array candidates;
    for (const Form &form : candidateForms(shape, numbers)) {
      Cost cost = estimateCost(shape, form, numbers);
      candidates.push_back(costToJson(form, cost));
      remark::analysis(op.getLoc(), remark::RemarkOpts::name("candidate")
                                        .category("ssd-choose-decomposition"))
          << remark::metric("form", toString(form))
          << remark::metric("length", shape.length)
          << remark::metric("microseconds", cost.seconds * 1e6)
          << remark::metric("flops", cost.flops)
          << remark::metric("bytes", cost.bytes);
    }
    std::string text;
    llvm::raw_string_ostream(text) << op.getFormAttr();
    remark::passed(op.getLoc(), remark::RemarkOpts::name("chosen").category(
                                    "ssd-choose-decomposition"))
        << remark::metric("form", text) << remark::metric("why", why);
    llvm::json::Object record{
        {"form", text},
        {"why", why.str()},
        {"shape", llvm::json::Object{{"heads", shape.heads},
                                     {"groups", shape.groups},
                                     {"head_dim", shape.headDim},
                                     {"state_dim", shape.stateDim},
                                     {"length", shape.length},
                                     {"length_is_dynamic", dynamic}}},
        {"candidates", std::move(candidates)}};
    records.add(op, std::move(record));
  }

  CPUNumbers numbers;
  bool invariant = false;
  MixerRecords records;
};

} // namespace
