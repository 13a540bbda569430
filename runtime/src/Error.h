//===- Error.h - Failures and the C boundary --------------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_ERROR_H
#define SSD_RUNTIME_SRC_ERROR_H

#include "ssd_runtime.h"

#include <new>
#include <string>
#include <type_traits>
#include <utility>

namespace ssd {

/// A failure on its way to the C boundary, where `guard` turns it into a
/// status and the calling thread's message.
struct Failure {
  int32_t status;
  std::string message;
};

/// Texts, characters and numbers one after another. No stream: they depend on
/// the locale, and with a static C++ library on that of the whole process.
template <typename Part> void append(std::string &text, const Part &part) {
  if constexpr (std::is_same_v<Part, char>)
    text += part;
  else if constexpr (std::is_arithmetic_v<Part>)
    text += std::to_string(part);
  else
    text += part;
}

template <typename... Parts> std::string concat(const Parts &...parts) {
  std::string text;
  (append(text, parts), ...);
  return text;
}

template <typename... Parts>
[[noreturn]] void fail(int32_t status, const Parts &...parts) {
  throw Failure{status, concat(parts...)};
}

/// Replaces the calling thread's message; never throws.
void setLastError(const std::string &message) noexcept;
void setLastError(const char *message) noexcept;
void clearLastError() noexcept;

/// "not found", "corrupt": a status in words.
const char *statusName(int32_t status);

/// Maps the exception in flight to a status and leaves its message.
int32_t reportCurrentException() noexcept;

/// Runs `body`, which throws Failure, at the C boundary: nothing escapes.
template <typename Body> int32_t guard(Body &&body) noexcept {
  try {
    std::forward<Body>(body)();
    return SSD_OK;
  } catch (...) {
    return reportCurrentException();
  }
}

} // namespace ssd

#endif // SSD_RUNTIME_SRC_ERROR_H
