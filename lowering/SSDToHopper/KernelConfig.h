//===- KernelConfig.h - What a generated kernel computes and how ---*- C++
//-*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_KERNELCONFIG_H
#define SSD_LOWERING_SSDTOHOPPER_KERNELCONFIG_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <string>

namespace ssd {

/// The operands of a mixer that a kernel reads.
struct MixerOperands {
  int64_t heads = 0, groups = 1, headDim = 64, stateDim = 128;
  /// log decay = decay · rate; an absent factor counts as 1, both absent as 0.
  bool decay = true, rate = true;
  /// Absent: 1. `scaleIsDecay`: one load serves both, as with Δ.
  bool scale = true, scaleIsDecay = true;
  /// y += skip[h] · x.
  bool skip = true;
  bool initialState = false, finalState = true;
};

/// The chunked form on tensor cores: 64 tokens a chunk, the states of one or
/// two heads a block transposed in accumulators (bf16, P = 64, N = 128).
///
/// Parameters: tensor maps x, b, c, y; pointers decay, rate, scale, skip,
/// initial state, final state (f32 [B, H, P, N]), handed states (32 KiB a head
/// of each block), flags (i32, zero, one a head of each block); i32 batch,
/// length, chunks a block. Blocks take equal runs of the chunks of all
/// sequences in order, so a sequence may be cut once between neighbours, which
/// hand its state over through L2, bit for bit. At most one block an SM:
/// neighbours wait for each other. Length 0 runs nothing, not even the final
/// state.
struct ChunkedKernelConfig {
  std::string name = "ssd_chunked";
  MixerOperands mixer;
  int32_t headsPerBlock = 2;
  int32_t threads() const { return 128 * (2 + headsPerBlock); }
  /// Registers of producers, score and state warpgroups.
  llvm::SmallVector<int32_t> registers() const {
    if (headsPerBlock == 1)
      return {56, 152, 240};
    return {48, 80, 192};
  }
};

/// One token, the state read and written once: memory-bound. x, b, c, y are
/// bf16, N is 32 to 256 (a power of two), P a multiple of a warp's rows (8 for
/// f32 states of N = 128). Parameters: pointers x, b, c, y, decay, rate, scale,
/// skip, state ([B, H, P, N], updated in place). One block per (b, h) and
/// stepRowsPerBlock rows, kStepThreads threads.
struct StepKernelConfig {
  std::string name = "ssd_step";
  MixerOperands mixer;
  bool stateBF16 = false;
};

inline constexpr int32_t kStepThreads = 128;
int64_t stepRowsPerBlock(const StepKernelConfig &config);

/// Any P, N and element type, token by token, the state in registers: what the
/// other kernels do not cover.
/// Parameters: pointers x, b, c, y, decay, rate, scale, skip, initial state,
/// final state (f32), segment ids; i32 length. One block per (b, h) and
/// kRecurrentRows rows, kRecurrentThreads threads.
struct RecurrentKernelConfig {
  std::string name = "ssd_recurrent";
  MixerOperands mixer;
  enum class Element { f32, bf16, f16 };
  Element element = Element::bf16;
  bool reverse = false;
  bool segmentIds = false;
  /// Log decay of each state column: decay is [B, L, H, N], rate [H, N].
  bool diagonal = false;
};

inline constexpr int32_t kRecurrentThreads = 128, kRecurrentRows = 16;

mlir::LogicalResult buildChunkedKernel(mlir::OpBuilder &builder,
                                       mlir::gpu::GPUModuleOp module,
                                       const ChunkedKernelConfig &config);
mlir::LogicalResult buildStepKernel(mlir::OpBuilder &builder,
                                    mlir::gpu::GPUModuleOp module,
                                    const StepKernelConfig &config);
mlir::LogicalResult buildRecurrentKernel(mlir::OpBuilder &builder,
                                         mlir::gpu::GPUModuleOp module,
                                         const RecurrentKernelConfig &config);

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_KERNELCONFIG_H
