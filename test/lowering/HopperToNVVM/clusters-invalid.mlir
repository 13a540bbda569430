// RUN: ssd-opt %s --split-input-file --convert-hopper-to-nvvm --verify-diagnostics

gpu.module @portable [#nvvm.target<chip = "sm_80">] {
  // expected-error @+1 {{kernel 'early' has clusters, which are Hopper's (sm_90a), but its target is sm_80}}
  gpu.func @early() kernel
      attributes {known_block_size = array<i32: 128, 1, 1>, known_cluster_size = array<i32: 2, 1, 1>} {
    hopper.cluster_barrier
    gpu.return
  }
}

// -----

gpu.module @plane {
  // expected-error @+1 {{kernel 'plane' needs a known_cluster_size of 1 to 16, 1 and 1 blocks}}
  gpu.func @plane() kernel
      attributes {known_block_size = array<i32: 128, 1, 1>, known_cluster_size = array<i32: 2, 2, 1>} {
    gpu.return
  }
}

// -----

gpu.module @large {
  // expected-error @+1 {{kernel 'large' needs a known_cluster_size of 1 to 16, 1 and 1 blocks}}
  gpu.func @large() kernel
      attributes {known_block_size = array<i32: 128, 1, 1>, known_cluster_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}

// -----

// What is in no kernel yet.
gpu.module @helper [#nvvm.target<chip = "sm_80">] {
  func.func @rank() -> i32 {
    // expected-error @+1 {{failed to legalize operation 'hopper.cluster_rank'}}
    %rank = hopper.cluster_rank
    return %rank : i32
  }
}
