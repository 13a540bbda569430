//===- ElfNote.h - Reading an artifact before it is loaded ------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_ELFNOTE_H
#define SSD_RUNTIME_SRC_ELFNOTE_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace ssd {

/// What the ELF note of an artifact says.
struct ArtifactNote {
  uint32_t abiVersion = 0;
  std::string target;
};

/// Checks that the file in memory is a complete shared object for this
/// machine and returns its ssd-mlir note. dlopen maps segments without looking
/// at the file's size, so a truncated file would crash it. `path` is for
/// messages. Throws Failure (SSD_ERROR_CORRUPT); never reads outside
/// [data, data + size).
ArtifactNote readArtifactNote(const uint8_t *data, size_t size,
                              const std::string &path);

} // namespace ssd

#endif // SSD_RUNTIME_SRC_ELFNOTE_H
