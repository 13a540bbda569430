// RUN: ssd-opt %s --convert-ssd-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @groups_gate_before(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x64xf32>, %[[W:[a-z0-9]+]]: tensor<64xf32>, %[[Z:[a-z0-9]+]]: tensor<?x64xf32>
// CHECK-DAG:     %[[EPSILON:.*]] = arith.constant 9.99999974E-6 : f32
// CHECK-DAG:     %[[OVER16:.*]] = arith.constant 6.250000e-02 : f32
// CHECK-DAG:     %[[XG:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1, 2]] output_shape [%{{.*}}, 4, 16]
// CHECK-DAG:     %[[ZG:.*]] = tensor.expand_shape %[[Z]] {{\[\[}}0], [1, 2]]
// CHECK-DAG:     %[[WG:.*]] = tensor.expand_shape %[[W]] {{\[\[}}0, 1]]
// CHECK:         %[[GATED:.*]] = linalg.generic {{.*}} ins(%[[XG]], %[[ZG]] :
// CHECK:           math.exp
// CHECK:         %[[SQUARES:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[GATED]] :
// CHECK:         %[[INVERSE:.*]] = linalg.generic {{.*}} outs(%[[SQUARES]] :
// CHECK:           %[[MEAN:.*]] = arith.mulf %{{.*}}, %[[OVER16]]
// CHECK:           %[[SHIFTED:.*]] = arith.addf %[[MEAN]], %[[EPSILON]]
// CHECK:           %[[ROOT:.*]] = math.sqrt %[[SHIFTED]]
// CHECK:           arith.divf %{{.*}}, %[[ROOT]]
// CHECK:         %[[NORMED:.*]] = linalg.generic {{.*}} ins(%[[GATED]], %[[INVERSE]], %[[WG]] :
// CHECK-NOT:       math.exp
// CHECK:         tensor.collapse_shape %[[NORMED]]
func.func @groups_gate_before(%x: tensor<?x64xf32>, %w: tensor<64xf32>, %z: tensor<?x64xf32>, %y: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %0 = ssd.rms_norm {epsilon = 1.0e-5 : f32, gate = #ssd<gate before>, group_size = 16} ins(%x, %w : tensor<?x64xf32>, tensor<64xf32>) gate(%z : tensor<?x64xf32>) outs(%y : tensor<?x64xf32>)
  return %0 : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @gate_after_bf16(
// CHECK-NOT:     math.exp
// CHECK:         math.sqrt
// CHECK:         linalg.generic
// CHECK:           math.exp
// CHECK:           %[[ROUNDED:.*]] = arith.truncf %{{.*}} : f32 to bf16
// CHECK-NEXT:      linalg.yield %[[ROUNDED]]
func.func @gate_after_bf16(%x: tensor<2x?x64xbf16>, %w: tensor<64xbf16>, %z: tensor<2x?x64xbf16>, %y: tensor<2x?x64xbf16>) -> tensor<2x?x64xbf16> {
  %0 = ssd.rms_norm {epsilon = 1.0e-5 : f32, gate = #ssd<gate after>} ins(%x, %w : tensor<2x?x64xbf16>, tensor<64xbf16>) gate(%z : tensor<2x?x64xbf16>) outs(%y : tensor<2x?x64xbf16>)
  return %0 : tensor<2x?x64xbf16>
}

// CHECK-LABEL: func.func @no_gate
// CHECK-NOT:     math.exp
// CHECK:         return
func.func @no_gate(%x: tensor<2x64xf32>, %w: tensor<64xf32>, %y: tensor<2x64xf32>) -> tensor<2x64xf32> {
  %0 = ssd.rms_norm {epsilon = 1.0e-5 : f32} ins(%x, %w : tensor<2x64xf32>, tensor<64xf32>) outs(%y : tensor<2x64xf32>)
  return %0 : tensor<2x64xf32>
}
