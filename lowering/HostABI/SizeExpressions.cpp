//===- SizeExpressions.cpp - sizes in terms of arguments --------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/SizeExpressions.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace ssd {

bool SizeExpressions::Leaf::operator==(const Leaf &other) const {
  return kind == other.kind && argument == other.argument && dim == other.dim &&
         a == other.a && b == other.b;
}

static Bound opposite(Bound bound) {
  return bound == Bound::Upper ? Bound::Lower : Bound::Upper;
}

SizeExpr SizeExpressions::constant(int64_t value) {
  return getAffineConstantExpr(value, context);
}

std::optional<int64_t> SizeExpressions::getConstant(SizeExpr expr) {
  if (auto constant = dyn_cast_or_null<AffineConstantExpr>(expr))
    return constant.getValue();
  return std::nullopt;
}

SizeExpr SizeExpressions::leaf(Leaf leaf) {
  auto it = llvm::find(leaves, leaf);
  unsigned position = it - leaves.begin();
  if (it == leaves.end())
    leaves.push_back(leaf);
  return getAffineSymbolExpr(position, context);
}

SizeExpr SizeExpressions::max(SizeExpr a, SizeExpr b) {
  auto constantA = getConstant(a), constantB = getConstant(b);
  if (constantA && constantB)
    return constant(std::max(*constantA, *constantB));
  if (a == b || constantB == 0)
    return a;
  if (constantA == 0)
    return b;
  return leaf({Kind::Max, 0, 0, a, b});
}

SizeExpr SizeExpressions::min(SizeExpr a, SizeExpr b) {
  auto constantA = getConstant(a), constantB = getConstant(b);
  if (constantA && constantB)
    return constant(std::min(*constantA, *constantB));
  return a == b ? a : leaf({Kind::Min, 0, 0, a, b});
}

SizeExpr SizeExpressions::alignTo(SizeExpr expr, int64_t alignment) {
  return expr.ceilDiv(alignment) * alignment;
}

/// A bound of a value that is one of two.
SizeExpr SizeExpressions::join(SizeExpr a, SizeExpr b, Bound bound) {
  if (!a || !b)
    return {};
  return bound == Bound::Upper ? max(a, b) : min(a, b);
}

/// A bound of a minimum or maximum from bounds of its operands, null where
/// unknown: either operand bounds a minimum from above.
SizeExpr SizeExpressions::extreme(Kind kind, SizeExpr a, SizeExpr b,
                                  Bound bound) {
  if (a && b)
    return kind == Kind::Min ? min(a, b) : max(a, b);
  bool anyOf = (kind == Kind::Min) == (bound == Bound::Upper);
  return anyOf ? (a ? a : b) : SizeExpr();
}

std::optional<int64_t> SizeExpressions::getConstantBound(SizeExpr expr) {
  auto leafBound = [&](auto &self, unsigned position, Bound bound) -> SizeExpr {
    // A copy: `leaves` may grow.
    Leaf leaf = leaves[position];
    auto nested = [&](unsigned inner, bool, Bound side) {
      return self(self, inner, side);
    };
    if (leaf.kind == Kind::Argument)
      return bound == Bound::Lower ? constant(0) : SizeExpr();
    return extreme(leaf.kind, evaluate(leaf.a, bound, nested),
                   evaluate(leaf.b, bound, nested), bound);
  };
  return getConstant(
      evaluate(expr, Bound::Upper, [&](unsigned position, bool, Bound bound) {
        return leafBound(leafBound, position, bound);
      }));
}

