//===- SSDOps.cpp - Verifiers of the whole-sequence ops ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/SSDOps.h"

#include "dialect/SSD/OpSupport.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace ssd;
using namespace ssd::detail;

#define GET_OP_CLASSES
#include "dialect/SSD/SSDOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Destination style
//===----------------------------------------------------------------------===//

// What every destination-style op answers in the same way.
#define SSD_DESTINATION_OP(Op)                                                 \
  LogicalResult Op::inferReturnTypes(MLIRContext *, std::optional<Location>,   \
                                     Op::Adaptor adaptor,                      \
                                     SmallVectorImpl<Type> &types) {           \
    appendResultTypes(adaptor.getOuts(), types);                               \
    return success();                                                          \
  }                                                                            \
  LogicalResult Op::reifyResultShapes(OpBuilder &builder,                      \
                                      ReifiedRankedShapedTypeDims &shapes) {   \
    return reifyDestinations(builder, *this, getOuts(), shapes);               \
  }                                                                            \
  void Op::getEffects(                                                         \
      SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {               \
    appendEffects(*this, getOutsMutable(), effects);                           \
  }

SSD_DESTINATION_OP(MixOp)
SSD_DESTINATION_OP(StepOp)
SSD_DESTINATION_OP(DiscretizeOp)
SSD_DESTINATION_OP(CausalConv1DOp)
SSD_DESTINATION_OP(RMSNormOp)
SSD_DESTINATION_OP(StatePassOp)
SSD_DESTINATION_OP(CumulativeDecayOp)
SSD_DESTINATION_OP(ChunkScoresOp)
SSD_DESTINATION_OP(ChunkOutputOp)
SSD_DESTINATION_OP(ChunkScanOp)
SSD_DESTINATION_OP(ChunkStateOp)

#undef SSD_DESTINATION_OP

//===----------------------------------------------------------------------===//
// MixOp
//===----------------------------------------------------------------------===//

/// Checks that are the same for a sequence and for one token of it: `lead` are
/// the sizes before the head, [B, L] or [B].
static LogicalResult verifyMixer(Operation *op, ArrayRef<int64_t> lead, Value x,
                                 Value b, Value c, Value decay, Value rate,
                                 Value scale, Value y, Value state,
                                 StringRef prefix) {
  auto label = [&](int number) { return prefix.str() + std::to_string(number); };
  size_t n = lead.size();
  int64_t heads = shapeOf(x)[n], headDim = shapeOf(x)[n + 1];
  int64_t groups = shapeOf(b)[n], stateDim = shapeOf(b)[n + 1];
  for (int64_t size : {heads, headDim, groups, stateDim})
    if (ShapedType::isDynamic(size) || size == 0)
      return op->emitOpError()
             << "heads, head dimension, groups and state dimension must be "
                "static and positive ("
             << label(1) << ")";
  if (heads % groups)
    return op->emitOpError()
           << "groups must divide heads, got " << heads << " heads in "
           << groups << " groups (" << label(2) << ")";

  auto sizes = [&](ArrayRef<int64_t> tail) {
    SmallVector<int64_t> shape(lead);
    llvm::append_range(shape, tail);
    return shape;
  };
  if (failed(expectShape(op, b, "b", sizes({groups, stateDim}), label(3))) ||
      failed(expectShape(op, c, "c", sizes({groups, stateDim}), label(3))))
    return failure();
  if (elementOf(b) != elementOf(x) || elementOf(c) != elementOf(x))
    return op->emitOpError()
           << "x, b and c must have one element type, got " << elementOf(x)
           << ", " << elementOf(b) << " and " << elementOf(c) << " ("
           << label(3) << ")";

  bool diagonal = decay && shapeOf(decay).size() == n + 2;
  SmallVector<int64_t> decayShape =
      diagonal ? sizes({heads, stateDim}) : sizes({heads});
  SmallVector<int64_t> rateShape = {heads};
  if (rate && shapeOf(rate).size() == 2)
    rateShape.push_back(stateDim);
  if (failed(expectShape(op, decay, "decay", decayShape, label(4))) ||
      failed(expectShape(op, rate, "rate", rateShape, label(4))) ||
      failed(expectShape(op, scale, "scale", sizes({heads}), label(4))))
    return failure();
  return expectShape(op, y, "y", sizes({heads, headDim}), label(5));
}

bool MixOp::hasDiagonalDecay() {
  return (getDecay() && shapeOf(getDecay()).size() == 4) ||
         (getRate() && shapeOf(getRate()).size() == 2);
}

static LogicalResult verifyForm(MixOp op) {
  if (!op.hasDiagonalDecay() || !op.getFormAttr())
    return success();
  SmallVector<Attribute> forms = {op.getFormAttr()};
  if (auto dispatch = dyn_cast<DispatchAttr>(op.getFormAttr()))
    forms = SmallVector<Attribute>(dispatch.getForms());
  for (Attribute form : forms)
    if (!cast<FormInterface>(form).supportsDiagonalDecay())
      return op.emitOpError()
             << "form " << form
             << " does not compute a decay per state column (MIX11)";
  return success();
}

static LogicalResult verifyPacking(MixOp op) {
  int64_t batch = op.getBatch(), length = op.getLength();
  if (op.getOffsets()) {
    if (!compatible(batch, 1))
      return op.emitOpError()
             << "offsets need batch 1, got " << batch << " (MIX8)";
    if (op.getLeadingSegment() || op.getSlots() || op.getCheckpointEvery())
      return op.emitOpError()
             << "offsets exclude leading_segment, slots and checkpoints (MIX8)";
  }
  if (op.getLeadingSegment() && !op.getSegmentIds())
    return op.emitOpError() << "leading_segment needs segment_ids (MIX7)";
  int64_t ids = length;
  if (op.getLeadingSegment() && !ShapedType::isDynamic(length))
    ids += 1;
  if (failed(expectShape(op, op.getSegmentIds(), "segment_ids", {batch, ids},
                         "MIX7")))
    return failure();
  return expectShape(op, op.getSlots(), "slots", {batch}, "MIX9");
}

static LogicalResult verifyStates(MixOp op) {
  int64_t rows = op.getBatch();
  if (op.getSlots())
    rows = ShapedType::kDynamic;
  if (op.getOffsets()) {
    int64_t offsets = shapeOf(op.getOffsets())[0];
    rows = ShapedType::isDynamic(offsets) ? offsets : offsets - 1;
  }
  int64_t heads = op.getHeads(), headDim = op.getHeadDim();
  int64_t stateDim = shapeOf(op.getB())[3];
  if (failed(expectShape(op, op.getStateInit(), "state",
                         {rows, heads, headDim, stateDim}, "MIX6")))
    return failure();

  std::optional<int64_t> every = op.getCheckpointEvery();
  if (every.has_value() != (op.getOuts().size() == 3))
    return op.emitOpError() << "checkpoint_every and a checkpoints destination "
                               "must come together (MIX10)";
  if (!every)
    return success();
  if (*every <= 0)
    return op.emitOpError()
           << "checkpoint_every must be positive, got " << *every << " (MIX10)";
  int64_t length = op.getLength();
  int64_t count = ShapedType::isDynamic(length) ? length : length / *every;
  return expectShape(op, op.getCheckpointsInit(), "checkpoints",
                     {op.getBatch(), count, heads, headDim, stateDim}, "MIX10");
}

LogicalResult MixOp::verify() {
  if (getOuts().size() < 2 || getOuts().size() > 3)
    return emitOpError() << "expected 2 or 3 outs (y, state, checkpoints), got "
                         << getOuts().size();
  if (failed(expectOneKind(*this, "MIX12")) ||
      failed(verifyMixer(*this, {getBatch(), getLength()}, getX(), getB(),
                         getC(), getDecay(), getRate(), getScale(), getYInit(),
                         getStateInit(), "MIX")))
    return failure();
  if (failed(verifyStates(*this)) || failed(verifyPacking(*this)))
    return failure();
  return verifyForm(*this);
}

//===----------------------------------------------------------------------===//
// StepOp
//===----------------------------------------------------------------------===//

LogicalResult StepOp::verify() {
  if (failed(expectOuts(*this, getOuts(), {"y", "state"})) ||
      failed(expectOneKind(*this, "STEP7")))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX());
  if (failed(verifyMixer(*this, {x[0]}, getX(), getB(), getC(), getDecay(),
                         getRate(), getScale(), getYInit(), getStateInit(),
                         "STEP")))
    return failure();
  int64_t rows = getSlots() ? ShapedType::kDynamic : x[0];
  if (failed(expectShape(*this, getStateInit(), "state",
                         {rows, x[1], x[2], shapeOf(getB())[2]}, "STEP5")))
    return failure();
  return expectShape(*this, getSlots(), "slots", {x[0]}, "STEP6");
}

