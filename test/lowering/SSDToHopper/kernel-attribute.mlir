// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper | FileCheck %s
// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper --remarks-filter='.*' --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// The named kernel where tensors are aligned and not empty, the plain one
// elsewhere. No times are compared: there is no second schedule, that of one
// block of rows.
// CHECK-LABEL: func.func @two_row_blocks
// CHECK:         hopper.multiprocessors
// CHECK-NOT:     hopper.multiprocessors
// CHECK:         hopper.has_kernel @ssd_chunked_0::@ssd_chunked_0
// CHECK:         scf.if
// CHECK:           gpu.launch_func @ssd_chunked_0::@ssd_chunked_0
// CHECK:         } else {
// CHECK-NOT:       scf.if
// CHECK:           gpu.launch_func @ssd_recurrent_1::@ssd_recurrent_1
// CHECK-NOT:     gpu.launch_func
// CHECK:         gpu.module @ssd_chunked_0
// CHECK:         gpu.module @ssd_recurrent_1
// CHECK-NOT:     gpu.module
// REMARK:      Reason="the attribute hopper.kernel asks for chunked", kernel=step
// REMARK:      [Passed]{{.*}} kernel=chunked
// REMARK:      Reason="the attribute hopper.kernel asks for chunked", kernel=chunked_single
// REMARK:      Reason="the attribute hopper.kernel asks for chunked", kernel=chunked_portable
// REMARK:      [Passed]{{.*}} kernel=recurrent
func.func @two_row_blocks(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {hopper.kernel = "chunked"} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

// -----

// CHECK-LABEL: func.func @one_row_block
// CHECK:         hopper.has_kernel @ssd_chunked_single_0::@ssd_chunked_single_0
// CHECK:         gpu.launch_func @ssd_chunked_single_0::@ssd_chunked_single_0
// CHECK:         gpu.launch_func @ssd_recurrent_1::@ssd_recurrent_1
// CHECK-NOT:     gpu.launch_func
func.func @one_row_block(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {form = #ssd.chunked<chunk = 64, parts = 2>, hopper.kernel = "chunked_single"} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

// -----

// Every chip since Ampere: no question whether this one has it.
// CHECK-LABEL: func.func @portable
// CHECK-NOT:     hopper.has_kernel
// CHECK:         gpu.launch_func @ssd_chunked_portable_0::@ssd_chunked_portable_0
// CHECK:         gpu.launch_func @ssd_recurrent_1::@ssd_recurrent_1
// CHECK-NOT:     gpu.launch_func
func.func @portable(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {hopper.kernel = "chunked_portable"} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

// -----

// A dispatch's cases all have it.
// CHECK-LABEL: func.func @dispatch
// CHECK:         gpu.launch_func @ssd_chunked_single_0::@ssd_chunked_single_0
// CHECK:         gpu.launch_func @ssd_recurrent_1::@ssd_recurrent_1
// CHECK:         gpu.launch_func @ssd_chunked_single_2::@ssd_chunked_single_2
// CHECK:         gpu.launch_func @ssd_recurrent_3::@ssd_recurrent_3
// CHECK-NOT:     gpu.launch_func
func.func @dispatch(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {form = #ssd.dispatch<[64 : #ssd.quadratic], #ssd.chunked<chunk = 64>>, hopper.kernel = "chunked_single"} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

// -----

// CHECK-LABEL: func.func @plain
// CHECK-NOT:     scf.if
// CHECK:         gpu.launch_func @ssd_recurrent_0::@ssd_recurrent_0
// CHECK-NOT:     gpu.launch_func
func.func @plain(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {hopper.kernel = "recurrent"} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

// -----

// A step's own kernel needs aligned rows.
// CHECK-LABEL: func.func @step
// CHECK:         gpu.launch_func @ssd_step_0::@ssd_step_0
// CHECK:         gpu.launch_func @ssd_recurrent_1::@ssd_recurrent_1
// CHECK-NOT:     gpu.launch_func
func.func @step(%x: memref<?x8x64xf32>, %b: memref<?x1x128xf32>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%bi = %b : memref<?x1x128xf32>) outs(%yi = %x : memref<?x8x64xf32>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.step {hopper.kernel = "step"} ins(%yi, %bi, %bi : tensor<?x8x64xf32>, tensor<?x1x128xf32>, tensor<?x1x128xf32>)
        outs(%yi, %si : tensor<?x8x64xf32>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x8x64xf32>, tensor<?x8x64x128xf32>
  }
  return
}
