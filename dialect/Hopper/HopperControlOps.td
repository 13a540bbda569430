//===- HopperControlOps.td - Roles, barriers and rings ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HOPPER_CONTROL_OPS
#define HOPPER_CONTROL_OPS

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

def Hopper_SpecializeOp : Hopper_Op<"specialize", [
    SingleBlockImplicitTerminator<"YieldOp">, RecursiveMemoryEffects]> {
  let summary = "gives warpgroups roles and register budgets";
  let description = [{
    Role i runs on the next `warpgroups[i]` warpgroups of the block, with
    `registers[i]` registers a thread (setmaxnreg; before Hopper all threads have
    equally many). The region's argument is the warpgroup's index within its role.

    ```mlir
    hopper.specialize warpgroups [1, 2] registers [40, 232]
      role { ^bb0(%i: i32): hopper.yield }
      role { ^bb0(%i: i32): hopper.yield }
    ```

    What roles have more than others give up: a block starts with equally many for
    all threads, 64 K in all rounded down to a multiple of 8 a thread. A role that
    asked for registers nobody gave up would wait for them forever.

    Errors: (SPEC1) one region, warpgroup count and budget a role; (SPEC2) budgets
    are multiples of 8 in 24 to 240, and those of all warpgroups sum to no more
    than a block starts with, 512 for 2 or 4 warpgroups and 504 for 3; (SPEC3) a
    role takes one i32.
  }];
  let extraClassDeclaration = [{
    /// Registers a thread that each of so many warpgroups starts with.
    static int32_t getEqualBudget(int32_t warpgroups) { return 512 / warpgroups / 8 * 8; }
  }];
  let arguments = (ins DenseI32ArrayAttr:$warpgroups, DenseI32ArrayAttr:$registers);
  let regions = (region VariadicRegion<SizedRegion<1>>:$roles);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Hopper_YieldOp : Hopper_Op<"yield", [Pure, ReturnLike, Terminator]> {
  let summary = "ends a region";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), "">];
}

def Hopper_ElectOp : Hopper_Op<"elect", [
    SingleBlockImplicitTerminator<"YieldOp">, RecursiveMemoryEffects]> {
  let summary = "runs a region on one thread";
  let description = [{
    `by warp`: lane 0 of each warp; `by warpgroup`: thread 0 of each warpgroup.

    ```mlir
    hopper.elect by warp { hopper.fence_async }
    ```
  }];
  let arguments = (ins Hopper_AgentAttr:$agent);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
}

class Hopper_IndexOp<string mnemonic, string what, list<Trait> traits = []>
    : Hopper_Op<mnemonic, [Pure] # traits> {
  let summary = what;
  let results = (outs I32:$result);
  let assemblyFormat = "attr-dict";
}
def Hopper_ThreadOp : Hopper_IndexOp<"thread", "thread's index in its warpgroup">;
def Hopper_LaneOp : Hopper_IndexOp<"lane", "thread's index in its warp">;
def Hopper_WarpOp : Hopper_IndexOp<"warp",
    "warp's index in its warpgroup, known to be uniform">;
def Hopper_WarpgroupOp : Hopper_IndexOp<"warpgroup",
    "warpgroup's index in the block, known to be uniform">;
def Hopper_BlockOp : Hopper_IndexOp<"block", "index of the block in the grid">;
def Hopper_GridOp : Hopper_IndexOp<"grid", "number of blocks in the grid">;

/// In a kernel of clusters, unless the condition holds. What is in no kernel yet
/// may be on its way into one.
class Hopper_InCluster<string condition> : PredOpTrait<
    "(CLUS1) it is in a kernel with a known_cluster_size",
    CPred<condition # "::ssd::hopper::isInCluster(&$_op)">>;

def Hopper_ClusterRankOp : Hopper_IndexOp<"cluster_rank",
    "index of the block in its cluster", [Hopper_InCluster<"">]> {
  let description = [{
    What the bits of a multicast's mask and the blocks that a release goes to are
    numbered by; each thread that executes it reads `%cluster_ctarank`. For block b
    of clusters of n blocks it is b mod n.

    ```mlir
    %rank = hopper.cluster_rank
    ```

    Errors: (CLUS1) it is in a kernel with a known_cluster_size.
  }];
}

//===----------------------------------------------------------------------===//
// Barriers and fences
//===----------------------------------------------------------------------===//

def Hopper_BarrierOp : Hopper_Op<"barrier"> {
  let summary = "named barrier of whole warps";
  let description = [{
    Without operands all threads of the block. `id` is 1 to 15.

    ```mlir
    hopper.barrier id %id of 128
    ```

    Errors: (BARR1) threads are a multiple of 32 up to 1024, present exactly with
    an id.
  }];
  let arguments = (ins Optional<I32>:$id, OptionalAttr<I32Attr>:$threads);
  let assemblyFormat = "(`id` $id^ `of` $threads)? attr-dict";
  let hasVerifier = 1;
}

