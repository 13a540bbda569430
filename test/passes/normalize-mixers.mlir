// RUN: ssd-opt %s -split-input-file --ssd-normalize-mixers --canonicalize --cse | FileCheck %s

// Packed sequences: a loop over states; bounds that are out of order or out of
// range select fewer tokens, never memory outside of the sequence.
// CHECK-LABEL: func.func @offsets(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<1x?x4x8xf32>, %[[B:[a-z0-9]+]]: tensor<1x?x2x16xf32>, %[[OFFSETS:[a-z0-9]+]]: tensor<?xi32>, %[[Y0:[a-z0-9]+]]: tensor<1x?x4x8xf32>, %[[S0:[a-z0-9]+]]: tensor<?x4x8x16xf32>)
// CHECK-DAG:     %[[SEQUENCES:.*]] = tensor.dim %[[S0]], %c0
// CHECK-DAG:     %[[LENGTH:.*]] = tensor.dim %[[X]], %c1
// CHECK:         %[[LOOP:.*]]:2 = scf.for %[[I:.*]] = %c0 to %[[SEQUENCES]] step %c1 iter_args(%[[Y:.*]] = %[[Y0]], %[[S:.*]] = %[[S0]])
// CHECK:           %[[LOW:.*]] = tensor.extract %[[OFFSETS]][%[[I]]]
// CHECK:           %[[LOWINDEX:.*]] = arith.index_cast %[[LOW]]
// CHECK:           %[[POSITIVE:.*]] = arith.maxsi %[[LOWINDEX]], %c0
// CHECK:           %[[FIRST:.*]] = arith.minsi %[[POSITIVE]], %[[LENGTH]]
// CHECK:           %[[NEXT:.*]] = arith.addi %[[I]], %c1
// CHECK:           %[[HIGH:.*]] = tensor.extract %[[OFFSETS]][%[[NEXT]]]
// CHECK:           %[[HIGHINDEX:.*]] = arith.index_cast %[[HIGH]]
// CHECK:           %[[ORDERED:.*]] = arith.maxsi %[[HIGHINDEX]], %[[FIRST]]
// CHECK:           %[[END:.*]] = arith.minsi %[[ORDERED]], %[[LENGTH]]
// CHECK:           %[[COUNT:.*]] = arith.subi %[[END]], %[[FIRST]]
// CHECK-DAG:       %[[YPART:.*]] = tensor.extract_slice %[[Y]][0, %[[FIRST]], 0, 0] [1, %[[COUNT]], 4, 8]
// CHECK-DAG:       %[[SPART:.*]] = tensor.extract_slice %[[S]][%[[I]], 0, 0, 0] [1, 4, 8, 16]
// CHECK-DAG:       %[[XPART:.*]] = tensor.extract_slice %[[X]][0, %[[FIRST]], 0, 0] [1, %[[COUNT]], 4, 8]
// CHECK:           %[[MIX:.*]]:2 = ssd.mix {form = #ssd.recurrent} ins(%[[XPART]], {{.*}}) outs(%[[YPART]], %[[SPART]] :
// CHECK-DAG:       tensor.insert_slice %[[MIX]]#0 into %[[Y]][0, %[[FIRST]], 0, 0]
// CHECK-DAG:       tensor.insert_slice %[[MIX]]#1 into %[[S]][%[[I]], 0, 0, 0]
// CHECK:         return %[[LOOP]]#0, %[[LOOP]]#1
func.func @offsets(%x: tensor<1x?x4x8xf32>, %b: tensor<1x?x2x16xf32>, %o: tensor<?xi32>, %y: tensor<1x?x4x8xf32>, %s: tensor<?x4x8x16xf32>) -> (tensor<1x?x4x8xf32>, tensor<?x4x8x16xf32>) {
  %0:2 = ssd.mix {form = #ssd.recurrent} ins(%x, %b, %b : tensor<1x?x4x8xf32>, tensor<1x?x2x16xf32>, tensor<1x?x2x16xf32>) offsets(%o : tensor<?xi32>) outs(%y, %s : tensor<1x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<1x?x4x8xf32>, tensor<?x4x8x16xf32>
}

// -----

// A slot that is no row of the pool starts from zero, and the pool goes on as
// it was.
// CHECK-LABEL: func.func @slots(
// CHECK-SAME:    %[[SLOTS:[a-z0-9]+]]: tensor<2xi32>, %[[Y0:[a-z0-9]+]]: tensor<2x9x4x8xf32>, %[[POOL0:[a-z0-9]+]]: tensor<7x4x8x16xf32>)
// CHECK-DAG:     %[[ROWS:.*]] = arith.constant 7 : index
// CHECK:         scf.for %[[I:.*]] = %c0 to %c2 step %c1 iter_args(%[[Y:.*]] = %[[Y0]], %[[POOL:.*]] = %[[POOL0]])
// CHECK:           %[[SLOT:.*]] = tensor.extract %[[SLOTS]][%[[I]]]
// CHECK:           %[[ROW:.*]] = arith.index_cast %[[SLOT]]
// CHECK:           %[[KEPT:.*]] = arith.cmpi ult, %[[ROW]], %[[ROWS]]
// CHECK:           scf.if %[[KEPT]]
// CHECK:             %[[S:.*]] = tensor.extract_slice %[[POOL]][%[[ROW]], 0, 0, 0] [1, 4, 8, 16]
// CHECK:             %[[MIX:.*]]:2 = ssd.mix {{.*}} outs(%{{.*}}, %[[S]] :
// CHECK:             %[[NEW:.*]] = tensor.insert_slice %[[MIX]]#1 into %[[POOL]][%[[ROW]], 0, 0, 0]
// CHECK:             scf.yield %{{.*}}, %[[NEW]]
// CHECK:           } else {
// CHECK:             %[[ZERO:.*]] = linalg.fill
// CHECK:             ssd.mix {{.*}} outs(%{{.*}}, %[[ZERO]] :
// CHECK:             scf.yield %{{.*}}, %[[POOL]]
func.func @slots(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %o: tensor<2xi32>, %y: tensor<2x9x4x8xf32>, %s: tensor<7x4x8x16xf32>) -> tensor<7x4x8x16xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) slots(%o : tensor<2xi32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<7x4x8x16xf32>)
  return %0#1 : tensor<7x4x8x16xf32>
}

