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

// -----

module attributes {gpu.container_module} {
  gpu.binary @scan [#gpu.object<#nvvm.target<chip = "sm_90a">, bin = "">]

  func.func @clusters(%size: index, %w: memref<?xi8>, %context: !llvm.ptr) attributes {ssd.planned} {
    // expected-error @+1 {{the cluster size is the kernel's known_cluster_size, not the launch's}}
    gpu.launch_func @scan::@scan clusters in (%size, %size, %size) blocks in (%size, %size, %size) threads in (%size, %size, %size)
    return
  }
}
