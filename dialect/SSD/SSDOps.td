//===- SSDOps.td - Operations of the ssd dialect ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_OPS
#define SSD_OPS

include "dialect/SSD/SSDDialect.td"
include "dialect/SSD/SSDAttrs.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

//===----------------------------------------------------------------------===//
// Operand types
//===----------------------------------------------------------------------===//

/// A tensor of one of the ranks, or a memref of it after bufferisation.
class SSD_Shaped<list<Type> elements, list<int> ranks>
    : AnyTypeOf<[TensorRankOf<elements, ranks>, MemRefRankOf<elements, ranks>]>;

defvar SSD_Activations = [F32, BF16, F16];
def SSD_AnyShaped : AnyTypeOf<[AnyRankedTensor, AnyMemRef]>;

//===----------------------------------------------------------------------===//
// Base class
//===----------------------------------------------------------------------===//

/// Destination style: an op on tensors returns the updated `outs`, an op on
/// memrefs updates them and returns nothing. Result types are inferred.
class SSD_DestinationOp<string mnemonic, list<Trait> traits = []>
    : SSD_Op<mnemonic, traits # [
        DestinationStyleOpInterface, InferTypeOpAdaptor,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let hasVerifier = 1;
  code destinationDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutsMutable(); }
  }];
  let extraClassDeclaration = destinationDeclaration;
}

//===----------------------------------------------------------------------===//
// ssd.mix
//===----------------------------------------------------------------------===//

