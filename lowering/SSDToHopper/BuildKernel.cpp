//===- BuildKernel.cpp - A pass that adds a kernel from its description ---*-
//C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/SSDToHopper.h"

namespace ssd {
#define GEN_PASS_DEF_BUILDHOPPERKERNEL
#include "lowering/SSDToHopper/SSDToHopperPasses.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

namespace {
struct BuildHopperKernel : ssd::impl::BuildHopperKernelBase<BuildHopperKernel> {
  using BuildHopperKernelBase::BuildHopperKernelBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                    UnitAttr::get(&getContext()));
    auto builder = OpBuilder::atBlockEnd(module.getBody());
    auto kernels = gpu::GPUModuleOp::create(builder, module.getLoc(), name);
    if (failed(build(builder, kernels)))
      signalPassFailure();
  }

private:
  MixerOperands operands() {
    MixerOperands mixer;
    mixer.heads = heads;
    mixer.groups = groups;
    mixer.headDim = headDim;
    mixer.stateDim = stateDim;
    mixer.decay = decay;
    mixer.rate = rate;
    mixer.scale = scale;
    mixer.scaleIsDecay = scaleIsDecay;
    mixer.skip = skip;
    mixer.initialState = initialState;
    mixer.finalState = finalState;
    return mixer;
  }

  LogicalResult build(OpBuilder &builder, gpu::GPUModuleOp kernels) {
    if (kind == "chunked") {
      ChunkedKernelConfig config;
      config.name = name;
      config.mixer = operands();
      config.headsPerBlock = headsPerBlock;
      return buildChunkedKernel(builder, kernels, config);
    }
    if (kind == "step") {
      StepKernelConfig config;
      config.name = name;
      config.mixer = operands();
      if (state != "f32" && state != "bf16")
        return kernels.emitError("state is f32 or bf16");
      config.stateBF16 = state == "bf16";
      return buildStepKernel(builder, kernels, config);
    }
    if (kind == "recurrent")
      return buildRecurrent(builder, kernels);
    return kernels.emitError("kind is chunked, step or recurrent");
  }

  LogicalResult buildRecurrent(OpBuilder &builder, gpu::GPUModuleOp kernels) {
    using Element = RecurrentKernelConfig::Element;
    RecurrentKernelConfig config;
    config.name = name;
    config.mixer = operands();
    if (element != "f32" && element != "bf16" && element != "f16")
      return kernels.emitError("element is f32, bf16 or f16");
    config.element = element == "f32"    ? Element::f32
                     : element == "bf16" ? Element::bf16
                                         : Element::f16;
    config.reverse = reverse;
    config.segmentIds = segmentIds;
    config.diagonal = diagonal;
    return buildRecurrentKernel(builder, kernels, config);
  }
};
} // namespace
