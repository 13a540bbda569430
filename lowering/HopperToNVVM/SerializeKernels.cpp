//===- SerializeKernels.cpp - GPU modules to cubins and PTX ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Hopper/HopperDialect.h"
#include "lowering/HopperToNVVM/HopperToNVVM.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"
#include <deque>
#include <list>

namespace ssd {
#define GEN_PASS_DEF_SERIALIZEKERNELS
#include "lowering/HopperToNVVM/HopperToNVVMPasses.h.inc"
} // namespace ssd

using namespace mlir;

namespace {

/// A run of ptxas, beside what this process does meanwhile.
class Assembly {
public:
  ~Assembly() { wait(); }

  /// Starts it on a PTX text.
  LogicalResult start(gpu::GPUModuleOp module, StringRef assembler,
                      StringRef chip, StringRef text);
  /// The cubin, once it is there.
  FailureOr<std::string> finish(gpu::GPUModuleOp module);
  /// Until it has ended; returns the exit status.
  int wait();
  StringRef getChip() const { return chip; }

private:
  static constexpr unsigned kSeconds = 600;
  enum File { ptx, cubin, log, count };
  SmallString<128> files[count];
  llvm::FileRemover removers[count];
  llvm::sys::ProcessInfo process;
  std::string chip, message;
};

struct SerializeKernels : ssd::impl::SerializeKernelsBase<SerializeKernels> {
  using SerializeKernelsBase::SerializeKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    ssd::registerHopperTranslations(registry);
  }

  void runOnOperation() override {
    SmallVector<gpu::GPUModuleOp> modules(
        getOperation().getOps<gpu::GPUModuleOp>());
    if (modules.empty())
      return;
    if (cubin && failed(findAssembler()))
      return signalPassFailure();
    running.clear();
    std::list<Kernel> kernels;
    for (gpu::GPUModuleOp module : modules)
      if (failed(start(kernels.emplace_back(), module)))
        return signalPassFailure();
    for (Kernel &kernel : kernels) {
      if (failed(finish(kernel)))
        return signalPassFailure();
      ++numKernels;
    }
  }

private:
  struct Kernel {
    gpu::GPUModuleOp module;
    std::string portable; // PTX, empty where the cubin is enough
    std::list<Assembly> assemblies;
  };

  LogicalResult findAssembler();
  LogicalResult start(Kernel &kernel, gpu::GPUModuleOp module);
  /// The chips to assemble a module for that was compiled for `target`.
  SmallVector<std::string> getChips(StringRef target);
  /// Replaces the module by its binary.
  LogicalResult finish(Kernel &kernel);

  std::string assembler;
  /// Assemblies that may still run, the oldest first: no more than there are
  /// cores.
  std::deque<Assembly *> running;
};

} // namespace

/// Whether code for `target` runs on no other chip.
static bool isOfOneChip(StringRef target) { return target.ends_with("a"); }

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

/// Name, block and cluster size and shared memory of the kernels of a module.
static gpu::KernelTableAttr listKernels(gpu::GPUModuleOp module) {
  Builder builder(module.getContext());
  SmallVector<gpu::KernelMetadataAttr> kernels;
  for (auto function : module.getOps<gpu::GPUFuncOp>()) {
    Attribute shared =
        function->getAttr(ssd::hopper::HopperDialect::kSharedBytesAttr);
    Attribute cluster = function.getKnownClusterSizeAttr();
    auto metadata = builder.getDictionaryAttr(
        {builder.getNamedAttr("block", function.getKnownBlockSizeAttr()),
         builder.getNamedAttr(
             "cluster",
             cluster ? cluster : builder.getDenseI32ArrayAttr({1, 1, 1})),
         builder.getNamedAttr("shared_bytes",
                              shared ? shared : builder.getI32IntegerAttr(0))});
    kernels.push_back(gpu::KernelMetadataAttr::get(
        function.getNameAttr(), function.getFunctionType(), nullptr, metadata));
  }
  return gpu::KernelTableAttr::get(module.getContext(), kernels);
}

