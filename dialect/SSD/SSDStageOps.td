//===- SSDStageOps.td - What the quadratic form does with one chunk ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_STAGE_OPS
#define SSD_STAGE_OPS

// One chunk of Q tokens of one sequence and the R heads of one group that one
// task handles. Stage ops exist on one chunk only: on whole sequences their
// results, the states among them, would have to be stored. Each is named after
// its step in arXiv:2405.21060, section 6 and listing 1.
//
// A chunk is worked through in blocks of I queries and J keys (I, J ≤ Q). The
// state of a chunk is [R, N, P], transposed against a mixer's [P, N]: all its
// products then read rows that are contiguous in P. It is f32, as are outputs
// while they are accumulated.

def SSD_CumulativeDecayOp : SSD_DestinationOp<"cumulative_decay",
    [AttrSizedOperandSegments]> {
  let summary = "log decay from the chunk's start to each token";
  let description = [{
    outs[r, i] = Σ_{k≤i} decay[k, r] · rate[r]. decay: [Q, R]; rate: [R]; one
    of them may be absent and counts as 1. outs: [R, Q] in f64, because
    differences of large sums are what is exponentiated.

    ```mlir
    func.func @decay(%dt: tensor<128x8xf32>, %a: tensor<8xf32>, %out: tensor<8x128xf64>) -> tensor<8x128xf64> {
      %cs = ssd.cumulative_decay decay(%dt : tensor<128x8xf32>) rate(%a : tensor<8xf32>) outs(%out : tensor<8x128xf64>)
      return %cs : tensor<8x128xf64>
    }
    ```

    Errors: (CDEC1) decay or rate is present; (CDEC2) decay is [Q, R], rate [R]
    and outs [R, Q].
  }];
  let arguments = (ins
    Optional<SSD_Shaped<[F32], [2]>>:$decay,
    Optional<SSD_Shaped<[F32], [1]>>:$rate,
    Variadic<SSD_Shaped<[F64], [2]>>:$outs);
  let assemblyFormat = [{
    attr-dict (`decay` `(` $decay^ `:` type($decay) `)`)?
    (`rate` `(` $rate^ `:` type($rate) `)`)?
    `outs` `(` $outs `:` type($outs) `)`
  }];
}

def SSD_ChunkScoresOp : SSD_DestinationOp<"chunk_scores"> {
  let summary = "scores of a block, shared by the heads of a group";
  let description = [{
    outs[i, j] = Σ_n c[i, n] · b[j, n]. c: [I, N]; b: [J, N]; outs: [I, J], f32.

    ```mlir
    func.func @scores(%c: tensor<32x64xf32>, %b: tensor<32x64xf32>, %out: tensor<32x32xf32>) -> tensor<32x32xf32> {
      %cb = ssd.chunk_scores ins(%c, %b : tensor<32x64xf32>, tensor<32x64xf32>) outs(%out : tensor<32x32xf32>)
      return %cb : tensor<32x32xf32>
    }
    ```

    Errors: (SCORES1) sizes I, J and N agree.
  }];
  let arguments = (ins
    SSD_Shaped<SSD_Activations, [2]>:$c,
    SSD_Shaped<SSD_Activations, [2]>:$b,
    Variadic<SSD_Shaped<[F32], [2]>>:$outs);
  let assemblyFormat = [{
    attr-dict `ins` `(` $c `,` $b `:` type($c) `,` type($b) `)`
    `outs` `(` $outs `:` type($outs) `)`
  }];
}

def SSD_ChunkOutputOp : SSD_DestinationOp<"chunk_output",
    [AttrSizedOperandSegments]> {
  let summary = "what the state before a chunk contributes to its outputs";
  let description = [{
    outs[i, r, p] = exp(D[r, i]) · Σ_n c[i, n] · state[r, n, p], with D the
    cumulative decay (0 where absent). Where query_runs is present, 0 for tokens
    whose run is not state_run. c: [I, N]; state: [R, N, P]; cumulative_decay:
    [R, I] f64; query_runs: [I]; state_run: [1]; outs: [I, R, P].

    ```mlir
    func.func @output(%c: tensor<32x64xf32>, %s: tensor<8x64x64xf32>, %cs: tensor<8x32xf64>, %y0: tensor<32x8x64xf32>) -> tensor<32x8x64xf32> {
      %y = ssd.chunk_output ins(%c, %s : tensor<32x64xf32>, tensor<8x64x64xf32>)
          cumulative_decay(%cs : tensor<8x32xf64>) outs(%y0 : tensor<32x8x64xf32>)
      return %y : tensor<32x8x64xf32>
    }
    ```

    Errors: (OUTPUT1) sizes I, R, N and P agree; (OUTPUT2) query_runs and
    state_run come together.
  }];
  let arguments = (ins
    SSD_Shaped<SSD_Activations, [2]>:$c,
    SSD_Shaped<[F32], [3]>:$state,
    Optional<SSD_Shaped<[F64], [2]>>:$cumulative_decay,
    Optional<SSD_Shaped<[I32], [1]>>:$query_runs,
    Optional<SSD_Shaped<[I32], [1]>>:$state_run,
    Variadic<SSD_Shaped<[F32], [3]>>:$outs);
  let assemblyFormat = [{
    attr-dict `ins` `(` $c `,` $state `:` type($c) `,` type($state) `)`
    (`cumulative_decay` `(` $cumulative_decay^ `:` type($cumulative_decay) `)`)?
    (`runs` `(` $query_runs^ `,` $state_run `:` type($query_runs) `,` type($state_run) `)`)?
    `outs` `(` $outs `:` type($outs) `)`
  }];
}

