//===- Pipelines.h - The path of a program ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_PASSES_PIPELINES_H
#define SSD_PASSES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include <functional>
#include <string>
#include <vector>

namespace ssd {

struct CPUPipelineOptions
    : public mlir::PassPipelineOptions<CPUPipelineOptions> {
  Option<std::string> form{
      *this, "form", llvm::cl::init(""),
      llvm::cl::desc("Give every mixer this form: recurrent, chunked or "
                     "quadratic; empty: the cost model chooses")};
  Option<int64_t> chunk{*this, "chunk", llvm::cl::init(0),
                        llvm::cl::desc("Chunk of a forced chunked form")};
  Option<int64_t> workers{*this, "workers", llvm::cl::init(0),
                          llvm::cl::desc("Threads to plan for")};
  Option<bool> batchInvariant{
      *this, "batch-invariant", llvm::cl::init(false),
      llvm::cl::desc("Choose by lengths and static sizes only, so that a "
                     "sequence's result does not depend on its batch")};
  Option<std::string> tuningSpec{
      *this, "tuning-spec", llvm::cl::init(""),
      llvm::cl::desc("File with forms to prefer to the cost model's")};
  Option<int64_t> vectorBytes{
      *this, "vector-bytes", llvm::cl::init(64),
      llvm::cl::desc("Bytes of a vector register: 64 (AVX-512), 32 (AVX2)")};
};

struct GPUPipelineOptions
    : public mlir::PassPipelineOptions<GPUPipelineOptions> {
  Option<std::string> form{
      *this, "form", llvm::cl::init(""),
      llvm::cl::desc("Give every mixer this form: recurrent, chunked or "
                     "quadratic; empty: the fastest kernel for each")};
  Option<std::string> kernel{
      *this, "kernel", llvm::cl::init(""),
      llvm::cl::desc("Compute every mixer with this kernel; empty: the fastest "
                     "for each")};
  Option<std::string> tuningSpec{
      *this, "tuning-spec", llvm::cl::init(""),
      llvm::cl::desc("File with forms and kernels to prefer to the estimated "
                     "choice")};
  Option<bool> batchInvariant{
      *this, "batch-invariant", llvm::cl::init(false),
      llvm::cl::desc("Cut no sequence because its batch is small, so that a "
                     "sequence's result does not depend on its batch")};
  ListOption<std::string> chips{
      *this, "chips", llvm::cl::list_init<std::string>({"sm_90a"}),
      llvm::cl::desc(
          "Chips to make cubins for; portable kernels, which run on "
          "every chip since sm_80, are there as PTX, too, and Hopper's "
          "own if sm_90a is among the chips")};
  Option<bool> cubin{*this, "cubin", llvm::cl::init(true),
                     llvm::cl::desc("Make cubins, not PTX only")};
  Option<std::string> ptxas{*this, "ptxas", llvm::cl::init(""),
                            llvm::cl::desc("Path of ptxas")};
};

/// A part of a pipeline with a name for people: what progress lines and dumps
/// are called by.
struct Stage {
  std::string name;
  std::function<void(mlir::OpPassManager &)> build;
};

/// From ssd, linalg and tensor to the LLVM dialect with entry points.
std::vector<Stage> getCPUStages(const CPUPipelineOptions &options);
void buildSSDToCPUPipeline(mlir::OpPassManager &manager,
                           const CPUPipelineOptions &options);

/// From ssd and linalg on tensors to kernels, each a gpu.binary, and host code
/// in the LLVM dialect.
std::vector<Stage> getGPUStages(const GPUPipelineOptions &options);
void buildSSDToGPUPipeline(mlir::OpPassManager &manager,
                           const GPUPipelineOptions &options);

/// Registers `ssd-to-cpu`, `ssd-to-gpu` and `ssd-to-linalg`.
void registerPipelines();

} // namespace ssd

#endif // SSD_PASSES_PIPELINES_H
