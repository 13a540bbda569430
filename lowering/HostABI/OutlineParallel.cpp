//===- OutlineParallel.cpp - parallel loops as tasks ------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/EntryInfo.h"
#include "lowering/HostABI/Passes.h"
#include "lowering/HostABI/RuntimeCalls.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"

namespace ssd {
#define GEN_PASS_DEF_OUTLINEPARALLELPASS
#include "lowering/HostABI/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

namespace {

/// A normalised parallel loop.
struct ParallelLoop {
  Operation *op;
  Block *body;
  SmallVector<Value> variables;
  SmallVector<OpFoldResult> lower, upper, step;
};

/// Outlines the loops of one function.
class Outliner {
public:
  Outliner(func::FuncOp function, SymbolTable &symbols,
           const LLVMTypeConverter &converter)
      : function(function), symbols(symbols), converter(converter),
        context(function.getContext()) {}

  LogicalResult outline(ParallelLoop loop);

private:
  Value toStorable(OpBuilder &builder, Value value, Type stored);
  Value getContextArgument();
  LLVM::LLVMStructType getClosureType(ParallelLoop &loop, ValueRange captured);
  func::FuncOp createTask(ParallelLoop &loop, ValueRange captured,
                          LLVM::LLVMStructType closureType, ValueRange counts);
  void createIndices(OpBuilder &builder, ParallelLoop &loop, Value index,
                     ValueRange counts, IRMapping &mapping);
  void createDispatch(OpBuilder &builder, Location loc, func::FuncOp task,
                      Value closure, Value count);
  void createParallelFor(OpBuilder &builder, Location loc, func::FuncOp task,
                         Value closure, Value count);

  func::FuncOp function;
  SymbolTable &symbols;
  const LLVMTypeConverter &converter;
  MLIRContext *context;
};

} // namespace

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

static FailureOr<ParallelLoop> getLoop(Operation *op) {
  if (auto forall = dyn_cast<scf::ForallOp>(op)) {
    if (forall->getNumResults())
      return forall.emitError("has results; bufferize it first");
    return ParallelLoop{op,
                        forall.getBody(),
                        llvm::to_vector_of<Value>(forall.getInductionVars()),
                        forall.getMixedLowerBound(),
                        forall.getMixedUpperBound(),
                        forall.getMixedStep()};
  }
  auto parallel = cast<scf::ParallelOp>(op);
  if (parallel->getNumResults())
    return parallel.emitError("has reductions; make them sequential first");
  return ParallelLoop{op,
                      parallel.getBody(),
                      llvm::to_vector_of<Value>(parallel.getInductionVars()),
                      getAsOpFoldResult(parallel.getLowerBound()),
                      getAsOpFoldResult(parallel.getUpperBound()),
                      getAsOpFoldResult(parallel.getStep())};
}

/// Loops inside of a task run on the task's own thread. (A nested scf.parallel
/// is lowered to sequential code by the control-flow lowering.)
static LogicalResult makeNestedSequential(Operation *op) {
  SmallVector<scf::ForallOp> nested;
  op->walk([&](scf::ForallOp inner) {
    if (inner != op)
      nested.push_back(inner);
  });
  IRRewriter rewriter(op->getContext());
  for (scf::ForallOp inner : nested) {
    rewriter.setInsertionPoint(inner);
    if (failed(scf::forallToForLoop(rewriter, inner)))
      return inner.emitError("can't be made sequential");
  }
  return success();
}

static Value createIndex(OpBuilder &builder, Location loc, OpFoldResult value) {
  return getValueOrCreateConstantIndexOp(builder, loc, value);
}

/// The number of iterations in each dimension.
static SmallVector<Value> createCounts(OpBuilder &builder, ParallelLoop &loop) {
  Location loc = loop.op->getLoc();
  SmallVector<Value> counts;
  for (auto [lower, upper, step] :
       llvm::zip_equal(loop.lower, loop.upper, loop.step)) {
    Value span = builder.createOrFold<arith::SubIOp>(
        loc, createIndex(builder, loc, upper),
        createIndex(builder, loc, lower));
    counts.push_back(builder.createOrFold<arith::CeilDivSIOp>(
        loc, span, createIndex(builder, loc, step)));
  }
  return counts;
}

/// Values that the loop needs from outside. Constants are cloned instead.
static SmallVector<Value> getCaptured(ParallelLoop &loop, ValueRange counts) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(loop.op->getRegions(), captured);
  captured.insert(counts.begin(), counts.end());
  for (ArrayRef<OpFoldResult> bounds :
       {ArrayRef(loop.lower), ArrayRef(loop.step)})
    for (OpFoldResult bound : bounds)
      if (auto value = dyn_cast<Value>(bound))
        captured.insert(value);
  return captured.takeVector();
}

static bool isCheap(Value value) {
  Operation *op = value.getDefiningOp();
  return op && op->getNumOperands() == 0 && op->getNumRegions() == 0 &&
         (op->hasTrait<OpTrait::ConstantLike>() ||
          isa<memref::GetGlobalOp>(op));
}

