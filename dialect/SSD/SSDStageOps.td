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
  let summary = "scores of a chunk, shared by the heads of a group";
  let description = [{
    outs[i, j] = Σ_n c[i, n] · b[j, n] for j ≤ i; other elements are unspecified.
    c, b: [Q, N]; outs: [Q, Q], f32.

    ```mlir
    func.func @scores(%c: tensor<128x64xf32>, %b: tensor<128x64xf32>, %out: tensor<128x128xf32>) -> tensor<128x128xf32> {
      %cb = ssd.chunk_scores ins(%c, %b : tensor<128x64xf32>, tensor<128x64xf32>) outs(%out : tensor<128x128xf32>)
      return %cb : tensor<128x128xf32>
    }
    ```

    Errors: (SCORES1) c and b have one type and outs is [Q, Q].
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

def SSD_ChunkScanOp : SSD_DestinationOp<"chunk_scan",
    [AttrSizedOperandSegments]> {
  let summary = "outputs of a chunk from its inputs and the state before it";
  let description = [{
    With D the cumulative decay (0 where absent) and s the scale (1 where
    absent),

        y_i = exp(D_i) · S c_i + Σ_{j≤i} scores_ij · exp(D_i − D_j) · s_j · x_j

    for each head. runs: [1+Q] i32, non-decreasing: entry 0 belongs to the state,
    entry 1+i to token i; only equal runs see each other. Reads the state before
    the chunk. scores: [Q, Q]; cumulative_decay: [R, Q] f64; scale: [Q, R];
    x: [Q, R, P]; c: [Q, N]; state: [R, P, N]; outs: y [Q, R, P].

    ```mlir
    func.func @scan(%cb: tensor<128x128xf32>, %x: tensor<128x8x64xf32>, %c: tensor<128x64xf32>, %s: tensor<8x64x64xf32>,
                    %cs: tensor<8x128xf64>, %dt: tensor<128x8xf32>, %y0: tensor<128x8x64xf32>) -> tensor<128x8x64xf32> {
      %y = ssd.chunk_scan
          ins(%cb, %x, %c, %s : tensor<128x128xf32>, tensor<128x8x64xf32>, tensor<128x64xf32>, tensor<8x64x64xf32>)
          cumulative_decay(%cs : tensor<8x128xf64>) scale(%dt : tensor<128x8xf32>)
          outs(%y0 : tensor<128x8x64xf32>)
      return %y : tensor<128x8x64xf32>
    }
    ```

    Errors: (SCAN1) sizes Q, R, P and N agree; (SCAN2) runs has Q + 1 entries.
  }];
  let arguments = (ins
    SSD_Shaped<[F32], [2]>:$scores,
    SSD_Shaped<SSD_Activations, [3]>:$x,
    SSD_Shaped<SSD_Activations, [2]>:$c,
    SSD_Shaped<SSD_Activations, [3]>:$state,
    Optional<SSD_Shaped<[F64], [2]>>:$cumulative_decay,
    Optional<SSD_Shaped<[F32], [2]>>:$scale,
    Optional<SSD_Shaped<[I32], [1]>>:$runs,
    Variadic<SSD_Shaped<SSD_Activations, [3]>>:$outs);
  let assemblyFormat = [{
    attr-dict `ins` `(` $scores `,` $x `,` $c `,` $state `:` type($scores) `,` type($x) `,` type($c) `,` type($state) `)`
    (`cumulative_decay` `(` $cumulative_decay^ `:` type($cumulative_decay) `)`)?
    (`scale` `(` $scale^ `:` type($scale) `)`)?
    (`runs` `(` $runs^ `:` type($runs) `)`)?
    `outs` `(` $outs `:` type($outs) `)`
  }];
}

def SSD_ChunkStateOp : SSD_DestinationOp<"chunk_state",
    [AttrSizedOperandSegments]> {
  let summary = "the state after a chunk from the state before it";
  let description = [{
    With D the cumulative decay (0 where absent), s the scale (1 where absent) and
    e the last token,

        S = exp(D_e) · S + Σ_j exp(D_e − D_j) · s_j · x_j b_jᵀ

    for each head; with runs (see `ssd.chunk_scan`) only what belongs to the
    last token's run. b: [Q, N]; x: [Q, R, P]; cumulative_decay: [R, Q] f64;
    scale: [Q, R]; runs: [1+Q]; outs: state [R, P, N]. Q may be 0.

    ```mlir
    func.func @state(%b: tensor<128x64xf32>, %x: tensor<128x8x64xf32>, %cs: tensor<8x128xf64>, %dt: tensor<128x8xf32>,
                     %s0: tensor<8x64x64xf32>) -> tensor<8x64x64xf32> {
      %s = ssd.chunk_state ins(%b, %x : tensor<128x64xf32>, tensor<128x8x64xf32>)
          cumulative_decay(%cs : tensor<8x128xf64>) scale(%dt : tensor<128x8xf32>)
          outs(%s0 : tensor<8x64x64xf32>)
      return %s : tensor<8x64x64xf32>
    }
    ```

    Errors: (STATE1) sizes Q, R, P and N agree; (STATE2) runs has Q + 1 entries.
  }];
  let arguments = (ins
    SSD_Shaped<SSD_Activations, [2]>:$b,
    SSD_Shaped<SSD_Activations, [3]>:$x,
    Optional<SSD_Shaped<[F64], [2]>>:$cumulative_decay,
    Optional<SSD_Shaped<[F32], [2]>>:$scale,
    Optional<SSD_Shaped<[I32], [1]>>:$runs,
    Variadic<SSD_Shaped<SSD_Activations, [3]>>:$outs);
  let assemblyFormat = [{
    attr-dict `ins` `(` $b `,` $x `:` type($b) `,` type($x) `)`
    (`cumulative_decay` `(` $cumulative_decay^ `:` type($cumulative_decay) `)`)?
    (`scale` `(` $scale^ `:` type($scale) `)`)?
    (`runs` `(` $runs^ `:` type($runs) `)`)?
    `outs` `(` $outs `:` type($outs) `)`
  }];
}

#endif // SSD_STAGE_OPS
