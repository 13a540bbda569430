//===- Json.cpp - JSON as Python writes it ----------------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HuggingFaceToSSD/Json.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <limits>

using namespace llvm;

namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMaxQuote = 60;

/// Returns `text` with bare non-finite numbers replaced by objects.
Expected<std::string> normalize(StringRef text, bool bareFloats) {
  static constexpr StringRef kNames[] = {"Infinity", "-Infinity", "NaN"};
  std::string result;
  result.reserve(text.size());
  bool inString = false;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      inString = c != '"';
      result += c;
      if (c == '\\' && i + 1 < text.size())
        result += text[++i];
      continue;
    }
    inString = c == '"';
    if (c == '[' || c == '{') {
      if (++depth > kMaxDepth)
        return createStringError("nested deeper than %d levels", kMaxDepth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
    const StringRef *name = find_if(kNames, [&](StringRef name) {
      return text.substr(i).starts_with(name);
    });
    if (bareFloats && name != std::end(kNames)) {
      result += formatv("{{\"__float__\": \"{0}\"}", *name).str();
      i += name->size() - 1;
      continue;
    }
    result += c;
  }
  return result;
}

} // namespace

Expected<json::Value> ssd::parseJson(StringRef text, bool bareFloats) {
  Expected<std::string> normal = normalize(text, bareFloats);
  if (!normal)
    return normal.takeError();
  return json::parse(*normal);
}

std::optional<double> ssd::getFloat(const json::Value &value) {
  if (std::optional<double> number = value.getAsNumber())
    return number;
  const json::Object *object = value.getAsObject();
  if (!object || object->size() != 1)
    return std::nullopt;
  std::optional<StringRef> name = object->getString("__float__");
  if (!name)
    return std::nullopt;
  using Limits = std::numeric_limits<double>;
  if (*name == "Infinity")
    return Limits::infinity();
  if (*name == "-Infinity")
    return -Limits::infinity();
  if (*name == "NaN")
    return Limits::quiet_NaN();
  return std::nullopt;
}

std::string ssd::quote(const json::Value &value) {
  std::string text = formatv("{0}", value).str();
  if (text.size() > kMaxQuote)
    text = text.substr(0, kMaxQuote) + "...";
  return text;
}

std::string ssd::quote(ArrayRef<int64_t> shape) {
  return "[" +
         join(map_range(shape, [](int64_t d) { return itostr(d); }), ", ") +
         "]";
}
