// RUN: ssd-opt %s --convert-ssd-to-hopper --remarks-filter='.*' --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s

// What kernels are estimated to take on an H200 (NOTES.md has what they take),
// with sizes that calls decide quoted for a batch of one and 2048 tokens.

// CHECK: batch=8, kernel=chunked, length=2048, microseconds=1.185000e+02
// CHECK: batch=8, kernel=chunked_single, length=2048, microseconds=1.621800e+02
// CHECK: batch=8, kernel=chunked_portable, length=2048, microseconds=3.213000e+02
func.func @many_sequences(%x: memref<8x2048x80x64xbf16>, %b: memref<8x2048x1x128xbf16>, %dt: memref<8x2048x80xf32>, %a: memref<80xf32>, %y: memref<8x2048x80x64xbf16>, %s: memref<8x80x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<8x2048x80x64xbf16>, %bi = %b : memref<8x2048x1x128xbf16>, %ti = %dt : memref<8x2048x80xf32>, %ai = %a : memref<80xf32>)
      outs(%yi = %y : memref<8x2048x80x64xbf16>, %si = %s : memref<8x80x64x128xf32>) {
    %r, %t = ssd.mix ins(%xi, %bi, %bi : tensor<8x2048x80x64xbf16>, tensor<8x2048x1x128xbf16>, tensor<8x2048x1x128xbf16>)
        decay(%ti : tensor<8x2048x80xf32>) rate(%ai : tensor<80xf32>) scale(%ti : tensor<8x2048x80xf32>)
        outs(%yi, %si : tensor<8x2048x80x64xbf16>, tensor<8x80x64x128xf32>)
    ssd.yield %r, %t : tensor<8x2048x80x64xbf16>, tensor<8x80x64x128xf32>
  }
  return
}

// CHECK: batch=1, kernel=chunked, length=8192, microseconds=3.270000e+01
// CHECK: batch=1, kernel=chunked_single, length=8192, microseconds=3.082000e+01
// CHECK: batch=1, kernel=chunked_portable, length=8192, microseconds=5.530000e+01
func.func @few_heads(%x: memref<1x8192x16x64xbf16>, %b: memref<1x8192x1x128xbf16>, %dt: memref<1x8192x16xf32>, %a: memref<16xf32>, %y: memref<1x8192x16x64xbf16>, %s: memref<1x16x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<1x8192x16x64xbf16>, %bi = %b : memref<1x8192x1x128xbf16>, %ti = %dt : memref<1x8192x16xf32>, %ai = %a : memref<16xf32>)
      outs(%yi = %y : memref<1x8192x16x64xbf16>, %si = %s : memref<1x16x64x128xf32>) {
    %r, %t = ssd.mix ins(%xi, %bi, %bi : tensor<1x8192x16x64xbf16>, tensor<1x8192x1x128xbf16>, tensor<1x8192x1x128xbf16>)
        decay(%ti : tensor<1x8192x16xf32>) rate(%ai : tensor<16xf32>) scale(%ti : tensor<1x8192x16xf32>)
        outs(%yi, %si : tensor<1x8192x16x64xbf16>, tensor<1x16x64x128xf32>)
    ssd.yield %r, %t : tensor<1x8192x16x64xbf16>, tensor<1x16x64x128xf32>
  }
  return
}

// CHECK: batch=1, kernel=chunked, length=2048, microseconds=2.974000e+01
// CHECK: batch=1, kernel=chunked_single, length=2048, microseconds=3.446000e+01
// CHECK: batch=1, kernel=chunked_portable, length=2048, microseconds=6.520000e+01
func.func @calls_decide(%x: memref<?x?x80x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x80xf32>, %a: memref<80xf32>, %y: memref<?x?x80x64xbf16>, %s: memref<?x80x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x80x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>, %ti = %dt : memref<?x?x80xf32>, %ai = %a : memref<80xf32>)
      outs(%yi = %y : memref<?x?x80x64xbf16>, %si = %s : memref<?x80x64x128xf32>) {
    %r, %t = ssd.mix ins(%xi, %bi, %bi : tensor<?x?x80x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x80xf32>) rate(%ai : tensor<80xf32>) scale(%ti : tensor<?x?x80xf32>)
        outs(%yi, %si : tensor<?x?x80x64xbf16>, tensor<?x80x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x80x64xbf16>, tensor<?x80x64x128xf32>
  }
  return
}

// A step moves its state.
// CHECK: batch=64, kernel=step, length=1, microseconds=8.588608e+01
func.func @step(%x: memref<64x80x64xbf16>, %b: memref<64x1x128xbf16>, %dt: memref<64x80xf32>, %a: memref<80xf32>,
                %y: memref<64x80x64xbf16>, %s: memref<64x80x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<64x80x64xbf16>, %bi = %b : memref<64x1x128xbf16>, %ti = %dt : memref<64x80xf32>, %ai = %a : memref<80xf32>)
      outs(%yi = %y : memref<64x80x64xbf16>, %si = %s : memref<64x80x64x128xf32>) {
    %r, %t = ssd.step ins(%xi, %bi, %bi : tensor<64x80x64xbf16>, tensor<64x1x128xbf16>, tensor<64x1x128xbf16>)
        decay(%ti : tensor<64x80xf32>) rate(%ai : tensor<80xf32>) scale(%ti : tensor<64x80xf32>)
        outs(%yi, %si : tensor<64x80x64xbf16>, tensor<64x80x64x128xf32>)
    ssd.yield %r, %t : tensor<64x80x64xbf16>, tensor<64x80x64x128xf32>
  }
  return
}
