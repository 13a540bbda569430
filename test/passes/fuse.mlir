// RUN: ssd-opt %s --ssd-fuse | FileCheck %s
// RUN: ssd-opt %s --ssd-fuse --ssd-normalize-mixers | FileCheck %s --check-prefix=APART

#map4 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#head = affine_map<(d0, d1, d2, d3) -> (d2)>

// The discretisation before and the skip and the gate after the mixer.
// CHECK-LABEL: @discretize_skip_gate
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<2x?x4x8xf32>, %[[B:[a-z0-9]+]]: tensor<2x?x1x16xf32>, %[[RAW:[a-z0-9]+]]: tensor<2x?x4xf32>
// APART-LABEL: @discretize_skip_gate
// APART-NOT: ssd.fused
// APART: ssd.discretize
// APART: ssd.mix
// APART: linalg.generic
// APART: linalg.generic
func.func @discretize_skip_gate(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x1x16xf32>, %raw: tensor<2x?x4xf32>,
    %a: tensor<4xf32>, %d: tensor<4xf32>, %z: tensor<2x?x4x8xf32>, %y0: tensor<2x?x4x8xf32>,
    %dt0: tensor<2x?x4xf32>, %s0: tensor<2x4x8x16xf32>, %o0: tensor<2x?x4x8xf32>, %o1: tensor<2x?x4x8xf32>)
    -> (tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>) {
  // CHECK-NOT: ssd.discretize
  // CHECK: %[[UNIT:.*]]:2 = ssd.fused ins({{.*}} = %[[RAW]] : {{.*}} outs(
  // CHECK: %[[DT:.*]] = ssd.discretize {softplus}
  // CHECK: %[[Y:.*]]:2 = ssd.mix {{.*}} decay(%[[DT]] : {{.*}} scale(%[[DT]] :
  // CHECK: %[[SKIP:.*]] = linalg.generic {{.*}} ins(%[[Y]]#0,
  // CHECK: %[[GATED:.*]] = linalg.generic {{.*}} ins(%[[SKIP]],
  // CHECK: ssd.yield %[[GATED]], %[[Y]]#1
  // CHECK: return %[[UNIT]]#0, %[[UNIT]]#1
  %dt = ssd.discretize {softplus} ins(%raw : tensor<2x?x4xf32>) outs(%dt0 : tensor<2x?x4xf32>)
  %y, %s = ssd.mix ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x1x16xf32>, tensor<2x?x1x16xf32>)
    decay(%dt : tensor<2x?x4xf32>) rate(%a : tensor<4xf32>) scale(%dt : tensor<2x?x4xf32>)
    outs(%y0, %s0 : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  %skip = linalg.generic {indexing_maps = [#map4, #map4, #head, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%y, %x, %d : tensor<2x?x4x8xf32>, tensor<2x?x4x8xf32>, tensor<4xf32>) outs(%o0 : tensor<2x?x4x8xf32>) {
  ^bb0(%yv: f32, %xv: f32, %dv: f32, %out: f32):
    %p = arith.mulf %xv, %dv : f32
    %q = arith.addf %yv, %p : f32
    linalg.yield %q : f32
  } -> tensor<2x?x4x8xf32>
  %gated = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%skip, %z : tensor<2x?x4x8xf32>, tensor<2x?x4x8xf32>) outs(%o1 : tensor<2x?x4x8xf32>) {
  ^bb0(%yv: f32, %zv: f32, %out: f32):
    %q = arith.mulf %yv, %zv : f32
    linalg.yield %q : f32
  } -> tensor<2x?x4x8xf32>
  return %gated, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>
}

// What somebody else reads stays outside.
// CHECK-LABEL: @shared_neighbours_stay
func.func @shared_neighbours_stay(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x1x16xf32>, %raw: tensor<2x9x4xf32>,
    %dt0: tensor<2x9x4xf32>, %y0: tensor<2x9x4x8xf32>, %s0: tensor<2x4x8x16xf32>)
    -> (tensor<2x9x4x8xf32>, tensor<2x9x4xf32>) {
  // CHECK: %[[DT:.*]] = ssd.discretize
  // CHECK: %[[UNIT:.*]]:2 = ssd.fused
  // CHECK-NEXT: ssd.mix
  // CHECK-NEXT: ssd.yield
  // CHECK: return %[[UNIT]]#0, %[[DT]]
  %dt = ssd.discretize {softplus} ins(%raw : tensor<2x9x4xf32>) outs(%dt0 : tensor<2x9x4xf32>)
  %y, %s = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x1x16xf32>)
    decay(%dt : tensor<2x9x4xf32>) outs(%y0, %s0 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %y, %dt : tensor<2x9x4x8xf32>, tensor<2x9x4xf32>
}

// An op that accumulates into y writes to the mixer's own destination.
// CHECK-LABEL: @accumulating_neighbour
// CHECK-SAME: %[[Y0:[a-z0-9]+]]: tensor<2x9x4x8xf32>, %[[S0:[a-z0-9]+]]: tensor<2x4x8x16xf32>
func.func @accumulating_neighbour(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x1x16xf32>,
    %y0: tensor<2x9x4x8xf32>, %s0: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  // CHECK: ssd.fused ins({{.*}}) outs(%{{.*}} = %[[Y0]] : {{.*}}, %{{.*}} = %[[S0]] :
  %y, %s = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x1x16xf32>)
    outs(%y0, %s0 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  %skip = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%x : tensor<2x9x4x8xf32>) outs(%y : tensor<2x9x4x8xf32>) {
  ^bb0(%xv: f32, %yv: f32):
    %q = arith.addf %yv, %xv : f32
    linalg.yield %q : f32
  } -> tensor<2x9x4x8xf32>
  return %skip : tensor<2x9x4x8xf32>
}

// Constants that a neighbour captures move into the unit; other scalars keep
// their op outside.
// CHECK-LABEL: @captured_constant
func.func @captured_constant(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x1x16xf32>, %k: f32,
    %y0: tensor<2x9x4x8xf32>, %s0: tensor<2x4x8x16xf32>, %o0: tensor<2x9x4x8xf32>) -> tensor<2x9x4x8xf32> {
  // CHECK: ssd.fused
  // CHECK: ssd.mix
  // CHECK: %[[ONE:.*]] = arith.constant 1.0
  // CHECK: linalg.generic
  // CHECK: arith.addf %{{.*}}, %[[ONE]]
  // CHECK: ssd.yield
  // CHECK: linalg.generic
  %one = arith.constant 1.0 : f32
  %y, %s = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x1x16xf32>)
    outs(%y0, %s0 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  %shifted = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%y : tensor<2x9x4x8xf32>) outs(%o0 : tensor<2x9x4x8xf32>) {
  ^bb0(%yv: f32, %out: f32):
    %q = arith.addf %yv, %one : f32
    linalg.yield %q : f32
  } -> tensor<2x9x4x8xf32>
  %scaled = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%shifted : tensor<2x9x4x8xf32>) outs(%o0 : tensor<2x9x4x8xf32>) {
  ^bb0(%yv: f32, %out: f32):
    %q = arith.mulf %yv, %k : f32
    linalg.yield %q : f32
  } -> tensor<2x9x4x8xf32>
  return %scaled : tensor<2x9x4x8xf32>
}
