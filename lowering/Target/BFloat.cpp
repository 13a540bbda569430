//===- BFloat.cpp - bf16 on CPUs without bf16 instructions ------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Without AVX512-BF16, LLVM turns each element of a truncation to bf16 into a
// call of compiler-rt's __truncsfbf2, which an artifact does not link. Vectors
// of integer arithmetic do the same.
//===----------------------------------------------------------------------===//
#include "lowering/Target/Target.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace ssd {

/// Rounds to nearest, ties to even; NaNs stay NaNs, quietly.
static Value *createTruncation(IRBuilder<> &builder, Value *value,
                               Type *resultType) {
  Type *floatType = resultType->getWithNewType(builder.getFloatTy());
  Type *bitsType = resultType->getWithNewType(builder.getInt32Ty());
  Type *halfType = resultType->getWithNewType(builder.getInt16Ty());
  auto constant = [&](uint64_t bits) {
    return ConstantInt::get(bitsType, bits);
  };
  if (value->getType() != floatType)
    value = builder.CreateFPTrunc(value, floatType); // from f64
  Value *bits = builder.CreateBitCast(value, bitsType);
  Value *high = builder.CreateLShr(bits, constant(16));
  Value *odd = builder.CreateAnd(high, constant(1));
  Value *bias = builder.CreateAdd(odd, constant(0x7fff));
  Value *rounded =
      builder.CreateLShr(builder.CreateAdd(bits, bias), constant(16));
  Value *quiet = builder.CreateOr(high, constant(0x40));
  Value *isNaN = builder.CreateFCmpUNO(value, value);
  Value *result = builder.CreateSelect(isNaN, quiet, rounded);
  return builder.CreateBitCast(builder.CreateTrunc(result, halfType),
                               resultType);
}

/// Code generation itself makes truncations, for arithmetic on bf16.
static void defineTruncationFunction(Module &module) {
  LLVMContext &context = module.getContext();
  Function *function = dyn_cast<Function>(
      module
          .getOrInsertFunction("__truncsfbf2", Type::getBFloatTy(context),
                               Type::getFloatTy(context))
          .getCallee());
  if (!function || !function->isDeclaration())
    return;
  function->setLinkage(GlobalValue::LinkOnceODRLinkage);
  function->setVisibility(GlobalValue::HiddenVisibility);
  function->setDoesNotThrow();
  IRBuilder<> builder(BasicBlock::Create(context, "", function));
  builder.CreateRet(createTruncation(builder, function->getArg(0),
                                     function->getReturnType()));
  appendToCompilerUsed(module, {function});
}

void expandBFloatConversions(Module &module, const TargetMachine &machine) {
  if (machine.getTargetFeatureString().contains("+avx512bf16"))
    return;
  SmallVector<FPTruncInst *> truncations;
  bool usesBFloat = false;
  for (Function &function : module)
    for (Instruction &instruction : instructions(function)) {
      usesBFloat |= instruction.getType()->getScalarType()->isBFloatTy();
      if (auto *truncation = dyn_cast<FPTruncInst>(&instruction))
        if (truncation->getType()->getScalarType()->isBFloatTy())
          truncations.push_back(truncation);
    }
  for (FPTruncInst *truncation : truncations) {
    IRBuilder<> builder(truncation);
    truncation->replaceAllUsesWith(createTruncation(
        builder, truncation->getOperand(0), truncation->getType()));
    truncation->eraseFromParent();
  }
  if (usesBFloat)
    defineTruncationFunction(module);
}

} // namespace ssd
