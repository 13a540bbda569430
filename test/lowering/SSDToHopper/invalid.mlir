// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper --verify-diagnostics

func.func @state_dimension(%x: memref<?x?x2x4xf32>, %b: memref<?x?x1x2048xf32>, %y: memref<?x?x2x4xf32>,
    %s: memref<?x2x4x2048xf32>) {
  // expected-error @below {{no kernel computes this unit}}
  ssd.fused ins(%xi = %x : memref<?x?x2x4xf32>, %bi = %b : memref<?x?x1x2048xf32>)
      outs(%yi = %y : memref<?x?x2x4xf32>, %si = %s : memref<?x2x4x2048xf32>) {
    %r, %t = ssd.mix ins(%xi, %bi, %bi : tensor<?x?x2x4xf32>, tensor<?x?x1x2048xf32>, tensor<?x?x1x2048xf32>)
        outs(%yi, %si : tensor<?x?x2x4xf32>, tensor<?x2x4x2048xf32>)
    ssd.yield %r, %t : tensor<?x?x2x4xf32>, tensor<?x2x4x2048xf32>
  }
  return
}
