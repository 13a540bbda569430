//===- LowerWgmma.cpp - Products on the tensor cores ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/Emitter.h"

using namespace mlir;
using namespace ssd::hopper;

namespace {

//===----------------------------------------------------------------------===//
// Descriptors
//===----------------------------------------------------------------------===//

/// A shared memory matrix descriptor, SWIZZLE_128B. Rows of 128 bytes in groups
/// of 8, 1024 bytes apart (stride); `leading` is the distance of panels and
/// only read where rows run along the depth.
Value descriptor(Emitter &emit, Value tile, int64_t leading) {
  Value start = emit.shr(emit.band(emit.address(tile), 0x3FFFF), 4);
  Value wide =
      arith::ExtUIOp::create(emit.builder, emit.loc, emit.i64(), start);
  int64_t fields =
      (leading / 16) << 16 | int64_t(1024 / 16) << 32 | int64_t(1) << 62;
  return arith::OrIOp::create(emit.builder, emit.loc, wide,
                              emit.constant64(fields));
}

/// Bytes from a tile's start to its k16 step.
int64_t stepBytes(SharedType tile, bool mnMajor, int64_t step) {
  if (mnMajor)
    return step * 16 * 128;
  return step / 4 * tile.getPanelBytes() + step % 4 * 32;
}

Value advance(Emitter &emit, Value descriptor, int64_t bytes) {
  if (bytes == 0)
    return descriptor;
  return arith::AddIOp::create(emit.builder, emit.loc, descriptor,
                               emit.constant64(bytes / 16));
}

//===----------------------------------------------------------------------===//
// wgmma
//===----------------------------------------------------------------------===//

// The instruction is inline assembly because nvvm has no form with A in
// registers; accumulators are tied operands, so no copy can come between steps.

/// Operand numbers: n/2 results, as many tied inputs, a, b, accumulate.
std::string instruction(int64_t columns, StringRef element, bool registersA,
                        bool mnMajor) {
  unsigned count = columns / 2, a = 2 * count, b = a + (registersA ? 4 : 1);
  std::string text =
      "{ .reg .pred p; setp.ne.b32 p, $" + std::to_string(b + 1) + ", 0;\n" +
      "wgmma.mma_async.sync.aligned.m64n" + std::to_string(columns) +
      ("k16.f32." + element + "." + element + " ").str() +
      operandList(0, count) + ", ";
  text += registersA ? operandList(a, 4) : "$" + std::to_string(a);
  text += ", $" + std::to_string(b) + ", p, 1, 1, ";
  text += registersA ? "" : "0, ";
  return text + (mnMajor ? "1; }" : "0; }");
}

std::string constraints(int64_t columns, bool registersA) {
  std::string text;
  for (int64_t i = 0; i < columns / 2; ++i)
    text += "=f,";
  for (int64_t i = 0; i < columns / 2; ++i)
    text += std::to_string(i) + ",";
  return text + (registersA ? "r,r,r,r," : "l,") + "l,n";
}

/// Undefined values start a chain: zeros would cost a move each.
SmallVector<Value> initial(Emitter &emit, Value acc, int64_t count) {
  if (acc)
    return emit.elements(acc);
  Value undef = LLVM::UndefOp::create(emit.builder, emit.loc, emit.f32());
  return SmallVector<Value>(count, undef);
}

Value lowerWgmma(Emitter &emit, WgmmaOp op, WgmmaOp::Adaptor adaptor) {
  SharedType tileB = op.getB().getType();
  auto tileA = dyn_cast<SharedType>(op.getA().getType());
  int64_t columns = op.getResult().getType().getShape()[1];
  Value b = descriptor(emit, adaptor.getB(),
                       op.getMnMajor() ? tileB.getPanelBytes() : 16);
  SmallVector<Value> a =
      tileA ? SmallVector<Value>{descriptor(emit, adaptor.getA(), 16)}
            : emit.elements(adaptor.getA());
  SmallVector<Value> acc = initial(emit, adaptor.getAcc(), columns / 2);
  StringRef element = tileB.getElementType().isBF16() ? "bf16" : "f16";
  std::string text = instruction(columns, element, !tileA, op.getMnMajor());
  std::string operandKinds = constraints(columns, !tileA);
  emit.assembly("wgmma.fence.sync.aligned;", "~{memory}");
  for (int64_t step = 0; step < op.getSteps(); ++step) {
    SmallVector<Value> operands = acc;
    if (tileA)
      operands.push_back(advance(emit, a[0], stepBytes(tileA, false, step)));
    else
      operands.append(a.begin() + 4 * step, a.begin() + 4 * step + 4);
    operands.push_back(
        advance(emit, b, stepBytes(tileB, op.getMnMajor(), step)));
    bool accumulate = step > 0 || op.getAcc();
    operands.push_back(
        LLVM::ConstantOp::create(emit.builder, emit.loc, emit.i32(),
                                 emit.builder.getI32IntegerAttr(accumulate)));
    acc = emit.assembly(SmallVector<Type>(columns / 2, emit.f32()), text,
                        operandKinds, operands);
  }
  emit.assembly("wgmma.commit_group.sync.aligned;", "~{memory}");
  return emit.vector(acc);
}

struct LowerWgmmaWait : OpConversionPattern<WgmmaWaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(WgmmaWaitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    SmallVector<Value> tied;
    for (Value accumulator : adaptor.getAccumulators())
      llvm::append_range(tied, emit.elements(accumulator));
    std::string results, inputs;
    for (size_t i = 0; i < tied.size(); ++i) {
      results += "=f,";
      inputs += std::to_string(i) + ",";
    }
    std::string text = "wgmma.wait_group.sync.aligned " +
                       std::to_string(op.getPending()) + ";";
    SmallVector<Value> done =
        emit.assembly(SmallVector<Type>(tied.size(), emit.f32()), text,
                      results + inputs + "~{memory}", tied);
    SmallVector<Value> replacements;
    ArrayRef<Value> rest = done;
    for (Value accumulator : adaptor.getAccumulators()) {
      size_t count = cast<VectorType>(accumulator.getType()).getNumElements();
      replacements.push_back(emit.vector(rest.take_front(count)));
      rest = rest.drop_front(count);
    }
    rewriter.replaceOp(op, replacements);
    return success();
  }
};

} // namespace

void ssd::hopper::populateWgmmaPatterns(const TypeConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<LowerOp<WgmmaOp, lowerWgmma>, LowerWgmmaWait>(
      converter, patterns.getContext());
}
