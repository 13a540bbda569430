// RUN: ssd-opt %s --convert-ssd-to-linalg --canonicalize --cse | FileCheck %s

// For each head a product with its state, then each row times its decay, or zero
// where the row is of another run than the state.
// CHECK-LABEL: func.func @decay_and_runs(
// CHECK-SAME:    %[[C:[a-z0-9]+]]: tensor<?x8xf32>, %[[S:[a-z0-9]+]]: tensor<2x8x4xf32>, %[[D:[a-z0-9]+]]: tensor<2x?xf64>, %[[RUNS:[a-z0-9]+]]: tensor<?xi32>, %[[STATEID:[a-z0-9]+]]: tensor<1xi32>
// CHECK:         scf.for %[[HEAD:.*]] = %c0 to %c2 step %c1 iter_args(%[[Y:.*]] = %{{.*}})
// CHECK:           %[[SH:.*]] = tensor.extract_slice %[[S]][%[[HEAD]], 0, 0]
// CHECK:           %[[SUMS:.*]] = linalg.generic {{.*}}"reduction"{{.*}} ins(%[[C]], %[[SH]] :
// CHECK:           %[[DH:.*]] = tensor.extract_slice %[[D]][%[[HEAD]], 0]
// CHECK:           %[[FACTOR:.*]] = linalg.generic {{.*}} ins(%[[DH]] : tensor<?xf64>)
// CHECK:             arith.truncf
// CHECK:             math.exp
// CHECK:           %[[ID:.*]] = tensor.extract %[[STATEID]][%c0]
// CHECK:           linalg.generic {{.*}} ins(%[[FACTOR]], %[[RUNS]] : {{.*}}) outs(%[[SUMS]] :
// CHECK:             %[[DECAYED:.*]] = arith.mulf
// CHECK:             %[[SAME:.*]] = arith.cmpi eq, %{{.*}}, %[[ID]]
// CHECK:             arith.select %[[SAME]], %[[DECAYED]], %{{.*}}
func.func @decay_and_runs(%c: tensor<?x8xf32>, %s: tensor<2x8x4xf32>, %d: tensor<2x?xf64>, %r: tensor<?xi32>, %sr: tensor<1xi32>, %y: tensor<?x2x4xf32>) -> tensor<?x2x4xf32> {
  %0 = ssd.chunk_output ins(%c, %s : tensor<?x8xf32>, tensor<2x8x4xf32>) cumulative_decay(%d : tensor<2x?xf64>) runs(%r, %sr : tensor<?xi32>, tensor<1xi32>) outs(%y : tensor<?x2x4xf32>)
  return %0 : tensor<?x2x4xf32>
}

// CHECK-LABEL: func.func @product_only
// CHECK-NOT:     math.exp
// CHECK-NOT:     arith.select
// CHECK:         return
func.func @product_only(%c: tensor<?x8xf32>, %s: tensor<2x8x4xf32>, %y: tensor<?x2x4xf32>) -> tensor<?x2x4xf32> {
  %0 = ssd.chunk_output ins(%c, %s : tensor<?x8xf32>, tensor<2x8x4xf32>) outs(%y : tensor<?x2x4xf32>)
  return %0 : tensor<?x2x4xf32>
}
