//===- CpuLevel.cpp - What this CPU can run ---------------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/CpuLevel.h"
#include "runtime/src/Error.h"

#include <vector>

using namespace ssd;

namespace {

/// One level of the x86-64 psABI: what it adds to the level before it.
struct Level {
  const char *name;
  std::vector<const char *> features;
};

const std::vector<Level> &levels() {
  static const std::vector<Level> all = {
      {"x86-64", {}},
      {"x86-64-v2", {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt"}},
      {"x86-64-v3",
       {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"}},
      {"x86-64-v4",
       {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}},
  };
  return all;
}

} // namespace

// The builtin takes literals only. It looks at XCR0 too, so that AVX counts
// only where the operating system saves its registers.
bool ssd::hasCpuFeature(const std::string &feature) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#define SSD_FEATURE(name)                                                      \
  if (feature == name)                                                         \
    return __builtin_cpu_supports(name);
  SSD_FEATURE("sse3")
  SSD_FEATURE("ssse3")
  SSD_FEATURE("sse4.1")
  SSD_FEATURE("sse4.2")
  SSD_FEATURE("popcnt")
  SSD_FEATURE("avx")
  SSD_FEATURE("avx2")
  SSD_FEATURE("bmi")
  SSD_FEATURE("bmi2")
  SSD_FEATURE("f16c")
  SSD_FEATURE("fma")
  SSD_FEATURE("lzcnt")
  SSD_FEATURE("movbe")
  SSD_FEATURE("avx512f")
  SSD_FEATURE("avx512bw")
  SSD_FEATURE("avx512cd")
  SSD_FEATURE("avx512dq")
  SSD_FEATURE("avx512vl")
#undef SSD_FEATURE
#endif
  return false;
}

void ssd::checkCpuLevel(const std::string &level, const std::string &path,
                        const HasCpuFeature &has) {
  std::string missing;
  for (const Level &candidate : levels()) {
    for (const char *feature : candidate.features)
      if (!has(feature))
        missing += (missing.empty() ? "" : ", ") + std::string(feature);
    if (level != candidate.name)
      continue;
    if (missing.empty())
      return;
    fail(SSD_ERROR_CPU_LEVEL, "'", path, "' is compiled for ", level,
         ", but this CPU lacks ", missing,
         ". Compile it again for a lower CPU level.");
  }
  fail(SSD_ERROR_CPU_LEVEL, "'", path, "' is compiled for the CPU level '",
       level,
       "', which this runtime doesn't know. It knows x86-64 to "
       "x86-64-v4.");
}
