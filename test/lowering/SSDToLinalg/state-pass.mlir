// RUN: ssd-opt %s --convert-ssd-to-linalg --canonicalize --cse | FileCheck %s

// Part by part: the state is stored, then decays and takes the part's own.
// CHECK-LABEL: func.func @state_pass(
// CHECK:         scf.for %[[K:.*]] = %c0 to %c4 step %c1 iter_args(%[[STARTS:.*]] = %{{.*}}, %[[S:.*]] = %{{.*}})
// CHECK:           %[[PLACE:.*]] = tensor.extract_slice %[[STARTS]][%[[K]], 0, 0, 0]
// CHECK:           %[[START:.*]] = linalg.copy ins(%[[S]] : {{.*}}) outs(%[[PLACE]] :
// CHECK:           %[[STORED:.*]] = tensor.insert_slice %[[START]] into %[[STARTS]][%[[K]], 0, 0, 0]
// CHECK:           %[[FACTOR:.*]] = linalg.generic
// CHECK:             math.exp
// CHECK:           %[[LOCAL:.*]] = tensor.extract_slice %{{.*}}[%[[K]], 0, 0, 0]
// CHECK:           %[[NEXT:.*]] = linalg.generic {{.*}} ins(%[[LOCAL]], %[[FACTOR]] : {{.*}}) outs(%[[S]] :
// CHECK:             arith.mulf
// CHECK:             arith.addf
// CHECK:           scf.yield %[[STORED]], %[[NEXT]]
func.func @state_pass(%l: tensor<1x4x2x8x16xf32>, %d: tensor<1x4x2xf32>, %start: tensor<1x4x2x8x16xf32>, %s: tensor<1x2x8x16xf32>) -> (tensor<1x4x2x8x16xf32>, tensor<1x2x8x16xf32>) {
  %0:2 = ssd.state_pass ins(%l, %d : tensor<1x4x2x8x16xf32>, tensor<1x4x2xf32>) outs(%start, %s : tensor<1x4x2x8x16xf32>, tensor<1x2x8x16xf32>)
  return %0#0, %0#1 : tensor<1x4x2x8x16xf32>, tensor<1x2x8x16xf32>
}
