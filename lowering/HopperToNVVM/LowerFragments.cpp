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
// ldmatrix, stmatrix
//===----------------------------------------------------------------------===//

/// Address of the 16 bytes whose pointer this lane supplies for the k-th 16×16
/// block of a fragment. As stored, the fragment's rows are the tile's rows, and
/// the lane's row is lane mod 16, its chunk lane / 16; transposed, the block's
/// four 8×8 parts lie the other way round.
Value blockAddress(Emitter &emit, Value tile, SharedType type, bool transpose,
                   int64_t k) {
  Value lane = emit.lane(), warp = emit.warp(), row, chunk;
  int64_t panel = 0, firstRow = 0;
  if (transpose) {
    row = emit.add(emit.band(lane, 7), emit.shl(emit.shr(lane, 4), 3));
    chunk = emit.add(emit.shl(warp, 1), emit.band(emit.shr(lane, 3), 1));
    firstRow = 16 * k;
  } else {
    row = emit.add(emit.band(lane, 15), emit.shl(warp, 4));
    chunk = emit.add(emit.shr(lane, 4), 2 * (k % 4));
    panel = k / 4;
  }
  Value swizzled = emit.bxor(chunk, emit.band(row, 7));
  Value bytes = emit.add(emit.shl(row, 7), emit.shl(swizzled, 4));
  return emit.address(
      emit.offset(emit.offset(tile, bytes),
                  int32_t(firstRow * 128 + panel * type.getPanelBytes())));
}

struct LowerLoadFragment : OpConversionPattern<LoadFragmentOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadFragmentOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    std::string text = std::string("ldmatrix.sync.aligned.m8n8.x4") +
                       (op.getTranspose() ? ".trans" : "") +
                       ".shared.b16 {$0, $1, $2, $3}, [$4];";
    SmallVector<Value> values;
    for (int64_t k = 0; k < op.getResult().getType().getColumns() / 16; ++k) {
      Value address =
          blockAddress(emit, adaptor.getTile(), op.getTile().getType(),
                       op.getTranspose(), k);
      llvm::append_range(values,
                         emit.assembly(SmallVector<Type>(4, emit.i32()), text,
                                       "=r,=r,=r,=r,r,~{memory}", {address}));
    }
    rewriter.replaceOp(op, emit.vector(values));
    return success();
  }
};

struct LowerStoreFragment : OpConversionPattern<StoreFragmentOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(StoreFragmentOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    std::string text = std::string("stmatrix.sync.aligned.m8n8.x4") +
                       (op.getTranspose() ? ".trans" : "") +
                       ".shared.b16 [$0], {$1, $2, $3, $4};";
    SmallVector<Value> values = emit.elements(adaptor.getValue());
    for (int64_t k = 0; k < op.getValue().getType().getColumns() / 16; ++k) {
      Value address =
          blockAddress(emit, adaptor.getTile(), op.getTile().getType(),
                       op.getTranspose(), k + op.getColumn() / 16);
      emit.assembly(text, "r,r,r,r,r,~{memory}",
                    {address, values[4 * k], values[4 * k + 1],
                     values[4 * k + 2], values[4 * k + 3]});
    }
    rewriter.eraseOp(op);
    return success();
  }
};

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

/// Unrolled into scalar code, which is what the backend would make of vectors.
struct LowerMap : OpConversionPattern<MapOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(MapOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
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
    rewriter.replaceOp(op, emit.vector(results));
    return success();
  }

private:
  static Value cloneElement(Emitter &emit, MapOp op, int64_t i,
                            IRMapping &mapping) {
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
};

struct LowerSplat : OpConversionPattern<SplatOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SplatOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    rewriter.replaceOpWithNewOp<vector::BroadcastOp>(
        op, getTypeConverter()->convertType(op.getResult().getType()),
        adaptor.getValue());
    return success();
  }
};

struct LowerBlockOf : OpConversionPattern<BlockOfOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(BlockOfOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    SmallVector<Value> values = emit.elements(adaptor.getSource());
    int64_t columns = op.getSource().getType().getColumns();
    int64_t first = values.size() * op.getColumn() / columns;
    int64_t count =
        values.size() * op.getResult().getType().getColumns() / columns;
    rewriter.replaceOp(
        op, emit.vector(ArrayRef<Value>(values).slice(first, count)));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Conversions and weights
//===----------------------------------------------------------------------===//

struct LowerTruncate : OpConversionPattern<TruncateOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TruncateOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    SmallVector<Value> values = emit.elements(adaptor.getSource()), pairs;
    for (size_t i = 0; i < values.size(); i += 2)
      pairs.push_back(emit.packBF16(values[i], values[i + 1]));
    rewriter.replaceOp(op, emit.vector(pairs));
    return success();
  }
};

