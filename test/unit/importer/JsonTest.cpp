//===- JsonTest.cpp - JSON as Python writes it ------------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HuggingFaceToSSD/Json.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace ssd;

static std::string normalized(llvm::StringRef text, bool bareFloats = true) {
  llvm::Expected<llvm::json::Value> value = parseJson(text, bareFloats);
  return value ? quote(*value) : "error: " + llvm::toString(value.takeError());
}

TEST(Json, ReplacesBareFloats) {
  EXPECT_EQ(normalized("[Infinity, -1]"), R"([{"__float__":"Infinity"},-1])");
  EXPECT_EQ(normalized("-Infinity"), R"({"__float__":"-Infinity"})");
  EXPECT_EQ(normalized("[Infinity]", /*bareFloats=*/false).find("error: "), 0u);
}

TEST(Json, LeavesStringsAlone) {
  EXPECT_EQ(normalized(R"(["Infinity", "a \" NaN", "\\"])"),
            R"(["Infinity","a \" NaN","\\"])");
  EXPECT_EQ(normalized("\"NaN").find("error: "), 0u);
  EXPECT_EQ(normalized("\"\\").find("error: "), 0u);
}

TEST(Json, RefusesDeepNesting) {
  EXPECT_EQ(normalized(std::string(65, '[')),
            "error: nested deeper than 64 levels");
  EXPECT_EQ(normalized("\"" + std::string(65, '[') + "\"").find("error"),
            std::string::npos);
}

TEST(Json, ReadsFloats) {
  auto read = [](llvm::StringRef text) {
    return getFloat(llvm::cantFail(parseJson(text, /*bareFloats=*/true)));
  };
  EXPECT_EQ(read("0.5"), 0.5);
  EXPECT_EQ(read("-Infinity"), -INFINITY);
  EXPECT_EQ(read(R"({"__float__": "Infinity"})"), INFINITY);
  EXPECT_TRUE(std::isnan(*read("NaN")));
  EXPECT_FALSE(read(R"({"__float__": "1"})"));
  EXPECT_FALSE(read(R"({"__float__": "NaN", "a": 1})"));
  EXPECT_FALSE(read("\"0.5\""));
}

TEST(Json, QuotesShapes) {
  EXPECT_EQ(quote(llvm::ArrayRef<int64_t>()), "[]");
  EXPECT_EQ(quote(llvm::ArrayRef<int64_t>({640, 1, 4})), "[640, 1, 4]");
}
