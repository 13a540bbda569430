//===- Npy.cpp - Arrays in NumPy's .npy format ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/reference/Npy.h"
#include "runtime/src/Type.h"

#include <cctype>
#include <cstring>
#include <fstream>
#include <limits>
#include <stdexcept>

using namespace ssd;
using namespace ssd::reference;

namespace {

constexpr char kMagic[] = "\x93NUMPY";
constexpr size_t kMagicBytes = 6;
constexpr size_t kMaxDimensions = 32;

struct Descriptor {
  const char *text; // without the byte order
  DLDataType type;
};

constexpr Descriptor kDescriptors[] = {
    {"f2", {kDLFloat, 16, 1}}, {"f4", {kDLFloat, 32, 1}},
    {"f8", {kDLFloat, 64, 1}}, {"i1", {kDLInt, 8, 1}},
    {"i2", {kDLInt, 16, 1}},   {"i4", {kDLInt, 32, 1}},
    {"i8", {kDLInt, 64, 1}},   {"u1", {kDLUInt, 8, 1}},
    {"u2", {kDLUInt, 16, 1}},  {"u4", {kDLUInt, 32, 1}},
    {"u8", {kDLUInt, 64, 1}},  {"b1", {kBoolCode, 8, 1}},
    {"V2", {kDLBfloat, 16, 1}}};

/// Reads the header: a Python dict literal with the keys descr, fortran_order
/// and shape, of which only the forms that NumPy writes are taken.
class NpyReader {
public:
  NpyReader(const uint8_t *data, size_t size, const std::string &name)
      : data(data), size(size), name(name) {}

  Array read();

private:
  [[noreturn]] void refuse(const std::string &message) const {
    throw std::runtime_error("'" + name + "' " + message);
  }
  void locateHeader();
  void readDict();
  void readValue(const std::string &key);
  void readDescriptor();
  void readOrder();
  void readShape();
  int64_t readSize();
  std::string readString();
  void skipSpaces() {
    while (cursor < end && std::isspace(data[cursor]))
      ++cursor;
  }
  bool accept(char c) {
    skipSpaces();
    if (cursor >= end || data[cursor] != static_cast<uint8_t>(c))
      return false;
    ++cursor;
    return true;
  }
  void expect(char c) {
    if (!accept(c))
      refuse(std::string("has a malformed NPY header: expected '") + c +
             "' at byte " + std::to_string(cursor) + ".");
  }

  const uint8_t *data;
  size_t size;
  const std::string &name;
  size_t cursor = 0, end = 0;
  Array array;
  bool hasType = false, hasOrder = false, hasShape = false;
};

void NpyReader::locateHeader() {
  if (size < kMagicBytes + 2 || std::memcmp(data, kMagic, kMagicBytes) != 0)
    refuse("is not an NPY file.");
  int version = data[kMagicBytes];
  if (version < 1 || version > 3)
    refuse("is an NPY file of version " + std::to_string(version) +
           "; versions 1 to 3 are known.");
  size_t lengthBytes = version == 1 ? 2 : 4;
  cursor = kMagicBytes + 2;
  if (size - cursor < lengthBytes)
    refuse("is truncated within its header.");
  size_t length = 0;
  for (size_t i = 0; i < lengthBytes; ++i)
    length |= static_cast<size_t>(data[cursor + i]) << (8 * i);
  cursor += lengthBytes;
  if (length > size - cursor)
    refuse("is truncated within its header.");
  end = cursor + length;
}

std::string NpyReader::readString() {
  skipSpaces();
  char quote = cursor < end ? static_cast<char>(data[cursor]) : 0;
  if (quote != '\'' && quote != '"')
    refuse("has a malformed NPY header: expected a string at byte " +
           std::to_string(cursor) + ".");
  size_t begin = ++cursor;
  while (cursor < end && data[cursor] != static_cast<uint8_t>(quote))
    ++cursor;
  if (cursor >= end)
    refuse("has a malformed NPY header: a string does not end.");
  return std::string(reinterpret_cast<const char *>(data) + begin,
                     cursor++ - begin);
}

void NpyReader::readDescriptor() {
  skipSpaces();
  if (cursor < end && data[cursor] == '[')
    refuse("holds a structured array; expected numbers.");
  std::string text = readString();
  bool oneByte = text.size() == 3 && text[2] == '1';
  bool order =
      text.size() == 3 && (text[0] == '<' || text[0] == '|' || text[0] == '=');
  if (text.size() == 3 && text[0] == '>' && !oneByte)
    refuse("is big-endian ('" + text + "'); expected little-endian.");
  for (const Descriptor &known : kDescriptors)
    if (order && text.compare(1, 2, known.text) == 0) {
      array.type = known.type;
      hasType = true;
      return;
    }
  refuse("has the unsupported dtype '" + text.substr(0, 40) + "'.");
}

void NpyReader::readOrder() {
  skipSpaces();
  const char *text = reinterpret_cast<const char *>(data) + cursor;
  if (end - cursor >= 5 && std::strncmp(text, "False", 5) == 0) {
    cursor += 5;
    hasOrder = true;
    return;
  }
  refuse("is not in C order; save it with numpy.ascontiguousarray().");
}

int64_t NpyReader::readSize() {
  skipSpaces();
  size_t begin = cursor;
  int64_t value = 0;
  for (; cursor < end && std::isdigit(data[cursor]); ++cursor)
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, int64_t(data[cursor] - '0'), &value))
      refuse("has a size that does not fit 63 bits.");
  if (cursor == begin)
    refuse("has a malformed NPY header: expected a size at byte " +
           std::to_string(cursor) + ".");
  return value;
}

