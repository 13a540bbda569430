// RUN: ssd-opt %s --convert-ssd-to-linalg --canonicalize --cse | FileCheck %s

// The old state decays over the chunk, or is dropped where the last token is of
// another run; inputs of that run are weighted by what remains of them.
// CHECK-LABEL: func.func @everything(
// CHECK-SAME:    %[[B:[a-z0-9]+]]: tensor<?x8xf32>, %[[X:[a-z0-9]+]]: tensor<?x2x4xf32>, %[[D:[a-z0-9]+]]: tensor<2x?xf64>, %[[DT:[a-z0-9]+]]: tensor<2x?xf32>, %[[RUNS:[a-z0-9]+]]: tensor<?xi32>, %[[STATEID:[a-z0-9]+]]: tensor<1xi32>
// CHECK:         %[[LAST:.*]] = arith.subi %{{.*}}, %c1
// CHECK:         %[[LASTID:.*]] = tensor.extract %[[RUNS]][%[[LAST]]]
// CHECK:         scf.for %[[HEAD:.*]] = %c0 to %c2 step %c1 iter_args(%[[S:.*]] = %{{.*}})
// CHECK:           %[[TOTAL:.*]] = tensor.extract %[[D]][%[[HEAD]], %[[LAST]]]
// CHECK:           %[[SH:.*]] = tensor.extract_slice %[[S]][%[[HEAD]], 0, 0]
// CHECK:           %[[FACTOR:.*]] = math.exp
// CHECK:           %[[STATEIS:.*]] = tensor.extract %[[STATEID]][%c0]
// CHECK:           %[[KEPT:.*]] = arith.cmpi eq, %[[STATEIS]], %[[LASTID]]
// CHECK:           %[[OLD:.*]] = linalg.generic {{.*}} outs(%[[SH]] :
// CHECK:             %[[DECAYED:.*]] = arith.mulf %{{.*}}, %[[FACTOR]]
// CHECK:             arith.select %[[KEPT]], %[[DECAYED]], %{{.*}}
// CHECK:           %[[WEIGHTS:.*]] = linalg.generic
// CHECK:             %[[GAP:.*]] = arith.subf %[[TOTAL]], %{{.*}} : f64
// CHECK:             arith.truncf %[[GAP]]
// CHECK:             math.exp
// CHECK:           %[[XW:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %[[WEIGHTS]], %[[RUNS]] :
// CHECK:             arith.cmpi eq, %{{.*}}, %[[LASTID]]
// CHECK:           linalg.generic {{.*}}iterator_types = ["reduction", "parallel", "parallel"]} ins(%[[B]], %[[XW]] : {{.*}}) outs(%[[OLD]] :
func.func @everything(%b: tensor<?x8xf32>, %x: tensor<?x2x4xf32>, %d: tensor<2x?xf64>, %dt: tensor<2x?xf32>, %r: tensor<?xi32>, %sr: tensor<1xi32>, %s: tensor<2x8x4xf32>) -> tensor<2x8x4xf32> {
  %0 = ssd.chunk_state ins(%b, %x : tensor<?x8xf32>, tensor<?x2x4xf32>) cumulative_decay(%d : tensor<2x?xf64>) scale(%dt : tensor<2x?xf32>) runs(%r, %sr : tensor<?xi32>, tensor<1xi32>) outs(%s : tensor<2x8x4xf32>)
  return %0 : tensor<2x8x4xf32>
}

// CHECK-LABEL: func.func @sum_only
// CHECK-NOT:     math.exp
// CHECK-NOT:     arith.select
// CHECK:         return
func.func @sum_only(%b: tensor<16x8xf32>, %x: tensor<16x2x4xf32>, %s: tensor<2x8x4xf32>) -> tensor<2x8x4xf32> {
  %0 = ssd.chunk_state ins(%b, %x : tensor<16x8xf32>, tensor<16x2x4xf32>) outs(%s : tensor<2x8x4xf32>)
  return %0 : tensor<2x8x4xf32>
}
