// RUN: ssd-opt %s -split-input-file --ssd-decompose=tasks=1 --canonicalize --cse | FileCheck %s

// Chunks in order, the last one shorter; the state is transposed once at either
// end and goes through the chunks in f32.
// CHECK-DAG:   #[[$REST:.*]] = affine_map<(d0, d1) -> (-d0 + d1, 64)>
// CHECK-LABEL: func.func @ragged_tail(
// CHECK:         scf.forall
// CHECK:           %[[S0:.*]] = tensor.extract_slice %{{.*}} : tensor<1x4x8x16xf32> to tensor<4x8x16xf32>
// CHECK:           %[[ST:.*]] = linalg.transpose ins(%[[S0]] : tensor<4x8x16xf32>) outs(%{{.*}} : tensor<4x16x8xf32>) permutation = [0, 2, 1]
// CHECK:           %[[CHUNKS:.*]]:2 = scf.for %[[T:.*]] = %c0 to %[[LENGTH:.*]] step %c64 iter_args(%[[Y:.*]] = %{{.*}}, %[[S:.*]] = %[[ST]])
// CHECK:             %[[Q:.*]] = affine.min #[[$REST]](%[[T]], %[[LENGTH]])
// CHECK-DAG:         %[[X:.*]] = tensor.extract_slice %{{.*}}[%[[T]], 0, 0] [%[[Q]], 4, 8]
// CHECK-DAG:         %[[DT:.*]] = tensor.extract_slice %{{.*}}[%[[T]], 0] [%[[Q]], 4]
// CHECK:             %[[D:.*]] = ssd.cumulative_decay decay(%[[DT]] : tensor<?x4xf32>) rate(%{{.*}} : tensor<4xf32>)
// CHECK:             %[[SCALE:.*]] = linalg.transpose ins(%[[DT]]
// CHECK:             %[[YC:.*]] = scf.for %[[I:.*]] = %c0 to %[[Q]] step %c32
// CHECK:               ssd.chunk_output ins(%{{.*}}, %[[S]] :
// CHECK:               scf.for
// CHECK:                 ssd.chunk_scores
// CHECK:                 ssd.chunk_scan ins
// CHECK:               ssd.chunk_scores
// CHECK:               ssd.chunk_scan {diagonal}
// CHECK:             %[[NEXT:.*]] = ssd.chunk_state ins(%{{.*}}, %[[X]] : {{.*}}) cumulative_decay(%[[D]] : {{.*}}) scale(%[[SCALE]] : {{.*}}) outs(%[[S]] : tensor<4x16x8xf32>)
// CHECK:             %[[PUT:.*]] = tensor.insert_slice %[[YC]] into %[[Y]][%[[T]], 0, 0] [%[[Q]], 4, 8]
// CHECK:             scf.yield %[[PUT]], %[[NEXT]]
// CHECK:           linalg.transpose ins(%[[CHUNKS]]#1 : tensor<4x16x8xf32>) outs(%[[S0]] : tensor<4x8x16xf32>) permutation = [0, 2, 1]
func.func @ragged_tail(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x1x16xf32>, %dt: tensor<2x?x4xf32>, %a: tensor<4xf32>, %y: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.mix {form = #ssd.chunked<chunk = 64>} ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x1x16xf32>, tensor<2x?x1x16xf32>) decay(%dt : tensor<2x?x4xf32>) rate(%a : tensor<4xf32>) scale(%dt : tensor<2x?x4xf32>) outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>
}

// -----

// Nothing decays and nothing scales: no operands for it.
// CHECK-LABEL: func.func @linear_attention
// CHECK-NOT:     ssd.cumulative_decay
// CHECK-NOT:     cumulative_decay(
// CHECK-NOT:     scale(
// CHECK:         ssd.chunk_state
// CHECK-NOT:     cumulative_decay(
// CHECK-NOT:     scale(
// CHECK:         return
func.func @linear_attention(%x: tensor<2x130x4x8xf32>, %b: tensor<2x130x1x16xf32>, %y: tensor<2x130x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x130x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.mix {form = #ssd.chunked<chunk = 64>} ins(%x, %b, %b : tensor<2x130x4x8xf32>, tensor<2x130x1x16xf32>, tensor<2x130x1x16xf32>) outs(%y, %s : tensor<2x130x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x130x4x8xf32>, tensor<2x4x8x16xf32>
}

// -----

// Outputs and states of fewer bits are summed up in f32 and rounded once.
// CHECK-LABEL: func.func @bf16
// CHECK:         %[[WIDE:.*]] = linalg.copy ins(%{{.*}} : tensor<4x8x16xbf16>) outs(%{{.*}} : tensor<4x8x16xf32>)
// CHECK:         linalg.transpose ins(%[[WIDE]]
// CHECK:         ssd.chunk_output {{.*}} outs(%{{.*}} : tensor<?x4x8xf32>)
// CHECK:         %[[SUMS:.*]] = ssd.chunk_scan {diagonal}
// CHECK:         linalg.copy ins(%[[SUMS]] : tensor<?x4x8xf32>) outs(%{{.*}} : tensor<?x4x8xbf16>)
// CHECK:         ssd.chunk_state ins(%{{.*}} : tensor<?x16xbf16>, tensor<?x4x8xbf16>) outs(%{{.*}} : tensor<4x16x8xf32>)
// CHECK:         linalg.copy ins(%{{.*}} : tensor<4x8x16xf32>) outs(%{{.*}} : tensor<4x8x16xbf16>)
func.func @bf16(%x: tensor<2x?x4x8xbf16>, %b: tensor<2x?x1x16xbf16>, %y: tensor<2x?x4x8xbf16>, %s: tensor<2x4x8x16xbf16>) -> (tensor<2x?x4x8xbf16>, tensor<2x4x8x16xbf16>) {
  %0:2 = ssd.mix {form = #ssd.chunked<chunk = 64>} ins(%x, %b, %b : tensor<2x?x4x8xbf16>, tensor<2x?x1x16xbf16>, tensor<2x?x1x16xbf16>) outs(%y, %s : tensor<2x?x4x8xbf16>, tensor<2x4x8x16xbf16>)
  return %0#0, %0#1 : tensor<2x?x4x8xbf16>, tensor<2x4x8x16xbf16>
}

// -----

// A chunk's ids: the run of the state, then those of its tokens.
// CHECK-DAG:   #[[$MORE:.*]] = affine_map<(d0) -> (d0 + 1)>
// CHECK-LABEL: func.func @segments
// CHECK:         scf.for %[[T:.*]] = %c0 to %{{.*}} step %c64
// CHECK:           %[[Q:.*]] = affine.min
// CHECK:           %[[COUNT:.*]] = affine.apply #[[$MORE]](%[[Q]])
// CHECK:           %[[IDS:.*]] = tensor.extract_slice %{{.*}}[%[[T]]] [%[[COUNT]]] [1]
// CHECK-DAG:       %[[FIRSTID:.*]] = tensor.extract_slice %[[IDS]][0] [1] [1]
// CHECK-DAG:       %[[TOKENIDS:.*]] = tensor.extract_slice %[[IDS]][1] [%[[Q]]] [1]
// CHECK:           ssd.chunk_output {{.*}} runs(%{{.*}}, %[[FIRSTID]] :
// CHECK:           ssd.chunk_scan {diagonal} {{.*}} runs(
// CHECK:           ssd.chunk_state {{.*}} runs(%[[TOKENIDS]], %[[FIRSTID]] :
func.func @segments(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x1x16xf32>, %ids: tensor<2x?xi32>, %y: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.mix {form = #ssd.chunked<chunk = 64>, leading_segment} ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x1x16xf32>, tensor<2x?x1x16xf32>) segment_ids(%ids : tensor<2x?xi32>) outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>
}

// -----

// A state that is known to be zero is not read: no transposition on the way in,
// and nothing of it in the first chunk's outputs.
// CHECK-LABEL: func.func @from_zero(
// CHECK-NOT:     linalg.fill {{.*}} tensor<1x4x8x16xf32>
// CHECK:         scf.forall
// CHECK-NOT:       linalg.transpose {{.*}} permutation = [0, 2, 1]
// CHECK:           linalg.fill
// CHECK:           scf.for %[[FIRST:.*]] = %c0
// CHECK:             %[[ZERO:.*]] = arith.cmpi eq, %[[FIRST]], %c0
// CHECK:               scf.if %[[ZERO]]
// CHECK:                 linalg.fill
// CHECK:               } else {
// CHECK:                 ssd.chunk_output
func.func @from_zero(%x: tensor<1x64x4x8xf32>, %b: tensor<1x64x2x16xf32>, %dt: tensor<1x64x4xf32>,
                     %y: tensor<1x64x4x8xf32>) -> (tensor<1x64x4x8xf32>, tensor<1x4x8x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x4x8x16xf32>
  %s = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x4x8x16xf32>) -> tensor<1x4x8x16xf32>
  %0:2 = ssd.mix {form = #ssd.chunked<chunk = 16>}
      ins(%x, %b, %b : tensor<1x64x4x8xf32>, tensor<1x64x2x16xf32>, tensor<1x64x2x16xf32>) decay(%dt : tensor<1x64x4xf32>)
      outs(%y, %s : tensor<1x64x4x8xf32>, tensor<1x4x8x16xf32>)
  return %0#0, %0#1 : tensor<1x64x4x8xf32>, tensor<1x4x8x16xf32>
}