//===----------------------------------------------------------------------===//
// DiscretizeOp, CausalConv1DOp, RMSNormOp, StatePassOp
//===----------------------------------------------------------------------===//

LogicalResult DiscretizeOp::verify() {
  if (failed(expectOuts(*this, getOuts(), {"step sizes"})) ||
      failed(expectOneKind(*this, "DISC4")) ||
      failed(expectShape(*this, getOuts()[0], "outs", shapeOf(getRaw()),
                         "DISC1")) ||
      failed(expectShape(*this, getBias(), "bias", shapeOf(getRaw()).back(),
                         "DISC2")))
    return failure();
  std::optional<APFloat> min = getMin(), max = getMax();
  if (min && max && !(*min <= *max))
    return emitOpError() << "min must be at most max (DISC3)";
  return success();
}

LogicalResult CausalConv1DOp::verify() {
  if (failed(expectOuts(*this, getOuts(), {"y", "window"})) ||
      failed(expectOneKind(*this, "CONV5")))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX());
  int64_t channels = x[2], width = shapeOf(getWeight())[1];
  if (ShapedType::isDynamic(channels) || ShapedType::isDynamic(width) ||
      width < 1)
    return emitOpError()
           << "channels and kernel width must be static and positive (CONV1)";
  if (failed(expectShape(*this, getWeight(), "weight", {channels, width},
                         "CONV2")) ||
      failed(expectShape(*this, getBias(), "bias", {channels}, "CONV2")) ||
      failed(expectShape(*this, getOuts()[0], "y", x, "CONV3")) ||
      failed(expectShape(*this, getOuts()[1], "window",
                         {x[0], width - 1, channels}, "CONV4")))
    return failure();
  if (elementOf(getOuts()[1]) != elementOf(getX()))
    return emitOpError() << "window must have x's element type (CONV4)";
  return success();
}

