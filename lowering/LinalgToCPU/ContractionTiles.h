//===- ContractionTiles.h - Tiles of a matrix product -----------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_LINALGTOCPU_CONTRACTIONTILES_H
#define SSD_LOWERING_LINALGTOCPU_CONTRACTIONTILES_H

#include "lowering/LinalgToCPU/Emitter.h"

namespace ssd::cpu {

/// A matrix in a flat buffer, of either orientation.
struct MatrixView {
  mlir::Value base;
  mlir::Value origin;
  mlir::Value rowStride, columnStride;

  mlir::Type elementType() const {
    return llvm::cast<mlir::MemRefType>(base.getType()).getElementType();
  }
  mlir::Value at(Emitter &b, mlir::Value row, mlir::Value column) const {
    return b.add(origin,
                 b.add(b.mul(row, rowStride), b.mul(column, columnStride)));
  }
  /// The same matrix seen from another element.
  MatrixView from(Emitter &b, mlir::Value row, mlir::Value column) const {
    return {base, at(b, row, column), rowStride, columnStride};
  }
  bool hasContiguousRows() const { return constant(columnStride) == 1; }
  bool hasContiguousColumns() const { return constant(rowStride) == 1; }
};

/// The first `count` lanes are on; or, if null, all.
struct LaneMask {
  mlir::Value lanes;
  mlir::Value count;
};
LaneMask makeMask(Emitter &b, mlir::Value count, int64_t lanes);

/// Elements as f32: one, or `lanes` from `position` on, which are zero where
/// the mask is off.
mlir::Value loadScalar(Emitter &b, const MatrixView &view, mlir::Value row,
                       mlir::Value column);
mlir::Value loadVector(Emitter &b, const MatrixView &view, mlir::Value position,
                       int64_t lanes, const LaneMask &mask = {});
void storeVector(Emitter &b, mlir::Value value, mlir::Value base,
                 mlir::Value position, const LaneMask &mask);

/// Transposes a square of 8 or 16 vectors.
llvm::SmallVector<mlir::Value>
transposeSquare(Emitter &b, llvm::ArrayRef<mlir::Value> rows);

/// The sizes of a register tile and of the blocks around it.
struct TileShape {
  int64_t lanes;   ///< f32 lanes of a vector.
  int64_t rows;    ///< Rows of C in registers.
  int64_t vectors; ///< Vectors of C per row.
  int64_t depth;   ///< Rows of a packed panel.

  int64_t columns() const { return vectors * lanes; }
};

/// C[0.., 0..] += A · B over `depth`, in registers: `rows` rows by
/// shape.vectors vectors. Only the first `columns` columns exist; if there may
/// be fewer than the tile has, B is read and C is touched under masks.
/// `overwrite` says whether C counts as zero.
void emitRegisterTile(Emitter &b, const TileShape &shape, int64_t rows,
                      const MatrixView &a, const MatrixView &bm,
                      const MatrixView &c, mlir::Value depth,
                      mlir::Value columns, mlir::Value overwrite, bool maskB);

/// Copies B[0..depth, 0..columns) as f32 into a panel of shape.columns()
/// columns whose rows are contiguous, padded with zero columns.
MatrixView packPanel(Emitter &b, const TileShape &shape, const MatrixView &bm,
                     mlir::Value depth, mlir::Value columns);

/// Copies A[0..rows, 0..depth) as f32 into contiguous rows.
MatrixView packRows(Emitter &b, const TileShape &shape, const MatrixView &a,
                    int64_t maxRows, mlir::Value rows, mlir::Value depth);

/// C[:, begin..end) += A · B[:, begin..end) for at most `maxRows` (a power of
/// two) rows, as dot products along contiguous columns of B, which is read
/// once from memory.
void emitDotProducts(Emitter &b, const MatrixView &a, const MatrixView &bm,
                     const MatrixView &c, mlir::Value rows, int64_t maxRows,
                     mlir::Value depth, mlir::Value begin, mlir::Value end,
                     bool overwrite);

/// C[:, 0..columns) += A · B for few rows, as sums of scaled contiguous rows of
/// B, which is read once from memory.
void emitScaledRows(Emitter &b, const MatrixView &a, const MatrixView &bm,
                    const MatrixView &c, mlir::Value rows, mlir::Value depth,
                    mlir::Value columns, bool overwrite);

} // namespace ssd::cpu

#endif // SSD_LOWERING_LINALGTOCPU_CONTRACTIONTILES_H
