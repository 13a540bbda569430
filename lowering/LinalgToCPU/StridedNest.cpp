//===- StridedNest.cpp - Structured ops as loops over strided operands ----===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "lowering/LinalgToCPU/StridedNest.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace ssd::cpu;
using linalg::LinalgOp;

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

SmallVector<Value> Emitter::forLoop(Value lower, Value upper, int64_t step,
                                    ValueRange inits, LoopBody body) {
  std::optional<int64_t> first = constant(lower), last = constant(upper);
  if (first && last && *first >= *last)
    return inits;
  if (first && last && *first + step >= *last)
    return body(lower, inits);
  auto loop = scf::ForOp::create(*this, lower, upper, index(step), inits);
  InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  SmallVector<Value> results =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!inits.empty())
    scf::YieldOp::create(*this, results);
  return loop.getResults();
}

SmallVector<Value> Emitter::ifElse(Value condition, TypeRange types,
                                   Branch thenBranch, Branch elseBranch) {
  if (std::optional<int64_t> known = constant(condition)) {
    Branch taken = *known ? thenBranch : elseBranch;
    return taken ? taken() : SmallVector<Value>();
  }
  auto ifOp = scf::IfOp::create(*this, types, condition, bool(elseBranch));
  InsertionGuard guard(*this);
  for (auto [block, branch] : {std::pair(ifOp.thenBlock(), thenBranch),
                               std::pair(ifOp.elseBlock(), elseBranch)}) {
    if (!branch)
      continue;
    setInsertionPointToStart(block);
    SmallVector<Value> results = branch();
    if (!types.empty())
      scf::YieldOp::create(*this, results);
  }
  return ifOp.getResults();
}

Value Emitter::scratch(Type element, int64_t size) {
  Operation *scope = getInsertionBlock()->getParentOp();
  Block *block = getInsertionBlock();
  // Not in an scf.for: its iterations would pile up on the stack.
  while (!isa<scf::ForallOp, scf::ParallelOp>(scope) &&
         !scope->hasTrait<OpTrait::IsIsolatedFromAbove>()) {
    block = scope->getBlock();
    scope = scope->getParentOp();
  }
  auto type = MemRefType::get({size}, element);
  // Ops run one after another, so one buffer of a kind serves them all.
  for (auto alloca : block->getOps<memref::AllocaOp>())
    if (alloca.getType() == type && alloca->hasAttr("scratch"))
      return alloca;
  InsertionGuard guard(*this);
  setInsertionPointToStart(block);
  auto alloca = memref::AllocaOp::create(*this, type, getI64IntegerAttr(64));
  alloca->setAttr("scratch", getUnitAttr());
  return alloca;
}

//===----------------------------------------------------------------------===//
// Strided form of an op
//===----------------------------------------------------------------------===//

/// Adds `scale * expr` to one coefficient per dimension and a constant.
static LogicalResult addLinear(AffineExpr expr, int64_t scale,
                               MutableArrayRef<int64_t> coefficients,
                               int64_t &constantTerm) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    coefficients[dim.getPosition()] += scale;
    return success();
  }
  if (auto cst = dyn_cast<AffineConstantExpr>(expr)) {
    constantTerm += scale * cst.getValue();
    return success();
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return failure();
  AffineExpr lhs = binary.getLHS(), rhs = binary.getRHS();
  if (binary.getKind() == AffineExprKind::Add)
    return success(
        succeeded(addLinear(lhs, scale, coefficients, constantTerm)) &&
        succeeded(addLinear(rhs, scale, coefficients, constantTerm)));
  auto factor = dyn_cast<AffineConstantExpr>(rhs);
  if (binary.getKind() != AffineExprKind::Mul || !factor)
    return failure();
  return addLinear(lhs, scale * factor.getValue(), coefficients, constantTerm);
}

static bool isSupported(LinalgOp op) {
  if (!op.hasPureBufferSemantics())
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    SmallVector<int64_t> coefficients(map.getNumDims());
    int64_t offset = 0;
    for (AffineExpr expr : map.getResults())
      if (failed(addLinear(expr, 1, coefficients, offset)))
        return false;
    SmallVector<int64_t> strides;
    if (auto type = dyn_cast<MemRefType>(operand.get().getType()))
      if (failed(type.getStridesAndOffset(strides, offset)))
        return false;
  }
  return llvm::all_of(op.getBlock()->getArgumentTypes(),
                      [](Type t) { return t.isIntOrIndexOrFloat(); });
}

