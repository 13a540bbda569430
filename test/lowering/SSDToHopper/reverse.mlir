// RUN: ssd-opt %s --convert-ssd-to-hopper | FileCheck %s

// From the last token to the first: rows whose strides are negative, on every
// chip, from the token that is as far from the sequence's end. What wgmma reads of
// them is fenced after it has come.
// CHECK-LABEL: func.func @reverse
// CHECK-NOT:     hopper.encode_tensor_map
// CHECK:         gpu.module @ssd_chunked_0
// CHECK:           hopper.ring {{.*}} producers 1 consumers 3 : <3>
// CHECK:             %[[STRIDE:.*]] = arith.subi %c0_i64{{.*}}, %{{.*}} : i64
// CHECK:             hopper.load_rows %{{.*}} stride %[[STRIDE]] rows
// CHECK-NOT:       hopper.tma_load
// CHECK:           hopper.wait %[[MAPS:.*]][%{{.*}}] : <3>
// CHECK-NEXT:      hopper.fence_async
// CHECK:           hopper.store_rows
// CHECK-NOT:       hopper.tma_store
// CHECK:         gpu.module @ssd_chunked_single_1
// CHECK:         gpu.module @ssd_chunked_portable_2
func.func @reverse(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %ids: memref<?x?xi32>, %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>, %ii = %ids : memref<?x?xi32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {form = #ssd.chunked<chunk = 64, parts = 1>, direction = #ssd<direction reverse>, leading_segment} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>) segment_ids(%ii : tensor<?x?xi32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}
