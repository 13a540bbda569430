//===- SerializeKernels.cpp - GPU modules to cubins and PTX ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Hopper/HopperDialect.h"
#include "lowering/HopperToNVVM/HopperToNVVM.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace ssd {
#define GEN_PASS_DEF_SERIALIZEKERNELS
#include "lowering/HopperToNVVM/HopperToNVVMPasses.h.inc"
} // namespace ssd

using namespace mlir;

namespace {

struct SerializeKernels : ssd::impl::SerializeKernelsBase<SerializeKernels> {
  using SerializeKernelsBase::SerializeKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<NVVM::NVVMDialect, LLVM::LLVMDialect, scf::SCFDialect,
                    vector::VectorDialect, arith::ArithDialect>();
    ssd::registerHopperTranslations(registry);
  }

  void runOnOperation() override {
    SmallVector<gpu::GPUModuleOp> modules(
        getOperation().getOps<gpu::GPUModuleOp>());
    if (modules.empty())
      return;
    if (cubin && failed(findAssembler()))
      return signalPassFailure();
    for (gpu::GPUModuleOp module : modules) {
      if (failed(serialize(module)))
        return signalPassFailure();
      ++numKernels;
    }
  }

private:
  LogicalResult findAssembler();
  LogicalResult serialize(gpu::GPUModuleOp module);
  /// The cubin of a PTX text.
  FailureOr<std::string> assemble(gpu::GPUModuleOp module, StringRef text);
  FailureOr<std::string> runAssembler(gpu::GPUModuleOp module, StringRef input,
                                      StringRef output, StringRef log);

  std::string assembler;
};

} // namespace

LogicalResult SerializeKernels::findAssembler() {
  SmallVector<std::string> places;
  if (!ptxas.empty()) {
    places.push_back(ptxas);
  } else {
    if (auto home = llvm::sys::Process::GetEnv("CUDA_HOME"))
      places.push_back(*home + "/bin/ptxas");
    if (auto found = llvm::sys::findProgramByName("ptxas"))
      places.push_back(*found);
    places.push_back("/usr/local/cuda/bin/ptxas");
  }
  for (const std::string &place : places)
    if (llvm::sys::fs::can_execute(place)) {
      assembler = place;
      return success();
    }
  std::string looked = llvm::join(places, ", ");
  return getOperation().emitError()
         << "ptxas, the assembler of the CUDA Toolkit, is not there (looked in "
         << looked
         << "): install the CUDA Toolkit, set CUDA_HOME, or compile portable "
            "kernels only (--target=sm_80), which need none";
}

/// Name, block size and shared memory of the kernels of a module.
static gpu::KernelTableAttr listKernels(gpu::GPUModuleOp module) {
  Builder builder(module.getContext());
  SmallVector<gpu::KernelMetadataAttr> kernels;
  for (auto function : module.getOps<gpu::GPUFuncOp>()) {
    StringRef shared = ssd::hopper::HopperDialect::kSharedBytesAttr;
    auto metadata = builder.getDictionaryAttr(
        {builder.getNamedAttr("block", function.getKnownBlockSizeAttr()),
         builder.getNamedAttr("shared_bytes", function->getAttr(shared))});
    kernels.push_back(gpu::KernelMetadataAttr::get(
        function.getNameAttr(), function.getFunctionType(), nullptr, metadata));
  }
  return gpu::KernelTableAttr::get(module.getContext(), kernels);
}

static std::string readFile(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

FailureOr<std::string> SerializeKernels::runAssembler(gpu::GPUModuleOp module,
                                                      StringRef input,
                                                      StringRef output,
                                                      StringRef log) {
  std::string arch = "-arch=" + chip;
  StringRef arguments[] = {assembler, arch, "-O3", input, "-o", output};
  std::optional<StringRef> redirects[] = {StringRef(), log, log};
  std::string message;
  int code = llvm::sys::ExecuteAndWait(assembler, arguments, std::nullopt,
                                       redirects, /*SecondsToWait=*/600,
                                       /*MemoryLimit=*/0, &message);
  if (code == 0)
    return readFile(output);
  return module.emitError() << assembler << " failed on kernel '"
                            << module.getName() << "': " << message
                            << readFile(log);
}

FailureOr<std::string> SerializeKernels::assemble(gpu::GPUModuleOp module,
                                                  StringRef text) {
  SmallString<128> files[3];
  SmallVector<llvm::FileRemover, 3> removers(3);
  StringRef suffixes[] = {"ptx", "cubin", "log"};
  for (int i = 0; i < 3; ++i) {
    if (std::error_code code = llvm::sys::fs::createTemporaryFile(
            module.getName(), suffixes[i], files[i]))
      return module.emitError()
             << "can't make a temporary file: " << code.message();
    removers[i].setFile(files[i]);
  }
  std::error_code code;
  llvm::raw_fd_ostream stream(files[0], code);
  stream << text;
  stream.close();
  if (code || stream.has_error()) {
    stream.clear_error();
    return module.emitError() << "can't write '" << files[0] << "'";
  }
  return runAssembler(module, files[0], files[1], files[2]);
}

LogicalResult SerializeKernels::serialize(gpu::GPUModuleOp module) {
  auto target = cast<NVVM::NVVMTargetAttr>(module.getTargetsAttr()[0]);
  FailureOr<std::string> text = ssd::emitPTX(module, target.getChip());
  if (failed(text))
    return failure();
  OpBuilder builder(module);
  gpu::KernelTableAttr kernels = listKernels(module);
  SmallVector<Attribute> objects;
  auto add = [&](StringRef chip, gpu::CompilationTarget format,
                 StringRef content) {
    auto attribute = NVVM::NVVMTargetAttr::get(
        &getContext(), target.getO(), target.getTriple(), chip,
        target.getFeatures());
    objects.push_back(gpu::ObjectAttr::get(&getContext(), attribute, format,
                                           builder.getStringAttr(content),
                                           DictionaryAttr(), kernels));
  };
  if (cubin) {
    FailureOr<std::string> binary = assemble(module, *text);
    if (failed(binary))
      return failure();
    add(chip, gpu::CompilationTarget::Binary, *binary);
  }
  if (!cubin || target.getChip() != chip)
    add(target.getChip(), gpu::CompilationTarget::Assembly, *text);
  gpu::BinaryOp::create(builder, module.getLoc(), module.getName(),
                        /*offloadingHandler=*/Attribute(), objects);
  module.erase();
  return success();
}
