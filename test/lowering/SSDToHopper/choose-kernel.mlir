// RUN: ssd-opt %s --ssd-choose-kernel=kernel=recurrent | FileCheck %s
// RUN: ssd-opt %s --ssd-choose-kernel | FileCheck %s --check-prefix=NONE
// RUN: not ssd-opt %s --ssd-choose-kernel=kernel=fastest 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: there is no kernel 'fastest'; kernels are step, chunked, chunked_single, chunked_portable and recurrent
// NONE-COUNT-1: hopper.kernel = "chunked"
// NONE-NOT:     hopper.kernel

// CHECK-LABEL: func.func @mixers
// CHECK: ssd.mix {hopper.kernel = "recurrent"} ins
// What is there already wins.
// CHECK: ssd.mix {hopper.kernel = "chunked"} ins
// CHECK: ssd.step {hopper.kernel = "recurrent"} ins
func.func @mixers(%x: tensor<1x64x4x8xf32>, %b: tensor<1x64x1x16xf32>, %s: tensor<1x4x8x16xf32>,
                  %x1: tensor<1x4x8xf32>, %b1: tensor<1x1x16xf32>) -> tensor<1x4x8x16xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<1x64x4x8xf32>, tensor<1x64x1x16xf32>, tensor<1x64x1x16xf32>)
      outs(%x, %s : tensor<1x64x4x8xf32>, tensor<1x4x8x16xf32>)
  %1:2 = ssd.mix {hopper.kernel = "chunked"} ins(%x, %b, %b : tensor<1x64x4x8xf32>, tensor<1x64x1x16xf32>, tensor<1x64x1x16xf32>)
      outs(%x, %0#1 : tensor<1x64x4x8xf32>, tensor<1x4x8x16xf32>)
  %2:2 = ssd.step ins(%x1, %b1, %b1 : tensor<1x4x8xf32>, tensor<1x1x16xf32>, tensor<1x1x16xf32>)
      outs(%x1, %1#1 : tensor<1x4x8xf32>, tensor<1x4x8x16xf32>)
  return %2#1 : tensor<1x4x8x16xf32>
}
