//===- File.h - Read-only mappings and atomic replacement -------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_FILE_H
#define SSD_RUNTIME_SRC_FILE_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace ssd {

/// Closed with its owner; negative: none.
struct Descriptor {
  explicit Descriptor(int value) : value(value) {}
  ~Descriptor();
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;

  int value;
};

/// Throws Failure (SSD_ERROR_IO), which names `path`.
void writeAll(int descriptor, const void *data, size_t size,
              const std::string &path);

/// A whole file mapped read-only.
class MappedFile {
public:
  explicit MappedFile(std::string path);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  const std::string &path() const { return filePath; }
  const uint8_t *data() const { return bytes; }
  size_t size() const { return byteCount; }

private:
  std::string filePath;
  const uint8_t *bytes = nullptr;
  size_t byteCount = 0;
};

/// Writes a new version of a file beside it and moves it over the old one
/// when it is safely on the disk. A reader sees the old version or the new
/// one; without commit() the old one stays.
class AtomicFile {
public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;

  void write(const void *data, size_t size);
  void commit();

private:
  std::string finalPath;
  std::string temporaryPath;
  int descriptor = -1;
};

} // namespace ssd

#endif // SSD_RUNTIME_SRC_FILE_H
