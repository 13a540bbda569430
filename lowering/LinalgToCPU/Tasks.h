//===- Tasks.h - Dividing loops into parallel tasks -------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_LINALGTOCPU_TASKS_H
#define SSD_LOWERING_LINALGTOCPU_TASKS_H

#include "lowering/LinalgToCPU/StridedNest.h"

namespace ssd::cpu {

/// Calls `body` with ranges [begin, end) that cover [0, items), as tasks of an
/// scf.forall if the work is worth it. `cost` estimates one item in
/// picoseconds of one core. Inside an existing parallel loop there is one
/// range.
void forEachRange(
    Emitter &b, mlir::Value items, mlir::Value cost,
    llvm::function_ref<void(mlir::Value begin, mlir::Value end)> body);

/// Walks the points of parallel `loops`, tasks being runs of points. `cost`
/// estimates one point.
void forEachPoint(Emitter &b, const StridedNest &nest,
                  llvm::ArrayRef<int> loops, mlir::Value cost,
                  llvm::function_ref<void(const Cursor &)> body);

/// The product of the sizes of `loops`.
mlir::Value countPoints(Emitter &b, const StridedNest &nest,
                        llvm::ArrayRef<int> loops);

/// Splits a linear index over `loops`, outermost first.
Cursor enterLinear(Emitter &b, const StridedNest &nest,
                   llvm::ArrayRef<int> loops, mlir::Value linear);

/// Picoseconds that a streaming loop spends on one point of the whole nest.
int64_t estimatePointCost(const StridedNest &nest, int vectorLoop);

} // namespace ssd::cpu

#endif // SSD_LOWERING_LINALGTOCPU_TASKS_H
