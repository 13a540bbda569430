//===- Contraction.cpp - Matrix products ----------------------------------===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// C[m, n] += A[m, k] · B[k, n], in one of three ways:
//
// * Packed: a panel of B, a few vectors wide, is copied to the stack (as f32,
//   its rows contiguous, whatever B's type and layout) and multiplied by all
//   rows of a block of A, with a tile of C in registers.
// * Few rows, columns of B contiguous: dot products that stream B once.
// * Few rows, rows of B contiguous: rows of B scaled and summed in registers.
//
// With an unknown number of rows the code chooses at run time.
//
//===----------------------------------------------------------------------===//

#include "lowering/LinalgToCPU/ContractionTiles.h"
#include "lowering/LinalgToCPU/Strategies.h"
#include "lowering/LinalgToCPU/Tasks.h"

using namespace mlir;
using namespace ssd::cpu;

/// At most so many rows make B's traffic outweigh its use.
static constexpr int64_t kFewRows = 4;
/// Vectors of C that stay in registers while rows of B are scaled and summed.
static constexpr int64_t kRegisterVectors = 8;
/// Columns that are summed at once when they do not: C stays in the L1 cache.
static constexpr int64_t kScaledColumns = 2048;
/// Columns that one item of the dot-product form covers.
static constexpr int64_t kDotColumns = 16;

//===----------------------------------------------------------------------===//
// Recognition
//===----------------------------------------------------------------------===//

namespace {
/// Which operand and which loop plays which part.
struct Roles {
  int a = 0, b = 1, c = 2;
  int m = -1, n = -1, k = -1; ///< There may be no m.
  SmallVector<int> outer;     ///< Other parallel loops.
  SmallVector<int> outerK;    ///< Other reduction loops.
};
} // namespace

/// `value`, or what it extends, if that is an argument of the body.
static BlockArgument extendedArgument(Value value) {
  if (auto extension = value.getDefiningOp<arith::ExtFOp>())
    value = extension.getIn();
  return dyn_cast<BlockArgument>(value);
}

/// Matches yield(c + ext(a) * ext(b)) with c in f32.
static bool isMultiplyAccumulate(const StridedNest &nest) {
  Block &body = nest.body();
  if (body.getNumArguments() != 3 || nest.firstOutput() != 2 ||
      !body.getArgument(2).getType().isF32())
    return false;
  auto add = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || add->getBlock() != &body)
    return false;
  Value product = add.getLhs() == body.getArgument(2)   ? add.getRhs()
                  : add.getRhs() == body.getArgument(2) ? add.getLhs()
                                                        : Value();
  auto mul = product ? product.getDefiningOp<arith::MulFOp>() : nullptr;
  if (!mul || mul->getBlock() != &body)
    return false;
  BlockArgument lhs = extendedArgument(mul.getLhs());
  BlockArgument rhs = extendedArgument(mul.getRhs());
  auto isNarrow = [](BlockArgument argument) {
    Type type = argument.getType();
    return type.isF32() || type.isBF16() || type.isF16();
  };
  return lhs && rhs && lhs.getOwner() == &body && rhs.getOwner() == &body &&
         lhs.getArgNumber() + rhs.getArgNumber() == 1 && isNarrow(lhs) &&
         isNarrow(rhs);
}

/// The loop to run along, preferring what `isGood` says, then inner ones.
static int pickLoop(ArrayRef<int> loops, llvm::function_ref<bool(int)> isGood) {
  for (int loop : llvm::reverse(loops))
    if (isGood(loop))
      return loop;
  return loops.empty() ? -1 : loops.back();
}

static FailureOr<Roles> assignRoles(const StridedNest &nest) {
  if (!isMultiplyAccumulate(nest) || nest.accesses[0].isScalar ||
      nest.accesses[1].isScalar)
    return failure();
  SmallVector<int> onlyA, onlyB, reductions;
  Roles roles;
  for (int loop = 0; loop < nest.rank(); ++loop) {
    bool inA = !nest.accesses[0].isInvariant(loop);
    bool inB = !nest.accesses[1].isInvariant(loop);
    bool inC = !nest.accesses[2].isInvariant(loop);
    if (nest.isParallel(loop) != inC || (!inA && !inB))
      return failure();
    if (!inC && inA != inB)
      return failure();
    (!inC         ? reductions
     : inA && inB ? roles.outer
     : inA        ? onlyA
                  : onlyB)
        .push_back(loop);
  }
  const Access &c = nest.accesses[2];
  auto contiguousInC = [&](int loop) { return c.isContiguous(loop); };
  if (llvm::none_of(onlyB, contiguousInC)) {
    std::swap(onlyA, onlyB);
    std::swap(roles.a, roles.b);
  }
  if (reductions.empty() || llvm::none_of(onlyB, contiguousInC))
    return failure();
  roles.n = pickLoop(onlyB, contiguousInC);
  roles.m = pickLoop(onlyA, [&](int loop) {
    return nest.size(loop).value_or(kFewRows + 1) > kFewRows;
  });
  roles.k = pickLoop(reductions, [&](int loop) {
    return nest.accesses[roles.b].isContiguous(loop);
  });
  for (int loop : llvm::concat<int>(onlyA, onlyB))
    if (loop != roles.m && loop != roles.n)
      roles.outer.push_back(loop);
  llvm::sort(roles.outer);
  for (int loop : reductions)
    if (loop != roles.k)
      roles.outerK.push_back(loop);
  return roles;
}

