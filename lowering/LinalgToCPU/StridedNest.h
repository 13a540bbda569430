//===- StridedNest.h - Ops as loops over strided data -----------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The common form behind every strategy: a linalg op with linear indexing maps
// is a nest of loops in which each operand sits at
//
//   offset + iv_0 * stride_0 + ... + iv_n * stride_n
//
// of a flat buffer. Whether an operand is transposed, broadcast, a window of a
// convolution or a strided view is then a property of its strides.
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_LINALGTOCPU_STRIDEDNEST_H
#define SSD_LOWERING_LINALGTOCPU_STRIDEDNEST_H

#include "lowering/LinalgToCPU/Emitter.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace ssd::cpu {

/// One operand of the op.
struct Access {
  mlir::Value base; ///< A rank-1 memref of unit stride, or the scalar itself.
  bool isScalar = false;
  bool isRead = true; ///< The body uses the element.
  mlir::Type elementType;
  mlir::Value offset;                     ///< Null for scalars.
  llvm::SmallVector<mlir::Value> strides; ///< One per loop.

  std::optional<int64_t> stride(int loop) const {
    return constant(strides[loop]);
  }
  bool isInvariant(int loop) const { return stride(loop) == 0; }
  /// Can be loaded and stored as a vector along `loop`. Bits are kept one per
  /// byte in memory, which vector loads do not know.
  bool isContiguous(int loop) const {
    return stride(loop) == 1 && !elementType.isInteger(1);
  }
};

/// Where a partially entered nest stands.
struct Cursor {
  llvm::SmallVector<mlir::Value> ivs; ///< One per loop; null if not entered.
  llvm::SmallVector<mlir::Value>
      positions; ///< One per access: its element so far.
};

/// A structured op in strided form, without loops of one iteration.
struct StridedNest {
  mlir::linalg::LinalgOp op;
  llvm::SmallVector<mlir::Value> sizes;
  llvm::SmallVector<mlir::utils::IteratorType> iterators;
  llvm::SmallVector<Access> accesses; ///< In the order of the block arguments.
  llvm::SmallVector<int> loopOf;      ///< Loop of an original dimension, or -1.

  /// Emits the flat views and strides of `op`'s operands. Fails, without
  /// emitting anything, if some indexing map is not linear.
  static llvm::FailureOr<StridedNest> create(Emitter &b,
                                             mlir::linalg::LinalgOp op);

  int rank() const { return sizes.size(); }
  mlir::Block &body() const { return *mlir::linalg::LinalgOp(op).getBlock(); }
  std::optional<int64_t> size(int loop) const { return constant(sizes[loop]); }
  bool isParallel(int loop) const {
    return iterators[loop] == mlir::utils::IteratorType::parallel;
  }
  llvm::SmallVector<int> loops(mlir::utils::IteratorType kind,
                               int except = -1) const;
  llvm::ArrayRef<Access> outputs() const {
    mlir::linalg::LinalgOp linalgOp = op;
    return llvm::ArrayRef<Access>(accesses).drop_front(
        linalgOp.getNumDpsInputs());
  }
  int firstOutput() const {
    return mlir::linalg::LinalgOp(op).getNumDpsInputs();
  }

  Cursor start() const;
  Cursor enter(Emitter &b, const Cursor &at, int loop, mlir::Value iv) const;

  /// Sequential loops over `loops`, outermost first.
  void forEach(Emitter &b, llvm::ArrayRef<int> loops, const Cursor &at,
               llvm::function_ref<void(const Cursor &)> body) const;

  /// The same with values carried from point to point.
  llvm::SmallVector<mlir::Value>
  forEach(Emitter &b, llvm::ArrayRef<int> loops, const Cursor &at,
          mlir::ValueRange inits,
          llvm::function_ref<llvm::SmallVector<mlir::Value>(const Cursor &,
                                                            mlir::ValueRange)>
              body) const;
};

/// Loads `lanes` elements along `loop` from `position`: a vector if the access
/// varies along the loop, else a scalar. Lanes that `mask` turns off are not
/// touched; only contiguous accesses may be masked.
mlir::Value loadLanes(Emitter &b, const Access &access, mlir::Value position,
                      int loop, int64_t lanes, mlir::Value mask = nullptr);
void storeLanes(Emitter &b, const Access &access, mlir::Value position,
                mlir::Value value, int loop, int64_t lanes,
                mlir::Value mask = nullptr);

/// Whether every vector along `loop` can be loaded and stored under a mask.
bool canMaskAccesses(Emitter &b, const StridedNest &nest, int loop);

} // namespace ssd::cpu

#endif // SSD_LOWERING_LINALGTOCPU_STRIDEDNEST_H
