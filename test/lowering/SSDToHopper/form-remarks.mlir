// RUN: ssd-opt %s --convert-ssd-to-hopper --remarks-filter='.*' --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --implicit-check-not='[Analysis]'

// What the kernels do their own way, for each mixer and case of a dispatch.

// CHECK: :[[#@LINE+3]]:3: remark: [Analysis] form | Category:convert-ssd-to-hopper | Reason="the chunk of 128 is a hint: kernels have chunks of 64 tokens", form="#ssd.chunked<chunk = 128>"
func.func @another_chunk(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %y: memref<?x?x8x64xbf16>,
    %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {form = #ssd.chunked<chunk = 128>} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

// CHECK: :[[#@LINE+3]]:3: remark: [Analysis] form | {{.*}}Reason="chunked kernels compute it: within a chunk of 64 tokens its form is the quadratic one", form=#ssd.quadratic
func.func @quadratic(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %y: memref<?x?x8x64xbf16>,
    %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {form = #ssd.quadratic} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

// Nothing is said of these, however they are cut.
func.func @chunk_of_the_kernels(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %y: memref<?x?x8x64xbf16>,
    %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {form = #ssd.chunked<chunk = 64, parts = 2>} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

func.func @recurrent(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %y: memref<?x?x8x64xbf16>,
    %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {form = #ssd.recurrent} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

// CHECK: :[[#@LINE+4]]:3: remark: [Analysis] form {{.*}}form=#ssd.quadratic
// CHECK: :[[#@LINE+3]]:3: remark: [Analysis] form {{.*}}"the chunk of 32 is a hint: {{.*}}
func.func @cases(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %y: memref<?x?x8x64xbf16>,
    %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    %r, %t = ssd.mix {form = #ssd.dispatch<[64 : #ssd.quadratic], #ssd.chunked<chunk = 32>>} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}
