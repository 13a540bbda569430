//===- LowerRings.cpp - Rings of mbarriers ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/Emitter.h"

using namespace mlir;
using namespace ssd::hopper;

//===----------------------------------------------------------------------===//
// Cursors
//===----------------------------------------------------------------------===//

// A cursor counts modulo 2·stages: stage = cursor mod stages, and the phase
// parity flips each time around.

Value ssd::hopper::stageOf(Emitter &emit, Value cursor, int64_t stages) {
  if (llvm::isPowerOf2_64(stages))
    return emit.band(cursor, stages - 1);
  Value wrapped =
      arith::CmpIOp::create(emit.builder, emit.loc, arith::CmpIPredicate::uge,
                            cursor, emit.constant(stages));
  return arith::SelectOp::create(emit.builder, emit.loc, wrapped,
                                 emit.add(cursor, -int32_t(stages)), cursor);
}

Value ssd::hopper::phaseOf(Emitter &emit, Value cursor, int64_t stages) {
  Value wrapped =
      arith::CmpIOp::create(emit.builder, emit.loc, arith::CmpIPredicate::uge,
                            cursor, emit.constant(stages));
  return arith::ExtUIOp::create(emit.builder, emit.loc, emit.i32(), wrapped);
}

Value ssd::hopper::fullBarrier(Emitter &emit, Value ring, Value cursor,
                               int64_t stages) {
  return emit.address(
      emit.offset(ring, emit.mul(stageOf(emit, cursor, stages), 8)));
}

Value ssd::hopper::emptyBarrier(Emitter &emit, Value ring, Value cursor,
                                int64_t stages) {
  return emit.address(
      emit.offset(emit.offset(ring, emit.mul(stageOf(emit, cursor, stages), 8)),
                  int32_t(8 * stages)));
}

