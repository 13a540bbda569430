//===- File.cpp - Read-only mappings and atomic replacement -----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/File.h"
#include "runtime/src/Error.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace ssd;

namespace {

[[noreturn]] void failOpen(const std::string &path) {
  int code = errno;
  bool missing = code == ENOENT || code == ENOTDIR;
  fail(missing ? SSD_ERROR_NOT_FOUND : SSD_ERROR_IO, "Can't open '", path,
       "': ", std::strerror(code), ".");
}

[[noreturn]] void failWrite(const std::string &path) {
  fail(SSD_ERROR_IO, "Can't write '", path, "': ", std::strerror(errno), ".");
}

/// A rename is durable only when the directory that holds it is.
void syncDirectory(const std::string &path) {
  size_t slash = path.rfind('/');
  std::string directory =
      slash == std::string::npos ? "." : path.substr(0, slash + 1);
  Descriptor folder{
      open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.value < 0)
    return;
  // Some file systems can't sync a directory; the file itself is complete.
  (void)fsync(folder.value);
}

} // namespace

Descriptor::~Descriptor() {
  if (value >= 0)
    close(value);
}

void ssd::writeAll(int descriptor, const void *data, size_t size,
                   const std::string &path) {
  // One write() moves at most 2 GiB; smaller pieces keep signals prompt.
  constexpr size_t kPiece = size_t(1) << 26;
  const char *cursor = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t written = ::write(descriptor, cursor, std::min(size, kPiece));
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      failWrite(path);
    cursor += written;
    size -= static_cast<size_t>(written);
  }
}

MappedFile::MappedFile(std::string path) : filePath(std::move(path)) {
  Descriptor file{open(filePath.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.value < 0)
    failOpen(filePath);
  struct stat status;
  if (fstat(file.value, &status) != 0)
    failOpen(filePath);
  if (!S_ISREG(status.st_mode))
    fail(SSD_ERROR_IO, "'", filePath, "' is not a regular file.");
  byteCount = static_cast<size_t>(status.st_size);
  if (byteCount == 0)
    return;
  void *mapping =
      mmap(nullptr, byteCount, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (mapping == MAP_FAILED)
    fail(SSD_ERROR_IO, "Can't map '", filePath, "' (", byteCount,
         " bytes): ", std::strerror(errno), ".");
  bytes = static_cast<const uint8_t *>(mapping);
}

MappedFile::~MappedFile() {
  if (bytes)
    munmap(const_cast<uint8_t *>(bytes), byteCount);
}

AtomicFile::AtomicFile(std::string path) : finalPath(std::move(path)) {
  // Distinct among processes and among threads of this one, so that two
  // savers of one path never write into each other's file.
  static std::atomic<uint64_t> serial{0};
  temporaryPath =
      concat(finalPath, ".", getpid(), ".", serial.fetch_add(1), ".tmp");
  descriptor = open(temporaryPath.c_str(),
                    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0)
    failOpen(temporaryPath);
}

AtomicFile::~AtomicFile() {
  if (descriptor >= 0)
    close(descriptor);
  if (!temporaryPath.empty())
    unlink(temporaryPath.c_str());
}

void AtomicFile::write(const void *data, size_t size) {
  writeAll(descriptor, data, size, temporaryPath);
}

void AtomicFile::commit() {
  if (fsync(descriptor) != 0)
    failWrite(temporaryPath);
  int closed = close(descriptor);
  descriptor = -1;
  if (closed != 0)
    failWrite(temporaryPath);
  if (rename(temporaryPath.c_str(), finalPath.c_str()) != 0)
    failWrite(finalPath);
  temporaryPath.clear();
  syncDirectory(finalPath);
}
