//===- Link.cpp - shared objects by the embedded LLD ------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/Target/Target.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;

LLD_HAS_DRIVER(elf)

namespace ssd {

/// Functions of libc that code generation itself uses; every process has them.
static bool isAlwaysThere(StringRef name) {
  return is_contained({"memcpy", "memmove", "memset", "memcmp", "bcmp"}, name);
}

/// A symbol that no library provides would only show when the artifact is
/// loaded; it is an error here and now.
static Error checkUndefined(StringRef objectPath) {
  auto binary = object::ObjectFile::createObjectFile(objectPath);
  if (!binary)
    return binary.takeError();
  SmallVector<std::string> missing;
  for (const object::SymbolRef &symbol : binary->getBinary()->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name) {
      consumeError(flags.takeError());
      consumeError(name.takeError());
      continue;
    }
    if ((*flags & object::SymbolRef::SF_Undefined) && !name->empty() &&
        !isAlwaysThere(*name))
      missing.push_back(name->str());
  }
  if (missing.empty())
    return Error::success();
  sort(missing);
  return createStringError(
      "the compiled code calls " + join(missing, ", ") +
      ", which no artifact may depend on; an operation was lowered to a "
      "library call instead of to code");
}

Error linkSharedObject(StringRef objectPath, StringRef outputPath) {
  if (Error error = checkUndefined(objectPath))
    return error;
  std::string object = objectPath.str(), output = outputPath.str();
  std::string messages;
  raw_string_ostream stream(messages);
  const char *arguments[] = {"ld.lld",
                             "-shared",
                             "--gc-sections",
                             "--hash-style=gnu",
                             "-z",
                             "relro",
                             "-z",
                             "now",
                             "--build-id=none",
                             "-z",
                             "noexecstack",
                             "--strip-debug",
                             "--discard-all",
                             "--threads=1",
                             object.c_str(),
                             "-o",
                             output.c_str()};
  lld::Result result =
      lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode == 0)
    return Error::success();
  sys::fs::remove(output);
  return createStringError("linking failed: " + StringRef(messages).trim());
}

} // namespace ssd