namespace {

Value lowerCursor(Emitter &emit, CursorOp op, CursorOp::Adaptor) {
  return emit.constant(0);
}

Value lowerAdvance(Emitter &emit, AdvanceOp op, AdvanceOp::Adaptor adaptor) {
  int64_t period = 2 * op.getCursor().getType().getStages();
  Value next = emit.add(adaptor.getCursor(), 1);
  if (llvm::isPowerOf2_64(period)) {
    return emit.band(next, period - 1);
  }
  return arith::SelectOp::create(emit.builder, emit.loc,
                                 emit.equals(next, period), emit.constant(0),
                                 next);
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

/// Waits until the phase of parity $1 of barrier $0 is complete, and where
/// `canSkip` not at all if $2 holds. On Hopper the thread sleeps meanwhile,
/// elsewhere it spins, and lanes may see the end at different times. `order` is
/// how it acquires, by default at the scope of the block. Labels are local to
/// the braces.
std::string waitText(Operation *op, bool canSkip, StringRef order = "") {
  std::string text = "{ .reg .pred p;\n";
  if (canSkip)
    text += "setp.ne.b32 p, $2, 0;\n"
            "@p bra.uni done;\n";
  if (isForHopper(op))
    text += ("again:\n"
             "mbarrier.try_wait.parity" +
             order +
             ".shared::cta.b64 p, [$0], $1;\n"
             "@p bra.uni done;\n"
             "bra.uni again;\n")
                .str();
  else
    text += "again:\n"
            "mbarrier.test_wait.parity.shared::cta.b64 p, [$0], $1;\n"
            "@!p bra again;\n";
  return text + "done: }";
}

constexpr StringLiteral kTry = "{ .reg .pred p;\n"
                               "mbarrier.test_wait.parity.shared::cta.b64 p, "
                               "[$1], $2;\n"
                               "selp.b32 $0, 1, 0, p; }";

Value lowerTry(Emitter &emit, TryOp op, TryOp::Adaptor adaptor) {
  int64_t stages = op.getRing().getType().getStages();
  Value full = emit.assembly(
      {emit.i32()}, kTry, "=r,r,r,~{memory}",
      {fullBarrier(emit, adaptor.getRing(), adaptor.getCursor(), stages),
       phaseOf(emit, adaptor.getCursor(), stages)})[0];
  return arith::TruncIOp::create(emit.builder, emit.loc,
                                 emit.builder.getI1Type(), full);
}

Value lowerWait(Emitter &emit, WaitOp op, WaitOp::Adaptor adaptor) {
  int64_t stages = op.getRing().getType().getStages();
  SmallVector<Value> operands = {
      fullBarrier(emit, adaptor.getRing(), adaptor.getCursor(), stages),
      phaseOf(emit, adaptor.getCursor(), stages)};
  if (adaptor.getFull())
    operands.push_back(arith::ExtUIOp::create(emit.builder, emit.loc,
                                              emit.i32(), adaptor.getFull()));
  emit.assembly(waitText(op, bool(adaptor.getFull())),
                adaptor.getFull() ? "r,r,r,~{memory}" : "r,r,~{memory}",
                operands);
  return {};
}

Value lowerAcquire(Emitter &emit, AcquireOp op, AcquireOp::Adaptor adaptor) {
  int64_t stages = op.getRing().getType().getStages();
  // The phase before the first counts as complete: the opposite parity.
  Value parity =
      emit.bxor(phaseOf(emit, adaptor.getCursor(), stages), emit.constant(1));
  emit.assembly(
      waitText(op, /*canSkip=*/false,
               isInCluster(op) ? ".acquire.cluster" : ""),
      "r,r,~{memory}",
      {emptyBarrier(emit, adaptor.getRing(), adaptor.getCursor(), stages),
       parity});
  return {};
}

Value lowerExpect(Emitter &emit, ExpectOp op, ExpectOp::Adaptor adaptor) {
  emit.assembly("mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;",
                "r,r,~{memory}",
                {fullBarrier(emit, adaptor.getRing(), adaptor.getCursor(),
                             op.getRing().getType().getStages()),
                 emit.constant(op.getBytes())});
  return {};
}

void arrive(Emitter &emit, Value barrier, Agent agent) {
  if (agent == Agent::thread) {
    emit.assembly("mbarrier.arrive.shared::cta.b64 _, [$0];", "r,~{memory}",
                  {barrier});
    return;
  }
  if (agent == Agent::warp)
    emit.assembly("bar.warp.sync -1;", "~{memory}");
  Value index = agent == Agent::warp ? emit.lane() : emit.thread();
  emit.assembly("{ .reg .pred p; setp.eq.s32 p, $1, 0;\n"
                "@p mbarrier.arrive.shared::cta.b64 _, [$0]; }",
                "r,r,~{memory}", {barrier, index});
}

/// As `arrive`, at the barrier of the cluster's block of that rank.
void arriveAt(Emitter &emit, Value barrier, Value rank, Agent agent) {
  if (agent == Agent::warp)
    emit.assembly("bar.warp.sync -1;", "~{memory}");
  Value index = agent == Agent::thread ? emit.constant(0)
                : agent == Agent::warp ? emit.lane()
                                       : emit.thread();
  emit.assembly(
      "{ .reg .pred p; .reg .b32 there; setp.eq.s32 p, $2, 0;\n"
      "mapa.shared::cluster.u32 there, $0, $1;\n"
      "@p mbarrier.arrive.release.cluster.shared::cluster.b64 _, [there]; }",
      "r,r,r,~{memory}", {barrier, rank, index});
}

Value lowerCommit(Emitter &emit, CommitOp op, CommitOp::Adaptor adaptor) {
  arrive(emit,
         fullBarrier(emit, adaptor.getRing(), adaptor.getCursor(),
                     op.getRing().getType().getStages()),
         op.getAgent());
  return {};
}

Value lowerCommitCopies(Emitter &emit, CommitCopiesOp op,
                        CommitCopiesOp::Adaptor adaptor) {
  Value barrier = fullBarrier(emit, adaptor.getRing(), adaptor.getCursor(),
                              op.getRing().getType().getStages());
  // Each lane's copies add an arrival to those expected, and make it.
  emit.assembly("cp.async.mbarrier.arrive.shared::cta.b64 [$0];", "r,~{memory}",
                {barrier});
  arrive(emit, barrier, Agent::warp);
  return {};
}

Value lowerRelease(Emitter &emit, ReleaseOp op, ReleaseOp::Adaptor adaptor) {
  Value barrier = emptyBarrier(emit, adaptor.getRing(), adaptor.getCursor(),
                               op.getRing().getType().getStages());
  if (Value rank = adaptor.getRank())
    arriveAt(emit, barrier, rank, op.getAgent());
  else
    arrive(emit, barrier, op.getAgent());
  return {};
}

void initialise(Emitter &emit, RingOp ring, Value pointer) {
  RingType type = ring.getRing().getType();
  for (int64_t i = 0; i < type.getCount() * 2 * type.getStages(); ++i) {
    bool full = i % (2 * type.getStages()) < type.getStages();
    uint32_t arrivals = full ? ring.getProducers() : ring.getConsumers();
    emit.assembly("mbarrier.init.shared::cta.b64 [$0], $1;", "r,r,~{memory}",
                  {emit.address(emit.offset(pointer, int32_t(8 * i))),
                   emit.constant(arrivals)});
  }
}

Value lowerInitRings(Emitter &emit, InitRingsOp op,
                     InitRingsOp::Adaptor adaptor) {
  auto branch = scf::IfOp::create(emit.builder, emit.loc,
                                  emit.equals(emit.threadOfBlock(), 0));
  OpBuilder::InsertionGuard guard(emit.builder);
  emit.builder.setInsertionPointToStart(branch.thenBlock());
  for (auto [ring, pointer] : llvm::zip(op.getRings(), adaptor.getRings()))
    initialise(emit, ring.getDefiningOp<RingOp>(), pointer);
  if (isForHopper(op))
    emit.assembly("fence.mbarrier_init.release.cluster;", "~{memory}");
  return {};
}

} // namespace

void ssd::hopper::populateRingPatterns(const TypeConverter &converter,
                                       RewritePatternSet &patterns) {
  patterns.add<LowerOp<CursorOp, lowerCursor>, LowerOp<AdvanceOp, lowerAdvance>,
               LowerOp<TryOp, lowerTry>, LowerOp<WaitOp, lowerWait>,
               LowerOp<AcquireOp, lowerAcquire>, LowerOp<ExpectOp, lowerExpect>,
               LowerOp<CommitOp, lowerCommit>,
               LowerOp<CommitCopiesOp, lowerCommitCopies>,
               LowerOp<ReleaseOp, lowerRelease>,
               LowerOp<InitRingsOp, lowerInitRings>>(converter,
                                                     patterns.getContext());
}
