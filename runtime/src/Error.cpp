//===- Error.cpp - Failures and the C boundary ------------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/Error.h"

#include <exception>

using namespace ssd;

namespace {

/// What ssd_last_error() returns. The literal serves where no memory is left
/// for the sentence itself.
struct LastError {
  std::string text;
  const char *literal = nullptr;
};

LastError &lastError() noexcept {
  static thread_local LastError error;
  return error;
}

} // namespace

void ssd::setLastError(const char *message) noexcept {
  LastError &error = lastError();
  error.literal = nullptr;
  try {
    error.text = message ? message : "";
  } catch (...) {
    error.literal = "Out of memory while composing an error message.";
  }
}

void ssd::setLastError(const std::string &message) noexcept {
  setLastError(message.c_str());
}

void ssd::clearLastError() noexcept {
  LastError &error = lastError();
  error.literal = nullptr;
  error.text.clear();
}

const char *ssd::statusName(int32_t status) {
  switch (status) {
  case SSD_OK:
    return "ok";
  case SSD_ERROR_INVALID_ARGUMENT:
    return "invalid argument";
  case SSD_ERROR_NOT_FOUND:
    return "not found";
  case SSD_ERROR_OUT_OF_MEMORY:
    return "out of memory";
  case SSD_ERROR_IO:
    return "input or output failed";
  case SSD_ERROR_CORRUPT:
    return "corrupt file";
  case SSD_ERROR_ABI_VERSION:
    return "unsupported ABI version";
  case SSD_ERROR_CPU_LEVEL:
    return "unsupported CPU level";
  case SSD_ERROR_NO_DEVICE:
    return "no device";
  case SSD_ERROR_DRIVER:
    return "driver error";
  case SSD_ERROR_INTERNAL:
    return "internal error";
  default:
    return "unknown status";
  }
}

int32_t ssd::reportCurrentException() noexcept {
  try {
    throw;
  } catch (const Failure &failure) {
    setLastError(failure.message);
    return failure.status;
  } catch (const std::bad_alloc &) {
    setLastError("Out of memory.");
    return SSD_ERROR_OUT_OF_MEMORY;
  } catch (const std::exception &error) {
    setLastError(error.what());
    return SSD_ERROR_INTERNAL;
  } catch (...) {
    setLastError("An exception of unknown type reached the C boundary.");
    return SSD_ERROR_INTERNAL;
  }
}

const char *ssd_last_error(void) {
  LastError &error = lastError();
  return error.literal ? error.literal : error.text.c_str();
}

uint32_t ssd_abi_version(void) { return SSD_ABI_VERSION; }