/// Bounds of an expression from bounds of its leaves.
SizeExpr SizeExpressions::evaluate(AffineExpr expr, Bound bound,
                                   LeafBound leafBound) {
  if (isa<AffineConstantExpr>(expr))
    return expr;
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return leafBound(symbol.getPosition(), true, bound);
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return leafBound(dim.getPosition(), false, bound);
  auto binary = cast<AffineBinaryOpExpr>(expr);
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (expr.getKind() == AffineExprKind::Mul && factor && factor.getValue() < 0)
    bound = opposite(bound);
  SizeExpr lhs = evaluate(binary.getLHS(), bound, leafBound);
  if (expr.getKind() == AffineExprKind::Mod) {
    if (!factor || factor.getValue() <= 0)
      return {};
    SizeExpr other = evaluate(binary.getLHS(), opposite(bound), leafBound);
    if (lhs && lhs == other)
      return lhs % factor.getValue();
    return constant(bound == Bound::Upper ? factor.getValue() - 1 : 0);
  }
  bool divides = expr.getKind() == AffineExprKind::FloorDiv ||
                 expr.getKind() == AffineExprKind::CeilDiv;
  SizeExpr rhs =
      evaluate(binary.getRHS(), divides ? opposite(bound) : bound, leafBound);
  if (!lhs || !rhs)
    return {};
  // Where the division is not reached its divisor may be zero.
  if (divides && !factor)
    rhs = max(rhs, constant(1));
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return lhs + rhs;
  case AffineExprKind::Mul:
    return lhs * rhs;
  case AffineExprKind::FloorDiv:
    return lhs.floorDiv(rhs);
  case AffineExprKind::CeilDiv:
    return lhs.ceilDiv(rhs);
  default:
    return {};
  }
}

SizeExpr SizeExpressions::getBound(OpFoldResult value, Bound bound) {
  if (auto known = getConstantIntValue(value))
    return constant(*known);
  return getBound(cast<Value>(value), bound);
}

SizeExpr SizeExpressions::getBound(Value value, Bound bound) {
  auto key = std::make_pair(value, int(bound));
  if (auto it = known.find(key); it != known.end())
    return it->second;
  SizeExpr result = compute(value, bound);
  known[key] = result;
  return result;
}

SizeExpr SizeExpressions::computeInduction(BlockArgument argument,
                                           Bound bound) {
  auto loop = dyn_cast<LoopLikeOpInterface>(argument.getOwner()->getParentOp());
  auto variables = loop ? loop.getLoopInductionVars() : std::nullopt;
  auto lower = loop ? loop.getLoopLowerBounds() : std::nullopt;
  auto upper = loop ? loop.getLoopUpperBounds() : std::nullopt;
  if (!variables || !lower || !upper)
    return {};
  for (auto [variable, from, to] : llvm::zip(*variables, *lower, *upper)) {
    if (variable != argument)
      continue;
    if (bound == Bound::Lower)
      return getBound(from, bound);
    SizeExpr end = getBound(to, bound);
    return end ? end - 1 : SizeExpr();
  }
  return {};
}

/// The expression, in symbols for the operands, that an operation computes.
static AffineExpr getArithExpr(Operation *op) {
  if (op->getNumOperands() != 2)
    return {};
  MLIRContext *context = op->getContext();
  AffineExpr x = getAffineSymbolExpr(0, context);
  AffineExpr y = getAffineSymbolExpr(1, context);
  auto divisor = getConstantIntValue(op->getOperand(1));
  if (divisor)
    y = getAffineConstantExpr(*divisor, context);
  if (isa<arith::AddIOp>(op))
    return x + y;
  if (isa<arith::SubIOp>(op))
    return x - y;
  if (isa<arith::MulIOp>(op))
    return x * y;
  if (divisor && *divisor <= 0)
    return {};
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(op))
    return x.floorDiv(y);
  if (isa<arith::CeilDivSIOp, arith::CeilDivUIOp>(op))
    return x.ceilDiv(y);
  if (!divisor)
    return {};
  if (isa<arith::ShRSIOp>(op) && *divisor < 63)
    return x.floorDiv(int64_t(1) << *divisor);
  if (isa<arith::RemSIOp, arith::RemUIOp>(op))
    return x % y;
  return {};
}

SizeExpr SizeExpressions::computeArith(Operation *op, Bound bound) {
  auto get = [&](unsigned operand, Bound side) {
    return getBound(op->getOperand(operand), side);
  };
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp,
          arith::ExtUIOp, arith::TruncIOp>(op))
    return get(0, bound);
  if (isa<arith::SelectOp>(op))
    return join(get(1, bound), get(2, bound), bound);
  if (isa<arith::MinSIOp, arith::MinUIOp, arith::MaxSIOp, arith::MaxUIOp>(op)) {
    bool isMin = isa<arith::MinSIOp, arith::MinUIOp>(op);
    return extreme(isMin ? Kind::Min : Kind::Max, get(0, bound), get(1, bound),
                   bound);
  }
  AffineExpr expr = getArithExpr(op);
  if (!expr)
    return {};
  return evaluate(expr, bound, [&](unsigned position, bool, Bound side) {
    return get(position, side);
  });
}

