//===- ssd-translate.cpp - Models to MLIR, MLIR to LLVM IR ------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HuggingFaceToSSD/HuggingFaceToSSD.h"
#include "mlir/InitAllTranslations.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

static void registerHuggingFaceImport() {
  using ssd::ActivationType;
  static llvm::cl::opt<ActivationType> activations(
      "dtype",
      llvm::cl::desc("Type of an imported model's "
                     "activations"),
      llvm::cl::values(clEnumValN(ActivationType::F32, "f32", "float32"),
                       clEnumValN(ActivationType::BF16, "bf16", "bfloat16"),
                       clEnumValN(ActivationType::F16, "f16", "float16")),
      llvm::cl::init(ActivationType::F32));
  static TranslateToMLIRRegistration registration(
      "import-huggingface",
      "import a Hugging Face checkpoint folder, named by its config.json",
      [](llvm::SourceMgr &source, MLIRContext *context) {
        StringRef config = source.getMemoryBuffer(source.getMainFileID())
                               ->getBufferIdentifier();
        auto module =
            ssd::importHuggingFace(llvm::sys::path::parent_path(config),
                                   ssd::ImportOptions{activations}, context);
        return failed(module) ? OwningOpRef<Operation *>()
                              : OwningOpRef<Operation *>(module->release());
      });
}

int main(int argc, char **argv) {
  registerHuggingFaceImport();
  registerToLLVMIRTranslation();

  // Translations read one file; a model's folder stands for its config.json.
  llvm::BumpPtrAllocator allocator;
  llvm::StringSaver saver(allocator);
  for (int i = 1; i < argc; ++i)
    if (llvm::sys::fs::is_directory(argv[i]))
      argv[i] = const_cast<char *>(
          saver.save(llvm::Twine(argv[i]) + "/config.json").data());
  return failed(mlirTranslateMain(argc, argv, "ssd-mlir translation tool"));
}
