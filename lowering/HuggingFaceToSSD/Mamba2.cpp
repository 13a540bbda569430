//===- Mamba2.cpp - The module of a Mamba-2 model ---------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HuggingFaceToSSD/Mamba2.h"
#include "lowering/HuggingFaceToSSD/Mamba2Layer.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace ssd;

namespace {

/// What an entry computes; also its name.
enum class Entry { logits, prefill, step };

StringRef getName(Entry entry) {
  switch (entry) {
  case Entry::logits:
    return "logits";
  case Entry::prefill:
    return "prefill";
  case Entry::step:
    return "step";
  }
  llvm_unreachable("not an entry");
}

Type getType(ActivationType type, MLIRContext *context) {
  switch (type) {
  case ActivationType::F32:
    return Float32Type::get(context);
  case ActivationType::BF16:
    return BFloat16Type::get(context);
  case ActivationType::F16:
    return Float16Type::get(context);
  }
  llvm_unreachable("not an activation type");
}

StringRef getName(ActivationType type) {
  switch (type) {
  case ActivationType::F32:
    return "float32";
  case ActivationType::BF16:
    return "bfloat16";
  case ActivationType::F16:
    return "float16";
  }
  llvm_unreachable("not an activation type");
}

class ModelBuilder {
public:
  ModelBuilder(const Mamba2Config &config, const Mamba2Parameters &parameters,
               const ImportOptions &options, MLIRContext *context)
      : b(NameLoc::get(StringAttr::get(context, "mamba2")), context),
        config(config), parameters(parameters), options(options),
        types(config, getType(options.activations, context)) {}

  OwningOpRef<ModuleOp> build();

private:
  std::string getMetadata() const;
  void enter(const Twine &part) {
    b.setLoc(NameLoc::get(b.getStringAttr(part)));
  }

  void buildLayers(bool singleToken, SmallVectorImpl<func::FuncOp> &functions);
  void buildEntry(Entry entry, ArrayRef<func::FuncOp> layers);
  func::FuncOp declareEntry(Entry entry);
  DictionaryAttr getAttrs(StringRef key, StringRef name,
                          ArrayRef<StringRef> dims);
  /// Threads `values` (the hidden states, then a window and a state a layer or
  /// none) through the layers.
  void runLayers(SmallVector<Value> &values, ValueRange layerParameters,
                 ArrayRef<func::FuncOp> layers);
  Value emptyState(RankedTensorType type, OpFoldResult batch);
  Value takeLast(Value hidden);
  Value predict(Value hidden, Value norm, Value head);

