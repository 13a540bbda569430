// A tuning spec goes before the cost model; its choice is in the artifact's table.
// RUN: ssd-compile %s -o %t.so --tuning-spec=%S/../../passes/Inputs/tuning-spec.mlir
// RUN: ssd-compile --describe %t.so | FileCheck %s
// RUN: not ssd-compile %s -o %t.none.so --tuning-spec=%t.missing 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not ls %t.none.so
// RUN: ssd-compile %s -o %t.so --batch-invariant
// RUN: ssd-compile %s -o %t.so --target=sm_80 --tuning-spec=%S/../../passes/Inputs/tuning-spec.mlir --dump-stages=%t.stages
// RUN: cat %t.stages/*choose-decomposition* | FileCheck %s --check-prefix=GPU

// CHECK: "form": "#ssd.chunked<chunk = 32>"
// CHECK: "why": "given"
// GPU: ssd.mix {form = #ssd.chunked<chunk = 32>}
// MISSING: {{.*}}.missing

func.func @matched(%x: tensor<1x64x4x8xf32>, %b: tensor<1x64x1x16xf32>, %y: tensor<1x64x4x8xf32>, %s: tensor<1x4x8x16xf32>) -> tensor<1x64x4x8xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<1x64x4x8xf32>, tensor<1x64x1x16xf32>, tensor<1x64x1x16xf32>)
      outs(%y, %s : tensor<1x64x4x8xf32>, tensor<1x4x8x16xf32>)
  return %0#0 : tensor<1x64x4x8xf32>
}
