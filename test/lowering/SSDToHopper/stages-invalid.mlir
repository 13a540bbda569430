// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper --verify-diagnostics

func.func @no_room(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    // expected-error-re @below {{no kernel computes this with the stages that the attribute hopper.stages asks for:{{[[:space:]]+}}chunked: a block's tiles and tables take {{[0-9]+}} bytes of shared memory, more than 232448{{[[:space:]]+}}chunked_single: a block's tiles and tables take}}
    %r, %t = ssd.mix {hopper.stages = #hopper.stages<maps = 8, x = 3, tables = 4, scores = 2, y = 2>} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

// -----

func.func @turns(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    // expected-error @below {{chunked_single: warpgroups that take turns at the scores need two stages of them and of maps}}
    %r, %t = ssd.mix {hopper.kernel = "chunked_single", hopper.stages = #hopper.stages<maps = 1, x = 3, tables = 4, scores = 2, y = 2>} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

// -----

func.func @one_slot(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    // expected-error @below {{chunked: a slot of y is written while the one before is sent off}}
    %r, %t = ssd.mix {hopper.kernel = "chunked", hopper.stages = #hopper.stages<maps = 2, x = 3, tables = 4, scores = 2, y = 1>} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}

// -----

func.func @no_rings(%x: memref<?x?x8x64xbf16>, %b: memref<?x?x1x128xbf16>, %dt: memref<?x?x8xf32>,
    %a: memref<8xf32>, %y: memref<?x?x8x64xbf16>, %s: memref<?x8x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x?x8x64xbf16>, %bi = %b : memref<?x?x1x128xbf16>,
                %ti = %dt : memref<?x?x8xf32>, %ai = %a : memref<8xf32>)
      outs(%yi = %y : memref<?x?x8x64xbf16>, %si = %s : memref<?x8x64x128xf32>) {
    // expected-error @below {{chunked: the form is recurrent}}
    %r, %t = ssd.mix {form = #ssd.recurrent, hopper.stages = #hopper.stages<maps = 2, x = 3, tables = 4, scores = 2, y = 2>} ins(%xi, %bi, %bi : tensor<?x?x8x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
        decay(%ti : tensor<?x?x8xf32>) rate(%ai : tensor<8xf32>) scale(%ti : tensor<?x?x8xf32>)
        outs(%yi, %si : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>)
    ssd.yield %r, %t : tensor<?x?x8x64xbf16>, tensor<?x8x64x128xf32>
  }
  return
}
