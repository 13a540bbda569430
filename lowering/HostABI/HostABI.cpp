//===- HostABI.cpp - entries on memrefs that the caller owns ----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "dialect/SSD/MixerRecords.h"
#include "lowering/HostABI/EntryInfo.h"
#include "lowering/HostABI/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace ssd {
#define GEN_PASS_DEF_HOSTABIPASS
#include "lowering/HostABI/Passes.h.inc"
} // namespace ssd

using namespace mlir;
using namespace ssd;

namespace {

/// Numbers the dynamic sizes of an entry: equal names, equal numbers.
class SizeSymbols {
public:
  int64_t named(StringRef name) {
    auto [it, inserted] = numbers.try_emplace(name, next);
    next += inserted;
    return -1 - it->second;
  }
  int64_t fresh() { return -1 - next++; }

private:
  llvm::StringMap<int64_t> numbers;
  int64_t next = 0;
};

/// Rewrites one entry.
class EntryRewriter {
public:
  EntryRewriter(func::FuncOp function, bool onDevice)
      : function(function), onDevice(onDevice) {}
  LogicalResult run();

private:
  LogicalResult describeArguments();
  LogicalResult describeResults();
  FailureOr<ArgumentInfo> describe(Type type, DictionaryAttr attributes,
                                   Role role, StringRef defaultName);
  LogicalResult checkState(OpOperand &result);
  void rewriteArguments();
  void rewriteResults();

  func::FuncOp function;
  bool onDevice;
  func::ReturnOp terminator;
  SizeSymbols symbols;
  EntryInfo info;
  llvm::StringMap<unsigned> states;        // name -> argument number
  SmallVector<unsigned> resultDestination; // result -> argument number
};

} // namespace

static bool isSupportedElement(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return llvm::is_contained({1, 8, 16, 32, 64}, integer.getWidth());
  return isa<Float64Type, Float32Type, Float16Type, BFloat16Type>(type);
}

/// The memref with which an argument of this tensor type is passed.
static MemRefType getMemRefType(RankedTensorType type, bool strided) {
  MemRefLayoutAttrInterface layout;
  if (strided && type.getRank() > 0) {
    SmallVector<int64_t> strides(type.getRank(), ShapedType::kDynamic);
    strides.back() = 1;
    layout = StridedLayoutAttr::get(type.getContext(), ShapedType::kDynamic,
                                    strides);
  }
  return MemRefType::get(type.getShape(), type.getElementType(), layout);
}

FailureOr<ArgumentInfo> EntryRewriter::describe(Type type,
                                                DictionaryAttr attributes,
                                                Role role,
                                                StringRef defaultName) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !isSupportedElement(tensor.getElementType()))
    return function.emitError()
           << "entry '" << function.getName() << "' passes a value of type "
           << type << " ('" << defaultName
           << "'); entries take and return ranked tensors of bool, integers "
              "or f16, bf16, f32, f64: wrap scalars in a tensor of rank 0";
  ArgumentInfo argument;
  argument.role = role;
  argument.onDevice = onDevice;
  argument.strided = attributes && attributes.contains(kStridedAttr);
  argument.type = getMemRefType(tensor, argument.strided);
  auto name = attributes ? attributes.getAs<StringAttr>(kNameAttr) : nullptr;
  argument.name = name ? name.getValue().str() : defaultName.str();
  auto dims = attributes ? attributes.getAs<ArrayAttr>(kDimsAttr) : nullptr;
  if (dims && int64_t(dims.size()) != tensor.getRank())
    return function.emitError()
           << "'" << argument.name << "' of entry '" << function.getName()
           << "' has " << tensor.getRank() << " dimensions, but ssd.dims names "
           << dims.size();
  bool batchSeen = false;
  for (auto [index, size] : llvm::enumerate(tensor.getShape())) {
    StringRef symbol;
    if (dims)
      if (auto string = dyn_cast<StringAttr>(dims[index]))
        symbol = string.getValue();
    if (symbol.empty() && role == Role::State && !batchSeen)
      symbol = "B";
    if (!ShapedType::isDynamic(size)) {
      argument.shape.push_back(size);
      continue;
    }
    batchSeen = true;
    argument.shape.push_back(symbol.empty() ? symbols.fresh()
                                            : symbols.named(symbol));
  }
  if (auto range = attributes ? attributes.getAs<DenseI64ArrayAttr>(kRangeAttr)
                              : nullptr) {
    if (range.size() != 2)
      return function.emitError()
             << "ssd.range of '" << argument.name
             << "' must be two integers, the least and the greatest value";
    argument.minValue = range[0];
    argument.maxValue = range[1];
  }
  return argument;
}