def SSD_MixOp : SSD_DestinationOp<"mix", [AttrSizedOperandSegments]> {
  let summary = "a semiseparable sequence mixer";
  let description = [{
    For each batch b and head h, from the initial state in `outs`,

        S_t = exp(decay_t · rate) · S_{t-1} + scale_t · x_t b_tᵀ
        y_t = S_t c_t

    (arXiv:2405.21060, equations 1 and 16.) Head h reads group h / (H/G) of b
    and c. An absent decay or rate counts as 1 where the other is present; with
    neither the log decay is 0 (linear attention). An absent scale is 1.

    | operand | shape | element |
    |---|---|---|
    | x | [B, L, H, P] | f32, bf16, f16 |
    | b, c | [B, L, G, N] | as x |
    | decay | [B, L, H] or [B, L, H, N] | f32 |
    | rate | [H] or [H, N] | f32 |
    | scale | [B, L, H] | f32 |
    | segment_ids | [B, L], with leading_segment [B, 1+L] | i32 |
    | offsets | [S+1] | i32 |
    | slots | [B] | i32 |
    | outs: y | [B, L, H, P] | f32, bf16, f16 |
    | outs: state | [B, H, P, N] | f32, bf16, f16 |
    | outs: checkpoints | [B, L/K, H, P, N] | as state |

    The operands are the family: no decay is linear attention, rate alone
    RetNet and Lightning, decay [B, L, H] simple GLA, decay and scale both Δ with
    rate A Mamba-2, decay [B, L, H, N] GLA, HGRN2 and RWKV-6, P = 1 with rate
    [H, N] Mamba-1. Log decays are finite, may be positive and are not clamped.

    `segment_ids`: the state is zero before every token whose id differs from
    the id before it. The initial state belongs to the first token's segment or,
    with `leading_segment`, to the segment of an id that precedes the tokens'.
    `offsets`: packed sequences, B = 1; sequence s is tokens offsets[s] to
    offsets[s+1]−1 and has state s of [S, H, P, N], which resets within it as
    segment_ids say. `slots`: state row of each
    batch in a pool [rows, H, P, N]; a negative slot starts from zero and keeps
    nothing. `checkpoint_every = K` also writes the state after tokens K, 2K, …,
    whatever the form. `direction = reverse` reads the sequence from its end.
    With L = 0, y is empty and the state unchanged.

    ```mlir
    func.func @mamba2(%x: tensor<?x?x24x64xf32>, %b: tensor<?x?x1x128xf32>, %c: tensor<?x?x1x128xf32>,
                      %dt: tensor<?x?x24xf32>, %a: tensor<24xf32>,
                      %y0: tensor<?x?x24x64xf32>, %s0: tensor<?x24x64x128xf32>)
        -> (tensor<?x?x24x64xf32>, tensor<?x24x64x128xf32>) {
      %y, %s = ssd.mix {form = #ssd.chunked<chunk = 128>}
          ins(%x, %b, %c : tensor<?x?x24x64xf32>, tensor<?x?x1x128xf32>, tensor<?x?x1x128xf32>)
          decay(%dt : tensor<?x?x24xf32>) rate(%a : tensor<24xf32>) scale(%dt : tensor<?x?x24xf32>)
          outs(%y0, %s0 : tensor<?x?x24x64xf32>, tensor<?x24x64x128xf32>)
      return %y, %s : tensor<?x?x24x64xf32>, tensor<?x24x64x128xf32>
    }
    ```

    Errors: (MIX1) H, G, P and N are static; (MIX2) G divides H; (MIX3) b and c
    have one type, with x's batch, length and element type; (MIX4) decay, rate
    and scale have x's sizes; (MIX5) y has x's shape; (MIX6) state is
    [B, H, P, N], with offsets [S, H, P, N], with slots any number of rows;
    (MIX7) segment_ids is [B, L], with leading_segment [B, 1+L]; (MIX8) offsets need B = 1 and
    exclude leading_segment, slots and checkpoints; (MIX9) slots is [B];
    (MIX10) checkpoint_every is positive, and present exactly with a
    checkpoints destination; (MIX11) the form computes this kind of decay;
    (MIX12) operands are all tensors or all memrefs.
  }];
  let arguments = (ins
    SSD_Shaped<SSD_Activations, [4]>:$x,
    SSD_Shaped<SSD_Activations, [4]>:$b,
    SSD_Shaped<SSD_Activations, [4]>:$c,
    Optional<SSD_Shaped<[F32], [3, 4]>>:$decay,
    Optional<SSD_Shaped<[F32], [1, 2]>>:$rate,
    Optional<SSD_Shaped<[F32], [3]>>:$scale,
    Optional<SSD_Shaped<[I32], [2]>>:$segment_ids,
    Optional<SSD_Shaped<[I32], [1]>>:$offsets,
    Optional<SSD_Shaped<[I32], [1]>>:$slots,
    Variadic<SSD_Shaped<SSD_Activations, [4, 5]>>:$outs,
    OptionalAttr<SSD_FormAttr>:$form,
    OptionalAttr<I64Attr>:$checkpoint_every,
    UnitAttr:$leading_segment,
    DefaultValuedAttr<SSD_DirectionAttr, "::ssd::Direction::forward">:$direction,
    OptionalAttr<AnyAttr>:$lowering_config);
  let assemblyFormat = [{
    attr-dict `ins` `(` $x `,` $b `,` $c `:` type($x) `,` type($b) `,` type($c) `)`
    (`decay` `(` $decay^ `:` type($decay) `)`)?
    (`rate` `(` $rate^ `:` type($rate) `)`)?
    (`scale` `(` $scale^ `:` type($scale) `)`)?
    (`segment_ids` `(` $segment_ids^ `:` type($segment_ids) `)`)?
    (`offsets` `(` $offsets^ `:` type($offsets) `)`)?
    (`slots` `(` $slots^ `:` type($slots) `)`)?
    `outs` `(` $outs `:` type($outs) `)`
  }];
  let hasCanonicalizer = 1;
  let extraClassDeclaration = destinationDeclaration # [{
    ::mlir::Value getYInit() { return getOuts()[0]; }
    ::mlir::Value getStateInit() { return getOuts()[1]; }
    ::mlir::Value getCheckpointsInit() {
      return getOuts().size() > 2 ? getOuts()[2] : ::mlir::Value();
    }
    ::mlir::ShapedType getXType() {
      return ::llvm::cast<::mlir::ShapedType>(getX().getType());
    }
    ::mlir::ShapedType getStateType() {
      return ::llvm::cast<::mlir::ShapedType>(getStateInit().getType());
    }
    /// Sizes by name; B and L may be ShapedType::kDynamic.
    int64_t getBatch() { return getXType().getDimSize(0); }
    int64_t getLength() { return getXType().getDimSize(1); }
    int64_t getHeads() { return getXType().getDimSize(2); }
    int64_t getHeadDim() { return getXType().getDimSize(3); }
    int64_t getGroups() {
      return ::llvm::cast<::mlir::ShapedType>(getB().getType()).getDimSize(2);
    }
    int64_t getStateDim() { return getStateType().getDimSize(3); }
    int64_t getHeadsPerGroup() { return getHeads() / getGroups(); }
    /// Whether each state column n has a decay of its own.
    bool hasDiagonalDecay();
    bool hasDecay() { return getDecay() || getRate(); }
  }];
}

