//===- Mamba2Layer.cpp - One layer of a Mamba-2 model -----------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HuggingFaceToSSD/Mamba2Layer.h"
#include "dialect/SSD/SSDOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace ssd;

Mamba2Types::Mamba2Types(const Mamba2Config &config, Type activation)
    : activation(activation), hiddenSize(config.hiddenSize) {
  auto f32 = Float32Type::get(activation.getContext());
  int64_t batch = ShapedType::kDynamic;
  residual = config.residualInF32 ? f32 : activation;
  window = RankedTensorType::get(
      {batch, config.convKernel - 1, config.convSize()}, activation);
  state = RankedTensorType::get(
      {batch, config.numHeads, config.headDim, config.stateSize}, f32);
}

RankedTensorType Mamba2Types::hidden(bool singleToken) const {
  int64_t dynamic = ShapedType::kDynamic;
  return RankedTensorType::get({dynamic, singleToken ? 1 : dynamic, hiddenSize},
                               residual);
}

Value ssd::buildRMSNorm(DenseBuilder &b, const Mamba2Config &config, Value x,
                        Value weight, Value gate, Sizes sizes) {
  return RMSNormOp::create(b, x, weight, gate, b.empty(sizes, b.getF32Type()),
                           APFloat(float(config.normEpsilon)),
                           /*group_size=*/IntegerAttr(),
                           gate ? Gate::before : Gate::none)
      .getResult(0);
}

namespace {

/// Builds the body of a layer, a step of the computation a method.
///
/// Only what a kernel for tensor cores reads (x, b, c) and what is carried
/// (the window) is rounded to the activation type; all else that stays inside
/// the layer is an f32 sum and remains one.
class LayerBody {
public:
  LayerBody(DenseBuilder &b, const Mamba2Config &config,
            const Mamba2Types &types, const Mamba2LayerParameters &parameters,
            ValueRange arguments, StringRef location)
      : b(b), config(config), types(types), location(location),
        hidden(arguments[0]), window(arguments[1]), state(arguments[2]) {
    for (auto [role, value] :
         llvm::zip_equal(parameters.roles, arguments.drop_front(3)))
      parameterOf[role] = value;
    extent = {b.dim(hidden, 0), b.dim(hidden, 1)};
  }

  SmallVector<Value> build();

private:
  /// The parameter of this role, null where the model has none.
  Value parameter(StringRef role) const { return parameterOf.lookup(role); }
  /// Names the operations that follow.
  void enter(const Twine &part) {
    b.setLoc(NameLoc::get(b.getStringAttr(location + part)));
  }

  Value computeRate();
  Value project();
  Value convolve(Value projected);
  Value discretize(Value projected);
  Value mix(Value convolved, Value delta, Value rate);
  Value normalize(Value mixed, Value projected);
  void addToResidual(Value normalized);

