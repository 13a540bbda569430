// RUN: ssd-opt %s --ssd-choose-decomposition | FileCheck %s

// What the cost model chooses for an x86-64-v4 CPU and one worker: a table of
// shapes, from `ssd-bench forms`, each far from where two forms meet.

// Decoding reads and writes the state once; nothing else compares.
// CHECK-LABEL: func.func @one_token
// CHECK: ssd.mix {form = #ssd.recurrent}
func.func @one_token(
    %x: tensor<1x1x24x64xf32>, %b: tensor<1x1x1x128xf32>, %c: tensor<1x1x1x128xf32>,
    %dt: tensor<1x1x24xf32>, %rate: tensor<24xf32>,
    %y: tensor<1x1x24x64xf32>, %state: tensor<1x24x64x128xf32>) -> (tensor<1x1x24x64xf32>, tensor<1x24x64x128xf32>) {
  %0:2 = ssd.mix ins(%x, %b, %c : tensor<1x1x24x64xf32>, tensor<1x1x1x128xf32>, tensor<1x1x1x128xf32>)
      decay(%dt : tensor<1x1x24xf32>) rate(%rate : tensor<24xf32>) scale(%dt : tensor<1x1x24xf32>)
      outs(%y, %state : tensor<1x1x24x64xf32>, tensor<1x24x64x128xf32>)
  return %0#0, %0#1 : tensor<1x1x24x64xf32>, tensor<1x24x64x128xf32>
}

// CHECK-LABEL: func.func @one_token_of_a_large_batch
// CHECK: ssd.mix {form = #ssd.recurrent}
func.func @one_token_of_a_large_batch(
    %x: tensor<256x1x24x64xf32>, %b: tensor<256x1x1x128xf32>, %c: tensor<256x1x1x128xf32>,
    %dt: tensor<256x1x24xf32>, %rate: tensor<24xf32>,
    %y: tensor<256x1x24x64xf32>, %state: tensor<256x24x64x128xf32>) -> (tensor<256x1x24x64xf32>, tensor<256x24x64x128xf32>) {
  %0:2 = ssd.mix ins(%x, %b, %c : tensor<256x1x24x64xf32>, tensor<256x1x1x128xf32>, tensor<256x1x1x128xf32>)
      decay(%dt : tensor<256x1x24xf32>) rate(%rate : tensor<24xf32>) scale(%dt : tensor<256x1x24xf32>)
      outs(%y, %state : tensor<256x1x24x64xf32>, tensor<256x24x64x128xf32>)
  return %0#0, %0#1 : tensor<256x1x24x64xf32>, tensor<256x24x64x128xf32>
}

// One chunk: no state is updated more than once.
// CHECK-LABEL: func.func @short_prompt
// CHECK: ssd.mix {form = #ssd.quadratic}
func.func @short_prompt(
    %x: tensor<1x16x24x64xf32>, %b: tensor<1x16x1x128xf32>, %c: tensor<1x16x1x128xf32>,
    %dt: tensor<1x16x24xf32>, %rate: tensor<24xf32>,
    %y: tensor<1x16x24x64xf32>, %state: tensor<1x24x64x128xf32>) -> (tensor<1x16x24x64xf32>, tensor<1x24x64x128xf32>) {
  %0:2 = ssd.mix ins(%x, %b, %c : tensor<1x16x24x64xf32>, tensor<1x16x1x128xf32>, tensor<1x16x1x128xf32>)
      decay(%dt : tensor<1x16x24xf32>) rate(%rate : tensor<24xf32>) scale(%dt : tensor<1x16x24xf32>)
      outs(%y, %state : tensor<1x16x24x64xf32>, tensor<1x24x64x128xf32>)
  return %0#0, %0#1 : tensor<1x16x24x64xf32>, tensor<1x24x64x128xf32>
}

// CHECK-LABEL: func.func @paragraph
// CHECK: ssd.mix {form = #ssd.chunked<chunk = 32>}
func.func @paragraph(
    %x: tensor<1x512x24x64xf32>, %b: tensor<1x512x1x128xf32>, %c: tensor<1x512x1x128xf32>,
    %dt: tensor<1x512x24xf32>, %rate: tensor<24xf32>,
    %y: tensor<1x512x24x64xf32>, %state: tensor<1x24x64x128xf32>) -> (tensor<1x512x24x64xf32>, tensor<1x24x64x128xf32>) {
  %0:2 = ssd.mix ins(%x, %b, %c : tensor<1x512x24x64xf32>, tensor<1x512x1x128xf32>, tensor<1x512x1x128xf32>)
      decay(%dt : tensor<1x512x24xf32>) rate(%rate : tensor<24xf32>) scale(%dt : tensor<1x512x24xf32>)
      outs(%y, %state : tensor<1x512x24x64xf32>, tensor<1x24x64x128xf32>)
  return %0#0, %0#1 : tensor<1x512x24x64xf32>, tensor<1x24x64x128xf32>
}

// CHECK-LABEL: func.func @long_text
// CHECK: ssd.mix {form = #ssd.chunked<chunk = 32>}
func.func @long_text(
    %x: tensor<1x65536x24x64xf32>, %b: tensor<1x65536x1x128xf32>, %c: tensor<1x65536x1x128xf32>,
    %dt: tensor<1x65536x24xf32>, %rate: tensor<24xf32>,
    %y: tensor<1x65536x24x64xf32>, %state: tensor<1x24x64x128xf32>) -> (tensor<1x65536x24x64xf32>, tensor<1x24x64x128xf32>) {
  %0:2 = ssd.mix ins(%x, %b, %c : tensor<1x65536x24x64xf32>, tensor<1x65536x1x128xf32>, tensor<1x65536x1x128xf32>)
      decay(%dt : tensor<1x65536x24xf32>) rate(%rate : tensor<24xf32>) scale(%dt : tensor<1x65536x24xf32>)
      outs(%y, %state : tensor<1x65536x24x64xf32>, tensor<1x24x64x128xf32>)
  return %0#0, %0#1 : tensor<1x65536x24x64xf32>, tensor<1x24x64x128xf32>
}