static std::optional<int64_t>
getTripCount(OpFoldResult lower, OpFoldResult upper, OpFoldResult step) {
  auto from = getConstantIntValue(lower), to = getConstantIntValue(upper);
  auto by = getConstantIntValue(step);
  if (!from || !to || !by)
    return std::nullopt;
  return llvm::divideCeilSigned(*to - *from, *by);
}

/// A loop of one iteration is its body, which may hold parallel loops itself.
static LogicalResult inlineSingleIterations(func::FuncOp function) {
  WalkResult result = function.walk([&](Operation *op) {
    if (!isa<scf::ForallOp, scf::ParallelOp>(op))
      return WalkResult::advance();
    auto loop = getLoop(op);
    if (failed(loop))
      return WalkResult::interrupt();
    for (auto [lower, upper, step] :
         llvm::zip_equal(loop->lower, loop->upper, loop->step))
      if (getTripCount(lower, upper, step) != 1)
        return WalkResult::advance();
    OpBuilder builder(op);
    for (auto [variable, lower] : llvm::zip_equal(loop->variables, loop->lower))
      variable.replaceAllUsesWith(createIndex(builder, op->getLoc(), lower));
    loop->body->getTerminator()->erase();
    op->getBlock()->getOperations().splice(Block::iterator(op),
                                           loop->body->getOperations());
    op->erase();
    return WalkResult::skip();
  });
  return failure(result.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Closures
//===----------------------------------------------------------------------===//

Value Outliner::toStorable(OpBuilder &builder, Value value, Type stored) {
  if (value.getType() == stored)
    return value;
  return UnrealizedConversionCastOp::create(builder, value.getLoc(), stored,
                                            value)
      .getResult(0);
}

Value Outliner::getContextArgument() {
  if (!function->hasAttr(kPlannedAttr))
    return {};
  return function.getArguments().back();
}

LLVM::LLVMStructType Outliner::getClosureType(ParallelLoop &loop,
                                              ValueRange captured) {
  SmallVector<Type> fields;
  for (Value value : captured) {
    Type field = converter.convertType(value.getType());
    if (!field) {
      loop.op->emitError("uses a value of type ")
          << value.getType() << ", which can't be passed to a parallel task";
      return {};
    }
    fields.push_back(field);
  }
  return LLVM::LLVMStructType::getLiteral(context, fields);
}

static Value createField(OpBuilder &builder, Location loc, Type structType,
                         Value pointer, unsigned field) {
  return LLVM::GEPOp::create(
      builder, loc, LLVM::LLVMPointerType::get(builder.getContext()),
      structType, pointer, ArrayRef<LLVM::GEPArg>{0, int32_t(field)});
}

//===----------------------------------------------------------------------===//
// Tasks
//===----------------------------------------------------------------------===//

/// Splits the flat task index, innermost dimension fastest.
void Outliner::createIndices(OpBuilder &builder, ParallelLoop &loop,
                             Value index, ValueRange counts,
                             IRMapping &mapping) {
  Location loc = loop.op->getLoc();
  auto lookup = [&](OpFoldResult bound) {
    if (auto value = dyn_cast<Value>(bound))
      return mapping.lookup(value);
    return createIndex(builder, loc, bound);
  };
  for (int dim = loop.variables.size() - 1; dim >= 0; --dim) {
    Value position = index;
    if (dim > 0) {
      Value count = mapping.lookup(counts[dim]);
      position = arith::RemUIOp::create(builder, loc, index, count);
      index = arith::DivUIOp::create(builder, loc, index, count);
    }
    position = builder.createOrFold<arith::MulIOp>(loc, position,
                                                   lookup(loop.step[dim]));
    position = builder.createOrFold<arith::AddIOp>(loc, position,
                                                   lookup(loop.lower[dim]));
    mapping.map(loop.variables[dim], position);
  }
}

func::FuncOp Outliner::createTask(ParallelLoop &loop, ValueRange captured,
                                  LLVM::LLVMStructType closureType,
                                  ValueRange counts) {
  Location loc = loop.op->getLoc();
  OpBuilder builder(context);
  Type pointer = LLVM::LLVMPointerType::get(context);
  auto task = func::FuncOp::create(
      loc, (function.getName() + ".task").str(),
      builder.getFunctionType(
          {pointer, builder.getI64Type(), builder.getI32Type()}, {}));
  task.setPrivate();
  symbols.insert(task, std::next(Block::iterator(function)));
  builder.setInsertionPointToStart(task.addEntryBlock());
  IRMapping mapping;
  unsigned field = 0;
  for (Value value : captured) {
    if (isCheap(value)) {
      mapping.map(value, builder.clone(*value.getDefiningOp())->getResult(0));
      continue;
    }
    Type stored = closureType.getBody()[field];
    Value loaded = LLVM::LoadOp::create(
        builder, loc, stored,
        createField(builder, loc, closureType, task.getArgument(0), field++));
    mapping.map(value, toStorable(builder, loaded, value.getType()));
  }
  Value index = arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                           task.getArgument(1));
  createIndices(builder, loop, index, counts, mapping);
  for (Operation &inner : loop.body->without_terminator())
    builder.clone(inner, mapping);
  func::ReturnOp::create(builder, loc);
  return task;
}

/// context->api->parallel_for(context, count, task, closure)
void Outliner::createParallelFor(OpBuilder &builder, Location loc,
                                 func::FuncOp task, Value closure,
                                 Value count) {
  Type pointer = LLVM::LLVMPointerType::get(context);
  Type i64 = builder.getI64Type();
  Value function = func::ConstantOp::create(
      builder, loc, task.getFunctionType(), SymbolRefAttr::get(task));
  createRuntimeCall(builder, loc, getContextArgument(), ApiField::ParallelFor,
                    LLVM::LLVMVoidType::get(context),
                    {arith::IndexCastOp::create(builder, loc, i64, count),
                     toStorable(builder, function, pointer), closure});
}

/// One iteration runs here and now, more go to the runtime.
void Outliner::createDispatch(OpBuilder &builder, Location loc,
                              func::FuncOp task, Value closure, Value count) {
  auto runHere = [&](OpBuilder &builder, Location loc) {
    Value zero = arith::ConstantIntOp::create(builder, loc, 0, 64);
    Value worker = arith::ConstantIntOp::create(builder, loc, 0, 32);
    func::CallOp::create(builder, loc, task, ValueRange{closure, zero, worker});
  };
  if (getConstantIntValue(count))
    return createParallelFor(builder, loc, task, closure, count);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value single =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, count, one);
  scf::IfOp::create(
      builder, loc, single,
      [&](OpBuilder &builder, Location loc) {
        runHere(builder, loc);
        scf::YieldOp::create(builder, loc);
      },
      [&](OpBuilder &builder, Location loc) {
        createParallelFor(builder, loc, task, closure, count);
        scf::YieldOp::create(builder, loc);
      });
}

