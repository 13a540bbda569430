//===- ssd-compile.cpp - from a model to an artifact ------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "tools/ssd-compile/Compilation.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/WithColor.h"

#include "runtime/include/ssd_runtime.h"

using namespace llvm;
using namespace ssd;

static cl::OptionCategory category("ssd-compile");
static cl::opt<std::string>
    input(cl::Positional, cl::cat(category), cl::value_desc("input"),
          cl::desc("<.mlir file, - or Hugging Face directory>"));
static cl::opt<std::string> outputPath("o", cl::cat(category),
                                       cl::value_desc("file"),
                                       cl::desc("Where to write the result"));
static cl::opt<std::string>
    targetName("target", cl::init("cpu"), cl::cat(category),
               cl::value_desc("name"),
               cl::desc("cpu (this machine), x86-64-v3, x86-64-v4, sm_90a "
                        "(Hopper), sm_80 (portable GPU code as PTX), or GPU "
                        "chips with commas (sm_80,sm_86,sm_90a): portable code "
                        "for each and as PTX, Hopper's own for sm_90a; with a "
                        "CPU among them (cpu,sm_90a) also code for that: calls "
                        "run where their tensors are"));
static cl::opt<Activations>
    activations("dtype", cl::cat(category), cl::init(Activations::F32),
                cl::desc("Type of the activations of an imported model"),
                cl::values(clEnumValN(Activations::F32, "f32", "default"),
                           clEnumValN(Activations::BF16, "bf16", ""),
                           clEnumValN(Activations::F16, "f16", "")));
enum Form { automatic, recurrent, chunked, quadratic };
static cl::opt<Form> form("form", cl::cat(category), cl::init(automatic),
                          cl::desc("Form of every mixer"),
                          cl::values(clEnumValN(automatic, "auto",
                                                "by the cost model (default)"),
                                     clEnumVal(recurrent, "token by token"),
                                     clEnumVal(chunked, "chunk by chunk"),
                                     clEnumVal(quadratic, "as attention")));
static cl::opt<std::string>
    kernel("kernel", cl::cat(category), cl::value_desc("name"),
           cl::desc("GPU kernel of every mixer: step, chunked, chunked_single, "
                    "chunked_portable or recurrent; without it the fastest "
                    "for each"));
static cl::opt<std::string>
    tuningSpec("tuning-spec", cl::cat(category), cl::value_desc("file"),
               cl::desc("Transform library with forms and GPU kernels to "
                        "prefer to the estimated choice"));
static cl::opt<bool> batchInvariant(
    "batch-invariant", cl::cat(category),
    cl::desc("A sequence's result does not depend on its batch"));
static cl::opt<unsigned>
    workers("workers", cl::init(0), cl::cat(category), cl::value_desc("n"),
            cl::desc("Threads of a CPU to plan for: long sequences of fewer "
                     "heads are cut into parts (default: what the module's "
                     "target says, else 1)"));
static cl::opt<Output> emitKind(
    "emit", cl::cat(category), cl::init(Output::SharedObject),
    cl::desc("What to write"),
    cl::values(clEnumValN(Output::SharedObject, "so", "artifact (default)"),
               clEnumValN(Output::Object, "obj", "object file"),
               clEnumValN(Output::LLVMIR, "llvm", "optimized LLVM IR"),
               clEnumValN(Output::MLIR, "mlir", "LLVM dialect")));
static cl::opt<std::string>
    dumpStages("dump-stages", cl::cat(category), cl::value_desc("directory"),
               cl::desc("Write the module after each stage, for a CPU and GPUs "
                        "after each of cpu-... and of cuda-..."));
static cl::opt<bool> progress("progress", cl::cat(category),
                              cl::desc("Say what takes how long"));
static cl::opt<std::string>
    describePath("describe", cl::cat(category), cl::value_desc("artifact"),
                 cl::desc("Print an artifact's table as JSON"));

static int report(const Twine &message) {
  WithColor::error(errs(), "ssd-compile") << message << '\n';
  return 1;
}

static int describe(const std::string &path) {
  ssd_program *program = nullptr;
  if (ssd_program_load(path.c_str(), &program) != SSD_OK)
    return report(ssd_last_error());
  outs() << ssd_program_describe(program) << '\n';
  ssd_program_destroy(program);
  return 0;
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, "Compiler of state-space models\n");
  if (!describePath.empty())
    return describe(describePath);
  if (input.empty())
    return report("no input; give an .mlir file, - or a Hugging Face "
                  "directory, or see --help");
  if (outputPath.empty())
    return report("no output; give a file with -o");
  CompileOptions options;
  options.input = input;
  options.output = outputPath;
  options.target = targetName;
  options.activations = activations;
  const char *forms[] = {"auto", "recurrent", "chunked", "quadratic"};
  options.form = forms[form];
  options.kernel = kernel;
  options.tuningSpec = tuningSpec;
  options.batchInvariant = batchInvariant;
  options.workers = workers;
  options.emit = emitKind;
  options.dumpDirectory = dumpStages;
  options.progress = progress || sys::Process::StandardErrIsDisplayed();
  if (Error error = Compilation(options).run())
    return report(toString(std::move(error)));
  return 0;
}