void NpyReader::readShape() {
  expect('(');
  while (!accept(')')) {
    if (array.shape.size() == kMaxDimensions)
      refuse("has more than " + std::to_string(kMaxDimensions) +
             " dimensions.");
    array.shape.push_back(readSize());
    if (!accept(',')) {
      expect(')');
      break;
    }
  }
  hasShape = true;
}

void NpyReader::readValue(const std::string &key) {
  if (key == "descr" && !hasType)
    readDescriptor();
  else if (key == "fortran_order" && !hasOrder)
    readOrder();
  else if (key == "shape" && !hasShape)
    readShape();
  else
    refuse("has a malformed NPY header: unexpected key '" + key.substr(0, 40) +
           "'.");
}

void NpyReader::readDict() {
  expect('{');
  while (!accept('}')) {
    std::string key = readString();
    expect(':');
    readValue(key);
    if (!accept(',')) {
      expect('}');
      break;
    }
  }
  if (!hasType || !hasOrder || !hasShape)
    refuse("has a malformed NPY header: descr, fortran_order or shape is "
           "missing.");
}

Array NpyReader::read() {
  locateHeader();
  readDict();
  int32_t rank = static_cast<int32_t>(array.shape.size());
  std::optional<int64_t> bytes =
      denseBytes(array.shape.data(), rank, array.type);
  if (!bytes || static_cast<uint64_t>(*bytes) != size - end)
    refuse("holds " + std::to_string(size - end) + " bytes of data; shape " +
           shapeString(array.shape.data(), rank) + " of " +
           typeName(array.type) + " needs " +
           (bytes ? std::to_string(*bytes) : "more than 2^63") + ".");
  const char *begin = reinterpret_cast<const char *>(data) + end;
  array.data.assign(begin, begin + *bytes);
  return std::move(array);
}

std::string descriptorOf(DLDataType type) {
  for (const Descriptor &known : kDescriptors)
    if (sameType(known.type, type))
      return (type.bits == 8 ? "|" : "<") + std::string(known.text);
  throw std::runtime_error("The type " + typeName(type) +
                           " has no NPY spelling.");
}

} // namespace

Array ssd::reference::parseNpy(const uint8_t *data, size_t size,
                               const std::string &name) {
  return NpyReader(data, size, name).read();
}

Array ssd::reference::readNpy(const std::string &path) {
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream)
    throw std::runtime_error("Can't open '" + path + "'.");
  std::streamoff size = stream.tellg();
  // A directory opens, and claims to be as large as a file can be.
  if (size < 0 || size == std::numeric_limits<std::streamoff>::max())
    throw std::runtime_error("'" + path + "' is not a regular file.");
  std::vector<char> bytes(static_cast<size_t>(size));
  stream.seekg(0);
  if (!stream.read(bytes.data(), size))
    throw std::runtime_error("Can't read '" + path + "'.");
  return parseNpy(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(),
                  path);
}

void ssd::reference::writeNpy(const std::string &path, const Array &array) {
  std::string shape;
  for (int64_t size : array.shape)
    shape += std::to_string(size) + ", ";
  // One size keeps its comma, more lose the last one, as Python prints them.
  if (!shape.empty())
    shape.resize(shape.size() - (array.shape.size() == 1 ? 1 : 2));
  std::string header = "{'descr': '" + descriptorOf(array.type) +
                       "', 'fortran_order': False, 'shape': (" + shape + "), }";
  constexpr size_t kPrefix = kMagicBytes + 4, kAlign = 64;
  size_t total = (kPrefix + header.size() + 1 + kAlign - 1) / kAlign * kAlign;
  header.resize(total - kPrefix - 1, ' ');
  header += '\n';

  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  const char prefix[] = {1, 0, static_cast<char>(header.size() & 0xff),
                         static_cast<char>(header.size() >> 8)};
  stream.write(kMagic, kMagicBytes);
  stream.write(prefix, sizeof(prefix));
  stream.write(header.data(), static_cast<std::streamsize>(header.size()));
  stream.write(array.data.data(),
               static_cast<std::streamsize>(array.data.size()));
  stream.flush();
  if (!stream)
    throw std::runtime_error("Can't write '" + path + "'.");
}

void ssd::reference::adoptType(Array &array, DLDataType wanted) {
  if (sameType(wanted, kBF16) && array.type.code == kDLUInt &&
      array.type.bits == 16)
    array.type = kBF16;
}
