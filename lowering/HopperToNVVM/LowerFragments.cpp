//===- LowerFragments.cpp - Fragments: tiles, elementwise work, conversions
//---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/Emitter.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace ssd::hopper;

namespace {

//===----------------------------------------------------------------------===//
// Shared memory: ldmatrix, stmatrix, tables
//===----------------------------------------------------------------------===//

/// A row of an 8×8 part of a 16×16 block: its index in the part, and where the
/// part is in the fragment's block, in steps of 8 rows and 8 columns.
struct PartRow {
  Value row, below, right;
};

/// The row whose address this lane supplies for the k-th block, to ldmatrix and
/// stmatrix.
PartRow suppliedRow(Emitter &emit) {
  Value lane = emit.lane();
  return {emit.band(lane, 7), emit.band(emit.shr(lane, 3), 1),
          emit.shr(lane, 4)};
}

/// Address of a part's row in the k-th block of a fragment. As stored, the
/// fragment's rows are the tile's rows; transposed, the block's parts lie the
/// other way round.
Value rowAddress(Emitter &emit, Value tile, SharedType type, bool transpose,
                 int64_t k, PartRow part) {
  Value warp = emit.warp(), row, chunk;
  int64_t panel = 0, firstRow = 0;
  if (transpose) {
    row = emit.add(part.row, emit.shl(part.right, 3));
    chunk = emit.add(emit.shl(warp, 1), part.below);
    firstRow = 16 * k;
  } else {
    row = emit.add(emit.add(part.row, emit.shl(part.below, 3)),
                   emit.shl(warp, 4));
    chunk = emit.add(part.right, 2 * (k % 4));
    panel = k / 4;
  }
  Value swizzled = emit.bxor(chunk, emit.band(row, 7));
  Value bytes = emit.add(emit.shl(row, 7), emit.shl(swizzled, 4));
  return emit.address(
      emit.offset(emit.offset(tile, bytes),
                  int32_t(firstRow * 128 + panel * type.getPanelBytes())));
}

/// Address of a thread's i-th 16 bytes of an f32 matrix in a table.
Value quadAddress(Emitter &emit, Value table, int64_t i) {
  return emit.offset(emit.offset(table, emit.shl(emit.thread(), 4)),
                     int32_t(2048 * i));
}

Value loadFromTable(Emitter &emit, Value table, FragmentType type) {
  auto quad = VectorType::get({4}, emit.f32());
  SmallVector<Value> values;
  for (int64_t i = 0; i < type.getValuesPerThread() / 4; ++i)
    llvm::append_range(values, emit.elements(emit.load(
                                   quad, quadAddress(emit, table, i), 16)));
  return emit.vector(values);
}

void storeToTable(Emitter &emit, ArrayRef<Value> values, Value table) {
  for (size_t i = 0; i < values.size() / 4; ++i)
    emit.store(emit.vector(values.slice(4 * i, 4)), quadAddress(emit, table, i),
               16);
}

Value lowerLoadFragment(Emitter &emit, LoadFragmentOp op,
                        LoadFragmentOp::Adaptor adaptor) {
  if (op.getTile().getType().getLinear())
    return loadFromTable(emit, adaptor.getTile(), op.getResult().getType());
  SmallVector<Value> values;
  for (int64_t k = 0; k < op.getResult().getType().getColumns() / 16; ++k)
    llvm::append_range(values,
                       loadBlock(emit, adaptor.getTile(),
                                 op.getTile().getType(), op.getTranspose(), k));
  return emit.vector(values);
}

/// stmatrix, of the chips that have it: the parts of the k-th block.
void storeBlock(Emitter &emit, ArrayRef<Value> parts, Value tile,
                SharedType type, bool transpose, int64_t k) {
  std::string text = std::string("stmatrix.sync.aligned.m8n8.x4") +
                     (transpose ? ".trans" : "") +
                     ".shared.b16 [$0], {$1, $2, $3, $4};";
  SmallVector<Value> operands = {
      rowAddress(emit, tile, type, transpose, k, suppliedRow(emit))};
  llvm::append_range(operands, parts);
  emit.assembly(text, "r,r,r,r,r,~{memory}", operands);
}

/// The same by transposing in registers, and four bytes a thread and part.
void storeBlockByWords(Emitter &emit, ArrayRef<Value> parts, Value tile,
                       SharedType type, bool transpose, int64_t k) {
  for (auto [i, part] : llvm::enumerate(parts)) {
    Value word = part;
    if (transpose)
      word = emit.assembly({emit.i32()},
                           "movmatrix.sync.aligned.m8n8.trans.b16 $0, $1;",
                           "=r,r", {part})[0];
    Value address = rowAddress(
        emit, tile, type, transpose, k,
        {emit.shr(emit.lane(), 2), emit.constant(i % 2), emit.constant(i / 2)});
    emit.assembly(
        "st.shared.b32 [$0], $1;", "r,r,~{memory}",
        {emit.add(address, emit.shl(emit.band(emit.lane(), 3), 2)), word});
  }
}

Value lowerStoreFragment(Emitter &emit, StoreFragmentOp op,
                         StoreFragmentOp::Adaptor adaptor) {
  SharedType tile = op.getTile().getType();
  SmallVector<Value> values = emit.elements(adaptor.getValue());
  if (tile.getLinear()) {
    storeToTable(emit, values, adaptor.getTile());
    return {};
  }
  auto store = isForHopper(op) ? storeBlock : storeBlockByWords;
  for (int64_t k = 0; k < op.getValue().getType().getColumns() / 16; ++k)
    store(emit, ArrayRef<Value>(values).slice(4 * k, 4), adaptor.getTile(),
          tile, op.getTranspose(), k + op.getColumn() / 16);
  return {};
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// Index into a vector fragment of the value that belongs to element i of a
/// matrix fragment (i = 4·block + 2·row half + column parity).
int64_t vectorIndex(FragmentType type, int64_t i) {
  switch (type.getLayout()) {
  case FragmentLayout::matrix:
    return i;
  case FragmentLayout::rows:
    return i / 2 % 2;
  case FragmentLayout::columns:
    return i / 4 * 2 + i % 2;
  }
  llvm_unreachable("unknown layout");
}

Value cloneElement(Emitter &emit, MapOp op, int64_t i, IRMapping &mapping) {
  Block &body = op.getBody().front();
  for (Operation &inner : body.without_terminator()) {
    if (auto position = dyn_cast<PositionOp>(inner)) {
      mapping.map(position.getRow(),
                  emit.add(emit.fragmentRow(), 8 * (i / 2 % 2)));
      mapping.map(position.getColumn(),
                  emit.add(emit.fragmentColumn(), i / 4 * 8 + i % 2));
      continue;
    }
    emit.builder.clone(inner, mapping);
  }
  return mapping.lookupOrDefault(
      cast<YieldOp>(body.getTerminator()).getValues().front());
}

/// Unrolled into scalar code, which is what the backend would make of vectors.
Value lowerMap(Emitter &emit, MapOp op, MapOp::Adaptor adaptor) {
  FragmentType type = op.getResult().getType();
  SmallVector<SmallVector<Value>> inputs;
  for (Value input : adaptor.getInputs())
    inputs.push_back(emit.elements(input));
  SmallVector<Value> results;
  for (int64_t i = 0; i < type.getValuesPerThread(); ++i) {
    IRMapping mapping;
    for (auto [k, argument] :
         llvm::enumerate(op.getBody().front().getArguments())) {
      auto from = cast<FragmentType>(op.getInputs()[k].getType());
      int64_t index = type.isMatrix() ? vectorIndex(from, i) : i;
      mapping.map(argument, inputs[k][index]);
    }
    results.push_back(cloneElement(emit, op, i, mapping));
  }
  return emit.vector(results);
}

Value lowerSplat(Emitter &emit, SplatOp op, SplatOp::Adaptor adaptor) {
  return vector::BroadcastOp::create(
      emit.builder, emit.loc,
      VectorType::get({op.getResult().getType().getValuesPerThread()},
                      emit.f32()),
      adaptor.getValue());
}

Value lowerBlockOf(Emitter &emit, BlockOfOp op, BlockOfOp::Adaptor adaptor) {
  SmallVector<Value> values = emit.elements(adaptor.getSource());
  int64_t columns = op.getSource().getType().getColumns();
  int64_t first = values.size() * op.getColumn() / columns;
  int64_t count =
      values.size() * op.getResult().getType().getColumns() / columns;
  return emit.vector(ArrayRef<Value>(values).slice(first, count));
}

//===----------------------------------------------------------------------===//
// Conversions and weights
//===----------------------------------------------------------------------===//

Value lowerTruncate(Emitter &emit, TruncateOp op, TruncateOp::Adaptor adaptor) {
  Type element = op.getResult().getType().getElementType();
  SmallVector<Value> values = emit.elements(adaptor.getSource()), pairs;
  for (size_t i = 0; i < values.size(); i += 2)
    pairs.push_back(emit.pack(element, values[i], values[i + 1]));
  return emit.vector(pairs);
}

Value lowerExtend(Emitter &emit, ExtendOp op, ExtendOp::Adaptor adaptor) {
  Type element = op.getSource().getType().getElementType();
  SmallVector<Value> values;
  for (Value pair : emit.elements(adaptor.getSource())) {
    auto [low, high] = emit.unpack(element, pair);
    values.append({low, high});
  }
  return emit.vector(values);
}

Value lowerStoreHiLo(Emitter &emit, StoreHiLoOp op,
                     StoreHiLoOp::Adaptor adaptor) {
  auto [high, low] =
      emit.packHiLo(op.getElement(), adaptor.getEven(), adaptor.getOdd());
  // Lane 8k + 4h + c: step k, half h, pair c.
  Value lane = emit.lane();
  Value entry = emit.add(
      emit.add(emit.shl(emit.shr(lane, 3), 6), emit.shl(emit.band(lane, 3), 4)),
      emit.shl(emit.band(lane, 4), 1));
  emit.store(emit.vector({high, low}), emit.offset(adaptor.getTable(), entry),
             8);
  return {};
}

Value lowerLoadHiLo(Emitter &emit, LoadHiLoOp op, LoadHiLoOp::Adaptor adaptor) {
  auto quad = VectorType::get({4}, emit.i32());
  Value mine =
      emit.offset(adaptor.getTable(), emit.shl(emit.band(emit.lane(), 3), 4));
  SmallVector<Value> weights;
  for (int64_t k = 0; k < 4; ++k)
    llvm::append_range(
        weights,
        emit.elements(emit.load(quad, emit.offset(mine, int32_t(64 * k)), 16)));
  return emit.vector(weights);
}

Value lowerScaleHiLo(Emitter &emit, ScaleHiLoOp op,
                     ScaleHiLoOp::Adaptor adaptor) {
  Type type = emit.pairOf(op.getSource().getType().getElementType());
  auto pairs = [&](Value packed) {
    return llvm::map_to_vector(emit.elements(packed), [&](Value value) {
      return emit.bitcast(type, value);
    });
  };
  SmallVector<Value> x = pairs(adaptor.getSource()),
                     weights = pairs(adaptor.getWeights()), scaled;
  for (int64_t i = 0; i < 16; ++i) {
    Value high = weights[i / 2 * 2], low = weights[i / 2 * 2 + 1];
    Value product = LLVM::FMulOp::create(emit.builder, emit.loc, x[i], low);
    Value sum =
        LLVM::FMAOp::create(emit.builder, emit.loc, x[i], high, product);
    scaled.push_back(emit.bitcast(emit.i32(), sum));
  }
  return emit.vector(scaled);
}

Value lowerExp2(Emitter &emit, Exp2Op op, Exp2Op::Adaptor adaptor) {
  return emit.intrinsic(emit.f32(), "llvm.nvvm.ex2.approx.ftz.f",
                        adaptor.getValue());
}

Value lowerShuffle(Emitter &emit, ShuffleOp op, ShuffleOp::Adaptor adaptor) {
  bool up = op.getKind() == "up";
  auto kind = up                      ? NVVM::ShflKind::up
              : op.getKind() == "xor" ? NVVM::ShflKind::bfly
                                      : NVVM::ShflKind::idx;
  return NVVM::ShflOp::create(emit.builder, emit.loc, op.getResult().getType(),
                              emit.constant(-1), adaptor.getValue(),
                              adaptor.getLane(), emit.constant(up ? 0 : 31),
                              kind, UnitAttr());
}

} // namespace

SmallVector<Value> ssd::hopper::loadMatrices(Emitter &emit, Value address,
                                             bool transpose) {
  std::string text = std::string("ldmatrix.sync.aligned.m8n8.x4") +
                     (transpose ? ".trans" : "") +
                     ".shared.b16 {$0, $1, $2, $3}, [$4];";
  return emit.assembly(SmallVector<Type>(4, emit.i32()), text,
                       "=r,=r,=r,=r,r,~{memory}", {address});
}

SmallVector<Value> ssd::hopper::loadBlock(Emitter &emit, Value tile,
                                          SharedType type, bool transpose,
                                          int64_t k) {
  return loadMatrices(
      emit, rowAddress(emit, tile, type, transpose, k, suppliedRow(emit)),
      transpose);
}

void ssd::hopper::populateFragmentPatterns(const TypeConverter &converter,
                                           RewritePatternSet &patterns) {
  patterns.add<
      LowerOp<LoadFragmentOp, lowerLoadFragment>,
      LowerOp<StoreFragmentOp, lowerStoreFragment>, LowerOp<MapOp, lowerMap>,
      LowerOp<SplatOp, lowerSplat>, LowerOp<BlockOfOp, lowerBlockOf>,
      LowerOp<TruncateOp, lowerTruncate>, LowerOp<ExtendOp, lowerExtend>,
      LowerOp<StoreHiLoOp, lowerStoreHiLo>, LowerOp<LoadHiLoOp, lowerLoadHiLo>,
      LowerOp<ScaleHiLoOp, lowerScaleHiLo>, LowerOp<Exp2Op, lowerExp2>,
      LowerOp<ShuffleOp, lowerShuffle>>(converter, patterns.getContext());
}