SizeExpr SizeExpressions::computeAffine(Operation *op, Bound bound) {
  auto evaluateResult = [&](AffineMap map, unsigned result, Bound side) {
    return evaluate(map.getResult(result), side,
                    [&](unsigned position, bool isSymbol, Bound leafSide) {
                      if (isSymbol)
                        position += map.getNumDims();
                      return getBound(op->getOperand(position), leafSide);
                    });
  };
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op))
    return evaluateResult(apply.getAffineMap(), 0, bound);
  bool isMin = isa<affine::AffineMinOp>(op);
  AffineMap map = isMin ? cast<affine::AffineMinOp>(op).getAffineMap()
                        : cast<affine::AffineMaxOp>(op).getAffineMap();
  SizeExpr result = evaluateResult(map, 0, bound);
  for (unsigned i = 1; i < map.getNumResults(); ++i)
    result = extreme(isMin ? Kind::Min : Kind::Max, result,
                     evaluateResult(map, i, bound), bound);
  return result;
}

/// The size of a dimension of a subview's source that result `dim` stands for.
static OpFoldResult getSubviewSize(memref::SubViewOp view, int64_t dim) {
  llvm::SmallBitVector dropped = view.getDroppedDims();
  for (auto [index, size] : llvm::enumerate(view.getMixedSizes()))
    if (!dropped.test(index) && dim-- == 0)
      return size;
  return {};
}

SizeExpr SizeExpressions::getDimBound(Value memref, int64_t dim, Bound bound) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dim))
    return constant(type.getDimSize(dim));
  if (auto argument = dyn_cast<BlockArgument>(memref)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (parent == function)
      return leaf({Kind::Argument, argument.getArgNumber(), dim, {}, {}});
    auto loop = dyn_cast<LoopLikeOpInterface>(parent);
    OpOperand *init = loop ? loop.getTiedLoopInit(argument) : nullptr;
    return init ? getDimBound(init->get(), dim, bound) : SizeExpr();
  }
  Operation *op = memref.getDefiningOp();
  auto dynamicSize = [&](ValueRange sizes) {
    return getBound(sizes[type.getDynamicDimIndex(dim)], bound);
  };
  return llvm::TypeSwitch<Operation *, SizeExpr>(op)
      .Case<memref::AllocOp, memref::AllocaOp>(
          [&](auto alloc) { return dynamicSize(alloc.getDynamicSizes()); })
      .Case([&](memref::ViewOp view) { return dynamicSize(view.getSizes()); })
      .Case<memref::CastOp, memref::MemorySpaceCastOp>(
          [&](auto cast) { return getDimBound(cast.getSource(), dim, bound); })
      .Case([&](memref::SubViewOp view) {
        return getBound(getSubviewSize(view, dim), bound);
      })
      .Case([&](memref::ReinterpretCastOp view) {
        return getBound(view.getMixedSizes()[dim], bound);
      })
      .Case([&](memref::ExpandShapeOp view) {
        return getBound(view.getMixedOutputShape()[dim], bound);
      })
      .Case([&](memref::CollapseShapeOp view) {
        SizeExpr product = constant(1);
        for (int64_t source : view.getReassociationIndices()[dim]) {
          SizeExpr size = getDimBound(view.getSrc(), source, bound);
          if (!size)
            return SizeExpr();
          product = product * size;
        }
        return product;
      })
      .Case([&](arith::SelectOp select) {
        return join(getDimBound(select.getTrueValue(), dim, bound),
                    getDimBound(select.getFalseValue(), dim, bound), bound);
      })
      .Default([](Operation *) { return SizeExpr(); });
}

SizeExpr SizeExpressions::compute(Value value, Bound bound) {
  IntegerAttr attribute;
  if (matchPattern(value, m_Constant(&attribute)))
    return constant(attribute.getInt());
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner()->getParentOp() == function)
      return leaf({Kind::Argument, argument.getArgNumber(), -1, {}, {}});
    return computeInduction(argument, bound);
  }
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    auto index = dim.getConstantIndex();
    return index && isa<MemRefType>(dim.getSource().getType())
               ? getDimBound(dim.getSource(), *index, bound)
               : SizeExpr();
  }
  if (isa<affine::AffineApplyOp, affine::AffineMinOp, affine::AffineMaxOp>(op))
    return computeAffine(op, bound);
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    unsigned result = cast<OpResult>(value).getResultNumber();
    return join(getBound(branch.thenYield().getOperand(result), bound),
                getBound(branch.elseYield().getOperand(result), bound), bound);
  }
  return isa<arith::ArithDialect>(op->getDialect()) ? computeArith(op, bound)
                                                    : SizeExpr();
}

