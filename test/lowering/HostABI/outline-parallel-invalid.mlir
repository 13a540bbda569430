// RUN: ssd-opt %s --ssd-outline-parallel -split-input-file -verify-diagnostics

func.func @unplanned(%x: memref<4xf32>) {
  %zero = arith.constant 0.0 : f32
  // expected-error @below {{is in a function without a context; run ssd-plan-workspace first}}
  scf.forall (%i) in (4) {
    memref.store %zero, %x[%i] : memref<4xf32>
  }
  return
}

// -----

func.func @reduction(%n: index, %context: !llvm.ptr) attributes {ssd.planned} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  // expected-error @below {{has reductions; make them sequential first}}
  %r = scf.parallel (%i) = (%c0) to (%n) step (%c1) init (%zero) -> f32 {
    scf.reduce(%zero : f32) {
    ^bb0(%a: f32, %b: f32):
      %s = arith.addf %a, %b : f32
      scf.reduce.return %s : f32
    }
  }
  return
}
