// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper | FileCheck %s
// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper --emit-ptx=chip=sm_80 | FileCheck %s --check-prefix=PTX

// A head's 24 rows are six tiles of eight lanes; four tiles are a warp, and six
// heads nine of them.
// CHECK-LABEL: func.func @recurrent_odd_sizes
// CHECK-SAME:  (%[[X:[a-z0-9]*]]:
// CHECK:         %[[BATCH:.*]] = memref.dim %[[X]], %c0
// CHECK:         %[[WARPS_PER_SEQUENCE:.*]] = arith.constant 9 : index
// CHECK:         %[[WARPS:.*]] = arith.muli %[[BATCH]], %[[WARPS_PER_SEQUENCE]]
// CHECK:         %[[BLOCKS:.*]] = arith.ceildivsi %[[WARPS]], %{{.*}}
// CHECK:         gpu.launch_func @ssd_recurrent_0::@ssd_recurrent_0 blocks in (%[[BLOCKS]],
// CHECK:         gpu.module @ssd_recurrent_0 [#nvvm.target<O = 3, chip = "sm_80"
// PTX-LABEL:   .entry ssd_recurrent_0
// PTX-NOT:     .local
// PTX:         ex2.approx.ftz.f32
// PTX:         shfl.sync.bfly.b32
func.func @recurrent_odd_sizes(%x: memref<?x?x6x24xf32>, %b: memref<?x?x2x20xf32>, %dt: memref<?x?x6xf32>,
    %a: memref<6xf32>, %y: memref<?x?x6x24xf32>, %s: memref<?x6x24x20xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x6x24xf32>, %bi = %b : memref<?x?x2x20xf32>,
                %di = %dt : memref<?x?x6xf32>, %ai = %a : memref<6xf32>)
      outs(%yi = %y : memref<?x?x6x24xf32>, %si = %s : memref<?x6x24x20xf32>) {
    %r, %t = ssd.mix ins(%xi, %bi, %bi : tensor<?x?x6x24xf32>, tensor<?x?x2x20xf32>, tensor<?x?x2x20xf32>)
        decay(%di : tensor<?x?x6xf32>) rate(%ai : tensor<6xf32>)
        outs(%yi, %si : tensor<?x?x6x24xf32>, tensor<?x6x24x20xf32>)
    ssd.yield %r, %t : tensor<?x?x6x24xf32>, tensor<?x6x24x20xf32>
  }
  return
}

// -----

// The sequences are the pieces between offsets, which are clamped to the tokens.
// CHECK-LABEL: func.func @recurrent_packed
// CHECK-SAME:  %[[OFFSETS:[a-z0-9]*]]: memref<?xi32>
// CHECK:         %[[COUNT:.*]] = memref.dim %[[OFFSETS]]
// CHECK:         arith.subi
// CHECK:         gpu.module
// CHECK:           arith.maxsi
// CHECK:           arith.minsi
// PTX-LABEL:   .entry ssd_recurrent_0
func.func @recurrent_packed(%offsets: memref<?xi32>, %x: memref<1x?x2x4xf16>, %b: memref<1x?x1x8xf16>,
    %y: memref<1x?x2x4xf16>, %s: memref<?x2x4x8xf32>) {
  ssd.fused ins(%oi = %offsets : memref<?xi32>, %xi = %x : memref<1x?x2x4xf16>, %bi = %b : memref<1x?x1x8xf16>)
      outs(%yi = %y : memref<1x?x2x4xf16>, %si = %s : memref<?x2x4x8xf32>) {
    %r, %t = ssd.mix ins(%xi, %bi, %bi : tensor<1x?x2x4xf16>, tensor<1x?x1x8xf16>, tensor<1x?x1x8xf16>)
        offsets(%oi : tensor<?xi32>) outs(%yi, %si : tensor<1x?x2x4xf16>, tensor<?x2x4x8xf32>)
    ssd.yield %r, %t : tensor<1x?x2x4xf16>, tensor<?x2x4x8xf32>
  }
  return
}

// -----

// A slot outside of the pool, negative ones among them, starts from zero and
// keeps nothing.
// CHECK-LABEL: func.func @recurrent_slots
// CHECK:         gpu.module
// CHECK:           %[[OWNS:.*]] = arith.cmpi ult
// CHECK:           scf.if %[[OWNS]] -> (f32
// CHECK:           scf.if %[[OWNS]] {
// PTX-LABEL:   .entry ssd_recurrent_0
func.func @recurrent_slots(%slots: memref<?xi32>, %x: memref<?x2x4xbf16>, %b: memref<?x1x5xbf16>,
    %y: memref<?x2x4xbf16>, %s: memref<?x2x4x5xbf16>) {
  ssd.fused ins(%li = %slots : memref<?xi32>, %xi = %x : memref<?x2x4xbf16>, %bi = %b : memref<?x1x5xbf16>)
      outs(%yi = %y : memref<?x2x4xbf16>, %si = %s : memref<?x2x4x5xbf16>) {
    %r, %t = ssd.step ins(%xi, %bi, %bi : tensor<?x2x4xbf16>, tensor<?x1x5xbf16>, tensor<?x1x5xbf16>)
        slots(%li : tensor<?xi32>) outs(%yi, %si : tensor<?x2x4xbf16>, tensor<?x2x4x5xbf16>)
    ssd.yield %r, %t : tensor<?x2x4xbf16>, tensor<?x2x4x5xbf16>
  }
  return
}