//===----------------------------------------------------------------------===//
// ssd.step
//===----------------------------------------------------------------------===//

def SSD_StepOp : SSD_DestinationOp<"step", [AttrSizedOperandSegments]> {
  let summary = "one token of a mixer";
  let description = [{
    The recurrence of `ssd.mix` for one token: the decode step.

        S = exp(decay · rate) · S + scale · x bᵀ,   y = S c

    x, y: [B, H, P]; b, c: [B, G, N]; decay: [B, H] or [B, H, N]; rate: [H] or
    [H, N]; scale: [B, H]; slots: [B]; state: [B, H, P, N], with slots a pool
    [rows, H, P, N]. A negative slot starts from zero and keeps nothing.

    ```mlir
    func.func @decode(%x: tensor<8x24x64xf32>, %b: tensor<8x1x128xf32>, %c: tensor<8x1x128xf32>,
                      %dt: tensor<8x24xf32>, %a: tensor<24xf32>, %y0: tensor<8x24x64xf32>,
                      %s0: tensor<8x24x64x128xf32>) -> (tensor<8x24x64xf32>, tensor<8x24x64x128xf32>) {
      %y, %s = ssd.step
          ins(%x, %b, %c : tensor<8x24x64xf32>, tensor<8x1x128xf32>, tensor<8x1x128xf32>)
          decay(%dt : tensor<8x24xf32>) rate(%a : tensor<24xf32>) scale(%dt : tensor<8x24xf32>)
          outs(%y0, %s0 : tensor<8x24x64xf32>, tensor<8x24x64x128xf32>)
      return %y, %s : tensor<8x24x64xf32>, tensor<8x24x64x128xf32>
    }
    ```

    Errors: (STEP1) H, G, P and N are static; (STEP2) G divides H; (STEP3) b and
    c have one type, with x's batch and element type; (STEP4) decay, rate and
    scale have x's sizes; (STEP5) y has x's shape and state is [B, H, P, N],
    with slots any number of rows; (STEP6) slots is [B]; (STEP7) operands are
    all tensors or all memrefs.
  }];
  let arguments = (ins
    SSD_Shaped<SSD_Activations, [3]>:$x,
    SSD_Shaped<SSD_Activations, [3]>:$b,
    SSD_Shaped<SSD_Activations, [3]>:$c,
    Optional<SSD_Shaped<[F32], [2, 3]>>:$decay,
    Optional<SSD_Shaped<[F32], [1, 2]>>:$rate,
    Optional<SSD_Shaped<[F32], [2]>>:$scale,
    Optional<SSD_Shaped<[I32], [1]>>:$slots,
    Variadic<SSD_Shaped<SSD_Activations, [3, 4]>>:$outs,
    OptionalAttr<AnyAttr>:$lowering_config);
  let assemblyFormat = [{
    attr-dict `ins` `(` $x `,` $b `,` $c `:` type($x) `,` type($b) `,` type($c) `)`
    (`decay` `(` $decay^ `:` type($decay) `)`)?
    (`rate` `(` $rate^ `:` type($rate) `)`)?
    (`scale` `(` $scale^ `:` type($scale) `)`)?
    (`slots` `(` $slots^ `:` type($slots) `)`)?
    `outs` `(` $outs `:` type($outs) `)`
  }];
  let extraClassDeclaration = destinationDeclaration # [{
    ::mlir::Value getYInit() { return getOuts()[0]; }
    ::mlir::Value getStateInit() { return getOuts()[1]; }
  }];
}

