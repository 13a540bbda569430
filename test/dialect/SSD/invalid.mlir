// RUN: ssd-opt %s -split-input-file -verify-diagnostics

// Every diagnostic of the dialect. Labels are those of the documentation;
// labels.test checks that none is missing here.

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

// expected-error @+1 {{chunk must be positive, got 0 (CHUNK1)}}
func.func private @chunk_zero() attributes {form = #ssd.chunked<chunk = 0>}

// -----

// expected-error @+1 {{chunk must be positive, got -8 (CHUNK1)}}
func.func private @chunk_negative() attributes {form = #ssd.chunked<chunk = -8>}

// -----

// expected-error @+1 {{parts must be positive, got 0 (CHUNK2)}}
func.func private @no_parts() attributes {form = #ssd.chunked<chunk = 16, parts = 0>}

// -----

// expected-error @+1 {{tasks must not be negative, nor beside parts, got -1 beside parts = 1 (CHUNK3)}}
func.func private @negative_tasks() attributes {form = #ssd.chunked<chunk = 16, tasks = -1>}

// -----

// expected-error @+1 {{tasks must not be negative, nor beside parts, got 8 beside parts = 2 (CHUNK3)}}
func.func private @tasks_and_parts() attributes {form = #ssd.chunked<chunk = 16, parts = 2, tasks = 8>}

// -----

// expected-error @+1 {{bounds must increase, got 64 before 64 (DISPATCH1)}}
func.func private @dispatch_equal_bounds() attributes {form = #ssd.dispatch<[64 : #ssd.recurrent, 64 : #ssd.quadratic], #ssd.recurrent>}

// -----

// expected-error @+1 {{bounds must increase, got 64 before 1 (DISPATCH1)}}
func.func private @dispatch_decreasing_bounds() attributes {form = #ssd.dispatch<[64 : #ssd.recurrent, 1 : #ssd.quadratic], #ssd.recurrent>}

// -----

// The syntax always gives one form more than bounds, so only C++ can break
// DISPATCH2.
// expected-error @+1 {{expected attribute value}}
func.func private @dispatch_without_last() attributes {form = #ssd.dispatch<[1 : #ssd.recurrent], >}

// -----

// expected-error @+1 {{a case must be a form, got #ssd.dispatch<[1 : #ssd.recurrent], #ssd.quadratic> (DISPATCH3)}}
func.func private @dispatch_nested() attributes {form = #ssd.dispatch<[8 : #ssd.dispatch<[1 : #ssd.recurrent], #ssd.quadratic>], #ssd.recurrent>}

// -----

// expected-error @+1 {{a case must be a form, got 4 : i64 (DISPATCH3)}}
func.func private @dispatch_of_integer() attributes {form = #ssd.dispatch<[8 : 4], #ssd.recurrent>}

// -----

//===----------------------------------------------------------------------===//
// ssd.mix
//===----------------------------------------------------------------------===//

func.func @mix_form_is_no_form(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{attribute 'form' failed to satisfy constraint: a form (#ssd.recurrent, #ssd.chunked, #ssd.quadratic or #ssd.dispatch)}}
  %0:2 = ssd.mix {form = "chunked"} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_operand_rank(%x: tensor<9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{operand #0 must be 4D tensor of}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_one_out(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>) {
  // expected-error @+1 {{expected 2 or 3 outs (y, state, checkpoints), got 1}}
  %0 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y : tensor<2x9x4x8xf32>)
  return
}

// -----

func.func @mix_dynamic_heads(%x: tensor<2x9x?x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x?x8xf32>, %s: tensor<2x?x8x16xf32>) {
  // expected-error @+1 {{heads, head dimension, groups and state dimension must be static and positive (MIX1)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x?x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s : tensor<2x9x?x8xf32>, tensor<2x?x8x16xf32>)
  return
}

// -----

func.func @mix_no_state_columns(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x0xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x0xf32>) {
  // expected-error @+1 {{heads, head dimension, groups and state dimension must be static and positive (MIX1)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x0xf32>, tensor<2x9x2x0xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x0xf32>)
  return
}

// -----

func.func @mix_groups_do_not_divide_heads(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x3x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{groups must divide heads, got 4 heads in 3 groups (MIX2)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x3x16xf32>, tensor<2x9x3x16xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_b_length(%x: tensor<2x9x4x8xf32>, %b: tensor<2x8x2x16xf32>, %c: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{b must be [2, 9, 2, 16], got [2, 8, 2, 16] (MIX3)}}
  %0:2 = ssd.mix ins(%x, %b, %c : tensor<2x9x4x8xf32>, tensor<2x8x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_c_columns(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x2x16xf32>, %c: tensor<2x?x2x32xf32>, %y: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{c must be [2, ?, 2, 16], got [2, ?, 2, 32] (MIX3)}}
  %0:2 = ssd.mix ins(%x, %b, %c : tensor<2x?x4x8xf32>, tensor<2x?x2x16xf32>, tensor<2x?x2x32xf32>) outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_element_types(%x: tensor<2x9x4x8xbf16>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{x, b and c must have one element type, got 'bf16', 'f32' and 'f32' (MIX3)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xbf16>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_decay_heads(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %d: tensor<2x9x2xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{decay must be [2, 9, 4], got [2, 9, 2] (MIX4)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) decay(%d : tensor<2x9x2xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_diagonal_decay_columns(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %d: tensor<2x9x4x8xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{decay must be [2, 9, 4, 16], got [2, 9, 4, 8] (MIX4)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) decay(%d : tensor<2x9x4x8xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_rate_heads(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %a: tensor<2xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{rate must be [4], got [2] (MIX4)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) rate(%a : tensor<2xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_diagonal_rate_columns(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %a: tensor<4x8xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{rate must be [4, 16], got [4, 8] (MIX4)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) rate(%a : tensor<4x8xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_scale_batch(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %dt: tensor<1x9x4xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{scale must be [2, 9, 4], got [1, 9, 4] (MIX4)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) scale(%dt : tensor<1x9x4xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_y_shape(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x16xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{y must be [2, 9, 4, 8], got [2, 9, 4, 16] (MIX5)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s : tensor<2x9x4x16xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_y_rank(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x3x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{y must be [2, 9, 4, 8], got [2, 3, 9, 4, 8] (MIX5)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s : tensor<2x3x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_state_is_transposed(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x16x8xf32>) {
  // expected-error @+1 {{state must be [2, 4, 8, 16], got [2, 4, 16, 8] (MIX6)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x16x8xf32>)
  return
}

// -----

func.func @mix_states_of_packed_sequences(%x: tensor<1x9x4x8xf32>, %b: tensor<1x9x2x16xf32>, %o: tensor<4xi32>, %y: tensor<1x9x4x8xf32>, %s: tensor<4x4x8x16xf32>) {
  // expected-error @+1 {{state must be [3, 4, 8, 16], got [4, 4, 8, 16] (MIX6)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<1x9x4x8xf32>, tensor<1x9x2x16xf32>, tensor<1x9x2x16xf32>) offsets(%o : tensor<4xi32>) outs(%y, %s : tensor<1x9x4x8xf32>, tensor<4x4x8x16xf32>)
  return
}

// -----

func.func @mix_state_pool(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %slots: tensor<2xi32>, %y: tensor<2x9x4x8xf32>, %s: tensor<7x4x8x8xf32>) {
  // expected-error @+1 {{state must be [?, 4, 8, 16], got [7, 4, 8, 8] (MIX6)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) slots(%slots : tensor<2xi32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<7x4x8x8xf32>)
  return
}

// -----

func.func @mix_segment_ids_length(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %ids: tensor<2x10xi32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{segment_ids must be [2, 9], got [2, 10] (MIX7)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) segment_ids(%ids : tensor<2x10xi32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_leading_segment_length(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %ids: tensor<2x9xi32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{segment_ids must be [2, 10], got [2, 9] (MIX7)}}
  %0:2 = ssd.mix {leading_segment} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) segment_ids(%ids : tensor<2x9xi32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_leading_segment_alone(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{leading_segment needs segment_ids (MIX7)}}
  %0:2 = ssd.mix {leading_segment} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_offsets_of_a_batch(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %o: tensor<4xi32>, %y: tensor<2x9x4x8xf32>, %s: tensor<3x4x8x16xf32>) {
  // expected-error @+1 {{offsets need batch 1, got 2 (MIX8)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) offsets(%o : tensor<4xi32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<3x4x8x16xf32>)
  return
}

// -----

func.func @mix_offsets_and_slots(%x: tensor<1x9x4x8xf32>, %b: tensor<1x9x2x16xf32>, %o: tensor<4xi32>, %slots: tensor<1xi32>, %y: tensor<1x9x4x8xf32>, %s: tensor<3x4x8x16xf32>) {
  // expected-error @+1 {{offsets exclude leading_segment, slots and checkpoints (MIX8)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<1x9x4x8xf32>, tensor<1x9x2x16xf32>, tensor<1x9x2x16xf32>) offsets(%o : tensor<4xi32>) slots(%slots : tensor<1xi32>) outs(%y, %s : tensor<1x9x4x8xf32>, tensor<3x4x8x16xf32>)
  return
}

// -----

func.func @mix_offsets_and_leading_segment(%x: tensor<1x9x4x8xf32>, %b: tensor<1x9x2x16xf32>, %o: tensor<4xi32>, %ids: tensor<1x10xi32>, %y: tensor<1x9x4x8xf32>, %s: tensor<3x4x8x16xf32>) {
  // expected-error @+1 {{offsets exclude leading_segment, slots and checkpoints (MIX8)}}
  %0:2 = ssd.mix {leading_segment} ins(%x, %b, %b : tensor<1x9x4x8xf32>, tensor<1x9x2x16xf32>, tensor<1x9x2x16xf32>) segment_ids(%ids : tensor<1x10xi32>) offsets(%o : tensor<4xi32>) outs(%y, %s : tensor<1x9x4x8xf32>, tensor<3x4x8x16xf32>)
  return
}

// -----

func.func @mix_offsets_and_checkpoints(%x: tensor<1x9x4x8xf32>, %b: tensor<1x9x2x16xf32>, %o: tensor<4xi32>, %y: tensor<1x9x4x8xf32>, %s: tensor<3x4x8x16xf32>, %k: tensor<1x3x4x8x16xf32>) {
  // expected-error @+1 {{offsets exclude leading_segment, slots and checkpoints (MIX8)}}
  %0:3 = ssd.mix {checkpoint_every = 3} ins(%x, %b, %b : tensor<1x9x4x8xf32>, tensor<1x9x2x16xf32>, tensor<1x9x2x16xf32>) offsets(%o : tensor<4xi32>) outs(%y, %s, %k : tensor<1x9x4x8xf32>, tensor<3x4x8x16xf32>, tensor<1x3x4x8x16xf32>)
  return
}

// -----

func.func @mix_slots_of_another_batch(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %slots: tensor<3xi32>, %y: tensor<2x9x4x8xf32>, %s: tensor<7x4x8x16xf32>) {
  // expected-error @+1 {{slots must be [2], got [3] (MIX9)}}
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) slots(%slots : tensor<3xi32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<7x4x8x16xf32>)
  return
}

// -----

func.func @mix_checkpoints_without_interval(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>, %k: tensor<2x3x4x8x16xf32>) {
  // expected-error @+1 {{checkpoint_every and a checkpoints destination must come together (MIX10)}}
  %0:3 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s, %k : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x3x4x8x16xf32>)
  return
}

// -----

func.func @mix_interval_without_checkpoints(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{checkpoint_every and a checkpoints destination must come together (MIX10)}}
  %0:2 = ssd.mix {checkpoint_every = 3} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_interval_zero(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>, %k: tensor<2x3x4x8x16xf32>) {
  // expected-error @+1 {{checkpoint_every must be positive, got 0 (MIX10)}}
  %0:3 = ssd.mix {checkpoint_every = 0} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s, %k : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x3x4x8x16xf32>)
  return
}

// -----

func.func @mix_checkpoint_count(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>, %k: tensor<2x3x4x8x16xf32>) {
  // expected-error @+1 {{checkpoints must be [2, 2, 4, 8, 16], got [2, 3, 4, 8, 16] (MIX10)}}
  %0:3 = ssd.mix {checkpoint_every = 4} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s, %k : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x3x4x8x16xf32>)
  return
}

// -----

func.func @mix_chunked_diagonal_decay(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %d: tensor<2x9x4x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{form #ssd.chunked<chunk = 64> does not compute a decay per state column (MIX11)}}
  %0:2 = ssd.mix {form = #ssd.chunked<chunk = 64>} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) decay(%d : tensor<2x9x4x16xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_dispatched_diagonal_rate(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %a: tensor<4x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{form #ssd.quadratic does not compute a decay per state column (MIX11)}}
  %0:2 = ssd.mix {form = #ssd.dispatch<[1 : #ssd.recurrent], #ssd.quadratic>} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) rate(%a : tensor<4x16xf32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @mix_tensor_and_memref(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: memref<2x9x4x8xf32>, %s: memref<2x4x8x16xf32>) {
  // expected-error @+1 {{operands must be all tensors or all memrefs (MIX12)}}
  ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s : memref<2x9x4x8xf32>, memref<2x4x8x16xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// ssd.step
//===----------------------------------------------------------------------===//

func.func @step_one_out(%x: tensor<2x4x8xf32>, %b: tensor<2x2x16xf32>, %y: tensor<2x4x8xf32>) {
  // expected-error @+1 {{expected 2 outs (y, state), got 1}}
  %0 = ssd.step ins(%x, %b, %b : tensor<2x4x8xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf32>) outs(%y : tensor<2x4x8xf32>)
  return
}

// -----

func.func @step_dynamic_head_dim(%x: tensor<2x4x?xf32>, %b: tensor<2x2x16xf32>, %y: tensor<2x4x?xf32>, %s: tensor<2x4x?x16xf32>) {
  // expected-error @+1 {{must be static and positive (STEP1)}}
  %0:2 = ssd.step ins(%x, %b, %b : tensor<2x4x?xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf32>) outs(%y, %s : tensor<2x4x?xf32>, tensor<2x4x?x16xf32>)
  return
}

// -----

func.func @step_groups_do_not_divide_heads(%x: tensor<2x4x8xf32>, %b: tensor<2x3x16xf32>, %y: tensor<2x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{groups must divide heads, got 4 heads in 3 groups (STEP2)}}
  %0:2 = ssd.step ins(%x, %b, %b : tensor<2x4x8xf32>, tensor<2x3x16xf32>, tensor<2x3x16xf32>) outs(%y, %s : tensor<2x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @step_c_batch(%x: tensor<2x4x8xf32>, %b: tensor<2x2x16xf32>, %c: tensor<1x2x16xf32>, %y: tensor<2x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{c must be [2, 2, 16], got [1, 2, 16] (STEP3)}}
  %0:2 = ssd.step ins(%x, %b, %c : tensor<2x4x8xf32>, tensor<2x2x16xf32>, tensor<1x2x16xf32>) outs(%y, %s : tensor<2x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @step_element_types(%x: tensor<2x4x8xf32>, %b: tensor<2x2x16xf32>, %c: tensor<2x2x16xf16>, %y: tensor<2x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{x, b and c must have one element type, got 'f32', 'f32' and 'f16' (STEP3)}}
  %0:2 = ssd.step ins(%x, %b, %c : tensor<2x4x8xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf16>) outs(%y, %s : tensor<2x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @step_decay_heads(%x: tensor<2x4x8xf32>, %b: tensor<2x2x16xf32>, %d: tensor<2x2xf32>, %y: tensor<2x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{decay must be [2, 4], got [2, 2] (STEP4)}}
  %0:2 = ssd.step ins(%x, %b, %b : tensor<2x4x8xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf32>) decay(%d : tensor<2x2xf32>) outs(%y, %s : tensor<2x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @step_y_shape(%x: tensor<2x4x8xf32>, %b: tensor<2x2x16xf32>, %y: tensor<2x4x16xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{y must be [2, 4, 8], got [2, 4, 16] (STEP5)}}
  %0:2 = ssd.step ins(%x, %b, %b : tensor<2x4x8xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf32>) outs(%y, %s : tensor<2x4x16xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @step_state_batch(%x: tensor<2x4x8xf32>, %b: tensor<2x2x16xf32>, %y: tensor<2x4x8xf32>, %s: tensor<7x4x8x16xf32>) {
  // expected-error @+1 {{state must be [2, 4, 8, 16], got [7, 4, 8, 16] (STEP5)}}
  %0:2 = ssd.step ins(%x, %b, %b : tensor<2x4x8xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf32>) outs(%y, %s : tensor<2x4x8xf32>, tensor<7x4x8x16xf32>)
  return
}

// -----

func.func @step_slots_of_another_batch(%x: tensor<2x4x8xf32>, %b: tensor<2x2x16xf32>, %slots: tensor<3xi32>, %y: tensor<2x4x8xf32>, %s: tensor<7x4x8x16xf32>) {
  // expected-error @+1 {{slots must be [2], got [3] (STEP6)}}
  %0:2 = ssd.step ins(%x, %b, %b : tensor<2x4x8xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf32>) slots(%slots : tensor<3xi32>) outs(%y, %s : tensor<2x4x8xf32>, tensor<7x4x8x16xf32>)
  return
}

// -----

func.func @step_tensor_and_memref(%x: memref<2x4x8xf32>, %b: tensor<2x2x16xf32>, %y: tensor<2x4x8xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{operands must be all tensors or all memrefs (STEP7)}}
  %0:2 = ssd.step ins(%x, %b, %b : memref<2x4x8xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf32>) outs(%y, %s : tensor<2x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// ssd.discretize
//===----------------------------------------------------------------------===//

func.func @discretize_two_outs(%raw: tensor<2x9x4xf32>, %o: tensor<2x9x4xf32>) {
  // expected-error @+1 {{expected 1 outs (step sizes), got 2}}
  %0:2 = ssd.discretize ins(%raw : tensor<2x9x4xf32>) outs(%o, %o : tensor<2x9x4xf32>, tensor<2x9x4xf32>)
  return
}

// -----

func.func @discretize_out_shape(%raw: tensor<2x9x4xf32>, %o: tensor<2x8x4xf32>) {
  // expected-error @+1 {{outs must be [2, 9, 4], got [2, 8, 4] (DISC1)}}
  %0 = ssd.discretize ins(%raw : tensor<2x9x4xf32>) outs(%o : tensor<2x8x4xf32>)
  return
}

// -----

func.func @discretize_bias_heads(%raw: tensor<2x9x4xf32>, %bias: tensor<9xf32>, %o: tensor<2x9x4xf32>) {
  // expected-error @+1 {{bias must be [4], got [9] (DISC2)}}
  %0 = ssd.discretize ins(%raw : tensor<2x9x4xf32>) bias(%bias : tensor<9xf32>) outs(%o : tensor<2x9x4xf32>)
  return
}

// -----

func.func @discretize_limits(%raw: tensor<2x9x4xf32>, %o: tensor<2x9x4xf32>) {
  // expected-error @+1 {{min must be at most max (DISC3)}}
  %0 = ssd.discretize {min = 1.0 : f32, max = 0.5 : f32} ins(%raw : tensor<2x9x4xf32>) outs(%o : tensor<2x9x4xf32>)
  return
}

// -----

func.func @discretize_limit_is_nan(%raw: tensor<2x9x4xf32>, %o: tensor<2x9x4xf32>) {
  // expected-error @+1 {{min must be at most max (DISC3)}}
  %0 = ssd.discretize {min = 0x7FC00000 : f32, max = 0.5 : f32} ins(%raw : tensor<2x9x4xf32>) outs(%o : tensor<2x9x4xf32>)
  return
}

// -----

func.func @discretize_tensor_and_memref(%raw: tensor<2x9x4xf32>, %o: memref<2x9x4xf32>) {
  // expected-error @+1 {{operands must be all tensors or all memrefs (DISC4)}}
  ssd.discretize ins(%raw : tensor<2x9x4xf32>) outs(%o : memref<2x9x4xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// ssd.causal_conv1d
//===----------------------------------------------------------------------===//

func.func @conv_one_out(%x: tensor<2x9x8xf32>, %w: tensor<8x4xf32>, %y: tensor<2x9x8xf32>) {
  // expected-error @+1 {{expected 2 outs (y, window), got 1}}
  %0 = ssd.causal_conv1d ins(%x, %w : tensor<2x9x8xf32>, tensor<8x4xf32>) outs(%y : tensor<2x9x8xf32>)
  return
}

// -----

func.func @conv_dynamic_width(%x: tensor<2x9x8xf32>, %w: tensor<8x?xf32>, %y: tensor<2x9x8xf32>, %s: tensor<2x3x8xf32>) {
  // expected-error @+1 {{channels and kernel width must be static and positive (CONV1)}}
  %0:2 = ssd.causal_conv1d ins(%x, %w : tensor<2x9x8xf32>, tensor<8x?xf32>) outs(%y, %s : tensor<2x9x8xf32>, tensor<2x3x8xf32>)
  return
}

// -----

func.func @conv_width_zero(%x: tensor<2x9x8xf32>, %w: tensor<8x0xf32>, %y: tensor<2x9x8xf32>, %s: tensor<2x0x8xf32>) {
  // expected-error @+1 {{channels and kernel width must be static and positive (CONV1)}}
  %0:2 = ssd.causal_conv1d ins(%x, %w : tensor<2x9x8xf32>, tensor<8x0xf32>) outs(%y, %s : tensor<2x9x8xf32>, tensor<2x0x8xf32>)
  return
}

// -----

func.func @conv_weight_is_transposed(%x: tensor<2x9x8xf32>, %w: tensor<4x8xf32>, %y: tensor<2x9x8xf32>, %s: tensor<2x3x8xf32>) {
  // expected-error @+1 {{weight must be [8, 8], got [4, 8] (CONV2)}}
  %0:2 = ssd.causal_conv1d ins(%x, %w : tensor<2x9x8xf32>, tensor<4x8xf32>) outs(%y, %s : tensor<2x9x8xf32>, tensor<2x3x8xf32>)
  return
}

// -----

func.func @conv_bias_channels(%x: tensor<2x9x8xf32>, %w: tensor<8x4xf32>, %bias: tensor<4xf32>, %y: tensor<2x9x8xf32>, %s: tensor<2x3x8xf32>) {
  // expected-error @+1 {{bias must be [8], got [4] (CONV2)}}
  %0:2 = ssd.causal_conv1d ins(%x, %w : tensor<2x9x8xf32>, tensor<8x4xf32>) bias(%bias : tensor<4xf32>) outs(%y, %s : tensor<2x9x8xf32>, tensor<2x3x8xf32>)
  return
}

// -----

func.func @conv_y_shape(%x: tensor<2x9x8xf32>, %w: tensor<8x4xf32>, %y: tensor<2x6x8xf32>, %s: tensor<2x3x8xf32>) {
  // expected-error @+1 {{y must be [2, 9, 8], got [2, 6, 8] (CONV3)}}
  %0:2 = ssd.causal_conv1d ins(%x, %w : tensor<2x9x8xf32>, tensor<8x4xf32>) outs(%y, %s : tensor<2x6x8xf32>, tensor<2x3x8xf32>)
  return
}

// -----

func.func @conv_window_width(%x: tensor<2x9x8xf32>, %w: tensor<8x4xf32>, %y: tensor<2x9x8xf32>, %s: tensor<2x4x8xf32>) {
  // expected-error @+1 {{window must be [2, 3, 8], got [2, 4, 8] (CONV4)}}
  %0:2 = ssd.causal_conv1d ins(%x, %w : tensor<2x9x8xf32>, tensor<8x4xf32>) outs(%y, %s : tensor<2x9x8xf32>, tensor<2x4x8xf32>)
  return
}

// -----

func.func @conv_window_type(%x: tensor<2x9x8xbf16>, %w: tensor<8x4xf32>, %y: tensor<2x9x8xf32>, %s: tensor<2x3x8xf32>) {
  // expected-error @+1 {{window must have x's element type (CONV4)}}
  %0:2 = ssd.causal_conv1d ins(%x, %w : tensor<2x9x8xbf16>, tensor<8x4xf32>) outs(%y, %s : tensor<2x9x8xf32>, tensor<2x3x8xf32>)
  return
}

// -----

func.func @conv_tensor_and_memref(%x: tensor<2x9x8xf32>, %w: memref<8x4xf32>, %y: tensor<2x9x8xf32>, %s: tensor<2x3x8xf32>) {
  // expected-error @+1 {{operands must be all tensors or all memrefs (CONV5)}}
  %0:2 = ssd.causal_conv1d ins(%x, %w : tensor<2x9x8xf32>, memref<8x4xf32>) outs(%y, %s : tensor<2x9x8xf32>, tensor<2x3x8xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// ssd.rms_norm
//===----------------------------------------------------------------------===//

func.func @norm_two_outs(%x: tensor<2x64xf32>, %w: tensor<64xf32>) {
  // expected-error @+1 {{expected 1 outs (y), got 2}}
  %0:2 = ssd.rms_norm {epsilon = 1.0e-5 : f32} ins(%x, %w : tensor<2x64xf32>, tensor<64xf32>) outs(%x, %x : tensor<2x64xf32>, tensor<2x64xf32>)
  return
}

// -----

func.func @norm_dynamic_channels(%x: tensor<2x?xf32>, %w: tensor<?xf32>) {
  // expected-error @+1 {{channels must be static and positive (NORM1)}}
  %0 = ssd.rms_norm {epsilon = 1.0e-5 : f32} ins(%x, %w : tensor<2x?xf32>, tensor<?xf32>) outs(%x : tensor<2x?xf32>)
  return
}

// -----

func.func @norm_weight_channels(%x: tensor<2x64xf32>, %w: tensor<32xf32>) {
  // expected-error @+1 {{weight must be [64], got [32] (NORM2)}}
  %0 = ssd.rms_norm {epsilon = 1.0e-5 : f32} ins(%x, %w : tensor<2x64xf32>, tensor<32xf32>) outs(%x : tensor<2x64xf32>)
  return
}

// -----

func.func @norm_y_shape(%x: tensor<2x64xf32>, %w: tensor<64xf32>, %y: tensor<3x64xf32>) {
  // expected-error @+1 {{y must be [2, 64], got [3, 64] (NORM3)}}
  %0 = ssd.rms_norm {epsilon = 1.0e-5 : f32} ins(%x, %w : tensor<2x64xf32>, tensor<64xf32>) outs(%y : tensor<3x64xf32>)
  return
}

// -----

func.func @norm_group_does_not_divide(%x: tensor<2x64xf32>, %w: tensor<64xf32>) {
  // expected-error @+1 {{group_size must be positive and divide 64, got 48 (NORM4)}}
  %0 = ssd.rms_norm {epsilon = 1.0e-5 : f32, group_size = 48} ins(%x, %w : tensor<2x64xf32>, tensor<64xf32>) outs(%x : tensor<2x64xf32>)
  return
}

// -----

func.func @norm_group_zero(%x: tensor<2x64xf32>, %w: tensor<64xf32>) {
  // expected-error @+1 {{group_size must be positive and divide 64, got 0 (NORM4)}}
  %0 = ssd.rms_norm {epsilon = 1.0e-5 : f32, group_size = 0} ins(%x, %w : tensor<2x64xf32>, tensor<64xf32>) outs(%x : tensor<2x64xf32>)
  return
}

// -----

func.func @norm_gate_without_operand(%x: tensor<2x64xf32>, %w: tensor<64xf32>) {
  // expected-error @+1 {{a gate operand and gate = before or after must come together (NORM5)}}
  %0 = ssd.rms_norm {epsilon = 1.0e-5 : f32, gate = #ssd<gate after>} ins(%x, %w : tensor<2x64xf32>, tensor<64xf32>) outs(%x : tensor<2x64xf32>)
  return
}

// -----

func.func @norm_operand_without_gate(%x: tensor<2x64xf32>, %w: tensor<64xf32>) {
  // expected-error @+1 {{a gate operand and gate = before or after must come together (NORM5)}}
  %0 = ssd.rms_norm {epsilon = 1.0e-5 : f32} ins(%x, %w : tensor<2x64xf32>, tensor<64xf32>) gate(%x : tensor<2x64xf32>) outs(%x : tensor<2x64xf32>)
  return
}

// -----

func.func @norm_gate_shape(%x: tensor<2x64xf32>, %w: tensor<64xf32>, %z: tensor<2x32xf32>) {
  // expected-error @+1 {{gate must be [2, 64], got [2, 32] (NORM5)}}
  %0 = ssd.rms_norm {epsilon = 1.0e-5 : f32, gate = #ssd<gate before>} ins(%x, %w : tensor<2x64xf32>, tensor<64xf32>) gate(%z : tensor<2x32xf32>) outs(%x : tensor<2x64xf32>)
  return
}

// -----

func.func @norm_tensor_and_memref(%x: tensor<2x64xf32>, %w: memref<64xf32>) {
  // expected-error @+1 {{operands must be all tensors or all memrefs (NORM6)}}
  %0 = ssd.rms_norm {epsilon = 1.0e-5 : f32} ins(%x, %w : tensor<2x64xf32>, memref<64xf32>) outs(%x : tensor<2x64xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// ssd.state_pass
//===----------------------------------------------------------------------===//

func.func @pass_one_out(%l: tensor<2x4x2x8x16xf32>, %d: tensor<2x4x2xf32>) {
  // expected-error @+1 {{expected 2 outs (start, state), got 1}}
  %0 = ssd.state_pass ins(%l, %d : tensor<2x4x2x8x16xf32>, tensor<2x4x2xf32>) outs(%l : tensor<2x4x2x8x16xf32>)
  return
}

// -----

func.func @pass_start_shape(%l: tensor<2x4x2x8x16xf32>, %d: tensor<2x4x2xf32>, %start: tensor<2x5x2x8x16xf32>, %s: tensor<2x2x8x16xf32>) {
  // expected-error @+1 {{start must be [2, 4, 2, 8, 16], got [2, 5, 2, 8, 16] (PASS1)}}
  %0:2 = ssd.state_pass ins(%l, %d : tensor<2x4x2x8x16xf32>, tensor<2x4x2xf32>) outs(%start, %s : tensor<2x5x2x8x16xf32>, tensor<2x2x8x16xf32>)
  return
}

// -----

func.func @pass_decay_shape(%l: tensor<2x4x2x8x16xf32>, %d: tensor<2x2x4xf32>, %s: tensor<2x2x8x16xf32>) {
  // expected-error @+1 {{log_decay must be [2, 4, 2], got [2, 2, 4] (PASS2)}}
  %0:2 = ssd.state_pass ins(%l, %d : tensor<2x4x2x8x16xf32>, tensor<2x2x4xf32>) outs(%l, %s : tensor<2x4x2x8x16xf32>, tensor<2x2x8x16xf32>)
  return
}

// -----

func.func @pass_state_shape(%l: tensor<2x4x2x8x16xf32>, %d: tensor<2x4x2xf32>, %s: tensor<2x2x16x8xf32>) {
  // expected-error @+1 {{state must be [2, 2, 8, 16], got [2, 2, 16, 8] (PASS3)}}
  %0:2 = ssd.state_pass ins(%l, %d : tensor<2x4x2x8x16xf32>, tensor<2x4x2xf32>) outs(%l, %s : tensor<2x4x2x8x16xf32>, tensor<2x2x16x8xf32>)
  return
}

// -----

func.func @pass_tensor_and_memref(%l: tensor<2x4x2x8x16xf32>, %d: memref<2x4x2xf32>, %s: tensor<2x2x8x16xf32>) {
  // expected-error @+1 {{operands must be all tensors or all memrefs (PASS4)}}
  %0:2 = ssd.state_pass ins(%l, %d : tensor<2x4x2x8x16xf32>, memref<2x4x2xf32>) outs(%l, %s : tensor<2x4x2x8x16xf32>, tensor<2x2x8x16xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// ssd.fused
//===----------------------------------------------------------------------===//

func.func @fused_argument_types(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x1x16xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{block arguments must be tensors of the operands' shapes and elements (FUSED1)}}
  %0:2 = "ssd.fused"(%x, %b, %x, %s) <{operandSegmentSizes = array<i32: 2, 2>}> ({
  ^bb0(%x1: tensor<2x9x4x8xf32>, %b1: tensor<2x9x1x16xf32>, %y1: tensor<2x9x4x8xf32>):
    %s1 = tensor.empty() : tensor<2x4x8x16xf32>
    %1:2 = ssd.mix ins(%x1, %b1, %b1 : tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x1x16xf32>) outs(%y1, %s1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
    ssd.yield %1#0, %1#1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>
  }) : (tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>) -> (tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @fused_result_types(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x1x16xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{results must have the types of outs (FUSED2)}}
  %0 = "ssd.fused"(%x, %b, %x, %s) <{operandSegmentSizes = array<i32: 2, 2>}> ({
  ^bb0(%x1: tensor<2x9x4x8xf32>, %b1: tensor<2x9x1x16xf32>, %y1: tensor<2x9x4x8xf32>, %s1: tensor<2x4x8x16xf32>):
    %1:2 = ssd.mix ins(%x1, %b1, %b1 : tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x1x16xf32>) outs(%y1, %s1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
    ssd.yield %1#0, %1#1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>
  }) : (tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32>
  return
}

// -----

func.func @fused_yields_too_little(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x1x16xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{yielded values must have the types of outs (FUSED2)}}
  %0:2 = ssd.fused ins(%x1 = %x : tensor<2x9x4x8xf32>, %b1 = %b : tensor<2x9x1x16xf32>) outs(%y1 = %x : tensor<2x9x4x8xf32>, %s1 = %s : tensor<2x4x8x16xf32>) {
    %1:2 = ssd.mix ins(%x1, %b1, %b1 : tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x1x16xf32>) outs(%y1, %s1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
    ssd.yield %1#0 : tensor<2x9x4x8xf32>
  }
  return
}

// -----

func.func @fused_without_mixer(%x: tensor<2x9x4xf32>) {
  // expected-error @+1 {{the body must hold exactly one ssd.mix or ssd.step (FUSED3)}}
  %0 = ssd.fused ins(%x1 = %x : tensor<2x9x4xf32>) outs(%y1 = %x : tensor<2x9x4xf32>) {
    %1 = ssd.discretize {softplus} ins(%x1 : tensor<2x9x4xf32>) outs(%y1 : tensor<2x9x4xf32>)
    ssd.yield %1 : tensor<2x9x4xf32>
  }
  return
}

// -----

func.func @fused_two_mixers(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x1x16xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-error @+1 {{the body must hold exactly one ssd.mix or ssd.step (FUSED3)}}
  %0:2 = ssd.fused ins(%x1 = %x : tensor<2x9x4x8xf32>, %b1 = %b : tensor<2x9x1x16xf32>) outs(%y1 = %x : tensor<2x9x4x8xf32>, %s1 = %s : tensor<2x4x8x16xf32>) {
    %1:2 = ssd.mix ins(%x1, %b1, %b1 : tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x1x16xf32>) outs(%y1, %s1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
    %2:2 = ssd.mix ins(%x1, %b1, %b1 : tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x1x16xf32>) outs(%1#0, %1#1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
    ssd.yield %2#0, %2#1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>
  }
  return
}

// -----

func.func @fused_sees_only_its_arguments(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x1x16xf32>, %s: tensor<2x4x8x16xf32>) {
  // expected-note @+1 {{required by region isolation constraints}}
  %0:2 = ssd.fused ins(%x1 = %x : tensor<2x9x4x8xf32>) outs(%y1 = %x : tensor<2x9x4x8xf32>, %s1 = %s : tensor<2x4x8x16xf32>) {
    // expected-error @+1 {{using value defined outside the region}}
    %1:2 = ssd.mix ins(%x1, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x1x16xf32>) outs(%y1, %s1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
    ssd.yield %1#0, %1#1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>
  }
  return
}

// -----

func.func @yield_outside_of_fused() {
  // expected-error @+1 {{expects parent op 'ssd.fused'}}
  ssd.yield
}

// -----

//===----------------------------------------------------------------------===//
// ssd.cumulative_decay
//===----------------------------------------------------------------------===//

func.func @cumulative_decay_two_outs(%a: tensor<2xf32>, %o: tensor<2x16xf64>) {
  // expected-error @+1 {{expected 1 outs (cumulative decay), got 2}}
  %0:2 = ssd.cumulative_decay rate(%a : tensor<2xf32>) outs(%o, %o : tensor<2x16xf64>, tensor<2x16xf64>)
  return
}

// -----

func.func @cumulative_decay_of_nothing(%o: tensor<2x16xf64>) {
  // expected-error @+1 {{needs a decay or a rate (CDEC1)}}
  %0 = ssd.cumulative_decay outs(%o : tensor<2x16xf64>)
  return
}

// -----

func.func @cumulative_decay_is_transposed(%d: tensor<2x16xf32>, %o: tensor<2x16xf64>) {
  // expected-error @+1 {{decay must be [16, 2], got [2, 16] (CDEC2)}}
  %0 = ssd.cumulative_decay decay(%d : tensor<2x16xf32>) outs(%o : tensor<2x16xf64>)
  return
}

// -----

func.func @cumulative_decay_rate_heads(%a: tensor<16xf32>, %o: tensor<2x16xf64>) {
  // expected-error @+1 {{rate must be [2], got [16] (CDEC2)}}
  %0 = ssd.cumulative_decay rate(%a : tensor<16xf32>) outs(%o : tensor<2x16xf64>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// ssd.chunk_scores
//===----------------------------------------------------------------------===//

func.func @scores_two_outs(%c: tensor<16x8xf32>) {
  // expected-error @+1 {{expected 1 outs (scores), got 2}}
  %0:2 = ssd.chunk_scores ins(%c, %c : tensor<16x8xf32>, tensor<16x8xf32>) outs(%c, %c : tensor<16x8xf32>, tensor<16x8xf32>)
  return
}

// -----

func.func @scores_columns(%c: tensor<16x8xf32>, %b: tensor<32x4xf32>, %o: tensor<16x32xf32>) {
  // expected-error @+1 {{b must be [32, 8], got [32, 4] (SCORES1)}}
  %0 = ssd.chunk_scores ins(%c, %b : tensor<16x8xf32>, tensor<32x4xf32>) outs(%o : tensor<16x32xf32>)
  return
}

// -----

func.func @scores_are_transposed(%c: tensor<16x8xf32>, %b: tensor<32x8xf32>, %o: tensor<32x16xf32>) {
  // expected-error @+1 {{scores must be [16, 32], got [32, 16] (SCORES1)}}
  %0 = ssd.chunk_scores ins(%c, %b : tensor<16x8xf32>, tensor<32x8xf32>) outs(%o : tensor<32x16xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// ssd.chunk_output
//===----------------------------------------------------------------------===//

func.func @output_two_outs(%c: tensor<16x8xf32>, %s: tensor<2x8x4xf32>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{expected 1 outs (y), got 2}}
  %0:2 = ssd.chunk_output ins(%c, %s : tensor<16x8xf32>, tensor<2x8x4xf32>) outs(%y, %y : tensor<16x2x4xf32>, tensor<16x2x4xf32>)
  return
}

// -----

func.func @output_queries(%c: tensor<15x8xf32>, %s: tensor<2x8x4xf32>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{c must be [16, 8], got [15, 8] (OUTPUT1)}}
  %0 = ssd.chunk_output ins(%c, %s : tensor<15x8xf32>, tensor<2x8x4xf32>) outs(%y : tensor<16x2x4xf32>)
  return
}

// -----

func.func @output_state_is_transposed(%c: tensor<16x8xf32>, %s: tensor<2x4x8xf32>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{state must be [2, 8, 4], got [2, 4, 8] (OUTPUT1)}}
  %0 = ssd.chunk_output ins(%c, %s : tensor<16x8xf32>, tensor<2x4x8xf32>) outs(%y : tensor<16x2x4xf32>)
  return
}

// -----

func.func @output_decay(%c: tensor<16x8xf32>, %s: tensor<2x8x4xf32>, %d: tensor<2x15xf64>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{cumulative_decay must be [2, 16], got [2, 15] (OUTPUT1)}}
  %0 = ssd.chunk_output ins(%c, %s : tensor<16x8xf32>, tensor<2x8x4xf32>) cumulative_decay(%d : tensor<2x15xf64>) outs(%y : tensor<16x2x4xf32>)
  return
}

// -----

func.func @output_runs(%c: tensor<16x8xf32>, %s: tensor<2x8x4xf32>, %r: tensor<15xi32>, %sr: tensor<1xi32>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{query_runs must be [16], got [15] (OUTPUT1)}}
  %0 = ssd.chunk_output ins(%c, %s : tensor<16x8xf32>, tensor<2x8x4xf32>) runs(%r, %sr : tensor<15xi32>, tensor<1xi32>) outs(%y : tensor<16x2x4xf32>)
  return
}

// -----

func.func @output_state_run(%c: tensor<16x8xf32>, %s: tensor<2x8x4xf32>, %r: tensor<16xi32>, %sr: tensor<2xi32>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{state_run must be [1], got [2] (OUTPUT1)}}
  %0 = ssd.chunk_output ins(%c, %s : tensor<16x8xf32>, tensor<2x8x4xf32>) runs(%r, %sr : tensor<16xi32>, tensor<2xi32>) outs(%y : tensor<16x2x4xf32>)
  return
}

// -----

func.func @output_runs_without_state_run(%c: tensor<16x8xf32>, %s: tensor<2x8x4xf32>, %r: tensor<16xi32>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{query_runs and state_run must come together (OUTPUT2)}}
  %0 = "ssd.chunk_output"(%c, %s, %r, %y) <{operandSegmentSizes = array<i32: 1, 1, 0, 1, 0, 1>}> : (tensor<16x8xf32>, tensor<2x8x4xf32>, tensor<16xi32>, tensor<16x2x4xf32>) -> tensor<16x2x4xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// ssd.chunk_scan
//===----------------------------------------------------------------------===//

func.func @scan_two_outs(%cb: tensor<16x32xf32>, %x: tensor<32x2x4xf32>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{expected 1 outs (y), got 2}}
  %0:2 = ssd.chunk_scan ins(%cb, %x : tensor<16x32xf32>, tensor<32x2x4xf32>) outs(%y, %y : tensor<16x2x4xf32>, tensor<16x2x4xf32>)
  return
}

// -----

func.func @scan_keys(%cb: tensor<16x31xf32>, %x: tensor<32x2x4xf32>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{scores must be [16, 32], got [16, 31] (SCAN1)}}
  %0 = ssd.chunk_scan ins(%cb, %x : tensor<16x31xf32>, tensor<32x2x4xf32>) outs(%y : tensor<16x2x4xf32>)
  return
}

// -----

func.func @scan_query_decay(%cb: tensor<16x32xf32>, %x: tensor<32x2x4xf32>, %d: tensor<2x32xf64>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{cumulative_decay of queries must be [2, 16], got [2, 32] (SCAN1)}}
  %0 = ssd.chunk_scan ins(%cb, %x : tensor<16x32xf32>, tensor<32x2x4xf32>) cumulative_decay(%d, %d : tensor<2x32xf64>, tensor<2x32xf64>) outs(%y : tensor<16x2x4xf32>)
  return
}

// -----

func.func @scan_key_decay(%cb: tensor<16x32xf32>, %x: tensor<32x2x4xf32>, %d: tensor<2x16xf64>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{cumulative_decay of keys must be [2, 32], got [2, 16] (SCAN1)}}
  %0 = ssd.chunk_scan ins(%cb, %x : tensor<16x32xf32>, tensor<32x2x4xf32>) cumulative_decay(%d, %d : tensor<2x16xf64>, tensor<2x16xf64>) outs(%y : tensor<16x2x4xf32>)
  return
}

// -----

func.func @scan_scale(%cb: tensor<16x32xf32>, %x: tensor<32x2x4xf32>, %s: tensor<32x2xf32>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{scale must be [2, 32], got [32, 2] (SCAN1)}}
  %0 = ssd.chunk_scan ins(%cb, %x : tensor<16x32xf32>, tensor<32x2x4xf32>) scale(%s : tensor<32x2xf32>) outs(%y : tensor<16x2x4xf32>)
  return
}

// -----

func.func @scan_query_runs(%cb: tensor<16x32xf32>, %x: tensor<32x2x4xf32>, %r: tensor<32xi32>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{query_runs must be [16], got [32] (SCAN1)}}
  %0 = ssd.chunk_scan ins(%cb, %x : tensor<16x32xf32>, tensor<32x2x4xf32>) runs(%r, %r : tensor<32xi32>, tensor<32xi32>) outs(%y : tensor<16x2x4xf32>)
  return
}

// -----

func.func @scan_key_runs(%cb: tensor<16x32xf32>, %x: tensor<32x2x4xf32>, %r: tensor<16xi32>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{key_runs must be [32], got [16] (SCAN1)}}
  %0 = ssd.chunk_scan ins(%cb, %x : tensor<16x32xf32>, tensor<32x2x4xf32>) runs(%r, %r : tensor<16xi32>, tensor<16xi32>) outs(%y : tensor<16x2x4xf32>)
  return
}

// -----

func.func @scan_y_shape(%cb: tensor<16x32xf32>, %x: tensor<32x2x4xf32>, %y: tensor<32x2x4xf32>) {
  // expected-error @+1 {{y must be [16, 2, 4], got [32, 2, 4] (SCAN1)}}
  %0 = ssd.chunk_scan ins(%cb, %x : tensor<16x32xf32>, tensor<32x2x4xf32>) outs(%y : tensor<32x2x4xf32>)
  return
}

// -----

func.func @scan_one_decay(%cb: tensor<16x16xf32>, %x: tensor<16x2x4xf32>, %d: tensor<2x16xf64>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{cumulative decays of queries and keys must come together (SCAN2)}}
  %0 = "ssd.chunk_scan"(%cb, %x, %d, %y) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 1>}> : (tensor<16x16xf32>, tensor<16x2x4xf32>, tensor<2x16xf64>, tensor<16x2x4xf32>) -> tensor<16x2x4xf32>
  return
}

// -----

func.func @scan_one_side_of_runs(%cb: tensor<16x16xf32>, %x: tensor<16x2x4xf32>, %r: tensor<16xi32>, %y: tensor<16x2x4xf32>) {
  // expected-error @+1 {{runs of queries and keys must come together (SCAN2)}}
  %0 = "ssd.chunk_scan"(%cb, %x, %r, %y) <{operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 1, 1>}> : (tensor<16x16xf32>, tensor<16x2x4xf32>, tensor<16xi32>, tensor<16x2x4xf32>) -> tensor<16x2x4xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// ssd.chunk_state
//===----------------------------------------------------------------------===//

func.func @state_two_outs(%b: tensor<16x8xf32>, %x: tensor<16x2x4xf32>, %s: tensor<2x8x4xf32>) {
  // expected-error @+1 {{expected 1 outs (state), got 2}}
  %0:2 = ssd.chunk_state ins(%b, %x : tensor<16x8xf32>, tensor<16x2x4xf32>) outs(%s, %s : tensor<2x8x4xf32>, tensor<2x8x4xf32>)
  return
}

// -----

func.func @state_tokens(%b: tensor<15x8xf32>, %x: tensor<16x2x4xf32>, %s: tensor<2x8x4xf32>) {
  // expected-error @+1 {{b must be [16, 8], got [15, 8] (STATE1)}}
  %0 = ssd.chunk_state ins(%b, %x : tensor<15x8xf32>, tensor<16x2x4xf32>) outs(%s : tensor<2x8x4xf32>)
  return
}

// -----

func.func @state_decay(%b: tensor<16x8xf32>, %x: tensor<16x2x4xf32>, %d: tensor<16x2xf64>, %s: tensor<2x8x4xf32>) {
  // expected-error @+1 {{cumulative_decay must be [2, 16], got [16, 2] (STATE1)}}
  %0 = ssd.chunk_state ins(%b, %x : tensor<16x8xf32>, tensor<16x2x4xf32>) cumulative_decay(%d : tensor<16x2xf64>) outs(%s : tensor<2x8x4xf32>)
  return
}

// -----

func.func @state_scale(%b: tensor<16x8xf32>, %x: tensor<16x2x4xf32>, %dt: tensor<16x2xf32>, %s: tensor<2x8x4xf32>) {
  // expected-error @+1 {{scale must be [2, 16], got [16, 2] (STATE1)}}
  %0 = ssd.chunk_state ins(%b, %x : tensor<16x8xf32>, tensor<16x2x4xf32>) scale(%dt : tensor<16x2xf32>) outs(%s : tensor<2x8x4xf32>)
  return
}

// -----

func.func @state_runs(%b: tensor<16x8xf32>, %x: tensor<16x2x4xf32>, %r: tensor<17xi32>, %sr: tensor<1xi32>, %s: tensor<2x8x4xf32>) {
  // expected-error @+1 {{runs must be [16], got [17] (STATE1)}}
  %0 = ssd.chunk_state ins(%b, %x : tensor<16x8xf32>, tensor<16x2x4xf32>) runs(%r, %sr : tensor<17xi32>, tensor<1xi32>) outs(%s : tensor<2x8x4xf32>)
  return
}

// -----

func.func @state_state_run(%b: tensor<16x8xf32>, %x: tensor<16x2x4xf32>, %r: tensor<16xi32>, %sr: tensor<16xi32>, %s: tensor<2x8x4xf32>) {
  // expected-error @+1 {{state_run must be [1], got [16] (STATE1)}}
  %0 = ssd.chunk_state ins(%b, %x : tensor<16x8xf32>, tensor<16x2x4xf32>) runs(%r, %sr : tensor<16xi32>, tensor<16xi32>) outs(%s : tensor<2x8x4xf32>)
  return
}

// -----

func.func @state_is_transposed(%b: tensor<16x8xf32>, %x: tensor<16x2x4xf32>, %s: tensor<2x4x8xf32>) {
  // expected-error @+1 {{state must be [2, 8, 4], got [2, 4, 8] (STATE1)}}
  %0 = ssd.chunk_state ins(%b, %x : tensor<16x8xf32>, tensor<16x2x4xf32>) outs(%s : tensor<2x4x8xf32>)
  return
}

// -----

func.func @state_runs_without_state_run(%b: tensor<16x8xf32>, %x: tensor<16x2x4xf32>, %r: tensor<16xi32>, %s: tensor<2x8x4xf32>) {
  // expected-error @+1 {{runs and state_run must come together (STATE2)}}
  %0 = "ssd.chunk_state"(%b, %x, %r, %s) <{operandSegmentSizes = array<i32: 1, 1, 0, 0, 1, 0, 1>}> : (tensor<16x8xf32>, tensor<16x2x4xf32>, tensor<16xi32>, tensor<2x8x4xf32>) -> tensor<2x8x4xf32>
  return
}

// -----

func.func @fused_tensor_and_memref(%x: memref<2x9x4x8xf32>, %b: tensor<2x9x1x16xf32>, %y: memref<2x9x4x8xf32>, %s: memref<2x4x8x16xf32>) {
  // expected-error @+1 {{operands must be all tensors or all memrefs (FUSED4)}}
  ssd.fused ins(%x1 = %x : memref<2x9x4x8xf32>, %b1 = %b : tensor<2x9x1x16xf32>) outs(%y1 = %y : memref<2x9x4x8xf32>, %s1 = %s : memref<2x4x8x16xf32>) {
    %0:2 = ssd.mix ins(%x1, %b1, %b1 : tensor<2x9x4x8xf32>, tensor<2x9x1x16xf32>, tensor<2x9x1x16xf32>) outs(%y1, %s1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
    ssd.yield %0#0, %0#1 : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>
  }
  return
}
