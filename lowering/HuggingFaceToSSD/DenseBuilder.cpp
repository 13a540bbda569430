//===- DenseBuilder.cpp - Linalg around the mixers --------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HuggingFaceToSSD/DenseBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace ssd;

static RankedTensorType typeOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

static SmallVector<int64_t> staticSizes(Sizes sizes) {
  return llvm::map_to_vector(sizes, [](OpFoldResult size) {
    return getConstantIntValue(size).value_or(ShapedType::kDynamic);
  });
}

//===----------------------------------------------------------------------===//
// Sizes, destinations
//===----------------------------------------------------------------------===//

OpFoldResult DenseBuilder::dim(Value tensor, int64_t dimension) {
  return tensor::getMixedSize(*this, getLoc(), tensor, dimension);
}

Value DenseBuilder::empty(Sizes sizes, Type element) {
  return tensor::EmptyOp::create(*this, sizes, element);
}

Value DenseBuilder::zeros(Value destination) {
  Value zero = arith::ConstantOp::create(
      *this, getZeroAttr(typeOf(destination).getElementType()));
  return linalg::FillOp::create(*this, zero, destination).getResult(0);
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

Value DenseBuilder::toF32(Value scalar) {
  if (scalar.getType().isF32())
    return scalar;
  return arith::ExtFOp::create(*this, getF32Type(), scalar);
}

Value DenseBuilder::toType(Value scalar, Type type) {
  if (scalar.getType() == type)
    return scalar;
  Value wide = toF32(scalar); // between bf16 and f16 by way of f32
  if (type.isF32())
    return wide;
  return arith::TruncFOp::create(*this, type, wide);
}

Value DenseBuilder::multiplyAdd(Value a, Value b, Value c) {
  auto contract = arith::FastMathFlags::contract;
  Value product = arith::MulFOp::create(*this, a, b, contract);
  return arith::AddFOp::create(*this, c, product, contract);
}

Value DenseBuilder::elementwise(ValueRange inputs,
                                ArrayRef<SmallVector<unsigned>> maps,
                                Value destination, Body body) {
  int64_t rank = typeOf(destination).getRank();
  SmallVector<AffineMap> indexing;
  for (const SmallVector<unsigned> &map : maps)
    indexing.push_back(
        AffineMap::getMultiDimMapWithTargets(rank, map, getContext()));
  indexing.push_back(getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(
      *this, destination.getType(), inputs, destination, indexing, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange elements) {
        DenseBuilder builder(loc, nested);
        linalg::YieldOp::create(builder, body(builder, elements));
      });
  return op.getResult(0);
}

Value DenseBuilder::cast(Value tensor, Sizes sizes, Type element) {
  if (typeOf(tensor).getElementType() == element)
    return tensor;
  SmallVector<unsigned> identity =
      llvm::to_vector(llvm::seq<unsigned>(0, typeOf(tensor).getRank()));
  return elementwise(tensor, identity, empty(sizes, element),
                     [&](DenseBuilder &b, ValueRange elements) {
                       return b.toType(elements[0], element);
                     });
}

//===----------------------------------------------------------------------===//
// Linear layers, embeddings
//===----------------------------------------------------------------------===//

Value DenseBuilder::matmul(Value x, Value weight) {
  OpFoldResult outputs = size(typeOf(weight).getDimSize(0));
  Value sums = zeros(empty({dim(x, 0), outputs}, getF32Type()));
  AffineExpr m, n, k;
  bindDims(getContext(), m, n, k);
  auto map = [&](AffineExpr a, AffineExpr b) {
    return AffineMap::get(3, 0, {a, b}, getContext());
  };
  auto parallel = utils::IteratorType::parallel;
  auto op = linalg::GenericOp::create(
      *this, sums.getType(), ValueRange{x, weight}, sums,
      ArrayRef<AffineMap>{map(m, k), map(n, k), map(m, n)},
      {parallel, parallel, utils::IteratorType::reduction},
      [&](OpBuilder &nested, Location loc, ValueRange e) {
        DenseBuilder b(loc, nested);
        linalg::YieldOp::create(
            b, b.multiplyAdd(b.toF32(e[0]), b.toF32(e[1]), e[2]));
      });
  return op.getResult(0);
}

Value DenseBuilder::linear(Value x, Sizes batchAndLength, Value weight,
                           Value bias) {
  Value result = splitRows(matmul(collapseFirst(x), weight), batchAndLength);
  if (!bias)
    return result;
  return elementwise(bias, SmallVector<unsigned>{2}, result,
                     [](DenseBuilder &b, ValueRange e) -> Value {
                       return arith::AddFOp::create(b, e[1], b.toF32(e[0]));
                     });
}

Value DenseBuilder::embed(Value ids, Sizes batchAndLength, Value table,
                          Type element) {
  OpFoldResult width = size(typeOf(table).getDimSize(1));
  Value rows = empty({batchAndLength[0], batchAndLength[1], width}, element);
  return elementwise(ids, SmallVector<unsigned>{0, 1}, rows,
                     [&](DenseBuilder &b, ValueRange elements) {
                       Value row = arith::IndexCastOp::create(
                           b, b.getIndexType(), elements[0]);
                       Value column = linalg::IndexOp::create(b, 2);
                       Value entry = tensor::ExtractOp::create(
                           b, table, ValueRange{row, column});
                       return b.toType(entry, element);
                     });
}

Value DenseBuilder::sumPositions(Value x, Value destination) {
  AffineExpr batch, channel, position;
  bindDims(getContext(), batch, channel, position);
  auto parallel = utils::IteratorType::parallel;
  auto op = linalg::GenericOp::create(
      *this, destination.getType(), x, destination,
      ArrayRef<AffineMap>{
          AffineMap::get(3, 0, {batch, position, channel}, getContext()),
          AffineMap::get(3, 0, {batch, channel}, getContext())},
      {parallel, parallel, utils::IteratorType::reduction},
      [&](OpBuilder &nested, Location loc, ValueRange e) {
        DenseBuilder b(loc, nested);
        Value sum = arith::AddFOp::create(b, e[1], b.toF32(e[0]));
        linalg::YieldOp::create(b, sum);
      });
  return op.getResult(0);
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

Value DenseBuilder::channels(Value x, Sizes batchAndLength, int64_t offset,
                             int64_t count) {
  SmallVector<OpFoldResult> offsets{size(0), size(0), size(offset)};
  SmallVector<OpFoldResult> sizes{batchAndLength[0], batchAndLength[1],
                                  size(count)};
  SmallVector<OpFoldResult> strides(3, size(1));
  return tensor::ExtractSliceOp::create(*this, x, offsets, sizes, strides);
}

Value DenseBuilder::splitChannels(Value x, Sizes batchAndLength, int64_t a,
                                  int64_t b) {
  SmallVector<OpFoldResult> sizes{batchAndLength[0], batchAndLength[1], size(a),
                                  size(b)};
  auto type =
      RankedTensorType::get(staticSizes(sizes), typeOf(x).getElementType());
  SmallVector<ReassociationIndices> groups{{0}, {1}, {2, 3}};
  return tensor::ExpandShapeOp::create(*this, type, x, groups, sizes);
}

Value DenseBuilder::splitRows(Value x, Sizes batchAndLength) {
  RankedTensorType from = typeOf(x);
  SmallVector<OpFoldResult> sizes{batchAndLength[0], batchAndLength[1],
                                  size(from.getDimSize(1))};
  auto type = RankedTensorType::get(staticSizes(sizes), from.getElementType());
  SmallVector<ReassociationIndices> groups{{0, 1}, {2}};
  return tensor::ExpandShapeOp::create(*this, type, x, groups, sizes);
}

Value DenseBuilder::asSequence(Value ids) {
  OpFoldResult sizes[] = {dim(ids, 0), size(1)};
  auto type =
      RankedTensorType::get(staticSizes(sizes), typeOf(ids).getElementType());
  SmallVector<ReassociationIndices> groups{{0, 1}};
  return tensor::ExpandShapeOp::create(*this, type, ids, groups, sizes);
}

Value DenseBuilder::collapseFirst(Value x) {
  SmallVector<ReassociationIndices> groups{{0, 1}};
  for (int64_t i = 2; i < typeOf(x).getRank(); ++i)
    groups.push_back({i});
  return tensor::CollapseShapeOp::create(*this, x, groups);
}

Value DenseBuilder::collapseLast(Value x) {
  SmallVector<ReassociationIndices> groups;
  int64_t rank = typeOf(x).getRank();
  for (int64_t i = 0; i < rank - 2; ++i)
    groups.push_back({i});
  groups.push_back({rank - 2, rank - 1});
  return tensor::CollapseShapeOp::create(*this, x, groups);
}
