// RUN: ssd-opt %s --convert-ssd-to-linalg --canonicalize --cse | FileCheck %s

// Products and sums are f64: the product of two f32 is exact there.
// CHECK-LABEL: func.func @decay_and_rate(
// CHECK-SAME:    %[[D:[a-z0-9]+]]: tensor<16x2xf32>, %[[A:[a-z0-9]+]]: tensor<2xf32>
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : f64
// CHECK:         scf.for %[[HEAD:.*]] = %c0 to %c2
// CHECK:           scf.for %[[T:.*]] = %c0 to %c16 step %c1 iter_args(%[[OUT:.*]] = %{{.*}}, %[[SUM:.*]] = %[[ZERO]])
// CHECK:             %[[DT:.*]] = tensor.extract %[[D]][%[[T]], %[[HEAD]]]
// CHECK:             %[[DTWIDE:.*]] = arith.extf %[[DT]] : f32 to f64
// CHECK:             %[[AH:.*]] = tensor.extract %[[A]][%[[HEAD]]]
// CHECK:             %[[AWIDE:.*]] = arith.extf %[[AH]] : f32 to f64
// CHECK:             %[[LOG:.*]] = arith.mulf %[[DTWIDE]], %[[AWIDE]]
// CHECK:             %[[NEXT:.*]] = arith.addf %[[SUM]], %[[LOG]]
// CHECK:             tensor.insert %[[NEXT]] into %[[OUT]][%[[HEAD]], %[[T]]]
func.func @decay_and_rate(%d: tensor<16x2xf32>, %a: tensor<2xf32>, %o: tensor<2x16xf64>) -> tensor<2x16xf64> {
  %0 = ssd.cumulative_decay decay(%d : tensor<16x2xf32>) rate(%a : tensor<2xf32>) outs(%o : tensor<2x16xf64>)
  return %0 : tensor<2x16xf64>
}

// CHECK-LABEL: func.func @rate_alone(
// CHECK-NOT:     arith.mulf
// CHECK:         arith.addf
func.func @rate_alone(%a: tensor<2xf32>, %o: tensor<2x?xf64>) -> tensor<2x?xf64> {
  %0 = ssd.cumulative_decay rate(%a : tensor<2xf32>) outs(%o : tensor<2x?xf64>)
  return %0 : tensor<2x?xf64>
}
