//===- CpuLevel.h - What this CPU can run -----------------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_CPULEVEL_H
#define SSD_RUNTIME_SRC_CPULEVEL_H

#include <functional>
#include <string>

namespace ssd {

/// True for a feature, by its compiler's name ("avx512bw"), that the CPU and
/// the operating system support.
using HasCpuFeature = std::function<bool(const std::string &feature)>;

bool hasCpuFeature(const std::string &feature);

/// Throws Failure (SSD_ERROR_CPU_LEVEL) that names `path` and the missing
/// features unless code for `level` ("x86-64-v3") may run.
void checkCpuLevel(const std::string &level, const std::string &path,
                   const HasCpuFeature &has = hasCpuFeature);

} // namespace ssd

#endif // SSD_RUNTIME_SRC_CPULEVEL_H
