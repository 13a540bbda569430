// RUN: ssd-opt %s -split-input-file --ssd-decompose=tasks=1 --canonicalize --cse | FileCheck %s
// RUN: ssd-opt %s -split-input-file --ssd-decompose="tasks=1 block=8" --canonicalize --cse | FileCheck %s --check-prefix=BLOCK

// The whole sequence is one chunk. Scores are of a block of queries and at most
// four of keys, so memory is linear in the length.
// CHECK-DAG:   #[[$WHOLE:.*]] = affine_map<(d0) -> ((d0 floordiv 128) * 128)>
// CHECK-LABEL: func.func @blocks(
// CHECK:         tensor.empty() : tensor<4x300xf64>
// CHECK:         ssd.cumulative_decay
// CHECK:         scf.for %[[I:.*]] = %c0 to %c300 step %c32 iter_args
// CHECK:           %[[QUERIES:.*]] = affine.min
// CHECK:           %[[OLD:.*]] = ssd.chunk_output
// CHECK:           %[[LAST:.*]] = affine.apply #[[$WHOLE]](%[[I]])
// CHECK:           %[[KEYS:.*]] = affine.apply
// CHECK:           %[[SUMS:.*]] = scf.for %[[J:.*]] = %c0 to %[[LAST]] step %c128 iter_args(%[[Y:.*]] = %[[OLD]])
// CHECK:             tensor.empty() : tensor<32x128xf32>
// CHECK:             %[[SCORES:.*]] = ssd.chunk_scores {{.*}} outs(%{{.*}} : tensor<?x128xf32>)
// CHECK:             ssd.chunk_scan ins(%[[SCORES]], {{.*}} outs(%[[Y]] :
// CHECK:           tensor.extract_slice %{{.*}}[%[[LAST]], 0] [%[[KEYS]], 16]
// CHECK:           ssd.chunk_scan {diagonal} {{.*}} outs(%[[SUMS]] :
// CHECK:         ssd.chunk_state
// BLOCK-LABEL: func.func @blocks(
// BLOCK:         scf.for %{{.*}} = %c0 to %c300 step %c8
// BLOCK:           scf.for {{.*}} step %c32
// BLOCK:             tensor.empty() : tensor<8x32xf32>
func.func @blocks(%x: tensor<2x300x4x8xf32>, %b: tensor<2x300x1x16xf32>, %dt: tensor<2x300x4xf32>, %y: tensor<2x300x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x300x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.mix {form = #ssd.quadratic} ins(%x, %b, %b : tensor<2x300x4x8xf32>, tensor<2x300x1x16xf32>, tensor<2x300x1x16xf32>) decay(%dt : tensor<2x300x4xf32>) outs(%y, %s : tensor<2x300x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x300x4x8xf32>, tensor<2x4x8x16xf32>
}

// -----

// Where the length is unknown the loop over chunks runs once, or not at all:
// an empty chunk has no last token.
// CHECK-LABEL: func.func @dynamic_length
// CHECK:         %[[STEP:.*]] = arith.maxui %[[LENGTH:.*]], %c1
// CHECK:         scf.for %{{.*}} = %c0 to %[[LENGTH]] step %[[STEP]]
func.func @dynamic_length(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x1x16xf32>, %y: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32> {
  %0:2 = ssd.mix {form = #ssd.quadratic} ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x1x16xf32>, tensor<2x?x1x16xf32>) outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#1 : tensor<2x4x8x16xf32>
}

// -----

// Few tokens: blocks are no larger than they are.
// CHECK-LABEL: func.func @short_sequence
// CHECK:         tensor.empty() : tensor<5x5xf32>
// CHECK-NOT:     scf.for
// CHECK:         ssd.chunk_state
func.func @short_sequence(%x: tensor<2x5x4x8xf32>, %b: tensor<2x5x1x16xf32>, %y: tensor<2x5x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x5x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.mix {form = #ssd.quadratic} ins(%x, %b, %b : tensor<2x5x4x8xf32>, tensor<2x5x1x16xf32>, tensor<2x5x1x16xf32>) outs(%y, %s : tensor<2x5x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x5x4x8xf32>, tensor<2x4x8x16xf32>
}

// -----

// CHECK-LABEL: func.func @empty_sequence(
// CHECK-SAME:    %[[S:[a-z0-9]+]]: tensor<2x4x8x16xf32>)
// CHECK-NEXT:    return %[[S]]
func.func @empty_sequence(%x: tensor<2x0x4x8xf32>, %b: tensor<2x0x1x16xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32> {
  %0:2 = ssd.mix {form = #ssd.quadratic} ins(%x, %b, %b : tensor<2x0x4x8xf32>, tensor<2x0x1x16xf32>, tensor<2x0x1x16xf32>) outs(%x, %s : tensor<2x0x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#1 : tensor<2x4x8x16xf32>
}
