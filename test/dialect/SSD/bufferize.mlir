// RUN: ssd-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --canonicalize | FileCheck %s

// Every op of the dialect writes into its destinations; none needs a buffer of
// its own or a copy where the destination may be written.

// CHECK-NOT:   memref.alloc
// CHECK-LABEL: func.func @mix(
// CHECK-SAME:    %[[X:.*]]: memref<2x9x4x8xf32>, %[[B:.*]]: memref<2x9x2x16xf32>, %[[Y:.*]]: memref<2x9x4x8xf32>, %[[S:.*]]: memref<2x4x8x16xf32>)
// CHECK-NEXT:    ssd.mix {form = #ssd.quadratic} ins(%[[X]], %[[B]], %[[B]] : {{.*}}) outs(%[[Y]], %[[S]] : memref<2x9x4x8xf32>, memref<2x4x8x16xf32>)
// CHECK-NEXT:    return %[[Y]], %[[S]]
func.func @mix(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.mix {form = #ssd.quadratic} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>
}

// A state goes through one mixer after the other in one buffer.
// CHECK-LABEL: func.func @mix_twice(
// CHECK-SAME:    %[[Y:[a-z0-9]+]]: memref<2x9x4x8xf32>, %[[S:[a-z0-9]+]]: memref<2x4x8x16xf32>)
// CHECK:         ssd.mix {{.*}} outs(%[[Y]], %[[S]] :
// CHECK-NEXT:    ssd.mix {{.*}} outs(%[[Y]], %[[S]] :
// CHECK-NEXT:    return %[[S]]
func.func @mix_twice(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  %1:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%0#0, %0#1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %1#1 : tensor<2x4x8x16xf32>
}

// CHECK-LABEL: func.func @step(
// CHECK-SAME:    %[[Y:[a-z0-9]+]]: memref<2x4x8xf32>, %[[S:[a-z0-9]+]]: memref<2x4x8x16xf32>)
// CHECK-NEXT:    ssd.step {{.*}} outs(%[[Y]], %[[S]] : memref<2x4x8xf32>, memref<2x4x8x16xf32>)
func.func @step(%x: tensor<2x4x8xf32>, %b: tensor<2x2x16xf32>, %y: tensor<2x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.step ins(%x, %b, %b : tensor<2x4x8xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf32>) outs(%y, %s : tensor<2x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x4x8xf32>, tensor<2x4x8x16xf32>
}

// CHECK-LABEL: func.func @layer(
// CHECK-SAME:    %[[D:[a-z0-9]+]]: memref<2x9x4xf32>, %[[Y:[a-z0-9]+]]: memref<2x9x8xf32>, %[[WINDOW:[a-z0-9]+]]: memref<2x3x8xf32>, %[[N:[a-z0-9]+]]: memref<2x9x8xf32>)
// CHECK-NEXT:    ssd.discretize {softplus} {{.*}} outs(%[[D]] :
// CHECK-NEXT:    ssd.causal_conv1d {{.*}} outs(%[[Y]], %[[WINDOW]] :
// CHECK-NEXT:    ssd.rms_norm {{.*}} ins(%[[Y]], {{.*}} outs(%[[N]] :
func.func @layer(%raw: tensor<2x9x4xf32>, %x: tensor<2x9x8xf32>, %w: tensor<8x4xf32>, %nw: tensor<8xf32>, %d: tensor<2x9x4xf32>, %y: tensor<2x9x8xf32>, %win: tensor<2x3x8xf32>, %n: tensor<2x9x8xf32>) -> (tensor<2x9x4xf32>, tensor<2x3x8xf32>, tensor<2x9x8xf32>) {
  %0 = ssd.discretize {softplus} ins(%raw : tensor<2x9x4xf32>) outs(%d : tensor<2x9x4xf32>)
  %1:2 = ssd.causal_conv1d ins(%x, %w : tensor<2x9x8xf32>, tensor<8x4xf32>) outs(%y, %win : tensor<2x9x8xf32>, tensor<2x3x8xf32>)
  %2 = ssd.rms_norm {epsilon = 1.0e-5 : f32} ins(%1#0, %nw : tensor<2x9x8xf32>, tensor<8xf32>) outs(%n : tensor<2x9x8xf32>)
  return %0, %1#1, %2 : tensor<2x9x4xf32>, tensor<2x3x8xf32>, tensor<2x9x8xf32>
}

// CHECK-LABEL: func.func @pass(
// CHECK-SAME:    %[[START:[a-z0-9]+]]: memref<1x4x2x8x16xf32>, %[[S:[a-z0-9]+]]: memref<1x2x8x16xf32>)
// CHECK-NEXT:    ssd.state_pass {{.*}} outs(%[[START]], %[[S]] :
func.func @pass(%l: tensor<1x4x2x8x16xf32>, %d: tensor<1x4x2xf32>, %start: tensor<1x4x2x8x16xf32>, %s: tensor<1x2x8x16xf32>) -> (tensor<1x4x2x8x16xf32>, tensor<1x2x8x16xf32>) {
  %0:2 = ssd.state_pass ins(%l, %d : tensor<1x4x2x8x16xf32>, tensor<1x4x2xf32>) outs(%start, %s : tensor<1x4x2x8x16xf32>, tensor<1x2x8x16xf32>)
  return %0#0, %0#1 : tensor<1x4x2x8x16xf32>, tensor<1x2x8x16xf32>
}

// CHECK-LABEL: func.func @chunk(
// CHECK-SAME:    %[[D:[a-z0-9]+]]: memref<2x16xf64>, %[[CB:[a-z0-9]+]]: memref<16x16xf32>, %[[Y:[a-z0-9]+]]: memref<16x2x4xf32>, %[[S:[a-z0-9]+]]: memref<2x8x4xf32>)
// CHECK-NEXT:    ssd.cumulative_decay {{.*}} outs(%[[D]] :
// CHECK-NEXT:    ssd.chunk_scores {{.*}} outs(%[[CB]] :
// CHECK-NEXT:    ssd.chunk_output {{.*}} outs(%[[Y]] :
// CHECK-NEXT:    ssd.chunk_scan {{.*}} outs(%[[Y]] :
// CHECK-NEXT:    ssd.chunk_state {{.*}} outs(%[[S]] :
// CHECK-NEXT:    return %[[Y]], %[[S]]
func.func @chunk(%a: tensor<2xf32>, %b: tensor<16x8xf32>, %x: tensor<16x2x4xf32>, %d: tensor<2x16xf64>, %cb: tensor<16x16xf32>, %y: tensor<16x2x4xf32>, %s: tensor<2x8x4xf32>) -> (tensor<16x2x4xf32>, tensor<2x8x4xf32>) {
  %0 = ssd.cumulative_decay rate(%a : tensor<2xf32>) outs(%d : tensor<2x16xf64>)
  %1 = ssd.chunk_scores ins(%b, %b : tensor<16x8xf32>, tensor<16x8xf32>) outs(%cb : tensor<16x16xf32>)
  %2 = ssd.chunk_output ins(%b, %s : tensor<16x8xf32>, tensor<2x8x4xf32>) cumulative_decay(%0 : tensor<2x16xf64>) outs(%y : tensor<16x2x4xf32>)
  %3 = ssd.chunk_scan {diagonal} ins(%1, %x : tensor<16x16xf32>, tensor<16x2x4xf32>) cumulative_decay(%0, %0 : tensor<2x16xf64>, tensor<2x16xf64>) outs(%2 : tensor<16x2x4xf32>)
  %4 = ssd.chunk_state ins(%b, %x : tensor<16x8xf32>, tensor<16x2x4xf32>) cumulative_decay(%0 : tensor<2x16xf64>) outs(%s : tensor<2x8x4xf32>)
  return %3, %4 : tensor<16x2x4xf32>, tensor<2x8x4xf32>
}

// A destination that is still read is copied, and only then.
// CHECK-LABEL: func.func @old_state_is_read_later(
// CHECK-SAME:    %[[S:[a-z0-9]+]]: memref<2x4x8x16xf32>)
// CHECK:         %[[NEW:.*]] = memref.alloc() {{.*}} : memref<2x4x8x16xf32>
// CHECK:         memref.copy %[[S]], %[[NEW]]
// CHECK:         ssd.step {{.*}} outs(%{{.*}}, %[[NEW]] :
// CHECK:         return %[[S]], %[[NEW]]
func.func @old_state_is_read_later(%x: tensor<2x4x8xf32>, %b: tensor<2x2x16xf32>, %y: tensor<2x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.step ins(%x, %b, %b : tensor<2x4x8xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf32>) outs(%y, %s : tensor<2x4x8xf32>, tensor<2x4x8x16xf32>)
  return %s, %0#1 : tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>
}
