//===- Compilation.cpp - one run of the compiler ----------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "tools/ssd-compile/Compilation.h"

#include "lowering/HuggingFaceToSSD/HuggingFaceToSSD.h"
#include "passes/Registration.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

#include <chrono>

using namespace llvm;

namespace ssd {

Compilation::Compilation(CompileOptions options)
    : options(std::move(options)) {}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// Runs one step, and says how long it took.
Error Compilation::step(StringRef name, function_ref<Error()> body) {
  auto start = std::chrono::steady_clock::now();
  Error error = body();
  ++stepsDone;
  std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  if (options.progress && !error)
    errs() << '[' << stepsDone << '/' << stepsTotal << "] " << name << ' '
           << format("%.2f s\n", taken.count());
  return error;
}

/// Writes the module to <directory>/<number>-<name>.mlir.
Error Compilation::dump(StringRef name) {
  if (options.dumpDirectory.empty())
    return Error::success();
  SmallString<128> path(options.dumpDirectory);
  std::string file;
  raw_string_ostream(file) << format("%02u-", dumps++) << name << ".mlir";
  sys::path::append(path, file);
  std::error_code code;
  raw_fd_ostream out(path, code);
  if (code)
    return createStringError("can't write '" + path + "': " + code.message());
  module->print(out, mlir::OpPrintingFlags().elideLargeElementsAttrs());
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Input
//===----------------------------------------------------------------------===//

Error Compilation::importDirectory(mlir::MLIRContext &context) {
  ImportOptions import;
  import.activations = ActivationType(int(options.activations));
  auto imported = importHuggingFace(options.input, import, &context);
  if (failed(imported))
    return createStringError("can't import the model in '" + options.input +
                             "'");
  module = std::move(*imported);
  return Error::success();
}

Error Compilation::parseFile(mlir::MLIRContext &context) {
  std::string message;
  std::unique_ptr<MemoryBuffer> buffer =
      mlir::openInputFile(options.input, &message);
  if (!buffer)
    return createStringError(message);
  auto sources = std::make_shared<SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), SMLoc());
  module = mlir::parseSourceFile<mlir::ModuleOp>(sources, &context);
  if (!module)
    return createStringError("'" + options.input +
                             "' is not a module that this compiler reads");
  return Error::success();
}

