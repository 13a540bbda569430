//===- PlanWorkspace.cpp - one workspace instead of a heap ------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Every need for memory, an allocation or a call of a function that needs some,
// is a request with a size and a lifetime. Requests share slots, slots are laid
// out one after another. Calls are sequential, so that a callee's memory is one
// more request of the caller. Requests inside of a parallel loop get stack
// memory of the task: their slots are allocas at the start of the loop's body.
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/Buffers.h"
#include "lowering/HostABI/EntryInfo.h"
#include "lowering/HostABI/Passes.h"

#include "mlir/Analysis/CallGraph.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/SCCIterator.h"

namespace ssd {
#define GEN_PASS_DEF_PLANWORKSPACEPASS
#include "lowering/HostABI/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

namespace {

/// Positions of operations in program order.
class Timeline {
public:
  explicit Timeline(func::FuncOp function) { number(function); }
  unsigned begin(Operation *op) const { return span.lookup(op).first; }
  unsigned end(Operation *op) const { return span.lookup(op).second; }

private:
  void number(Operation *op) {
    unsigned first = next++;
    for (Region &region : op->getRegions())
      for (Operation &inner : region.getOps())
        number(&inner);
    span[op] = {first, next - 1};
  }
  llvm::DenseMap<Operation *, std::pair<unsigned, unsigned>> span;
  unsigned next = 0;
};

/// A need for memory: an allocation or a call.
struct Request {
  Operation *op;
  Operation *parallel; // outermost parallel loop around it, or null
  SizeExpr bytes;
  unsigned begin, end;
  unsigned slot;
};

/// Memory that requests with disjoint lifetimes share.
struct Slot {
  Operation *parallel;
  bool isStatic;
  SizeExpr bytes;
  SmallVector<Request *> requests;

  bool isFree(const Request &request) const {
    return llvm::none_of(requests, [&](const Request *other) {
      return request.begin <= other->end && other->begin <= request.end;
    });
  }
};

/// The plan of one function.
class FunctionPlan {
public:
  FunctionPlan(func::FuncOp function, int64_t frameLimit)
      : function(function), frameLimit(frameLimit), sizes(function),
        timeline(function), aliases(function) {}

  using PlanLookup = llvm::function_ref<FunctionPlan *(func::CallOp)>;
  LogicalResult collect(PlanLookup lookup);
  LogicalResult assignSlots();
  void rewrite();
  void addWorkspaceFunction();

  unsigned getNumBuffers() const { return numBuffers; }
  unsigned getNumSlots() const { return slots.size(); }

private:
  Request makeRequest(Operation *op, SizeExpr bytes);
  LogicalResult collectAlloc(memref::AllocOp alloc);
  LogicalResult collectCall(func::CallOp call, FunctionPlan &callee);
  LogicalResult setLifetime(Request &request, memref::AllocOp alloc);
  Slot *findSlot(const Request &request);
  LogicalResult checkFrames();
  Value createFrame(const Slot &slot);
  void rewriteAlloc(const Request &request, Value base, Value offset);
  void rewriteCall(func::CallOp call, Value workspace);

