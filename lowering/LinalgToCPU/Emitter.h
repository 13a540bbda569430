//===- Emitter.h - Builder with folding index arithmetic and loops -*- C++
//-*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_LINALGTOCPU_EMITTER_H
#define SSD_LOWERING_LINALGTOCPU_EMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

namespace mlir::ssd::cpu {

/// What the pass options say about the target.
struct CPUOptions {
  int64_t vectorBytes = 64;
  bool parallelize = true;
  int64_t maxTasks = 64;

  /// f32 lanes of a register; also the lanes of every other element type.
  int64_t lanes() const { return vectorBytes / 4; }

  /// Loads and stores under a mask exist for this type. AVX2 has them for 32
  /// and 64 bits only; LLVM would branch for every lane of the others.
  bool canMask(Type element) const {
    return vectorBytes == 64 || element.isIndex() ||
           element.getIntOrFloatBitWidth() >= 32;
  }
};

/// A builder whose index arithmetic folds, so that static sizes yield static
/// code from the same source as dynamic ones.
class Emitter : public ImplicitLocOpBuilder {
public:
  Emitter(Location loc, Operation *before, const CPUOptions &options)
      : ImplicitLocOpBuilder(loc, before), options(options) {}

  const CPUOptions &options;

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(*this, value);
  }
  Value add(Value a, Value b) { return createOrFold<arith::AddIOp>(a, b); }
  Value sub(Value a, Value b) { return createOrFold<arith::SubIOp>(a, b); }
  Value mul(Value a, Value b) { return createOrFold<arith::MulIOp>(a, b); }
  Value div(Value a, Value b) { return createOrFold<arith::DivUIOp>(a, b); }
  Value rem(Value a, Value b) { return createOrFold<arith::RemUIOp>(a, b); }
  Value min(Value a, Value b) { return createOrFold<arith::MinUIOp>(a, b); }
  Value max(Value a, Value b) { return createOrFold<arith::MaxUIOp>(a, b); }
  Value add(Value a, int64_t b) { return add(a, index(b)); }
  Value mul(Value a, int64_t b) { return mul(a, index(b)); }
  Value div(Value a, int64_t b) { return div(a, index(b)); }
  Value ceilDiv(Value a, int64_t b) { return div(add(a, b - 1), b); }
  Value ceilDiv(Value a, Value b) { return div(add(a, sub(b, index(1))), b); }
  /// The largest multiple of `b` that is not above `a`.
  Value alignDown(Value a, int64_t b) { return mul(div(a, b), b); }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) {
    return createOrFold<arith::CmpIOp>(predicate, a, b);
  }
  Value lessEqual(Value a, Value b) {
    return compare(arith::CmpIPredicate::ule, a, b);
  }
  Value less(Value a, Value b) {
    return compare(arith::CmpIPredicate::ult, a, b);
  }

  VectorType vectorOf(Type element, int64_t lanes) {
    return VectorType::get({lanes}, element);
  }
  Value splat(Value scalar, int64_t lanes) {
    return vector::BroadcastOp::create(*this, vectorOf(scalar.getType(), lanes),
                                       scalar);
  }
  Value zeros(Type type) {
    return arith::ConstantOp::create(*this, getZeroAttr(type));
  }
  /// Lanes [0, count) are on; `count` may exceed `lanes`.
  Value mask(Value count, int64_t lanes) {
    VectorType type = vectorOf(getI1Type(), lanes);
    return vector::CreateMaskOp::create(*this, type, count);
  }

  using LoopBody =
      llvm::function_ref<SmallVector<Value>(Value iv, ValueRange carried)>;
  /// A loop that disappears if it is known to run at most once.
  SmallVector<Value> forLoop(Value lower, Value upper, int64_t step,
                             ValueRange inits, LoopBody body);
  void forLoop(Value lower, Value upper, int64_t step,
               llvm::function_ref<void(Value iv)> body) {
    forLoop(lower, upper, step, {}, [&](Value iv, ValueRange) {
      body(iv);
      return SmallVector<Value>();
    });
  }

  using Branch = llvm::function_ref<SmallVector<Value>()>;
  /// A conditional that disappears if the condition is a constant.
  SmallVector<Value> ifElse(Value condition, TypeRange types, Branch thenBranch,
                            Branch elseBranch);
  void ifThen(Value condition, llvm::function_ref<void()> thenBranch,
              llvm::function_ref<void()> elseBranch = nullptr);

  /// Scratch memory of the enclosing function or parallel loop body.
  Value scratch(Type element, int64_t size);
};

inline std::optional<int64_t> constant(Value value) {
  return getConstantIntValue(value);
}

} // namespace mlir::ssd::cpu

#endif // SSD_LOWERING_LINALGTOCPU_EMITTER_H