/// The size of each loop, from whichever operand knows it statically.
static FailureOr<SmallVector<Value>> loopSizes(Emitter &b, LinalgOp op) {
  SmallVector<Value> sizes(op.getNumLoops());
  SmallVector<std::pair<Value, int64_t>> dynamic(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [result, expr] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim || sizes[dim.getPosition()])
        continue;
      if (!type.isDynamicDim(result))
        sizes[dim.getPosition()] = b.index(type.getDimSize(result));
      else if (!dynamic[dim.getPosition()].first)
        dynamic[dim.getPosition()] = {operand.get(), result};
    }
  }
  for (auto [size, source] : llvm::zip_equal(sizes, dynamic)) {
    if (size)
      continue;
    if (!source.first)
      return failure();
    size = b.createOrFold<memref::DimOp>(source.first, source.second);
  }
  return sizes;
}

/// A buffer flattened to one dimension of unit stride.
struct FlatView {
  Value base;
  Value offset;
  SmallVector<Value> strides;
};

static FlatView flattenContiguous(Emitter &b, Value memref, MemRefType type) {
  FlatView view;
  int64_t rank = type.getRank();
  view.offset = b.index(0);
  view.strides.resize(rank);
  Value stride = b.index(1);
  for (int64_t i = rank - 1; i >= 0; --i) {
    view.strides[i] = stride;
    if (i > 0)
      stride = b.mul(stride, b.createOrFold<memref::DimOp>(memref, i));
  }
  view.base = memref;
  if (rank > 1)
    view.base = memref::CollapseShapeOp::create(
        b, memref, {llvm::to_vector(llvm::seq<int64_t>(0, rank))});
  if (rank == 0) {
    auto flat =
        MemRefType::get({1}, type.getElementType(), MemRefLayoutAttrInterface(),
                        type.getMemorySpace());
    view.base = memref::ExpandShapeOp::create(b, flat, memref,
                                              ArrayRef<ReassociationIndices>{});
  }
  return view;
}

static FlatView flattenStrided(Emitter &b, Value memref, MemRefType type) {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  auto [strides, offset] = type.getStridesAndOffset();
  FlatView view;
  view.offset = b.index(0);
  Value extent = b.index(1);
  for (int64_t i = 0, e = type.getRank(); i < e; ++i) {
    view.strides.push_back(ShapedType::isDynamic(strides[i])
                               ? Value(metadata.getStrides()[i])
                               : b.index(strides[i]));
    Value size = b.createOrFold<memref::DimOp>(memref, i);
    extent = b.add(extent, b.mul(b.sub(size, b.index(1)), view.strides[i]));
  }
  OpFoldResult start = ShapedType::isDynamic(offset)
                           ? OpFoldResult(metadata.getOffset())
                           : b.getIndexAttr(offset);
  OpFoldResult size = getAsOpFoldResult(extent);
  auto layout = StridedLayoutAttr::get(b.getContext(), offset, {1});
  auto flat =
      MemRefType::get({constant(extent).value_or(ShapedType::kDynamic)},
                      type.getElementType(), layout, type.getMemorySpace());
  view.base = memref::ReinterpretCastOp::create(
      b, flat, metadata.getBaseBuffer(), start, {size}, {b.getIndexAttr(1)});
  return view;
}

