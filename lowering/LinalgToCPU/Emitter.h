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

namespace ssd::cpu {

/// What the pass options say about the target.
struct CPUOptions {
  int64_t vectorBytes = 64;
  bool parallelize = true;
  int64_t maxTasks = 64;

  /// f32 lanes of a register; also the lanes of every other element type.
  int64_t lanes() const { return vectorBytes / 4; }

  /// Loads and stores under a mask exist for this type. AVX2 has them for 32
  /// and 64 bits only; LLVM would branch for every lane of the others.
  bool canMask(mlir::Type element) const {
    return vectorBytes == 64 || element.isIndex() ||
           element.getIntOrFloatBitWidth() >= 32;
  }
};

/// A builder whose index arithmetic folds, so that static sizes yield static
/// code from the same source as dynamic ones.
class Emitter : public mlir::ImplicitLocOpBuilder {
public:
  Emitter(mlir::Location loc, mlir::Operation *before,
          const CPUOptions &options)
      : mlir::ImplicitLocOpBuilder(loc, before), options(options) {}

  const CPUOptions &options;

  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(*this, value);
  }
  mlir::Value add(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::AddIOp>(a, b);
  }
  mlir::Value sub(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::SubIOp>(a, b);
  }
  mlir::Value mul(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::MulIOp>(a, b);
  }
  mlir::Value div(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::DivUIOp>(a, b);
  }
  mlir::Value rem(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::RemUIOp>(a, b);
  }
  mlir::Value min(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::MinUIOp>(a, b);
  }
  mlir::Value max(mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::MaxUIOp>(a, b);
  }
  mlir::Value ceilDiv(mlir::Value a, mlir::Value b) {
    return div(add(a, sub(b, index(1))), b);
  }
  mlir::Value add(mlir::Value a, int64_t b) { return add(a, index(b)); }
  mlir::Value mul(mlir::Value a, int64_t b) { return mul(a, index(b)); }
  mlir::Value div(mlir::Value a, int64_t b) { return div(a, index(b)); }
  mlir::Value ceilDiv(mlir::Value a, int64_t b) { return ceilDiv(a, index(b)); }
  /// The largest multiple of `b` that is not above `a`.
  mlir::Value alignDown(mlir::Value a, int64_t b) { return mul(div(a, b), b); }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a,
                      mlir::Value b) {
    return createOrFold<mlir::arith::CmpIOp>(predicate, a, b);
  }
  mlir::Value lessEqual(mlir::Value a, mlir::Value b) {
    return compare(mlir::arith::CmpIPredicate::ule, a, b);
  }
  mlir::Value less(mlir::Value a, mlir::Value b) {
    return compare(mlir::arith::CmpIPredicate::ult, a, b);
  }

  mlir::VectorType vectorOf(mlir::Type element, int64_t lanes) {
    return mlir::VectorType::get({lanes}, element);
  }
  mlir::Value splat(mlir::Value scalar, int64_t lanes) {
    return mlir::vector::BroadcastOp::create(
        *this, vectorOf(scalar.getType(), lanes), scalar);
  }
  mlir::Value zeros(mlir::Type type) {
    return mlir::arith::ConstantOp::create(*this, getZeroAttr(type));
  }
  /// Lanes [0, count) are on; `count` may exceed `lanes`.
  mlir::Value mask(mlir::Value count, int64_t lanes) {
    mlir::VectorType type = vectorOf(getI1Type(), lanes);
    return mlir::vector::CreateMaskOp::create(*this, type, count);
  }

  using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::Value iv, mlir::ValueRange carried)>;
  /// A loop that disappears if it is known to run at most once.
  llvm::SmallVector<mlir::Value> forLoop(mlir::Value lower, mlir::Value upper,
                                         int64_t step, mlir::ValueRange inits,
                                         LoopBody body);
  void forLoop(mlir::Value lower, mlir::Value upper, int64_t step,
               llvm::function_ref<void(mlir::Value iv)> body) {
    forLoop(lower, upper, step, {}, [&](mlir::Value iv, mlir::ValueRange) {
      body(iv);
      return llvm::SmallVector<mlir::Value>();
    });
  }

  using Branch = llvm::function_ref<llvm::SmallVector<mlir::Value>()>;
  /// A conditional that disappears if the condition is a constant. It may lack
  /// an else branch if it has no results.
  llvm::SmallVector<mlir::Value> ifElse(mlir::Value condition,
                                        mlir::TypeRange types,
                                        Branch thenBranch, Branch elseBranch);
  void ifThen(mlir::Value condition, llvm::function_ref<void()> thenBranch,
              llvm::function_ref<void()> elseBranch = nullptr) {
    auto emitThen = [&] {
      thenBranch();
      return llvm::SmallVector<mlir::Value>();
    };
    auto emitElse = [&] {
      elseBranch();
      return llvm::SmallVector<mlir::Value>();
    };
    ifElse(condition, {}, emitThen, elseBranch ? Branch(emitElse) : nullptr);
  }

  /// Scratch memory of the enclosing function or parallel loop body.
  mlir::Value scratch(mlir::Type element, int64_t size);
};

inline std::optional<int64_t> constant(mlir::Value value) {
  return mlir::getConstantIntValue(value);
}

} // namespace ssd::cpu

#endif // SSD_LOWERING_LINALGTOCPU_EMITTER_H
