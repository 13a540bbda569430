//===- Artifact.cpp - A loaded shared object and its table ------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/Artifact.h"
#include "runtime/src/CpuLevel.h"
#include "runtime/src/ElfNote.h"
#include "runtime/src/Error.h"
#include "runtime/src/File.h"

#include <climits>
#include <cstdlib>

using namespace ssd;

namespace {

/// Messages name the file wherever the process moves later.
std::string absolutePath(const std::string &path) {
  char resolved[PATH_MAX];
  return realpath(path.c_str(), resolved) ? resolved : path;
}

[[noreturn]] void failVersion(const std::string &path, uint32_t version) {
  fail(SSD_ERROR_ABI_VERSION, "'", path, "' speaks version ", version,
       " of the artifact ABI, but this runtime knows versions up to ",
       SSD_ABI_VERSION,
       ". Update the runtime, or compile the artifact with an older compiler.");
}

} // namespace

Artifact::Artifact(const std::string &path) : filePath(absolutePath(path)) {
  MappedFile file(filePath);
  ArtifactNote note = readArtifactNote(file.data(), file.size(), filePath);
  if (note.abiVersion > SSD_ABI_VERSION)
    failVersion(filePath, note.abiVersion);
  checkCpuLevel(note.target, filePath);
  object.emplace(file);
  queryTable(note.abiVersion, note.target);
  checkTable(*artifactTable, filePath);
}

void Artifact::queryTable(uint32_t noteVersion, const std::string &noteTarget) {
  void *symbol = object->symbol(SSD_ARTIFACT_QUERY);
  if (!symbol)
    fail(SSD_ERROR_CORRUPT, "'", filePath, "' doesn't export ",
         SSD_ARTIFACT_QUERY, ". Artifacts are made by ssd-compile.");
  auto query = reinterpret_cast<ssd_artifact_query_fn>(symbol);
  artifactTable = query(SSD_ABI_VERSION);
  if (!artifactTable)
    fail(
        SSD_ERROR_ABI_VERSION, "'", filePath, "' has no table for version ",
        SSD_ABI_VERSION,
        " of the artifact ABI. Compile it again with this runtime's compiler.");
  if (artifactTable->abi_version > SSD_ABI_VERSION)
    failVersion(filePath, artifactTable->abi_version);
  if (artifactTable->abi_version != noteVersion)
    fail(SSD_ERROR_CORRUPT, "'", filePath, "' contradicts itself: ABI version ",
         noteVersion, " in its note, ", artifactTable->abi_version,
         " in its table.");
  if (!artifactTable->target || noteTarget != artifactTable->target)
    fail(SSD_ERROR_CORRUPT, "'", filePath, "' contradicts itself: target '",
         noteTarget, "' in its note, '",
         artifactTable->target ? artifactTable->target : "(null)",
         "' in its table.");
}
