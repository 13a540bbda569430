//===- Safetensors.cpp - Reading and writing .safetensors -------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/Safetensors.h"
#include "runtime/src/Error.h"
#include "runtime/src/File.h"
#include "runtime/src/Json.h"
#include "runtime/src/Type.h"

#include <algorithm>
#include <cstring>
#include <limits>

using namespace ssd;
using nlohmann::json;

namespace {

constexpr size_t kLengthBytes = 8;
/// The limit of the format's own reader.
constexpr uint64_t kMaxHeaderBytes = 100u << 20;
/// Data begins at a multiple of this in files written here, so that mapped
/// tensors are aligned for any vector load.
constexpr size_t kDataAlignment = 64;

class HeaderReader {
public:
  HeaderReader(const uint8_t *data, size_t size, const std::string &path)
      : data(data), size(size), path(path) {}

  SafetensorsHeader read();

private:
  template <typename... Parts>
  [[noreturn]] void corrupt(const Parts &...parts) {
    fail(SSD_ERROR_CORRUPT, "'", path, "': ", parts...);
  }
  uint64_t readLength();
  void readMetadata(const json &value);
  void readTensor(const std::string &name, const json &value);
  uint64_t readUnsigned(const std::string &name, const char *field,
                        const json &value);
  void checkTiling();

  const uint8_t *data;
  size_t size;
  const std::string &path;
  uint64_t dataBegin = 0;
  SafetensorsHeader header;
};

SafetensorsHeader HeaderReader::read() {
  uint64_t length = readLength();
  dataBegin = kLengthBytes + length;
  const char *text = reinterpret_cast<const char *>(data + kLengthBytes);
  if (length == 0 || text[0] != '{')
    corrupt("a safetensors header begins with '{', this one doesn't.");
  json root = parseStrictJson(text, text + length,
                              concat("The header of '", path, "'"));
  for (const auto &[name, value] : root.items()) {
    if (name == "__metadata__")
      readMetadata(value);
    else
      readTensor(name, value);
  }
  checkTiling();
  return std::move(header);
}

uint64_t HeaderReader::readLength() {
  if (size < kLengthBytes)
    corrupt("a safetensors file has at least 8 bytes, this one has ", size,
            ". Was the download cut off?");
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i)
    length |= static_cast<uint64_t>(data[i]) << (8 * i);
  if (length > kMaxHeaderBytes)
    corrupt("the header claims ", length, " bytes, more than the ",
            kMaxHeaderBytes,
            " that the format allows; this is probably not a "
            "safetensors file.");
  if (length > size - kLengthBytes)
    corrupt("the header claims ", length, " bytes, but only ",
            size - kLengthBytes, " follow. Was the download cut off?");
  return length;
}

void HeaderReader::readMetadata(const json &value) {
  if (!value.is_object())
    corrupt("__metadata__ is not an object.");
  for (const auto &[key, text] : value.items()) {
    if (!text.is_string())
      corrupt("__metadata__ entry '", key, "' is not a string.");
    header.metadata[key] = text.get<std::string>();
  }
}

uint64_t HeaderReader::readUnsigned(const std::string &name, const char *field,
                                    const json &value) {
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (!value.is_number_unsigned() || value.get<uint64_t>() > kMax)
    corrupt("tensor '", name, "': ", field, " holds ",
            value.dump().substr(0, 40), ", which is not a size.");
  return value.get<uint64_t>();
}

void HeaderReader::readTensor(const std::string &name, const json &value) {
  if (!value.is_object() || !value.contains("dtype") ||
      !value.contains("shape") || !value.contains("data_offsets"))
    corrupt("tensor '", name, "' lacks dtype, shape or data_offsets.");
  const json &type = value["dtype"], &shape = value["shape"],
             &offsets = value["data_offsets"];
  if (!type.is_string() || !shape.is_array() || !offsets.is_array() ||
      offsets.size() != 2)
    corrupt("tensor '", name,
            "': dtype must be a string, shape an array and "
            "data_offsets an array of two.");

  StoredTensor tensor;
  std::optional<DLDataType> known =
      typeFromSafetensors(type.get<std::string>());
  if (!known)
    corrupt("tensor '", name, "' has the unknown dtype '",
            type.get<std::string>(), "'.");
  tensor.type = *known;
  for (const json &extent : shape)
    tensor.shape.push_back(
        static_cast<int64_t>(readUnsigned(name, "shape", extent)));

  uint64_t begin = readUnsigned(name, "data_offsets", offsets[0]);
  uint64_t end = readUnsigned(name, "data_offsets", offsets[1]);
  uint64_t available = size - dataBegin;
  if (begin > end || end > available)
    corrupt("tensor '", name, "' lies at bytes ", begin, " to ", end,
            " of the data, of which there are ", available,
            ". Was the download cut off?");
  int32_t rank = static_cast<int32_t>(tensor.shape.size());
  std::optional<int64_t> expected =
      denseBytes(tensor.shape.data(), rank, tensor.type);
  if (!expected || static_cast<uint64_t>(*expected) != end - begin)
    corrupt("tensor '", name, "' of type ", typeName(tensor.type),
            " and shape ", shapeString(tensor.shape.data(), rank), " needs ",
            expected ? concat(*expected) : "more than 2^63",
            " bytes, but its offsets span ", end - begin, ".");
  tensor.begin = dataBegin + begin;
  tensor.bytes = end - begin;
  header.tensors.emplace(name, std::move(tensor));
}

