// RUN: ssd-opt %s --ssd-serialize-kernels=cubin=false --split-input-file --verify-diagnostics

// expected-error @+1 {{'nowhere' needs a target, as [#nvvm.target<chip = "sm_90a">]}}
gpu.module @nowhere {
  gpu.func @nowhere() kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}

// -----

gpu.module @unknown [#nvvm.target<chip = "sm_80">] {
  // expected-error @+1 {{kernel 'unknown' needs a known_block_size}}
  gpu.func @unknown() kernel {
    gpu.return
  }
}
