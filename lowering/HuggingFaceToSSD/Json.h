//===- Json.h - JSON as Python writes it ------------------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_HUGGINGFACETOSSD_JSON_H
#define SSD_LOWERING_HUGGINGFACETOSSD_JSON_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <optional>
#include <string>

namespace ssd {

/// Parses JSON and, where `bareFloats`, also the bare Infinity, -Infinity and
/// NaN that Python's json module writes; they become {"__float__": "Infinity"},
/// which is how newer configurations spell them. Text nested deeper than any
/// checkpoint's is refused, as the parser under this one recurses.
llvm::Expected<llvm::json::Value> parseJson(llvm::StringRef text,
                                            bool bareFloats = false);

/// The number in `value`, which may be a {"__float__": name} object.
std::optional<double> getFloat(const llvm::json::Value &value);

/// `value` as a message quotes it: on one line, long values cut short.
std::string quote(const llvm::json::Value &value);

/// `shape` as a message quotes it: "[640, 1, 4]".
std::string quote(llvm::ArrayRef<int64_t> shape);

} // namespace ssd

#endif // SSD_LOWERING_HUGGINGFACETOSSD_JSON_H
