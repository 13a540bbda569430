//===- LowerMma.cpp - Products before Hopper ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/Emitter.h"

using namespace mlir;
using namespace ssd::hopper;

// wgmma's fragments are those of mma.sync, warp by warp: a warp's 16 rows of an
// accumulator are 16×8 blocks side by side, and A in registers is the same for
// every k16 step. So a product is one of each warp with all of B, whose
// fragments it loads from the same swizzled tiles.

namespace {

/// B in shared memory. ldmatrix gives a thread two neighbours of a row, the
/// instruction wants two of k: as they lie where rows run along k, transposed
/// else.
class TileB {
public:
  TileB(Emitter &emit, Value tile, SharedType type, bool mnMajor)
      : type(type), mnMajor(mnMajor) {
    Value lane = emit.lane(), inPart = emit.band(lane, 7);
    Value half = emit.band(emit.shr(lane, 3), 1), block = emit.shr(lane, 4);
    Value row = emit.add(inPart, emit.shl(mnMajor ? half : block, 3));
    Value piece = emit.bxor(mnMajor ? block : half, inPart);
    Value bytes = emit.add(emit.shl(row, 7), emit.shl(piece, 4));
    first = emit.address(emit.offset(tile, bytes));
  }

  /// Fragments of two 16×8 blocks, from column 16·i on, at a k16 step: of each
  /// block both halves of k.
  SmallVector<Value> load(Emitter &emit, int64_t step, int64_t i) const {
    int64_t across = mnMajor ? i : step, down = mnMajor ? step : i;
    // Pieces of 16 bytes are swizzled by bits, which stay apart from these.
    Value address = emit.bxor(first, emit.constant(across % 4 * 32));
    address = emit.add(
        address, int32_t(across / 4 * type.getPanelBytes() + down * 16 * 128));
    return loadMatrices(emit, address, mnMajor);
  }

private:
  SharedType type;
  bool mnMajor;
  Value first; // a lane's address at the first step and column
};

/// acc += a · b of one 16×8 block and k16 step.
void multiplyBlock(Emitter &emit, MutableArrayRef<Value> acc, ArrayRef<Value> a,
                   ArrayRef<Value> b, StringRef element) {
  std::string text = ("mma.sync.aligned.m16n8k16.row.col.f32." + element + "." +
                      element + ".f32 ")
                         .str() +
                     operandList(0, 4) + ", " + operandList(4, 4) + ", " +
                     operandList(8, 2) + ", " + operandList(10, 4) + ";";
  SmallVector<Value> operands(a);
  llvm::append_range(operands, b);
  llvm::append_range(operands, acc);
  llvm::copy(emit.assembly(SmallVector<Type>(4, emit.f32()), text,
                           "=f,=f,=f,=f,r,r,r,r,r,r,f,f,f,f", operands),
             acc.begin());
}

struct LowerProduct : OpConversionPattern<WgmmaOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(WgmmaOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    int64_t columns = op.getResult().getType().getShape()[1];
    if (columns % 16)
      return rewriter.notifyMatchFailure(op, "columns are no multiple of 16");
    Emitter emit(rewriter, op.getLoc());
    SharedType tileB = op.getB().getType();
    auto tileA = dyn_cast<SharedType>(op.getA().getType());
    StringRef element = tileB.getElementType().isBF16() ? "bf16" : "f16";
    TileB b(emit, adaptor.getB(), tileB, op.getMnMajor());
    Value zero = arith::ConstantOp::create(rewriter, op.getLoc(),
                                           rewriter.getF32FloatAttr(0));
    SmallVector<Value> acc(columns / 2, zero), a;
    if (adaptor.getAcc())
      acc = emit.elements(adaptor.getAcc());
    if (!tileA)
      a = emit.elements(adaptor.getA());
    for (int64_t step = 0; step < op.getSteps(); ++step) {
      SmallVector<Value> rows =
          tileA ? loadBlock(emit, adaptor.getA(), tileA, /*transpose=*/false,
                            step)
                : SmallVector<Value>(ArrayRef<Value>(a).slice(4 * step, 4));
      for (int64_t i = 0; i < columns / 16; ++i) {
        SmallVector<Value> blocks = b.load(emit, step, i);
        for (int64_t j = 0; j < 2; ++j)
          multiplyBlock(emit,
                        MutableArrayRef<Value>(acc).slice(8 * i + 4 * j, 4),
                        rows, ArrayRef<Value>(blocks).slice(2 * j, 2), element);
      }
    }
    rewriter.replaceOp(op, emit.vector(acc));
    return success();
  }
};

/// Nothing is in flight.
struct LowerProductWait : OpConversionPattern<WgmmaWaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(WgmmaWaitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    rewriter.replaceOp(op, adaptor.getAccumulators());
    return success();
  }
};

} // namespace

void ssd::hopper::populateMmaPatterns(const TypeConverter &converter,
                                      RewritePatternSet &patterns) {
  patterns.add<LowerProduct, LowerProductWait>(converter,
                                               patterns.getContext());
}