//===----------------------------------------------------------------------===//
// ssd.discretize
//===----------------------------------------------------------------------===//

def SSD_DiscretizeOp : SSD_DestinationOp<"discretize",
    [AttrSizedOperandSegments]> {
  let summary = "step sizes from their raw projections";
  let description = [{
    Δ = clip(softplus(raw + bias), min, max), each part where present
    (arXiv:2405.21060, section 7; softplus(v) = log(1 + eᵛ)). The sum is formed in
    f32. raw: [..., H] of f32, bf16 or f16; bias: [H]; outs: Δ, raw's shape,
    f32. NaN stays NaN.

    ```mlir
    func.func @delta(%raw: tensor<?x?x24xbf16>, %bias: tensor<24xf32>, %out: tensor<?x?x24xf32>) -> tensor<?x?x24xf32> {
      %dt = ssd.discretize {softplus, min = 1.0e-3 : f32} ins(%raw : tensor<?x?x24xbf16>)
          bias(%bias : tensor<24xf32>) outs(%out : tensor<?x?x24xf32>)
      return %dt : tensor<?x?x24xf32>
    }
    ```

    Errors: (DISC1) outs has raw's shape; (DISC2) bias is [H]; (DISC3) min is at
    most max; (DISC4) operands are all tensors or all memrefs.
  }];
  let arguments = (ins
    SSD_Shaped<SSD_Activations, [2, 3]>:$raw,
    Optional<SSD_Shaped<SSD_Activations, [1]>>:$bias,
    Variadic<SSD_Shaped<[F32], [2, 3]>>:$outs,
    UnitAttr:$softplus,
    OptionalAttr<F32Attr>:$min,
    OptionalAttr<F32Attr>:$max);
  let assemblyFormat = [{
    attr-dict `ins` `(` $raw `:` type($raw) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    `outs` `(` $outs `:` type($outs) `)`
  }];
}

//===----------------------------------------------------------------------===//
// ssd.causal_conv1d
//===----------------------------------------------------------------------===//

def SSD_CausalConv1DOp : SSD_DestinationOp<"causal_conv1d",
    [AttrSizedOperandSegments]> {
  let summary = "depthwise causal convolution with a carried window";
  let description = [{
    y_t = f(bias + Σ_{k<K} weight[:, k] · x_{t-K+1+k}) for each channel, where
    tokens before the first come from `window`, the K−1 inputs before this
    sequence, oldest first; afterwards it holds the last K−1 inputs. The sum is
    formed in f32 and rounded once. x, y: [B, L, C]; weight: [C, K]; bias: [C];
    window: [B, K−1, C] of x's element type; f is `activation`.

    ```mlir
    func.func @conv(%x: tensor<?x?x1792xf32>, %w: tensor<1792x4xf32>, %bias: tensor<1792xf32>,
                    %y0: tensor<?x?x1792xf32>, %win: tensor<?x3x1792xf32>)
        -> (tensor<?x?x1792xf32>, tensor<?x3x1792xf32>) {
      %y, %w1 = ssd.causal_conv1d {activation = #ssd<activation silu>}
          ins(%x, %w : tensor<?x?x1792xf32>, tensor<1792x4xf32>) bias(%bias : tensor<1792xf32>)
          outs(%y0, %win : tensor<?x?x1792xf32>, tensor<?x3x1792xf32>)
      return %y, %w1 : tensor<?x?x1792xf32>, tensor<?x3x1792xf32>
    }
    ```

    Errors: (CONV1) C and K are static and K is positive; (CONV2) weight is
    [C, K] and bias [C]; (CONV3) y has x's shape; (CONV4) window is [B, K−1, C]
    of x's element type; (CONV5) operands are all tensors or all memrefs.
  }];
  let arguments = (ins
    SSD_Shaped<SSD_Activations, [3]>:$x,
    SSD_Shaped<SSD_Activations, [2]>:$weight,
    Optional<SSD_Shaped<SSD_Activations, [1]>>:$bias,
    Variadic<SSD_Shaped<SSD_Activations, [3]>>:$outs,
    DefaultValuedAttr<SSD_ActivationAttr, "::ssd::Activation::none">:$activation);
  let assemblyFormat = [{
    attr-dict `ins` `(` $x `,` $weight `:` type($x) `,` type($weight) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    `outs` `(` $outs `:` type($outs) `)`
  }];
}

