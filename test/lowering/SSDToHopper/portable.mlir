// RUN: ssd-opt %s --convert-ssd-to-hopper=chip=sm_80 | FileCheck %s
// RUN: ssd-opt %s --convert-ssd-to-hopper=chip=sm_80 --emit-ptx | FileCheck %s --check-prefix=PTX

// The chunked kernel for every chip since Ampere: the same roles and rings in
// 99 KiB, no tensor maps, rows that warps copy, and products whose warps release
// what they read each by itself.
// CHECK-LABEL: func.func @gated
// CHECK-NOT:     hopper.has_kernel
// CHECK-NOT:     hopper.encode_tensor_map
// CHECK:         gpu.launch_func @ssd_chunked_portable_0::@ssd_chunked_portable_0
// CHECK:         gpu.launch_func @ssd_recurrent_1::@ssd_recurrent_1
// CHECK:         gpu.module @ssd_chunked_portable_0 [#nvvm.target<O = 3, chip = "sm_80"
// CHECK-SAME:      {
// CHECK:           gpu.func
// CHECK-SAME:        hopper.shared_bytes = 99712 : i32, known_block_size = array<i32: 384, 1, 1>
// Two stages of B and C, one of everything else. Each lane of a loading warp
// arrives, and each warp of the roles that multiply.
// CHECK:           hopper.alloc 0 : <2x1x1x64x128xbf16>
// CHECK:           hopper.ring {{.*}} producers 1 consumers 8 : <2>
// CHECK:           hopper.ring {{.*}} producers 1 consumers 4 : <1>
// CHECK:           hopper.ring {{.*}} producers 1 consumers 8 : <1>
// CHECK:           hopper.ring {{.*}} producers 4 consumers 4 : <1>
// CHECK:           hopper.ring {{.*}} producers 1 consumers 4 : <1>
// CHECK:           hopper.specialize warpgroups [1, 1, 1] registers [168, 168, 168]
// CHECK-NOT:       hopper.elect
// For the states that runs leave, B alone.
// CHECK:             hopper.acquire %[[MAPS:.*]][%[[AHEAD:.*]]] :
// CHECK-NOT:         hopper.expect
// CHECK:             %[[REST:.*]] = arith.subi %{{.*}}, %{{.*}} : i32
// CHECK:             hopper.load_rows %{{.*}} stride %{{.*}} rows %[[REST]] columns %{{.*}} to %{{.*}} : <1> to <64x128xbf16>
// CHECK-NOT:         hopper.load_rows
// CHECK:             hopper.commit_copies %[[MAPS]][%[[AHEAD]]]
// CHECK:             hopper.acquire %[[MAPS]][%[[AT:.*]]] :
// CHECK:             %[[REST:.*]] = arith.subi %{{.*}}, %{{.*}} : i32
// CHECK:             hopper.load_rows %{{.*}} stride %{{.*}} rows %[[REST]] columns %{{.*}} to %{{.*}} : <1> to <64x128xbf16>
// CHECK:             hopper.load_rows
// CHECK:             hopper.commit_copies %[[MAPS]][%[[AT]]]
// CHECK:           hopper.wait_copies
// CHECK-COUNT-3:     hopper.load_rows {{.*}} to <64x64xbf16>
// CHECK:             hopper.release %{{.*}} by warp : <2>
// CHECK-NOT:       hopper.release {{.*}} by warpgroup
// The only slot of y is written when everybody has read it.
// CHECK:           hopper.barrier id %[[ID:.*]] of 128
// CHECK-NEXT:      hopper.store_fragment {{.*}} {transpose}
// CHECK:           hopper.barrier id %[[ID]] of 128
// CHECK:           hopper.store_rows

// PTX:         .target sm_80
// PTX-LABEL:   .entry ssd_chunked_portable_0
// PTX-NOT:     .local
// PTX-DAG:     cp.async.cg.shared::cta.global
// PTX-DAG:     cp.async.mbarrier.arrive.shared::cta.b64
// PTX-DAG:     mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// PTX-LABEL:   .entry ssd_recurrent_1
func.func @gated(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %z: memref<?x?x8x64xbf16>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>, %zi = %z : memref<?x?x8x64xbf16>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    %o = linalg.generic {indexing_maps = [affine_map<(b, l, h, p) -> (b, l, h, p)>,
                                          affine_map<(b, l, h, p) -> (b, l, h, p)>,
                                          affine_map<(b, l, h, p) -> (b, l, h, p)>],
                         iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%r, %zi : tensor<?x?x8x64xbf16>, tensor<?x?x8x64xbf16>) outs(%yi : tensor<?x?x8x64xbf16>) {
    ^bb0(%ye: bf16, %ze: bf16, %oe: bf16):
      %v = arith.mulf %ye, %ze : bf16
      linalg.yield %v : bf16
    } -> tensor<?x?x8x64xbf16>
    ssd.yield %o, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}
