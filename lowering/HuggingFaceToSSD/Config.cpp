//===- Config.cpp - config.json of a checkpoint -----------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HuggingFaceToSSD/Config.h"
#include "lowering/HuggingFaceToSSD/Json.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <cmath>

using namespace llvm;
using namespace mlir;
using namespace ssd;

//===----------------------------------------------------------------------===//
// ConfigFile
//===----------------------------------------------------------------------===//

FailureOr<ConfigFile> ConfigFile::open(StringRef directory,
                                       MLIRContext *context) {
  SmallString<128> path(directory);
  sys::path::append(path, "config.json");
  ConfigFile file;
  file.path = path.str().str();
  file.context = context;
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return mlir::emitError(UnknownLoc::get(context))
           << "cannot read '" << path << "': " << buffer.getError().message();
  file.text = (*buffer)->getBuffer().str();

  Expected<json::Value> value = parseJson(file.text, /*bareFloats=*/true);
  if (!value)
    return file.emitError("") << "not JSON: " << toString(value.takeError());
  json::Object *object = value->getAsObject();
  if (!object)
    return file.emitError("") << "expected a JSON object";
  file.fields = std::move(*object);
  return file;
}

InFlightDiagnostic ConfigFile::emitError(StringRef field) const {
  StringRef all(text);
  std::string key = ("\"" + field + "\"").str();
  size_t position = 0;
  // The key may also occur as a value: take the one before a colon.
  for (size_t i = all.find(key); i != StringRef::npos; i = all.find(key, i + 1))
    if (all.drop_front(i + key.size()).ltrim().starts_with(":")) {
      position = i;
      break;
    }
  StringRef before = all.take_front(position);
  unsigned line = before.count('\n') + 1;
  unsigned column = before.size() - (before.rfind('\n') + 1) + 1;
  return mlir::emitError(FileLineColLoc::get(context, path, line, column));
}

LogicalResult ConfigFile::mismatch(StringRef field,
                                   const Twine &expected) const {
  return emitError(field) << "'" << field << "' is " << quote(*get(field))
                          << ", expected " << expected;
}

LogicalResult ConfigFile::readSize(StringRef field, int64_t &value) const {
  const json::Value *found = get(field);
  if (!found)
    return success();
  std::optional<int64_t> integer = found->getAsInteger();
  if (!integer || *integer < 1 || *integer > (int64_t(1) << 24))
    return mismatch(field, "an integer from 1 to 16777216");
  value = *integer;
  return success();
}

LogicalResult ConfigFile::readBool(StringRef field, bool &value) const {
  const json::Value *found = get(field);
  if (!found)
    return success();
  std::optional<bool> boolean = found->getAsBoolean();
  if (!boolean)
    return mismatch(field, "true or false");
  value = *boolean;
  return success();
}

LogicalResult ConfigFile::readString(StringRef field,
                                     std::string &value) const {
  const json::Value *found = get(field);
  if (!found)
    return success();
  std::optional<StringRef> string = found->getAsString();
  if (!string)
    return mismatch(field, "a string");
  value = string->str();
  return success();
}

LogicalResult ConfigFile::readNumber(StringRef field, double &value) const {
  const json::Value *found = get(field);
  if (!found)
    return success();
  std::optional<double> number = getFloat(*found);
  if (!number || !std::isfinite(*number) || *number < 0)
    return mismatch(field, "a finite number that is not negative");
  value = *number;
  return success();
}

LogicalResult ConfigFile::readRange(StringRef field, double &least,
                                    double &most) const {
  const json::Value *found = get(field);
  if (!found)
    return success();
  const json::Array *pair = found->getAsArray();
  std::optional<double> first, second;
  if (pair && pair->size() == 2) {
    first = getFloat((*pair)[0]);
    second = getFloat((*pair)[1]);
  }
  if (!first || !second || !(*first <= *second)) // also where one is NaN
    return mismatch(field, "two numbers, the first at most the second");
  least = *first;
  most = *second;
  return success();
}

LogicalResult ConfigFile::readTokens(StringRef field, bool many,
                                     json::Value &value) const {
  const json::Value *found = get(field);
  if (!found)
    return success();
  auto isToken = [](const json::Value &token) {
    return token.getAsInteger().has_value();
  };
  const json::Array *list = found->getAsArray();
  if (!isToken(*found) && !found->getAsNull() &&
      !(many && list && all_of(*list, isToken)))
    return mismatch(field, many ? "a token id, a list of token ids or null"
                                : "a token id or null");
  value = *found;
  return success();
}

//===----------------------------------------------------------------------===//
// Mamba2Config
//===----------------------------------------------------------------------===//

FailureOr<Mamba2Config> Mamba2Config::read(const ConfigFile &file) {
  Mamba2Config config;
  if (failed(config.readFields(file)) || failed(config.verify(file)))
    return failure();
  return config;
}

LogicalResult Mamba2Config::readFields(const ConfigFile &file) {
  bool rmsNorm = true;
  if (failed(file.readSize("vocab_size", vocabSize)) ||
      failed(file.readSize("hidden_size", hiddenSize)) ||
      failed(file.readSize("num_hidden_layers", numLayers)) ||
      failed(file.readSize("expand", expand)) ||
      failed(file.readSize("num_heads", numHeads)) ||
      failed(file.readSize("head_dim", headDim)) ||
      failed(file.readSize("n_groups", numGroups)) ||
      failed(file.readSize("state_size", stateSize)) ||
      failed(file.readSize("conv_kernel", convKernel)) ||
      failed(file.readBool("use_bias", useBias)) ||
      failed(file.readBool("use_conv_bias", useConvBias)) ||
      failed(file.readBool("tie_word_embeddings", tieWordEmbeddings)) ||
      failed(file.readBool("residual_in_fp32", residualInF32)) ||
      failed(file.readString("hidden_act", hiddenAct)) ||
      failed(file.readNumber("layer_norm_epsilon", normEpsilon)) ||
      failed(file.readRange("time_step_limit", timeStepMin, timeStepMax)) ||
      failed(file.readTokens("bos_token_id", /*many=*/false, bosToken)) ||
      failed(file.readTokens("eos_token_id", /*many=*/true, eosToken)) ||
      failed(file.readTokens("pad_token_id", /*many=*/false, padToken)) ||
      failed(file.readBool("rms_norm", rmsNorm)))
    return failure();
  // A field of older configurations: the model has no other norm.
  if (!rmsNorm)
    return file.emitError("rms_norm") << "'rms_norm' is false, expected true";
  return success();
}

LogicalResult Mamba2Config::verify(const ConfigFile &file) const {
  if (hiddenAct != "silu" && hiddenAct != "swish")
    return file.emitError("hidden_act") << "'hidden_act' is \"" << hiddenAct
                                        << "\", expected \"silu\" or \"swish\"";
  if (innerSize() != numHeads * headDim)
    return file.emitError("num_heads")
           << "'expand' * 'hidden_size' is " << expand << " * " << hiddenSize
           << " = " << innerSize()
           << ", expected 'num_heads' * 'head_dim' = " << numHeads << " * "
           << headDim << " = " << numHeads * headDim;
  if (numHeads % numGroups != 0)
    return file.emitError("n_groups")
           << "'n_groups' is " << numGroups
           << ", expected a divisor of 'num_heads' = " << numHeads;
  return success();
}
