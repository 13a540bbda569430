// RUN: ssd-opt %s --convert-ssd-to-linalg --canonicalize --cse | FileCheck %s

// Head by head: the state is updated, then read while it is in cache. One
// exponential a head; sums are f32 and rounded once.
// CHECK-DAG:   #[[$GROUP:.*]] = affine_map<(d0) -> (d0 floordiv 2)>
// CHECK-LABEL: func.func @scalar_decay(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x4x8xbf16>, %[[B:[a-z0-9]+]]: tensor<?x2x16xbf16>
// CHECK:         scf.for %[[BATCH:.*]] = %c0 to %{{.*}} step %c1
// CHECK:           %[[MAPS:.*]] = tensor.extract_slice %[[B]][%[[BATCH]], 0, 0]
// CHECK:           scf.for %[[HEAD:.*]] = %c0 to %c4 step %c1 iter_args(%[[Y:.*]] = %{{.*}}, %[[S:.*]] = %{{.*}})
// CHECK:             %[[G:.*]] = affine.apply #[[$GROUP]](%[[HEAD]])
// CHECK:             %[[BG:.*]] = tensor.extract_slice %[[MAPS]][%[[G]], 0] [1, 16]
// CHECK:             %[[OLD:.*]] = tensor.extract_slice %[[S]][%[[HEAD]], 0, 0] [1, 8, 16]
// CHECK:             %[[LOG:.*]] = arith.mulf
// CHECK:             %[[FACTOR:.*]] = math.exp %[[LOG]]
// CHECK:             %[[XS:.*]] = linalg.generic
// CHECK:             %[[NEW:.*]] = linalg.generic {{.*}} ins(%[[XS]], %[[BG]] : {{.*}}) outs(%[[OLD]] :
// CHECK:               %[[KEPT:.*]] = arith.mulf %{{.*}}, %[[FACTOR]]
// CHECK:               arith.addf %[[KEPT]]
// CHECK:             linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]} ins(%[[NEW]], %{{.*}}) outs(%{{.*}} : tensor<8xf32>)
// CHECK:             linalg.copy ins(%{{.*}} : tensor<8xf32>) outs(%{{.*}} : tensor<8xbf16>)
// CHECK:             tensor.insert_slice %[[NEW]] into %[[S]][%[[HEAD]], 0, 0]
func.func @scalar_decay(%x: tensor<?x4x8xbf16>, %b: tensor<?x2x16xbf16>, %dt: tensor<?x4xf32>, %a: tensor<4xf32>, %y: tensor<?x4x8xbf16>, %s: tensor<?x4x8x16xf32>) -> (tensor<?x4x8xbf16>, tensor<?x4x8x16xf32>) {
  %0:2 = ssd.step ins(%x, %b, %b : tensor<?x4x8xbf16>, tensor<?x2x16xbf16>, tensor<?x2x16xbf16>) decay(%dt : tensor<?x4xf32>) rate(%a : tensor<4xf32>) scale(%dt : tensor<?x4xf32>) outs(%y, %s : tensor<?x4x8xbf16>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x4x8xbf16>, tensor<?x4x8x16xf32>
}

// With a rate per column there is a factor for each of them.
// CHECK-LABEL: func.func @diagonal_rate(
// CHECK:         %[[FACTORS:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<f32>, tensor<16xf32>)
// CHECK:           math.exp
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[FACTORS]] : tensor<8xf32>, tensor<16xf32>, tensor<16xf32>) outs(%{{.*}} : tensor<8x16xf32>)
func.func @diagonal_rate(%x: tensor<2x4x8xf32>, %b: tensor<2x2x16xf32>, %dt: tensor<2x4xf32>, %a: tensor<4x16xf32>, %y: tensor<2x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.step ins(%x, %b, %b : tensor<2x4x8xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf32>) decay(%dt : tensor<2x4xf32>) rate(%a : tensor<4x16xf32>) outs(%y, %s : tensor<2x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x4x8xf32>, tensor<2x4x8x16xf32>
}

// CHECK-LABEL: func.func @no_decay
// CHECK-NOT:     math.exp
// CHECK:         return
func.func @no_decay(%x: tensor<2x4x8xf32>, %b: tensor<2x2x16xf32>, %y: tensor<2x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.step ins(%x, %b, %b : tensor<2x4x8xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf32>) outs(%y, %s : tensor<2x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x4x8xf32>, tensor<2x4x8x16xf32>
}

// A slot that is no row of the pool starts from zero and keeps nothing.
// CHECK-LABEL: func.func @slots(
// CHECK-SAME:    %[[SLOTS:[a-z0-9]+]]: tensor<2xi32>
// CHECK:         scf.for %[[BATCH:.*]] = %c0 to %c2 step %c1 iter_args(%[[Y:.*]] = %{{.*}}, %[[POOL:.*]] = %{{.*}})
// CHECK:           %[[SLOT:.*]] = tensor.extract %[[SLOTS]][%[[BATCH]]]
// CHECK:           %[[ROW:.*]] = arith.index_cast %[[SLOT]]
// CHECK:           %[[KEPT:.*]] = arith.cmpi ult, %[[ROW]], %c7
// CHECK:           scf.if %[[KEPT]]
// CHECK:             tensor.extract_slice %[[POOL]][%[[ROW]], 0, 0, 0]
// CHECK:             %[[NEW:.*]] = tensor.insert_slice %{{.*}} into %[[POOL]][%[[ROW]], 0, 0, 0]
// CHECK:             scf.yield %{{.*}}, %[[NEW]]
// CHECK:           } else {
// CHECK:             linalg.fill
// CHECK:             scf.yield %{{.*}}, %[[POOL]]
func.func @slots(%x: tensor<2x4x8xf32>, %b: tensor<2x2x16xf32>, %sl: tensor<2xi32>, %y: tensor<2x4x8xf32>, %s: tensor<7x4x8x16xf32>) -> (tensor<2x4x8xf32>, tensor<7x4x8x16xf32>) {
  %0:2 = ssd.step ins(%x, %b, %b : tensor<2x4x8xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf32>) slots(%sl : tensor<2xi32>) outs(%y, %s : tensor<2x4x8xf32>, tensor<7x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x4x8xf32>, tensor<7x4x8x16xf32>
}
