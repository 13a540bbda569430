// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper | FileCheck %s
// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper --emit-ptx | FileCheck %s --check-prefix=PTX
// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper --remarks-filter='.*' --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Two heads of 24 rows a block: the states' other rows, and columns 40 to 63, are
// not there.
// CHECK-LABEL: func.func @padded_rows_and_columns
// CHECK:         gpu.launch_func @ssd_chunked_0::@ssd_chunked_0
// CHECK:         gpu.module @ssd_chunked_0
// CHECK:           hopper.alloc {{.*}} : <2x3x1x64x64xbf16>
// CHECK:           hopper.ring {{.*}} producers 1 consumers 8 : <4, 2>
// CHECK:           hopper.specialize warpgroups [1, 1, 2]
// CHECK:           %[[ROWS:.*]] = arith.subi %c24_i32
// CHECK:           hopper.global_store {{.*}} row_major of f32 rows %{{.*}} columns 40 pitch 40 : <64x64xf32>
// PTX-LABEL:   .entry ssd_chunked_0
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_chunked_single_1
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_chunked_portable_2
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_recurrent_3
func.func @padded_rows_and_columns(%x: memref<?x?x8x24xbf16>, %b: memref<?x?x1x40xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x24xbf16>, %s: memref<?x8x24x40xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x24xbf16>, %bi = %b : memref<?x?x1x40xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x24xbf16>, %si = %s : memref<?x8x24x40xf32>) {
    %r, %t = ssd.mix {form = #ssd.chunked<chunk = 64>} ins(%xi, %bi, %bi : tensor<?x?x8x24xbf16>, tensor<?x?x1x40xbf16>, tensor<?x?x1x40xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x24xbf16>, tensor<?x8x24x40xf32>)
    ssd.yield %r, %t : tensor<?x?x8x24xbf16>, tensor<?x8x24x40xf32>
  }
  return
}

// -----

// Two blocks of rows of one head share its decay tables and scores, which four
// and eight warps read; a row each of the skip.
// CHECK-LABEL: func.func @row_blocks_of_a_head
// CHECK:         %[[SINGLE:.*]] = arith.muli %{{.*}}, %c6
// CHECK:         arith.muli %[[SINGLE]], %{{.*}} : index
// CHECK:         gpu.module @ssd_chunked_0
// CHECK:           hopper.alloc {{.*}} : <2x3x1x64x64xbf16>
// CHECK:           hopper.alloc {{.*}} : <1x2x1x64x64xbf16>
// CHECK:           hopper.ring {{.*}} producers 1 consumers 4 : <3, 2>
// CHECK:           hopper.ring {{.*}} producers 1 consumers 12 : <4>
// CHECK:           hopper.ring {{.*}} producers 4 consumers 2 : <2>
// CHECK:           hopper.specialize warpgroups [1, 1, 2] registers [40, 72, 200]
// CHECK:           hopper.global_load {{.*}} row_major of f32 rows %{{.*}} : <1> to <64xf32, rows>
// CHECK:           hopper.global_store {{.*}} row_major of f32 rows %{{.*}} columns 128 pitch 128 : <64x128xf32>
// Alone, a block of rows has a unit of its own.
// CHECK:         gpu.module @ssd_chunked_single_1
// CHECK:           hopper.specialize warpgroups [1, 1, 1]
// PTX-LABEL:   .entry ssd_chunked_0
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_chunked_single_1
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_chunked_portable_2
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_recurrent_3
func.func @row_blocks_of_a_head(%x: memref<?x?x3x80xbf16>, %b: memref<?x?x3x128xbf16>, %dt: memref<?x?x3xf32>,
    %d: memref<3x80xf32>, %y: memref<?x?x3x80xbf16>, %s: memref<?x3x80x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x3x80xbf16>, %bi = %b : memref<?x?x3x128xbf16>,
                %ti = %dt : memref<?x?x3xf32>, %di = %d : memref<3x80xf32>)
      outs(%yi = %y : memref<?x?x3x80xbf16>, %si = %s : memref<?x3x80x128xf32>) {
    %r, %t = ssd.mix {form = #ssd.chunked<chunk = 64>} ins(%xi, %bi, %bi : tensor<?x?x3x80xbf16>, tensor<?x?x3x128xbf16>, tensor<?x?x3x128xbf16>)
        decay(%ti : tensor<?x?x3xf32>) outs(%yi, %si : tensor<?x?x3x80xbf16>, tensor<?x3x80x128xf32>)
    %o = linalg.generic {indexing_maps = [affine_map<(b, l, h, p) -> (b, l, h, p)>,
                                          affine_map<(b, l, h, p) -> (h, p)>,
                                          affine_map<(b, l, h, p) -> (b, l, h, p)>],
                         iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%r, %di : tensor<?x?x3x80xbf16>, tensor<3x80xf32>) outs(%yi : tensor<?x?x3x80xbf16>) {
    ^bb0(%ye: bf16, %de: f32, %oe: bf16):
      %w = arith.extf %ye : bf16 to f32
      %v = arith.addf %w, %de : f32
      %u = arith.truncf %v : f32 to bf16
      linalg.yield %u : bf16
    } -> tensor<?x?x3x80xbf16>
    ssd.yield %o, %t : tensor<?x?x3x80xbf16>, tensor<?x3x80x128xf32>
  }
  return
}

// -----

// CHECK-LABEL: func.func @no_multiple_of_8
// CHECK-NOT:     ssd_chunked
// REMARK:      [Missed] kernel | {{.*}}Reason="the head dimension is 20, not a multiple of 8 up to 256"
// PTX-LABEL:   .entry ssd_recurrent
func.func @no_multiple_of_8(%x: memref<?x?x3x20xbf16>, %b: memref<?x?x3x128xbf16>, %dt: memref<?x?x3xf32>,
    %y: memref<?x?x3x20xbf16>, %s: memref<?x3x20x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x3x20xbf16>, %bi = %b : memref<?x?x3x128xbf16>, %ti = %dt : memref<?x?x3xf32>)
      outs(%yi = %y : memref<?x?x3x20xbf16>, %si = %s : memref<?x3x20x128xf32>) {
    %r, %t = ssd.mix {form = #ssd.chunked<chunk = 64>} ins(%xi, %bi, %bi : tensor<?x?x3x20xbf16>, tensor<?x?x3x128xbf16>, tensor<?x?x3x128xbf16>)
        decay(%ti : tensor<?x?x3xf32>) outs(%yi, %si : tensor<?x?x3x20xbf16>, tensor<?x3x20x128xf32>)
    ssd.yield %r, %t : tensor<?x?x3x20xbf16>, tensor<?x3x20x128xf32>
  }
  return
}
