//===- Passes.td - Target-independent passes ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_PASSES
#define SSD_PASSES

include "mlir/Pass/PassBase.td"

def SSDChooseDecompositionPass : Pass<"ssd-choose-decomposition", "::mlir::ModuleOp"> {
  let summary = "Fill the form of each mixer";
  let description = [{
    Gives every `ssd.mix` without a form the one that the cost model
    (passes/analysis/CostModel.h) predicts to be fastest for its shape on the
    module's target; a form that is already there stays. Where the length is
    only known at run time the result is an `#ssd.dispatch` over ranges of
    lengths. A sequence is split where a batch has fewer heads than there
    are workers; where the batch is known at run time only, that decides then. With `batch-invariant`, or the attribute `ssd.batch_invariant` on
    the module, a choice depends on lengths and the mixer's own sizes only, so
    that a sequence's result is bitwise the same in any batch. Each candidate leaves a remark with its predicted cost.

    ```mlir
    func.func @mix(%x: tensor<1x4096x8x64xf32>, %b: tensor<1x4096x1x128xf32>, %y0: tensor<1x4096x8x64xf32>,
                   %s0: tensor<1x8x64x128xf32>) -> (tensor<1x4096x8x64xf32>, tensor<1x8x64x128xf32>) {
      %y, %s = ssd.mix ins(%x, %b, %b : tensor<1x4096x8x64xf32>, tensor<1x4096x1x128xf32>, tensor<1x4096x1x128xf32>)
          outs(%y0, %s0 : tensor<1x4096x8x64xf32>, tensor<1x8x64x128xf32>)
      return %y, %s : tensor<1x4096x8x64xf32>, tensor<1x8x64x128xf32>
    }
    ```

    becomes, on a CPU with AVX-512,

    ```
      %y, %s = ssd.mix {form = #ssd.chunked<chunk = 32>} ins(%x, %b, %b : ...) ...
    ```
  }];
  let options = [
    Option<"force", "force", "std::string", "\"\"",
      "Give every mixer this form: recurrent, chunked or quadratic">,
    Option<"chunk", "chunk", "int64_t", "0",
      "Chunk of a forced chunked form; 0: the cost model's choice">,
    Option<"workers", "workers", "int64_t", "0",
      "Threads to plan for; 0: what the module's target says, else 1">,
    Option<"batchInvariant", "batch-invariant", "bool", "false",
      "Choose the same form whatever the batch is">
  ];
  let statistics = [
    Statistic<"chosen", "chosen", "Mixers that were given a form">
  ];
  let dependentDialects = ["::ssd::SSDDialect"];
}

def SSDApplyTuningSpecPass : Pass<"ssd-apply-tuning-spec", "::mlir::ModuleOp"> {
  let summary = "Forms and kernels that a tuning spec names";
  let description = [{
    Runs the transform library of a file, a tuning spec, whose entry
    `@__transform_main` gets the module. A spec matches mixers and steps and
    annotates them with `form`, `lowering_config` or, for GPUs, `hopper.kernel`
    and `hopper.stages` (see the hopper dialect); anything else in it is an error, as is a form of a
    step. While it runs, a mixer has its static sizes as attributes: `batch`,
    `length`, `heads`, `groups`, `head_dim`, `state_dim`, of type i64, and the
    type `element` of x; a step has them but `length`. What a mixer already has
    wins over the spec, the spec over the cost model.

    ```mlir
    module attributes {transform.with_named_sequence} {
      transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
        %mixers = transform.structured.match ops{["ssd.mix"]} attributes {heads = 80 : i64, element = bf16}
            in %module : (!transform.any_op) -> !transform.any_op
        %form = transform.param.constant #ssd.chunked<chunk = 128> -> !transform.any_param
        transform.annotate %mixers "form" = %form : !transform.any_op, !transform.any_param
        transform.yield
      }
    }
    ```
  }];
  let options = [
    Option<"tuningSpec", "tuning-spec", "std::string", "\"\"",
      "File of the spec; without one nothing happens">
  ];
  let dependentDialects = ["::ssd::SSDDialect", "::ssd::hopper::HopperDialect"];
}

def SSDFusePass : Pass<"ssd-fuse"> {
  let summary = "Group each mixer with its discretisation and elementwise neighbours";
  let description = [{
    Wraps every `ssd.mix` in `ssd.fused` together with the `ssd.discretize` that
    only it reads and the chain of elementwise `linalg.generic` that starts at
    its y: the unit that becomes one kernel on a GPU. On a CPU,
    `ssd-normalize-mixers` takes units apart again.

    ```mlir
    func.func @unit(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x1x16xf32>, %raw: tensor<2x?x4xf32>, %dt0: tensor<2x?x4xf32>,
                    %y0: tensor<2x?x4x8xf32>, %s0: tensor<2x4x8x16xf32>) -> (tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>) {
      %dt = ssd.discretize {softplus} ins(%raw : tensor<2x?x4xf32>) outs(%dt0 : tensor<2x?x4xf32>)
      %y, %s = ssd.mix ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x1x16xf32>, tensor<2x?x1x16xf32>)
          scale(%dt : tensor<2x?x4xf32>) outs(%y0, %s0 : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
      return %y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>
    }
    ```

    becomes

    ```
      %y, %s = ssd.fused ins(%x, %b, %raw ...) outs(%dt0, %y0, %s0 ...) {
        %dt = ssd.discretize ...
        %y, %s = ssd.mix ... scale(%dt) ...
        ssd.yield ... %y, %s
      }
    ```
  }];
  let statistics = [
    Statistic<"fused", "fused", "Neighbours moved into units">
  ];
  let dependentDialects = ["::ssd::SSDDialect"];
}

