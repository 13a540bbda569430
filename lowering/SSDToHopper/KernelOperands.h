//===- KernelOperands.h - A unit's operands inside of a kernel --*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_KERNELOPERANDS_H
#define SSD_LOWERING_SSDTOHOPPER_KERNELOPERANDS_H

#include "lowering/SSDToHopper/KernelBuilder.h"
#include "lowering/SSDToHopper/Launch.h"

namespace ssd {

/// An element of a sequence operand; axes that it lacks are ignored.
struct Position {
  mlir::Value batch, token, outer, inner;
};

/// A memref of the host inside of a kernel. Its pointer is a parameter, and so
/// are the strides that its type leaves open.
class Tensor {
public:
  using Value = mlir::Value;

  Tensor() = default;
  /// `memref` may be null: then this is absent.
  Tensor(KernelArguments &arguments, Value memref);

  explicit operator bool() const { return bool(type); }
  mlir::Type getElementType() const { return type.getElementType(); }
  /// Address of an element.
  Value at(KernelBuilder &k, mlir::ValueRange indices) const;
  /// The element as it is stored.
  Value load(KernelBuilder &k, mlir::ValueRange indices) const;
  /// The element as f32.
  Value loadF32(KernelBuilder &k, mlir::ValueRange indices) const {
    return k.widen(load(k, indices));
  }
  /// Rounds an f32 to the element.
  void store(KernelBuilder &k, Value value, mlir::ValueRange indices) const;
  /// Elements from one value of the dimension to the next, i64.
  Value stride(KernelBuilder &k, int64_t dim) const;

private:
  mlir::MemRefType type;
  unsigned pointer = 0;
  llvm::SmallVector<int64_t> strides;      // as the type has them
  llvm::SmallVector<unsigned> openStrides; // parameters, of all dimensions
};

/// A sequence operand, addressed by axes.
class SequenceTensor : public Tensor {
public:
  SequenceTensor() = default;
  SequenceTensor(KernelArguments &arguments, const UnitBuffer &buffer)
      : Tensor(arguments, buffer.memref), buffer(buffer) {}

  KernelBuilder::Values indices(const Position &position) const;
  Value load(KernelBuilder &k, const Position &position) const {
    return Tensor::load(k, indices(position));
  }
  Value at(KernelBuilder &k, const Position &position) const {
    return Tensor::at(k, indices(position));
  }
  void store(KernelBuilder &k, Value value, const Position &position) const {
    Tensor::store(k, value, indices(position));
  }

private:
  UnitBuffer buffer;
};

/// A step size: raw values, which the kernel discretises.
class Factor {
public:
  Factor() = default;
  Factor(KernelArguments &arguments, const UnitFactor &factor)
      : raw(arguments, factor.raw), bias(arguments, factor.bias),
        factor(factor) {}

  explicit operator bool() const { return bool(raw); }
  /// The head's bias, null where there is none.
  mlir::Value loadBias(KernelBuilder &k, mlir::Value head) const;
  /// The step size of a raw value as it was loaded.
  mlir::Value discretize(KernelBuilder &k, mlir::Value loaded,
                         mlir::Value bias) const;

  SequenceTensor raw;

private:
  Tensor bias;
  UnitFactor factor;
};

/// Where an operand of the epilogue is read for an element of y.
KernelBuilder::Values mapIndices(KernelBuilder &k, mlir::AffineMap map,
                                 const Position &position);

/// What the epilogue reads.
class EpilogueOperands {
public:
  using Value = mlir::Value;
  using Values = KernelBuilder::Values;
  enum class Part { fixed, perToken };

  EpilogueOperands() = default;
  EpilogueOperands(KernelArguments &arguments, const MixerUnit &unit);

  /// The inputs that change with the token, or those that do not, at an element
  /// of y, as they are stored. The mixer's own x is not among them.
  Values load(KernelBuilder &k, const Position &position, Part part) const;
  size_t count(Part part) const;
  /// The epilogue of one element. All values are f32 but the loaded ones.
  Value apply(KernelBuilder &k, Value y, Value x, mlir::ValueRange fixed,
              mlir::ValueRange perToken) const;
  bool empty() const { return !unit || unit->epilogue.empty(); }

private:
  enum class Kind { x, fixed, perToken };

  const MixerUnit *unit = nullptr;
  llvm::SmallVector<Tensor> tensors;
  llvm::SmallVector<Kind> kinds;
};

/// All operands of a unit, by pointer.
struct KernelOperands {
  KernelOperands(KernelArguments &arguments, const MixerUnit &unit);

  SequenceTensor x, b, c, y, segmentIds;
  Factor decay, scale;
  Tensor rate, offsets, slots, initialState, finalState, checkpoints;
  EpilogueOperands epilogue;
};

/// Rows of the pool that slots choose from.
unsigned addPoolRows(KernelArguments &arguments, const MixerUnit &unit);

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_KERNELOPERANDS_H
