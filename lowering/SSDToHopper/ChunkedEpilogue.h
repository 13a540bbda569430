//===- ChunkedEpilogue.h - Chunked kernel: epilogue -------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_CHUNKEDEPILOGUE_H
#define SSD_LOWERING_SSDTOHOPPER_CHUNKEDEPILOGUE_H

#include "lowering/SSDToHopper/ChunkedTransport.h"

namespace ssd {

/// The epilogue of the chunked kernel, on the transposed fragments [p, token]
/// of one row block. Operands are the mixer's x, one value a head, one a row p,
/// or one tensor of y's shape, whose tiles come the way x's do. x and the
/// tensor are given as the packed fragments whose sum they are.
class ChunkedEpilogue {
public:
  using Value = mlir::Value;

  ChunkedEpilogue(KernelArguments &arguments, const MixerUnit &unit,
                  Transport transport);

  /// Why the kernel cannot read what the epilogue does; empty if it can.
  static std::string whyNot(const MixerUnit &unit);
  /// The operand that comes by tiles, null without one.
  static Value getTiled(const MixerUnit &unit);
  const TileTensor &getTiles() const { return tiles; }

  /// Loads what the chunks of a head's rows from `firstRow` on have in common;
  /// of the rows there are `rows`, all where it is null.
  void begin(KernelBuilder &k, Value batch, Value head, Value firstRow,
             Value rows);
  /// 2^L_j · y and, where the epilogue only adds to y, its result: that is done
  /// before the last product, while others are in flight.
  Value beforeScores(KernelBuilder &k, Value y, Value fromStart,
                     mlir::ValueRange x);
  /// What the epilogue makes of the tensor's fragment `tile` alone, while the
  /// last product is in flight.
  KernelBuilder::Values duringScores(KernelBuilder &k, mlir::ValueRange tile);
  /// The result, where it is more than a sum; `early` is of duringScores.
  Value afterScores(KernelBuilder &k, Value y, mlir::ValueRange x,
                    mlir::ValueRange tile, mlir::ValueRange early);

private:
  enum class Kind { x, head, row, tile, other };
  static Kind kindOf(const EpilogueInput &input, const MixerUnit &unit);
  void analyze();

  /// Code of one element: y is the first of the fragments, or the product of
  /// two; what `early` holds is not computed again.
  Value apply(KernelBuilder &k, mlir::ValueRange fragments, mlir::ValueRange x,
              mlir::ValueRange tile, mlir::ValueRange early);
  /// The fragments that the epilogue's inputs are, but for scalars.
  KernelBuilder::Values inputsOf(KernelBuilder &k, mlir::ValueRange x,
                                 mlir::ValueRange tile);
  /// One value for each input, scalars and elements of its fragments.
  KernelBuilder::Values valuesOf(mlir::ValueRange elements);

  const MixerUnit &unit;
  bool addsToY;
  /// Operations whose results follow from the tensor, by their order of
  /// emission.
  llvm::SmallVector<size_t> earlyOps;
  llvm::SmallVector<Tensor> tensors;
  TileTensor tiles;
  KernelBuilder::Values fixed; // of the present unit; null for x and tile
};

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_CHUNKEDEPILOGUE_H