LogicalResult EntryRewriter::describeArguments() {
  for (unsigned index = 0; index < function.getNumArguments(); ++index) {
    Type type = function.getArgumentTypes()[index];
    DictionaryAttr attributes = function.getArgAttrDict(index);
    auto get = [&](StringRef name) {
      return function.getArgAttrOfType<StringAttr>(index, name);
    };
    StringAttr param = get(kParamAttr), state = get(kStateAttr);
    if (param && state)
      return function.emitError()
             << "argument " << index << " of entry '" << function.getName()
             << "' is both a parameter and a state";
    Role role = param ? Role::Parameter : state ? Role::State : Role::Input;
    auto argument =
        describe(type, attributes, role, "arg" + std::to_string(index));
    if (failed(argument))
      return failure();
    if (param || state)
      argument->name = (param ? param : state).getValue().str();
    if (state && !states.try_emplace(argument->name, index).second)
      return function.emitError()
             << "two arguments of entry '" << function.getName()
             << "' are the state '" << argument->name << "'";
    info.arguments.push_back(std::move(*argument));
  }
  return success();
}

/// A result that is a new state goes to the argument that holds the old one.
LogicalResult EntryRewriter::checkState(OpOperand &result) {
  unsigned index = result.getOperandNumber();
  StringRef name =
      function.getResultAttrOfType<StringAttr>(index, kStateAttr).getValue();
  auto it = states.find(name);
  if (it == states.end())
    return function.emitError()
           << "result " << index << " of entry '" << function.getName()
           << "' is the state '" << name << "', but no argument is";
  Type type = function.getArgument(it->second).getType();
  if (type != result.get().getType())
    return function.emitError() << "state '" << name << "' of entry '"
                                << function.getName() << "' comes as " << type
                                << " and leaves as " << result.get().getType();
  if (llvm::is_contained(resultDestination, it->second))
    return function.emitError()
           << "two results of entry '" << function.getName()
           << "' are the state '" << name << "'";
  resultDestination.push_back(it->second);
  return success();
}

LogicalResult EntryRewriter::describeResults() {
  for (OpOperand &result : terminator->getOpOperands()) {
    unsigned index = result.getOperandNumber();
    if (function.getResultAttrOfType<StringAttr>(index, kStateAttr)) {
      if (failed(checkState(result)))
        return failure();
      continue;
    }
    auto argument =
        describe(result.get().getType(), function.getResultAttrDict(index),
                 Role::Output, "result" + std::to_string(index));
    if (failed(argument))
      return failure();
    resultDestination.push_back(info.arguments.size());
    info.arguments.push_back(std::move(*argument));
  }
  return success();
}

void EntryRewriter::rewriteArguments() {
  Block &body = function.getBody().front();
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  for (auto [index, argument] : llvm::enumerate(body.getArguments())) {
    const ArgumentInfo &described = info.arguments[index];
    Type tensorType = argument.getType();
    argument.setType(described.type);
    auto tensor = bufferization::ToTensorOp::create(
        builder, argument.getLoc(), tensorType, argument, /*restrict=*/true,
        /*writable=*/described.role == Role::State);
    argument.replaceAllUsesExcept(tensor.getResult(), tensor);
  }
}