static std::string readFile(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

LogicalResult Assembly::start(gpu::GPUModuleOp module, StringRef assembler,
                              StringRef chip, StringRef text) {
  this->chip = chip.str();
  StringRef suffixes[count] = {"ptx", "cubin", "log"};
  for (int i = 0; i < count; ++i) {
    if (std::error_code code = llvm::sys::fs::createTemporaryFile(
            module.getName(), suffixes[i], files[i]))
      return module.emitError()
             << "can't make a temporary file: " << code.message();
    removers[i].setFile(files[i]);
  }
  std::error_code code;
  llvm::raw_fd_ostream stream(files[ptx], code);
  stream << text;
  stream.close();
  if (code || stream.has_error()) {
    stream.clear_error();
    return module.emitError() << "can't write '" << files[ptx] << "'";
  }
  std::string arch = ("-arch=" + chip).str();
  StringRef arguments[] = {assembler,  arch, "-O3",
                           files[ptx], "-o", files[cubin]};
  std::optional<StringRef> redirects[] = {StringRef(), files[log], files[log]};
  bool isMissing = false;
  process =
      llvm::sys::ExecuteNoWait(assembler, arguments, std::nullopt, redirects,
                               /*MemoryLimit=*/0, &message, &isMissing);
  if (isMissing)
    return module.emitError() << "can't run " << assembler << ": " << message;
  return success();
}

int Assembly::wait() {
  if (process.Pid == llvm::sys::ProcessInfo::InvalidPid)
    return process.ReturnCode;
  process = llvm::sys::Wait(process, kSeconds, &message);
  process.Pid = llvm::sys::ProcessInfo::InvalidPid;
  return process.ReturnCode;
}

FailureOr<std::string> Assembly::finish(gpu::GPUModuleOp module) {
  if (wait() == 0)
    return readFile(files[cubin]);
  return module.emitError()
         << "ptxas failed on kernel '" << module.getName() << "' for " << chip
         << ": " << message << readFile(files[log]);
}

SmallVector<std::string> SerializeKernels::getChips(StringRef target) {
  if (!cubin)
    return {};
  if (chips.empty() || isOfOneChip(target))
    return {target.str()};
  return SmallVector<std::string>(chips.begin(), chips.end());
}

/// That a module says what it is compiled for, and a kernel how it is launched.
static LogicalResult check(gpu::GPUModuleOp module) {
  ArrayAttr targets = module.getTargetsAttr();
  if (!targets || targets.size() != 1 || !isa<NVVM::NVVMTargetAttr>(targets[0]))
    return module.emitError()
           << "'" << module.getName() << "' needs a target, as [#nvvm.target<"
           << "chip = \"sm_90a\">]";
  for (auto function : module.getOps<gpu::GPUFuncOp>())
    if (!function.getKnownBlockSizeAttr())
      return function.emitError() << "kernel '" << function.getName()
                                  << "' needs a known_block_size";
  return success();
}

LogicalResult SerializeKernels::start(Kernel &kernel, gpu::GPUModuleOp module) {
  if (failed(check(module)))
    return failure();
  kernel.module = module;
  StringRef target =
      cast<NVVM::NVVMTargetAttr>(module.getTargetsAttr()[0]).getChip();
  FailureOr<std::string> text = ssd::emitPTX(module, target);
  if (failed(text))
    return failure();
  for (StringRef chip : getChips(target)) {
    if (running.size() >= llvm::hardware_concurrency().compute_thread_count()) {
      running.front()->wait();
      running.pop_front();
    }
    Assembly &assembly = kernel.assemblies.emplace_back();
    if (failed(assembly.start(module, assembler, chip, *text)))
      return failure();
    running.push_back(&assembly);
  }
  if (kernel.assemblies.empty() || !isOfOneChip(target))
    kernel.portable = *text;
  return success();
}

LogicalResult SerializeKernels::finish(Kernel &kernel) {
  gpu::GPUModuleOp module = kernel.module;
  auto target = cast<NVVM::NVVMTargetAttr>(module.getTargetsAttr()[0]);
  OpBuilder builder(module);
  gpu::KernelTableAttr table = listKernels(module);
  SmallVector<Attribute> objects;
  auto add = [&](StringRef chip, gpu::CompilationTarget format,
                 StringRef content) {
    auto attribute = NVVM::NVVMTargetAttr::get(&getContext(), target.getO(),
                                               target.getTriple(), chip,
                                               target.getFeatures());
    objects.push_back(gpu::ObjectAttr::get(&getContext(), attribute, format,
                                           builder.getStringAttr(content),
                                           DictionaryAttr(), table));
  };
  for (Assembly &assembly : kernel.assemblies) {
    FailureOr<std::string> binary = assembly.finish(module);
    if (failed(binary))
      return failure();
    add(assembly.getChip(), gpu::CompilationTarget::Binary, *binary);
  }
  if (!kernel.portable.empty())
    add(target.getChip(), gpu::CompilationTarget::Assembly, kernel.portable);
  gpu::BinaryOp::create(builder, module.getLoc(), module.getName(),
                        /*offloadingHandler=*/Attribute(), objects);
  module.erase();
  return success();
}
