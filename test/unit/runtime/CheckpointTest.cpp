//===- CheckpointTest.cpp - Weights in one file or many ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Checkpoint.h"
#include "test/unit/runtime/TestSupport.h"

using namespace ssd;
using namespace ssd::test;

namespace {

void writeShard(const std::string &path, const std::string &name, float value) {
  Tensor<float> tensor({1}, {value});
  writeSafetensors(path, {{name, &tensor}}, {});
}

float valueIn(const Checkpoint &checkpoint, const std::string &name) {
  std::optional<Checkpoint::Tensor> tensor = checkpoint.find(name);
  float value = 0;
  if (tensor)
    std::memcpy(&value, tensor->data, sizeof(value));
  return value;
}

class Sharded : public testing::Test {
protected:
  void SetUp() override {
    writeShard(folder / "one.safetensors", "a", 1);
    writeShard(folder / "two.safetensors", "b", 2);
  }
  void writeIndex(const std::string &map) {
    writeFile(folder / "model.safetensors.index.json",
              "{\"metadata\":{\"total_size\":8},\"weight_map\":" + map + "}");
  }
  std::string failureWith(const std::string &map, int32_t status) {
    writeIndex(map);
    return failureOf(status, [&] { Checkpoint::open(folder.path); });
  }

  TemporaryFolder folder;
};

TEST_F(Sharded, reads_all_shards) {
  writeIndex("{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}");
  Checkpoint checkpoint = Checkpoint::open(folder.path);
  EXPECT_EQ(checkpoint.size(), 2u);
  EXPECT_EQ(valueIn(checkpoint, "a"), 1);
  EXPECT_EQ(valueIn(checkpoint, "b"), 2);
  EXPECT_FALSE(checkpoint.find("c"));
}

TEST_F(Sharded, prefers_one_whole_file) {
  writeIndex("{}");
  writeShard(folder / "model.safetensors", "a", 7);
  EXPECT_EQ(valueIn(Checkpoint::open(folder.path), "a"), 7);
}

TEST_F(Sharded, opens_a_file_by_name) {
  EXPECT_EQ(valueIn(Checkpoint::open(folder / "two.safetensors"), "b"), 2);
}

TEST_F(Sharded, names_a_missing_shard) {
  EXPECT_CONTAINS(
      failureWith("{\"a\":\"three.safetensors\"}", SSD_ERROR_NOT_FOUND),
      "three.safetensors");
}

TEST_F(Sharded, names_a_tensor_that_its_shard_lacks) {
  EXPECT_CONTAINS(failureWith("{\"b\":\"one.safetensors\"}", SSD_ERROR_CORRUPT),
                  "places 'b' in 'one.safetensors', which doesn't hold it");
}

TEST_F(Sharded, refuses_shards_elsewhere) {
  for (const char *file : {"../one.safetensors", "/etc/passwd", ""})
    EXPECT_CONTAINS(
        failureWith("{\"a\":\"" + std::string(file) + "\"}", SSD_ERROR_CORRUPT),
        "which is not a file beside it");
}

TEST_F(Sharded, refuses_a_malformed_index) {
  EXPECT_CONTAINS(failureWith("{\"a\":1}", SSD_ERROR_CORRUPT), "maps 'a'");
  EXPECT_CONTAINS(failureWith("[]", SSD_ERROR_CORRUPT), "weight_map");
  EXPECT_CONTAINS(failureWith("{\"a\":\"x\",\"a\":\"x\"}", SSD_ERROR_CORRUPT),
                  "twice");
  writeFile(folder / "model.safetensors.index.json", "");
  failureOf(SSD_ERROR_CORRUPT, [&] { Checkpoint::open(folder.path); });
}

TEST(Checkpoint, names_a_folder_without_weights) {
  TemporaryFolder folder;
  EXPECT_CONTAINS(
      failureOf(SSD_ERROR_NOT_FOUND, [&] { Checkpoint::open(folder.path); }),
      "neither model.safetensors nor");
}

TEST(Checkpoint, names_a_path_that_is_missing) {
  failureOf(SSD_ERROR_NOT_FOUND, [&] { Checkpoint::open("/nowhere"); });
}

} // namespace
