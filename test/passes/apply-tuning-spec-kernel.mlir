// RUN: ssd-opt %s --ssd-apply-tuning-spec=tuning-spec=%S/Inputs/tuning-spec-kernel.mlir | FileCheck %s
// RUN: not ssd-opt %s --ssd-apply-tuning-spec=tuning-spec=%S/Inputs/tuning-spec-step-form.mlir 2>&1 | FileCheck %s --check-prefix=FORM

// FORM: error: {{.*}}the tuning spec sets form to #ssd.recurrent, which is no form of this op

// CHECK-LABEL: func.func @matched
// CHECK: ssd.mix {hopper.kernel = "chunked_single", hopper.stages = #hopper.stages<maps = 2, x = 2, tables = 4, scores = 2, y = 2>} ins
func.func @matched(%x: tensor<1x64x4x8xf32>, %b: tensor<1x64x1x16xf32>, %y: tensor<1x64x4x8xf32>, %s: tensor<1x4x8x16xf32>) -> tensor<1x64x4x8xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<1x64x4x8xf32>, tensor<1x64x1x16xf32>, tensor<1x64x1x16xf32>)
      outs(%y, %s : tensor<1x64x4x8xf32>, tensor<1x4x8x16xf32>)
  return %0#0 : tensor<1x64x4x8xf32>
}

// A kernel that is already there wins.
// CHECK-LABEL: func.func @has_a_kernel
// CHECK: ssd.mix {hopper.kernel = "chunked", hopper.stages = #hopper.stages<{{.*}}>} ins
func.func @has_a_kernel(%x: tensor<1x64x4x8xf32>, %b: tensor<1x64x1x16xf32>, %y: tensor<1x64x4x8xf32>, %s: tensor<1x4x8x16xf32>) -> tensor<1x64x4x8xf32> {
  %0:2 = ssd.mix {hopper.kernel = "chunked"} ins(%x, %b, %b : tensor<1x64x4x8xf32>, tensor<1x64x1x16xf32>, tensor<1x64x1x16xf32>)
      outs(%y, %s : tensor<1x64x4x8xf32>, tensor<1x4x8x16xf32>)
  return %0#0 : tensor<1x64x4x8xf32>
}

// CHECK-LABEL: func.func @not_matched
// CHECK: ssd.mix ins
func.func @not_matched(%x: tensor<1x?x4x8xf32>, %b: tensor<1x?x1x16xf32>, %y: tensor<1x?x4x8xf32>, %s: tensor<1x4x8x16xf32>) -> tensor<1x?x4x8xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<1x?x4x8xf32>, tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>)
      outs(%y, %s : tensor<1x?x4x8xf32>, tensor<1x4x8x16xf32>)
  return %0#0 : tensor<1x?x4x8xf32>
}

// Steps are matched by the same sizes.
// CHECK-LABEL: func.func @step
// CHECK: ssd.step {hopper.kernel = "recurrent"} ins
func.func @step(%x: tensor<1x4x8xf32>, %b: tensor<1x1x16xf32>, %s: tensor<1x4x8x16xf32>) -> tensor<1x4x8xf32> {
  %0:2 = ssd.step ins(%x, %b, %b : tensor<1x4x8xf32>, tensor<1x1x16xf32>, tensor<1x1x16xf32>)
      outs(%x, %s : tensor<1x4x8xf32>, tensor<1x4x8x16xf32>)
  return %0#0 : tensor<1x4x8xf32>
}
