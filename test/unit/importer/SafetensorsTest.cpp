//===- SafetensorsTest.cpp - Headers that tell the truth or not -*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "lowering/HuggingFaceToSSD/Weights.h"

using namespace ssd;
using namespace ssd::test;

static constexpr llvm::StringRef kHeader =
    R"({"__metadata__": {"format": "pt"},)"
    R"("a": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]},)"
    R"("b": {"dtype": "F32", "shape": [], "data_offsets": [12, 16]},)"
    R"("c": {"dtype": "F4", "shape": [4, 0], "data_offsets": [16, 16]}})";

static bool isAccepted(llvm::StringRef path) {
  llvm::Expected<StoredTensors> tensors = readSafetensorsHeader(path);
  if (tensors)
    return true;
  EXPECT_NE(llvm::toString(tensors.takeError()), "");
  return false;
}

TEST(Safetensors, ReadsTensors) {
  Folder folder;
  auto tensors = llvm::cantFail(readSafetensorsHeader(
      folder.write("a.safetensors", safetensors(kHeader, 16))));
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors["a"].dtype, "BF16");
  EXPECT_EQ(llvm::ArrayRef(tensors["a"].shape),
            llvm::ArrayRef<int64_t>({2, 3}));
  EXPECT_TRUE(tensors["b"].shape.empty());
  EXPECT_EQ(tensors["c"].dtype, "F4");
}

TEST(Safetensors, RefusesEveryTruncation) {
  Folder folder;
  std::string bytes = safetensors(kHeader, 16);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(isAccepted(
        folder.write("a.safetensors", llvm::StringRef(bytes).take_front(size))))
        << size;
}

TEST(Safetensors, SurvivesEveryCorruptByte) {
  Folder folder;
  std::string bytes = safetensors(kHeader, 16);
  for (size_t i = 0; i < 8 + kHeader.size(); ++i)
    for (char byte : {'\0', '"', '9', '[', '\xff'}) {
      std::string corrupt = bytes;
      corrupt[i] = byte;
      isAccepted(folder.write("a.safetensors", corrupt));
    }
}
