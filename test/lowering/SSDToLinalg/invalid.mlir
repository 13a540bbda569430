// RUN: ssd-opt %s -split-input-file -verify-diagnostics --convert-ssd-to-linalg

func.func @mixer(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  // expected-error @+1 {{'ssd.mix' op has no lowering to linalg here; mixers are expressed by ssd-decompose first}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%x, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// -----

func.func @bufferised(%raw: memref<2x4xf32>, %o: memref<2x4xf32>) {
  // expected-error @+1 {{'ssd.discretize' op is bufferised; lower it on tensors}}
  ssd.discretize ins(%raw : memref<2x4xf32>) outs(%o : memref<2x4xf32>)
  return
}
