// RUN: ssd-opt %s --ssd-plan-workspace -split-input-file -verify-diagnostics

func.func @data_dependent(%n: memref<index>) {
  %size = memref.load %n[] : memref<index>
  // expected-error @below {{can't bound dimension 0 of this buffer by the sizes of the arguments of 'data_dependent'}}
  %t = memref.alloc(%size) : memref<?xf32>
  return
}

// -----

func.func @parallel(%x: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  scf.forall (%i) in (%n) {
    // expected-error @below {{needs memory inside of a parallel loop, and its size has no constant bound}}
    %t = memref.alloc(%n) : memref<?xf32>
    memref.copy %x, %t : memref<?xf32> to memref<?xf32>
  }
  return
}

// -----

func.func @big_frame(%x: memref<262145xf32>) {
  scf.forall (%i) in (8) {
    // expected-error @below {{the buffers of this parallel loop need more than 1048576 bytes of stack a task}}
    %t = memref.alloc() : memref<262145xf32>
    memref.copy %x, %t : memref<262145xf32> to memref<262145xf32>
  }
  return
}

// -----

func.func private @returns() -> memref<4xf32> {
  %t = memref.alloc() : memref<4xf32>
  return %t : memref<4xf32>
}
func.func @calls() {
  // expected-error @below {{'returns' returns a buffer that it allocates; write it in destination style}}
  %t = call @returns() : () -> memref<4xf32>
  return
}

// -----

func.func @carried(%n: index, %x: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (memref<4xf32>) {
    // expected-error @below {{this buffer outlives the loop iteration that allocates it}}
    %t = memref.alloc() : memref<4xf32>
    memref.copy %a, %t : memref<4xf32> to memref<4xf32>
    scf.yield %t : memref<4xf32>
  }
  return
}

// -----

// expected-error @below {{is recursive; its workspace is unbounded}}
func.func @recursive() {
  call @recursive() : () -> ()
  return
}
