// RUN: ssd-opt %s --convert-ssd-to-hopper --split-input-file | FileCheck %s
// RUN: ssd-opt %s --convert-ssd-to-hopper --emit-ptx | FileCheck %s --check-prefix=PTX
// RUN: ssd-opt %s --convert-ssd-to-hopper=batch-invariant --split-input-file | FileCheck %s --check-prefix=INVARIANT

// Nothing is cut because there is little of it.
// INVARIANT-LABEL: func.func @auto
// INVARIANT-NOT:     ssd_chunked_split
// INVARIANT:         gpu.launch_func @ssd_chunked_0

// Where nothing chose a form, sequences are cut into runs for all
// multiprocessors if that, with two more launches, is estimated to take less time
// than whole sequences of one head or of two a block.
// CHECK-LABEL: func.func @auto
// CHECK:         %[[CHUNKS:.*]] = arith.ceildivsi %{{.*}}, %c64
// CHECK:         %[[TOTAL:.*]] = arith.muli %{{.*}}, %[[CHUNKS]]
// CHECK:         %[[SMS:.*]] = hopper.multiprocessors
// CHECK:         %[[PER_BLOCK:.*]] = arith.ceildivsi %[[TOTAL]], %[[SMS]]
// CHECK:         %[[CUT:.*]] = arith.addi
// CHECK:         %[[WHOLE:.*]] = arith.minsi
// CHECK:         arith.cmpi slt, %[[CUT]], %[[WHOLE]]
// CHECK:         hopper.has_kernel @ssd_chunked_split_0::@ssd_chunked_split_0
// CHECK:         scf.if
// The final state overwrites the initial one, and a block that ends a sequence
// may do so before another begins it: initial states are kept aside.
// CHECK-COUNT-3:   memref.alloc
// CHECK-NOT:       hopper.clear
// CHECK:           gpu.launch_func @ssd_chunked_split_0_states::@ssd_chunked_split_0_states
// CHECK:           gpu.launch_func @ssd_chunked_split_0_pass::@ssd_chunked_split_0_pass
// CHECK:           gpu.launch_func @ssd_chunked_split_0::@ssd_chunked_split_0
// CHECK:         } else {
// CHECK:           gpu.launch_func @ssd_chunked_1::@ssd_chunked_1
// The states need no scores.
// CHECK:         gpu.module @ssd_chunked_split_0_states
// CHECK:           hopper.specialize warpgroups [1, 2] registers
// CHECK-NOT:       hopper.await
// CHECK:           hopper.global_load %{{.*}} row_major
// CHECK:           hopper.global_store %{{.*}} fragment
// CHECK:         gpu.module @ssd_chunked_split_0_pass
// CHECK:         gpu.module @ssd_chunked_split_0 [
// CHECK:           hopper.specialize warpgroups [1, 1, 2] registers
// CHECK-NOT:       hopper.await
// CHECK:           scf.if
// CHECK:             hopper.global_load %{{.*}} fragment
// CHECK:           } else {
// CHECK:             hopper.global_load %{{.*}} row_major
// Neighbours of whole sequences wait for each other.
// CHECK:         gpu.module @ssd_chunked_1
// CHECK:           hopper.await

// PTX-LABEL:   .entry ssd_chunked_split_0_states
// PTX:         wgmma.mma_async.sync.aligned.m64n128k16
// PTX-NOT:     m64n64k16
// PTX-LABEL:   .entry ssd_chunked_split_0_pass
// PTX-COUNT-9: ld.global.v4.b32
// PTX:         st.global.v4.b32
// PTX-LABEL:   .entry ssd_chunked_split_0(
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
// CHECK-NOT:     hopper.multiprocessors
// CHECK:         scf.if
// CHECK:           %[[PER_BLOCK:.*]] = arith.ceildivsi %{{.*}}, %c3
// CHECK:           gpu.launch_func @ssd_chunked_split_single_0_states::@ssd_chunked_split_single_0_states
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
