//===- Safetensors.cpp - Header of a .safetensors file ----------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HuggingFaceToSSD/Json.h"
#include "lowering/HuggingFaceToSSD/Weights.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace ssd;

namespace {

/// The format's own limit on its header.
constexpr uint64_t kMaxHeader = 100'000'000;
constexpr uint64_t kLengthBytes = 8;

/// Bytes of one element; none for types of less than a byte and for types
/// that did not exist when this was written.
std::optional<int64_t> getElementBytes(StringRef dtype) {
  int64_t bytes = StringSwitch<int64_t>(dtype)
                      .Cases({"BOOL", "U8", "I8"}, 1)
                      .Cases({"F8_E4M3", "F8_E5M2", "F8_E8M0"}, 1)
                      .Cases({"I16", "U16", "F16", "BF16"}, 2)
                      .Cases({"I32", "U32", "F32"}, 4)
                      .Cases({"I64", "U64", "F64", "C64"}, 8)
                      .Default(0);
  return bytes ? std::optional(bytes) : std::nullopt;
}

/// Reads the JSON text at the start of the file and the size of the data
/// behind it.
Expected<std::string> readHeaderText(StringRef path, uint64_t &dataSize) {
  uint64_t fileSize;
  if (std::error_code error = sys::fs::file_size(path, fileSize))
    return createStringError(error, "cannot be read: " + error.message());
  if (fileSize < kLengthBytes)
    return createStringError("is truncated: %llu bytes hold no header",
                             (unsigned long long)fileSize);
  auto length = MemoryBuffer::getFileSlice(path, kLengthBytes, 0);
  if (!length)
    return createStringError(length.getError(),
                             "cannot be read: " + length.getError().message());
  uint64_t size = support::endian::read64le((*length)->getBufferStart());
  if (size > kMaxHeader || size > fileSize - kLengthBytes)
    return createStringError(
        "is truncated or no safetensors file: its header claims %llu bytes, "
        "the file has %llu",
        (unsigned long long)size, (unsigned long long)fileSize);
  auto header = MemoryBuffer::getFileSlice(path, size, kLengthBytes);
  if (!header)
    return createStringError(header.getError(),
                             "cannot be read: " + header.getError().message());
  dataSize = fileSize - kLengthBytes - size;
  return (*header)->getBuffer().str();
}

/// Reads a list of integers that are not negative.
std::optional<SmallVector<int64_t>> readSizes(const json::Array *list) {
  if (!list)
    return std::nullopt;
  SmallVector<int64_t> sizes;
  for (const json::Value &value : *list) {
    std::optional<int64_t> size = value.getAsInteger();
    if (!size || *size < 0)
      return std::nullopt;
    sizes.push_back(*size);
  }
  return sizes;
}

/// Reads one entry of the header. `data` is the size of the file's data.
Expected<StoredTensor> readTensor(StringRef name, const json::Value &value,
                                  uint64_t data) {
  auto fail = [&](const Twine &what) {
    return createStringError("tensor '" + name + "' " + what);
  };
  const json::Object *entry = value.getAsObject();
  std::optional<StringRef> dtype;
  std::optional<SmallVector<int64_t>> shape, offsets;
  if (entry) {
    dtype = entry->getString("dtype");
    shape = readSizes(entry->getArray("shape"));
    offsets = readSizes(entry->getArray("data_offsets"));
  }
  if (!dtype || !shape || !offsets || offsets->size() != 2)
    return fail("has no dtype, shape and data_offsets");
  int64_t begin = (*offsets)[0], end = (*offsets)[1];
  if (begin > end || uint64_t(end) > data)
    return fail("lies at bytes " + Twine(begin) + " to " + Twine(end) +
                " of data that has " + Twine(data));
  if (std::optional<int64_t> bytes = getElementBytes(*dtype)) {
    bool overflows = false;
    for (int64_t size : *shape)
      overflows |= MulOverflow(*bytes, size, *bytes) != 0;
    if (overflows || *bytes != end - begin)
      return fail("has shape " + quote(*shape) + " of " + *dtype + " in " +
                  Twine(end - begin) + " bytes");
  }
  return StoredTensor{dtype->str(), std::move(*shape)};
}

} // namespace

Expected<StoredTensors> ssd::readSafetensorsHeader(StringRef path) {
  uint64_t dataSize = 0;
  Expected<std::string> text = readHeaderText(path, dataSize);
  if (!text)
    return text.takeError();
  Expected<json::Value> header = parseJson(*text);
  if (!header)
    return createStringError("has a header that is not JSON: " +
                             toString(header.takeError()));
  const json::Object *entries = header->getAsObject();
  if (!entries)
    return createStringError("has a header that is no JSON object");

  StoredTensors tensors;
  for (const auto &[name, value] : *entries) {
    if (name == "__metadata__")
      continue;
    Expected<StoredTensor> tensor = readTensor(name, value, dataSize);
    if (!tensor)
      return tensor.takeError();
    tensors[name] = std::move(*tensor);
  }
  return tensors;
}
