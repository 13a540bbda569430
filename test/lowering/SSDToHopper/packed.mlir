// RUN: ssd-opt %s --convert-ssd-to-hopper | FileCheck %s

// Packed sequences are whole units of the chunked kernel: as many blocks as
// there are sequences and heads, up to the multiprocessors, no flags. What a
// sequence's last chunk has beyond its end is another one's and not written.
// CHECK-LABEL: func.func @packed
// CHECK:         scf.if
// CHECK-NOT:       hopper.clear
// CHECK:           gpu.launch_func @ssd_chunked_0::@ssd_chunked_0
// CHECK:         gpu.module @ssd_chunked_0
// CHECK:           %[[GRID:.*]] = hopper.grid
// CHECK:           scf.for %{{.*}} = %{{.*}} to %{{.*}} step %[[GRID]]
// CHECK-NOT:       hopper.await
// CHECK:           scf.if
// CHECK:             hopper.store_rows
// CHECK:           } else {
// CHECK:             hopper.tma_store
func.func @packed(%x: memref<1x?x8x64xbf16>, %b: memref<1x?x1x128xbf16>, %dt: memref<1x?x8xf32>, %o: memref<?xi32>,
    %a: memref<8xf32>, %y: memref<1x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<1x?x8x64xbf16>, %bi = %b : memref<1x?x1x128xbf16>,
                %ti = %dt : memref<1x?x8xf32>, %ai = %a : memref<8xf32>, %oi = %o : memref<?xi32>)
      outs(%yi = %y : memref<1x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix ins(%xi, %bi, %bi : tensor<1x?x8x64xbf16>, tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>)
        decay(%ti : tensor<1x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<1x?x8xf32>) offsets(%oi : tensor<?xi32>)
        outs(%yi, %si : tensor<1x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<1x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}
