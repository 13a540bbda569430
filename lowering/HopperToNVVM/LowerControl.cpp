//===- LowerControl.cpp - Kernels, roles, barriers and fences ---*- C++ -*-===//
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
// Kernels
//===----------------------------------------------------------------------===//

/// gpu.func to llvm.func: tensor maps become grid-constant parameters (any
/// other spelling is silently copied to local memory), and a known block size
/// also gives the register cap without which ptxas ignores setmaxnreg.
struct LowerKernel : OpConversionPattern<gpu::GPUFuncOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(gpu::GPUFuncOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const final {
    if (!op.isKernel() || op.getFunctionType().getNumResults() != 0)
      return rewriter.notifyMatchFailure(op, "not a kernel");
    TypeConverter::SignatureConversion signature(op.getNumArguments());
    if (failed(getTypeConverter()->convertSignatureArgs(
            op.getFunctionType().getInputs(), signature)))
      return failure();
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(getContext()), signature.getConvertedTypes());
    auto func =
        LLVM::LLVMFuncOp::create(rewriter, op.getLoc(), op.getName(), type);
    func->setAttr("nvvm.kernel", rewriter.getUnitAttr());
    if (auto size = op.getKnownBlockSizeAttr()) {
      func->setAttr("nvvm.reqntid", size);
      func->setAttr("nvvm.minctasm", rewriter.getI32IntegerAttr(1));
    }
    if (auto size = op.getKnownClusterSizeAttr())
      func->setAttr(NVVM::NVVMDialect::getClusterDimAttrName(), size);
    if (Attribute bytes = op->getAttr(HopperDialect::kSharedBytesAttr))
      func->setAttr(HopperDialect::kSharedBytesAttr, bytes);
    setParameterAttributes(op, func, rewriter);
    rewriter.inlineRegionBefore(op.getBody(), func.getBody(), func.end());
    if (failed(rewriter.convertRegionTypes(&func.getBody(), *getTypeConverter(),
                                           &signature)))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }

private:
  static void setParameterAttributes(gpu::GPUFuncOp op, LLVM::LLVMFuncOp func,
                                     OpBuilder &builder) {
    for (auto [i, type] : llvm::enumerate(op.getArgumentTypes())) {
      if (DictionaryAttr attrs = op.getArgAttrDict(i))
        func.setArgAttrs(i, attrs);
      if (!isa<TensorMapType>(type))
        continue;
      auto bytes = LLVM::LLVMArrayType::get(builder.getI8Type(), 128);
      func.setArgAttr(i, "llvm.byval", TypeAttr::get(bytes));
      func.setArgAttr(i, "llvm.align", builder.getI64IntegerAttr(64));
      func.setArgAttr(i, "nvvm.grid_constant", builder.getUnitAttr());
    }
  }
};

struct LowerReturn : OpConversionPattern<gpu::ReturnOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(gpu::ReturnOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const final {
    rewriter.replaceOpWithNewOp<LLVM::ReturnOp>(op, ValueRange());
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

/// A chain of branches on the warpgroup, as setmaxnreg wants it.
struct LowerSpecialize : OpConversionPattern<SpecializeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SpecializeOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    int32_t total = 0;
    for (int32_t count : op.getWarpgroups())
      total += count;
    int32_t atEntry = 512 / total / 8 * 8;
    Value warpgroup = emit.uniform(emit.shr(emit.threadOfBlock(), 7));
    int32_t first = 0;
    for (auto [i, role] : llvm::enumerate(op.getRoles())) {
      bool last = i + 1 == op.getRoles().size();
      Operation *end =
          i == 0 ? op.getOperation() : &rewriter.getInsertionBlock()->back();
      if (!last) {
        Value mine = arith::CmpIOp::create(
            rewriter, op.getLoc(), arith::CmpIPredicate::ult, warpgroup,
            emit.constant(first + op.getWarpgroups()[i]));
        auto branch = scf::IfOp::create(rewriter, op.getLoc(), mine,
                                        /*withElseRegion=*/true);
        end = &branch.thenBlock()->back();
        rewriter.setInsertionPoint(end);
        inlineRole(op, i, emit.add(warpgroup, -first), end, atEntry, rewriter);
        rewriter.setInsertionPointToStart(branch.elseBlock());
      } else {
        inlineRole(op, i, emit.add(warpgroup, -first), end, atEntry, rewriter);
      }
      first += op.getWarpgroups()[i];
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// Moves role i's code before `end`.
  static void inlineRole(SpecializeOp op, int64_t i, Value index,
                         Operation *end, int32_t atEntry,
                         ConversionPatternRewriter &rewriter) {
    Emitter emit(rewriter, op.getLoc());
    if (isForHopper(op))
      setRegisters(emit, op.getRegisters()[i], atEntry);
    Block *body = &op.getRoles()[i].front();
    rewriter.eraseOp(body->getTerminator());
    rewriter.inlineBlockBefore(body, end, {index});
  }

  static void setRegisters(Emitter &emit, int32_t budget, int32_t atEntry) {
    if (budget == atEntry)
      return;
    auto action = budget > atEntry ? NVVM::SetMaxRegisterAction::increase
                                   : NVVM::SetMaxRegisterAction::decrease;
    NVVM::SetMaxRegisterOp::create(emit.builder, emit.loc, budget, action);
  }
};

struct LowerElect : OpConversionPattern<ElectOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ElectOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    Value index = op.getAgent() == Agent::warp ? emit.lane() : emit.thread();
    auto branch =
        scf::IfOp::create(rewriter, op.getLoc(), emit.equals(index, 0));
    Block *body = &op.getBody().front();
    rewriter.eraseOp(body->getTerminator());
    rewriter.inlineBlockBefore(body, branch.thenBlock()->getTerminator());
    rewriter.eraseOp(op);
    return success();
  }
};

