//===- HuggingFaceToSSD.cpp - Import of checkpoints -------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HuggingFaceToSSD/HuggingFaceToSSD.h"
#include "dialect/SSD/SSDDialect.h"
#include "lowering/HuggingFaceToSSD/Mamba2.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace ssd;

namespace {

/// A kind of model: a value of `model_type` and what builds it.
struct Model {
  StringRef type;
  FailureOr<OwningOpRef<ModuleOp>> (*import)(const ConfigFile &,
                                             const Weights &,
                                             const ImportOptions &,
                                             MLIRContext *);
};

constexpr Model kModels[] = {{"mamba2", importMamba2}};

/// Finds the importer that `file` asks for.
FailureOr<const Model *> selectModel(const ConfigFile &file) {
  if (file.has("d_model") && file.has("ssm_cfg"))
    return file.emitError("ssm_cfg")
           << "an original state-spaces checkpoint: convert it with "
              "transformers' convert_mamba2_ssm_checkpoint_to_pytorch.py";
  std::string type;
  if (failed(file.readString("model_type", type)))
    return failure();
  for (const Model &model : kModels)
    if (model.type == type)
      return &model;
  InFlightDiagnostic error = file.emitError("model_type");
  if (file.has("model_type"))
    error << "'model_type' is \"" << type << "\"";
  else
    error << "'model_type' is missing";
  auto types = llvm::map_range(
      kModels, [](const Model &m) { return ("\"" + m.type + "\"").str(); });
  return error << ", expected " << llvm::join(types, " or ");
}

} // namespace

FailureOr<OwningOpRef<ModuleOp>>
ssd::importHuggingFace(StringRef directory, const ImportOptions &options,
                       MLIRContext *context) {
  context->loadDialect<SSDDialect, arith::ArithDialect, func::FuncDialect,
                       linalg::LinalgDialect, math::MathDialect,
                       tensor::TensorDialect>();
  FailureOr<ConfigFile> file = ConfigFile::open(directory, context);
  if (failed(file))
    return failure();
  FailureOr<const Model *> model = selectModel(*file);
  if (failed(model))
    return failure();
  FailureOr<Weights> weights = Weights::open(directory, context);
  if (failed(weights))
    return failure();
  return (*model)->import(*file, *weights, options, context);
}
