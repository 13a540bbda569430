//===- Json.h - Parsing JSON that others wrote ------------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_RUNTIME_SRC_JSON_H
#define SSD_RUNTIME_SRC_JSON_H

#include <nlohmann/json.hpp>

#include <string>

namespace ssd {

/// Parses JSON strictly: duplicate keys and absurd nesting are errors, which
/// nlohmann's own parser lets pass. `what` names the text in the message of
/// the Failure (SSD_ERROR_CORRUPT).
nlohmann::json parseStrictJson(const char *begin, const char *end,
                               const std::string &what);

} // namespace ssd

#endif // SSD_RUNTIME_SRC_JSON_H