def SSDNormalizeMixersPass : Pass<"ssd-normalize-mixers"> {
  let summary = "Express packing, slots, checkpoints and direction by loops";
  let description = [{
    Takes fused units apart, then rewrites mixers until none has offsets, slots, checkpoints, the reverse
    direction or segment ids other than leading, non-decreasing runs:

    * offsets: a loop over sequences with a plain mixer on each slice;
    * slots: a loop over the batch; a negative slot runs on a zero state;
    * checkpoint_every = K: a loop over blocks of K tokens that stores the state
      after each;
    * reverse: the forward mixer on flipped operands;
    * segment_ids: ids become the number of changes before each token.

    Every form and target then sees one kind of mixer.

    ```mlir
    func.func @pool(%x: tensor<4x?x4x8xf32>, %b: tensor<4x?x1x16xf32>, %slots: tensor<4xi32>, %y0: tensor<4x?x4x8xf32>,
                    %pool: tensor<?x4x8x16xf32>) -> (tensor<4x?x4x8xf32>, tensor<?x4x8x16xf32>) {
      %y, %s = ssd.mix ins(%x, %b, %b : tensor<4x?x4x8xf32>, tensor<4x?x1x16xf32>, tensor<4x?x1x16xf32>)
          slots(%slots : tensor<4xi32>) outs(%y0, %pool : tensor<4x?x4x8xf32>, tensor<?x4x8x16xf32>)
      return %y, %s : tensor<4x?x4x8xf32>, tensor<?x4x8x16xf32>
    }
    ```

    becomes

    ```
      %y, %s = scf.for %i = %c0 to %c4 step %c1 iter_args(%yi = %y0, %si = %pool) {
        %slot = tensor.extract %slots[%i] : tensor<4xi32>
        ... = ssd.mix ... outs(%row_of_y, %row_of_pool_or_zero : tensor<1x?x4x8xf32>, tensor<1x4x8x16xf32>)
        ... }
    ```
  }];
  let dependentDialects = [
    "::ssd::SSDDialect", "::mlir::scf::SCFDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::affine::AffineDialect"
  ];
}

def SSDDecomposePass : Pass<"ssd-decompose"> {
  let summary = "Express formed mixers by loops over one-chunk operations";
  let description = [{
    Replaces each `ssd.mix` by what its form says (see DecompositionInterface):

    * all: `scf.forall` over batch, group and blocks of heads;
    * recurrent: inside, tiling along L by 1; the body is `ssd.step`;
    * chunked: tiling along L by the chunk; the body is the quadratic form on
      one chunk with a state; with parts, two such loops over parts of the
      sequence and `ssd.state_pass` between them; with tasks, `scf.if` over the
      batch;
    * quadratic: stage ops on blocks of queries and keys;
    * dispatch: `scf.if` over the length, a form in each branch.

    A mixer without a form is an error: run `ssd-choose-decomposition` first.

    ```mlir
    func.func @mix(%x: tensor<1x4096x8x64xf32>, %b: tensor<1x4096x1x128xf32>, %y0: tensor<1x4096x8x64xf32>,
                   %s0: tensor<1x8x64x128xf32>) -> (tensor<1x4096x8x64xf32>, tensor<1x8x64x128xf32>) {
      %y, %s = ssd.mix {form = #ssd.chunked<chunk = 128>}
          ins(%x, %b, %b : tensor<1x4096x8x64xf32>, tensor<1x4096x1x128xf32>, tensor<1x4096x1x128xf32>)
          outs(%y0, %s0 : tensor<1x4096x8x64xf32>, tensor<1x8x64x128xf32>)
      return %y, %s : tensor<1x4096x8x64xf32>, tensor<1x8x64x128xf32>
    }
    ```

    becomes

    ```
      scf.forall (%i, %h) ... {
        scf.for %first = %c0 to %c4096 step %c128 iter_args(%yc, %sc) {
          ... ssd.cumulative_decay, ssd.chunk_scores, ssd.chunk_scan, ssd.chunk_state ...
        } }
    ```
  }];
  let options = [
    Option<"block", "block", "int64_t", "32",
      "Queries of a block inside the quadratic form">,
    Option<"tasks", "tasks", "int64_t", "4",
      "Parallel tasks that even a single sequence should be">
  ];
  let dependentDialects = [
    "::ssd::SSDDialect", "::mlir::scf::SCFDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::affine::AffineDialect"
  ];
}

#endif // SSD_PASSES
