// RUN: ssd-opt %s --ssd-decompose --canonicalize --cse | FileCheck %s

// Three parts of whole chunks: their states from zero, the pass over these, and
// their outputs from the true states. Both loops are over batch, part and blocks
// of heads; no outputs in the first.
// CHECK-LABEL: func.func @split(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x?x4x8xf32>
// CHECK-SAME:    %[[Y:[a-z0-9]+]]: tensor<2x?x4x8xf32>, %[[S:[a-z0-9]+]]: tensor<2x4x8x16xf32>)
// CHECK-DAG:     %[[LOCAL0:.*]] = tensor.empty() : tensor<2x3x4x8x16xf32>
// CHECK-DAG:     %[[DECAY0:.*]] = tensor.empty() : tensor<2x3x4xf32>
// CHECK:         %[[LOCAL:.*]]:2 = scf.forall (%[[B:.*]], %[[K:.*]], %[[H:.*]]) in (2, 3, 2) shared_outs(%{{.*}} = %[[LOCAL0]], %{{.*}} = %[[DECAY0]])
// CHECK:           scf.for
// CHECK-NOT:         ssd.chunk_scan
// CHECK:             ssd.chunk_state
// CHECK:           ssd.cumulative_decay
// CHECK:           scf.forall.in_parallel
// CHECK:         %[[PASS:.*]]:2 = ssd.state_pass ins(%[[LOCAL]]#0, %[[LOCAL]]#1 : {{.*}}) outs(%{{.*}}, %[[S]] :
// CHECK:         %[[OUT:.*]] = scf.forall (%{{.*}}, %{{.*}}, %{{.*}}) in (2, 3, 2) shared_outs(%{{.*}} = %[[Y]])
// CHECK:           tensor.extract_slice %[[PASS]]#0
// CHECK:           scf.for
// CHECK:             ssd.chunk_output
// CHECK:             ssd.chunk_scan
// CHECK:         return %[[OUT]], %[[PASS]]#1
func.func @split(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x2x16xf32>, %dt: tensor<2x?x4xf32>,
                 %y: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.mix {form = #ssd.chunked<chunk = 16, parts = 3>}
      ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x2x16xf32>, tensor<2x?x2x16xf32>) decay(%dt : tensor<2x?x4xf32>)
      outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>
}
