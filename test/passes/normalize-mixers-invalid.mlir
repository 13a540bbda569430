// RUN: ssd-opt %s -split-input-file -verify-diagnostics --ssd-normalize-mixers

func.func @slots_and_checkpoints(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %o: tensor<2xi32>, %s: tensor<7x4x8x16xf32>, %k: tensor<2x3x4x8x16xf32>) {
  // expected-error @+1 {{slots with checkpoints are not supported; gather the rows of the pool first}}
  %0:3 = ssd.mix {checkpoint_every = 3} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) slots(%o : tensor<2xi32>) outs(%x, %s, %k : tensor<2x9x4x8xf32>, tensor<7x4x8x16xf32>, tensor<2x3x4x8x16xf32>)
  return
}

// -----

func.func @reverse_and_checkpoints(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %s: tensor<2x4x8x16xf32>, %k: tensor<2x3x4x8x16xf32>) {
  // expected-error @+1 {{direction reverse with checkpoints or a leading segment is not supported}}
  %0:3 = ssd.mix {checkpoint_every = 3, direction = #ssd<direction reverse>} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%x, %s, %k : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x3x4x8x16xf32>)
  return
}

// -----

func.func @reverse_and_leading_segment(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %i: tensor<2x10xi32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{direction reverse with checkpoints or a leading segment is not supported}}
  %0:2 = ssd.mix {leading_segment, direction = #ssd<direction reverse>} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) segment_ids(%i : tensor<2x10xi32>) outs(%x, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}
