//===- StridedNest.h - Structured ops as loops over strided operands -*- C++
//-*-===//
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

namespace mlir::ssd::cpu {

/// One operand of the op.
struct Access {
  Value base; ///< A rank-1 memref of unit stride, or the scalar itself.
  bool isScalar = false;
  bool isRead = true; ///< The body uses the element.
  Type elementType;
  Value offset;               ///< Null for scalars.
  SmallVector<Value> strides; ///< One per loop.

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
  SmallVector<Value> ivs;       ///< One per loop; null if not entered.
  SmallVector<Value> positions; ///< One per access: its element so far.
};

/// A structured op in strided form, without loops of one iteration.
struct StridedNest {
  linalg::LinalgOp op;
  SmallVector<Value> sizes;
  SmallVector<utils::IteratorType> iterators;
  SmallVector<Access> accesses; ///< In the order of the block arguments.
  SmallVector<int> loopOf;      ///< Loop of an original dimension, or -1.

  /// Emits the flat views and strides of `op`'s operands. Fails, without
  /// emitting anything, if some indexing map is not linear.
  static FailureOr<StridedNest> create(Emitter &b, linalg::LinalgOp op);

  int rank() const { return sizes.size(); }
  Block &body() const { return *linalg::LinalgOp(op).getBlock(); }
  std::optional<int64_t> size(int loop) const { return constant(sizes[loop]); }
  bool isParallel(int loop) const {
    return iterators[loop] == utils::IteratorType::parallel;
  }
  SmallVector<int> loops(utils::IteratorType kind, int except = -1) const;
  ArrayRef<Access> outputs() const {
    linalg::LinalgOp linalgOp = op;
    return ArrayRef<Access>(accesses).drop_front(linalgOp.getNumDpsInputs());
  }
  int firstOutput() const { return linalg::LinalgOp(op).getNumDpsInputs(); }

  Cursor start() const;
  Cursor enter(Emitter &b, const Cursor &at, int loop, Value iv) const;

  /// Sequential loops over `loops`, outermost first.
  void forEach(Emitter &b, ArrayRef<int> loops, const Cursor &at,
               llvm::function_ref<void(const Cursor &)> body) const;

  /// The same with values carried from point to point.
  SmallVector<Value>
  forEach(Emitter &b, ArrayRef<int> loops, const Cursor &at, ValueRange inits,
          llvm::function_ref<SmallVector<Value>(const Cursor &, ValueRange)>
              body) const;
};

/// Loads `lanes` elements along `loop` from `position`: a vector if the access
/// varies along the loop, else a scalar. Lanes that `mask` turns off are not
/// touched; only contiguous accesses may be masked.
Value loadLanes(Emitter &b, const Access &access, Value position, int loop,
                int64_t lanes, Value mask = nullptr);
void storeLanes(Emitter &b, const Access &access, Value position, Value value,
                int loop, int64_t lanes, Value mask = nullptr);

/// Whether every vector along `loop` can be loaded and stored under a mask.
bool canMaskAccesses(Emitter &b, const StridedNest &nest, int loop);

} // namespace mlir::ssd::cpu

#endif // SSD_LOWERING_LINALGTOCPU_STRIDEDNEST_H
