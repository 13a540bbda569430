//===- Checkpoint.h - A model's weights in one file or many -----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_CHECKPOINT_H
#define SSD_RUNTIME_SRC_CHECKPOINT_H

#include "runtime/src/File.h"
#include "runtime/src/Safetensors.h"

#include <memory>
#include <optional>

namespace ssd {

/// The tensors of a .safetensors file, or of a directory that holds
/// model.safetensors or model.safetensors.index.json and its shards.
class Checkpoint {
public:
  struct Tensor {
    const StoredTensor *stored;
    const uint8_t *data;
    /// Whoever keeps `data` keeps this.
    std::shared_ptr<const MappedFile> file;
  };

  static Checkpoint open(const std::string &path);

  std::optional<Tensor> find(const std::string &name) const;
  size_t size() const { return tensors.size(); }
  /// The file, or the index, that was opened: for messages.
  const std::string &path() const { return openedPath; }

private:
  struct Shard {
    std::shared_ptr<const MappedFile> file;
    SafetensorsHeader header;
  };

  explicit Checkpoint(std::string path) : openedPath(std::move(path)) {}
  const Shard &addShard(const std::string &path);
  void readFile();
  void readIndex(const std::string &directory);

  std::string openedPath;
  std::vector<std::unique_ptr<Shard>> shards;
  std::unordered_map<std::string, Tensor> tensors;
};

} // namespace ssd

#endif // SSD_RUNTIME_SRC_CHECKPOINT_H
