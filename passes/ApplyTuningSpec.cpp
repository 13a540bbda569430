//===- ApplyTuningSpec.cpp - Forms from a transform library ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Hopper/HopperDialect.h"
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
static constexpr StringLiteral kForm = "form", kConfig = "lowering_config",
                               kKernel = hopper::HopperDialect::kKernelAttr,
                               kStages = hopper::HopperDialect::kStagesAttr;

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
    StringRef name = annotate.getName();
    if (name == kForm || name == kConfig || name == kKernel || name == kStages)
      return WalkResult::advance();
    op->emitError("a tuning spec sets form, lowering_config, ")
        << kKernel << " or " << kStages << ", not '" << name << "'";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

namespace {

/// What a spec matches a mixer or a step by, as attributes while the spec runs,
/// and what the op had before, which wins.
class Candidate {
public:
  explicit Candidate(Operation *op) : op(op) {
    for (StringRef name : {kForm, kConfig, kKernel, kStages})
      if (Attribute value = op->getAttr(name))
        given.set(name, value);
    if (auto mixer = dyn_cast<MixOp>(op)) {
      set("length", mixer.getLength());
      setSizes(mixer);
    } else {
      setSizes(cast<StepOp>(op));
    }
  }

  /// Fails where the spec names something that is no form of this op.
  LogicalResult finish() {
    for (StringRef name : names)
      op->removeAttr(name);
    for (NamedAttribute attribute : given)
      op->setAttr(attribute.getName(), attribute.getValue());
    Attribute found = op->getAttr(kForm);
    auto mixer = dyn_cast<MixOp>(op);
    if (!found || (mixer && isa<FormInterface, DispatchAttr>(found) &&
                   succeeded(mixer.verify())))
      return success();
    op->removeAttr(kForm);
    return op->emitOpError()
           << "the tuning spec sets form to " << found
           << ", which is no form of this " << (mixer ? "mixer" : "op");
  }

private:
  void set(StringRef name, int64_t value) {
    if (!ShapedType::isDynamic(value))
      op->setAttr(name, Builder(op->getContext()).getI64IntegerAttr(value));
    names.push_back(name);
  }

  /// Those that mixers and steps have alike.
  template <typename Op> void setSizes(Op mixer) {
    auto map = cast<ShapedType>(mixer.getB().getType());
    auto state = cast<ShapedType>(mixer.getStateInit().getType());
    auto x = cast<ShapedType>(mixer.getX().getType());
    set("batch", x.getDimSize(0));
    set("heads", state.getDimSize(1));
    set("groups", map.getDimSize(map.getRank() - 2));
    set("head_dim", state.getDimSize(2));
    set("state_dim", state.getDimSize(3));
    op->setAttr("element", TypeAttr::get(x.getElementType()));
    names.push_back("element");
  }

  Operation *op;
  NamedAttrList given;
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
    getOperation()->walk([&](Operation *op) {
      if (isa<MixOp, StepOp>(op))
        candidates.emplace_back(op);
    });
    LogicalResult applied = transform::applyTransformNamedSequence(
        getOperation(), entry, spec, transform::TransformOptions());
    for (Candidate &candidate : candidates)
      if (failed(candidate.finish()))
        applied = failure();
    return applied;
  }
};

} // namespace
