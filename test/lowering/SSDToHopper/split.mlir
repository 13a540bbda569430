// RUN: ssd-opt %s --convert-ssd-to-hopper --split-input-file | FileCheck %s
// RUN: ssd-opt %s --convert-ssd-to-hopper --emit-ptx | FileCheck %s --check-prefix=PTX
// RUN: ssd-opt %s --convert-ssd-to-hopper=batch-invariant --split-input-file | FileCheck %s --check-prefix=INVARIANT

// Nothing is cut because there is little of it: the kernel has no code for it.
// INVARIANT-LABEL: func.func @auto
// INVARIANT:         gpu.module @ssd_chunked_0 [
// INVARIANT-COUNT-1: hopper.global_load %{{.*}} row_major
// INVARIANT-NOT:     hopper.global_load %{{.*}} row_major
// INVARIANT:         gpu.module @ssd_chunked_single_1 [

// Where nothing chose a form, sequences are cut into runs for all
// multiprocessors if that is estimated to take less time than whole sequences.
// CHECK-LABEL: func.func @auto
// CHECK:         %[[CHUNKS:.*]] = arith.ceildivsi %{{.*}}, %c64
// CHECK:         %[[TOTAL:.*]] = arith.muli %{{.*}}, %[[CHUNKS]]
// CHECK:         %[[SMS:.*]] = hopper.multiprocessors
// CHECK:         %[[PER_BLOCK:.*]] = arith.ceildivsi %[[TOTAL]], %[[SMS]]
// CHECK:         %[[CHUNK:.*]] = arith.muli %{{.*}}, %c1500
// CHECK:         %[[WHOLE:.*]] = arith.addi %[[CHUNK]]
// Beyond the cache, x is read from memory twice.
// CHECK:         %[[IS_FAR:.*]] = arith.cmpi {{.*}}%c67108864
// CHECK:         %[[EACH:.*]] = arith.select %[[IS_FAR]], %c2700, %c2180
// CHECK:         %[[TWICE:.*]] = arith.muli %{{.*}}, %[[EACH]]
// CHECK:         %[[CUTTING:.*]] = arith.addi %[[TWICE]]
// CHECK:         %[[CUT:.*]] = arith.addi %[[CUTTING]]
// CHECK:         arith.cmpi slt, %[[CUT]], %[[WHOLE]]
// CHECK:         hopper.has_kernel @ssd_chunked_0::@ssd_chunked_0
// CHECK:         scf.if
// The final state overwrites the initial one, and a block that ends a sequence
// may do so before another begins it: initial states are kept aside.
// CHECK-COUNT-4:   memref.alloc
// CHECK:           gpu.launch_func @ssd_chunked_0::@ssd_chunked_0
// CHECK:         } else {
// CHECK:           gpu.launch_func @ssd_chunked_single_1::@ssd_chunked_single_1
// CHECK:         gpu.module @ssd_chunked_0 [
// CHECK:           hopper.specialize warpgroups [1, 1, 2] registers
// The states of a run need no scores: the score warpgroup waits for those.
// CHECK:           hopper.barrier id %{{.*}} of 384
// CHECK:           hopper.wgmma
// CHECK:           hopper.global_load %{{.*}} row_major
// CHECK:           hopper.global_store %{{.*}} fragment
// CHECK:           hopper.wgmma
// CHECK:           hopper.global_store %{{.*}} fragment
// CHECK:           hopper.signal
// CHECK:           hopper.barrier id %{{.*}} of 384
// CHECK:           scf.if
// CHECK:             hopper.global_load %{{.*}} fragment
// CHECK:             hopper.global_load %{{.*}} row_major
// CHECK:           } else {
// CHECK:             hopper.await
// CHECK:             hopper.global_load %{{.*}} fragment
// CHECK:             scf.for
// CHECK:               hopper.global_load %{{.*}} fragment

// PTX-LABEL:   .entry ssd_chunked_0(
// PTX:         st.release.gpu.global.u64
// PTX:         ld.acquire.gpu.global.u64
func.func @auto(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

// -----

// The form says in how many parts. A group has one head, and so has a block.
// CHECK-LABEL: func.func @forced
// CHECK:         arith.ceildivsi %{{.*}}, %c3
// CHECK:         gpu.launch_func @ssd_chunked_single_0::@ssd_chunked_single_0
func.func @forced(%x: memref<?x?x3x64xbf16>, %b: memref<?x?x3x64xbf16>, %dt: memref<?x?x3xf32>,
    %y: memref<?x?x3x64xbf16>, %s: memref<?x3x64x64xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x3x64xbf16>, %bi = %b : memref<?x?x3x64xbf16>,
                %ti = %dt : memref<?x?x3xf32>)
      outs(%yi = %y : memref<?x?x3x64xbf16>, %si = %s : memref<?x3x64x64xf32>) {
    %r, %t = ssd.mix {form = #ssd.chunked<chunk = 64, parts = 3>}
        ins(%xi, %bi, %bi : tensor<?x?x3x64xbf16>, tensor<?x?x3x64xbf16>, tensor<?x?x3x64xbf16>)
        decay(%ti : tensor<?x?x3xf32>)
        outs(%yi, %si : tensor<?x?x3x64xbf16>, tensor<?x3x64x64xf32>)
    ssd.yield %r, %t : tensor<?x?x3x64xbf16>, tensor<?x3x64x64xf32>
  }
  return
}