//===----------------------------------------------------------------------===//
// ssd.rms_norm
//===----------------------------------------------------------------------===//

def SSD_RMSNormOp : SSD_DestinationOp<"rms_norm", [AttrSizedOperandSegments]> {
  let summary = "root-mean-square normalisation, by group, with a gate";
  let description = [{
    With v = x · silu(z) if gate = before, else x:

        y = weight · v / sqrt(mean(v²) + epsilon)   [· silu(z) if gate = after]

    The mean runs over groups of `group_size` consecutive channels, all D where
    it is absent. Everything is computed in f32 and rounded once (the gated norm
    of arXiv:2405.21060, section 7). x, z, y: [..., D]; weight: [D].

    ```mlir
    func.func @norm(%x: tensor<?x?x1536xf32>, %w: tensor<1536xf32>, %z: tensor<?x?x1536xf32>,
                    %out: tensor<?x?x1536xf32>) -> tensor<?x?x1536xf32> {
      %y = ssd.rms_norm {epsilon = 1.0e-5 : f32, gate = #ssd<gate before>}
          ins(%x, %w : tensor<?x?x1536xf32>, tensor<1536xf32>) gate(%z : tensor<?x?x1536xf32>)
          outs(%out : tensor<?x?x1536xf32>)
      return %y : tensor<?x?x1536xf32>
    }
    ```

    Errors: (NORM1) D is static; (NORM2) weight is [D]; (NORM3) y has x's shape;
    (NORM4) group_size is positive and divides D; (NORM5) a gate operand of x's
    shape is present exactly if `gate` is not none; (NORM6) operands are all
    tensors or all memrefs.
  }];
  let arguments = (ins
    SSD_Shaped<SSD_Activations, [2, 3]>:$x,
    SSD_Shaped<SSD_Activations, [1]>:$weight,
    Optional<SSD_Shaped<SSD_Activations, [2, 3]>>:$gate_input,
    Variadic<SSD_Shaped<SSD_Activations, [2, 3]>>:$outs,
    F32Attr:$epsilon,
    OptionalAttr<I64Attr>:$group_size,
    DefaultValuedAttr<SSD_GateAttr, "::ssd::Gate::none">:$gate);
  let assemblyFormat = [{
    attr-dict `ins` `(` $x `,` $weight `:` type($x) `,` type($weight) `)`
    (`gate` `(` $gate_input^ `:` type($gate_input) `)`)?
    `outs` `(` $outs `:` type($outs) `)`
  }];
}

//===----------------------------------------------------------------------===//
// ssd.state_pass
//===----------------------------------------------------------------------===//

def SSD_StatePassOp : SSD_DestinationOp<"state_pass"> {
  let summary = "initial states of the parts of a split sequence";
  let description = [{
    A sequence is cut into K parts. From each part's local final state (what the
    mixer leaves when it starts from zero) and total log decay, the state at the
    start of each part and the one after the last:

        start_0 = S,  start_{k+1} = exp(log_decay_k) · start_k + local_k,
        S = start_K

    local: [B, K, H, P, N]; log_decay: [B, K, H], f32; outs: start
    [B, K, H, P, N] and state S [B, H, P, N] (arXiv:2405.21060, section 6,
    step 3).

    ```mlir
    func.func @pass(%local: tensor<1x4x8x64x64xf32>, %decay: tensor<1x4x8xf32>,
                    %start: tensor<1x4x8x64x64xf32>, %s: tensor<1x8x64x64xf32>)
        -> (tensor<1x4x8x64x64xf32>, tensor<1x8x64x64xf32>) {
      %0, %1 = ssd.state_pass ins(%local, %decay : tensor<1x4x8x64x64xf32>, tensor<1x4x8xf32>)
          outs(%start, %s : tensor<1x4x8x64x64xf32>, tensor<1x8x64x64xf32>)
      return %0, %1 : tensor<1x4x8x64x64xf32>, tensor<1x8x64x64xf32>
    }
    ```

    Errors: (PASS1) start has local's shape; (PASS2) log_decay is [B, K, H];
    (PASS3) state is [B, H, P, N]; (PASS4) operands are all tensors or all
    memrefs.
  }];
  let arguments = (ins
    SSD_Shaped<[F32], [5]>:$local,
    SSD_Shaped<[F32], [3]>:$log_decay,
    Variadic<SSD_Shaped<SSD_Activations, [4, 5]>>:$outs);
  let assemblyFormat = [{
    attr-dict `ins` `(` $local `,` $log_decay `:` type($local) `,` type($log_decay) `)`
    `outs` `(` $outs `:` type($outs) `)`
  }];
}

