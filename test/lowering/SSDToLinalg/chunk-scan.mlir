// RUN: ssd-opt %s --convert-ssd-to-linalg --canonicalize --cse | FileCheck %s

// Scores are masked for each head and multiplied with its inputs. Decays are
// subtracted in f64, before they are rounded; what is masked is selected away,
// not multiplied, as its exponential may be infinite.
// CHECK-LABEL: func.func @everything(
// CHECK-SAME:    %[[CB:[a-z0-9]+]]: tensor<?x?xf32>, %[[X:[a-z0-9]+]]: tensor<?x2x4xf32>
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG:     %[[QUERIES:.*]] = tensor.dim %[[CB]], %c0
// CHECK-DAG:     %[[KEYS:.*]] = tensor.dim %[[CB]], %c1
// CHECK:         %[[SHIFT:.*]] = arith.subi %[[KEYS]], %[[QUERIES]]
// CHECK:         scf.for %[[HEAD:.*]] = %c0 to %c2 step %c1 iter_args(%[[Y:.*]] = %{{.*}})
// CHECK:           %[[MASKED:.*]] = linalg.generic {{.*}} ins(%[[CB]],
// CHECK-NEXT:      ^bb0(%[[SCORE:.*]]: f32, %[[DQ:.*]]: f64, %[[DK:.*]]: f64, %[[SCALE:.*]]: f32, %[[RQ:.*]]: i32, %[[RK:.*]]: i32, %{{.*}}: f32):
// CHECK:             %[[GAP:.*]] = arith.subf %[[DQ]], %[[DK]]
// CHECK:             %[[ROUNDED:.*]] = arith.truncf %[[GAP]] : f64 to f32
// CHECK:             %[[DECAY:.*]] = math.exp %[[ROUNDED]]
// CHECK:             %[[DECAYED:.*]] = arith.mulf %[[SCORE]], %[[DECAY]]
// CHECK:             %[[SCALED:.*]] = arith.mulf %[[DECAYED]], %[[SCALE]]
// CHECK:             %[[SAME:.*]] = arith.cmpi eq, %[[RQ]], %[[RK]]
// CHECK:             %[[OWN:.*]] = arith.select %[[SAME]], %[[SCALED]], %[[ZERO]]
// CHECK:             %[[I:.*]] = linalg.index 0
// CHECK:             %[[J:.*]] = linalg.index 1
// CHECK:             %[[LAST:.*]] = arith.addi %[[I]], %[[SHIFT]]
// CHECK:             %[[SEEN:.*]] = arith.cmpi sle, %[[J]], %[[LAST]]
// CHECK:             arith.select %[[SEEN]], %[[OWN]], %[[ZERO]]
// CHECK:           %[[XH:.*]] = tensor.extract_slice %[[X]][0, %[[HEAD]], 0]
// CHECK:           %[[YH:.*]] = tensor.extract_slice %[[Y]][0, %[[HEAD]], 0]
// CHECK:           linalg.generic {{.*}}"reduction"{{.*}} ins(%[[MASKED]], %[[XH]] : {{.*}}) outs(%[[YH]] :
func.func @everything(%cb: tensor<?x?xf32>, %x: tensor<?x2x4xf32>, %d: tensor<2x?xf64>, %e: tensor<2x?xf64>, %s: tensor<2x?xf32>, %r: tensor<?xi32>, %k: tensor<?xi32>, %y: tensor<?x2x4xf32>) -> tensor<?x2x4xf32> {
  %0 = ssd.chunk_scan {diagonal} ins(%cb, %x : tensor<?x?xf32>, tensor<?x2x4xf32>) cumulative_decay(%d, %e : tensor<2x?xf64>, tensor<2x?xf64>) scale(%s : tensor<2x?xf32>) runs(%r, %k : tensor<?xi32>, tensor<?xi32>) outs(%y : tensor<?x2x4xf32>)
  return %0 : tensor<?x2x4xf32>
}

// Blocks of earlier keys need no mask.
// CHECK-LABEL: func.func @earlier_keys
// CHECK-NOT:     linalg.index
// CHECK-NOT:     arith.select
// CHECK:         return
func.func @earlier_keys(%cb: tensor<16x32xf32>, %x: tensor<32x2x4xf32>, %d: tensor<2x16xf64>, %e: tensor<2x32xf64>, %y: tensor<16x2x4xf32>) -> tensor<16x2x4xf32> {
  %0 = ssd.chunk_scan ins(%cb, %x : tensor<16x32xf32>, tensor<32x2x4xf32>) cumulative_decay(%d, %e : tensor<2x16xf64>, tensor<2x32xf64>) outs(%y : tensor<16x2x4xf32>)
  return %0 : tensor<16x2x4xf32>
}