def SSD_ChunkScanOp : SSD_DestinationOp<"chunk_scan",
    [AttrSizedOperandSegments]> {
  let summary = "what a block of keys contributes to a block of outputs";
  let description = [{
    For each head, with D the cumulative decay (0 where absent) and s the scale (1
    where absent),

        outs_i += Σ_j scores_ij · exp(Dq_i − Dk_j) · s_j · x_j

    over all keys j of the block or, with `diagonal`, where the last query and the
    last key are one token, over j ≤ i + J − I. Where runs are present, only keys
    of the query's run count. scores: [I, J]; x: [J, R, P];
    cumulative_decay of queries [R, I] and keys [R, J], f64, from one start;
    scale: [R, J]; runs of queries [I] and keys [J]; outs: [I, R, P].

    ```mlir
    func.func @scan(%cb: tensor<32x32xf32>, %x: tensor<32x8x64xf32>, %cs: tensor<8x32xf64>, %dt: tensor<8x32xf32>,
                    %y0: tensor<32x8x64xf32>) -> tensor<32x8x64xf32> {
      %y = ssd.chunk_scan {diagonal} ins(%cb, %x : tensor<32x32xf32>, tensor<32x8x64xf32>)
          cumulative_decay(%cs, %cs : tensor<8x32xf64>, tensor<8x32xf64>) scale(%dt : tensor<8x32xf32>)
          outs(%y0 : tensor<32x8x64xf32>)
      return %y : tensor<32x8x64xf32>
    }
    ```

    Errors: (SCAN1) sizes I, J, R and P agree; (SCAN2) cumulative decays and
    runs come in pairs.
  }];
  let arguments = (ins
    SSD_Shaped<[F32], [2]>:$scores,
    SSD_Shaped<SSD_Activations, [3]>:$x,
    Optional<SSD_Shaped<[F64], [2]>>:$query_decay,
    Optional<SSD_Shaped<[F64], [2]>>:$key_decay,
    Optional<SSD_Shaped<[F32], [2]>>:$scale,
    Optional<SSD_Shaped<[I32], [1]>>:$query_runs,
    Optional<SSD_Shaped<[I32], [1]>>:$key_runs,
    Variadic<SSD_Shaped<[F32], [3]>>:$outs,
    UnitAttr:$diagonal);
  let assemblyFormat = [{
    attr-dict `ins` `(` $scores `,` $x `:` type($scores) `,` type($x) `)`
    (`cumulative_decay` `(` $query_decay^ `,` $key_decay `:` type($query_decay) `,` type($key_decay) `)`)?
    (`scale` `(` $scale^ `:` type($scale) `)`)?
    (`runs` `(` $query_runs^ `,` $key_runs `:` type($query_runs) `,` type($key_runs) `)`)?
    `outs` `(` $outs `:` type($outs) `)`
  }];
}

def SSD_ChunkStateOp : SSD_DestinationOp<"chunk_state",
    [AttrSizedOperandSegments]> {
  let summary = "the state after a chunk from the state before it";
  let description = [{
    With D the cumulative decay (0 where absent), s the scale (1 where absent) and
    e the last token,

        S = exp(D_e) · S + Σ_j exp(D_e − D_j) · s_j · b_j x_jᵀ

    for each head. Where runs are present, only keys of the last token's run
    count, and the old state only if state_run is that run. b: [Q, N];
    x: [Q, R, P]; cumulative_decay: [R, Q] f64; scale: [R, Q]; runs: [Q] and
    state_run [1]; outs: state [R, N, P]. Q is at least 1.

    ```mlir
    func.func @state(%b: tensor<128x64xf32>, %x: tensor<128x8x64xf32>, %cs: tensor<8x128xf64>, %dt: tensor<8x128xf32>,
                     %s0: tensor<8x64x64xf32>) -> tensor<8x64x64xf32> {
      %s = ssd.chunk_state ins(%b, %x : tensor<128x64xf32>, tensor<128x8x64xf32>)
          cumulative_decay(%cs : tensor<8x128xf64>) scale(%dt : tensor<8x128xf32>)
          outs(%s0 : tensor<8x64x64xf32>)
      return %s : tensor<8x64x64xf32>
    }
    ```

    Errors: (STATE1) sizes Q, R, P and N agree; (STATE2) runs and state_run come
    together.
  }];
  let arguments = (ins
    SSD_Shaped<SSD_Activations, [2]>:$b,
    SSD_Shaped<SSD_Activations, [3]>:$x,
    Optional<SSD_Shaped<[F64], [2]>>:$cumulative_decay,
    Optional<SSD_Shaped<[F32], [2]>>:$scale,
    Optional<SSD_Shaped<[I32], [1]>>:$runs,
    Optional<SSD_Shaped<[I32], [1]>>:$state_run,
    Variadic<SSD_Shaped<[F32], [3]>>:$outs);
  let assemblyFormat = [{
    attr-dict `ins` `(` $b `,` $x `:` type($b) `,` type($x) `)`
    (`cumulative_decay` `(` $cumulative_decay^ `:` type($cumulative_decay) `)`)?
    (`scale` `(` $scale^ `:` type($scale) `)`)?
    (`runs` `(` $runs^ `,` $state_run `:` type($runs) `,` type($state_run) `)`)?
    `outs` `(` $outs `:` type($outs) `)`
  }];
}

#endif // SSD_STAGE_OPS