bool ssd::cpu::canStartAtZero(const StridedNest &nest) {
  FailureOr<Roles> roles = assignRoles(nest);
  return succeeded(roles) && roles->outerK.empty();
}

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

namespace {
/// The three matrices with the outer loops entered.
struct Operands {
  MatrixView a, b, c;
};

class ContractionLowering {
public:
  ContractionLowering(Emitter &b, const StridedNest &nest, const Roles &roles,
                      bool startsAtZero)
      : b(b), nest(nest), roles(roles), startsAtZero(startsAtZero),
        rows(roles.m >= 0 ? nest.sizes[roles.m] : b.index(1)),
        columns(nest.sizes[roles.n]), depth(nest.sizes[roles.k]) {}

  void lower() {
    if (!canStream())
      return lowerPacked();
    b.ifThen(
        b.lessEqual(rows, b.index(kFewRows)), [&] { lowerStreaming(); },
        [&] { lowerPacked(); });
  }

private:
  bool canStream() const {
    const Access &left = nest.accesses[roles.a],
                 &right = nest.accesses[roles.b];
    return right.isContiguous(roles.n) || isDotProduct(left, right);
  }
  bool isDotProduct(const Access &left, const Access &right) const {
    return left.isContiguous(roles.k) && right.isContiguous(roles.k);
  }

  MatrixView view(const Cursor &at, int access, int row, int column) const {
    auto stride = [&](int loop) {
      return loop >= 0 ? nest.accesses[access].strides[loop] : b.index(0);
    };
    return {nest.accesses[access].base, at.positions[access], stride(row),
            stride(column)};
  }
  Operands operands(const Cursor &at) const {
    return {view(at, roles.a, roles.m, roles.k),
            view(at, roles.b, roles.k, roles.n),
            view(at, roles.c, roles.m, roles.n)};
  }

  /// Runs `body` for every outer point and every pair of blocks of rows and of
  /// columns. `cost` is that of one pair.
  void forEachBlock(int64_t rowBlock, int64_t columnBlock, Value cost,
                    llvm::function_ref<void(const Operands &, Value firstRow,
                                            Value firstColumn)>
                        body);
  void lowerPacked();
  void lowerPackedBlock(const TileShape &shape, int64_t rowBlock,
                        const Operands &ops, Value firstRow, Value firstColumn);
  void lowerStreaming();
  void lowerInRegisters(const Operands &ops);
  int64_t lanes() const { return b.options.lanes(); }
  TileShape packedShape() const;

  Emitter &b;
  const StridedNest &nest;
  const Roles &roles;
  bool startsAtZero;
  Value rows, columns, depth;
};
} // namespace

void ContractionLowering::forEachBlock(
    int64_t rowBlock, int64_t columnBlock, Value cost,
    llvm::function_ref<void(const Operands &, Value, Value)> body) {
  Value rowBlocks = b.ceilDiv(rows, rowBlock);
  Value columnBlocks = b.ceilDiv(columns, columnBlock);
  Value points = countPoints(b, nest, roles.outer);
  Value items = b.mul(points, b.mul(rowBlocks, columnBlocks));
  Value work = b.mul(cost, countPoints(b, nest, roles.outerK));
  forEachRange(b, items, work, [&](Value begin, Value end) {
    b.forLoop(begin, end, 1, [&](Value item) {
      Value column = b.rem(item, columnBlocks);
      Value rest = b.div(item, columnBlocks);
      Value row = b.rem(rest, rowBlocks);
      Cursor at = enterLinear(b, nest, roles.outer, b.div(rest, rowBlocks));
      nest.forEach(b, roles.outerK, at, [&](const Cursor &inner) {
        body(operands(inner), b.mul(row, rowBlock), b.mul(column, columnBlock));
      });
    });
  });
}

TileShape ContractionLowering::packedShape() const {
  TileShape shape;
  shape.lanes = lanes();
  shape.rows = lanes() >= 16 ? 8 : 4;
  shape.vectors = constant(columns) && *constant(columns) <= lanes() ? 1 : 2;
  constexpr int64_t target = 256;
  shape.depth = 256;
  if (std::optional<int64_t> size = constant(depth)) {
    int64_t blocks = std::max<int64_t>(llvm::divideCeil(*size, target), 1);
    shape.depth = llvm::divideCeil(*size, blocks);
  }
  shape.depth = std::max<int64_t>(llvm::alignTo(shape.depth, lanes()), lanes());
  return shape;
}

