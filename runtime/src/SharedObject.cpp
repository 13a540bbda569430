//===- SharedObject.cpp - A private copy of a shared object -----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/SharedObject.h"
#include "runtime/src/Error.h"

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <sys/mman.h>

using namespace ssd;

SharedObject::SharedObject(const MappedFile &file)
    : copy{memfd_create("ssd-artifact", MFD_CLOEXEC)} {
  if (copy.value < 0)
    fail(SSD_ERROR_IO, "Can't hold a copy of '", file.path(),
         "' in memory: ", std::strerror(errno), ".");
  writeAll(copy.value, file.data(), file.size(),
           "copy of " + file.path());
  std::string name = concat("/proc/self/fd/", copy.value);
  handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle)
    return;
  const char *reason = dlerror();
  fail(SSD_ERROR_CORRUPT, "The dynamic linker refuses '", file.path(),
       "': ", reason ? reason : "unknown reason", ".");
}

SharedObject::~SharedObject() { dlclose(handle); }

void *SharedObject::symbol(const char *name) const {
  return dlsym(handle, name);
}
