// RUN: ssd-opt %s --ssd-apply-tuning-spec=tuning-spec=%S/Inputs/tuning-spec.mlir | FileCheck %s --check-prefixes=CHECK,SPEC
// RUN: ssd-opt %s --ssd-apply-tuning-spec=tuning-spec=%S/Inputs/tuning-spec.mlir --ssd-choose-decomposition | FileCheck %s --check-prefixes=CHECK,MODEL
// RUN: ssd-opt %s --ssd-apply-tuning-spec | FileCheck %s --check-prefixes=NONE

// NONE-COUNT-1: ssd.mix {form
// NONE-NOT: ssd.mix {form

// The spec is for four heads and 64 tokens in f32; no other attribute stays.
// CHECK-LABEL: func.func @matched
// CHECK: ssd.mix {form = #ssd.chunked<chunk = 32>} ins
func.func @matched(%x: tensor<1x64x4x8xf32>, %b: tensor<1x64x1x16xf32>, %y: tensor<1x64x4x8xf32>, %s: tensor<1x4x8x16xf32>) -> tensor<1x64x4x8xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<1x64x4x8xf32>, tensor<1x64x1x16xf32>, tensor<1x64x1x16xf32>)
      outs(%y, %s : tensor<1x64x4x8xf32>, tensor<1x4x8x16xf32>)
  return %0#0 : tensor<1x64x4x8xf32>
}

// A form that is already there wins.
// CHECK-LABEL: func.func @has_a_form
// CHECK: ssd.mix {form = #ssd.recurrent} ins
func.func @has_a_form(%x: tensor<1x64x4x8xf32>, %b: tensor<1x64x1x16xf32>, %y: tensor<1x64x4x8xf32>, %s: tensor<1x4x8x16xf32>) -> tensor<1x64x4x8xf32> {
  %0:2 = ssd.mix {form = #ssd.recurrent} ins(%x, %b, %b : tensor<1x64x4x8xf32>, tensor<1x64x1x16xf32>, tensor<1x64x1x16xf32>)
      outs(%y, %s : tensor<1x64x4x8xf32>, tensor<1x4x8x16xf32>)
  return %0#0 : tensor<1x64x4x8xf32>
}

// What the spec does not name is left to the cost model.
// CHECK-LABEL: func.func @not_matched
// SPEC: ssd.mix ins
// MODEL: ssd.mix {form = #ssd.{{.*}}} ins
func.func @not_matched(%x: tensor<1x?x4x8xf32>, %b: tensor<1x?x1x16xf32>, %y: tensor<1x?x4x8xf32>, %s: tensor<1x4x8x16xf32>) -> tensor<1x?x4x8xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<1x?x4x8xf32>, tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>)
      outs(%y, %s : tensor<1x?x4x8xf32>, tensor<1x4x8x16xf32>)
  return %0#0 : tensor<1x?x4x8xf32>
}
