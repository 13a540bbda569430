//===- Kernels.cpp - From the fastest to the plain one ----------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/Kernels.h"

using namespace ssd;

llvm::ArrayRef<const KernelKind *> ssd::getKernels() {
  static const KernelKind *const kinds[] = {
      &getStepKernel(), &getChunkedKernel(2), &getChunkedKernel(1),
      &getPortableKernel(), &getRecurrentKernel()};
  return kinds;
}

std::string ssd::listKernels() {
  std::string text;
  llvm::ArrayRef<const KernelKind *> kinds = getKernels();
  for (const KernelKind *kind : kinds) {
    if (kind != kinds.front())
      text += kind == kinds.back() ? " and " : ", ";
    text += kind->getName();
  }
  return text;
}