  DenseBuilder &b;
  const Mamba2Config &config;
  const Mamba2Types &types;
  StringRef location;
  Value hidden, window, state;
  llvm::StringMap<Value> parameterOf;
  SmallVector<OpFoldResult, 2> extent; // batch and length
};

SmallVector<Value> LayerBody::build() {
  enter(".mixer.A_log");
  Value rate = computeRate();
  Value projected = project();
  enter(".mixer.conv1d");
  Value convolved = convolve(projected);
  enter(".mixer.dt_bias");
  Value delta = discretize(projected);
  enter(".mixer");
  Value mixed = mix(convolved, delta, rate);
  enter(".mixer.norm");
  Value normalized = normalize(mixed, projected);
  enter(".mixer.out_proj");
  addToResidual(normalized);
  return {hidden, window, state};
}

/// rate = -exp(A_log).
Value LayerBody::computeRate() {
  Value logarithm = parameter("mixer.A_log");
  Value result = b.empty(b.size(config.numHeads), b.getF32Type());
  return b.elementwise(logarithm, SmallVector<unsigned>{0}, result,
                       [](DenseBuilder &b, ValueRange e) -> Value {
                         Value magnitude =
                             math::ExpOp::create(b, b.toF32(e[0]));
                         return arith::NegFOp::create(b, magnitude);
                       });
}

/// z, the convolution's channels and the raw step sizes: [B, L, E] in f32.
Value LayerBody::project() {
  enter(".norm");
  SmallVector<OpFoldResult> sizes{extent[0], extent[1],
                                  b.size(config.hiddenSize)};
  Value normalized = buildRMSNorm(b, config, hidden, parameter("norm.weight"),
                                  /*gate=*/Value(), sizes);
  enter(".mixer.in_proj");
  return b.linear(normalized, extent, parameter("mixer.in_proj.weight"),
                  parameter("mixer.in_proj.bias"));
}

Value LayerBody::convolve(Value projected) {
  SmallVector<OpFoldResult> sizes{extent[0], extent[1],
                                  b.size(config.convSize())};
  Value input =
      b.channels(projected, extent, config.innerSize(), config.convSize());
  input = b.cast(input, sizes, types.activation);
  Value weight = b.collapseFirst(parameter("mixer.conv1d.weight"));
  Value outputs[] = {b.empty(sizes, types.activation), window};
  auto op =
      CausalConv1DOp::create(b, input, weight, parameter("mixer.conv1d.bias"),
                             outputs, Activation::silu);
  window = op.getResult(1);
  return op.getResult(0);
}

/// The step sizes [B, L, H]. Limits that change nothing are left out: softplus
/// is never negative.
Value LayerBody::discretize(Value projected) {
  Value raw =
      b.channels(projected, extent, config.innerSize() + config.convSize(),
                 config.numHeads);
  FloatAttr least, most;
  if (float(config.timeStepMin) > 0)
    least = b.getF32FloatAttr(config.timeStepMin);
  if (std::isfinite(float(config.timeStepMax)))
    most = b.getF32FloatAttr(config.timeStepMax);
  SmallVector<OpFoldResult> sizes{extent[0], extent[1],
                                  b.size(config.numHeads)};
  return DiscretizeOp::create(b, raw, parameter("mixer.dt_bias"),
                              b.empty(sizes, b.getF32Type()),
                              /*softplus=*/true, least, most)
      .getResult(0);
}

/// y + D * x, [B, L, H, P] in f32, and the new state.
Value LayerBody::mix(Value convolved, Value delta, Value rate) {
  int64_t inner = config.innerSize(), groups = config.groupsSize();
  auto part = [&](int64_t offset, int64_t count, int64_t major) {
    Value slice = b.channels(convolved, extent, offset, count);
    return b.splitChannels(slice, extent, major, count / major);
  };
  Value x = part(0, inner, config.numHeads);
  Value input = part(inner, groups, config.numGroups);
  Value output = part(inner + groups, groups, config.numGroups);

  SmallVector<OpFoldResult> sizes{extent[0], extent[1], b.size(config.numHeads),
                                  b.size(config.headDim)};
  Value outs[] = {b.empty(sizes, b.getF32Type()), state};
  auto op = MixOp::create(
      b, x, input, output, /*decay=*/delta, rate, /*scale=*/delta,
      /*segment_ids=*/Value(), /*offsets=*/Value(), /*slots=*/Value(), outs,
      /*form=*/Attribute(), /*checkpoint_every=*/IntegerAttr(),
      /*leading_segment=*/false, Direction::forward,
      /*lowering_config=*/Attribute());
  state = op.getResult(1);

  enter(".mixer.D");
  return b.elementwise({x, parameter("mixer.D")}, {{0, 1, 2, 3}, {2}},
                       op.getResult(0), [](DenseBuilder &b, ValueRange e) {
                         return b.multiplyAdd(b.toF32(e[0]), b.toF32(e[1]),
                                              e[2]);
                       });
}

/// Gated by z = the projection's first channels, over all of them: [B, L, HP].
Value LayerBody::normalize(Value mixed, Value projected) {
  int64_t inner = config.innerSize();
  SmallVector<OpFoldResult> sizes{extent[0], extent[1], b.size(inner)};
  Value gate = b.channels(projected, extent, 0, inner);
  return buildRMSNorm(b, config, b.collapseLast(mixed),
                      parameter("mixer.norm.weight"), gate, sizes);
}

void LayerBody::addToResidual(Value normalized) {
  Value update =
      b.linear(normalized, extent, parameter("mixer.out_proj.weight"),
               parameter("mixer.out_proj.bias"));
  hidden = b.elementwise(update, SmallVector<unsigned>{0, 1, 2}, hidden,
                         [&](DenseBuilder &b, ValueRange e) {
                           Value sum =
                               arith::AddFOp::create(b, b.toF32(e[1]), e[0]);
                           return b.toType(sum, types.residual);
                         });
}

} // namespace

func::FuncOp ssd::buildMamba2Layer(OpBuilder &builder,
                                   const Mamba2Config &config,
                                   const Mamba2Types &types,
                                   const Mamba2LayerParameters &parameters,
                                   bool singleToken, StringRef name,
                                   StringRef location) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> carried{types.hidden(singleToken), types.window,
                            types.state};
  SmallVector<Type> arguments = carried;
  llvm::append_range(arguments, parameters.types());

  DenseBuilder b(NameLoc::get(builder.getStringAttr(location)), builder);
  auto function =
      func::FuncOp::create(b, name, b.getFunctionType(arguments, carried));
  function.setPrivate();
  function.setNoInline(true);
  b.setInsertionPointToStart(function.addEntryBlock());
  LayerBody body(b, config, types, parameters, function.getArguments(),
                 location);
  SmallVector<Value> results = body.build();
  b.setLoc(function.getLoc());
  func::ReturnOp::create(b, results);
  return function;
}
