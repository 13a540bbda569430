// RUN: ssd-opt %s -split-input-file --ssd-decompose --canonicalize --cse | FileCheck %s

// The mixer tiles through TilingInterface: batch, group and heads of a group are
// parallel, the length is a reduction that carries the state. Tasks are one
// group's heads, in as many blocks as make four tasks of one batch.

// CHECK-DAG:   #[[$HEAD:.*]] = affine_map<(d0, d1) -> (d0 * 4 + d1)>
// CHECK-LABEL: func.func @grouped_heads_dynamic_batch(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x8x16xf32>, %[[B:.*]]: tensor<?x?x2x32xf32>,
// CHECK-SAME:    %[[DT:.*]]: tensor<?x?x8xf32>, %[[A:.*]]: tensor<8xf32>,
// CHECK-SAME:    %[[Y0:.*]]: tensor<?x?x8x16xf32>, %[[S0:.*]]: tensor<?x8x16x32xf32>)
// CHECK-DAG:     %[[BATCHES:.*]] = tensor.dim %[[X]], %c0
// CHECK-DAG:     %[[TOKENS:.*]] = tensor.dim %[[X]], %c1
// CHECK:         scf.forall (%[[BATCH:.*]], %[[GROUP:.*]], %[[R:.*]]) = (0, 0, 0) to (%[[BATCHES]], 2, 4) step (1, 1, 2)
// CHECK-SAME:      shared_outs(%[[YS:.*]] = %[[Y0]], %[[SS:.*]] = %[[S0]])
// CHECK:           %[[H:.*]] = affine.apply #[[$HEAD]](%[[GROUP]], %[[R]])
// CHECK-DAG:       %[[XS:.*]] = tensor.extract_slice %[[X]][%[[BATCH]], 0, %[[H]], 0] [1, %[[TOKENS]], 2, 16]
// CHECK-DAG:       tensor.extract_slice %[[B]][%[[BATCH]], 0, %[[GROUP]], 0] [1, %[[TOKENS]], 1, 32]
// CHECK-DAG:       tensor.extract_slice %[[DT]][%[[BATCH]], 0, %[[H]]] [1, %[[TOKENS]], 2]
// CHECK-DAG:       %[[AS:.*]] = tensor.extract_slice %[[A]][%[[H]]] [2] [1]
// CHECK-DAG:       %[[YT:.*]] = tensor.extract_slice %[[YS]][%[[BATCH]], 0, %[[H]], 0] [1, %[[TOKENS]], 2, 16]
// CHECK-DAG:       %[[ST:.*]] = tensor.extract_slice %[[SS]][%[[BATCH]], %[[H]], 0, 0] [1, 2, 16, 32]
// CHECK:           %[[LOOP:.*]]:2 = scf.for %[[T:.*]] = %c0 to %[[TOKENS]] step %c1 iter_args(%[[Y:.*]] = %[[YT]], %[[S:.*]] = %[[ST]])
// CHECK-DAG:         tensor.extract_slice %[[XS]][0, %[[T]], 0, 0] [1, 1, 2, 16]
// CHECK:             %[[STEP:.*]]:2 = ssd.step {{.*}} rate(%[[AS]] : tensor<2xf32>) {{.*}} outs(%{{.*}}, %[[S]] :
// CHECK:             scf.yield %{{.*}}, %[[STEP]]#1
// CHECK:           scf.forall.in_parallel
// CHECK-DAG:         tensor.parallel_insert_slice %[[LOOP]]#0 into %[[YS]][%[[BATCH]], 0, %[[H]], 0] [1, %[[TOKENS]], 2, 16]
// CHECK-DAG:         tensor.parallel_insert_slice %[[LOOP]]#1 into %[[SS]][%[[BATCH]], %[[H]], 0, 0] [1, 2, 16, 32]
func.func @grouped_heads_dynamic_batch(%x: tensor<?x?x8x16xf32>, %b: tensor<?x?x2x32xf32>, %dt: tensor<?x?x8xf32>, %a: tensor<8xf32>, %y: tensor<?x?x8x16xf32>, %s: tensor<?x8x16x32xf32>) -> (tensor<?x?x8x16xf32>, tensor<?x8x16x32xf32>) {
  %0:2 = ssd.mix {form = #ssd.recurrent} ins(%x, %b, %b : tensor<?x?x8x16xf32>, tensor<?x?x2x32xf32>, tensor<?x?x2x32xf32>) decay(%dt : tensor<?x?x8xf32>) rate(%a : tensor<8xf32>) scale(%dt : tensor<?x?x8xf32>) outs(%y, %s : tensor<?x?x8x16xf32>, tensor<?x8x16x32xf32>)
  return %0#0, %0#1 : tensor<?x?x8x16xf32>, tensor<?x8x16x32xf32>
}

// -----

// Enough tasks by batch and group: a group is one task.
// CHECK-LABEL: func.func @static_batch_of_four
// CHECK:         scf.forall (%{{.*}}, %{{.*}}) in (4, 2)
// CHECK:           ssd.step {{.*}} outs(%{{.*}}, %{{.*}} : tensor<1x4x16xf32>, tensor<1x4x16x32xf32>)
func.func @static_batch_of_four(%x: tensor<4x9x8x16xf32>, %b: tensor<4x9x2x32xf32>, %y: tensor<4x9x8x16xf32>, %s: tensor<4x8x16x32xf32>) -> tensor<4x9x8x16xf32> {
  %0:2 = ssd.mix {form = #ssd.recurrent} ins(%x, %b, %b : tensor<4x9x8x16xf32>, tensor<4x9x2x32xf32>, tensor<4x9x2x32xf32>) outs(%y, %s : tensor<4x9x8x16xf32>, tensor<4x8x16x32xf32>)
  return %0#0 : tensor<4x9x8x16xf32>
}

// -----

// Decays per column are cut by head and whole in N; a tile of leading ids has
// one more than tokens, the first that of the token before.
// CHECK-LABEL: func.func @diagonal_decay_and_segments(
// CHECK-SAME:    %[[IDS:[a-z0-9]+]]: tensor<1x10xi32>
// CHECK:         scf.forall
// CHECK:           tensor.extract_slice %{{.*}}[0, 0, %{{.*}}, 0] [1, 9, 2, 32] [1, 1, 1, 1] : tensor<1x9x8x32xf32>
// CHECK:           scf.for %[[T:.*]] = %c0 to %c9 step %c1
// CHECK:             %[[PAIR:.*]] = tensor.extract_slice %[[IDS]][0, %[[T]]] [1, 2] [1, 1]
// CHECK-DAG:         %[[BEFORE:.*]] = tensor.extract %[[PAIR]][%c0, %c0]
// CHECK-DAG:         %[[NOW:.*]] = tensor.extract %[[PAIR]][%c0, %c1]
// CHECK:             arith.cmpi eq, %[[BEFORE]], %[[NOW]]
func.func @diagonal_decay_and_segments(%x: tensor<1x9x8x16xf32>, %b: tensor<1x9x2x32xf32>, %d: tensor<1x9x8x32xf32>, %ids: tensor<1x10xi32>, %y: tensor<1x9x8x16xf32>, %s: tensor<1x8x16x32xf32>) -> tensor<1x9x8x16xf32> {
  %0:2 = ssd.mix {form = #ssd.recurrent, leading_segment} ins(%x, %b, %b : tensor<1x9x8x16xf32>, tensor<1x9x2x32xf32>, tensor<1x9x2x32xf32>) decay(%d : tensor<1x9x8x32xf32>) segment_ids(%ids : tensor<1x10xi32>) outs(%y, %s : tensor<1x9x8x16xf32>, tensor<1x8x16x32xf32>)
  return %0#0 : tensor<1x9x8x16xf32>
}
