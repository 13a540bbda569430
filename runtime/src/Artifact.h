//===- Artifact.h - A loaded shared object and its table --------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_ARTIFACT_H
#define SSD_RUNTIME_SRC_ARTIFACT_H

#include "runtime/src/SharedObject.h"
#include "ssd_runtime.h"

#include <optional>
#include <string>

namespace ssd {

/// An artifact that passed every check and is in memory.
class Artifact {
public:
  explicit Artifact(const std::string &path);

  const std::string &path() const { return filePath; }
  const ssd_artifact &table() const { return *artifactTable; }

private:
  void queryTable(uint32_t noteVersion, const std::string &noteTarget);

  std::string filePath;
  std::optional<SharedObject> object;
  const ssd_artifact *artifactTable = nullptr;
};

/// Checks everything in a table that the runtime relies on later. Throws
/// Failure (SSD_ERROR_CORRUPT); `path` is for messages.
void checkTable(const ssd_artifact &table, const std::string &path);

/// Where an entry runs: kDLCUDA if any of its arguments is there, else kDLCPU.
DLDeviceType deviceOf(const ssd_entry &entry);

/// The table as JSON; `table` must have passed checkTable.
std::string describeTable(const ssd_artifact &table);

/// The largest number of dynamic sizes that an entry may have.
constexpr int32_t kMaxDynamicSizes = 256;
constexpr int32_t kMaxRank = 16;

} // namespace ssd

#endif // SSD_RUNTIME_SRC_ARTIFACT_H
