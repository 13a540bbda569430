// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper | FileCheck %s
// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper=chip=sm_80 | FileCheck %s --check-prefix=PORTABLE
// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper --emit-ptx | FileCheck %s --check-prefix=PTX
// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper --remarks-filter='.*' --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// 200 columns of state are 128 in one warpgroup and 72 in another, which adds the
// scores' product to its summand of y and hands the sum over. There is no kernel with fewer warpgroups; with a gate,
// two stages of B and C fit. Where a block has 99 KiB there is no room for the gate.
// CHECK-LABEL: func.func @columns_in_two_parts
// CHECK:         gpu.module @ssd_chunked_0
// CHECK:           hopper.alloc 0 : <2x2x1x64x128xbf16>
// CHECK:           hopper.ring {{.*}} producers 1 consumers 3 : <2>
// CHECK:           hopper.alloc {{.*}} : <1x1x4096xf32, linear>
// CHECK:           hopper.ring {{.*}} producers 4 consumers 4 : <1>
// CHECK:           hopper.specialize warpgroups [1, 1, 1, 1] registers [40, 72, 200, 200]
// CHECK:           hopper.expect {{.*}}, 65536
// CHECK-COUNT-4:   hopper.tma_load
// CHECK:           %[[SUM:.*]] = hopper.wgmma {{.*}} : !hopper.shared<64x128xbf16>, <64x128xbf16> -> <64x64xf32>
// CHECK:           hopper.wgmma {{.*}} into %[[SUM]]
// CHECK:           hopper.load_fragment {{.*}} : <4096xf32, linear> to <64x64xf32>
// CHECK:           hopper.tma_store
// CHECK:           hopper.global_store {{.*}} columns 128 pitch 200
// CHECK-COUNT-3:   hopper.wgmma {{.*}} -> <64x
// CHECK:           hopper.store_fragment {{.*}} : <64x64xf32> to <4096xf32, linear>
// CHECK:           hopper.global_store {{.*}} columns 72 pitch 200
// CHECK-NOT:     gpu.module @ssd_chunked_single
// REMARK:      kernel=chunked, length=2048
// REMARK:      [Missed] kernel | {{.*}}Reason="a state of 200 columns takes two warpgroups", kernel=chunked_single
// REMARK:      [Missed] kernel | {{.*}}Reason="a block's tiles and tables take 107888 bytes of shared memory, more than 101376", kernel=chunked_portable
// PORTABLE-LABEL: func.func @columns_in_two_parts
// PORTABLE-NOT:     ssd_chunked
// PTX-LABEL:   .entry ssd_chunked_0
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_recurrent_1
func.func @columns_in_two_parts(%x: memref<?x?x3x64xbf16>, %b: memref<?x?x1x200xbf16>, %dt: memref<?x?x3xf32>,
    %z: memref<?x?x3x64xbf16>, %y: memref<?x?x3x64xbf16>, %s: memref<?x3x64x200xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x3x64xbf16>, %bi = %b : memref<?x?x1x200xbf16>,
                %ti = %dt : memref<?x?x3xf32>, %zi = %z : memref<?x?x3x64xbf16>)
      outs(%yi = %y : memref<?x?x3x64xbf16>, %si = %s : memref<?x3x64x200xf32>) {
    %r, %t = ssd.mix {form = #ssd.chunked<chunk = 64>} ins(%xi, %bi, %bi : tensor<?x?x3x64xbf16>, tensor<?x?x1x200xbf16>, tensor<?x?x1x200xbf16>)
        decay(%ti : tensor<?x?x3xf32>) outs(%yi, %si : tensor<?x?x3x64xbf16>, tensor<?x3x64x200xf32>)
    %o = linalg.generic {indexing_maps = [affine_map<(b, l, h, p) -> (b, l, h, p)>,
                                          affine_map<(b, l, h, p) -> (b, l, h, p)>,
                                          affine_map<(b, l, h, p) -> (b, l, h, p)>],
                         iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%r, %zi : tensor<?x?x3x64xbf16>, tensor<?x?x3x64xbf16>) outs(%yi : tensor<?x?x3x64xbf16>) {
    ^bb0(%ye: bf16, %ze: bf16, %oe: bf16):
      %v = arith.mulf %ye, %ze : bf16
      linalg.yield %v : bf16
    } -> tensor<?x?x3x64xbf16>
    ssd.yield %o, %t : tensor<?x?x3x64xbf16>, tensor<?x3x64x200xf32>
  }
  return
}

