//===- TestSupport.h - Files and diagnostics of importer tests --*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_TEST_UNIT_IMPORTER_TESTSUPPORT_H
#define SSD_TEST_UNIT_IMPORTER_TESTSUPPORT_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <string>

namespace ssd::test {

/// A folder that lasts as long as the test.
class Folder {
public:
  Folder() {
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("ssd-importer", root));
  }
  ~Folder() { llvm::sys::fs::remove_directories(root); }

  std::string path(llvm::StringRef name) const {
    llvm::SmallString<128> result(root);
    llvm::sys::path::append(result, name);
    return result.str().str();
  }
  std::string write(llvm::StringRef name, llvm::StringRef contents) const {
    std::error_code error;
    llvm::raw_fd_ostream stream(path(name), error);
    EXPECT_FALSE(error);
    stream << contents;
    return path(name);
  }
  llvm::StringRef directory() const { return root; }

private:
  llvm::SmallString<128> root;
};

/// Keeps the errors that a context emits.
class Errors {
public:
  explicit Errors(mlir::MLIRContext &context)
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          messages.push_back(diagnostic.str());
          locations.push_back(diagnostic.getLocation());
        }) {}

  std::vector<std::string> messages;
  std::vector<mlir::Location> locations;

private:
  mlir::ScopedDiagnosticHandler handler;
};

/// Bytes of a .safetensors file.
inline std::string safetensors(llvm::StringRef header, size_t dataBytes) {
  std::string bytes(8, 0);
  llvm::support::endian::write64le(bytes.data(), header.size());
  return bytes + header.str() + std::string(dataBytes, 0);
}

} // namespace ssd::test

#endif // SSD_TEST_UNIT_IMPORTER_TESTSUPPORT_H
