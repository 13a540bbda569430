//===- KernelBuilder.h - Short names for the code of kernels ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_KERNELBUILDER_H
#define SSD_LOWERING_SSDTOHOPPER_KERNELBUILDER_H

#include "dialect/Hopper/HopperOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"

namespace ssd {

/// Builds the code of a kernel at an insertion point: index arithmetic,
/// contracted f32 arithmetic, structured control flow and the hopper ops in
/// use.
class KernelBuilder {
public:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;
  using Body = llvm::function_ref<Values(Value, mlir::ValueRange)>;

  KernelBuilder(mlir::OpBuilder &builder, mlir::gpu::GPUFuncOp kernel)
      : builder(builder), loc(kernel.getLoc()), kernel(kernel) {}

  template <typename Op, typename... Args> auto create(Args &&...args) {
    return Op::create(builder, loc, std::forward<Args>(args)...);
  }

  mlir::MLIRContext *context() { return builder.getContext(); }
  mlir::Type i32() { return builder.getI32Type(); }
  mlir::Type i64() { return builder.getI64Type(); }
  mlir::Type f32() { return builder.getF32Type(); }
  /// A parameter, by the index that KernelArguments returned.
  Value argument(unsigned index) { return kernel.getArgument(index); }

  // Integers, i32 unless they are wide.
  Value i(int32_t value) { return constant(i32(), value); }
  Value add(Value a, Value b) { return create<mlir::arith::AddIOp>(a, b); }
  Value add(Value a, int32_t b) { return add(a, i(b)); }
  Value sub(Value a, Value b) { return create<mlir::arith::SubIOp>(a, b); }
  Value mul(Value a, Value b) { return create<mlir::arith::MulIOp>(a, b); }
  Value mul(Value a, int32_t b) { return mul(a, i(b)); }
  Value div(Value a, Value b) { return create<mlir::arith::DivUIOp>(a, b); }
  Value div(Value a, int32_t b) { return div(a, i(b)); }
  Value rem(Value a, Value b) { return create<mlir::arith::RemUIOp>(a, b); }
  Value rem(Value a, int32_t b) { return rem(a, i(b)); }
  Value min(Value a, Value b) { return create<mlir::arith::MinSIOp>(a, b); }
  Value max(Value a, Value b) { return create<mlir::arith::MaxSIOp>(a, b); }
  Value band(Value a, int32_t b) { return both(a, i(b)); }
  Value bor(Value a, int32_t b) { return create<mlir::arith::OrIOp>(a, i(b)); }
  /// The conjunction of two conditions; null ones hold.
  Value both(Value a, Value b) {
    return !a ? b : !b ? a : Value(create<mlir::arith::AndIOp>(a, b));
  }
  Value compare(mlir::arith::CmpIPredicate predicate, Value a, Value b) {
    return create<mlir::arith::CmpIOp>(predicate, a, b);
  }
  Value less(Value a, Value b) {
    return compare(mlir::arith::CmpIPredicate::slt, a, b);
  }
  Value equal(Value a, Value b) {
    return compare(mlir::arith::CmpIPredicate::eq, a, b);
  }
  Value select(Value condition, Value a, Value b) {
    return create<mlir::arith::SelectOp>(condition, a, b);
  }
  /// i64 of a value that is not negative.
  Value wide(Value a) {
    return a.getType() == i64() ? a
                                : Value(create<mlir::arith::ExtUIOp>(i64(), a));
  }
  Value wide(int64_t value) { return constant(i64(), value); }
  Value mulWide(Value a, Value b) { return mul(wide(a), wide(b)); }
  Value mulWide(Value a, int64_t b) { return mul(wide(a), wide(b)); }
  Value addWide(Value a, Value b) { return add(wide(a), wide(b)); }

  mlir::IntegerAttr attribute(int32_t value) {
    return builder.getI32IntegerAttr(value);
  }

