//===- SafetensorsTest.cpp - Reading .safetensors, whole and broken ---*-
//-*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Safetensors.h"
#include "runtime/src/File.h"
#include "test/unit/runtime/TestSupport.h"

using namespace ssd;
using namespace ssd::test;

namespace {

/// A file with this header and that many bytes of data.
std::string fileWith(const std::string &header, size_t dataBytes) {
  std::string text(8, '\0');
  for (size_t i = 0; i < 8; ++i)
    text[i] = char(header.size() >> (8 * i));
  return text + header + std::string(dataBytes, 'x');
}

SafetensorsHeader parse(const std::string &file) {
  // An exact heap copy, so that a sanitizer sees any read outside of it.
  std::vector<uint8_t> bytes(file.begin(), file.end());
  return parseSafetensors(bytes.data(), bytes.size(), "f");
}

std::string corruptionOf(const std::string &file) {
  return failureOf(SSD_ERROR_CORRUPT, [&] { parse(file); });
}

std::string tensor(const std::string &name, const std::string &type,
                   const std::string &shape, const std::string &offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

TEST(Safetensors, reads_tensors_and_metadata) {
  SafetensorsHeader header =
      parse(fileWith("{\"__metadata__\":{\"format\":\"pt\"}," +
                         tensor("w", "F32", "[2,3]", "[0,24]") + "," +
                         tensor("v", "BF16", "[]", "[24,26]") + "}  ",
                     26));
  EXPECT_EQ(header.metadata.at("format"), "pt");
  EXPECT_EQ(header.tensors.at("w").shape, (std::vector<int64_t>{2, 3}));
  EXPECT_TRUE(sameType(header.tensors.at("v").type, kBF16));
  EXPECT_EQ(header.tensors.at("v").bytes, 2u);
}

TEST(Safetensors, reads_a_file_without_tensors) {
  EXPECT_TRUE(parse(fileWith("{}", 0)).tensors.empty());
}

TEST(Safetensors, reads_empty_tensors_between_others) {
  SafetensorsHeader header =
      parse(fileWith("{" + tensor("a", "F32", "[1]", "[0,4]") + "," +
                         tensor("e", "F32", "[0,5]", "[4,4]") + "," +
                         tensor("b", "F32", "[1]", "[4,8]") + "}",
                     8));
  EXPECT_EQ(header.tensors.at("e").bytes, 0u);
}

TEST(Safetensors, refuses_every_truncation) {
  std::string file =
      fileWith("{" + tensor("w", "F32", "[2,3]", "[0,24]") + "}", 24);
  for (size_t size = 0; size < file.size(); ++size)
    corruptionOf(file.substr(0, size));
}

TEST(Safetensors, refuses_a_lying_header_length) {
  std::string file = fileWith("{}", 0);
  file[0] = 3;
  EXPECT_CONTAINS(corruptionOf(file), "the header claims 3 bytes, but only 2");
  file[7] = '\x7f';
  EXPECT_CONTAINS(corruptionOf(file), "more than the 104857600");
}

TEST(Safetensors, refuses_offsets_outside_the_file) {
  EXPECT_CONTAINS(
      corruptionOf(fileWith("{" + tensor("w", "F32", "[2]", "[0,8]") + "}", 4)),
      "tensor 'w' lies at bytes 0 to 8 of the data, of which there are 4");
  EXPECT_CONTAINS(
      corruptionOf(fileWith(
          "{" + tensor("w", "F32", "[2]", "[9223372036854775800,4]") + "}", 8)),
      "tensor 'w' lies at");
}

TEST(Safetensors, refuses_overlap) {
  EXPECT_CONTAINS(
      corruptionOf(fileWith("{" + tensor("a", "F32", "[2]", "[0,8]") + "," +
                                tensor("b", "F32", "[2]", "[4,12]") + "}",
                            12)),
      "tensors overlap");
}

TEST(Safetensors, refuses_gaps) {
  EXPECT_CONTAINS(
      corruptionOf(fileWith("{" + tensor("a", "F32", "[1]", "[0,4]") + "," +
                                tensor("b", "F32", "[1]", "[8,12]") + "}",
                            12)),
      "there is a gap");
  EXPECT_CONTAINS(
      corruptionOf(fileWith("{" + tensor("a", "F32", "[1]", "[4,8]") + "}", 8)),
      "there is a gap");
  EXPECT_CONTAINS(
      corruptionOf(fileWith("{" + tensor("a", "F32", "[1]", "[0,4]") + "}", 9)),
      "5 bytes at the end belong to no tensor");
}

TEST(Safetensors, refuses_bytes_that_contradict_the_shape) {
  EXPECT_CONTAINS(
      corruptionOf(fileWith("{" + tensor("a", "F32", "[3]", "[0,8]") + "}", 8)),
      "shape [3] needs 12 bytes, but its offsets span 8");
}

TEST(Safetensors, refuses_shapes_that_overflow) {
  EXPECT_CONTAINS(
      corruptionOf(fileWith(
          "{" + tensor("a", "F32", "[4294967296,4294967296]", "[0,0]") + "}",
          0)),
      "more than 2^63");
  EXPECT_CONTAINS(
      corruptionOf(fileWith(
          "{" + tensor("a", "F32", "[18446744073709551615]", "[0,0]") + "}",
          0)),
      "is not a size");
}

TEST(Safetensors, refuses_sizes_that_are_not_integers) {
  for (const char *shape : {"[-1]", "[1.0]", "[\"1\"]", "[null]", "[[1]]"})
    EXPECT_CONTAINS(corruptionOf(fileWith(
                        "{" + tensor("a", "F32", shape, "[0,4]") + "}", 4)),
                    "is not a size");
}

TEST(Safetensors, refuses_an_unknown_dtype) {
  EXPECT_CONTAINS(
      corruptionOf(fileWith("{" + tensor("a", "F12", "[1]", "[0,4]") + "}", 4)),
      "unknown dtype 'F12'");
}

TEST(Safetensors, refuses_duplicate_keys) {
  std::string one = tensor("a", "F32", "[1]", "[0,4]");
  EXPECT_CONTAINS(corruptionOf(fileWith("{" + one + "," + one + "}", 4)),
                  "has the key 'a' twice");
  EXPECT_CONTAINS(
      corruptionOf(fileWith("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\","
                            "\"shape\":[1],\"data_offsets\":[0,4]}}",
                            4)),
      "has the key 'dtype' twice");
}

TEST(Safetensors, refuses_malformed_headers) {
  for (const char *header :
       {"", "[]", "{", "{}}", "{\"a\":1}", "{\"a\":{}}", "nonsense",
        "{\"__metadata__\":[]}", "{\"__metadata__\":{\"a\":1}}",
        "{\"a\":{\"dtype\":1,\"shape\":[],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":3,\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0]}}",
        "{\"\xff\":{}}"})
    corruptionOf(fileWith(header, 0));
}

