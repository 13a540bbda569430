//===- ConfigTest.cpp - Fields of config.json -------------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HuggingFaceToSSD/Config.h"
#include "TestSupport.h"
#include "mlir/IR/Location.h"

using namespace ssd;
using namespace ssd::test;

namespace {

struct ConfigTest : testing::Test {
  mlir::FailureOr<Mamba2Config> read(llvm::StringRef text) {
    folder.write("config.json", text);
    auto file = ConfigFile::open(folder.directory(), &context);
    if (mlir::failed(file))
      return mlir::failure();
    return Mamba2Config::read(*file);
  }

  Folder folder;
  mlir::MLIRContext context;
  Errors errors{context};
};

} // namespace

TEST_F(ConfigTest, DefaultsAreThoseOfTransformers) {
  auto config = read("{}");
  ASSERT_TRUE(mlir::succeeded(config));
  EXPECT_EQ(config->vocabSize, 32768);
  EXPECT_EQ(config->hiddenSize, 4096);
  EXPECT_EQ(config->numLayers, 64);
  EXPECT_EQ(config->expand, 2);
  EXPECT_EQ(config->numHeads, 128);
  EXPECT_EQ(config->headDim, 64);
  EXPECT_EQ(config->numGroups, 8);
  EXPECT_EQ(config->stateSize, 128);
  EXPECT_EQ(config->convKernel, 4);
  EXPECT_FALSE(config->useBias);
  EXPECT_TRUE(config->useConvBias);
  EXPECT_FALSE(config->tieWordEmbeddings);
  EXPECT_TRUE(config->residualInF32);
  EXPECT_EQ(config->hiddenAct, "silu");
  EXPECT_EQ(config->normEpsilon, 1e-5);
  EXPECT_EQ(config->timeStepMin, 0.0);
  EXPECT_EQ(config->timeStepMax, std::numeric_limits<double>::infinity());
  EXPECT_EQ(config->bosToken, llvm::json::Value(0));
  EXPECT_EQ(config->eosToken, llvm::json::Value(2));
  EXPECT_EQ(config->padToken, llvm::json::Value(1));
}

TEST_F(ConfigTest, SizesFollowFromFields) {
  auto config = read("{}");
  ASSERT_TRUE(mlir::succeeded(config));
  EXPECT_EQ(config->innerSize(), 8192);
  EXPECT_EQ(config->convSize(), 8192 + 2 * 8 * 128);
  EXPECT_EQ(config->projectionSize(), 2 * 8192 + 2 * 8 * 128 + 128);
}

TEST_F(ConfigTest, ErrorsPointAtTheField) {
  EXPECT_TRUE(mlir::failed(read("{\n  \"a\": \"head_dim\",\n   "
                                "\"head_dim\" : 0\n}")));
  ASSERT_EQ(errors.messages.size(), 1u);
  EXPECT_EQ(errors.messages[0],
            "'head_dim' is 0, expected an integer from 1 to 16777216");
  auto location = mlir::cast<mlir::FileLineColLoc>(errors.locations[0]);
  EXPECT_EQ(location.getLine(), 3u);
  EXPECT_EQ(location.getColumn(), 4u);
}

TEST_F(ConfigTest, EveryFieldRefusesAnotherType) {
  for (llvm::StringRef field :
       {"vocab_size",       "hidden_size",   "num_hidden_layers",
        "expand",           "num_heads",     "head_dim",
        "n_groups",         "state_size",    "conv_kernel",
        "use_bias",         "use_conv_bias", "tie_word_embeddings",
        "residual_in_fp32", "hidden_act",    "layer_norm_epsilon",
        "time_step_limit",  "bos_token_id",  "eos_token_id",
        "pad_token_id",     "rms_norm"}) {
    errors.messages.clear();
    EXPECT_TRUE(mlir::failed(read(("{\"" + field + "\": {}}").str())));
    ASSERT_EQ(errors.messages.size(), 1u) << field.str();
    EXPECT_EQ(errors.messages[0].find(("'" + field + "' is {}").str()), 0u)
        << errors.messages[0];
  }
}