static Access accessOf(Emitter &b, LinalgOp op, OpOperand &operand) {
  Access access;
  access.elementType = getElementTypeOrSelf(operand.get().getType());
  access.isRead = op.payloadUsesValueFromOperand(&operand);
  AffineMap map = op.getMatchingIndexingMap(&operand);
  access.strides.assign(map.getNumDims(), b.index(0));
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  if (!type) {
    access.base = operand.get();
    access.isScalar = true;
    return access;
  }
  FlatView view = type.getLayout().isIdentity()
                      ? flattenContiguous(b, operand.get(), type)
                      : flattenStrided(b, operand.get(), type);
  access.base = view.base;
  access.offset = view.offset;
  for (auto [expr, stride] : llvm::zip_equal(map.getResults(), view.strides)) {
    SmallVector<int64_t> coefficients(map.getNumDims());
    int64_t constantTerm = 0;
    (void)addLinear(expr, 1, coefficients, constantTerm);
    access.offset = b.add(access.offset, b.mul(stride, constantTerm));
    for (auto [total, coefficient] :
         llvm::zip_equal(access.strides, coefficients))
      total = b.add(total, b.mul(stride, coefficient));
  }
  return access;
}

//===----------------------------------------------------------------------===//
// Simplification: loops of one iteration, loops that are one loop
//===----------------------------------------------------------------------===//

static void eraseLoop(StridedNest &nest, int loop) {
  nest.sizes.erase(nest.sizes.begin() + loop);
  nest.iterators.erase(nest.iterators.begin() + loop);
  for (Access &access : nest.accesses)
    access.strides.erase(access.strides.begin() + loop);
  for (int &mapped : nest.loopOf)
    mapped = mapped == loop ? -1 : mapped - (mapped > loop);
}

/// In the memory of this operand, original dimension `inner` runs exactly
/// through one step of `outer`; or the operand depends on neither.
static bool isOneRun(LinalgOp op, OpOperand &operand, unsigned outer,
                     unsigned inner) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (!map.isFunctionOfDim(outer) && !map.isFunctionOfDim(inner))
    return true;
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  if (!type || !map.isProjectedPermutation(/*allowZeroInResults=*/true))
    return false;
  auto position = [&](unsigned dim) {
    return map.getResultPosition(getAffineDimExpr(dim, op->getContext()));
  };
  std::optional<unsigned> first = position(outer), second = position(inner);
  if (!first || !second || *first >= *second)
    return false;
  for (unsigned between = *first + 1; between < *second; ++between)
    if (type.getDimSize(between) != 1)
      return false;
  if (type.getLayout().isIdentity())
    return true;
  auto [strides, offset] = type.getStridesAndOffset();
  return !type.isDynamicDim(*second) &&
         !ShapedType::isDynamic(strides[*first]) &&
         !ShapedType::isDynamic(strides[*second]) &&
         strides[*first] == strides[*second] * type.getDimSize(*second);
}

/// Merges neighbouring loops that walk every operand as one loop would.
static void mergeLoops(Emitter &b, StridedNest &nest) {
  if (nest.op.hasIndexSemantics())
    return;
  // Original dimension of each loop; the innermost one for merged loops.
  SmallVector<int> dimOf(nest.rank());
  for (auto [dim, loop] : llvm::enumerate(nest.loopOf))
    if (loop >= 0)
      dimOf[loop] = dim;
  SmallVector<int> outermost = dimOf;
  for (int inner = nest.rank() - 1; inner > 0; --inner) {
    for (int outer = inner - 1; outer >= 0; --outer) {
      bool sameKind = nest.iterators[outer] == nest.iterators[inner];
      bool oneRun =
          sameKind && llvm::all_of(nest.op->getOpOperands(), [&](OpOperand &o) {
            return isOneRun(nest.op, o, dimOf[outer], outermost[inner]);
          });
      if (!oneRun)
        continue;
      nest.sizes[inner] = b.mul(nest.sizes[inner], nest.sizes[outer]);
      outermost[inner] = outermost[outer];
      eraseLoop(nest, outer);
      dimOf.erase(dimOf.begin() + outer);
      outermost.erase(outermost.begin() + outer);
      --inner;
    }
  }
}

FailureOr<StridedNest> StridedNest::create(Emitter &b, LinalgOp op) {
  if (!isSupported(op))
    return failure();
  FailureOr<SmallVector<Value>> sizes = loopSizes(b, op);
  if (failed(sizes))
    return failure();
  StridedNest nest;
  nest.op = op;
  nest.sizes = *sizes;
  nest.iterators = op.getIteratorTypesArray();
  nest.loopOf = llvm::to_vector(llvm::seq<int>(0, op.getNumLoops()));
  for (OpOperand &operand : op->getOpOperands())
    nest.accesses.push_back(accessOf(b, op, operand));
  for (int loop = nest.rank() - 1; loop >= 0; --loop)
    if (nest.size(loop) == 1)
      eraseLoop(nest, loop);
  mergeLoops(b, nest);
  return nest;
}