TEST(Safetensors, refuses_deep_nesting) {
  std::string deep = "{\"a\":" + std::string(100000, '[');
  EXPECT_CONTAINS(corruptionOf(fileWith(deep, 0)), "levels deep");
}

TEST(Safetensors, writes_what_it_reads) {
  TemporaryFolder folder;
  Tensor<float> a({2, 2}, {1, 2, 3, 4});
  Tensor<int64_t> b({3}, {5, 6, 7});
  Tensor<float> none({0, 4});
  writeSafetensors(folder / "f",
                   {{"a", &a}, {"b \"quoted\"", &b}, {"none", &none}},
                   {{"key", "value"}});
  MappedFile file(folder / "f");
  SafetensorsHeader header =
      parseSafetensors(file.data(), file.size(), file.path());
  EXPECT_EQ(header.metadata.at("key"), "value");
  ASSERT_EQ(header.tensors.size(), 3u);
  const StoredTensor &stored = header.tensors.at("b \"quoted\"");
  EXPECT_EQ(std::memcmp(file.data() + stored.begin, b.values.data(), 24), 0);
  EXPECT_EQ(header.tensors.at("a").begin % 64, 0u);
}

TEST(Safetensors, writes_a_file_without_tensors) {
  TemporaryFolder folder;
  writeSafetensors(folder / "f", {}, {});
  EXPECT_TRUE(parse(readFile(folder / "f")).tensors.empty());
}

} // namespace