  // f32; contraction lets the backend form fused multiply-adds.
  static constexpr auto kContract = mlir::arith::FastMathFlags::contract;
  Value f(float value) {
    return create<mlir::arith::ConstantOp>(builder.getF32FloatAttr(value));
  }
  Value fadd(Value a, Value b) {
    return create<mlir::arith::AddFOp>(a, b, kContract);
  }
  Value fsub(Value a, Value b) {
    return create<mlir::arith::SubFOp>(a, b, kContract);
  }
  Value fmul(Value a, Value b) {
    return create<mlir::arith::MulFOp>(a, b, kContract);
  }
  Value fma(Value a, Value b, Value c) {
    return create<mlir::LLVM::FMAOp>(a, b, c);
  }
  Value exp2(Value a) { return create<hopper::Exp2Op>(a); }
  /// f32 of any float, and an f32 rounded to any float.
  Value widen(Value value);
  Value narrow(Value value, mlir::Type type);

  // Global memory.
  Value at(Value pointer, mlir::Type element, Value index);
  Value loadGlobal(mlir::Type type, Value pointer);
  void storeGlobal(Value value, Value pointer);
  /// `count` consecutive values of `element` as f32, in one access.
  Values loadWide(mlir::Type element, Value pointer, int64_t count);
  /// Rounds f32 values to `element` and stores them in one access.
  void storeNarrow(mlir::ValueRange values, mlir::Type element, Value pointer);

  // Control flow; loops count up by `step` over i32. A null condition holds.
  Values loop(Value from, Value to, Value step, mlir::ValueRange inits,
              Body body);
  void when(Value condition, llvm::function_ref<void()> then);
  Values choose(Value condition, mlir::TypeRange types,
                llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise);
  void elect(hopper::Agent agent, llvm::function_ref<void()> body);

  // Types of tiles.
  hopper::FragmentType matrix(int64_t columns, mlir::Type element = {});
  hopper::FragmentType rows();
  hopper::FragmentType columns(int64_t count);
  hopper::SharedType tiles(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  hopper::SharedType tables(llvm::ArrayRef<int64_t> shape, mlir::Type element);

  // Hopper ops whose types follow.
  Value alloc(int32_t offset, mlir::Type type);
  Value ring(int32_t offset, int32_t stages, int32_t count, int32_t producers,
             int32_t consumers);
  Value slice(Value array, Value index);
  /// Starts a look at a stage; the wait that takes it.
  Value tryWait(Value ring, Value cursor);
  void wait(Value ring, Value cursor, Value full = {});
  Value cursor(int64_t stages);
  Value advance(Value cursor);
  Value wgmma(Value a, Value b, Value acc = {}, bool mnMajor = false);
  /// Tied wait on one accumulator.
  Value wait(int32_t pending, Value accumulator);
  /// A packed fragment of an f32 one, and as many more as make `terms`: each is
  /// what those before it have left, rounded. And the sum of such, as f32.
  Values split(Value fragment, mlir::Type element, int32_t terms);
  Value join(mlir::ValueRange terms);
  Value loadVector(Value table, mlir::Type type, int32_t first = 0);
  Value load(Value table, Value index);
  void store(mlir::ValueRange values, Value table, Value index);
  Value shuffle(llvm::StringRef kind, Value value, Value lane);
  /// Sums over 2^n consecutive lanes of 2^m ≤ 2^n values a lane, halving the
  /// values a lane keeps at each step: value r's sum ends in the lanes whose
  /// bits n−1 … n−m are r.
  Value sumOverLanes(Values values, int32_t lanes);
  using Scalar = llvm::function_ref<Value(mlir::ValueRange)>;
  Value map(mlir::Type type, mlir::ValueRange inputs, Scalar body);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::gpu::GPUFuncOp kernel;

private:
  Value constant(mlir::Type type, int64_t value) {
    return mlir::arith::ConstantIntOp::create(builder, loc, type, value);
  }
};

/// A kernel of the module's name, with an empty entry block; the builder is
/// moved into it.
mlir::gpu::GPUFuncOp createKernel(mlir::OpBuilder &builder,
                                  mlir::gpu::GPUModuleOp module,
                                  mlir::TypeRange inputs, int32_t threads,
                                  int32_t sharedBytes);

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_KERNELBUILDER_H