void ContractionLowering::lowerPacked() {
  TileShape shape = packedShape();
  bool isF32 = nest.accesses[roles.a].elementType.isF32();
  int64_t rowBlock = isF32 ? 256 : 64;
  constexpr int64_t costPerProduct = 16;
  Value blockRows = b.min(rows, b.index(rowBlock));
  Value cost = b.mul(b.mul(blockRows, depth), shape.columns() * costPerProduct);
  forEachBlock(rowBlock, shape.columns(), cost,
               [&](const Operands &ops, Value row, Value column) {
                 lowerPackedBlock(shape, rowBlock, ops, row, column);
               });
}

void ContractionLowering::lowerPackedBlock(const TileShape &shape,
                                           int64_t rowBlock,
                                           const Operands &ops, Value firstRow,
                                           Value firstColumn) {
  Value blockRows = b.min(b.sub(rows, firstRow), b.index(rowBlock));
  Value blockColumns = b.sub(columns, firstColumn);
  Value zero = b.index(0);
  // C is written even if there is nothing to sum, when it starts at zero.
  Value lastK = startsAtZero ? b.max(depth, b.index(1)) : depth;
  b.forLoop(zero, lastK, shape.depth, [&](Value k) {
    Value blockDepth = b.min(b.sub(depth, k), b.index(shape.depth));
    MatrixView panel =
        packPanel(b, shape, ops.b.from(b, k, firstColumn), blockDepth,
                  b.min(blockColumns, b.index(shape.columns())));
    MatrixView a = ops.a.from(b, firstRow, k);
    if (!a.elementType().isF32())
      a = packRows(b, shape, a, rowBlock, blockRows, blockDepth);
    MatrixView c = ops.c.from(b, firstRow, firstColumn);
    Value overwrite = b.compare(arith::CmpIPredicate::eq, k, zero);
    if (!startsAtZero)
      overwrite = arith::ConstantIntOp::create(b, 0, 1);
    auto tile = [&](Value row, int64_t tileRows) {
      emitRegisterTile(b, shape, tileRows, a.from(b, row, zero), panel,
                       c.from(b, row, zero), blockDepth, blockColumns,
                       overwrite, /*maskB=*/false);
    };
    Value row = b.alignDown(blockRows, shape.rows);
    b.forLoop(zero, row, shape.rows, [&](Value i) { tile(i, shape.rows); });
    for (int64_t tail = shape.rows / 2; tail > 0; tail /= 2) {
      Value next = b.add(row, tail);
      Value fits = b.lessEqual(next, blockRows);
      b.ifThen(fits, [&] { tile(row, tail); });
      row = b.createOrFold<arith::SelectOp>(fits, next, row);
    }
  });
}

void ContractionLowering::lowerStreaming() {
  const Access &right = nest.accesses[roles.b];
  int64_t bytes = right.elementType.getIntOrFloatBitWidth() / 8;
  constexpr int64_t costPerByte = 40;
  Value columnCost = b.mul(depth, bytes * costPerByte);
  bool isDot = isDotProduct(nest.accesses[roles.a], right);
  bool fitsRegisters =
      constant(columns) && *constant(columns) <= kRegisterVectors * lanes();
  int64_t block = isDot ? kDotColumns : kScaledColumns;
  forEachBlock(kFewRows, block, b.mul(columnCost, block),
               [&](const Operands &ops, Value, Value first) {
                 if (isDot) {
                   Value end = b.min(b.add(first, block), columns);
                   int64_t maxRows = llvm::bit_floor<uint64_t>(
                       constant(rows).value_or(kFewRows));
                   emitDotProducts(b, ops.a, ops.b, ops.c, rows, maxRows, depth,
                                   first, end, startsAtZero);
                   return;
                 }
                 if (fitsRegisters)
                   return lowerInRegisters(ops);
                 Value zero = b.index(0);
                 emitScaledRows(b, ops.a, ops.b.from(b, zero, first),
                                ops.c.from(b, zero, first), rows, depth,
                                b.min(b.sub(columns, first), b.index(block)),
                                startsAtZero);
               });
}

void ContractionLowering::lowerInRegisters(const Operands &ops) {
  Value zero = b.index(0);
  Value overwrite = arith::ConstantIntOp::create(b, startsAtZero, 1);
  int64_t vectors = llvm::divideCeil(*constant(columns), lanes());
  TileShape shape{lanes(), 1, vectors, 0};
  b.forLoop(zero, rows, 1, [&](Value row) {
    emitRegisterTile(b, shape, 1, ops.a.from(b, row, zero), ops.b,
                     ops.c.from(b, row, zero), depth, columns, overwrite,
                     /*maskB=*/true);
  });
}

LogicalResult ssd::cpu::lowerContraction(Emitter &b, const StridedNest &nest,
                                         bool startsAtZero) {
  FailureOr<Roles> roles = assignRoles(nest);
  if (failed(roles))
    return failure();
  assert((!startsAtZero || roles->outerK.empty()) &&
         "C is read from the second outer step on");
  ContractionLowering(b, nest, *roles, startsAtZero).lower();
  return success();
}
