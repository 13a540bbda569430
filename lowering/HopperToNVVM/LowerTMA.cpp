//===- LowerTMA.cpp - Bulk copies of boxes ----------------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/Emitter.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace ssd::hopper;

namespace {

/// CUTLASS's createpolicy results for whole accesses.
std::optional<int64_t> cachePolicy(CacheHint hint) {
  switch (hint) {
  case CacheHint::normal:
    return std::nullopt;
  case CacheHint::evict_first:
    return 0x12F0000000000000;
  case CacheHint::evict_last:
    return 0x14F0000000000000;
  }
  llvm_unreachable("unknown hint");
}

/// Copies a tile by one instruction a panel. `format` is its text with {0} for
/// the rank, {1} for the cache hint's suffix, {2} for the coordinates and {3}
/// for the hint, which follow the fixed operands that `operandsOf` gives for a
/// panel's address.
template <typename Op, typename Adaptor>
void copyPanels(Emitter &emit, Op op, Adaptor adaptor, const char *format,
                StringRef fixedConstraints,
                function_ref<SmallVector<Value>(Value)> operandsOf) {
  SharedType tile = op.getTile().getType();
  // Innermost first, as the instruction wants them.
  SmallVector<Value> coordinates(llvm::reverse(adaptor.getCoordinates()));
  unsigned rank = coordinates.size(), fixed = (fixedConstraints.size() + 1) / 2;
  auto policy = cachePolicy(op.getCache());
  std::string text = llvm::formatv(
      false, format, rank, policy ? ".L2::cache_hint" : "",
      operandList(fixed, rank),
      policy ? ", $" + std::to_string(fixed + rank) : std::string());
  std::string constraints = fixedConstraints.str();
  for (unsigned i = 0; i < rank; ++i)
    constraints += ",r";
  constraints += policy ? ",l,~{memory}" : ",~{memory}";
  for (int64_t panel = 0; panel < tile.getPanels(); ++panel) {
    SmallVector<Value> operands = operandsOf(emit.address(
        emit.offset(adaptor.getTile(), int32_t(panel * tile.getPanelBytes()))));
    llvm::append_range(operands, coordinates);
    if (policy)
      operands.push_back(emit.constant64(*policy));
    emit.assembly(text, constraints, operands);
    coordinates.front() = emit.add(coordinates.front(), 64);
  }
}

Value lowerTMAPrefetch(Emitter &emit, TMAPrefetchOp,
                       TMAPrefetchOp::Adaptor adaptor) {
  emit.assembly("prefetch.tensormap [$0];", "l,~{memory}", {adaptor.getMap()});
  return {};
}

Value lowerTMALoad(Emitter &emit, TMALoadOp op, TMALoadOp::Adaptor adaptor) {
  Value barrier = fullBarrier(emit, adaptor.getRing(), adaptor.getCursor(),
                              op.getRing().getType().getStages());
  Value mask = adaptor.getMask();
  copyPanels(emit, op, adaptor,
             mask ? "cp.async.bulk.tensor.{0}d.shared::cluster.global"
                    ".mbarrier::complete_tx::bytes.multicast::cluster{1} "
                    "[$0], [$1, {2}], [$2], $3{3};"
                  : "cp.async.bulk.tensor.{0}d.shared::cluster.global"
                    ".mbarrier::complete_tx::bytes{1} "
                    "[$0], [$1, {2}], [$2]{3};",
             mask ? "r,l,r,h" : "r,l,r", [&](Value target) {
               SmallVector<Value> operands = {target, adaptor.getMap(),
                                              barrier};
               if (mask)
                 operands.push_back(mask);
               return operands;
             });
  return {};
}

Value lowerTMAStore(Emitter &emit, TMAStoreOp op, TMAStoreOp::Adaptor adaptor) {
  copyPanels(emit, op, adaptor,
             "cp.async.bulk.tensor.{0}d.global.shared::cta.bulk_group{1} "
             "[$0, {2}], [$1]{3};",
             "l,r", [&](Value source) -> SmallVector<Value> {
               return {adaptor.getMap(), source};
             });
  emit.assembly("cp.async.bulk.commit_group;", "~{memory}");
  return {};
}

Value lowerTMAStoreWait(Emitter &emit, TMAStoreWaitOp op,
                        TMAStoreWaitOp::Adaptor) {
  Emitter(emit.builder, emit.loc)
      .assembly("cp.async.bulk.wait_group.read " +
                    std::to_string(op.getPending()) + ";",
                "~{memory}");
  return {};
}

} // namespace

void ssd::hopper::populateTMAPatterns(const TypeConverter &converter,
                                      RewritePatternSet &patterns) {
  patterns
      .add<LowerOp<TMAPrefetchOp, lowerTMAPrefetch>,
           LowerOp<TMALoadOp, lowerTMALoad>, LowerOp<TMAStoreOp, lowerTMAStore>,
           LowerOp<TMAStoreWaitOp, lowerTMAStoreWait>>(converter,
                                                       patterns.getContext());
}