LogicalResult RMSNormOp::verify() {
  if (failed(expectOuts(*this, getOuts(), {"y"})) ||
      failed(expectOneKind(*this, "NORM6")))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX());
  int64_t channels = x.back();
  if (ShapedType::isDynamic(channels) || channels == 0)
    return emitOpError() << "channels must be static and positive (NORM1)";
  if (failed(expectShape(*this, getWeight(), "weight", {channels}, "NORM2")) ||
      failed(expectShape(*this, getOuts()[0], "y", x, "NORM3")))
    return failure();
  int64_t group = getGroupSize().value_or(channels);
  if (group <= 0 || channels % group)
    return emitOpError() << "group_size must be positive and divide "
                         << channels << ", got " << group << " (NORM4)";
  if ((getGate() != Gate::none) != static_cast<bool>(getGateInput()))
    return emitOpError()
           << "a gate operand and gate = before or after must come together "
              "(NORM5)";
  return expectShape(*this, getGateInput(), "gate", x, "NORM5");
}

LogicalResult StatePassOp::verify() {
  if (failed(expectOuts(*this, getOuts(), {"start", "state"})) ||
      failed(expectOneKind(*this, "PASS4")))
    return failure();
  ArrayRef<int64_t> local = shapeOf(getLocal());
  if (failed(expectShape(*this, getOuts()[0], "start", local, "PASS1")) ||
      failed(expectShape(*this, getLogDecay(), "log_decay",
                         local.take_front(3), "PASS2")))
    return failure();
  return expectShape(*this, getOuts()[1], "state",
                     {local[0], local[2], local[3], local[4]}, "PASS3");
}

