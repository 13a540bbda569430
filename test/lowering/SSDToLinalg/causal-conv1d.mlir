// RUN: ssd-opt %s --convert-ssd-to-linalg --canonicalize --cse | FileCheck %s

// The window and the tokens in one row; each tap is a shifted view of it. The
// new window is its end, so that short sequences keep older inputs.
// CHECK-LABEL: func.func @silu_bias_bf16(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x?x8xbf16>, %[[W:[a-z0-9]+]]: tensor<8x2xf32>, %[[BIAS:[a-z0-9]+]]: tensor<8xf32>, %[[Y:[a-z0-9]+]]: tensor<2x?x8xbf16>, %[[WINDOW:[a-z0-9]+]]: tensor<2x1x8xbf16>)
// CHECK:         %[[LENGTH:.*]] = tensor.dim %[[X]], %c1
// CHECK:         %[[ROW:.*]] = tensor.empty(%{{.*}}) : tensor<2x?x8xbf16>
// CHECK:         %[[OLD:.*]] = linalg.copy ins(%[[WINDOW]] :
// CHECK:         tensor.insert_slice %[[OLD]] into %[[ROW]][0, 0, 0]
// CHECK:         linalg.copy ins(%[[X]] :
// CHECK:         %[[BOTH:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[0, 1, 0] [2, %[[LENGTH]], 8]
// CHECK:         %[[WEIGHTS:.*]] = linalg.generic {{.*}} ins(%[[W]] : tensor<8x2xf32>) outs(%{{.*}} : tensor<2x8xf32>)
// CHECK:         %[[TAP0:.*]] = tensor.extract_slice %[[BOTH]][0, 0, 0] [2, %[[LENGTH]], 8]
// CHECK:         %[[WEIGHT0:.*]] = tensor.extract_slice %[[WEIGHTS]][0, 0] [1, 8]
// CHECK:         %[[TAP1:.*]] = tensor.extract_slice %[[BOTH]][0, 1, 0] [2, %[[LENGTH]], 8]
// CHECK:         %[[WEIGHT1:.*]] = tensor.extract_slice %[[WEIGHTS]][1, 0] [1, 8]
// CHECK:         %[[RESULT:.*]] = linalg.generic {{.*}} ins(%[[TAP0]], %[[WEIGHT0]], %[[TAP1]], %[[WEIGHT1]], %[[BIAS]] : {{.*}}) outs(%[[Y]] :
// CHECK-NEXT:    ^bb0(%[[X0:.*]]: bf16, %[[W0:.*]]: f32, %[[X1:.*]]: bf16, %[[W1:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: bf16):
// CHECK:           %[[WIDE0:.*]] = arith.extf %[[X0]]
// CHECK:           %[[P0:.*]] = arith.mulf %[[WIDE0]], %[[W0]]
// CHECK:           %[[S0:.*]] = arith.addf %[[B]], %[[P0]]
// CHECK:           %[[WIDE1:.*]] = arith.extf %[[X1]]
// CHECK:           %[[P1:.*]] = arith.mulf %[[WIDE1]], %[[W1]]
// CHECK:           %[[S1:.*]] = arith.addf %[[S0]], %[[P1]]
// CHECK:           %[[SILU:.*]] = arith.divf %[[S1]], %{{.*}}
// CHECK:           %[[ROUNDED:.*]] = arith.truncf %[[SILU]] : f32 to bf16
// CHECK:           linalg.yield %[[ROUNDED]]
// CHECK:         %[[END:.*]] = tensor.extract_slice %[[BOTH]][0, %[[LENGTH]], 0] [2, 1, 8]
// CHECK:         %[[NEXT:.*]] = linalg.copy ins(%[[END]] : {{.*}}) outs(%[[WINDOW]] :
// CHECK:         return %[[RESULT]], %[[NEXT]]
func.func @silu_bias_bf16(%x: tensor<2x?x8xbf16>, %w: tensor<8x2xf32>, %bias: tensor<8xf32>, %y: tensor<2x?x8xbf16>, %s: tensor<2x1x8xbf16>) -> (tensor<2x?x8xbf16>, tensor<2x1x8xbf16>) {
  %0:2 = ssd.causal_conv1d {activation = #ssd<activation silu>} ins(%x, %w : tensor<2x?x8xbf16>, tensor<8x2xf32>) bias(%bias : tensor<8xf32>) outs(%y, %s : tensor<2x?x8xbf16>, tensor<2x1x8xbf16>)
  return %0#0, %0#1 : tensor<2x?x8xbf16>, tensor<2x1x8xbf16>
}

// CHECK-LABEL: func.func @plain
// CHECK-NOT:     math.exp
// CHECK:         return
func.func @plain(%x: tensor<2x5x8xf32>, %w: tensor<8x4xf32>, %y: tensor<2x5x8xf32>, %s: tensor<2x3x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x3x8xf32>) {
  %0:2 = ssd.causal_conv1d ins(%x, %w : tensor<2x5x8xf32>, tensor<8x4xf32>) outs(%y, %s : tensor<2x5x8xf32>, tensor<2x3x8xf32>)
  return %0#0, %0#1 : tensor<2x5x8xf32>, tensor<2x3x8xf32>
}
