//===- Weights.cpp - Tensors that a checkpoint stores -----------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HuggingFaceToSSD/Weights.h"
#include "lowering/HuggingFaceToSSD/Json.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace mlir;
using namespace ssd;

static std::string inDirectory(StringRef directory, StringRef name) {
  SmallString<128> path(directory);
  sys::path::append(path, name);
  return path.str().str();
}

InFlightDiagnostic Weights::emitError() const {
  return mlir::emitError(UnknownLoc::get(context)) << "'" << path << "' ";
}

FailureOr<Weights> Weights::open(StringRef directory, MLIRContext *context) {
  Weights weights;
  weights.context = context;
  weights.path = directory.str();
  std::string single = inDirectory(directory, "model.safetensors");
  std::string index = inDirectory(directory, "model.safetensors.index.json");
  if (sys::fs::exists(single)) {
    if (failed(weights.openFile(single)))
      return failure();
    return weights;
  }
  if (sys::fs::exists(index)) {
    if (failed(weights.openIndex(directory, index)))
      return failure();
    return weights;
  }
  InFlightDiagnostic error = weights.emitError();
  error << "has neither model.safetensors nor model.safetensors.index.json";
  for (StringRef name : {"pytorch_model.bin", "pytorch_model.bin.index.json"})
    if (sys::fs::exists(inDirectory(directory, name)))
      error << "; convert " << name
            << " by loading it with transformers and saving it again with "
               "save_pretrained";
  return error;
}

LogicalResult Weights::openFile(StringRef file) {
  path = file.str();
  Expected<StoredTensors> header = readSafetensorsHeader(file);
  if (!header)
    return emitError() << toString(header.takeError());
  tensors = std::move(*header);
  return success();
}

LogicalResult Weights::openIndex(StringRef directory, StringRef index) {
  path = index.str();
  auto buffer = MemoryBuffer::getFile(index);
  if (!buffer)
    return emitError() << "cannot be read: " << buffer.getError().message();
  Expected<json::Value> value = parseJson((*buffer)->getBuffer());
  if (!value)
    return emitError() << "is not JSON: " << toString(value.takeError());
  const json::Object *object = value->getAsObject();
  const json::Object *map = object ? object->getObject("weight_map") : nullptr;
  if (!map)
    return emitError() << "has no object 'weight_map'";

  StringMap<StoredTensors> shards;
  for (const auto &[name, shardName] : *map) {
    std::optional<StringRef> shard = shardName.getAsString();
    if (!shard || shard->empty() || sys::path::filename(*shard) != *shard ||
        *shard == "..")
      return emitError() << "places tensor '" << StringRef(name) << "' in "
                         << quote(shardName)
                         << ", expected the name of a file beside it";
    auto [it, isNew] = shards.try_emplace(*shard);
    if (isNew) {
      Expected<StoredTensors> header =
          readSafetensorsHeader(inDirectory(directory, *shard));
      if (!header)
        return emitError() << "names shard '" << *shard << "', which "
                           << toString(header.takeError());
      it->second = std::move(*header);
    }
    auto tensor = it->second.find(name);
    if (tensor == it->second.end())
      return emitError() << "places tensor '" << StringRef(name) << "' in '"
                         << *shard << "', which has none of this name";
    tensors[StringRef(name)] = tensor->second;
  }
  return success();
}

FailureOr<RankedTensorType> Weights::getType(StringRef name,
                                             ArrayRef<int64_t> shape) const {
  auto found = tensors.find(name);
  if (found == tensors.end())
    return emitError() << "has no tensor '" << name
                       << "', expected one of shape " << quote(shape);
  const StoredTensor &tensor = found->second;
  if (ArrayRef(tensor.shape) != shape)
    return emitError() << "has tensor '" << name << "' of shape "
                       << quote(tensor.shape) << ", expected " << quote(shape);
  Builder builder(context);
  Type type = llvm::StringSwitch<Type>(tensor.dtype)
                  .Case("F32", builder.getF32Type())
                  .Case("BF16", builder.getBF16Type())
                  .Case("F16", builder.getF16Type())
                  .Default(Type());
  if (!type)
    return emitError() << "has tensor '" << name << "' of " << tensor.dtype
                       << ", expected F32, BF16 or F16";
  return RankedTensorType::get(shape, type);
}

LogicalResult Weights::refuseOthers(StringRef prefix,
                                    const llvm::StringSet<> &expected) const {
  // The map has no order: report the first by name, always the same one.
  StringRef first;
  for (StringRef name : tensors.keys())
    if (name.starts_with(prefix) && !expected.contains(name) &&
        (first.empty() || name < first))
      first = name;
  if (first.empty())
    return success();
  return emitError() << "has tensor '" << first
                     << "', which the model of its config.json does not have";
}
