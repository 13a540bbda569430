// RUN: ssd-opt %s --convert-ssd-to-hopper | FileCheck %s
// RUN: ssd-opt %s --convert-ssd-to-hopper --emit-ptx | FileCheck %s --check-prefix=PTX

// Two heads a block where there are more heads than multiprocessors, then one,
// then, where the chip is another, one that every chip since Ampere has, and the
// plain kernel where tensors are empty or not aligned.
// CHECK-LABEL: func.func @chunked_gated
// CHECK:         hopper.multiprocessors
// CHECK:         hopper.has_kernel @ssd_chunked_0::@ssd_chunked_0
// CHECK:         scf.if
// CHECK-COUNT-5:   hopper.encode_tensor_map
// One launch: flags need not be cleared.
// CHECK-NOT:       hopper.clear
// CHECK:           gpu.launch_func @ssd_chunked_0::@ssd_chunked_0
// CHECK:         } else {
// CHECK:           gpu.launch_func @ssd_chunked_single_1::@ssd_chunked_single_1
// CHECK:         } else {
// CHECK-NOT:       hopper.has_kernel
// CHECK:           gpu.launch_func @ssd_chunked_portable_2::@ssd_chunked_portable_2
// CHECK:         } else {
// CHECK:           gpu.launch_func @ssd_recurrent_3::@ssd_recurrent_3
// CHECK:         gpu.module @ssd_chunked_0 [#nvvm.target<O = 3, chip = "sm_90a"
// Registers of producers, scores and states.
// CHECK:           hopper.specialize warpgroups [1, 1, 2] registers [48, 80, 192]
// CHECK:         gpu.module @ssd_chunked_single_1 [#nvvm.target<O = 3, chip = "sm_90a"
// CHECK:           hopper.specialize warpgroups [1, 2, 1] registers [40, 112, 240]
// CHECK:         gpu.module @ssd_chunked_portable_2 [#nvvm.target<O = 3, chip = "sm_80"

// PTX-LABEL:   .entry ssd_chunked_0
// PTX-DAG:     .align 64 .b8 ssd_chunked_0_param_{{.*}}[128]
// PTX-DAG:     setmaxnreg.dec.sync.aligned.u32
// PTX-DAG:     setmaxnreg.inc.sync.aligned.u32
// PTX-DAG:     cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes
// PTX-DAG:     cp.async.bulk.tensor.4d.global.shared::cta.bulk_group
// PTX-DAG:     wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16
// PTX-DAG:     wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16
// PTX-DAG:     fma.rn.f16x2
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_chunked_single_1
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_chunked_portable_2
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_recurrent_3
func.func @chunked_gated(%x: memref<?x?x8x64xf16>, %b: memref<?x?x1x128xf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %z: memref<?x?x8x64xf16>, %y: memref<?x?x8x64xf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xf16>, %bi = %b : memref<?x?x1x128xf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>, %zi = %z : memref<?x?x8x64xf16>)
      outs(%yi = %y : memref<?x?x8x64xf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {form = #ssd.chunked<chunk = 64>} ins(%xi, %bi, %bi : tensor<?x?x8x64xf16>, tensor<?x?x1x128xf16>, tensor<?x?x1x128xf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xf16>, tensor<?x8x64x128xf32>)
    %o = linalg.generic {indexing_maps = [affine_map<(b, l, h, p) -> (b, l, h, p)>,
                                          affine_map<(b, l, h, p) -> (b, l, h, p)>,
                                          affine_map<(b, l, h, p) -> (b, l, h, p)>],
                         iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%r, %zi : tensor<?x?x8x64xf16>, tensor<?x?x8x64xf16>) outs(%yi : tensor<?x?x8x64xf16>) {
    ^bb0(%ye: f16, %ze: f16, %oe: f16):
      %v = arith.mulf %ye, %ze : f16
      linalg.yield %v : f16
    } -> tensor<?x?x8x64xf16>
    ssd.yield %o, %t : tensor<?x?x8x64xf16>, tensor<?x8x64x128xf32>
  }
  return
}
