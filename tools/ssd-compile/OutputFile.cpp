//===- OutputFile.cpp - files that are complete or absent -------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "tools/ssd-compile/Compilation.h"

using namespace llvm;

namespace ssd {

Expected<OutputFile> OutputFile::create(StringRef path) {
  auto refuse = [&](const Twine &reason) {
    return createStringError("can't write '" + path + "': " + reason);
  };
  sys::fs::file_status status;
  if (!sys::fs::status(path, status) && !sys::fs::is_regular_file(status))
    return refuse("it exists and is not a regular file");
  // The temporary file is removed when the process ends by a signal, too.
  auto file = sys::fs::TempFile::create(path + "-%%%%%%.tmp");
  if (!file)
    return refuse(toString(file.takeError()));
  return OutputFile(std::move(*file), path);
}

OutputFile::~OutputFile() {
  if (file)
    consumeError(file->discard());
}

Error OutputFile::commit() {
  Error error = file->keep(path);
  file.reset();
  if (error)
    return createStringError("can't write '" + path +
                             "': " + toString(std::move(error)));
  return Error::success();
}

} // namespace ssd
