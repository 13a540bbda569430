//===- MixerUnit.cpp - What one kernel computes ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/SSDToHopper/MixerUnit.h"

#include "dialect/Hopper/HopperDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace ssd;

int64_t UnitBuffer::getDim(Axis axis) const {
  int64_t dim = hasTokens || axis == batch ? axis : axis - 1;
  bool exists = (hasTokens || axis != token) && dim < getType().getRank();
  return exists ? dim : -1;
}

bool MixerUnit::hasDiagonalDecay() const {
  auto hasColumns = [](Value value, int64_t rank) {
    return value && cast<MemRefType>(value.getType()).getRank() == rank;
  };
  return hasColumns(rate, 2) || hasColumns(decay.raw.memref, isStep ? 3 : 4);
}

//===----------------------------------------------------------------------===//
// Reading a unit
//===----------------------------------------------------------------------===//

namespace ssd {

/// Traces the body's values back to the unit's operands.
class UnitReader {
public:
  explicit UnitReader(FusedOp op) : op(op) { unit.op = op; }
  FailureOr<MixerUnit> read();

private:
  /// The buffer that a value of the body is, null if it is computed there.
  Value outside(Value value) {
    auto argument = dyn_cast_or_null<BlockArgument>(value);
    return argument ? op->getOperand(argument.getArgNumber()) : Value();
  }
  FailureOr<Value> buffer(Value value, StringRef what);
  LogicalResult read(UnitBuffer &into, Value value, StringRef what);
  LogicalResult read(UnitFactor &into, Value value, StringRef what);
  template <typename Mixer> LogicalResult readMixer(Mixer mixer);
  LogicalResult readMix(MixOp mixer);
  LogicalResult readEpilogue();
  LogicalResult readGeneric(linalg::GenericOp generic);
  LogicalResult readOutputs();
  void findInitialState();
  void findFinalState();

  FusedOp op;
  MixerUnit unit;
  Operation *mixer = nullptr;
  Value y; // of the body, after the epilogue so far
};

} // namespace ssd

/// The buffer that an operand of the mixer is; absent operands have none.
FailureOr<Value> UnitReader::buffer(Value value, StringRef what) {
  if (!value)
    return Value();
  if (Value found = outside(value))
    return found;
  InFlightDiagnostic diagnostic = op.emitError()
                                  << "no kernel computes a mixer whose " << what
                                  << " is computed inside of its unit";
  diagnostic.attachNote(value.getLoc()) << "here";
  return diagnostic;
}

LogicalResult UnitReader::read(UnitBuffer &into, Value value, StringRef what) {
  FailureOr<Value> found = buffer(value, what);
  if (failed(found))
    return failure();
  into = {*found, !unit.isStep};
  return success();
}

LogicalResult UnitReader::read(UnitFactor &into, Value value, StringRef what) {
  auto discretize = value ? value.getDefiningOp<DiscretizeOp>() : nullptr;
  if (!discretize)
    return read(into.raw, value, what);
  FailureOr<Value> bias = buffer(discretize.getBias(), "step size bias");
  if (failed(bias))
    return failure();
  into.bias = *bias;
  into.softplus = discretize.getSoftplus();
  auto number = [](std::optional<APFloat> value) -> std::optional<float> {
    return value ? std::optional(value->convertToFloat()) : std::nullopt;
  };
  into.min = number(discretize.getMin());
  into.max = number(discretize.getMax());
  return read(into.raw, discretize.getRaw(), "raw step size");
}

template <typename Mixer> LogicalResult UnitReader::readMixer(Mixer op) {
  auto state = cast<ShapedType>(op.getStateInit().getType());
  auto map = cast<ShapedType>(op.getB().getType());
  unit.heads = state.getDimSize(1);
  unit.headDim = state.getDimSize(2);
  unit.stateDim = state.getDimSize(3);
  unit.groups = map.getDimSize(map.getRank() - 2);
  FailureOr<Value> rate = buffer(op.getRate(), "rate");
  FailureOr<Value> slots = buffer(op.getSlots(), "slots");
  if (failed(rate) || failed(slots))
    return failure();
  unit.rate = *rate, unit.slots = *slots;
  unit.kernel = op->template getAttrOfType<StringAttr>(
      hopper::HopperDialect::kKernelAttr);
  unit.stages = op->template getAttrOfType<hopper::StagesAttr>(
      hopper::HopperDialect::kStagesAttr);
  unit.scaleIsDecay = op.getScale() && op.getScale() == op.getDecay();
  y = op->getResult(0);
  return failure(failed(read(unit.x, op.getX(), "x")) ||
                 failed(read(unit.b, op.getB(), "b")) ||
                 failed(read(unit.c, op.getC(), "c")) ||
                 failed(read(unit.decay, op.getDecay(), "decay")) ||
                 failed(read(unit.scale, op.getScale(), "scale")));
}

