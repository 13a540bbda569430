//===- MixerUnit.h - What one kernel computes ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_MIXERUNIT_H
#define SSD_LOWERING_SSDTOHOPPER_MIXERUNIT_H

#include "dialect/Hopper/HopperOps.h"
#include "dialect/SSD/SSDOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace ssd {

/// An operand in memory: a memref of any strides, null where absent. Sequence
/// operands are [B, L, outer, inner] with trailing axes left out, those of
/// ssd.step have no L.
struct UnitBuffer {
  enum Axis { batch = 0, token = 1, outer = 2, inner = 3 };

  mlir::Value memref;
  bool hasTokens = true;

  explicit operator bool() const { return bool(memref); }
  mlir::MemRefType getType() const {
    return mlir::cast<mlir::MemRefType>(memref.getType());
  }
  mlir::Type getElementType() const { return getType().getElementType(); }
  /// The memref's dimension that is `axis`, or −1 if it has none.
  int64_t getDim(Axis axis) const;
};

/// A step size: read as it is, or discretised from raw values on the way.
/// value = clip(softplus(raw + bias), min, max), each part where present.
struct UnitFactor {
  UnitBuffer raw;   // [B, L, H] or [B, L, H, N]
  mlir::Value bias; // memref [H]
  bool softplus = false;
  std::optional<float> min, max;

  explicit operator bool() const { return bool(raw); }
};

/// What the elementwise ops after a mixer read besides its y.
struct EpilogueInput {
  mlir::Value memref;
  /// From the element of y that is computed, (b, l, h, p) or (b, h, p) without
  /// tokens, to the element of `memref` that is read.
  mlir::AffineMap map;
  /// The mixer's own x at y's element: kernels have it already.
  bool isX = false;
};

/// The elementwise ops after a mixer, a function of one element of y.
class Epilogue {
public:
  llvm::ArrayRef<EpilogueInput> getInputs() const { return inputs; }
  bool empty() const { return steps.empty(); }

  /// Emits the function: `y` and one value for each input, all f32. Returns
  /// f32, not yet rounded to the element type of y's buffer. `y` is taken as it
  /// is, not rounded to the type that the mixer would have stored it in; where
  /// the ops round in between, so does this.
  mlir::Value emit(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value y,
                   mlir::ValueRange values) const;

private:
  friend class UnitReader;
  struct Step {
    mlir::linalg::GenericOp op;
    mlir::Value y; // the operand that is y
  };
  llvm::SmallVector<Step> steps;
  llvm::SmallVector<EpilogueInput> inputs;
};

/// A mixer or a step on buffers with all that was fused around it.
struct MixerUnit {
  FusedOp op;
  mlir::Attribute form; // null for a step
  /// The kernel that the mixer's attribute `hopper.kernel` asks for, or null.
  mlir::StringAttr kernel;
  /// What its attribute `hopper.stages` asks for, or null.
  hopper::StagesAttr stages;
  int64_t heads = 0, groups = 1, headDim = 0, stateDim = 0;
  bool isStep = false, reverse = false;
  bool leadingSegment =
      false; // segment ids begin with that of the initial state
  std::optional<int64_t> checkpointEvery;
  /// A sequence's result may not depend on its batch: what is computed in which
  /// order is chosen without looking at that.
  bool batchInvariant = false;

  UnitBuffer x, b, c, y;
  UnitFactor decay, scale;
  /// One load serves decay and scale, as with Δ.
  bool scaleIsDecay = false;
  mlir::Value rate; // memref [H] or [H, N]
  UnitBuffer segmentIds;
  mlir::Value offsets, slots;
  /// States: [B, H, P, N], with offsets [S, H, P, N], with slots the rows of a
  /// pool. Without `initialState` they start from zero; it may be `finalState`.
  /// `finalState` is null where nobody reads it.
  mlir::Value initialState, finalState, checkpoints;
  /// Copies and fills that became needless: of the initial state, which is read
  /// where it comes from, and of the final one, which is written where it goes.
  llvm::SmallVector<mlir::Operation *> replaced;
  Epilogue epilogue;

  mlir::Location getLoc() const { return op->getLoc(); }
  bool hasDiagonalDecay() const;

  /// Reads a unit on buffers. Fails with a diagnostic that names the op that no
  /// kernel can compute.
  static mlir::FailureOr<MixerUnit> read(FusedOp op);
};

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_MIXERUNIT_H
