//===- Safetensors.h - Reading and writing .safetensors ---------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_SAFETENSORS_H
#define SSD_RUNTIME_SRC_SAFETENSORS_H

#include <dlpack/dlpack.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ssd {

/// Where one tensor lies: `begin` and `bytes` count from the file's start and
/// are inside it.
struct StoredTensor {
  DLDataType type;
  std::vector<int64_t> shape;
  size_t begin = 0;
  size_t bytes = 0;
};

struct SafetensorsHeader {
  std::unordered_map<std::string, StoredTensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Reads the header of a file that is in memory and checks all of it: lengths,
/// types, that each tensor has the bytes of its shape, and that the tensors
/// tile the data without gap or overlap. `path` is for messages. Throws
/// Failure (SSD_ERROR_CORRUPT); never reads outside [data, data + size).
SafetensorsHeader parseSafetensors(const uint8_t *data, size_t size,
                                   const std::string &path);

/// Replaces `path` atomically by a file with these dense CPU tensors.
void writeSafetensors(
    const std::string &path,
    const std::vector<std::pair<std::string, const DLTensor *>> &tensors,
    const std::map<std::string, std::string> &metadata);

} // namespace ssd

#endif // SSD_RUNTIME_SRC_SAFETENSORS_H
