//===- Emitter.h - Short names for the code that patterns emit --*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_HOPPERTONVVM_EMITTER_H
#define SSD_LOWERING_HOPPERTONVVM_EMITTER_H

#include "dialect/Hopper/HopperOps.h"
#include "lowering/HopperToNVVM/HopperToNVVM.h"
#include "mlir/Transforms/DialectConversion.h"

namespace ssd::hopper {

/// The chip that a module is for; empty where it does not say.
llvm::StringRef getChip(mlir::gpu::GPUModuleOp module);

/// Whether what an op is in is lowered for Hopper, or portably: to what every
/// chip since Ampere has (mma.sync, cp.async, the first mbarriers).
bool isForHopper(mlir::Operation *op);

/// Emits scalar code of one thread.
class Emitter {
public:
  Emitter(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  mlir::Type i32() { return builder.getI32Type(); }
  mlir::Type i64() { return builder.getI64Type(); }
  mlir::Type f32() { return builder.getF32Type(); }
  mlir::Type pairOf(mlir::Type element);

  mlir::Value constant(int32_t value);
  mlir::Value constant64(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value add(mlir::Value a, int32_t b) { return add(a, constant(b)); }
  mlir::Value mul(mlir::Value a, int32_t b);
  mlir::Value mul(mlir::Value a, mlir::Value b) {
    return mlir::LLVM::MulOp::create(builder, loc, a, b);
  }
  mlir::Value band(mlir::Value a, int32_t b);
  mlir::Value bxor(mlir::Value a, mlir::Value b);
  mlir::Value shl(mlir::Value a, int32_t b);
  mlir::Value shr(mlir::Value a, int32_t b);
  mlir::Value equals(mlir::Value a, int32_t b);

  /// Index of the thread in its warpgroup, of its lane and warp, and the row
  /// (of 8) and first column (of 8) of its values within an 8x8 block.
  mlir::Value thread();
  mlir::Value lane() { return band(threadOfBlock(), 31); }
  mlir::Value warp() { return band(shr(threadOfBlock(), 5), 3); }
  mlir::Value fragmentRow();
  mlir::Value fragmentColumn() { return shl(band(lane(), 3), 1); }
  mlir::Value threadOfBlock();
  /// `value` of lane 0, which tells the compiler that it is uniform.
  mlir::Value uniform(mlir::Value value);

  /// Pointer arithmetic in bytes.
  mlir::Value offset(mlir::Value pointer, mlir::Value bytes);
  mlir::Value offset(mlir::Value pointer, int32_t bytes);
  mlir::Value load(mlir::Type type, mlir::Value pointer, unsigned alignment);
  void store(mlir::Value value, mlir::Value pointer, unsigned alignment);
  /// A shared address as the 32-bit operand of an instruction.
  mlir::Value address(mlir::Value pointer);

  llvm::SmallVector<mlir::Value> elements(mlir::Value vector);
  mlir::Value vector(llvm::ArrayRef<mlir::Value> elements);
  mlir::Value bitcast(mlir::Type type, mlir::Value value);
  mlir::Value intrinsic(mlir::Type type, llvm::StringRef name,
                        mlir::ValueRange operands);

  /// Two f32 rounded to bf16 or f16, the first one in the low half of an i32.
  mlir::Value pack(mlir::Type element, mlir::Value low, mlir::Value high);
  /// The same, and what that rounding has left of the two, rounded too.
  std::pair<mlir::Value, mlir::Value>
  packHiLo(mlir::Type element, mlir::Value low, mlir::Value high);
  /// The two as f32, the low half first.
  std::pair<mlir::Value, mlir::Value> unpack(mlir::Type element,
                                             mlir::Value pair);

  /// Inline assembly without results.
  void assembly(llvm::StringRef text, llvm::StringRef constraints,
                mlir::ValueRange operands = {});
  /// Inline assembly whose results are unpacked from a struct.
  llvm::SmallVector<mlir::Value> assembly(mlir::TypeRange results,
                                          llvm::StringRef text,
                                          llvm::StringRef constraints,
                                          mlir::ValueRange operands);

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

/// Replaces an op by the value that `lower` emits for it, null where the op has
/// no result.
template <typename Op,
          mlir::Value (*lower)(Emitter &, Op, typename Op::Adaptor)>
struct LowerOp : mlir::OpConversionPattern<Op> {
  using mlir::OpConversionPattern<Op>::OpConversionPattern;
  mlir::LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  mlir::ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    mlir::Value result = lower(emit, op, adaptor);
    rewriter.replaceOp(op,
                       result ? mlir::ValueRange(result) : mlir::ValueRange());
    return mlir::success();
  }
};

/// Four 8×8 matrices (ldmatrix), of whose rows each lane gives one's address.
llvm::SmallVector<mlir::Value> loadMatrices(Emitter &emit, mlir::Value address,
                                            bool transpose);

/// The k-th 16×16 block of a fragment that a swizzled tile holds.
llvm::SmallVector<mlir::Value> loadBlock(Emitter &emit, mlir::Value tile,
                                         SharedType type, bool transpose,
                                         int64_t k);

/// "{$2, $3, ...}": so many operands of an instruction, from `first` on.
std::string operandList(unsigned first, unsigned count);

/// Stage and phase parity of a cursor.
mlir::Value stageOf(Emitter &emit, mlir::Value cursor, int64_t stages);
mlir::Value phaseOf(Emitter &emit, mlir::Value cursor, int64_t stages);
/// Address of the full or empty barrier of a stage.
mlir::Value fullBarrier(Emitter &emit, mlir::Value ring, mlir::Value cursor,
                        int64_t stages);
mlir::Value emptyBarrier(Emitter &emit, mlir::Value ring, mlir::Value cursor,
                         int64_t stages);

void populateControlPatterns(const mlir::TypeConverter &converter,
                             mlir::RewritePatternSet &patterns);
/// Ranks and barriers of clusters; Hopper only.
void populateClusterPatterns(const mlir::TypeConverter &converter,
                             mlir::RewritePatternSet &patterns);
void populateRingPatterns(const mlir::TypeConverter &converter,
                          mlir::RewritePatternSet &patterns);
void populateMemoryPatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
void populateRowPatterns(const mlir::TypeConverter &converter,
                         mlir::RewritePatternSet &patterns);
void populateGlobalPatterns(const mlir::TypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
/// Tensor maps and their copies; Hopper only.
void populateTMAPatterns(const mlir::TypeConverter &converter,
                         mlir::RewritePatternSet &patterns);
/// Products, by Hopper's instruction and by that of the chips before it.
void populateWgmmaPatterns(const mlir::TypeConverter &converter,
                           mlir::RewritePatternSet &patterns);
void populateMmaPatterns(const mlir::TypeConverter &converter,
                         mlir::RewritePatternSet &patterns);
void populateFragmentPatterns(const mlir::TypeConverter &converter,
                              mlir::RewritePatternSet &patterns);

/// Name of the dynamic shared memory array of a module.
inline constexpr llvm::StringLiteral kSharedMemory = "ssd_shared";

} // namespace ssd::hopper

#endif // SSD_LOWERING_HOPPERTONVVM_EMITTER_H
