// RUN: ssd-opt %s --split-input-file --convert-hopper-to-nvvm --verify-diagnostics

// Tensor maps are Hopper's.
gpu.module @m5 [#nvvm.target<chip = "sm_80">] {
  gpu.func @box(%map: !hopper.tensor_map<1x64x1x64xbf16>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %zero = arith.constant 0 : i32
    %tile = hopper.alloc 0 : !hopper.shared<64x64xbf16>
    // expected-error @below {{failed to legalize operation 'hopper.tma_store'}}
    hopper.tma_store %tile to %map[%zero, %zero, %zero, %zero] cache normal : !hopper.shared<64x64xbf16>, !hopper.tensor_map<1x64x1x64xbf16>
    gpu.return
  }
}

// -----

// Products of 16 columns at a time.
gpu.module @m6 [#nvvm.target<chip = "sm_80">] {
  gpu.func @narrow() kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %a = hopper.alloc 0 : !hopper.shared<64x64xbf16>
    %b = hopper.alloc 8192 : !hopper.shared<24x64xbf16>
    // expected-error @below {{failed to legalize operation 'hopper.wgmma'}}
    %0 = hopper.wgmma %a, %b : !hopper.shared<64x64xbf16>, !hopper.shared<24x64xbf16> -> !hopper.inflight<64x24xf32>
    gpu.return
  }
}
