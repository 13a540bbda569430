//===- SharedObject.h - A private copy of a shared object -------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_SHAREDOBJECT_H
#define SSD_RUNTIME_SRC_SHAREDOBJECT_H

#include "runtime/src/File.h"

namespace ssd {

/// Loads what a file holds now, whatever was loaded from its path before and
/// whatever happens to the file later. The dynamic linker alone would return
/// what it has loaded under the same name, and map pages of a file that a
/// compiler may be about to overwrite.
class SharedObject {
public:
  explicit SharedObject(const MappedFile &file);
  ~SharedObject();
  SharedObject(const SharedObject &) = delete;
  SharedObject &operator=(const SharedObject &) = delete;

  /// Null where the object exports no such symbol.
  void *symbol(const char *name) const;

private:
  /// Open as long as the object is loaded: its number is part of the name by
  /// which the dynamic linker knows the object.
  Descriptor copy;
  void *handle;
};

} // namespace ssd

#endif // SSD_RUNTIME_SRC_SHAREDOBJECT_H
