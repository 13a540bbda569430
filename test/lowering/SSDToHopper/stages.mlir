// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper | FileCheck %s
// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper --remarks-filter='.*' --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// The rings have the stages that are asked for: maps, x, tables, scores.
// CHECK-LABEL: func.func @fewer
// CHECK:         gpu.module @ssd_chunked_0
// CHECK:           hopper.ring {{.*}} : <2>
// CHECK-NEXT:      hopper.ring {{.*}} : <2, 2>
// CHECK-NEXT:      hopper.ring {{.*}} : <3, 2>
// CHECK-NEXT:      hopper.ring {{.*}} : <1, 2>
// CHECK:         gpu.module @ssd_recurrent_1
func.func @fewer(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {hopper.kernel = "chunked", hopper.stages = #hopper.stages<maps = 2, x = 2, tables = 3, scores = 1, y = 2>} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

// -----

// Some of the kernels have room for them.
// CHECK-LABEL: func.func @many
// CHECK:         gpu.module @ssd_chunked_single_0
// CHECK:           hopper.ring {{.*}} : <4>
// CHECK:         gpu.module @ssd_recurrent_1
// REMARK: Reason="a block's tiles and tables take {{[0-9]+}} bytes of shared memory, more than 232448", kernel=chunked
// REMARK: [Passed]{{.*}} kernel=chunked_single
// REMARK: Reason="a block's tiles and tables take {{[0-9]+}} bytes of shared memory, more than 101376", kernel=chunked_portable
func.func @many(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {hopper.stages = #hopper.stages<maps = 4, x = 4, tables = 4, scores = 2, y = 2>} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}
