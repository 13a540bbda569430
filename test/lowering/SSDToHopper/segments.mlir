// RUN: ssd-opt %s --convert-ssd-to-hopper --split-input-file | FileCheck %s

// Segments cut scores and states by zeros in the tables of decays; slots say
// where states are, if they are anywhere; checkpoints are stored after whole
// chunks.
// CHECK-LABEL: func.func @seg
// CHECK:         gpu.launch_func @ssd_chunked_0::@ssd_chunked_0
// CHECK:         gpu.module @ssd_chunked_0 [
// Row starts against columns.
// CHECK:           arith.sitofp
// CHECK:           arith.cmpf oge
// CHECK:           arith.remui %{{.*}}, %c128_i32
// CHECK:           scf.if
// CHECK:             hopper.global_store %{{.*}} row_major
func.func @seg(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>,
    %dt: memref<?x?x8xf32>, %ids: memref<?x?xi32>, %slots: memref<?xi32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>, %cp: memref<?x?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>, %ii = %ids : memref<?x?xi32>, %li = %slots: memref<?xi32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>, %ci = %cp : memref<?x?x8x64x128xf32>) {
    %r, %t, %c = ssd.mix {checkpoint_every = 128} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>) segment_ids(%ii : tensor<?x?xi32>) slots(%li : tensor<?xi32>)
        outs(%yi, %si, %ci : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>, tensor<?x?x8x64x128xf32>)
    ssd.yield %r, %t, %c : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>, tensor<?x?x8x64x128xf32>
  }
  return
}

// -----

// CHECK-LABEL: func.func @odd_checkpoints
// CHECK-NOT:     ssd_chunked
// CHECK:         gpu.launch_func @ssd_recurrent_0::@ssd_recurrent_0
func.func @odd_checkpoints(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>,
    %dt: memref<?x?x8xf32>, %ids: memref<?x?xi32>, %slots: memref<?xi32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>, %cp: memref<?x?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>, %ii = %ids : memref<?x?xi32>, %li = %slots: memref<?xi32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>, %ci = %cp : memref<?x?x8x64x128xf32>) {
    %r, %t, %c = ssd.mix {checkpoint_every = 96} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>) segment_ids(%ii : tensor<?x?xi32>) slots(%li : tensor<?xi32>)
        outs(%yi, %si, %ci : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>, tensor<?x?x8x64x128xf32>)
    ssd.yield %r, %t, %c : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>, tensor<?x?x8x64x128xf32>
  }
  return
}
