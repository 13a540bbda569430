//===- Checkpoint.cpp - A model's weights in one file or many ---*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/Checkpoint.h"
#include "runtime/src/Error.h"
#include "runtime/src/Json.h"

#include <sys/stat.h>

using namespace ssd;
using nlohmann::json;

namespace {

bool exists(const std::string &path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0;
}

bool isDirectory(const std::string &path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// The name-to-shard map of an index.
json readWeightMap(const std::string &path) {
  MappedFile file(path);
  const char *text = reinterpret_cast<const char *>(file.data());
  json root = parseStrictJson(text, text + file.size(),
                              concat("The index '", path, "'"));
  if (!root.is_object() || !root.contains("weight_map") ||
      !root["weight_map"].is_object())
    fail(SSD_ERROR_CORRUPT, "The index '", path,
         "' has no object 'weight_map'.");
  return root["weight_map"];
}

} // namespace

Checkpoint Checkpoint::open(const std::string &path) {
  if (!isDirectory(path)) {
    Checkpoint checkpoint(path);
    checkpoint.readFile();
    return checkpoint;
  }
  std::string whole = path + "/model.safetensors";
  if (exists(whole)) {
    Checkpoint checkpoint(whole);
    checkpoint.readFile();
    return checkpoint;
  }
  std::string index = path + "/model.safetensors.index.json";
  if (!exists(index))
    fail(SSD_ERROR_NOT_FOUND, "The directory '", path,
         "' holds neither model.safetensors nor model.safetensors.index.json. "
         "Weights in other formats have to be converted to safetensors.");
  Checkpoint checkpoint(index);
  checkpoint.readIndex(path);
  return checkpoint;
}

const Checkpoint::Shard &Checkpoint::addShard(const std::string &path) {
  auto shard = std::make_unique<Shard>();
  shard->file = std::make_shared<MappedFile>(path);
  shard->header =
      parseSafetensors(shard->file->data(), shard->file->size(), path);
  shards.push_back(std::move(shard));
  return *shards.back();
}

void Checkpoint::readFile() {
  const Shard &shard = addShard(openedPath);
  for (const auto &[name, stored] : shard.header.tensors)
    tensors.emplace(
        name, Tensor{&stored, shard.file->data() + stored.begin, shard.file});
}

void Checkpoint::readIndex(const std::string &directory) {
  std::unordered_map<std::string, const Shard *> opened;
  json weightMap = readWeightMap(openedPath);
  for (const auto &[name, value] : weightMap.items()) {
    if (!value.is_string())
      fail(SSD_ERROR_CORRUPT, "The index '", openedPath, "' maps '", name,
           "' to something that is not a file name.");
    std::string fileName = value.get<std::string>();
    // An index names its siblings; anything else could reach any file.
    if (fileName.empty() || fileName.find('/') != std::string::npos)
      fail(SSD_ERROR_CORRUPT, "The index '", openedPath, "' maps '", name,
           "' to '", fileName, "', which is not a file beside it.");
    const Shard *&shard = opened[fileName];
    if (!shard)
      shard = &addShard(directory + "/" + fileName);
    auto found = shard->header.tensors.find(name);
    if (found == shard->header.tensors.end())
      fail(SSD_ERROR_CORRUPT, "The index '", openedPath, "' places '", name,
           "' in '", fileName, "', which doesn't hold it.");
    tensors.emplace(name, Tensor{&found->second,
                                 shard->file->data() + found->second.begin,
                                 shard->file});
  }
}

std::optional<Checkpoint::Tensor>
Checkpoint::find(const std::string &name) const {
  auto found = tensors.find(name);
  if (found == tensors.end())
    return std::nullopt;
  return found->second;
}