  func::FuncOp function;
  int64_t frameLimit;
  SizeExpressions sizes;
  Timeline timeline;
  BufferViewFlowAnalysis aliases;
  SmallVector<func::CallOp> calls;
  std::vector<Request> requests;
  std::vector<Slot> slots;
  SmallVector<SizeExpr> offsets; // of workspace slots
  SizeExpr total;
  unsigned numBuffers = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

/// Whether the op makes an address that outlives it, in a form that no analysis
/// follows.
static bool keepsAddress(Operation *user) {
  auto isFollowed = [](Type type) {
    return type.isIntOrIndexOrFloat() || isa<BaseMemRefType, VectorType>(type);
  };
  return isa<memref::ExtractAlignedPointerAsIndexOp>(user) ||
         !llvm::all_of(user->getResultTypes(), isFollowed);
}

/// From the allocation to the last use of the buffer or a view of it. A use
/// deeper inside of a loop lasts as long as the loop.
LogicalResult FunctionPlan::setLifetime(Request &request,
                                        memref::AllocOp alloc) {
  auto refuse = [&] {
    return alloc.emitError("this buffer outlives the loop iteration that "
                           "allocates it; carry it into the loop as an "
                           "initial value that is updated in place");
  };
  for (Value alias : aliases.resolve(alloc.getResult())) {
    auto carried = dyn_cast<BlockArgument>(alias);
    if (carried && carried.getOwner()->findAncestorOpInBlock(*alloc))
      return refuse();
    for (Operation *user : alias.getUsers()) {
      Block *block = alloc->getBlock();
      Operation *ancestor = block->findAncestorOpInBlock(*user);
      while (!ancestor) {
        Operation *parent = block->getParentOp();
        if (isa<LoopLikeOpInterface>(parent))
          return refuse();
        block = parent->getBlock();
        ancestor = block->findAncestorOpInBlock(*user);
      }
      if (keepsAddress(user))
        ancestor = function;
      request.end = std::max(request.end, timeline.end(ancestor));
    }
  }
  return success();
}

/// A request that lives as long as its operation. Memory of parallel loops is
/// taken at its constant bound.
Request FunctionPlan::makeRequest(Operation *op, SizeExpr bytes) {
  Operation *parallel = getOutermostParallel(op);
  bytes = SizeExpressions::alignTo(bytes, kBufferAlignment);
  if (parallel)
    if (auto bound = sizes.getConstantBound(bytes))
      bytes = sizes.constant(*bound);
  return {op, parallel, bytes, timeline.begin(op), timeline.end(op), 0};
}

LogicalResult FunctionPlan::collectAlloc(memref::AllocOp alloc) {
  MemRefType type = alloc.getType();
  if (!type.getLayout().isIdentity() || type.getMemorySpace())
    return alloc.emitError("can't place a buffer of type ")
           << type << " in the workspace: it must have the identity layout "
           << "and the default memory space";
  int64_t unbounded;
  SizeExpr bytes = getBufferBytes(sizes, alloc, unbounded);
  if (!bytes)
    return alloc.emitError("can't bound dimension ")
           << unbounded << " of this buffer by the sizes of the arguments of '"
           << function.getName() << "', so that the workspace can't be planned";
  Request request = makeRequest(alloc, bytes);
  if (failed(setLifetime(request, alloc)))
    return failure();
  requests.push_back(request);
  ++numBuffers;
  return success();
}

LogicalResult FunctionPlan::collectCall(func::CallOp call,
                                        FunctionPlan &callee) {
  if (llvm::any_of(call.getResultTypes(), llvm::IsaPred<MemRefType>))
    return call.emitError("'")
           << call.getCallee()
           << "' returns a buffer that it allocates; write it in destination "
              "style, so that its result is an update of an argument";
  calls.push_back(call);
  if (SizeExpressions::getConstant(callee.total) == 0)
    return success();
  SizeExpr bytes =
      sizes.importCallee(callee.sizes, callee.total, call.getOperands());
  if (!bytes)
    return call.emitError("can't bound the workspace of '")
           << call.getCallee() << "' by the sizes of the arguments of '"
           << function.getName() << "'";
  requests.push_back(makeRequest(call, bytes));
  return success();
}

LogicalResult FunctionPlan::collect(PlanLookup lookup) {
  WalkResult result = function.walk([&](Operation *op) {
    if (auto alloc = dyn_cast<memref::AllocOp>(op))
      return WalkResult(collectAlloc(alloc));
    if (isa<memref::ReallocOp>(op))
      return WalkResult(op->emitError("can't be placed in a workspace"));
    if (auto call = dyn_cast<func::CallOp>(op))
      if (FunctionPlan *callee = lookup(call))
        return WalkResult(collectCall(call, *callee));
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

/// A free slot of the same parallel loop: for a dynamic size the one of equal
/// size, else any; for a static size the tightest, else the largest.
Slot *FunctionPlan::findSlot(const Request &request) {
  auto size = SizeExpressions::getConstant(request.bytes);
  Slot *best = nullptr;
  for (Slot &slot : slots) {
    if (slot.parallel != request.parallel || slot.isStatic != bool(size) ||
        !slot.isFree(request))
      continue;
    if (slot.bytes == request.bytes)
      return &slot;
    if (!best || !size) {
      best = best ? best : &slot;
      continue;
    }
    int64_t have = *SizeExpressions::getConstant(slot.bytes);
    int64_t had = *SizeExpressions::getConstant(best->bytes);
    bool fits = have >= *size, fitted = had >= *size;
    if (fits != fitted ? fits : fits ? have < had : have > had)
      best = &slot;
  }
  return best;
}

LogicalResult FunctionPlan::assignSlots() {
  for (Request &request : requests) {
    Slot *slot = findSlot(request);
    if (!slot) {
      bool isStatic = SizeExpressions::getConstant(request.bytes).has_value();
      slot = &slots.emplace_back(
          Slot{request.parallel, isStatic, request.bytes, {}});
    }
    slot->bytes = sizes.max(slot->bytes, request.bytes);
    slot->requests.push_back(&request);
    request.slot = slot - slots.data();
  }
  // Static slots come first, at constant offsets.
  offsets.resize(slots.size());
  total = sizes.constant(0);
  for (bool isStatic : {true, false})
    for (auto [slot, offset] : llvm::zip(slots, offsets)) {
      if (slot.parallel || slot.isStatic != isStatic)
        continue;
      offset = total;
      total = total + slot.bytes;
    }
  return checkFrames();
}

/// Memory of parallel loops must be constant and small.
LogicalResult FunctionPlan::checkFrames() {
  llvm::DenseMap<Operation *, int64_t> frames;
  for (const Slot &slot : slots) {
    if (!slot.parallel)
      continue;
    Operation *first = slot.requests.front()->op;
    for (Request *request : slot.requests)
      if (!SizeExpressions::getConstant(request->bytes))
        return request->op->emitError(
            "needs memory inside of a parallel loop, and its size has no "
            "constant bound; tile the loop's body, or allocate the memory "
            "outside of the loop and give each iteration a part of it");
    int64_t &bytes = frames[slot.parallel];
    bytes += *SizeExpressions::getConstant(slot.bytes);
    if (bytes > frameLimit)
      return first->emitError(
                 "the buffers of this parallel loop need more than ")
             << frameLimit << " bytes of stack a task; tile the loop's body";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Rewriting
//===----------------------------------------------------------------------===//

/// The stack memory of a slot, at the start of the parallel loop's body.
Value FunctionPlan::createFrame(const Slot &slot) {
  OpBuilder builder =
      OpBuilder::atBlockBegin(&slot.parallel->getRegion(0).front());
  auto type = MemRefType::get({*SizeExpressions::getConstant(slot.bytes)},
                              builder.getI8Type());
  return memref::AllocaOp::create(builder, slot.parallel->getLoc(), type,
                                  builder.getI64IntegerAttr(kBufferAlignment));
}

static Value createZero(Operation *before) {
  OpBuilder builder(before);
  return arith::ConstantIndexOp::create(builder, before->getLoc(), 0);
}

void FunctionPlan::rewriteAlloc(const Request &request, Value base,
                                Value offset) {
  auto alloc = cast<memref::AllocOp>(request.op);
  OpBuilder builder(alloc);
  auto view = memref::ViewOp::create(builder, alloc.getLoc(), alloc.getType(),
                                     base, offset ? offset : createZero(alloc),
                                     alloc.getDynamicSizes());
  for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
    if (isa<memref::DeallocOp>(user))
      user->erase();
  alloc.replaceAllUsesWith(view.getResult());
  alloc.erase();
}

void FunctionPlan::rewriteCall(func::CallOp call, Value workspace) {
  call.getOperandsMutable().append({workspace, function.getArguments().back()});
}

/// The part of `base` from `offset` on that holds `bytes`, as raw memory.
static Value createPart(Operation *before, Value base, Value offset,
                        Value bytes) {
  OpBuilder builder(before);
  auto type = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  return memref::ViewOp::create(builder, before->getLoc(), type, base, offset,
                                bytes);
}

void FunctionPlan::rewrite() {
  MLIRContext *context = function.getContext();
  auto workspaceType =
      MemRefType::get({ShapedType::kDynamic}, IntegerType::get(context, 8));
  unsigned position = function.getNumArguments();
  (void)function.insertArgument(position, workspaceType, {}, function.getLoc());
  (void)function.insertArgument(
      position + 1, LLVM::LLVMPointerType::get(context), {}, function.getLoc());
  function->setAttr(kPlannedAttr, UnitAttr::get(context));
  Value workspace = function.getArgument(position);
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  llvm::DenseMap<std::pair<unsigned, int64_t>, Value> leaves;
  auto leafValue = [&](unsigned argument, int64_t dim) -> Value {
    if (dim < 0)
      return function.getArgument(argument);
    Value &value = leaves[{argument, dim}];
    if (!value)
      value = memref::DimOp::create(builder, function.getLoc(),
                                    function.getArgument(argument), dim);
    return value;
  };
  auto emit = [&](SizeExpr expr) {
    return sizes.emit(builder, function.getLoc(), expr, leafValue);
  };
  // All sizes first: rewriting erases operations that the builder stands on.
  SmallVector<Value> slotOffsets;
  llvm::DenseMap<Operation *, Value> callBytes;
  for (auto [slot, offset] : llvm::zip(slots, offsets)) {
    slotOffsets.push_back(slot.parallel ? Value() : emit(offset));
    for (Request *request : slot.requests)
      if (isa<func::CallOp>(request->op))
        callBytes[request->op] = emit(request->bytes);
  }
  for (auto [slot, offset] : llvm::zip(slots, slotOffsets)) {
    Value base = slot.parallel ? createFrame(slot) : workspace;
    for (Request *request : slot.requests) {
      auto call = dyn_cast<func::CallOp>(request->op);
      if (!call) {
        rewriteAlloc(*request, base, offset);
        continue;
      }
      Value start = offset ? offset : createZero(call);
      rewriteCall(call, createPart(call, base, start, callBytes[call]));
    }
  }
  for (func::CallOp call : calls)
    if (!callBytes.contains(call))
      rewriteCall(call, workspace);
}

/// @f.workspace, whose arguments are the dynamic sizes of the arguments of f.
void FunctionPlan::addWorkspaceFunction() {
  OpBuilder builder(function.getContext());
  builder.setInsertionPointAfter(function);
  Location loc = function.getLoc();
  llvm::DenseMap<std::pair<unsigned, int64_t>, unsigned> positions;
  for (auto [index, type] :
       llvm::enumerate(function.getArgumentTypes().drop_back(2))) {
    auto memref = cast<MemRefType>(type);
    for (int64_t dim = 0; dim < memref.getRank(); ++dim)
      if (memref.isDynamicDim(dim))
        positions.try_emplace({index, dim}, positions.size());
  }
  SmallVector<Type> arguments(positions.size(), builder.getIndexType());
  auto workspace = func::FuncOp::create(
      builder, loc, (function.getName() + kWorkspaceSuffix).str(),
      builder.getFunctionType(arguments, builder.getI64Type()));
  workspace.setPrivate();
  builder.setInsertionPointToStart(workspace.addEntryBlock());
  Value bytes = sizes.emit(
      builder, loc, total, [&](unsigned argument, int64_t dim) -> Value {
        return workspace.getArgument(positions.lookup({argument, dim}));
      });
  Value result =
      arith::IndexCastOp::create(builder, loc, builder.getI64Type(), bytes);
  func::ReturnOp::create(builder, loc, result);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Functions with bodies, callees before callers; fails on recursion.
static FailureOr<SmallVector<func::FuncOp>> getCalleesFirst(ModuleOp module) {
  CallGraph graph(module);
  SmallVector<func::FuncOp> order;
  for (auto it = llvm::scc_begin(&std::as_const(graph)); !it.isAtEnd(); ++it)
    for (const CallGraphNode *node : *it) {
      if (node->isExternal())
        continue;
      auto function =
          dyn_cast<func::FuncOp>(node->getCallableRegion()->getParentOp());
      if (!function)
        continue;
      if (it.hasCycle())
        return function.emitError("is recursive; its workspace is unbounded");
      order.push_back(function);
    }
  return order;
}

namespace {
struct PlanWorkspace : ssd::impl::PlanWorkspacePassBase<PlanWorkspace> {
  using PlanWorkspacePassBase::PlanWorkspacePassBase;

  void runOnOperation() override {
    auto order = getCalleesFirst(getOperation());
    if (failed(order))
      return signalPassFailure();
    SymbolTableCollection symbols;
    llvm::MapVector<Operation *, std::unique_ptr<FunctionPlan>> plans;
    auto lookup = [&](func::CallOp call) -> FunctionPlan * {
      Operation *callee =
          symbols.lookupNearestSymbolFrom(call, call.getCalleeAttr());
      auto it = plans.find(callee);
      return it == plans.end() ? nullptr : it->second.get();
    };
    for (func::FuncOp function : *order) {
      auto plan = std::make_unique<FunctionPlan>(function, frameLimit);
      if (failed(plan->collect(lookup)) || failed(plan->assignSlots()))
        return signalPassFailure();
      numBuffers += plan->getNumBuffers();
      numSlots += plan->getNumSlots();
      plans[function] = std::move(plan);
    }
    for (auto &[function, plan] : plans)
      plan->rewrite();
    for (auto &[function, plan] : plans)
      if (function->hasAttr(kEntryAttr))
        plan->addWorkspaceFunction();
  }
};
} // namespace
