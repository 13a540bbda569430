// RUN: ssd-opt %s --ssd-choose-decomposition=workers=16 | FileCheck %s --check-prefixes=CHECK,SPLIT
// RUN: ssd-opt %s --ssd-choose-decomposition="workers=16 batch-invariant" | FileCheck %s --check-prefixes=CHECK,SAME
// RUN: sed 's/^module {/module attributes {ssd.batch_invariant} {/' %s | ssd-opt --ssd-choose-decomposition=workers=16 | FileCheck %s --check-prefixes=CHECK,SAME

module {
// Two heads leave workers idle, unless the sequence is split. Where results must
// not depend on the batch, it is not: another batch would not be.
// CHECK-LABEL: func.func @few_heads
// SPLIT: ssd.mix {form = #ssd.chunked<chunk = {{[0-9]+}}, parts = 8>}
// SAME: ssd.mix {form = #ssd.chunked<chunk = {{[0-9]+}}>}
func.func @few_heads(
    %x: tensor<1x16384x2x64xf32>, %b: tensor<1x16384x1x128xf32>, %dt: tensor<1x16384x2xf32>,
    %y: tensor<1x16384x2x64xf32>, %state: tensor<1x2x64x128xf32>) -> tensor<1x16384x2x64xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<1x16384x2x64xf32>, tensor<1x16384x1x128xf32>, tensor<1x16384x1x128xf32>)
      decay(%dt : tensor<1x16384x2xf32>) outs(%y, %state : tensor<1x16384x2x64xf32>, tensor<1x2x64x128xf32>)
  return %0#0 : tensor<1x16384x2x64xf32>
}

// CHECK-LABEL: func.func @few_heads_of_a_batch
// CHECK: ssd.mix {form = #ssd.chunked<chunk = {{[0-9]+}}>}
func.func @few_heads_of_a_batch(
    %x: tensor<8x16384x2x64xf32>, %b: tensor<8x16384x1x128xf32>, %dt: tensor<8x16384x2xf32>,
    %y: tensor<8x16384x2x64xf32>, %state: tensor<8x2x64x128xf32>) -> tensor<8x16384x2x64xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<8x16384x2x64xf32>, tensor<8x16384x1x128xf32>, tensor<8x16384x1x128xf32>)
      decay(%dt : tensor<8x16384x2xf32>) outs(%y, %state : tensor<8x16384x2x64xf32>, tensor<8x2x64x128xf32>)
  return %0#0 : tensor<8x16384x2x64xf32>
}

// An unknown batch may be large: it decides, once it is known.
// CHECK-LABEL: func.func @unknown_batch
// SPLIT: ssd.mix {form = #ssd.chunked<chunk = {{[0-9]+}}, tasks = 16>}
// SAME: ssd.mix {form = #ssd.chunked<chunk = {{[0-9]+}}>}
func.func @unknown_batch(
    %x: tensor<?x16384x2x64xf32>, %b: tensor<?x16384x1x128xf32>, %dt: tensor<?x16384x2xf32>,
    %y: tensor<?x16384x2x64xf32>, %state: tensor<?x2x64x128xf32>) -> tensor<?x16384x2x64xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<?x16384x2x64xf32>, tensor<?x16384x1x128xf32>, tensor<?x16384x1x128xf32>)
      decay(%dt : tensor<?x16384x2xf32>) outs(%y, %state : tensor<?x16384x2x64xf32>, tensor<?x2x64x128xf32>)
  return %0#0 : tensor<?x16384x2x64xf32>
}
}
