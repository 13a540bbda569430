//===- NpyTest.cpp - Reading and writing .npy ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/reference/Npy.h"
#include "test/unit/runtime/TestSupport.h"

#include <cmath>

using namespace ssd;
using namespace ssd::reference;
using namespace ssd::test;

namespace {

std::string npy(const std::string &dict, size_t dataBytes, int version = 1) {
  std::string file("\x93NUMPY", 6);
  file += char(version);
  file += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    file += char(dict.size() >> (8 * i));
  return file + dict + std::string(dataBytes, '\1');
}

std::string dict(const std::string &type, const std::string &shape) {
  return "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape +
         ", }";
}

Array parse(const std::string &file) {
  std::vector<uint8_t> bytes(file.begin(), file.end());
  return parseNpy(bytes.data(), bytes.size(), "f");
}

std::string refusal(const std::string &file) {
  try {
    parse(file);
  } catch (const std::runtime_error &error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(Npy, reads_all_versions) {
  for (int version : {1, 2, 3}) {
    Array array = parse(npy(dict("<i4", "(2, 3)"), 24, version));
    EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(array.element(0), 0x01010101);
  }
  EXPECT_CONTAINS(refusal(npy(dict("<i4", "(1,)"), 4, 4)), "of version 4");
}

TEST(Npy, reads_all_types) {
  for (const char *type : {"<f2", "<f4", "<f8", "|i1", "<i2", "<i4", "<i8",
                           "|u1", "<u2", "<u4", "<u8", "|b1", "<V2", "|V2"})
    EXPECT_EQ(parse(npy(dict(type, "(8,)"), 8 * (type[2] - '0'))).shape[0], 8)
        << type;
}

TEST(Npy, reads_scalars_and_empties) {
  EXPECT_EQ(parse(npy(dict("<f4", "()"), 4)).elementCount(), 1);
  EXPECT_EQ(parse(npy(dict("<f4", "(3, 0)"), 0)).elementCount(), 0);
}

TEST(Npy, refuses_every_truncation) {
  std::string file = npy(dict("<f4", "(2,)"), 8);
  for (size_t size = 0; size < file.size(); ++size)
    refusal(file.substr(0, size));
  refusal(file + "x");
}

TEST(Npy, names_what_it_can_not_read) {
  EXPECT_CONTAINS(refusal(npy(dict(">f4", "(1,)"), 4)), "big-endian");
  EXPECT_CONTAINS(refusal(npy(dict("<c8", "(1,)"), 8)),
                  "unsupported dtype '<c8'");
  EXPECT_CONTAINS(refusal(npy("{'descr': '<f4', 'fortran_order': True, "
                              "'shape': (1,), }",
                              4)),
                  "not in C order");
  EXPECT_CONTAINS(refusal(npy("{'descr': [('a', '<f4')], 'fortran_order': "
                              "False, 'shape': (1,), }",
                              4)),
                  "structured");
  EXPECT_CONTAINS(refusal(npy(dict("<f4", "(3,)"), 4)),
                  "holds 4 bytes of data; shape [3] of f32 needs 12");
  EXPECT_CONTAINS(refusal(npy(dict("<f4", "(4294967296, 4294967296)"), 4)),
                  "more than 2^63");
  EXPECT_CONTAINS(refusal(npy(dict("<f4", "(99999999999999999999,)"), 4)),
                  "does not fit 63 bits");
}

TEST(Npy, refuses_malformed_headers) {
  for (const char *header :
       {"", "{", "{}", "[]", "{'descr'", "{'descr': ", "{'descr': '<f4'",
        "{'descr': '<f4', 'fortran_order': False, }",
        "{'descr': '<f4', 'descr': '<f4', }", "{'other': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2), }",
        "{'descr': '<f4', 'fortran_order': Fals", "{'descr': 'f4"})
    refusal(npy(header, 4));
}

TEST(Npy, writes_what_it_reads) {
  TemporaryFolder folder;
  for (const std::vector<int64_t> &shape :
       {std::vector<int64_t>{}, {3}, {2, 3}, {0, 2}})
    for (DLDataType type : {kF32, kF64, kF16, kBF16, kI64, kI32}) {
      Array array = Array::zeros(type, shape);
      for (int64_t i = 0; i < array.elementCount(); ++i)
        array.setElement(i, double(i) - 1);
      writeNpy(folder / "a.npy", array);
      Array read = readNpy(folder / "a.npy");
      EXPECT_TRUE(sameType(read.type, type));
      EXPECT_EQ(read.shape, shape);
      EXPECT_EQ(read.data, array.data);
      EXPECT_EQ(readFile(folder / "a.npy").find('\n') % 64, 63u);
    }
}

TEST(Npy, takes_uint16_as_bf16_where_that_is_wanted) {
  Array array = Array::zeros({kDLUInt, 16, 1}, {1});
  array.setElement(0, 0x3f80);
  adoptType(array, kF32);
  EXPECT_EQ(array.element(0), 0x3f80);
  adoptType(array, kBF16);
  EXPECT_EQ(array.element(0), 1);
}

TEST(Npy, names_files_that_can_not_be_read) {
  TemporaryFolder folder;
  EXPECT_THROW(readNpy("/nowhere.npy"), std::runtime_error);
  EXPECT_THROW(readNpy(folder.path), std::runtime_error);
  EXPECT_THROW(writeNpy("/nowhere/x.npy", Array::zeros(kF32, {1})),
               std::runtime_error);
}

TEST(Array, converts_doubles_with_one_rounding) {
  Array array = Array::zeros(kBF16, {1});
  // Just above the tie 1 + 2^-8: rounding to float first would hide the rest.
  array.setElement(0, 1.00390625 + 0x1p-40);
  EXPECT_EQ(array.element(0), 1.0078125);
  array.setElement(0, 1.00390625);
  EXPECT_EQ(array.element(0), 1);
  Array half = Array::zeros(kF16, {1});
  half.setElement(0, -(1 + 0x1p-11 + 0x1p-45));
  EXPECT_EQ(half.element(0), -(1 + 0x1p-10));
  half.setElement(0, INFINITY);
  EXPECT_EQ(half.element(0), INFINITY);
}

TEST(Array, converts_types_and_reads_integers) {
  Array array = Array::zeros(kI64, {3});
  for (int i = 0; i < 3; ++i)
    array.setElement(i, i - 1);
  EXPECT_EQ(array.as(kF16).toDoubles(), (std::vector<double>{-1, 0, 1}));
  EXPECT_EQ(array.as(kI32).toIntegers(), (std::vector<int64_t>{-1, 0, 1}));
}

} // namespace
