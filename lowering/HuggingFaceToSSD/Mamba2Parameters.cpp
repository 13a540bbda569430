//===- Mamba2Parameters.cpp - Parameters of a Mamba-2 model -----*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HuggingFaceToSSD/Mamba2Parameters.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace mlir;
using namespace ssd;

namespace {

struct Role {
  StringRef name;
  SmallVector<int64_t> shape;
};

SmallVector<Role> getLayerRoles(const Mamba2Config &config) {
  int64_t heads = config.numHeads, inner = config.innerSize();
  SmallVector<Role> roles = {
      {"norm.weight", {config.hiddenSize}},
      {"mixer.in_proj.weight", {config.projectionSize(), config.hiddenSize}},
      {"mixer.conv1d.weight", {config.convSize(), 1, config.convKernel}},
      {"mixer.dt_bias", {heads}},
      {"mixer.A_log", {heads}},
      {"mixer.D", {heads}},
      {"mixer.norm.weight", {inner}},
      {"mixer.out_proj.weight", {config.hiddenSize, inner}}};
  if (config.useConvBias)
    roles.push_back({"mixer.conv1d.bias", {config.convSize()}});
  if (config.useBias) {
    roles.push_back({"mixer.in_proj.bias", {config.projectionSize()}});
    roles.push_back({"mixer.out_proj.bias", {config.hiddenSize}});
  }
  return roles;
}

/// Looks parameters up and remembers which tensors are the model's.
struct Finder {
  const Weights &weights;
  llvm::StringSet<> found;

  FailureOr<Parameter> find(const Twine &name, ArrayRef<int64_t> shape) {
    std::string key = name.str();
    FailureOr<RankedTensorType> type = weights.getType(key, shape);
    if (failed(type))
      return failure();
    found.insert(key);
    return Parameter{std::move(key), *type};
  }

  FailureOr<Mamba2LayerParameters> findLayer(int64_t index,
                                             ArrayRef<Role> roles) {
    Mamba2LayerParameters layer;
    std::string prefix = "backbone.layers." + itostr(index) + ".";
    for (const Role &role : roles) {
      FailureOr<Parameter> parameter = find(prefix + role.name, role.shape);
      if (failed(parameter))
        return failure();
      layer.roles.push_back(role.name.str());
      layer.tensors.push_back(std::move(*parameter));
    }
    return layer;
  }
};

/// Finds the two tables. Where the configuration ties them and both are
/// stored, each serves as itself: transformers does not tie tables that differ.
LogicalResult findTables(const Mamba2Config &config, Finder &finder,
                         Mamba2Parameters &result) {
  StringRef head = "lm_head.weight";
  StringRef embeddings = "backbone.embeddings.weight";
  // The name that original checkpoints have, which transformers accepts too.
  if (!finder.weights.contains(embeddings) &&
      finder.weights.contains("backbone.embedding.weight"))
    embeddings = "backbone.embedding.weight";
  bool headStored = finder.weights.contains(head);
  if (config.tieWordEmbeddings && headStored &&
      !finder.weights.contains(embeddings))
    embeddings = head;

  SmallVector<int64_t> shape{config.vocabSize, config.hiddenSize};
  FailureOr<Parameter> table = finder.find(embeddings, shape);
  if (failed(table))
    return failure();
  result.embeddings = std::move(*table);
  if (config.tieWordEmbeddings && (embeddings == head || !headStored))
    return success();
  FailureOr<Parameter> output = finder.find(head, shape);
  if (failed(output))
    return failure();
  result.head = std::move(*output);
  return success();
}

} // namespace

FailureOr<Mamba2Parameters> Mamba2Parameters::find(const Mamba2Config &config,
                                                   const Weights &weights) {
  Finder finder{weights, {}};
  Mamba2Parameters result;
  if (failed(findTables(config, finder, result)))
    return failure();
  SmallVector<Role> roles = getLayerRoles(config);
  for (int64_t i = 0; i < config.numLayers; ++i) {
    FailureOr<Mamba2LayerParameters> layer = finder.findLayer(i, roles);
    if (failed(layer))
      return failure();
    result.layers.push_back(std::move(*layer));
  }
  FailureOr<Parameter> norm =
      finder.find("backbone.norm_f.weight", {config.hiddenSize});
  if (failed(norm) || failed(weights.refuseOthers("backbone.", finder.found)))
    return failure();
  result.finalNorm = std::move(*norm);
  return result;
}

SmallVector<Parameter> Mamba2Parameters::all() const {
  SmallVector<Parameter> parameters{embeddings};
  for (const Mamba2LayerParameters &layer : layers)
    append_range(parameters, layer.tensors);
  parameters.push_back(finalNorm);
  if (head)
    parameters.push_back(*head);
  return parameters;
}