struct LowerExtend : OpConversionPattern<ExtendOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ExtendOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    SmallVector<Value> values;
    for (Value pair : emit.elements(adaptor.getSource())) {
      values.push_back(emit.lowToF32(pair));
      values.push_back(emit.highToF32(pair));
    }
    rewriter.replaceOp(op, emit.vector(values));
    return success();
  }
};

struct LowerStoreHiLo : OpConversionPattern<StoreHiLoOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(StoreHiLoOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    Value even = adaptor.getEven(), odd = adaptor.getOdd();
    Value high = emit.packBF16(even, odd);
    auto rest = [&](Value exact, Value rounded) -> Value {
      return arith::SubFOp::create(rewriter, op.getLoc(), exact, rounded);
    };
    Value low = emit.packBF16(rest(even, emit.lowToF32(high)),
                              rest(odd, emit.highToF32(high)));
    // Lane 8k + 4h + c: step k, half h, pair c.
    Value lane = emit.lane();
    Value entry = emit.add(emit.add(emit.shl(emit.shr(lane, 3), 6),
                                    emit.shl(emit.band(lane, 3), 4)),
                           emit.shl(emit.band(lane, 4), 1));
    emit.store(emit.vector({high, low}), emit.offset(adaptor.getTable(), entry),
               8);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerLoadHiLo : OpConversionPattern<LoadHiLoOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoadHiLoOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    auto quad = VectorType::get({4}, emit.i32());
    Value mine =
        emit.offset(adaptor.getTable(), emit.shl(emit.band(emit.lane(), 3), 4));
    SmallVector<Value> weights;
    for (int64_t k = 0; k < 4; ++k)
      llvm::append_range(weights,
                         emit.elements(emit.load(
                             quad, emit.offset(mine, int32_t(64 * k)), 16)));
    rewriter.replaceOp(op, emit.vector(weights));
    return success();
  }
};

struct LowerScaleHiLo : OpConversionPattern<ScaleHiLoOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ScaleHiLoOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    SmallVector<Value> pairs = emit.elements(adaptor.getSource());
    SmallVector<Value> weights = emit.elements(adaptor.getWeights());
    for (int64_t i = 0; i < 16; ++i)
      pairs[i] =
          scale(emit, pairs[i], weights[i / 2 * 2], weights[i / 2 * 2 + 1]);
    rewriter.replaceOp(op, emit.vector(pairs));
    return success();
  }

private:
  static Value scale(Emitter &emit, Value pair, Value high, Value low) {
    Value x = emit.bitcast(emit.bf16x2(), pair);
    Value product = LLVM::FMulOp::create(emit.builder, emit.loc, x,
                                         emit.bitcast(emit.bf16x2(), low));
    Value sum = LLVM::FMAOp::create(emit.builder, emit.loc, x,
                                    emit.bitcast(emit.bf16x2(), high), product);
    return emit.bitcast(emit.i32(), sum);
  }
};

struct LowerExp2 : OpConversionPattern<Exp2Op> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Exp2Op op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    rewriter.replaceOp(op,
                       emit.intrinsic(emit.f32(), "llvm.nvvm.ex2.approx.ftz.f",
                                      adaptor.getValue()));
    return success();
  }
};

struct LowerShuffle : OpConversionPattern<ShuffleOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ShuffleOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    bool up = op.getKind() == "up";
    auto kind = up                      ? NVVM::ShflKind::up
                : op.getKind() == "xor" ? NVVM::ShflKind::bfly
                                        : NVVM::ShflKind::idx;
    rewriter.replaceOpWithNewOp<NVVM::ShflOp>(
        op, op.getResult().getType(), emit.constant(-1), adaptor.getValue(),
        adaptor.getLane(), emit.constant(up ? 0 : 31), kind, UnitAttr());
    return success();
  }
};

} // namespace

void ssd::hopper::populateFragmentPatterns(const TypeConverter &converter,
                                           RewritePatternSet &patterns) {
  patterns.add<LowerLoadFragment, LowerStoreFragment, LowerMap, LowerSplat,
               LowerBlockOf, LowerTruncate, LowerExtend, LowerStoreHiLo,
               LowerLoadHiLo, LowerScaleHiLo, LowerExp2, LowerShuffle>(
      converter, patterns.getContext());
}