// -----

// Three blocks of three tokens, each with a store, and one token more.
// CHECK-DAG:   #[[$FIRST:.*]] = affine_map<(d0) -> (d0 * 3)>
// CHECK-LABEL: func.func @checkpoints(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x10x4x8xf32>, %[[B:[a-z0-9]+]]: tensor<2x10x2x16xf32>, %[[Y0:[a-z0-9]+]]: tensor<2x10x4x8xf32>, %[[S0:[a-z0-9]+]]: tensor<2x4x8x16xf32>, %[[K0:[a-z0-9]+]]: tensor<2x3x4x8x16xf32>)
// CHECK:         %[[LOOP:.*]]:3 = scf.for %[[I:.*]] = %c0 to %c3 step %c1 iter_args(%[[Y:.*]] = %[[Y0]], %[[S:.*]] = %[[S0]], %[[K:.*]] = %[[K0]])
// CHECK:           %[[T:.*]] = affine.apply #[[$FIRST]](%[[I]])
// CHECK:           %[[MIX:.*]]:2 = ssd.mix ins({{.*}} : tensor<2x3x4x8xf32>, {{.*}}) outs(%{{.*}}, %[[S]] :
// CHECK:           %[[STORED:.*]] = tensor.insert_slice %[[MIX]]#1 into %[[K]][0, %[[I]], 0, 0, 0] [2, 1, 4, 8, 16]
// CHECK:           scf.yield %{{.*}}, %[[MIX]]#1, %[[STORED]]
// CHECK:         %[[LAST:.*]] = tensor.extract_slice %[[X]][0, 9, 0, 0] [2, 1, 4, 8]
// CHECK:         %[[TAIL:.*]]:2 = ssd.mix ins(%[[LAST]], {{.*}} outs(%{{.*}}, %[[LOOP]]#1 :
// CHECK:         return %{{.*}}, %[[TAIL]]#1, %[[LOOP]]#2
func.func @checkpoints(%x: tensor<2x10x4x8xf32>, %b: tensor<2x10x2x16xf32>, %y: tensor<2x10x4x8xf32>, %s: tensor<2x4x8x16xf32>, %k: tensor<2x3x4x8x16xf32>) -> (tensor<2x10x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x3x4x8x16xf32>) {
  %0:3 = ssd.mix {checkpoint_every = 3} ins(%x, %b, %b : tensor<2x10x4x8xf32>, tensor<2x10x2x16xf32>, tensor<2x10x2x16xf32>) outs(%y, %s, %k : tensor<2x10x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x3x4x8x16xf32>)
  return %0#0, %0#1, %0#2 : tensor<2x10x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x3x4x8x16xf32>
}