// -----

// The states that runs leave are in two parts, too.
// CHECK-LABEL: func.func @parts_of_cut_sequences
// CHECK:         scf.if
// CHECK:           %[[STATES:.*]] = arith.muli %{{.*}}, %c2_
// CHECK:           %[[BYTES:.*]] = arith.muli %[[STATES]], %c32768
// CHECK:           memref.alloc(%[[BYTES]])
// CHECK:         gpu.module @ssd_chunked_0 [
// CHECK:           hopper.specialize warpgroups [1, 1, 1, 1]
// CHECK:           hopper.expect {{.*}}, 32768
// CHECK-COUNT-2:   hopper.tma_load
// CHECK:           hopper.expect {{.*}}, 65536
// CHECK-COUNT-4:   hopper.tma_load
// CHECK:           hopper.barrier id %{{.*}} of 384
// PTX-LABEL:   .entry ssd_chunked_0(
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_chunked_portable_1(
// PTX-NOT:     .local
//
// Where a block has 99 KiB there is one stage of everything, and a tile of y lies
// where its other summand was: it is written when everybody has read that, and
// the place is free when its rows are stored.
// PORTABLE-LABEL: func.func @parts_of_cut_sequences
// PORTABLE:         gpu.module @ssd_chunked_portable_0 [
// PORTABLE:           hopper.shared_bytes = 99696 : i32, known_block_size = array<i32: 512, 1, 1>
// PORTABLE:           hopper.alloc 0 : <1x2x1x64x128xbf16>
// PORTABLE:           hopper.alloc 81920 : <1x1x1x64x64xbf16>
// PORTABLE:           hopper.ring {{.*}} producers 1 consumers 12 : <1>
// PORTABLE:           hopper.alloc 81920 : <1x1x4096xf32, linear>
// PORTABLE:           %[[RING:.*]] = hopper.ring 99680 producers 4 consumers 4 : <1>
// PORTABLE:           hopper.specialize warpgroups [1, 1, 1, 1] registers [128, 128, 128, 128]
// PORTABLE:           hopper.load_fragment {{.*}} : <4096xf32, linear> to <64x64xf32>
// PORTABLE:           hopper.barrier id %[[ID:.*]] of 128
// PORTABLE-NEXT:      hopper.store_fragment {{.*}} {transpose}
// PORTABLE:           hopper.barrier id %[[ID]] of 128
// PORTABLE:           hopper.store_rows
// PORTABLE-NEXT:      %[[SLOT:.*]] = hopper.slice %[[RING]][%{{.*}}]
// PORTABLE-NEXT:      hopper.release %[[SLOT]]
// PORTABLE:           hopper.store_fragment {{.*}} : <64x64xf32> to <4096xf32, linear>
func.func @parts_of_cut_sequences(%x: memref<?x?x3x128xbf16>, %b: memref<?x?x1x256xbf16>, %dt: memref<?x?x3xf32>,
    %y: memref<?x?x3x128xbf16>, %s: memref<?x3x128x256xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x3x128xbf16>, %bi = %b : memref<?x?x1x256xbf16>, %ti = %dt : memref<?x?x3xf32>)
      outs(%yi = %y : memref<?x?x3x128xbf16>, %si = %s : memref<?x3x128x256xf32>) {
    %r, %t = ssd.mix {form = #ssd.chunked<chunk = 64, parts = 3>}
        ins(%xi, %bi, %bi : tensor<?x?x3x128xbf16>, tensor<?x?x1x256xbf16>, tensor<?x?x1x256xbf16>)
        decay(%ti : tensor<?x?x3xf32>) outs(%yi, %si : tensor<?x?x3x128xbf16>, tensor<?x3x128x256xf32>)
    ssd.yield %r, %t : tensor<?x?x3x128xbf16>, tensor<?x3x128x256xf32>
  }
  return
}