def Hopper_ClusterBarrierOp : Hopper_Op<"cluster_barrier", [Hopper_InCluster<"">]> {
  let summary = "barrier of all threads of a cluster";
  let description = [{
    Executed by all threads of all blocks of the cluster, in whole warps:
    `barrier.cluster.arrive.release.aligned`, then `barrier.cluster.wait.acquire.aligned`.
    It is a `hopper.barrier` of each block, too.

    ```mlir
    hopper.cluster_barrier
    ```

    Errors: (CLUS1) as for `hopper.cluster_rank`.
  }];
  let assemblyFormat = "attr-dict";
}

def Hopper_FenceAsyncOp : Hopper_Op<"fence_async"> {
  let summary = "makes writes to shared memory that this thread knows of visible to wgmma and TMA";
  let assemblyFormat = "attr-dict";
}

def Hopper_SignalOp : Hopper_Op<"signal"> {
  let summary = "publishes a warpgroup's writes to global memory through flags";
  let description = [{
    Executed by a whole warpgroup: barrier `id`, then `count` flags are set with
    release at GPU scope, the first at `flag` and each so many words of 64 bits
    after the one before. A flag is set if it holds kFlagSet, a number that
    memory does not hold by chance: flags need not be cleared before they are used.
  }];
  let arguments = (ins Hopper_GlobalPointer:$flag, I32:$count, I32:$stride, I32:$id);
  let assemblyFormat = [{
    $flag `count` $count `stride` $stride `barrier` $id attr-dict `:` type($flag)
  }];
}

def Hopper_AwaitOp : Hopper_Op<"await"> {
  let summary = "waits for consecutive flags that hopper.signal sets, and clears them";
  let description = [{
    Executed by a whole warpgroup: its threads take turns at `count` flags and spin
    with acquire at GPU scope until each is set; barrier `id` lets all pass.
  }];
  let arguments = (ins Hopper_GlobalPointer:$flag, I32:$count, I32:$id);
  let assemblyFormat = "$flag `count` $count `barrier` $id attr-dict `:` type($flag)";
}

//===----------------------------------------------------------------------===//
// Rings
//===----------------------------------------------------------------------===//

def Hopper_RingOp : Hopper_Op<"ring", [Pure]> {
  let summary = "names the barriers of a ring, or of an array of rings";
  let description = [{
    `producers` and `consumers` are the arrivals that complete a full and an empty
    barrier. The barriers start at byte `offset`: the full ones, then the empty ones.

    ```mlir
    %ring = hopper.ring 1024 producers 1 consumers 3 : !hopper.ring<3>
    ```

    Errors: (RINGOP1) the offset is a multiple of 8, arrivals positive.
  }];
  let arguments = (ins I32Attr:$offset, I32Attr:$producers, I32Attr:$consumers);
  let results = (outs Hopper_Ring:$ring);
  let assemblyFormat = "$offset `producers` $producers `consumers` $consumers attr-dict `:` type($ring)";
  let hasVerifier = 1;
}

def Hopper_InitRingsOp : Hopper_Op<"init_rings"> {
  let summary = "initialises rings, once per block, before its first barrier";
  let description = [{
    One thread initialises the mbarriers and fences them for the async proxy.

    Errors: (INIT1) operands are results of hopper.ring.
  }];
  let arguments = (ins Variadic<Hopper_Ring>:$rings);
  let assemblyFormat = "$rings attr-dict `:` type($rings)";
  let hasVerifier = 1;
}

def Hopper_CursorOp : Hopper_Op<"cursor", [Pure]> {
  let summary = "the first position";
  let results = (outs Hopper_Cursor:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Hopper_AdvanceOp : Hopper_Op<"advance", [Pure, SameOperandsAndResultType]> {
  let summary = "the next position";
  let arguments = (ins Hopper_Cursor:$cursor);
  let results = (outs Hopper_Cursor:$result);
  let assemblyFormat = "$cursor attr-dict `:` type($cursor)";
}

/// A ring and a cursor of as many stages.
class Hopper_CursorOf<string ring, string cursor> : TypesMatchWith<
    "(USE2) cursor and ring have as many stages", ring, cursor,
    "::ssd::hopper::CursorType::get($_ctxt, ::llvm::cast<::ssd::hopper::RingType>($_self).getStages())">;

class Hopper_RingUse<string mnemonic, string what, list<Trait> traits = []>
    : Hopper_Op<mnemonic, [Hopper_CursorOf<"ring", "cursor">] # traits> {
  let summary = what;
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() {
      if (getRing().getType().getCount() != 1)
        return emitOpError("(USE1) takes one ring, not an array of them");
      return ::mlir::success();
    }
  }];
}