/// Where a result only splits dimensions of another tensor: that tensor, and
/// its destination without the split, so that what computes it can write there.
static std::pair<Value, Value> seeThroughExpansion(Value value,
                                                   BlockArgument into) {
  auto expansion = value.getDefiningOp<tensor::ExpandShapeOp>();
  auto type = cast<MemRefType>(into.getType());
  if (!expansion || !memref::CollapseShapeOp::isGuaranteedCollapsible(
                        type, expansion.getReassociationIndices()))
    return {value, into};
  OpBuilder builder = OpBuilder::atBlockBegin(into.getOwner());
  Value collapsed = memref::CollapseShapeOp::create(
      builder, into.getLoc(), into, expansion.getReassociationIndices());
  return {expansion.getSrc(), collapsed};
}

void EntryRewriter::rewriteResults() {
  Block &body = function.getBody().front();
  for (unsigned i = body.getNumArguments(); i < info.arguments.size(); ++i)
    body.addArgument(info.arguments[i].type, function.getLoc());
  OpBuilder builder(terminator);
  for (auto [value, destination] :
       llvm::zip_equal(terminator.getOperands(), resultDestination)) {
    auto [source, into] =
        seeThroughExpansion(value, body.getArgument(destination));
    bufferization::MaterializeInDestinationOp::create(
        builder, terminator.getLoc(), /*result=*/Type(), source, into,
        /*restrict=*/true, /*writable=*/true);
  }
  terminator.getOperandsMutable().clear();
}

LogicalResult EntryRewriter::run() {
  if (!function.getBody().hasOneBlock())
    return function.emitError() << "entry '" << function.getName()
                                << "' has unstructured control flow; use scf";
  terminator = cast<func::ReturnOp>(function.getBody().front().back());
  info.name = function.getName().str();
  if (auto mixers = function->getAttrOfType<StringAttr>(kMixersAttr))
    info.mixers = mixers.getValue().str();
  if (failed(describeArguments()) || failed(describeResults()))
    return failure();
  llvm::StringSet<> names;
  for (const ArgumentInfo &argument : info.arguments)
    if (!names.insert(argument.name).second)
      return function.emitError()
             << "two arguments of entry '" << function.getName()
             << "' are named '" << argument.name << "'";
  rewriteArguments();
  rewriteResults();
  SmallVector<Attribute> attributes;
  for (unsigned i = 0; i < info.arguments.size(); ++i)
    attributes.push_back(
        i < function.getNumArguments() ? function.getArgAttrDict(i) : nullptr);
  for (Attribute &attribute : attributes)
    if (!attribute)
      attribute = DictionaryAttr::get(function.getContext());
  Block &body = function.getBody().front();
  function.setType(FunctionType::get(function.getContext(),
                                     body.getArgumentTypes(), TypeRange()));
  function.removeResAttrsAttr();
  function.setAllArgAttrs(ArrayRef(attributes));
  function->removeAttr(kMixersAttr);
  info.setOn(function);
  return success();
}

namespace {
struct HostABI : ssd::impl::HostABIPassBase<HostABI> {
  using HostABIPassBase::HostABIPassBase;

  void runOnOperation() override {
    if (device != "cpu" && device != "cuda") {
      getOperation().emitError()
          << "unknown device '" << device << "': expected cpu or cuda";
      return signalPassFailure();
    }
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !function.isDeclaration() &&
          !function->hasAttr(kEntryAttr))
        if (failed(EntryRewriter(function, device == "cuda").run()))
          return signalPassFailure();
  }
};
} // namespace

void ssd::buildBufferizationPipeline(OpPassManager &manager) {
  using namespace bufferization;
  manager.addPass(createEmptyTensorEliminationPass());
  manager.addPass(ssd::createBufferizeEntriesPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createDropEquivalentBufferResultsPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(ssd::createCheckStateCopiesPass());
}

void ssd::registerHostABIPipelines() {
  PassPipelineRegistration<>(
      "ssd-bufferize", "Bufferize entries and their callees in place",
      [](OpPassManager &manager) { buildBufferizationPipeline(manager); });
}
