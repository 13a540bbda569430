// RUN: ssd-opt %s | ssd-opt | FileCheck %s
// RUN: ssd-opt %s --mlir-print-op-generic | ssd-opt | FileCheck %s

// CHECK-LABEL: @linear_attention
func.func @linear_attention(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x2x16xf32>, %y: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32> {
  // CHECK: ssd.mix ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x?x4x8xf32>, tensor<2x?x2x16xf32>, tensor<2x?x2x16xf32>) outs(%{{.*}}, %{{.*}} : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x2x16xf32>, tensor<2x?x2x16xf32>) outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#1 : tensor<2x4x8x16xf32>
}

// CHECK-LABEL: @retention
func.func @retention(%x: tensor<2x9x4x8xbf16>, %b: tensor<2x9x4x16xbf16>, %a: tensor<4xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xbf16>) -> tensor<2x9x4x8xf32> {
  // CHECK: ssd.mix {form = #ssd.quadratic} ins({{.*}}) rate(%{{.*}} : tensor<4xf32>) outs(
  %0:2 = ssd.mix {form = #ssd.quadratic} ins(%x, %b, %b : tensor<2x9x4x8xbf16>, tensor<2x9x4x16xbf16>, tensor<2x9x4x16xbf16>) rate(%a : tensor<4xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xbf16>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// CHECK-LABEL: @mamba1_diagonal
func.func @mamba1_diagonal(%x: tensor<?x?x64x1xf32>, %b: tensor<?x?x1x16xf32>, %dt: tensor<?x?x64xf32>, %a: tensor<64x16xf32>, %y: tensor<?x?x64x1xf32>, %s: tensor<?x64x1x16xf32>) -> tensor<?x?x64x1xf32> {
  // CHECK: ssd.mix {form = #ssd.recurrent} {{.*}} decay(%{{.*}} : tensor<?x?x64xf32>) rate(%{{.*}} : tensor<64x16xf32>) scale(
  %0:2 = ssd.mix {form = #ssd.recurrent} ins(%x, %b, %b : tensor<?x?x64x1xf32>, tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>) decay(%dt : tensor<?x?x64xf32>) rate(%a : tensor<64x16xf32>) scale(%dt : tensor<?x?x64xf32>) outs(%y, %s : tensor<?x?x64x1xf32>, tensor<?x64x1x16xf32>)
  return %0#0 : tensor<?x?x64x1xf32>
}

// CHECK-LABEL: @gla
func.func @gla(%x: tensor<1x5x2x8xf32>, %b: tensor<1x5x2x4xf32>, %g: tensor<1x5x2x4xf32>, %y: tensor<1x5x2x8xf32>, %s: tensor<1x2x8x4xf32>) -> tensor<1x5x2x8xf32> {
  // CHECK: decay(%{{.*}} : tensor<1x5x2x4xf32>) outs(
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<1x5x2x8xf32>, tensor<1x5x2x4xf32>, tensor<1x5x2x4xf32>) decay(%g : tensor<1x5x2x4xf32>) outs(%y, %s : tensor<1x5x2x8xf32>, tensor<1x2x8x4xf32>)
  return %0#0 : tensor<1x5x2x8xf32>
}

// CHECK-LABEL: @dispatch_segments_reverse
func.func @dispatch_segments_reverse(%x: tensor<?x?x4x8xf32>, %b: tensor<?x?x1x16xf32>, %ids: tensor<?x?xi32>, %y: tensor<?x?x4x8xf32>, %s: tensor<?x4x8x16xf32>) -> tensor<?x?x4x8xf32> {
  // CHECK: ssd.mix {direction = #ssd<direction reverse>, form = #ssd.dispatch<[1 : #ssd.recurrent, 64 : #ssd.quadratic], #ssd.chunked<chunk = 128>>} {{.*}} segment_ids(
  %0:2 = ssd.mix {direction = #ssd<direction reverse>, form = #ssd.dispatch<[1 : #ssd.recurrent, 64 : #ssd.quadratic], #ssd.chunked<chunk = 128>>} ins(%x, %b, %b : tensor<?x?x4x8xf32>, tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>) segment_ids(%ids : tensor<?x?xi32>) outs(%y, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0 : tensor<?x?x4x8xf32>
}

// CHECK-LABEL: @packed
func.func @packed(%x: tensor<1x?x4x8xf32>, %b: tensor<1x?x1x16xf32>, %o: tensor<4xi32>, %y: tensor<1x?x4x8xf32>, %s: tensor<3x4x8x16xf32>) -> tensor<3x4x8x16xf32> {
  // CHECK: offsets(%{{.*}} : tensor<4xi32>)
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<1x?x4x8xf32>, tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>) offsets(%o : tensor<4xi32>) outs(%y, %s : tensor<1x?x4x8xf32>, tensor<3x4x8x16xf32>)
  return %0#1 : tensor<3x4x8x16xf32>
}

// CHECK-LABEL: @pool_and_checkpoints
func.func @pool_and_checkpoints(%x: tensor<2x10x4x8xf32>, %b: tensor<2x10x1x16xf32>, %slots: tensor<2xi32>, %y: tensor<2x10x4x8xf32>, %pool: tensor<9x4x8x16xf32>, %s: tensor<2x4x8x16xf32>, %k: tensor<2x3x4x8x16xf32>) -> tensor<2x3x4x8x16xf32> {
  // CHECK: slots(%{{.*}} : tensor<2xi32>)
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x10x4x8xf32>, tensor<2x10x1x16xf32>, tensor<2x10x1x16xf32>) slots(%slots : tensor<2xi32>) outs(%y, %pool : tensor<2x10x4x8xf32>, tensor<9x4x8x16xf32>)
  // CHECK: ssd.mix {checkpoint_every = 3 : i64}
  %1:3 = ssd.mix {checkpoint_every = 3} ins(%x, %b, %b : tensor<2x10x4x8xf32>, tensor<2x10x1x16xf32>, tensor<2x10x1x16xf32>) outs(%0#0, %s, %k : tensor<2x10x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x3x4x8x16xf32>)
  return %1#2 : tensor<2x3x4x8x16xf32>
}

// CHECK-LABEL: @on_buffers
func.func @on_buffers(%x: memref<2x?x4x8xf32, strided<[?, ?, 8, 1], offset: ?>>, %b: memref<2x?x2x16xf32>, %y: memref<2x?x4x8xf32>, %s: memref<2x4x8x16xf32>) {
  // CHECK: ssd.mix ins(
  ssd.mix ins(%x, %b, %b : memref<2x?x4x8xf32, strided<[?, ?, 8, 1], offset: ?>>, memref<2x?x2x16xf32>, memref<2x?x2x16xf32>) outs(%y, %s : memref<2x?x4x8xf32>, memref<2x4x8x16xf32>)
  return
}

// CHECK-LABEL: @fused
func.func @fused(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x1x16xf32>, %raw: tensor<2x9x4xf32>, %y0: tensor<2x9x4x8xf32>, %s0: tensor<2x4x8x16xf32>, %d0: tensor<2x9x4xf32>) -> (tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>) {
  // CHECK: ssd.fused ins(%[[X:.*]] = %{{.*}} : tensor<2x9x4x8xf32>, %{{.*}} = %{{.*}} : {{.*}}) outs(
  %0:2 = ssd.fused ins(%x1 = %x : tensor<2x9x4x8xf32>, %b1 = %b : tensor<2x9x1x16xf32>, %raw1 = %raw : tensor<2x9x4xf32>, %d1 = %d0 : tensor<2x9x4xf32>) outs(%y1 = %y0 : tensor<2x9x4x8xf32>, %s1 = %s0 : tensor<2x4x8x16xf32>) {
    %dt = ssd.discretize {softplus} ins(%raw1 : tensor<2x9x4xf32>) outs(%d1 : tensor<2x9x4xf32>)
    %y, %s = ssd.mix ins(%x1, %b1, %b1 : tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x1x16xf32>) decay(%dt : tensor<2x9x4xf32>) outs(%y1, %s1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
    // CHECK: ssd.yield %{{.*}}, %{{.*}} : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>
    ssd.yield %y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>
  }
  return %0#0, %0#1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>
}

// On buffers the body stays on tensors; a step may be a unit, too.
// CHECK-LABEL: func @fused_step_on_buffers
// CHECK: ssd.fused ins(%{{.*}} = %{{.*}} : memref<?x4x8xbf16, strided<[?, ?, 1], offset: ?>>
// CHECK: ssd.step ins(%{{.*}} : tensor<?x4x8xbf16>
func.func @fused_step_on_buffers(%x: memref<?x4x8xbf16, strided<[?, ?, 1], offset: ?>>, %b: memref<?x1x16xbf16>, %y: memref<?x4x8xbf16>, %s: memref<?x4x8x16xf32>) {
  ssd.fused ins(%xi = %x : memref<?x4x8xbf16, strided<[?, ?, 1], offset: ?>>, %bi = %b : memref<?x1x16xbf16>)
      outs(%yo = %y : memref<?x4x8xbf16>, %so = %s : memref<?x4x8x16xf32>) {
    %0:2 = ssd.step ins(%xi, %bi, %bi : tensor<?x4x8xbf16>, tensor<?x1x16xbf16>, tensor<?x1x16xbf16>)
        outs(%yo, %so : tensor<?x4x8xbf16>, tensor<?x4x8x16xf32>)
    ssd.yield %0#0, %0#1 : tensor<?x4x8xbf16>, tensor<?x4x8x16xf32>
  }
  return
}