/// The format demands that tensors tile the data: a gap may hide other
/// content, an overlap is one tensor aliasing another.
void HeaderReader::checkTiling() {
  using Item = std::pair<const std::string *, const StoredTensor *>;
  std::vector<Item> items;
  for (const auto &[name, tensor] : header.tensors)
    items.emplace_back(&name, &tensor);
  // By begin, then by size: empty tensors come before their neighbour.
  std::sort(items.begin(), items.end(), [](const Item &a, const Item &b) {
    return std::pair(a.second->begin, a.second->bytes) <
           std::pair(b.second->begin, b.second->bytes);
  });
  uint64_t expected = dataBegin;
  for (const auto &[name, tensor] : items) {
    if (tensor->begin != expected)
      corrupt("tensor '", *name, "' begins at byte ", tensor->begin - dataBegin,
              " of the data where ", expected - dataBegin, " was expected; ",
              tensor->begin < expected ? "tensors overlap."
                                       : "there is a gap.");
    expected = tensor->begin + tensor->bytes;
  }
  if (expected != size)
    corrupt(size - expected, " bytes at the end belong to no tensor.");
}

/// The header for these tensors, laid out one after the other.
std::string composeHeader(
    const std::vector<std::pair<std::string, const DLTensor *>> &tensors,
    const std::map<std::string, std::string> &metadata) {
  nlohmann::ordered_json root;
  if (!metadata.empty())
    root["__metadata__"] = metadata;
  int64_t offset = 0;
  for (const auto &[name, tensor] : tensors) {
    std::vector<int64_t> shape(tensor->shape, tensor->shape + tensor->ndim);
    std::optional<int64_t> bytes =
        denseBytes(shape.data(), tensor->ndim, tensor->dtype);
    const char *type = safetensorsName(tensor->dtype);
    if (!bytes || !type)
      fail(SSD_ERROR_INVALID_ARGUMENT, "Tensor '", name, "' of type ",
           typeName(tensor->dtype), " can't be stored as safetensors.");
    root[name] = {{"dtype", type},
                  {"shape", shape},
                  {"data_offsets", {offset, offset + *bytes}}};
    offset += *bytes;
  }
  std::string text = root.empty() ? "{}" : root.dump();
  text.resize((text.size() + kLengthBytes + kDataAlignment - 1) /
                      kDataAlignment * kDataAlignment -
                  kLengthBytes,
              ' ');
  return text;
}

} // namespace

SafetensorsHeader ssd::parseSafetensors(const uint8_t *data, size_t size,
                                        const std::string &path) {
  return HeaderReader(data, size, path).read();
}

void ssd::writeSafetensors(
    const std::string &path,
    const std::vector<std::pair<std::string, const DLTensor *>> &tensors,
    const std::map<std::string, std::string> &metadata) {
  std::string header = composeHeader(tensors, metadata);
  uint8_t length[kLengthBytes];
  for (size_t i = 0; i < kLengthBytes; ++i)
    length[i] = static_cast<uint8_t>(header.size() >> (8 * i));

  AtomicFile file(path);
  file.write(length, sizeof(length));
  file.write(header.data(), header.size());
  for (const auto &[name, tensor] : tensors)
    file.write(static_cast<const char *>(tensor->data) + tensor->byte_offset,
               static_cast<size_t>(
                   *denseBytes(tensor->shape, tensor->ndim, tensor->dtype)));
  file.commit();
}
