// RUN: ssd-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @zero_decay_is_linear_attention
func.func @zero_decay_is_linear_attention(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %a: tensor<4xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  // CHECK: ssd.mix
  // CHECK-NOT: decay(
  // CHECK-NOT: rate(
  // CHECK: return
  %zero = arith.constant dense<0.0> : tensor<2x9x4xf32>
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) decay(%zero : tensor<2x9x4xf32>) rate(%a : tensor<4xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// CHECK-LABEL: func.func @zero_rate_of_a_fill
func.func @zero_rate_of_a_fill(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %d: tensor<2x9x4xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  // CHECK: ssd.mix
  // CHECK-NOT: decay(
  // CHECK-NOT: rate(
  // CHECK: return
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4xf32>
  %a = linalg.fill ins(%zero : f32) outs(%empty : tensor<4xf32>) -> tensor<4xf32>
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) decay(%d : tensor<2x9x4xf32>) rate(%a : tensor<4xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// CHECK-LABEL: func.func @unit_decay_leaves_the_rate
// CHECK-SAME:    %[[RATE:[a-z0-9]+]]: tensor<4xf32>
func.func @unit_decay_leaves_the_rate(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %a: tensor<4xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  // CHECK: ssd.mix ins({{.*}}) rate(%[[RATE]] : tensor<4xf32>) outs(
  %one = arith.constant dense<1.0> : tensor<2x9x4xf32>
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) decay(%one : tensor<2x9x4xf32>) rate(%a : tensor<4xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// CHECK-LABEL: func.func @unit_rate_leaves_the_decay
// CHECK-SAME:    %[[DECAY:[a-z0-9]+]]: tensor<2x9x4xf32>
func.func @unit_rate_leaves_the_decay(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %d: tensor<2x9x4xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  // CHECK: ssd.mix ins({{.*}}) decay(%[[DECAY]] : tensor<2x9x4xf32>) outs(
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) decay(%d : tensor<2x9x4xf32>) rate(%one : tensor<4xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// With both gone the decay would be none instead of e.
// CHECK-LABEL: func.func @unit_rate_alone_stays
func.func @unit_rate_alone_stays(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  // CHECK: ssd.mix ins({{.*}}) rate(
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) rate(%one : tensor<4xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// CHECK-LABEL: func.func @unit_decay_and_rate
func.func @unit_decay_and_rate(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  // CHECK: ssd.mix ins(
  // CHECK-NOT: decay(
  // CHECK-SAME: rate(
  %ones = arith.constant dense<1.0> : tensor<2x9x4xf32>
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) decay(%ones : tensor<2x9x4xf32>) rate(%one : tensor<4xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// A decay per column says that the mixer is diagonal, also where it is one.
// CHECK-LABEL: func.func @diagonal_ones_stay
func.func @diagonal_ones_stay(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %a: tensor<4xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  // CHECK: ssd.mix ins({{.*}}) decay(%{{.*}} : tensor<2x9x4x16xf32>) rate(
  %one = arith.constant dense<1.0> : tensor<2x9x4x16xf32>
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) decay(%one : tensor<2x9x4x16xf32>) rate(%a : tensor<4xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// CHECK-LABEL: func.func @unit_scale
func.func @unit_scale(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  // CHECK: ssd.mix
  // CHECK-NOT: scale(
  // CHECK: return
  %one = arith.constant dense<1.0> : tensor<2x9x4xf32>
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) scale(%one : tensor<2x9x4xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// CHECK-LABEL: func.func @one_token_reads_forward
func.func @one_token_reads_forward(%x: tensor<2x1x4x8xf32>, %b: tensor<2x1x2x16xf32>, %y: tensor<2x1x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x1x4x8xf32> {
  // CHECK: ssd.mix
  // CHECK-NOT: reverse
  // CHECK: return
  %0:2 = ssd.mix {direction = #ssd<direction reverse>} ins(%x, %b, %b : tensor<2x1x4x8xf32>, tensor<2x1x2x16xf32>, tensor<2x1x2x16xf32>) outs(%y, %s : tensor<2x1x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x1x4x8xf32>
}

// CHECK-LABEL: func.func @two_tokens_stay_reversed
func.func @two_tokens_stay_reversed(%x: tensor<2x2x4x8xf32>, %b: tensor<2x2x2x16xf32>, %y: tensor<2x2x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x2x4x8xf32> {
  // CHECK: ssd.mix {direction = #ssd<direction reverse>}
  %0:2 = ssd.mix {direction = #ssd<direction reverse>} ins(%x, %b, %b : tensor<2x2x4x8xf32>, tensor<2x2x2x16xf32>, tensor<2x2x2x16xf32>) outs(%y, %s : tensor<2x2x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x2x4x8xf32>
}

// On tensors an op without uses is gone; on buffers it is not.
// CHECK-LABEL: func.func @unused
func.func @unused(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %s: tensor<2x4x8x16xf32>, %xm: memref<2x9x4x8xf32>, %bm: memref<2x9x2x16xf32>, %sm: memref<2x4x8x16xf32>) {
  // CHECK-NOT: tensor<2x9x4x8xf32>, tensor
  // CHECK: ssd.mix ins(%{{.*}} : memref
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%x, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  ssd.mix ins(%xm, %bm, %bm : memref<2x9x4x8xf32>, memref<2x9x2x16xf32>, memref<2x9x2x16xf32>) outs(%xm, %sm : memref<2x9x4x8xf32>, memref<2x4x8x16xf32>)
  return
}
