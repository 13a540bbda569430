//===- BodyEmitter.h - The scalar body of an op on vectors ------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_LINALGTOCPU_BODYEMITTER_H
#define SSD_LOWERING_LINALGTOCPU_BODYEMITTER_H

#include "lowering/LinalgToCPU/StridedNest.h"

namespace ssd::cpu {

/// The lanes that one instance of the body computes: `lanes` consecutive
/// iterations of `loop`, or a single one.
struct LaneSpec {
  int loop = -1;
  int64_t lanes = 1;
  mlir::Value mask = {}; ///< Null if all lanes are on.
};

/// Whether the body has a vector form along `loop`: elementwise operations, and
/// loads from rows that the loop walks contiguously.
bool canVectorizeBody(const StridedNest &nest, int loop);

/// Whether the body cannot run with lanes off: they could trap on the zeros
/// that they hold, or its own loads have no masks.
bool bodyNeedsAllLanes(const CPUOptions &options, const StridedNest &nest);

/// Emits one instance of the body. `arguments` are scalars where they do not
/// vary over the lanes. Returns what the body yields, likewise.
llvm::SmallVector<mlir::Value> emitBody(Emitter &b, const StridedNest &nest,
                                        llvm::ArrayRef<mlir::Value> ivs,
                                        mlir::ValueRange arguments,
                                        const LaneSpec &lanes);

} // namespace ssd::cpu

#endif // SSD_LOWERING_LINALGTOCPU_BODYEMITTER_H
