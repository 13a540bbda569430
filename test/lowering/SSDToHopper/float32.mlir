// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper | FileCheck %s
// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper --emit-ptx | FileCheck %s --check-prefix=PTX
// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper --remarks-filter='.*' --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Values are sums of two bf16: rows are split on their way to shared memory, B
// and C by two warps each. No box is copied, and y is stored from registers.
// CHECK-LABEL: func.func @float32
// CHECK-NOT:     hopper.encode_tensor_map
// CHECK:         gpu.module @ssd_chunked_single_0
// CHECK:           hopper.alloc 0 : <2x1x2x64x128xbf16>
// CHECK:           hopper.ring {{.*}} producers 4 consumers 2 : <2>
// CHECK:           hopper.specialize warpgroups [2, 1, 1] registers [80, 112, 240]
// CHECK:             hopper.load_rows_hilo {{.*}} part %{{.*}} of 2 to {{.*}} to <2x64x128xbf16>
// CHECK:             hopper.load_rows_hilo {{.*}} part %{{.*}} of 2 to {{.*}} to <2x64x64xbf16>
// Cumulative decays are two f32 each, weights one.
// CHECK:             hopper.store %{{.*}}, %{{.*}} to {{.*}} f32, f32 to <64xf32, linear>
// CHECK-NOT:         hopper.store_hilo
// Large by small, large by large, small by large.
// CHECK:             %[[CB:.*]] = hopper.wgmma %{{.*}}, %{{.*}} : !hopper.shared<64x128xbf16>
// CHECK:             %[[CB1:.*]] = hopper.wgmma %{{.*}}, %{{.*}} into %[[CB]]
// CHECK:             hopper.wgmma %{{.*}}, %{{.*}} into %[[CB1]]
// CHECK:             hopper.store_columns {{.*}} of f32
// CHECK-NOT:         hopper.store_rows
// CHECK:         gpu.module @ssd_chunked_portable_1
// CHECK:           hopper.specialize warpgroups [1, 1, 1] registers [168, 168, 168]
// CHECK:         gpu.module @ssd_recurrent_2
// PTX-LABEL: .entry ssd_chunked_single_0
// PTX-NOT:   .local
// PTX:       cp.async.cg.shared::cta.global
// PTX:       wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// PTX-LABEL: .entry ssd_chunked_portable_1
// PTX-NOT:   .local
// REMARK: Reason="two warpgroups have too few registers for f32", kernel=chunked
func.func @float32(%x: memref<?x?x8x64xf32>, %b: memref<?x?x1x128xf32>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xf32>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xf32>, %bi = %b : memref<?x?x1x128xf32>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x64xf32>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {form = #ssd.chunked<chunk = 64, parts = 1>} ins(%xi, %bi, %bi : tensor<?x?x8x64xf32>, tensor<?x?x1x128xf32>, tensor<?x?x1x128xf32>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xf32>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xf32>, tensor<?x8x64x128xf32>
  }
  return
}

// -----

// A gate's tiles leave no room in 99 KiB.
// CHECK-LABEL: func.func @gated
// CHECK:         gpu.module @ssd_chunked_single_0
// CHECK:         gpu.module @ssd_recurrent_1
// REMARK: Reason="a block's tiles and tables take {{[0-9]+}} bytes of shared memory, more than 101376", kernel=chunked_portable
func.func @gated(%x: memref<?x?x8x64xf32>, %b: memref<?x?x1x128xf32>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %z: memref<?x?x8x64xf32>, %y: memref<?x?x8x64xf32>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xf32>, %bi = %b : memref<?x?x1x128xf32>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>, %zi = %z : memref<?x?x8x64xf32>)
      outs(%yi = %y : memref<?x?x8x64xf32>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix ins(%xi, %bi, %bi : tensor<?x?x8x64xf32>, tensor<?x?x1x128xf32>, tensor<?x?x1x128xf32>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xf32>, tensor<?x8x64x128xf32>)
    %o = linalg.generic {indexing_maps = [affine_map<(b, l, h, p) -> (b, l, h, p)>,
                                          affine_map<(b, l, h, p) -> (b, l, h, p)>,
                                          affine_map<(b, l, h, p) -> (b, l, h, p)>],
                         iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%r, %zi : tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>) outs(%yi : tensor<?x?x8x64xf32>) {
    ^bb0(%ye: f32, %ze: f32, %oe: f32):
      %v = arith.mulf %ye, %ze : f32
      linalg.yield %v : f32
    } -> tensor<?x?x8x64xf32>
    ssd.yield %o, %t : tensor<?x?x8x64xf32>, tensor<?x8x64x128xf32>
  }
  return
}
