//===- Json.cpp - Parsing JSON that others wrote ----------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/Json.h"
#include "runtime/src/Error.h"

#include <unordered_set>
#include <vector>

using namespace ssd;
using nlohmann::json;

namespace {

/// Deeper than any header or metadata object; bounds the memory that a file
/// of opening brackets can claim.
constexpr int kMaxDepth = 64;

/// Sees every event of the parser and refuses what the format forbids.
class StrictWatch {
public:
  explicit StrictWatch(const std::string &what) : what(what) {}

  bool operator()(int depth, json::parse_event_t event, json &parsed) {
    switch (event) {
    case json::parse_event_t::object_start:
      checkDepth(depth);
      keys.emplace_back();
      break;
    case json::parse_event_t::array_start:
      checkDepth(depth);
      break;
    case json::parse_event_t::object_end:
      keys.pop_back();
      break;
    case json::parse_event_t::key: {
      const std::string &key = parsed.get_ref<const std::string &>();
      if (!keys.back().insert(key).second)
        fail(SSD_ERROR_CORRUPT, what, " has the key '", key, "' twice.");
      break;
    }
    default:
      break;
    }
    return true;
  }

private:
  void checkDepth(int depth) {
    if (depth > kMaxDepth)
      fail(SSD_ERROR_CORRUPT, what, " is nested more than ", kMaxDepth,
           " levels deep.");
  }

  const std::string &what;
  std::vector<std::unordered_set<std::string>> keys;
};

} // namespace

json ssd::parseStrictJson(const char *begin, const char *end,
                          const std::string &what) {
  try {
    return json::parse(begin, end, StrictWatch(what));
  } catch (const json::exception &error) {
    fail(SSD_ERROR_CORRUPT, what, " is not valid JSON: ", error.what(), ".");
  }
}
