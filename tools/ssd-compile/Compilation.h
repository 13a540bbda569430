//===- Compilation.h - one run of the compiler ------------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#ifndef SSD_TOOLS_SSD_COMPILE_COMPILATION_H
#define SSD_TOOLS_SSD_COMPILE_COMPILATION_H

#include "lowering/Target/Target.h"
#include "passes/Pipelines.h"

#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

#include <optional>
#include <string>

namespace ssd {

enum class Output { SharedObject, Object, LLVMIR, MLIR };
enum class Activations { F32, BF16, F16 };

struct CompileOptions {
  std::string input, output;
  std::string target = "cpu"; // or GPU chips, or both, with commas
  Activations activations = Activations::F32;
  std::string form = "auto"; // or recurrent, chunked, quadratic
  std::string kernel;        // of a GPU; empty: the fastest for each mixer
  std::string tuningSpec;    // empty: none
  bool batchInvariant = false;
  unsigned workers = 0; // 0: what the module says
  Output emit = Output::SharedObject;
  std::string dumpDirectory; // empty: no dumps
  bool progress = false;
};

/// A file that appears under its name only when it is complete. Until then it
/// is a temporary file beside it, removed whatever happens.
class OutputFile {
public:
  /// Fails if the file could not be written.
  static llvm::Expected<OutputFile> create(llvm::StringRef path);
  OutputFile(OutputFile &&) = default;
  ~OutputFile();
  llvm::StringRef getTemporaryPath() const { return file->TmpName; }
  llvm::Error commit();

private:
  OutputFile(llvm::sys::fs::TempFile file, llvm::StringRef path)
      : file(std::move(file)), path(path) {}
  std::optional<llvm::sys::fs::TempFile> file;
  std::string path;
};

/// Errors in the module are reported as diagnostics where they are found; the
/// llvm::Error that is returned says what could not be done.
class Compilation {
public:
  explicit Compilation(CompileOptions options);
  llvm::Error run();

private:
  /// From the input to code for tensors on one device.
  struct Pipeline {
    llvm::StringRef device; // "cpu" or "cuda"
    std::vector<Stage> stages;
  };

  llvm::Expected<std::vector<Pipeline>> choosePipelines();
  Pipeline getCPUPipeline() const;
  Pipeline getGPUPipeline() const;
  llvm::Error readInput(mlir::MLIRContext &context);
  llvm::Error importDirectory(mlir::MLIRContext &context);
  llvm::Error parseFile(mlir::MLIRContext &context);
  llvm::Error lower(llvm::ArrayRef<Pipeline> pipelines);
  llvm::Error runPasses(llvm::ArrayRef<Stage> stages);
  llvm::Error emit();
  llvm::Error emitArtifact(llvm::Module &module, llvm::TargetMachine &machine);
  llvm::Error write(llvm::function_ref<llvm::Error(llvm::raw_fd_ostream &)>);
  llvm::Error dump(llvm::StringRef name);
  llvm::Error step(llvm::StringRef name, llvm::function_ref<llvm::Error()>);

  CompileOptions options;
  ArtifactTarget target;
  std::optional<OutputFile> output;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  unsigned stepsDone = 0, stepsTotal = 0, dumps = 0;
};

} // namespace ssd

#endif // SSD_TOOLS_SSD_COMPILE_COMPILATION_H
