//===- Kernels.h - The kernels there are ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_KERNELS_H
#define SSD_LOWERING_SSDTOHOPPER_KERNELS_H

#include "lowering/SSDToHopper/Launch.h"

namespace ssd {

/// Tokens of a chunk, whatever the form says: a tile of 64 rows.
inline constexpr int64_t kChunkTokens = 64;

/// The chunked form on tensor cores, with so many warpgroups a block that hold
/// states (1 or 2).
const KernelKind &getChunkedKernel(int32_t stateWarpgroups);
/// The chunked form on the tensor cores of every chip since Ampere, with one
/// warpgroup a block that holds states.
const KernelKind &getPortableKernel();
/// One token, bound by memory.
const KernelKind &getStepKernel();
/// Token by token: every unit.
const KernelKind &getRecurrentKernel();

/// The names of all kernels, as a phrase.
std::string listKernels();

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_KERNELS_H