SmallVector<int> StridedNest::loops(utils::IteratorType kind,
                                    int except) const {
  SmallVector<int> result;
  for (int loop = 0; loop < rank(); ++loop)
    if (iterators[loop] == kind && loop != except)
      result.push_back(loop);
  return result;
}

//===----------------------------------------------------------------------===//
// Walking a nest
//===----------------------------------------------------------------------===//

Cursor StridedNest::start() const {
  Cursor cursor;
  cursor.ivs.resize(rank());
  for (const Access &access : accesses)
    cursor.positions.push_back(access.offset);
  return cursor;
}

Cursor StridedNest::enter(Emitter &b, const Cursor &at, int loop,
                          Value iv) const {
  Cursor next = at;
  next.ivs[loop] = iv;
  for (auto [access, position] : llvm::zip_equal(accesses, next.positions))
    if (!access.isScalar)
      position = b.add(position, b.mul(iv, access.strides[loop]));
  return next;
}

SmallVector<Value> StridedNest::forEach(
    Emitter &b, ArrayRef<int> loops, const Cursor &at, ValueRange inits,
    llvm::function_ref<SmallVector<Value>(const Cursor &, ValueRange)> body)
    const {
  if (loops.empty())
    return body(at, inits);
  return b.forLoop(b.index(0), sizes[loops.front()], 1, inits,
                   [&](Value iv, ValueRange carried) {
                     Cursor next = enter(b, at, loops.front(), iv);
                     return forEach(b, loops.drop_front(), next, carried, body);
                   });
}

void StridedNest::forEach(Emitter &b, ArrayRef<int> loops, const Cursor &at,
                          llvm::function_ref<void(const Cursor &)> body) const {
  forEach(b, loops, at, {}, [&](const Cursor &point, ValueRange) {
    body(point);
    return SmallVector<Value>();
  });
}

Value ssd::cpu::loadLanes(Emitter &b, const Access &access, Value position,
                          int loop, int64_t lanes, Value mask) {
  if (access.isScalar)
    return access.base;
  if (lanes == 1 || access.isInvariant(loop))
    return memref::LoadOp::create(b, access.base, position);
  VectorType type = b.vectorOf(access.elementType, lanes);
  if (!access.isContiguous(loop)) {
    assert(!mask && "a gather cannot be masked");
    SmallVector<Value> elements;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value at = b.add(position, b.mul(access.strides[loop], lane));
      elements.push_back(memref::LoadOp::create(b, access.base, at));
    }
    return vector::FromElementsOp::create(b, type, elements);
  }
  if (!mask)
    return vector::LoadOp::create(b, type, access.base, position);
  return vector::MaskedLoadOp::create(b, type, access.base, position, mask,
                                      b.zeros(type));
}

void ssd::cpu::storeLanes(Emitter &b, const Access &access, Value position,
                          Value value, int loop, int64_t lanes, Value mask) {
  if (lanes == 1) {
    memref::StoreOp::create(b, value, access.base, position);
    return;
  }
  if (!isa<VectorType>(value.getType()))
    value = b.splat(value, lanes);
  if (!access.isContiguous(loop)) {
    assert(!mask && "a scatter cannot be masked");
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value at = b.add(position, b.mul(access.strides[loop], lane));
      Value element = vector::ExtractOp::create(b, value, lane);
      memref::StoreOp::create(b, element, access.base, at);
    }
    return;
  }
  if (mask)
    vector::MaskedStoreOp::create(b, access.base, position, mask, value);
  else
    vector::StoreOp::create(b, value, access.base, position);
}

bool ssd::cpu::canMaskAccesses(Emitter &b, const StridedNest &nest, int loop) {
  return llvm::all_of(nest.accesses, [&](const Access &access) {
    return access.isScalar || access.isInvariant(loop) ||
           (access.isContiguous(loop) && b.options.canMask(access.elementType));
  });
}
