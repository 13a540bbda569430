//===- ImportTest.cpp - Modules of test/models ------------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "lowering/HuggingFaceToSSD/HuggingFaceToSSD.h"
#include "mlir/IR/Verifier.h"

using namespace ssd;
using namespace ssd::test;

static std::string model(llvm::StringRef name) {
  return (SSD_TEST_MODEL_DIR "/" + name).str();
}

TEST(Import, ModulesVerify) {
  mlir::MLIRContext context;
  for (llvm::StringRef name : {"kjv-mamba2", "mamba2-plain"})
    for (auto type :
         {ActivationType::F32, ActivationType::BF16, ActivationType::F16}) {
      auto module =
          importHuggingFace(model(name), ImportOptions{type}, &context);
      ASSERT_TRUE(mlir::succeeded(module));
      EXPECT_TRUE(mlir::succeeded(mlir::verify(**module)));
      for (llvm::StringRef entry : {"logits", "prefill", "step"})
        EXPECT_TRUE((*module)->lookupSymbol(entry)) << entry.str();
    }
}

TEST(Import, NamesTheFileThatIsMissing) {
  mlir::MLIRContext context;
  Errors errors(context);
  Folder folder;
  EXPECT_TRUE(
      mlir::failed(importHuggingFace(folder.directory(), {}, &context)));
  folder.write("config.json", R"({"model_type": "mamba2"})");
  EXPECT_TRUE(
      mlir::failed(importHuggingFace(folder.directory(), {}, &context)));
  ASSERT_EQ(errors.messages.size(), 2u);
  EXPECT_EQ(errors.messages[0], "cannot read '" + folder.path("config.json") +
                                    "': No such file or directory");
  EXPECT_NE(errors.messages[1].find("has neither model.safetensors nor"),
            std::string::npos);
}
