//===- Target.cpp - object code for a CPU level -----------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/Target/Target.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/Transforms/IPO/MergeFunctions.h"

using namespace llvm;

namespace ssd {

static constexpr char kTriple[] = "x86_64-unknown-linux-gnu";

/// The highest level of the psABI that the host has.
static StringRef getHostLevel() {
  StringMap<bool> features = sys::getHostCPUFeatures();
  auto hasAll = [&](ArrayRef<StringRef> names) {
    return all_of(names, [&](StringRef name) { return features.lookup(name); });
  };
  if (!hasAll({"avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"}))
    return "";
  if (!hasAll({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}))
    return "x86-64-v3";
  return "x86-64-v4";
}

Expected<CPUTarget> CPUTarget::parse(StringRef name) {
  if (name == "x86-64-v3" || name == "x86-64-v4")
    return CPUTarget{name.str(), "generic"};
  if (name != "cpu")
    return createStringError("unknown target '" + name +
                             "'; targets are cpu (this machine), x86-64-v3, "
                             "x86-64-v4, sm_90a (Hopper), sm_80 (portable GPU "
                             "code), or a CPU and GPUs with commas in between");
  StringRef level = getHostLevel();
  if (level.empty())
    return createStringError("this CPU is below x86-64-v3, which compiled "
                             "programs need; compile for another machine with "
                             "--target=x86-64-v3");
  return CPUTarget{level.str(), sys::getHostCPUName().str()};
}

/// Chips since Ampere. Of those with features of one chip only (a) or of one
/// family (f), Hopper's are the ones that kernels here are written for.
ArrayRef<StringRef> GPUTarget::getKnownChips() {
  static constexpr StringRef chips[] = {"sm_80",  "sm_86",  "sm_87",  "sm_88",
                                        "sm_89",  "sm_90",  "sm_90a", "sm_100",
                                        "sm_103", "sm_110", "sm_120", "sm_121"};
  return chips;
}

Expected<GPUTarget> GPUTarget::parse(ArrayRef<StringRef> chips) {
  GPUTarget target;
  for (StringRef name : chips) {
    if (!is_contained(getKnownChips(), name))
      return createStringError(
          "unknown GPU target '" + name +
          "'; targets are sm_90a (Hopper), sm_80 (portable: Ampere and later) "
          "and, with portable kernels assembled for the chip, " +
          join(make_filter_range(getKnownChips(),
                                 [](StringRef chip) {
                                   return chip != "sm_90a" && chip != "sm_80";
                                 }),
               ", ") +
          "; or several of them with commas in between");
    if (!is_contained(target.chips, name))
      target.chips.push_back(name.str());
  }
  return target;
}

Expected<ArtifactTarget> ArtifactTarget::parse(StringRef names) {
  SmallVector<StringRef> cpus, chips;
  for (StringRef name : split(names, ',')) {
    name = name.trim();
    (name.starts_with("sm_") ? chips : cpus).push_back(name);
  }
  if (cpus.size() > 1)
    return createStringError("targets '" + names +
                             "': an artifact has code for one CPU level; '" +
                             cpus[0] + "' and '" + cpus[1] + "' are two");
  ArtifactTarget target;
  target.runsOnCPU = !cpus.empty();
  auto cpu = CPUTarget::parse(cpus.empty() ? "x86-64-v3" : cpus[0]);
  if (!cpu)
    return cpu.takeError();
  target.cpu = std::move(*cpu);
  if (chips.empty())
    return target;
  auto gpu = GPUTarget::parse(chips);
  if (!gpu)
    return gpu.takeError();
  target.gpu = std::move(*gpu);
  return target;
}

Expected<std::unique_ptr<TargetMachine>> CPUTarget::createMachine() const {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  Triple triple(kTriple);
  std::string message;
  const Target *target = TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return createStringError(message);
  TargetOptions options;
  options.FunctionSections = options.DataSections = true;
  std::unique_ptr<TargetMachine> machine(
      target->createTargetMachine(triple, level, "", options, Reloc::PIC_,
                                  std::nullopt, CodeGenOptLevel::Aggressive));
  if (!machine)
    return createStringError("LLVM has no code generator for '%s'",
                             level.c_str());
  return machine;
}

void registerTargetTranslations(mlir::DialectRegistry &registry) {
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
}

/// What code generation may assume of the target, and of our functions.
static void setAttributes(Function &function, const CPUTarget &target) {
  function.addFnAttr("target-cpu", target.level);
  function.addFnAttr("tune-cpu", target.tune);
  function.addFnAttr("prefer-vector-width",
                     std::to_string(target.getVectorBits()));
  function.addFnAttr(Attribute::NoUnwind);
  function.setUWTableKind(UWTableKind::None);
  // Nothing compares addresses of tasks, so equal tasks may become one.
  function.setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
}

Expected<std::unique_ptr<Module>> translateToLLVM(mlir::ModuleOp source,
                                                  LLVMContext &context,
                                                  const CPUTarget &target,
                                                  TargetMachine &machine) {
  SmallVector<mlir::gpu::BinaryOp> kernels(
      source.getOps<mlir::gpu::BinaryOp>());
  for (mlir::gpu::BinaryOp kernel : kernels)
    kernel->remove();
  std::unique_ptr<Module> module =
      mlir::translateModuleToLLVMIR(source, context, "ssd");
  for (mlir::gpu::BinaryOp kernel : kernels)
    source.push_back(kernel);
  if (!module)
    return createStringError("translation to LLVM IR failed");
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  module->setPICLevel(PICLevel::BigPIC);
  for (Function &function : *module)
    if (!function.isDeclaration())
      setAttributes(function, target);
  return module;
}

void optimize(Module &module, TargetMachine &machine) {
  expandBFloatConversions(module, machine);
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.LoopInterleaving = false;
  tuning.SLPVectorization = true;
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager cgsccs;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(cgsccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, cgsccs, modules);
  // Entries and layers contain the same products and norms: a third of the
  // code, which is compiled once.
  ModulePassManager passes;
  passes.addPass(MergeFunctionsPass());
  passes.addPass(builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3));
  passes.run(module, modules);
}

Error emitObject(Module &module, TargetMachine &machine,
                 raw_pwrite_stream &out) {
  std::string message;
  raw_string_ostream stream(message);
  if (verifyModule(module, &stream))
    return createStringError("invalid LLVM IR: " + message);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, out, nullptr,
                                  CodeGenFileType::ObjectFile))
    return createStringError("LLVM can't emit object code for this target");
  passes.run(module);
  return Error::success();
}

} // namespace ssd
