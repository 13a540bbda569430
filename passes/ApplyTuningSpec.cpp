//===- ApplyTuningSpec.cpp - Forms from a transform library ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/SSDOps.h"
#include "mlir/Dialect/Linalg/TransformOps/DialectExtension.h"
#include "mlir/Dialect/Linalg/TransformOps/LinalgTransformOps.h"
#include "mlir/Dialect/Transform/IR/TransformDialect.h"
#include "mlir/Dialect/Transform/IR/TransformOps.h"
#include "mlir/Dialect/Transform/Interfaces/TransformInterfaces.h"
#include "mlir/Dialect/Transform/Transforms/TransformInterpreterUtils.h"
#include "mlir/Parser/Parser.h"
#include "passes/Passes.h"

namespace ssd {
#define GEN_PASS_DEF_SSDAPPLYTUNINGSPECPASS
#include "passes/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

/// What a spec may set.
static constexpr StringLiteral kForm = "form", kConfig = "lowering_config";

/// A spec decides; it rewrites nothing.
static LogicalResult verifySpec(ModuleOp spec) {
  WalkResult result = spec->walk([&](Operation *op) {
    if (op == spec || isa<transform::NamedSequenceOp, transform::YieldOp,
                          transform::MatchOp, transform::ParamConstantOp>(op))
      return WalkResult::advance();
    auto annotate = dyn_cast<transform::AnnotateOp>(op);
    if (!annotate) {
      op->emitError("a tuning spec only matches and annotates");
      return WalkResult::interrupt();
    }
    if (annotate.getName() == kForm || annotate.getName() == kConfig)
      return WalkResult::advance();
    op->emitError("a tuning spec sets form or lowering_config, not '")
        << annotate.getName() << "'";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

namespace {

/// What a spec matches a mixer by, as attributes while the spec runs, and what
/// the mixer had before, which wins.
class Candidate {
public:
  explicit Candidate(MixOp op)
      : op(op), form(op.getFormAttr()), config(op.getLoweringConfigAttr()) {
    Builder builder(op.getContext());
    auto set = [&](StringRef name, int64_t value) {
      if (!ShapedType::isDynamic(value))
        op->setAttr(name, builder.getI64IntegerAttr(value));
      names.push_back(name);
    };
    set("batch", op.getBatch()), set("length", op.getLength());
    set("heads", op.getHeads()), set("groups", op.getGroups());
    set("head_dim", op.getHeadDim()), set("state_dim", op.getStateDim());
    op->setAttr("element", TypeAttr::get(getElementTypeOrSelf(op.getX())));
    names.push_back("element");
  }

  /// Fails where the spec names something that is no form of this mixer.
  LogicalResult finish() {
    for (StringRef name : names)
      op->removeAttr(name);
    if (config)
      op.setLoweringConfigAttr(config);
    if (form)
      op.setFormAttr(form);
    Attribute found = op.getFormAttr();
    if (!found ||
        (isa<FormInterface, DispatchAttr>(found) && succeeded(op.verify())))
      return success();
    op.removeFormAttr();
    return op.emitOpError() << "the tuning spec sets form to " << found
                            << ", which is no form of this mixer";
  }

private:
  MixOp op;
  Attribute form, config;
  SmallVector<StringRef> names;
};

struct ApplyTuningSpecPass
    : ssd::impl::SSDApplyTuningSpecPassBase<ApplyTuningSpecPass> {
  using SSDApplyTuningSpecPassBase::SSDApplyTuningSpecPassBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    SSDApplyTuningSpecPassBase::getDependentDialects(registry);
    registry.insert<transform::TransformDialect>();
    linalg::registerTransformDialectExtension(registry);
  }

  void runOnOperation() override {
    if (tuningSpec.empty())
      return;
    ParserConfig config(&getContext());
    OwningOpRef<ModuleOp> spec = parseSourceFile<ModuleOp>(tuningSpec, config);
    if (!spec) {
      getOperation()->emitError()
          << "can't read the tuning spec '" << tuningSpec << "'";
      return signalPassFailure();
    }
    if (failed(verifySpec(*spec)) || failed(apply(*spec)))
      signalPassFailure();
  }

private:
  LogicalResult apply(ModuleOp spec) {
    transform::TransformOpInterface entry =
        transform::detail::findTransformEntryPoint(getOperation(), spec);
    if (!entry)
      return failure();
    SmallVector<Candidate> candidates;
    getOperation()->walk([&](MixOp op) { candidates.emplace_back(op); });
    LogicalResult applied = transform::applyTransformNamedSequence(
        getOperation(), entry, spec, transform::TransformOptions());
    for (Candidate &candidate : candidates)
      if (failed(candidate.finish()))
        applied = failure();
    return applied;
  }
};

} // namespace