// CHECK-LABEL: func.func @large_states
// CHECK: ssd.mix {form = #ssd.chunked<chunk = 32>}
func.func @large_states(
    %x: tensor<4x4096x80x128xf32>, %b: tensor<4x4096x1x128xf32>, %c: tensor<4x4096x1x128xf32>,
    %dt: tensor<4x4096x80xf32>, %rate: tensor<80xf32>,
    %y: tensor<4x4096x80x128xf32>, %state: tensor<4x80x128x128xf32>) -> (tensor<4x4096x80x128xf32>, tensor<4x80x128x128xf32>) {
  %0:2 = ssd.mix ins(%x, %b, %c : tensor<4x4096x80x128xf32>, tensor<4x4096x1x128xf32>, tensor<4x4096x1x128xf32>)
      decay(%dt : tensor<4x4096x80xf32>) rate(%rate : tensor<80xf32>) scale(%dt : tensor<4x4096x80xf32>)
      outs(%y, %state : tensor<4x4096x80x128xf32>, tensor<4x80x128x128xf32>)
  return %0#0, %0#1 : tensor<4x4096x80x128xf32>, tensor<4x80x128x128xf32>
}

// Even a state that stays in the first cache token by token is cheaper to carry
// from chunk to chunk.
// CHECK-LABEL: func.func @small_states
// CHECK: ssd.mix {form = #ssd.chunked<chunk = 16>}
func.func @small_states(
    %x: tensor<1x4096x8x16xf32>, %b: tensor<1x4096x1x16xf32>, %c: tensor<1x4096x1x16xf32>,
    %dt: tensor<1x4096x8xf32>, %rate: tensor<8xf32>,
    %y: tensor<1x4096x8x16xf32>, %state: tensor<1x8x16x16xf32>) -> (tensor<1x4096x8x16xf32>, tensor<1x8x16x16xf32>) {
  %0:2 = ssd.mix ins(%x, %b, %c : tensor<1x4096x8x16xf32>, tensor<1x4096x1x16xf32>, tensor<1x4096x1x16xf32>)
      decay(%dt : tensor<1x4096x8xf32>) rate(%rate : tensor<8xf32>) scale(%dt : tensor<1x4096x8xf32>)
      outs(%y, %state : tensor<1x4096x8x16xf32>, tensor<1x8x16x16xf32>)
  return %0#0, %0#1 : tensor<1x4096x8x16xf32>, tensor<1x8x16x16xf32>
}

// Updating such a state costs less than longer chunks' scores.
// CHECK-LABEL: func.func @few_state_columns
// CHECK: ssd.mix {form = #ssd.chunked<chunk = 16>}
func.func @few_state_columns(
    %x: tensor<1x4096x8x128xf32>, %b: tensor<1x4096x1x16xf32>, %c: tensor<1x4096x1x16xf32>,
    %dt: tensor<1x4096x8xf32>, %rate: tensor<8xf32>,
    %y: tensor<1x4096x8x128xf32>, %state: tensor<1x8x128x16xf32>) -> (tensor<1x4096x8x128xf32>, tensor<1x8x128x16xf32>) {
  %0:2 = ssd.mix ins(%x, %b, %c : tensor<1x4096x8x128xf32>, tensor<1x4096x1x16xf32>, tensor<1x4096x1x16xf32>)
      decay(%dt : tensor<1x4096x8xf32>) rate(%rate : tensor<8xf32>) scale(%dt : tensor<1x4096x8xf32>)
      outs(%y, %state : tensor<1x4096x8x128xf32>, tensor<1x8x128x16xf32>)
  return %0#0, %0#1 : tensor<1x4096x8x128xf32>, tensor<1x8x128x16xf32>
}

// Ranges of lengths, evaluated once per call.
// CHECK-LABEL: func.func @unknown_length
// CHECK: ssd.mix {form = #ssd.dispatch<{{\[}}4 : #ssd.recurrent], #ssd.chunked<chunk = 32>>}
func.func @unknown_length(
    %x: tensor<?x?x24x64xf32>, %b: tensor<?x?x1x128xf32>, %c: tensor<?x?x1x128xf32>,
    %dt: tensor<?x?x24xf32>, %rate: tensor<24xf32>,
    %y: tensor<?x?x24x64xf32>, %state: tensor<?x24x64x128xf32>) -> (tensor<?x?x24x64xf32>, tensor<?x24x64x128xf32>) {
  %0:2 = ssd.mix ins(%x, %b, %c : tensor<?x?x24x64xf32>, tensor<?x?x1x128xf32>, tensor<?x?x1x128xf32>)
      decay(%dt : tensor<?x?x24xf32>) rate(%rate : tensor<24xf32>) scale(%dt : tensor<?x?x24xf32>)
      outs(%y, %state : tensor<?x?x24x64xf32>, tensor<?x24x64x128xf32>)
  return %0#0, %0#1 : tensor<?x?x24x64xf32>, tensor<?x24x64x128xf32>
}