def Hopper_AcquireOp : Hopper_RingUse<"acquire", "producer: waits until a stage is empty"> {
  let arguments = (ins Hopper_Ring:$ring, Hopper_Cursor:$cursor);
  let assemblyFormat = "$ring `[` $cursor `]` attr-dict `:` type($ring)";
}
def Hopper_TryOp : Hopper_RingUse<"try", "consumer: whether a stage is full"> {
  let description = [{
    Started early, it hides the barrier's latency from the `hopper.wait` that takes
    its result. It may be false for a stage that is full.
  }];
  let arguments = (ins Hopper_Ring:$ring, Hopper_Cursor:$cursor);
  let results = (outs I1:$full);
  let assemblyFormat = "$ring `[` $cursor `]` attr-dict `:` type($ring)";
}
def Hopper_WaitOp : Hopper_RingUse<"wait", "consumer: waits until a stage is full"> {
  let description = "Not at all where `unless` is true, the result of `hopper.try` on the stage.";
  let arguments = (ins Hopper_Ring:$ring, Hopper_Cursor:$cursor, Optional<I1>:$full);
  let assemblyFormat = "$ring `[` $cursor `]` (`unless` $full^)? attr-dict `:` type($ring)";
  let builders = [OpBuilder<(ins "::mlir::Value":$ring, "::mlir::Value":$cursor), [{
    build($_builder, $_state, ring, cursor, ::mlir::Value());
  }]>];
}
def Hopper_ExpectOp : Hopper_RingUse<"expect",
    "producer: arrives at a full barrier that bulk copies will complete"> {
  let arguments = (ins Hopper_Ring:$ring, Hopper_Cursor:$cursor, I32Attr:$bytes);
  let assemblyFormat = "$ring `[` $cursor `]` `,` $bytes attr-dict `:` type($ring)";
}
def Hopper_CommitOp : Hopper_RingUse<"commit",
    "producer: the elected thread arrives at a full barrier"> {
  let description = "By warp: the warp synchronises first, so one arrival speaks for its lanes.";
  let arguments = (ins Hopper_Ring:$ring, Hopper_Cursor:$cursor, Hopper_AgentAttr:$agent);
  let assemblyFormat = "$ring `[` $cursor `]` `by` $agent attr-dict `:` type($ring)";
}
def Hopper_CommitCopiesOp : Hopper_RingUse<"commit_copies",
    "producer: a warp arrives at a full barrier when its copies have landed"> {
  let description = [{
    Executed by a whole warp after its `hopper.load_rows`, without waiting for them:
    one of the ring's arrivals. What then reads the stage by wgmma is of another
    proxy and needs a `hopper.fence_async` after its `hopper.wait`.
  }];
  let arguments = (ins Hopper_Ring:$ring, Hopper_Cursor:$cursor);
  let assemblyFormat = "$ring `[` $cursor `]` attr-dict `:` type($ring)";
}
def Hopper_ReleaseOp : Hopper_RingUse<"release",
    "consumer: the elected thread arrives at an empty barrier",
    [Hopper_InCluster<"!getRank() || ">]> {
  let description = [{
    By warp: the warp synchronises first. By warpgroup: thread 0 arrives without
    further synchronisation, which suffices where only products that it has
    waited for read the stage, and where these are a warpgroup's (wgmma).

    The arrival does not wait for loads from the stage that are still on their way
    to registers (observed on an H200: a bulk copy then overwrites what ldmatrix has
    yet to read). Place the op after a product, a store or a fence that consumed
    everything loaded from the stage.

    `to`: the barrier is the one at the same offset in the block of that rank in the
    cluster, which may be this one (`mapa.shared::cluster`, then
    `mbarrier.arrive.release.cluster.shared::cluster`; `hopper.acquire` acquires at
    cluster scope in kernels of clusters). The block that fills this one's stage by
    multicast waits there for all that it fills.

    ```mlir
    hopper.release %ring[%cursor] by warp to %rank : !hopper.ring<2>
    ```

    Errors: (CLUS1) with `to`, it is in a kernel with a known_cluster_size.
  }];
  let arguments = (ins Hopper_Ring:$ring, Hopper_Cursor:$cursor, Hopper_AgentAttr:$agent,
                       Optional<I32>:$rank);
  let assemblyFormat = "$ring `[` $cursor `]` `by` $agent (`to` $rank^)? attr-dict `:` type($ring)";
  let builders = [OpBuilder<(ins "::mlir::Value":$ring, "::mlir::Value":$cursor,
                                 "::ssd::hopper::Agent":$agent), [{
    build($_builder, $_state, ring, cursor, agent, ::mlir::Value());
  }]>];
}

#endif // HOPPER_CONTROL_OPS
