//===- HopperControlOps.cpp - Roles, barriers and rings ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Hopper/HopperOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace ssd::hopper;

//===----------------------------------------------------------------------===//
// hopper.specialize
//===----------------------------------------------------------------------===//

static ParseResult parseIntegers(OpAsmParser &parser, StringRef keyword,
                                 DenseI32ArrayAttr &attr) {
  SmallVector<int32_t> values;
  auto parseOne = [&]() { return parser.parseInteger(values.emplace_back()); };
  if (parser.parseKeyword(keyword) ||
      parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Square, parseOne))
    return failure();
  attr = parser.getBuilder().getDenseI32ArrayAttr(values);
  return success();
}

ParseResult SpecializeOp::parse(OpAsmParser &parser, OperationState &result) {
  DenseI32ArrayAttr warpgroups, registers;
  if (parseIntegers(parser, "warpgroups", warpgroups) ||
      parseIntegers(parser, "registers", registers) ||
      parser.parseOptionalAttrDict(result.attributes))
    return failure();
  result.addAttribute("warpgroups", warpgroups);
  result.addAttribute("registers", registers);
  while (succeeded(parser.parseOptionalKeyword("role"))) {
    Region *region = result.addRegion();
    if (parser.parseRegion(*region))
      return failure();
    ensureTerminator(*region, parser.getBuilder(), result.location);
  }
  return success();
}

void SpecializeOp::print(OpAsmPrinter &printer) {
  auto list = [&](StringRef keyword, ArrayRef<int32_t> values) {
    printer << " " << keyword << " [";
    llvm::interleaveComma(values, printer);
    printer << "]";
  };
  list("warpgroups", getWarpgroups());
  list("registers", getRegisters());
  printer.printOptionalAttrDict((*this)->getAttrs(),
                                {"warpgroups", "registers"});
  for (Region &role : getRoles()) {
    printer.printNewline();
    printer << "role ";
    printer.printRegion(role);
  }
}

LogicalResult SpecializeOp::verify() {
  if (getRoles().empty() || getWarpgroups().size() != getRoles().size() ||
      getRegisters().size() != getRoles().size())
    return emitOpError(
        "(SPEC1) takes one region, warpgroup count and budget a role");
  int64_t sum = 0, warpgroups = 0;
  for (auto [count, budget] : llvm::zip(getWarpgroups(), getRegisters())) {
    if (count < 1 || budget < 24 || budget > 240 || budget % 8)
      return emitOpError("(SPEC2) a budget is a multiple of 8 in 24 to 240");
    sum += int64_t(count) * budget;
    warpgroups += count;
  }
  int64_t most = warpgroups * getEqualBudget(warpgroups);
  if (sum > most)
    return emitOpError("(SPEC2) the budgets of ")
           << warpgroups << " warpgroups sum to " << sum << ", more than "
           << most;
  for (Region &role : getRoles())
    if (role.getNumArguments() != 1 ||
        !role.getArgument(0).getType().isInteger(32))
      return emitOpError("(SPEC3) a role takes one i32");
  return success();
}

void YieldOp::build(OpBuilder &, OperationState &) {}

//===----------------------------------------------------------------------===//
// hopper.elect
//===----------------------------------------------------------------------===//

ParseResult ElectOp::parse(OpAsmParser &parser, OperationState &result) {
  StringRef keyword;
  if (parser.parseKeyword("by"))
    return failure();
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&keyword) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  auto agent = symbolizeAgent(keyword);
  if (!agent)
    return parser.emitError(loc, "expected warp or warpgroup");
  result.addAttribute("agent", AgentAttr::get(parser.getContext(), *agent));
  Region *body = result.addRegion();
  if (parser.parseRegion(*body))
    return failure();
  ensureTerminator(*body, parser.getBuilder(), result.location);
  return success();
}

void ElectOp::print(OpAsmPrinter &printer) {
  printer << " by " << stringifyAgent(getAgent());
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {"agent"});
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false,
                      /*printBlockTerminators=*/false);
}

//===----------------------------------------------------------------------===//
// Clusters
//===----------------------------------------------------------------------===//

bool ssd::hopper::isInCluster(Operation *op) {
  // By name: this dialect uses no ops of the gpu dialect. Kernels are lowered
  // before what is in them.
  for (; op; op = op->getParentOp()) {
    StringRef name = op->getName().getStringRef();
    if (name == "gpu.func")
      return op->hasAttr("known_cluster_size");
    if (name == "llvm.func")
      return op->hasAttr("nvvm.cluster_dim");
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Barriers and rings
//===----------------------------------------------------------------------===//

LogicalResult BarrierOp::verify() {
  if (bool(getId()) != getThreads().has_value())
    return emitOpError("(BARR1) has a number of threads exactly with an id");
  if (getThreads() &&
      (*getThreads() == 0 || *getThreads() % 32 || *getThreads() > 1024))
    return emitOpError(
        "(BARR1) threads are a positive multiple of 32 up to 1024");
  return success();
}

LogicalResult RingOp::verify() {
  if (getOffset() % 8 || getProducers() == 0 || getConsumers() == 0)
    return emitOpError("(RINGOP1) the offset is a multiple of 8, arrivals are "
                       "positive");
  return success();
}

LogicalResult InitRingsOp::verify() {
  for (Value ring : getRings())
    if (!ring.getDefiningOp<RingOp>())
      return emitOpError("(INIT1) operands are results of hopper.ring");
  return success();
}
