// RUN: ssd-opt %s -split-input-file --ssd-decompose --canonicalize --cse | FileCheck %s

// The first bound that is at least the length decides; the last form is for all
// that are longer.
// CHECK-LABEL: func.func @three_forms(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x?x4x8xf32>
// CHECK-DAG:     %[[LENGTH:.*]] = tensor.dim %[[X]], %c1
// CHECK:         %[[ONE:.*]] = arith.cmpi ule, %[[LENGTH]], %c1
// CHECK:         %[[RESULT:.*]]:2 = scf.if %[[ONE]]
// CHECK:           ssd.step
// CHECK:         } else {
// CHECK:           %[[SHORT:.*]] = arith.cmpi ule, %[[LENGTH]], %c64
// CHECK:           scf.if %[[SHORT]]
// CHECK:             arith.maxui
// CHECK:             ssd.chunk_state
// CHECK:           } else {
// CHECK:             step %c128
// CHECK:             ssd.chunk_state
// CHECK:         return %[[RESULT]]#0, %[[RESULT]]#1
func.func @three_forms(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x1x16xf32>, %y: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.mix {form = #ssd.dispatch<[1 : #ssd.recurrent, 64 : #ssd.quadratic], #ssd.chunked<chunk = 128>>} ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x1x16xf32>, tensor<2x?x1x16xf32>) outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>
}

// -----

// With a length that is known only one branch remains.
// CHECK-LABEL: func.func @static_length
// CHECK-NOT:     scf.if
// CHECK:         ssd.step
// CHECK-NOT:     ssd.chunk_scan
func.func @static_length(%x: tensor<2x1x4x8xf32>, %b: tensor<2x1x1x16xf32>, %y: tensor<2x1x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x1x4x8xf32> {
  %0:2 = ssd.mix {form = #ssd.dispatch<[1 : #ssd.recurrent], #ssd.chunked<chunk = 128>>} ins(%x, %b, %b : tensor<2x1x4x8xf32>, tensor<2x1x1x16xf32>, tensor<2x1x1x16xf32>) outs(%y, %s : tensor<2x1x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x1x4x8xf32>
}

// -----

// One form for every length.
// CHECK-LABEL: func.func @without_bounds
// CHECK-NOT:     scf.if
// CHECK:         ssd.step
func.func @without_bounds(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x1x16xf32>, %y: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x?x4x8xf32> {
  %0:2 = ssd.mix {form = #ssd.dispatch<[], #ssd.recurrent>} ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x1x16xf32>, tensor<2x?x1x16xf32>) outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x?x4x8xf32>
}