//===----------------------------------------------------------------------===//
// FusedOp
//===----------------------------------------------------------------------===//

/// The type that the body sees of an operand.
static Type asTensor(Type type) {
  auto shaped = dyn_cast<MemRefType>(type);
  return shaped ? RankedTensorType::get(shaped.getShape(), shaped.getElementType())
                : type;
}

ParseResult FusedOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<int32_t> segments;
  // keyword(%arg = %operand : type, ...)
  auto parseBindings = [&](StringRef keyword) -> ParseResult {
    size_t before = operands.size();
    auto parseOne = [&]() -> ParseResult {
      auto &argument = arguments.emplace_back();
      if (parser.parseArgument(argument) || parser.parseEqual() ||
          parser.parseOperand(operands.emplace_back()) ||
          parser.parseColonType(argument.type))
        return failure();
      return success();
    };
    if (parser.parseKeyword(keyword) ||
        parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, parseOne))
      return failure();
    segments.push_back(operands.size() - before);
    return success();
  };
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseOptionalAttrDict(result.attributes) || parseBindings("ins") ||
      parseBindings("outs"))
    return failure();
  SmallVector<Type> types;
  for (auto &argument : arguments) {
    types.push_back(argument.type);
    argument.type = asTensor(argument.type);
  }
  if (parser.resolveOperands(operands, types, loc, result.operands))
    return failure();
  for (Type type : ArrayRef<Type>(types).drop_front(segments[0]))
    if (isa<TensorType>(type))
      result.addTypes(type);
  llvm::copy(segments,
             result.getOrAddProperties<Properties>().operandSegmentSizes.begin());
  Region *body = result.addRegion();
  if (parser.parseRegion(*body, arguments))
    return failure();
  ensureTerminator(*body, parser.getBuilder(), result.location);
  return success();
}

void FusedOp::print(OpAsmPrinter &printer) {
  printer.printOptionalAttrDict((*this)->getAttrs(),
                                {getOperandSegmentSizesAttrName()});
  auto arguments = getBody().getArguments();
  auto printBindings = [&](StringRef keyword, OperandRange operands,
                           size_t first) {
    printer << " " << keyword << "(";
    llvm::interleaveComma(llvm::enumerate(operands), printer, [&](auto item) {
      printer.printRegionArgument(arguments[first + item.index()], {},
                                  /*omitType=*/true);
      printer << " = " << item.value() << " : " << item.value().getType();
    });
    printer << ")";
  };
  printBindings("ins", getInputs(), 0);
  printBindings("outs", getOuts(), getInputs().size());
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

LogicalResult FusedOp::verify() {
  if (failed(expectOneKind(*this, "FUSED4")))
    return failure();
  SmallVector<Type> expected;
  appendResultTypes(getOuts(), expected);
  if (getResultTypes() != TypeRange(expected))
    return emitOpError() << "results must have the types of outs (FUSED2)";
  return success();
}

LogicalResult FusedOp::verifyRegions() {
  auto operands = llvm::map_to_vector(getOperandTypes(), asTensor);
  if (getBody().getArgumentTypes() != TypeRange(operands))
    return emitOpError() << "block arguments must be tensors of the operands' "
                            "shapes and elements (FUSED1)";
  auto yield = cast<YieldOp>(getBody().front().getTerminator());
  auto outs = ArrayRef<Type>(operands).take_back(getOuts().size());
  if (yield.getValues().getTypes() != TypeRange(outs))
    return emitOpError()
           << "yielded values must have the types of outs (FUSED2)";
  if (llvm::count_if(getBody().front(), llvm::IsaPred<MixOp, StepOp>) != 1)
    return emitOpError()
           << "the body must hold exactly one ssd.mix or ssd.step (FUSED3)";
  return success();
}

void FusedOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  appendEffects(*this, getOutsMutable(), effects);
}

Operation *FusedOp::getMixer() {
  return &*llvm::find_if(getBody().front(), llvm::IsaPred<MixOp, StepOp>);
}