//===----------------------------------------------------------------------===//
// ssd.fused
//===----------------------------------------------------------------------===//

def SSD_FusedOp : SSD_Op<"fused", [
    DestinationStyleOpInterface, AttrSizedOperandSegments, IsolatedFromAbove,
    SingleBlockImplicitTerminator<"YieldOp">,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "a mixer and its neighbours as one kernel";
  let description = [{
    The unit of fusion: one mixer or step, the discretisation that feeds it and
    the elementwise operations around it, lowered as one kernel on a GPU and as
    one parallel loop nest on a CPU. The body is a function on tensors: it sees
    `ins` and `outs` as block arguments and yields one value for each of `outs`.
    On buffers the body stays what it is, and the yielded values are written to
    `outs`.

    ```mlir
    func.func @skip(%x: tensor<?x?x8x64xf32>, %b: tensor<?x?x1x16xf32>, %dt: tensor<?x?x8xf32>,
                    %y0: tensor<?x?x8x64xf32>, %s0: tensor<?x8x64x16xf32>)
        -> (tensor<?x?x8x64xf32>, tensor<?x8x64x16xf32>) {
      %0, %1 = ssd.fused
          ins(%xi = %x : tensor<?x?x8x64xf32>, %bi = %b : tensor<?x?x1x16xf32>, %di = %dt : tensor<?x?x8xf32>)
          outs(%yo = %y0 : tensor<?x?x8x64xf32>, %so = %s0 : tensor<?x8x64x16xf32>) {
        %y, %s = ssd.mix ins(%xi, %bi, %bi : tensor<?x?x8x64xf32>, tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>)
            scale(%di : tensor<?x?x8xf32>) outs(%yo, %so : tensor<?x?x8x64xf32>, tensor<?x8x64x16xf32>)
        %z = linalg.add ins(%y, %xi : tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>) outs(%yo : tensor<?x?x8x64xf32>) -> tensor<?x?x8x64xf32>
        ssd.yield %z, %s : tensor<?x?x8x64xf32>, tensor<?x8x64x16xf32>
      }
      return %0, %1 : tensor<?x?x8x64xf32>, tensor<?x8x64x16xf32>
    }
    ```

    Errors: (FUSED1) block arguments are tensors of the operands' shapes and
    elements; (FUSED2) the results have the types of the tensors among `outs`,
    the yielded values those of the block arguments of `outs`; (FUSED3) the body
    holds exactly one `ssd.mix` or `ssd.step`; (FUSED4) operands are all tensors
    or all memrefs.
  }];
  let arguments = (ins
    Variadic<SSD_AnyShaped>:$inputs,
    Variadic<SSD_AnyShaped>:$outs,
    OptionalAttr<AnyAttr>:$lowering_config);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutsMutable(); }
    /// The `ssd.mix` or `ssd.step`.
    ::mlir::Operation *getMixer();
  }];
}

def SSD_YieldOp : SSD_Op<"yield", [
    Pure, Terminator, ReturnLike, HasParent<"FusedOp">]> {
  let summary = "results of a fused unit";
  let description = [{
    Ends the body of `ssd.fused` with one value for each of its `outs`.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let builders = [OpBuilder<(ins), [{ (void)$_builder; }]>];
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

include "dialect/SSD/SSDStageOps.td"

#endif // SSD_OPS