template <typename Op, Value (*lower)(Emitter &)>
struct LowerIndex : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor,
                  ConversionPatternRewriter &rewriter) const final {
    Emitter emit(rewriter, op.getLoc());
    rewriter.replaceOp(op, lower(emit));
    return success();
  }
};

Value lowerThread(Emitter &emit) { return emit.thread(); }
Value lowerLane(Emitter &emit) { return emit.lane(); }
Value lowerWarp(Emitter &emit) { return emit.uniform(emit.warp()); }
Value lowerWarpgroup(Emitter &emit) {
  return emit.uniform(emit.shr(emit.threadOfBlock(), 7));
}
Value lowerBlock(Emitter &emit) {
  return NVVM::BlockIdXOp::create(emit.builder, emit.loc, emit.i32());
}
Value lowerGrid(Emitter &emit) {
  return NVVM::GridDimXOp::create(emit.builder, emit.loc, emit.i32());
}

//===----------------------------------------------------------------------===//
// Barriers and fences
//===----------------------------------------------------------------------===//

void namedBarrier(Emitter &emit, Value id, int32_t threads) {
  emit.assembly("bar.sync $0, $1;", "r,r,~{memory}",
                {id, emit.constant(threads)});
}

Value lowerBarrier(Emitter &emit, BarrierOp op, BarrierOp::Adaptor adaptor) {
  if (op.getId())
    namedBarrier(emit, adaptor.getId(), *op.getThreads());
  else
    emit.assembly("bar.sync 0;", "~{memory}");
  return {};
}

Value lowerClusterRank(Emitter &emit, ClusterRankOp, ClusterRankOp::Adaptor) {
  return NVVM::ClusterId::create(emit.builder, emit.loc, emit.i32());
}

Value lowerClusterBarrier(Emitter &emit, ClusterBarrierOp,
                          ClusterBarrierOp::Adaptor) {
  emit.assembly("barrier.cluster.arrive.release.aligned;\n"
                "barrier.cluster.wait.acquire.aligned;",
                "~{memory}");
  return {};
}

Value lowerFenceAsync(Emitter &emit, FenceAsyncOp op, FenceAsyncOp::Adaptor) {
  // Elsewhere nothing reads shared memory by another way.
  if (isForHopper(op))
    emit.assembly("fence.proxy.async.shared::cta;", "~{memory}");
  return {};
}

/// What a set flag holds.
constexpr int64_t kFlagSet = 0x6d3c5fa19be8274b;

Value lowerSignal(Emitter &emit, SignalOp op, SignalOp::Adaptor adaptor) {
  namedBarrier(emit, adaptor.getId(), 128);
  emit.assembly("{ .reg .pred p; .reg .b32 index, word; .reg .b64 flag;\n"
                "mov.u32 index, $4;\n"
                "next:\n"
                "setp.ge.u32 p, index, $2;\n"
                "@p bra done;\n"
                "mul.lo.u32 word, index, $3;\n"
                "mad.wide.u32 flag, word, 8, $0;\n"
                "fence.acq_rel.gpu;\n"
                "st.release.gpu.global.u64 [flag], $1;\n"
                "add.u32 index, index, 128;\n"
                "bra next;\n"
                "done: }",
                "l,l,r,r,r,~{memory}",
                {adaptor.getFlag(), emit.constant64(kFlagSet),
                 adaptor.getCount(), adaptor.getStride(), emit.thread()});
  return {};
}

Value lowerAwait(Emitter &emit, AwaitOp op, AwaitOp::Adaptor adaptor) {
  emit.assembly("{ .reg .pred p; .reg .b32 index; .reg .b64 flag, seen;\n"
                "mov.u32 index, $3;\n"
                "next:\n"
                "setp.ge.u32 p, index, $2;\n"
                "@p bra done;\n"
                "mad.wide.u32 flag, index, 8, $0;\n"
                "again:\n"
                "ld.acquire.gpu.global.u64 seen, [flag];\n"
                "setp.ne.u64 p, seen, $1;\n"
                "@p bra again;\n"
                "st.relaxed.gpu.global.u64 [flag], 0;\n"
                "add.u32 index, index, 128;\n"
                "bra next;\n"
                "done: }",
                "l,l,r,r,~{memory}",
                {adaptor.getFlag(), emit.constant64(kFlagSet),
                 adaptor.getCount(), emit.thread()});
  namedBarrier(emit, adaptor.getId(), 128);
  return {};
}

} // namespace

void ssd::hopper::populateClusterPatterns(const TypeConverter &converter,
                                          RewritePatternSet &patterns) {
  patterns.add<LowerOp<ClusterRankOp, lowerClusterRank>,
               LowerOp<ClusterBarrierOp, lowerClusterBarrier>>(
      converter, patterns.getContext());
}

void ssd::hopper::populateControlPatterns(const TypeConverter &converter,
                                          RewritePatternSet &patterns) {
  patterns.add<
      LowerKernel, LowerReturn, LowerSpecialize, LowerElect,
      LowerIndex<ThreadOp, lowerThread>, LowerIndex<LaneOp, lowerLane>,
      LowerIndex<WarpOp, lowerWarp>, LowerIndex<WarpgroupOp, lowerWarpgroup>,
      LowerIndex<BlockOp, lowerBlock>, LowerIndex<GridOp, lowerGrid>,
      LowerOp<BarrierOp, lowerBarrier>, LowerOp<FenceAsyncOp, lowerFenceAsync>,
      LowerOp<SignalOp, lowerSignal>, LowerOp<AwaitOp, lowerAwait>>(
      converter, patterns.getContext());
}