// -----

// Where the interval divides the length nothing is left after the blocks.
// CHECK-LABEL: func.func @checkpoints_dividing
// CHECK:         %[[LOOP:.*]]:3 = scf.for
// CHECK:         }
// CHECK-NOT:     ssd.mix
// CHECK:         return %[[LOOP]]#1
func.func @checkpoints_dividing(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>, %k: tensor<2x3x4x8x16xf32>) -> tensor<2x4x8x16xf32> {
  %0:3 = ssd.mix {checkpoint_every = 3} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s, %k : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x3x4x8x16xf32>)
  return %0#1 : tensor<2x4x8x16xf32>
}

// -----

// CHECK-LABEL: func.func @sequence_shorter_than_the_interval
// CHECK-NOT:     scf.for
// CHECK:         ssd.mix ins({{.*}} : tensor<2x9x4x8xf32>
func.func @sequence_shorter_than_the_interval(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>, %k: tensor<2x0x4x8x16xf32>) -> tensor<2x4x8x16xf32> {
  %0:3 = ssd.mix {checkpoint_every = 16} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) outs(%y, %s, %k : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x0x4x8x16xf32>)
  return %0#1 : tensor<2x4x8x16xf32>
}

// -----

// x and b are flipped token by token, y is flipped back; the state is not.
// CHECK-LABEL: func.func @reverse(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x?x4x8xf32>, %[[B:[a-z0-9]+]]: tensor<2x?x2x16xf32>, %[[Y:[a-z0-9]+]]: tensor<2x?x4x8xf32>, %[[S:[a-z0-9]+]]: tensor<2x4x8x16xf32>)
// CHECK:         %[[LENGTH:.*]] = tensor.dim %[[X]], %c1
// CHECK:         %[[LAST:.*]] = arith.addi %[[LENGTH]], %c-1
// CHECK:         %[[XF:.*]] = scf.for %[[I:.*]] = %c0 to %[[LENGTH]]
// CHECK:           %[[FROM:.*]] = arith.subi %[[LAST]], %[[I]]
// CHECK:           %[[TOKEN:.*]] = tensor.extract_slice %[[X]][0, %[[FROM]], 0, 0]
// CHECK:           tensor.insert_slice %[[TOKEN]] into %{{.*}}[0, %[[I]], 0, 0]
// CHECK:         %[[BF:.*]] = scf.for
// CHECK:         %[[MIX:.*]]:2 = ssd.mix ins(%[[XF]], %[[BF]], %[[BF]] : {{.*}}) outs(%[[Y]], %[[S]] :
// CHECK:         %[[YB:.*]] = scf.for
// CHECK:           tensor.extract_slice %[[MIX]]#0
// CHECK:         return %[[YB]], %[[MIX]]#1
func.func @reverse(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x2x16xf32>, %y: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.mix {direction = #ssd<direction reverse>} ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x2x16xf32>, tensor<2x?x2x16xf32>) outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>
}

// -----

// Ids become counts of changes, led by the state's: id t is compared with id
// t - 1, the first with itself.
// CHECK-LABEL: func.func @segment_ids(
// CHECK-SAME:    %[[IDS:[a-z0-9]+]]: tensor<2x9xi32>
// CHECK:         %[[RUNS:.*]] = scf.for %[[BATCH:.*]] = %c0 to %c2
// CHECK:           scf.for %[[T:.*]] = %c1 to %c10 step %c1 iter_args(%[[COUNTS:.*]] = %{{.*}}, %[[COUNT:.*]] = %c0_i32)
// CHECK:             %[[TOKEN:.*]] = arith.subi %[[T]], %c1
// CHECK:             %[[PREVIOUS:.*]] = arith.subi %[[T]], %c2
// CHECK:             %[[BEFORE:.*]] = arith.maxsi %[[PREVIOUS]], %c0
// CHECK-DAG:         %[[ID:.*]] = tensor.extract %[[IDS]][%[[BATCH]], %[[TOKEN]]]
// CHECK-DAG:         %[[OLDID:.*]] = tensor.extract %[[IDS]][%[[BATCH]], %[[BEFORE]]]
// CHECK:             %[[CHANGED:.*]] = arith.cmpi ne, %[[ID]], %[[OLDID]]
// CHECK:             %[[STEP:.*]] = arith.extui %[[CHANGED]]
// CHECK:             %[[NEW:.*]] = arith.addi %[[COUNT]], %[[STEP]]
// CHECK:             tensor.insert %[[NEW]] into %[[COUNTS]][%[[BATCH]], %[[T]]]
// CHECK:         ssd.mix {leading_segment} {{.*}} segment_ids(%[[RUNS]] : tensor<2x10xi32>)
func.func @segment_ids(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %i: tensor<2x9xi32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) segment_ids(%i : tensor<2x9xi32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// -----

// With the state's id in front the first token's is compared with that.
// CHECK-LABEL: func.func @leading_segment(
// CHECK-SAME:    %[[IDS:[a-z0-9]+]]: tensor<2x10xi32>
// CHECK:           scf.for %[[T:.*]] = %c1 to %c10 step %c1
// CHECK:             %[[BEFORE:.*]] = arith.subi %[[T]], %c1
// CHECK-DAG:         %[[ID:.*]] = tensor.extract %[[IDS]][%{{.*}}, %[[T]]]
// CHECK-DAG:         %[[OLDID:.*]] = tensor.extract %[[IDS]][%{{.*}}, %[[BEFORE]]]
// CHECK:             arith.cmpi ne, %[[ID]], %[[OLDID]]
func.func @leading_segment(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %i: tensor<2x10xi32>, %y: tensor<2x9x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  %0:2 = ssd.mix {leading_segment} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) segment_ids(%i : tensor<2x10xi32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// -----

// Between two mixers in reverse nothing is flipped: there and back again.
// CHECK-LABEL: func.func @reverse_of_reverse(
// CHECK:         %[[XF:.*]] = scf.for
// CHECK:         %[[BF:.*]] = scf.for
// CHECK-NOT:     scf.for
// CHECK:         %[[FIRST:.*]]:2 = ssd.mix ins(%[[XF]], %[[BF]], %[[BF]] :
// CHECK-NOT:     scf.for
// CHECK:         %[[SECOND:.*]]:2 = ssd.mix ins(%[[FIRST]]#0, %[[BF]], %[[BF]] :
// CHECK:         %[[Y:.*]] = scf.for
// CHECK:           tensor.extract_slice %[[SECOND]]#0
// CHECK:         return %[[Y]], %[[FIRST]]#1, %[[SECOND]]#1
func.func @reverse_of_reverse(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x2x16xf32>, %y: tensor<2x?x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.mix {direction = #ssd<direction reverse>} ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x2x16xf32>, tensor<2x?x2x16xf32>) outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  %1:2 = ssd.mix {direction = #ssd<direction reverse>} ins(%0#0, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x2x16xf32>, tensor<2x?x2x16xf32>) outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  return %1#0, %0#1, %1#1 : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>
}

// -----

// One feature after the other: both are gone.
// CHECK-LABEL: func.func @reversed_segments_of_slots
// CHECK-NOT:     reverse
// CHECK-NOT:     slots(
// CHECK:         ssd.mix {leading_segment} {{.*}} segment_ids(%{{.*}} : tensor<1x10xi32>)
// CHECK-NOT:     slots(
func.func @reversed_segments_of_slots(%x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %i: tensor<2x9xi32>, %o: tensor<2xi32>, %y: tensor<2x9x4x8xf32>, %s: tensor<7x4x8x16xf32>) -> tensor<2x9x4x8xf32> {
  %0:2 = ssd.mix {direction = #ssd<direction reverse>} ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) segment_ids(%i : tensor<2x9xi32>) slots(%o : tensor<2xi32>) outs(%y, %s : tensor<2x9x4x8xf32>, tensor<7x4x8x16xf32>)
  return %0#0 : tensor<2x9x4x8xf32>
}

// -----

// CHECK-LABEL: func.func @empty_sequence(
// CHECK-SAME:    %[[Y:[a-z0-9]+]]: tensor<2x0x4x8xf32>, %[[S:[a-z0-9]+]]: tensor<2x4x8x16xf32>)
// CHECK-NEXT:    return %[[Y]], %[[S]]
func.func @empty_sequence(%x: tensor<2x0x4x8xf32>, %b: tensor<2x0x2x16xf32>, %y: tensor<2x0x4x8xf32>, %s: tensor<2x4x8x16xf32>) -> (tensor<2x0x4x8xf32>, tensor<2x4x8x16xf32>) {
  %0:2 = ssd.mix ins(%x, %b, %b : tensor<2x0x4x8xf32>, tensor<2x0x2x16xf32>, tensor<2x0x2x16xf32>) outs(%y, %s : tensor<2x0x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x0x4x8xf32>, tensor<2x4x8x16xf32>
}

// -----

// The id in front stays there, and checkpoints count tokens as they are read.
// CHECK-LABEL: func.func @reverse_leading_segment_and_checkpoints(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x9x4x8xf32>, %[[B:[a-z0-9]+]]: tensor<2x9x2x16xf32>, %[[IDS:[a-z0-9]+]]: tensor<2x10xi32>
// CHECK:         %[[FRONT:.*]] = tensor.extract_slice %[[IDS]][0, 0] [2, 1]
// CHECK:         %[[KEPT:.*]] = tensor.insert_slice %[[FRONT]] into %{{.*}}[0, 0] [2, 1]
// CHECK:         scf.for %{{.*}} = %c1 to %c10 step %c1 iter_args(%{{.*}} = %[[KEPT]])
// CHECK:         scf.for
// CHECK:           ssd.mix
// CHECK-SAME:        {leading_segment}
// CHECK-NOT:     ssd.mix
func.func @reverse_leading_segment_and_checkpoints(
    %x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %ids: tensor<2x10xi32>, %y: tensor<2x9x4x8xf32>,
    %s: tensor<2x4x8x16xf32>, %k: tensor<2x3x4x8x16xf32>) -> tensor<2x3x4x8x16xf32> {
  %0:3 = ssd.mix {checkpoint_every = 3, direction = #ssd<direction reverse>, leading_segment}
      ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) segment_ids(%ids : tensor<2x10xi32>)
      outs(%y, %s, %k : tensor<2x9x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x3x4x8x16xf32>)
  return %0#2 : tensor<2x3x4x8x16xf32>
}

// -----

// Each element of the batch has its checkpoints, on a row of the pool or not.
// CHECK-LABEL: func.func @slots_and_checkpoints(
// CHECK:         scf.for
// CHECK:           scf.if
// CHECK:             scf.for
// CHECK:               ssd.mix
// CHECK:           } else {
// CHECK:             linalg.fill
// CHECK:             scf.for
// CHECK:               ssd.mix
func.func @slots_and_checkpoints(
    %x: tensor<2x9x4x8xf32>, %b: tensor<2x9x2x16xf32>, %o: tensor<2xi32>, %y: tensor<2x9x4x8xf32>,
    %s: tensor<7x4x8x16xf32>, %k: tensor<2x3x4x8x16xf32>) -> (tensor<7x4x8x16xf32>, tensor<2x3x4x8x16xf32>) {
  %0:3 = ssd.mix {checkpoint_every = 3}
      ins(%x, %b, %b : tensor<2x9x4x8xf32>, tensor<2x9x2x16xf32>, tensor<2x9x2x16xf32>) slots(%o : tensor<2xi32>)
      outs(%y, %s, %k : tensor<2x9x4x8xf32>, tensor<7x4x8x16xf32>, tensor<2x3x4x8x16xf32>)
  return %0#1, %0#2 : tensor<7x4x8x16xf32>, tensor<2x3x4x8x16xf32>
}
