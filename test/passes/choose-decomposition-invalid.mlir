// RUN: not ssd-opt %s --ssd-choose-decomposition=force=fast 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not ssd-opt %s --ssd-choose-decomposition=force=chunked 2>&1 | FileCheck %s --check-prefix=CHUNKED
// RUN: not ssd-opt %s --ssd-choose-decomposition=force=quadratic 2>&1 | FileCheck %s --check-prefix=QUADRATIC
// RUN: ssd-opt %s --ssd-choose-decomposition=force=recurrent | FileCheck %s

// UNKNOWN: error: unknown form 'fast': expected recurrent, chunked or quadratic
// CHUNKED: error: 'ssd.mix' op can't be forced to form #ssd.chunked<chunk = {{[0-9]+}}>, which does not compute a decay per state column; use recurrent
// QUADRATIC: error: 'ssd.mix' op can't be forced to form #ssd.quadratic, which does not compute a decay per state column; use recurrent

// CHECK-LABEL: func.func @diagonal_decay
// CHECK:         ssd.mix {form = #ssd.recurrent}
func.func @diagonal_decay(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %d: tensor<2x9x4x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) decay(%d : tensor<2x9x4x16xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}
