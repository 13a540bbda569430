// RUN: ssd-reduce %s --reduction-tree="traversal-mode=0 test=%S/Inputs/has-mixer.sh" | FileCheck %s
// RUN: ssd-reduce %s --opt-reduction-pass="opt-pass=canonicalize test=%S/Inputs/has-mixer.sh" | FileCheck %s --check-prefix=OPT

// Of the two functions only the one with what is looked for remains.
// CHECK-NOT:   @unrelated
// CHECK-LABEL: func.func @mixer
// CHECK:         ssd.mix
// CHECK-NOT:   @unrelated

// OPT-LABEL: func.func @mixer
// OPT-NOT:     decay(
// OPT:         return

func.func @unrelated(%raw: tensor<2x9x4xf32>, %d: tensor<2x9x4xf32>) -> tensor<2x9x4xf32> {
  %0 = ssd.discretize {softplus} ins(%raw : tensor<2x9x4xf32>) outs(%d : tensor<2x9x4xf32>)
  return %0 : tensor<2x9x4xf32>
}

func.func @mixer(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x9x4xf32>
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) decay(%zero : tensor<2x9x4xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}
