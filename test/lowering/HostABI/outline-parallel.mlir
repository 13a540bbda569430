// RUN: ssd-opt %s --ssd-outline-parallel | FileCheck %s

// CHECK-LABEL: func.func @loop(
// CHECK-SAME:    %[[X:.*]]: memref<?x4xf32>, %[[WORKSPACE:.*]]: memref<?xi8>, %[[CONTEXT:.*]]: !llvm.ptr)
// CHECK:         %[[CLOSURE:.*]] = llvm.alloca %{{.*}} x !llvm.struct
// CHECK:         %[[COUNT:.*]] = arith.muli
// CHECK:         llvm.store %{{.*}}, %{{.*}} : !llvm.struct
// CHECK:         %[[SINGLE:.*]] = arith.cmpi eq, %[[COUNT]], %{{.*}}
// CHECK:         scf.if %[[SINGLE]] {
// CHECK:           func.call @loop.task(%[[CLOSURE]], %{{.*}}, %{{.*}})
// CHECK:         } else {
// CHECK:           %[[API:.*]] = llvm.load %[[CONTEXT]]
// CHECK:           %[[FIELD:.*]] = llvm.getelementptr %[[API]][1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
// CHECK:           %[[PARALLEL_FOR:.*]] = llvm.load %[[FIELD]]
// CHECK:           llvm.call %[[PARALLEL_FOR]](%[[CONTEXT]], %{{.*}}, %{{.*}}, %[[CLOSURE]])
// CHECK:         return
func.func @loop(%x: memref<?x4xf32>, %workspace: memref<?xi8>, %context: !llvm.ptr)
    attributes {ssd.planned} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %x, %c0 : memref<?x4xf32>
  scf.forall (%i, %j) in (%n, 4) {
    memref.store %zero, %x[%i, %j] : memref<?x4xf32>
  }
  return
}
// The flat index is split, the last dimension fastest.
// CHECK-LABEL: func.func private @loop.task(
// CHECK-SAME:    %[[CLOSURE:.*]]: !llvm.ptr, %[[FLAT:.*]]: i64, %{{.*}}: i32)
// CHECK:         %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:         %[[INDEX:.*]] = arith.index_cast %[[FLAT]]
// CHECK:         %[[J:.*]] = arith.remui %[[INDEX]], %[[FOUR:.*]] : index
// CHECK:         %[[I:.*]] = arith.divui %[[INDEX]], %[[FOUR]] : index
// CHECK:         memref.store %[[ZERO]], %{{.*}}[%[[I]], %[[J]]]

// A loop of one iteration is its body; the loop inside of it is parallel.
// CHECK-LABEL: func.func @single(
// CHECK-NOT:     scf.forall
// CHECK:         llvm.call
func.func @single(%x: memref<4x4xf32>, %workspace: memref<?xi8>, %context: !llvm.ptr)
    attributes {ssd.planned} {
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (1) {
    scf.forall (%j) in (4) {
      memref.store %zero, %x[%i, %j] : memref<4x4xf32>
    }
  }
  return
}
// CHECK-LABEL: func.func private @single.task(

// Loops inside of a task are sequential, and their stack memory is taken once.
// CHECK-LABEL: func.func @nested(
// CHECK:         llvm.call
// CHECK-LABEL: func.func private @nested.task(
// CHECK-NEXT:    memref.alloca() : memref<4xf32>
// CHECK:         scf.for
// CHECK-NOT:     scf.forall
func.func @nested(%x: memref<4x4xf32>, %workspace: memref<?xi8>, %context: !llvm.ptr)
    attributes {ssd.planned} {
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (4) {
    scf.forall (%j) in (4) {
      %t = memref.alloca() : memref<4xf32>
      memref.store %zero, %t[%j] : memref<4xf32>
      %v = memref.load %t[%j] : memref<4xf32>
      memref.store %v, %x[%i, %j] : memref<4x4xf32>
    }
  }
  return
}

// CHECK-LABEL: func.func @parallel(
// CHECK:         llvm.call
// CHECK-LABEL: func.func private @parallel.task(
// CHECK:         %[[STEP:.*]] = arith.muli
// CHECK:         arith.addi %[[STEP]]
func.func @parallel(%x: memref<40xf32>, %from: index, %to: index, %by: index,
                    %workspace: memref<?xi8>, %context: !llvm.ptr)
    attributes {ssd.planned} {
  %zero = arith.constant 0.0 : f32
  scf.parallel (%i) = (%from) to (%to) step (%by) {
    memref.store %zero, %x[%i] : memref<40xf32>
  }
  return
}
