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

// With tasks, as many parts as the batch leaves room for, and the whole sequence
// where that is fewer than two.
// CHECK-LABEL: func.func @tasks(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x?x4x8xf32>
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:     %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG:     %[[C24:.*]] = arith.constant 24 : index
// CHECK:         %[[B:.*]] = tensor.dim %[[X]], %[[C0]]
// CHECK:         %[[BH:.*]] = arith.muli %[[B]], %[[C4]]
// CHECK:         %[[SOME:.*]] = arith.maxui %[[BH]], %[[C1]]
// CHECK:         %[[PARTS:.*]] = arith.divui %[[C24]], %[[SOME]]
// CHECK:         %[[SEVERAL:.*]] = arith.cmpi ugt, %[[PARTS]], %[[C1]]
// CHECK:         scf.if %[[SEVERAL]]
// CHECK:           tensor.empty(%{{.*}}, %[[PARTS]]) : tensor<?x?x4x8x16xf32>
// CHECK:           scf.forall (%{{.*}}, %{{.*}}, %{{.*}}) in (%{{.*}}, %[[PARTS]], 4)
// CHECK:           ssd.state_pass
// CHECK:           scf.forall (%{{.*}}, %{{.*}}, %{{.*}}) in (%{{.*}}, %[[PARTS]], 4)
// CHECK:         } else {
// CHECK-NOT:       ssd.state_pass
// CHECK:           scf.forall
// CHECK-NOT:       ssd.state_pass
// CHECK:         return
func.func @tasks(%x: tensor<?x?x4x8xf32>, %b: tensor<?x?x2x16xf32>, %dt: tensor<?x?x4xf32>,
                 %y: tensor<?x?x4x8xf32>, %s: tensor<?x4x8x16xf32>) -> (tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>) {
  %0:2 = ssd.mix {form = #ssd.chunked<chunk = 16, tasks = 24>}
      ins(%x, %b, %b : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>) decay(%dt : tensor<?x?x4xf32>)
      outs(%y, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

// A batch that is known: the same, decided now.
// CHECK-LABEL: func.func @tasks_of_two(
// CHECK-NOT:     scf.if
// CHECK:         scf.forall (%{{.*}}, %{{.*}}, %{{.*}}) in (2, 3, 2)
// CHECK-LABEL: func.func @tasks_of_four(
// CHECK-NOT:     ssd.state_pass
// CHECK:         return
func.func @tasks_of_two(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x2x16xf32>,
                        %y: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x?x4x8xf32> {
  %0:2 = ssd.mix {form = #ssd.chunked<chunk = 16, tasks = 24>}
      ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x2x16xf32>, tensor<2x?x2x16xf32>)
      outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x?x4x8xf32>
}
func.func @tasks_of_four(%x: tensor<4x?x4x8xf32>, %b: tensor<4x?x2x16xf32>,
                         %y: tensor<4x?x4x8xf32>, %s: tensor<4x4x8x16xf32>) -> tensor<4x?x4x8xf32> {
  %0:2 = ssd.mix {form = #ssd.chunked<chunk = 16, tasks = 24>}
      ins(%x, %b, %b : tensor<4x?x4x8xf32>, tensor<4x?x2x16xf32>, tensor<4x?x2x16xf32>)
      outs(%y, %s : tensor<4x?x4x8xf32>, tensor<4x4x8x16xf32>)
  return %0#0 : tensor<4x?x4x8xf32>
}