LogicalResult Outliner::outline(ParallelLoop loop) {
  Location loc = loop.op->getLoc();
  OpBuilder builder(loop.op);
  SmallVector<Value> counts = createCounts(builder, loop);
  Value count = counts.front();
  for (Value other : ArrayRef(counts).drop_front())
    count = builder.createOrFold<arith::MulIOp>(loc, count, other);
  if (!getContextArgument())
    return loop.op->emitError("is in a function without a context; run "
                              "ssd-plan-workspace first");
  SmallVector<Value> captured = getCaptured(loop, counts);
  SmallVector<Value> stored = llvm::to_vector(llvm::make_filter_range(
      captured, [](Value value) { return !isCheap(value); }));
  LLVM::LLVMStructType closureType = getClosureType(loop, stored);
  if (!closureType)
    return failure();
  func::FuncOp task = createTask(loop, captured, closureType, counts);
  OpBuilder entry = OpBuilder::atBlockBegin(&function.getBody().front());
  Value closure = LLVM::AllocaOp::create(
      entry, loc, LLVM::LLVMPointerType::get(context), closureType,
      LLVM::ConstantOp::create(entry, loc, entry.getI64IntegerAttr(1)));
  for (auto [field, value] : llvm::enumerate(stored))
    LLVM::StoreOp::create(
        builder, loc, toStorable(builder, value, closureType.getBody()[field]),
        createField(builder, loc, closureType, closure, field));
  createDispatch(builder, loc, task, closure, count);
  loop.op->erase();
  return success();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Stack memory of constant size is taken once a call, not once an iteration.
static void hoistAllocas(func::FuncOp function) {
  Block &entry = function.getBody().front();
  SmallVector<memref::AllocaOp> allocas;
  function.walk([&](memref::AllocaOp alloca) {
    if (alloca->getBlock() != &entry && alloca.getType().hasStaticShape())
      allocas.push_back(alloca);
  });
  for (memref::AllocaOp alloca : allocas)
    alloca->moveBefore(&entry, entry.begin());
}

namespace {
struct OutlineParallel : ssd::impl::OutlineParallelPassBase<OutlineParallel> {
  LogicalResult outlineAll(func::FuncOp function, SymbolTable &symbols,
                           const LLVMTypeConverter &converter) {
    if (failed(inlineSingleIterations(function)))
      return failure();
    SmallVector<Operation *> loops;
    function.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!isa<scf::ForallOp, scf::ParallelOp>(op))
        return WalkResult::advance();
      loops.push_back(op);
      return WalkResult::skip();
    });
    Outliner outliner(function, symbols, converter);
    for (Operation *op : loops) {
      if (failed(makeNestedSequential(op)))
        return failure();
      auto loop = getLoop(op);
      if (failed(loop) || failed(outliner.outline(*loop)))
        return failure();
      ++numTasks;
    }
    return success();
  }

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    LLVMTypeConverter converter(&getContext());
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isDeclaration())
        functions.push_back(function);
    for (func::FuncOp function : functions)
      if (failed(outlineAll(function, symbols, converter)))
        return signalPassFailure();
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isDeclaration())
        hoistAllocas(function);
  }
};
} // namespace
