// RUN: ssd-opt %s -split-input-file --ssd-plan-workspace --canonicalize --cse | FileCheck %s

func.func private @use(memref<16xf32>)

// Two buffers that never live at once share a slot; a third does not.
// CHECK-LABEL: func.func @static_reuse(
// CHECK-SAME:    %[[WORKSPACE:.*]]: memref<?xi8>, %{{.*}}: !llvm.ptr)
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[NEXT:.*]] = arith.constant 64 : index
// CHECK:         %[[FIRST:.*]] = memref.view %[[WORKSPACE]][%[[ZERO]]][] : memref<?xi8> to memref<16xf32>
// CHECK:         call @use(%[[FIRST]])
// CHECK:         %[[SECOND:.*]] = memref.view %[[WORKSPACE]][%[[NEXT]]][] : memref<?xi8> to memref<16xf32>
// CHECK:         call @use(%[[FIRST]])
// CHECK:         call @use(%[[SECOND]])
// CHECK-NOT:     memref.dealloc
func.func @static_reuse() attributes {ssd.entry = {arguments = [], mixers = "[]"}} {
  %a = memref.alloc() : memref<16xf32>
  call @use(%a) : (memref<16xf32>) -> ()
  %b = memref.alloc() : memref<16xf32>
  call @use(%a) : (memref<16xf32>) -> ()
  call @use(%b) : (memref<16xf32>) -> ()
  %c = memref.alloc() : memref<16xf32>
  call @use(%c) : (memref<16xf32>) -> ()
  memref.dealloc %a : memref<16xf32>
  return
}
// CHECK:       func.func private @static_reuse.workspace() -> i64
// CHECK-NEXT:    %[[BYTES:.*]] = arith.constant 128 : i64
// CHECK-NEXT:    return %[[BYTES]]

// -----

// A callee's memory is one more buffer of the caller; calls share it.
// CHECK-LABEL: func.func private @callee(
// CHECK-SAME:    %[[X:.*]]: memref<?x4xf32>, %[[WORKSPACE:.*]]: memref<?xi8>, %{{.*}}: !llvm.ptr)
// CHECK:         memref.view %[[WORKSPACE]]
func.func private @callee(%x: memref<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x4xf32>
  %t = memref.alloc(%n) : memref<?x4xf32>
  memref.copy %x, %t : memref<?x4xf32> to memref<?x4xf32>
  memref.copy %t, %x : memref<?x4xf32> to memref<?x4xf32>
  return
}
// CHECK-LABEL: func.func @caller(
// CHECK-SAME:    %[[X:.*]]: memref<?x4xf32>, %[[Y:.*]]: memref<?x4xf32>, %[[WORKSPACE:.*]]: memref<?xi8>, %[[CONTEXT:.*]]: !llvm.ptr)
// CHECK:         %[[PART:.*]] = memref.view %[[WORKSPACE]]
// CHECK-NEXT:    call @callee(%[[X]], %[[PART]], %[[CONTEXT]])
// CHECK-NEXT:    call @callee(%[[X]], %[[PART]], %[[CONTEXT]])
// CHECK-NEXT:    return
func.func @caller(%x: memref<?x4xf32>, %y: memref<?x4xf32>)
    attributes {ssd.entry = {arguments = [], mixers = "[]"}} {
  call @callee(%x) : (memref<?x4xf32>) -> ()
  call @callee(%x) : (memref<?x4xf32>) -> ()
  return
}
// 16 bytes a row, rounded up to 64.
// CHECK-LABEL: func.func private @caller.workspace(
// CHECK-SAME:    %[[ROWS:[^ ]*]]: index, %{{[^ ]*}}: index) -> i64
// CHECK-DAG:     %[[ROW:.*]] = arith.constant 16 : index
// CHECK-DAG:     %[[MASK:.*]] = arith.constant 63 : index
// CHECK-DAG:     %[[SHIFT:.*]] = arith.constant 6 : index
// CHECK-DAG:     %[[UNIT:.*]] = arith.constant 64 : index
// CHECK:         %[[BYTES:.*]] = arith.muli %[[ROWS]], %[[ROW]]
// CHECK-NEXT:    %[[UP:.*]] = arith.addi %[[BYTES]], %[[MASK]]
// CHECK-NEXT:    %[[UNITS:.*]] = arith.shrsi %[[UP]], %[[SHIFT]]
// CHECK-NEXT:    arith.muli %[[UNITS]], %[[UNIT]]

// -----

func.func private @use_rows(memref<?x4xf32>)

// A size that varies in a loop is reserved at its upper bound.
// CHECK-LABEL: func.func @chunks(
// CHECK:         scf.for
// CHECK-NEXT:      %[[SIZE:.*]] = affine.min
// CHECK-NEXT:      memref.view %{{.*}}[%{{.*}}][%[[SIZE]]] : memref<?xi8> to memref<?x4xf32>
func.func @chunks(%x: memref<?x4xf32>)
    attributes {ssd.entry = {arguments = [], mixers = "[]"}} {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %n = memref.dim %x, %c0 : memref<?x4xf32>
  scf.for %i = %c0 to %n step %c128 {
    %size = affine.min affine_map<(d0)[s0] -> (128, s0 - d0)>(%i)[%n]
    %t = memref.alloc(%size) : memref<?x4xf32>
    func.call @use_rows(%t) : (memref<?x4xf32>) -> ()
  }
  return
}
// CHECK-LABEL: func.func private @chunks.workspace(
// CHECK-SAME:    %[[ROWS:.*]]: index) -> i64
// CHECK-DAG:     %[[CHUNK:.*]] = arith.constant 128 : index
// CHECK:         arith.minsi %[[ROWS]], %[[CHUNK]]

// -----

func.func private @use_row(memref<?xf32>)

// A task's memory is on its stack, at the start of the outermost loop.
// CHECK-LABEL: func.func @tasks(
// CHECK:         scf.forall
// CHECK-NEXT:      %[[FRAME:.*]] = memref.alloca() {alignment = 64 : i64} : memref<512xi8>
// CHECK:           scf.for
// CHECK:             memref.view %[[FRAME]]{{.*}} : memref<512xi8> to memref<?xf32>
func.func @tasks(%x: memref<?xf32>)
    attributes {ssd.entry = {arguments = [], mixers = "[]"}} {
  %c0 = arith.constant 0 : index
  %c128 = arith.constant 128 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  scf.forall (%b) in (%n) {
    scf.for %i = %c0 to %n step %c128 {
      %size = affine.min affine_map<(d0)[s0] -> (128, s0 - d0)>(%i)[%n]
      %t = memref.alloc(%size) : memref<?xf32>
      func.call @use_row(%t) : (memref<?xf32>) -> ()
    }
  }
  return
}
// CHECK-LABEL: func.func private @tasks.workspace(
// CHECK:         %[[NONE:.*]] = arith.constant 0 : i64
// CHECK-NEXT:    return %[[NONE]]