LogicalResult UnitReader::readMix(MixOp op) {
  unit.form = op.getFormAttr();
  unit.reverse = op.getDirection() == Direction::reverse;
  unit.leadingSegment = op.getLeadingSegment();
  unit.checkpointEvery = op.getCheckpointEvery();
  FailureOr<Value> offsets = buffer(op.getOffsets(), "offsets");
  if (failed(offsets))
    return failure();
  unit.offsets = *offsets;
  return failure(
      failed(read(unit.segmentIds, op.getSegmentIds(), "segment ids")) ||
      failed(readMixer(op)));
}

LogicalResult UnitReader::readGeneric(linalg::GenericOp generic) {
  for (OpOperand *input : generic.getDpsInputOperands()) {
    if (input->get() == y)
      continue;
    Value memref = outside(input->get());
    if (!memref)
      return generic.emitError()
             << "no kernel computes this op after a mixer: operand "
             << input->getOperandNumber() << " is computed inside of the unit";
    unit.epilogue.inputs.push_back({memref,
                                    generic.getMatchingIndexingMap(input),
                                    memref == unit.x.memref});
  }
  OpOperand *init = generic.getDpsInitOperand(0);
  if (generic.payloadUsesValueFromOperand(init) && init->get() != y)
    return generic.emitError() << "no kernel computes this op after a mixer: "
                                  "it reads what its result is written over";
  unit.epilogue.steps.push_back({generic, y});
  y = generic.getResult(0);
  return success();
}

LogicalResult UnitReader::readEpilogue() {
  for (Operation &inner : op.getBody().front().without_terminator()) {
    if (&inner == mixer || isa<DiscretizeOp>(inner) ||
        inner.hasTrait<OpTrait::ConstantLike>())
      continue;
    auto generic = dyn_cast<linalg::GenericOp>(inner);
    if (!generic || generic->getNumResults() != 1)
      return inner.emitError()
             << "no kernel computes '" << inner.getName() << "' around a mixer";
    if (failed(readGeneric(generic)))
      return failure();
  }
  return success();
}

/// What is written where: y, the state and the checkpoints.
LogicalResult UnitReader::readOutputs() {
  auto yielded =
      cast<YieldOp>(op.getBody().front().getTerminator()).getValues();
  SmallVector<Value> expected = {y};
  llvm::append_range(expected, mixer->getResults().drop_front());
  if (!llvm::equal(yielded, expected))
    return op.emitError()
           << "no kernel computes a unit that does not yield the "
              "last value of y and the mixer's states";
  unit.y = {op.getOuts()[0], !unit.isStep};
  unit.initialState = unit.finalState = op.getOuts()[1];
  if (op.getOuts().size() > 2)
    unit.checkpoints = op.getOuts()[2];
  auto destination = cast<DestinationStyleOpInterface>(mixer);
  if (outside(destination.getDpsInits()[1]) != unit.initialState)
    return op.emitError()
           << "no kernel computes a unit whose state starts from "
              "something else than the state it ends in";
  return success();
}

/// Whether `value` is memory of its own: no view of another value.
static bool isWhole(Value value) {
  return isa<BlockArgument>(value) || value.getDefiningOp<memref::AllocOp>();
}

/// A state that was copied or cleared just to be the unit's is read where it
/// comes from, or not at all.
void UnitReader::findInitialState() {
  // Rows of a pool that no slot names keep what was copied there.
  if (unit.slots)
    return;
  Value state = unit.finalState;
  SmallVector<Value> written;
  for (Operation *before = op->getPrevNode(); before && isWhole(state);
       before = before->getPrevNode()) {
    auto copy = dyn_cast<memref::CopyOp>(before);
    auto fill = dyn_cast<linalg::FillOp>(before);
    Value target = copy   ? copy.getTarget()
                   : fill ? fill.getOutputs()[0]
                          : Value();
    if (target == state) {
      bool isZero = fill && matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
      bool isKept = copy && isWhole(copy.getSource()) &&
                    !llvm::is_contained(written, copy.getSource());
      if (!isZero && !isKept)
        return;
      unit.initialState = copy ? copy.getSource() : Value();
      unit.replaced.push_back(before);
      return;
    }
    if (llvm::is_contained(before->getOperands(), state))
      return;
    if (target && isWhole(target))
      written.push_back(target);
    else if (!isa<memref::AllocOp>(before) && !isMemoryEffectFree(before))
      return;
  }
}

