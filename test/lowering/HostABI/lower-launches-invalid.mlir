// RUN: ssd-opt %s -ssd-lower-launches -split-input-file -verify-diagnostics

gpu.binary @scan [#gpu.object<#nvvm.target<chip = "sm_90a">, bin = "">]

// expected-error @+1 {{launches kernels without a context; run ssd-plan-workspace first}}
func.func @unplanned() -> index {
  %count = hopper.multiprocessors
  return %count : index
}

// -----

gpu.binary @scan [#gpu.object<#nvvm.target<chip = "sm_90a">, bin = "">]

gpu.module @late {
  gpu.func @late() kernel {
    gpu.return
  }
}

func.func @uncompiled(%w: memref<?xi8>, %context: !llvm.ptr) -> i1 attributes {ssd.planned} {
  // expected-error @+1 {{kernel @late::@late has not been compiled; run ssd-serialize-kernels first}}
  %has = hopper.has_kernel @late::@late
  return %has : i1
}
