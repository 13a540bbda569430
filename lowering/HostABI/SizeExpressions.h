//===- SizeExpressions.h - sizes in terms of a function's arguments -*- C++
//-*-//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Sizes are (semi-)affine expressions whose symbols are leaves: sizes of the
// function's memref arguments, its index arguments, and minima and maxima of
// other expressions. AffineExpr's uniquing makes equal sizes pointer-equal.
// Sizes and loop counters are assumed not to be negative.
//===----------------------------------------------------------------------===//
#ifndef SSD_LOWERING_HOSTABI_SIZEEXPRESSIONS_H
#define SSD_LOWERING_HOSTABI_SIZEEXPRESSIONS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>
#include <vector>

namespace ssd {

/// Null where there is no bound.
using SizeExpr = mlir::AffineExpr;

enum class Bound { Lower, Upper };

class SizeExpressions {
public:
  explicit SizeExpressions(mlir::func::FuncOp function)
      : function(function), context(function.getContext()) {}

  /// A bound that holds on every execution; both bounds are the same
  /// expression where the value does not vary inside the function.
  SizeExpr getBound(mlir::Value value, Bound bound);
  SizeExpr getDimBound(mlir::Value memref, int64_t dim, Bound bound);

  SizeExpr constant(int64_t value);
  SizeExpr max(SizeExpr a, SizeExpr b);
  SizeExpr min(SizeExpr a, SizeExpr b);
  /// The least multiple of `alignment` that is not less.
  static SizeExpr alignTo(SizeExpr expr, int64_t alignment);
  static std::optional<int64_t> getConstant(SizeExpr expr);
  /// A constant that the expression never exceeds, where there is one.
  std::optional<int64_t> getConstantBound(SizeExpr expr);

  /// The upper bound, in this function, of an expression of a function that
  /// it calls with these operands.
  SizeExpr importCallee(const SizeExpressions &callee, SizeExpr expr,
                        mlir::ValueRange operands);

  /// A leaf that is not an operation: a size of argument `argument`, or the
  /// argument itself where `dim` is negative.
  using LeafValue =
      llvm::function_ref<mlir::Value(unsigned argument, int64_t dim)>;
  /// Creates arith operations that compute the expression.
  mlir::Value emit(mlir::OpBuilder &builder, mlir::Location loc, SizeExpr expr,
                   LeafValue leafValue) const;

private:
  enum class Kind { Argument, Min, Max };
  struct Leaf {
    Kind kind;
    unsigned argument;
    int64_t dim;
    SizeExpr a, b;
    bool operator==(const Leaf &other) const;
  };
  using LeafBound = llvm::function_ref<SizeExpr(unsigned position,
                                                bool isSymbol, Bound bound)>;

  SizeExpr leaf(Leaf leaf);
  SizeExpr evaluate(mlir::AffineExpr expr, Bound bound, LeafBound leafBound);
  SizeExpr compute(mlir::Value value, Bound bound);
  SizeExpr computeArith(mlir::Operation *op, Bound bound);
  SizeExpr computeAffine(mlir::Operation *op, Bound bound);
  SizeExpr computeInduction(mlir::BlockArgument argument, Bound bound);
  SizeExpr extreme(Kind kind, SizeExpr a, SizeExpr b, Bound bound);
  SizeExpr join(SizeExpr a, SizeExpr b, Bound bound);
  SizeExpr getBound(mlir::OpFoldResult value, Bound bound);

  mlir::func::FuncOp function;
  mlir::MLIRContext *context;
  std::vector<Leaf> leaves;
  llvm::DenseMap<std::pair<mlir::Value, int>, SizeExpr> known;
};

} // namespace ssd

#endif // SSD_LOWERING_HOSTABI_SIZEEXPRESSIONS_H