Error Compilation::readInput(mlir::MLIRContext &context) {
  bool isDirectory = sys::fs::is_directory(options.input);
  if (Error error = isDirectory ? importDirectory(context) : parseFile(context))
    return error;
  return dump("input");
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

Error Compilation::write(function_ref<Error(raw_fd_ostream &)> body) {
  auto writeTo = [&](StringRef path) -> Error {
    std::error_code code;
    raw_fd_ostream out(path, code);
    if (code)
      return createStringError("can't write '" + path + "': " + code.message());
    if (Error error = body(out))
      return error;
    out.close();
    if (out.has_error()) {
      code = out.error();
      out.clear_error();
      return createStringError("can't write '" + options.output +
                               "': " + code.message());
    }
    return Error::success();
  };
  return writeTo(output ? output->getTemporaryPath() : StringRef("-"));
}

/// Object code goes through a temporary file to the linker.
Error Compilation::emitArtifact(Module &module, TargetMachine &machine) {
  if (options.emit == Output::Object)
    return step("emit object", [&] {
      return write([&](raw_fd_ostream &out) {
        return emitObject(module, machine, out);
      });
    });
  auto object = sys::fs::TempFile::create(options.output + "-%%%%%%.o");
  if (!object)
    return object.takeError();
  Error error = step("emit object", [&] {
    raw_fd_ostream out(object->FD, /*shouldClose=*/false);
    return emitObject(module, machine, out);
  });
  if (!error)
    error = step("link", [&] {
      return linkSharedObject(object->TmpName, output->getTemporaryPath());
    });
  return joinErrors(std::move(error), object->discard());
}

Error Compilation::emit() {
  auto machine = target.cpu.createMachine();
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  std::unique_ptr<Module> translated;
  Error error = step("translate to LLVM IR", [&]() -> Error {
    auto result = translateToLLVM(*module, context, target.cpu, **machine);
    if (!result)
      return result.takeError();
    translated = std::move(*result);
    return addArtifactTable(*translated, *module, target.cpu);
  });
  if (!error)
    error = step("optimize", [&] {
      optimize(*translated, **machine);
      return Error::success();
    });
  if (error)
    return error;
  if (options.emit != Output::LLVMIR)
    return emitArtifact(*translated, **machine);
  return write([&](raw_fd_ostream &out) {
    translated->print(out, nullptr);
    return Error::success();
  });
}

/// Diagnostics of imported operations, which have the name of the part of the
/// model that they stand for instead of a place in a file.
static mlir::LogicalResult printNamed(mlir::Diagnostic &diagnostic) {
  mlir::Location location = diagnostic.getLocation();
  if (location->findInstanceOf<mlir::FileLineColLoc>())
    return mlir::failure(); // to the handler that shows the source
  auto print = [](mlir::Diagnostic &part) {
    const char *severities[] = {"note", "warning", "error", "remark"};
    if (auto name = part.getLocation()->findInstanceOf<mlir::NameLoc>())
      errs() << name.getName().getValue() << ": ";
    errs() << severities[int(part.getSeverity())] << ": " << part << '\n';
  };
  print(diagnostic);
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    print(note);
  return mlir::success();
}

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

/// What is chosen for either device.
template <typename PipelineOptions>
static void choose(PipelineOptions &pipeline, const CompileOptions &options) {
  pipeline.form = options.form == "auto" ? "" : options.form;
  pipeline.tuningSpec = options.tuningSpec;
  pipeline.batchInvariant = options.batchInvariant;
}

Compilation::Pipeline Compilation::getCPUPipeline() const {
  CPUPipelineOptions pipeline;
  choose(pipeline, options);
  pipeline.workers = options.workers;
  pipeline.vectorBytes = target.cpu.getVectorBits() / 8;
  return {"cpu", getCPUStages(pipeline)};
}

Compilation::Pipeline Compilation::getGPUPipeline() const {
  GPUPipelineOptions pipeline;
  choose(pipeline, options);
  pipeline.kernel = options.kernel;
  pipeline.chips = target.gpu->chips;
  pipeline.cubin = target.gpu->isAssembled();
  return {"cuda", getGPUStages(pipeline)};
}

/// One for each device. Where there are several, stages have the device's name
/// in theirs.
Expected<std::vector<Compilation::Pipeline>> Compilation::choosePipelines() {
  auto parsed = ArtifactTarget::parse(options.target);
  if (!parsed)
    return parsed.takeError();
  target = std::move(*parsed);
  if (!target.gpu && !options.kernel.empty())
    return createStringError("--kernel=" + options.kernel +
                             " names a kernel of GPUs; the target '" +
                             options.target + "' is a CPU");
  std::vector<Pipeline> pipelines;
  if (target.runsOnCPU)
    pipelines.push_back(getCPUPipeline());
  if (target.gpu)
    pipelines.push_back(getGPUPipeline());
  if (pipelines.size() > 1)
    for (Pipeline &pipeline : pipelines)
      for (Stage &stage : pipeline.stages)
        stage.name = (pipeline.device + "-" + stage.name).str();
  return pipelines;
}

Error Compilation::runPasses(ArrayRef<Stage> stages) {
  for (const Stage &stage : stages) {
    Error error = step(stage.name, [&]() -> Error {
      mlir::PassManager manager(module->getContext());
      stage.build(manager);
      if (failed(manager.run(*module)))
        return createStringError("compilation failed in stage '" + stage.name +
                                 "'");
      return Error::success();
    });
    if (error)
      return error;
    if (Error error = dump(stage.name))
      return error;
  }
  return Error::success();
}

/// The program for each device, as one module.
Error Compilation::lower(ArrayRef<Pipeline> pipelines) {
  mlir::OwningOpRef<mlir::ModuleOp> input = std::move(module), all;
  for (const Pipeline &pipeline : pipelines) {
    module = input->clone();
    if (Error error = runPasses(pipeline.stages))
      return error;
    if (!all)
      all = std::move(module);
    else if (Error error = addDevice(*all, *module, pipeline.device))
      return error;
  }
  module = std::move(all);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// All of it
//===----------------------------------------------------------------------===//

Error Compilation::run() {
  auto pipelines = choosePipelines();
  if (!pipelines)
    return pipelines.takeError();
  bool isText = options.emit == Output::LLVMIR || options.emit == Output::MLIR;
  if (!isText && options.output == "-")
    return createStringError("only --emit=mlir and --emit=llvm can be written "
                             "to the terminal; give a file with -o");
  if (options.output != "-") {
    auto file = OutputFile::create(options.output);
    if (!file)
      return file.takeError();
    output.emplace(std::move(*file));
  }
  if (!options.dumpDirectory.empty())
    if (std::error_code code =
            sys::fs::create_directories(options.dumpDirectory))
      return createStringError("can't make the directory '" +
                               options.dumpDirectory + "': " + code.message());
  const unsigned backEnd[] = {4, 3, 2, 0};
  stepsTotal = 1 + backEnd[int(options.emit)];
  for (const Pipeline &pipeline : *pipelines)
    stepsTotal += pipeline.stages.size();
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  registerTargetTranslations(registry);
  mlir::MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler withSource(sources, &context);
  mlir::ScopedDiagnosticHandler withName(&context, printNamed);
  Error error = step("read", [&] { return readInput(context); });
  if (!error)
    error = lower(*pipelines);
  if (!error && options.emit == Output::MLIR)
    error = write([&](raw_fd_ostream &out) {
      module->print(out);
      return Error::success();
    });
  else if (!error)
    error = emit();
  module = nullptr; // before its context
  if (error)
    return error;
  return output ? output->commit() : Error::success();
}

} // namespace ssd