/// Where a state goes that is only computed to be copied, or nobody reads.
void UnitReader::findFinalState() {
  auto alloc = unit.finalState.getDefiningOp<memref::AllocOp>();
  if (!alloc || unit.initialState == unit.finalState)
    return;
  SmallVector<Operation *> readers;
  for (Operation *user : alloc->getUsers())
    if (user != op && !llvm::is_contained(unit.replaced, user))
      readers.push_back(user);
  if (readers.empty()) {
    unit.finalState = {};
    return;
  }
  auto copy = dyn_cast<memref::CopyOp>(readers.front());
  if (readers.size() > 1 || !copy || copy->getBlock() != op->getBlock() ||
      !isa<BlockArgument>(copy.getTarget()) ||
      copy.getTarget() == unit.initialState)
    return;
  // Nothing else may touch the target in between.
  for (Operation *between = op->getNextNode(); between != copy;
       between = between->getNextNode())
    if (llvm::is_contained(between->getOperands(), copy.getTarget()) ||
        isa<func::CallOp>(between))
      return;
  unit.finalState = copy.getTarget();
  unit.replaced.push_back(copy);
}

FailureOr<MixerUnit> UnitReader::read() {
  mixer = op.getMixer();
  unit.isStep = isa<StepOp>(mixer);
  LogicalResult ok = unit.isStep ? readMixer(cast<StepOp>(mixer))
                                 : readMix(cast<MixOp>(mixer));
  if (failed(ok) || failed(readEpilogue()) || failed(readOutputs()))
    return failure();
  findInitialState();
  findFinalState();
  return std::move(unit);
}

FailureOr<MixerUnit> MixerUnit::read(FusedOp op) {
  return UnitReader(op).read();
}

//===----------------------------------------------------------------------===//
// Epilogue
//===----------------------------------------------------------------------===//

namespace {

/// Emits the payloads of elementwise ops on f32 values. A value of a narrower
/// type is held as the f32 that it was rounded to.
class PayloadEmitter {
public:
  PayloadEmitter(OpBuilder &builder, Location loc)
      : builder(builder), loc(loc) {}

  void map(Value from, Value to) { mapping.map(from, to); }
  Value lookup(Value from) { return mapping.lookup(from); }
  void emit(Operation &op);
  /// f32 of what `value` is rounded to when it is stored as `type`.
  Value round(Value value, Type type);

private:
  void emitConstant(arith::ConstantOp op);

  OpBuilder &builder;
  Location loc;
  IRMapping mapping;
};

} // namespace

Value PayloadEmitter::round(Value value, Type type) {
  if (type.isF32() || !isa<FloatType>(type))
    return value;
  Value narrow = arith::TruncFOp::create(builder, loc, type, value);
  return arith::ExtFOp::create(builder, loc, builder.getF32Type(), narrow);
}

void PayloadEmitter::emitConstant(arith::ConstantOp op) {
  Attribute value = op.getValue();
  if (auto number = dyn_cast<FloatAttr>(value))
    value = builder.getF32FloatAttr(number.getValueAsDouble());
  map(op, arith::ConstantOp::create(builder, loc, cast<TypedAttr>(value)));
}

void PayloadEmitter::emit(Operation &op) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return emitConstant(constant);
  if (isa<arith::ExtFOp>(op))
    return map(op.getResult(0), lookup(op.getOperand(0)));
  if (isa<arith::TruncFOp>(op))
    return map(op.getResult(0),
               round(lookup(op.getOperand(0)), op.getResult(0).getType()));
  Operation *clone = builder.clone(op, mapping);
  for (auto [from, to] : llvm::zip(op.getResults(), clone->getResults())) {
    Type type = from.getType();
    if (isa<FloatType>(type)) {
      to.setType(builder.getF32Type());
      map(from, round(to, type));
    }
  }
}

/// Constants of the unit that a payload uses.
static SetVector<Value> getConstants(linalg::GenericOp op) {
  SetVector<Value> constants;
  getUsedValuesDefinedAbove(op->getRegions(), constants);
  return constants;
}

Value Epilogue::emit(OpBuilder &builder, Location loc, Value y,
                     ValueRange values) const {
  PayloadEmitter emitter(builder, loc);
  Value current = y;
  for (const Step &step : steps) {
    linalg::GenericOp op = step.op;
    for (OpOperand &operand : op->getOpOperands()) {
      Value argument = op.getMatchingBlockArgument(&operand);
      if (op.isDpsInit(&operand) || operand.get() == step.y) {
        bool isMixers = &step == &steps.front();
        emitter.map(argument, isMixers
                                  ? current
                                  : emitter.round(current, argument.getType()));
      } else {
        emitter.map(argument, values.front());
        values = values.drop_front();
      }
    }
    for (Value constant : getConstants(op))
      emitter.emit(*constant.getDefiningOp());
    Operation *terminator = op.getBody()->getTerminator();
    for (Operation &inner : op.getBody()->without_terminator())
      emitter.emit(inner);
    // The last rounding is the store's.
    Value yielded = terminator->getOperand(0);
    auto last = yielded.getDefiningOp<arith::TruncFOp>();
    current =
        emitter.lookup(last && &step == &steps.back() ? last.getIn() : yielded);
  }
  return current;
}
