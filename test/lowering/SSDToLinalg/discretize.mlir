// RUN: ssd-opt %s --convert-ssd-to-linalg --canonicalize --cse | FileCheck %s

// The sum, softplus without overflow, and the limits, all in f32.
// CHECK-LABEL: func.func @bias_softplus_limits(
// CHECK-SAME:    %[[RAW:[a-z0-9]+]]: tensor<2x?x4xbf16>, %[[BIAS:[a-z0-9]+]]: tensor<4xf32>, %[[OUT:[a-z0-9]+]]: tensor<2x?x4xf32>)
// CHECK-DAG:     %[[MAX:.*]] = arith.constant 5.000000e-01 : f32
// CHECK-DAG:     %[[MIN:.*]] = arith.constant 1.000000e-03 : f32
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:         linalg.generic {{.*}} ins(%[[RAW]], %[[BIAS]] : {{.*}}) outs(%[[OUT]] :
// CHECK-NEXT:    ^bb0(%[[R:.*]]: bf16, %[[B:.*]]: f32, %{{.*}}: f32):
// CHECK:           %[[RF:.*]] = arith.extf %[[R]] : bf16 to f32
// CHECK:           %[[V:.*]] = arith.addf %[[RF]], %[[B]]
// CHECK:           %[[ABS:.*]] = math.absf %[[V]]
// CHECK:           %[[NEG:.*]] = arith.negf %[[ABS]]
// CHECK:           %[[EXP:.*]] = math.exp %[[NEG]]
// CHECK:           %[[LOG:.*]] = math.log1p %[[EXP]]
// CHECK:           %[[POSITIVE:.*]] = arith.maximumf %[[V]], %[[ZERO]]
// CHECK:           %[[STEP:.*]] = arith.addf %[[POSITIVE]], %[[LOG]]
// CHECK:           %[[ATLEAST:.*]] = arith.maximumf %[[STEP]], %[[MIN]]
// CHECK:           %[[CLIPPED:.*]] = arith.minimumf %[[ATLEAST]], %[[MAX]]
// CHECK:           linalg.yield %[[CLIPPED]]
func.func @bias_softplus_limits(%raw: tensor<2x?x4xbf16>, %bias: tensor<4xf32>, %o: tensor<2x?x4xf32>) -> tensor<2x?x4xf32> {
  %0 = ssd.discretize {softplus, min = 1.0e-3 : f32, max = 0.5 : f32} ins(%raw : tensor<2x?x4xbf16>) bias(%bias : tensor<4xf32>) outs(%o : tensor<2x?x4xf32>)
  return %0 : tensor<2x?x4xf32>
}

// CHECK-LABEL: func.func @nothing_asked_for(
// CHECK-NOT:     math.
// CHECK:         return
func.func @nothing_asked_for(%raw: tensor<2x4xf32>, %o: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = ssd.discretize ins(%raw : tensor<2x4xf32>) outs(%o : tensor<2x4xf32>)
  return %0 : tensor<2x4xf32>
}
