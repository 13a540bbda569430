//===- Target.h - from the LLVM dialect to a shared object ------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// The steps of the back end, each usable alone:
//
//   CPUTarget            "cpu", "x86-64-v3", "x86-64-v4" -> a TargetMachine
//   GPUTarget            "sm_80", "sm_90a" -> the chips whose kernels it has
//   ArtifactTarget       "cpu,sm_80,sm_90a" -> both
//   addDevice            modules in the LLVM dialect of two devices -> one
//   translateToLLVM      module in the LLVM dialect -> llvm::Module
//   addArtifactTable     the exported table and the ELF note
//   optimize, emitObject llvm::Module -> object code
//   linkSharedObject     object code -> .so, by the embedded LLD
//===----------------------------------------------------------------------===//
#ifndef SSD_LOWERING_TARGET_TARGET_H
#define SSD_LOWERING_TARGET_TARGET_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>
#include <optional>
#include <string>

namespace ssd {

/// A CPU to compile for. Code uses the instructions of the level only, so that
/// the level in the artifact says everything about where it runs; `tune` is
/// the CPU whose timings are assumed.
struct CPUTarget {
  std::string level; // "x86-64-v3" or "x86-64-v4"
  std::string tune;  // an LLVM CPU name

  /// The width of a vector register in bits.
  unsigned getVectorBits() const { return level == "x86-64-v4" ? 512 : 256; }

  /// "cpu" is the machine this runs on.
  static llvm::Expected<CPUTarget> parse(llvm::StringRef name);
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createMachine() const;
};

/// The GPUs to have kernels for. Portable ones run on every chip since Ampere;
/// they are assembled ahead for the chips that are named, as PTX for others.
struct GPUTarget {
  /// Of getKnownChips(), each once.
  llvm::SmallVector<std::string> chips;

  /// Whether kernels of Hopper's own are among them.
  bool hasHopper() const { return llvm::is_contained(chips, "sm_90a"); }
  /// Whether it needs ptxas: sm_80 alone stands for portable code as PTX only.
  bool isAssembled() const { return chips.size() != 1 || chips[0] != "sm_80"; }

  static llvm::ArrayRef<llvm::StringRef> getKnownChips();
  static llvm::Expected<GPUTarget> parse(llvm::ArrayRef<llvm::StringRef> chips);
};

/// What the code in an artifact is for.
struct ArtifactTarget {
  /// Of all host code, that which launches kernels included.
  CPUTarget cpu;
  /// Whether there is code for tensors in the CPU's memory.
  bool runsOnCPU = true;
  /// For tensors in a GPU's memory.
  std::optional<GPUTarget> gpu;

  /// A CPU, GPU chips, or both, with commas in between. Host code for GPUs
  /// alone is x86-64-v3.
  static llvm::Expected<ArtifactTarget> parse(llvm::StringRef names);
};

/// Moves the functions and kernels of `from` into `module`, which is the same
/// program lowered for another device. Functions are renamed to
/// <device>.<name>; callers know entries by their old names.
llvm::Error addDevice(mlir::ModuleOp module, mlir::ModuleOp from,
                      llvm::StringRef device);

/// Registers the translations of the dialects that lowered modules consist of.
void registerTargetTranslations(mlir::DialectRegistry &registry);

/// Also sets layout, triple and what each function may assume of the target.
/// Compiled kernels stay behind: they are data of the artifact's table.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(mlir::ModuleOp module, llvm::LLVMContext &context,
                const CPUTarget &target, llvm::TargetMachine &machine);

/// Adds the artifact's table (ssd_runtime.h) for the entries of `source`, the
/// module from which `module` was translated. All else becomes internal.
llvm::Error addArtifactTable(llvm::Module &module, mlir::ModuleOp source,
                             const CPUTarget &target);

/// The O3 pipeline, without the loop vectorizer: vector code is written by the
/// MLIR passes. First rewrites what the target has no instruction for.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);

llvm::Error emitObject(llvm::Module &module, llvm::TargetMachine &machine,
                       llvm::raw_pwrite_stream &out);

/// Links one object file to a shared object that needs no library. An object
/// that uses functions other than memcpy, memmove, memset and memcmp, which
/// every process has, is refused. On failure nothing is left at `outputPath`.
llvm::Error linkSharedObject(llvm::StringRef objectPath,
                             llvm::StringRef outputPath);

/// Conversions between bf16 and f32 as integer arithmetic; part of optimize().
void expandBFloatConversions(llvm::Module &module,
                             const llvm::TargetMachine &machine);

} // namespace ssd

#endif // SSD_LOWERING_TARGET_TARGET_H