SizeExpr SizeExpressions::importCallee(const SizeExpressions &callee,
                                       SizeExpr expr, ValueRange operands) {
  auto leafBound = [&](auto &self, unsigned position, Bound bound) -> SizeExpr {
    const Leaf &leaf = callee.leaves[position];
    auto nested = [&](unsigned inner, bool, Bound side) {
      return self(self, inner, side);
    };
    if (leaf.kind == Kind::Argument)
      return leaf.dim < 0
                 ? getBound(operands[leaf.argument], bound)
                 : getDimBound(operands[leaf.argument], leaf.dim, bound);
    return extreme(leaf.kind, evaluate(leaf.a, bound, nested),
                   evaluate(leaf.b, bound, nested), bound);
  };
  return evaluate(expr, Bound::Upper,
                  [&](unsigned position, bool, Bound bound) {
                    return leafBound(leafBound, position, bound);
                  });
}

/// Creates the arithmetic of an expression. Shifts divide by powers of two.
/// Dividends are not negative, divisors positive.
static Value expandExpr(OpBuilder &builder, Location loc, AffineExpr expr,
                        ValueRange symbols) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return arith::ConstantIndexOp::create(builder, loc, constant.getValue());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbols[symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  auto divisor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  bool isCeil = expr.getKind() == AffineExprKind::CeilDiv;
  bool divides = isCeil || expr.getKind() == AffineExprKind::FloorDiv;
  if (divides && (!divisor || llvm::isPowerOf2_64(divisor.getValue()))) {
    AffineExpr dividend = binary.getLHS();
    if (isCeil)
      dividend = dividend + binary.getRHS() - 1;
    Value value = expandExpr(builder, loc, dividend, symbols);
    if (!divisor)
      return builder.createOrFold<arith::DivUIOp>(
          loc, value, expandExpr(builder, loc, binary.getRHS(), symbols));
    Value shift = arith::ConstantIndexOp::create(
        builder, loc, llvm::Log2_64(divisor.getValue()));
    return builder.createOrFold<arith::ShRSIOp>(loc, value, shift);
  }
  if (expr.getKind() != AffineExprKind::Add &&
      expr.getKind() != AffineExprKind::Mul)
    return affine::expandAffineExpr(builder, loc, expr, ValueRange(), symbols);
  Value lhs = expandExpr(builder, loc, binary.getLHS(), symbols);
  Value rhs = expandExpr(builder, loc, binary.getRHS(), symbols);
  if (expr.getKind() == AffineExprKind::Add)
    return builder.createOrFold<arith::AddIOp>(loc, lhs, rhs);
  return builder.createOrFold<arith::MulIOp>(loc, lhs, rhs);
}

Value SizeExpressions::emit(OpBuilder &builder, Location loc, SizeExpr expr,
                            LeafValue leafValue) const {
  SmallVector<Value> symbols(leaves.size());
  auto expand = [&](SizeExpr part) {
    return expandExpr(builder, loc, part, symbols);
  };
  auto prepare = [&](auto &self, SizeExpr part) -> void {
    part.walk([&](AffineExpr inner) {
      auto symbol = dyn_cast<AffineSymbolExpr>(inner);
      if (!symbol || symbols[symbol.getPosition()])
        return;
      const Leaf &leaf = leaves[symbol.getPosition()];
      Value &value = symbols[symbol.getPosition()];
      if (leaf.kind == Kind::Argument) {
        value = leafValue(leaf.argument, leaf.dim);
        return;
      }
      self(self, leaf.a);
      self(self, leaf.b);
      Value a = expand(leaf.a), b = expand(leaf.b);
      value = leaf.kind == Kind::Max
                  ? arith::MaxSIOp::create(builder, loc, a, b).getResult()
                  : arith::MinSIOp::create(builder, loc, a, b).getResult();
    });
  };
  prepare(prepare, expr);
  return expand(expr);
}

} // namespace ssd
