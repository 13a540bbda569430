// RUN: not ssd-opt %s --ssd-apply-tuning-spec=tuning-spec=%S/Inputs/tuning-spec-rewrites.mlir 2>&1 | FileCheck %s --check-prefix=REWRITES
// RUN: not ssd-opt %s --ssd-apply-tuning-spec=tuning-spec=%S/Inputs/tuning-spec-other-attribute.mlir 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: not ssd-opt %s --ssd-apply-tuning-spec=tuning-spec=%S/Inputs/tuning-spec-no-form.mlir 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: not ssd-opt %s --ssd-apply-tuning-spec=tuning-spec=%t.missing 2>&1 | FileCheck %s --check-prefix=MISSING

// REWRITES: tuning-spec-rewrites.mlir:4:{{.*}}error: {{.*}}a tuning spec only matches and annotates
// OTHER: tuning-spec-other-attribute.mlir:5:{{.*}}error: {{.*}}a tuning spec sets form, lowering_config, hopper.kernel or hopper.stages, not 'direction'
// FORM: apply-tuning-spec-invalid.mlir:{{.*}}error: {{.*}}{{.*}}the tuning spec sets form to 64 : i64, which is no form of this mixer
// MISSING: error: can't read the tuning spec '{{.*}}.missing'
func.func @mixer(%x: tensor<1x64x4x8xf32>, %b: tensor<1x64x1x16xf32>, %y: tensor<1x64x4x8xf32>, %s: tensor<1x4x8x16xf32>) -> tensor<1x64x4x8xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<1x64x4x8xf32>, tensor<1x64x1x16xf32>, tensor<1x64x1x16xf32>)
      outs(%y, %s : tensor<1x64x4x8xf32>, tensor<1x4x8x16xf32>)
  return %0#0 : tensor<1x64x4x8xf32>
}