  DenseBuilder b;
  const Mamba2Config &config;
  const Mamba2Parameters &parameters;
  const ImportOptions &options;
  Mamba2Types types;
};

//===----------------------------------------------------------------------===//
// Module
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> ModelBuilder::build() {
  OwningOpRef<ModuleOp> module = ModuleOp::create(b.getLoc());
  (*module)->setAttr("ssd.metadata", b.getStringAttr(getMetadata()));
  b.setInsertionPointToStart(module->getBody());
  SmallVector<func::FuncOp> sequence, token;
  buildLayers(/*singleToken=*/false, sequence);
  buildLayers(/*singleToken=*/true, token);
  buildEntry(Entry::logits, sequence);
  buildEntry(Entry::prefill, sequence);
  buildEntry(Entry::step, token);
  return module;
}

std::string ModelBuilder::getMetadata() const {
  llvm::json::Object object{{"model_type", "mamba2"},
                            {"dtype", getName(options.activations)},
                            {"vocab_size", config.vocabSize},
                            {"hidden_size", config.hiddenSize},
                            {"num_hidden_layers", config.numLayers},
                            {"num_heads", config.numHeads},
                            {"head_dim", config.headDim},
                            {"n_groups", config.numGroups},
                            {"state_size", config.stateSize},
                            {"conv_kernel", config.convKernel},
                            {"bos_token_id", config.bosToken},
                            {"eos_token_id", config.eosToken},
                            {"pad_token_id", config.padToken}};
  return llvm::formatv("{0}", llvm::json::Value(std::move(object))).str();
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// The layers at `indices` as messages call them: "backbone.layers.0-2,5".
std::string getLayersName(ArrayRef<int64_t> indices) {
  std::string name = "backbone.layers.";
  for (size_t i = 0, end; i < indices.size(); i = end) {
    for (end = i + 1; end < indices.size(); ++end)
      if (indices[end] != indices[end - 1] + 1)
        break;
    name += (i ? "," : "") + std::to_string(indices[i]);
    if (end - i > 1)
      name += "-" + std::to_string(indices[end - 1]);
  }
  return name;
}

/// Builds a function for each kind of layer. All layers have the same sizes:
/// they differ at most in what types their parameters are stored.
void ModelBuilder::buildLayers(bool singleToken,
                               SmallVectorImpl<func::FuncOp> &functions) {
  llvm::MapVector<Type, SmallVector<int64_t>> kinds;
  for (auto [i, layer] : llvm::enumerate(parameters.layers))
    kinds[b.getFunctionType(layer.types(), {})].push_back(i);
  functions.resize(parameters.layers.size());
  for (auto &[type, indices] : kinds) {
    std::string name = singleToken ? "mamba2_token" : "mamba2_sequence";
    if (kinds.size() > 1)
      name += "_" + std::to_string(indices.front());
    auto function =
        buildMamba2Layer(b, config, types, parameters.layers[indices.front()],
                         singleToken, name, getLayersName(indices));
    for (int64_t i : indices)
      functions[i] = function;
  }
}

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

DictionaryAttr ModelBuilder::getAttrs(StringRef key, StringRef name,
                                      ArrayRef<StringRef> dims) {
  NamedAttrList attrs;
  attrs.set(key, b.getStringAttr(name));
  if (!dims.empty())
    attrs.set("ssd.dims", b.getStrArrayAttr(dims));
  return attrs.getDictionary(b.getContext());
}

func::FuncOp ModelBuilder::declareEntry(Entry entry) {
  int64_t dynamic = ShapedType::kDynamic, vocabulary = config.vocabSize;
  SmallVector<int64_t> idsShape{dynamic}, logitsShape{dynamic};
  SmallVector<StringRef> idsDims{"B"}, logitsDims{"B"};
  if (entry != Entry::step) {
    idsShape.push_back(dynamic);
    idsDims.push_back("L");
  }
  if (entry == Entry::logits) {
    logitsShape.push_back(dynamic);
    logitsDims.push_back("L");
  }
  logitsShape.push_back(vocabulary);
  logitsDims.push_back("");

  SmallVector<Type> arguments, results;
  SmallVector<DictionaryAttr> argumentAttrs, resultAttrs;
  NamedAttrList ids(getAttrs("ssd.name", "ids", idsDims));
  ids.set("ssd.range", b.getDenseI64ArrayAttr({0, vocabulary - 1}));
  arguments.push_back(RankedTensorType::get(idsShape, b.getI64Type()));
  argumentAttrs.push_back(ids.getDictionary(b.getContext()));
  results.push_back(RankedTensorType::get(logitsShape, b.getF32Type()));
  resultAttrs.push_back(getAttrs("ssd.name", "logits", logitsDims));

  auto addState = [&](Type type, const Twine &name, ArrayRef<StringRef> dims) {
    DictionaryAttr attrs = getAttrs("ssd.state", name.str(), dims);
    arguments.push_back(type);
    argumentAttrs.push_back(attrs);
    results.push_back(type);
    resultAttrs.push_back(attrs);
  };
  for (int64_t i = 0; entry != Entry::logits && i < config.numLayers; ++i) {
    addState(types.window, "layers." + Twine(i) + ".conv", {"B", "", ""});
    addState(types.state, "layers." + Twine(i) + ".ssm", {"B", "", "", ""});
  }
  for (const Parameter &parameter : parameters.all()) {
    arguments.push_back(parameter.type);
    argumentAttrs.push_back(getAttrs("ssd.param", parameter.name, {}));
  }
  auto function = func::FuncOp::create(b, getName(entry),
                                       b.getFunctionType(arguments, results));
  function.setAllArgAttrs(argumentAttrs);
  function.setAllResultAttrs(resultAttrs);
  return function;
}

void ModelBuilder::buildEntry(Entry entry, ArrayRef<func::FuncOp> layers) {
  OpBuilder::InsertionGuard guard(b);
  enter(getName(entry));
  func::FuncOp function = declareEntry(entry);
  b.setInsertionPointToStart(function.addEntryBlock());
  ValueRange arguments = function.getArguments();
  ValueRange states = arguments.slice(1, function.getNumResults() - 1);
  ValueRange tensors = arguments.drop_front(1 + states.size());
  size_t norm = tensors.size() - (parameters.head ? 2 : 1);
  Value head = parameters.head ? tensors.back() : tensors.front();

  enter("backbone.embeddings");
  Value ids = arguments.front();
  if (entry == Entry::step)
    ids = b.asSequence(ids);
  SmallVector<Value> values{b.embed(ids, {b.dim(ids, 0), b.dim(ids, 1)},
                                    tensors.front(), types.residual)};
  llvm::append_range(values, states);
  runLayers(values, tensors.slice(1, norm - 1), layers);

  enter("backbone.norm_f");
  Value &hidden = values.front();
  if (entry == Entry::prefill)
    hidden = takeLast(hidden);
  else if (entry == Entry::step)
    hidden = b.collapseFirst(hidden);
  hidden = predict(hidden, tensors[norm], head);
  enter(getName(entry));
  func::ReturnOp::create(b, values);
}

/// Where no states come in, every layer starts from zeros, in the buffers that
/// the layer before is done with.
void ModelBuilder::runLayers(SmallVector<Value> &values,
                             ValueRange layerParameters,
                             ArrayRef<func::FuncOp> layers) {
  bool fromZeros = values.size() == 1;
  Value window, state;
  if (fromZeros) {
    OpFoldResult batch = b.dim(values.front(), 0);
    window = emptyState(types.window, batch);
    state = emptyState(types.state, batch);
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    func::FuncOp layer = layers[i];
    enter("backbone.layers." + Twine(i) + ".mixer");
    window = fromZeros ? b.zeros(window) : values[1 + 2 * i];
    state = fromZeros ? b.zeros(state) : values[2 + 2 * i];
    SmallVector<Value> operands{values.front(), window, state};
    size_t count = layer.getNumArguments() - operands.size();
    llvm::append_range(operands, layerParameters.take_front(count));
    layerParameters = layerParameters.drop_front(count);
    auto call = func::CallOp::create(b, layer, operands);
    values.front() = call.getResult(0);
    window = call.getResult(1);
    state = call.getResult(2);
    if (!fromZeros) {
      values[1 + 2 * i] = window;
      values[2 + 2 * i] = state;
    }
  }
}

Value ModelBuilder::emptyState(RankedTensorType type, OpFoldResult batch) {
  SmallVector<OpFoldResult> sizes{batch};
  for (int64_t size : type.getShape().drop_front())
    sizes.push_back(b.size(size));
  return b.empty(sizes, type.getElementType());
}

/// The last position of `hidden`: [B, L, D] to [B, D]. An empty sequence has
/// none: the sum over the last min(L, 1) positions is zero then, and the
/// position itself otherwise.
Value ModelBuilder::takeLast(Value hidden) {
  Value length = tensor::DimOp::create(b, hidden, 1);
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value count = arith::MinSIOp::create(b, length, one);
  Value start = arith::SubIOp::create(b, length, count);
  OpFoldResult batch = b.dim(hidden, 0), width = b.size(config.hiddenSize);
  SmallVector<OpFoldResult> offsets{b.size(0), start, b.size(0)};
  SmallVector<OpFoldResult> sizes{batch, count, width};
  SmallVector<OpFoldResult> strides(3, b.size(1));
  Value last =
      tensor::ExtractSliceOp::create(b, hidden, offsets, sizes, strides);
  return b.sumPositions(last, b.zeros(b.empty({batch, width}, b.getF32Type())));
}

/// The final norm and the output layer, for [B, L, D] or [B, D].
Value ModelBuilder::predict(Value hidden, Value norm, Value head) {
  int64_t rank = cast<RankedTensorType>(hidden.getType()).getRank();
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0; i < rank; ++i)
    sizes.push_back(b.dim(hidden, i));
  Value normalized =
      buildRMSNorm(b, config, hidden, norm, /*gate=*/Value(), sizes);
  enter("lm_head");
  if (rank == 2)
    return b.matmul(normalized, head);
  return b.linear(normalized, ArrayRef(sizes).take_front(2), head,
                  /*bias=*/Value());
}

} // namespace

FailureOr<OwningOpRef<ModuleOp>> ssd::importMamba2(const ConfigFile &file,
                                                   const Weights &weights,
                                                   const ImportOptions &options,
                                                   MLIRContext *context) {
  FailureOr<Mamba2Config> config = Mamba2Config::read(file);
  if (failed(config))
    return failure();
  FailureOr<Mamba2Parameters> parameters =
      Mamba2Parameters::find(*config, weights);
  if (failed(parameters))
    return failure();
  return ModelBuilder(*config, *parameters, options, context).build();
}
