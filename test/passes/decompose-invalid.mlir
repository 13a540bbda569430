// RUN: ssd-opt %s -split-input-file -verify-diagnostics --ssd-decompose

func.func @without_form(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  // expected-error @+1 {{has no form; run ssd-choose-decomposition}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%x, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// -----

func.func @bufferised(%x: memref<2x9x4x8xf32>, %b: memref<2x9x2x16xf32>, %s: memref<2x4x8x16xf32>) {
  // expected-error @+1 {{is bufferised; decompose it on tensors}}
  ssd.mix {form = #ssd.recurrent} ins(%x, %b, %b : memref<2x9x4x8xf32>, memref<2x9x2x16xf32>, memref<2x9x2x16xf32>) outs(%x, %s : memref<2x9x4x8xf32>, memref<2x4x8x16xf32>)
  return
}

// -----

func.func @not_normalised(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  // expected-error @+1 {{has offsets, slots, checkpoints, the reverse direction or segment ids that are no runs; run ssd-normalize-mixers}}
  %0:2 = ssd.mix {form = #ssd.recurrent, direction = #ssd<direction reverse>} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%x, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}
