//===- Describe.cpp - An artifact's table as JSON ---------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/Artifact.h"
#include "runtime/src/Type.h"

#include <nlohmann/json.hpp>

using namespace ssd;
// Keeps the order of insertion, which is the order a reader wants.
using nlohmann::ordered_json;

namespace {

const char *roleName(int32_t role) {
  switch (role) {
  case SSD_ROLE_INPUT:
    return "input";
  case SSD_ROLE_OUTPUT:
    return "output";
  case SSD_ROLE_STATE:
    return "state";
  default:
    return "parameter";
  }
}

ordered_json parseOr(const char *text, ordered_json otherwise) {
  return text ? ordered_json::parse(text) : otherwise;
}

/// Static sizes are numbers, dynamic ones "d0", "d1": equal where they must be
/// equal.
ordered_json describeShape(const ssd_argument &argument) {
  ordered_json shape = ordered_json::array();
  for (int32_t d = 0; d < argument.rank; ++d) {
    int64_t size = argument.shape[d];
    if (size >= 0)
      shape.push_back(size);
    else
      shape.push_back("d" + std::to_string(-1 - size));
  }
  return shape;
}

ordered_json describeArgument(const ssd_argument &argument) {
  ordered_json json = {{"name", argument.name},
                       {"role", roleName(argument.role)},
                       {"dtype", typeName(argument.dtype)},
                       {"shape", describeShape(argument)}};
  if (argument.device == kDLCUDA)
    json["device"] = "cuda";
  if (argument.strided)
    json["strided"] = true;
  if (argument.min_value <= argument.max_value &&
      (argument.dtype.code == kDLInt || argument.dtype.code == kDLUInt))
    json["range"] = {argument.min_value, argument.max_value};
  return json;
}

ordered_json describeEntry(const ssd_entry &entry) {
  ordered_json arguments = ordered_json::array();
  for (int32_t i = 0; i < entry.n_args; ++i)
    arguments.push_back(describeArgument(entry.args[i]));
  return {{"name", entry.name},
          {"device", deviceOf(entry) == kDLCPU ? "cpu" : "cuda"},
          {"arguments", arguments},
          {"mixers", parseOr(entry.mixers, ordered_json::array())}};
}

ordered_json describeKernel(const ssd_kernel &kernel) {
  ordered_json images = ordered_json::array();
  for (int32_t i = 0; i < kernel.n_images; ++i)
    images.push_back(
        {{"target", kernel.images[i].target}, {"size", kernel.images[i].size}});
  return {{"name", kernel.name},
          {"block", kernel.block},
          {"cluster", kernel.cluster},
          {"max_shared_bytes", kernel.max_shared_bytes},
          {"images", images}};
}

} // namespace

std::string ssd::describeTable(const ssd_artifact &table) {
  ordered_json json = {
      {"abi_version", table.abi_version},
      {"compiler", table.compiler},
      {"target", table.target},
      {"metadata", parseOr(table.metadata, ordered_json::object())}};
  json["entries"] = ordered_json::array();
  for (int32_t i = 0; i < table.n_entries; ++i)
    json["entries"].push_back(describeEntry(table.entries[i]));
  json["kernels"] = ordered_json::array();
  for (int32_t i = 0; i < table.n_kernels; ++i)
    json["kernels"].push_back(describeKernel(table.kernels[i]));
  // Names in a table are any bytes; what is not UTF-8 is replaced, not fatal.
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}
