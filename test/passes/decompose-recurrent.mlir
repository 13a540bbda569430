// RUN: ssd-opt %s -split-input-file --ssd-decompose=tasks=1 --canonicalize --cse | FileCheck %s

// Token by token: a loop that carries y and the state, whose body is the decode
// step.
// CHECK-LABEL: func.func @tokens(
// CHECK:         scf.forall
// CHECK:           scf.for %[[T:.*]] = %c0 to %{{.*}} step %c1 iter_args(%[[Y:.*]] = %{{.*}}, %[[S:.*]] = %{{.*}}) -> (tensor<1x?x4x8xf32>, tensor<1x4x8x16xf32>)
// CHECK:             %[[YT:.*]] = tensor.extract_slice %[[Y]][0, %[[T]], 0, 0]
// CHECK:             %[[STEP:.*]]:2 = ssd.step ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<1x4x8xf32>, tensor<1x1x16xf32>, tensor<1x1x16xf32>) decay(%[[DT:.*]] : tensor<1x4xf32>) rate(%{{.*}} : tensor<4xf32>) scale(%[[DT]] : tensor<1x4xf32>) outs(%{{.*}}, %[[S]] :
// CHECK:             %[[ONE:.*]] = tensor.insert_slice %[[STEP]]#0
// CHECK:             %[[ALL:.*]] = tensor.insert_slice %[[ONE]] into %[[Y]][0, %[[T]], 0, 0]
// CHECK:             scf.yield %[[ALL]], %[[STEP]]#1
func.func @tokens(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x1x16xf32>, %dt: tensor<2x?x4xf32>, %a: tensor<4xf32>, %y: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.mix {form = #ssd.recurrent} ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x1x16xf32>, tensor<2x?x1x16xf32>) decay(%dt : tensor<2x?x4xf32>) rate(%a : tensor<4xf32>) scale(%dt : tensor<2x?x4xf32>) outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>
}

// -----

// Decode needs no loop.
// CHECK-LABEL: func.func @one_token
// CHECK-NOT:     scf.for %
// CHECK:         ssd.step
func.func @one_token(%x: tensor<2x1x4x8xf32>, %b: tensor<2x1x1x16xf32>, %y: tensor<2x1x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x1x4x8xf32> {
  %0:2 = ssd.mix {form = #ssd.recurrent} ins(%x, %b, %b : tensor<2x1x4x8xf32>, tensor<2x1x1x16xf32>, tensor<2x1x1x16xf32>) outs(%y, %s : tensor<2x1x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x1x4x8xf32>
}

// -----

// A narrow state is carried in f32 and rounded once.
// CHECK-LABEL: func.func @bf16_state
// CHECK:         %[[WIDE:.*]] = linalg.copy ins(%[[S:.*]] : tensor<1x4x8x16xbf16>) outs(%{{.*}} : tensor<1x4x8x16xf32>)
// CHECK:         %[[LOOP:.*]]:2 = scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %[[WIDE]])
// CHECK:           ssd.step {{.*}} outs(%{{.*}}, %{{.*}} : tensor<1x4x8xbf16>, tensor<1x4x8x16xf32>)
// CHECK:         linalg.copy ins(%[[LOOP]]#1 : tensor<1x4x8x16xf32>) outs(%[[S]] : tensor<1x4x8x16xbf16>)
func.func @bf16_state(%x: tensor<2x9x4x8xbf16>, %b: tensor<2x9x1x16xbf16>, %y: tensor<2x9x4x8xbf16>, %s: tensor<2x4x8x16xbf16>) -> (tensor<2x9x4x8xbf16>, tensor<2x4x8x16xbf16>) {
  %0:2 = ssd.mix {form = #ssd.recurrent} ins(%x, %b, %b : tensor<2x9x4x8xbf16>, tensor<2x9x1x16xbf16>, tensor<2x9x1x16xbf16>) outs(%y, %s : tensor<2x9x4x8xbf16>, tensor<2x4x8x16xbf16>)
  return %0#0, %0#1 : tensor<2x9x4x8xbf16>, tensor<2x4x8x16xbf16>
}

// -----

// Where the run changes, the state is cleared before the token.
// CHECK-LABEL: func.func @segments(
// CHECK:         scf.for %{{.*}} = %c0 to %c9 step %c1 iter_args(%{{.*}} = %{{.*}}, %[[S:.*]] = %{{.*}})
// CHECK:           %[[SAME:.*]] = arith.cmpi eq
// CHECK:           %[[START:.*]] = scf.if %[[SAME]]
// CHECK:             scf.yield %[[S]]
// CHECK:           } else {
// CHECK:             %[[ZERO:.*]] = linalg.fill ins(%cst : f32) outs(%[[S]]
// CHECK:             scf.yield %[[ZERO]]
// CHECK:           ssd.step {{.*}} outs(%{{.*}}, %[[START]] :
func.func @segments(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x1x16xf32>, %ids: tensor<2x10xi32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  %0:2 = ssd.mix {form = #ssd.recurrent, leading_segment} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x1x16xf32>) segment_ids(%ids : tensor<2x10xi32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// -----

// CHECK-LABEL: func.func @empty_sequence(
// CHECK-SAME:    %[[S:[a-z0-9]+]]: tensor<2x4x8x16xf32>)
// CHECK-NEXT:    return %[[S]]
func.func @empty_sequence(%x: tensor<2x0x4x8xf32>, %b: tensor<2x0x1x16xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32> {
  %0:2 = ssd.mix {form = #ssd.recurrent} ins(%x, %b, %b : tensor<2x0x4x8xf32>, tensor<2x0x1x16xf32>, tensor<2x0x1x16xf32>) outs(%x, %s : tensor<2x0x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#1 : tensor<2x4x8x16xf32>
}
