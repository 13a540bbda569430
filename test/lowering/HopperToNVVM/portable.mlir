// RUN: ssd-opt %s --split-input-file --convert-hopper-to-nvvm | FileCheck %s
// RUN: ssd-opt %s --split-input-file --emit-ptx | FileCheck %s --check-prefix=PTX

// Every chip since Ampere: each warp multiplies its 16 rows by 16 columns at a
// time. K-major, B's rows are columns of the product: no transposition.
// CHECK-LABEL: llvm.func @k_major
// CHECK-NOT:   wgmma
// CHECK:       ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK-COUNT-2: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$10, $11, $12, $13};
// CHECK:       ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK-NOT:   wgmma
// PTX:         .target sm_80
// PTX-LABEL:   .entry k_major
// PTX-COUNT-32: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
gpu.module @m1 [#nvvm.target<chip = "sm_80">] {
  gpu.func @k_major(%out: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %tile = hopper.alloc 0 : !hopper.shared<64x64xbf16>
    %a = hopper.load_fragment %tile {transpose} : !hopper.shared<64x64xbf16> to !hopper.fragment<64x64xbf16>
    %0 = hopper.wgmma %a, %tile : !hopper.fragment<64x64xbf16>, !hopper.shared<64x64xbf16> -> !hopper.inflight<64x64xf32>
    %y = hopper.wgmma_wait 0 tied(%0) : (!hopper.inflight<64x64xf32>) -> !hopper.fragment<64x64xf32>
    hopper.global_store %y to %out row_major of f32 : !hopper.fragment<64x64xf32> to !llvm.ptr<1>
    gpu.return
  }
}

// -----

// MN-major, B's rows run along columns of the product and are transposed on the
// way. A comes from shared memory, too.
// CHECK-LABEL: llvm.func @mn_major
// CHECK:       "ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK-COUNT-8: ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// CHECK:       "ldmatrix.sync.aligned.m8n8.x4.shared.b16
// PTX-LABEL:   .entry mn_major
// PTX-COUNT-64: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
gpu.module @m2 [#nvvm.target<chip = "sm_80">] {
  gpu.func @mn_major(%state: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %a = hopper.alloc 0 : !hopper.shared<64x64xf16>
    %b = hopper.alloc 8192 : !hopper.shared<64x128xf16>
    %s = hopper.global_load %state row_major of f32 : !llvm.ptr<1> to !hopper.fragment<64x128xf32>
    %0 = hopper.wgmma %a, %b into %s {mn_major} : !hopper.shared<64x64xf16>, !hopper.shared<64x128xf16>, !hopper.fragment<64x128xf32> -> !hopper.inflight<64x128xf32>
    %1 = hopper.wgmma_wait 0 tied(%0) : (!hopper.inflight<64x128xf32>) -> !hopper.fragment<64x128xf32>
    hopper.global_store %1 to %state row_major of f32 : !hopper.fragment<64x128xf32> to !llvm.ptr<1>
    gpu.return
  }
}

// -----

// No stmatrix: words, transposed in registers.
// CHECK-LABEL: llvm.func @store
// CHECK-NOT:   stmatrix
// CHECK-COUNT-16: st.shared.b32
// CHECK:       movmatrix.sync.aligned.m8n8.trans.b16
// CHECK:       st.shared.b32
// PTX-LABEL:   .entry store
// PTX-COUNT-16: movmatrix.sync.aligned.m8n8.trans.b16
gpu.module @m3 [#nvvm.target<chip = "sm_80">] {
  gpu.func @store() kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %tile = hopper.alloc 0 : !hopper.shared<64x64xbf16>
    %to = hopper.alloc 8192 : !hopper.shared<64x64xbf16>
    %a = hopper.load_fragment %tile : !hopper.shared<64x64xbf16> to !hopper.fragment<64x64xbf16>
    hopper.store_fragment %a to %to column 0 : !hopper.fragment<64x64xbf16> to !hopper.shared<64x64xbf16>
    hopper.store_fragment %a to %to column 0 {transpose} : !hopper.fragment<64x64xbf16> to !hopper.shared<64x64xbf16>
    gpu.return
  }
}

// -----

// A warp copies four rows at once, two panels of 64; rows and columns beyond the
// counts become zeros: two copies in each of 8 steps, a loop that nobody unrolls.
// It arrives when its copies have landed. Barriers are polled; nothing fences
// another proxy, and no register moves.
// CHECK-LABEL: llvm.func @rings
// CHECK-NOT:   fence
// CHECK-NOT:   nvvm.setmaxregister
// CHECK:       scf.for
// CHECK-COUNT-2: cp.async.cg.shared::cta.global [$0], [$1], 16, $2;
// CHECK:       } {loop_annotation = #loop_annotation}
// CHECK:       scf.for
// CHECK-COUNT-2: cp.async.cg.shared::cta.global [$0], [$1], 16, $2;
// CHECK-NOT:   cp.async.cg
// CHECK:       cp.async.mbarrier.arrive.shared::cta.b64
// CHECK:       cp.async.wait_all;
// CHECK-NOT:   try_wait
// CHECK:       again:
// CHECK-SAME:  mbarrier.test_wait.parity.shared::cta.b64 p, [$0], $1;
// CHECK-SAME:  @!p bra again;
// CHECK-NOT:   fence
// PTX-LABEL:   .entry rings
// PTX:         .reqntid 256
// PTX-COUNT-2: .pragma "nounroll";
gpu.module @m4 [#nvvm.target<chip = "sm_80">] {
  gpu.func @rings(%from: !llvm.ptr<1>, %stride: i64, %rows: i32, %columns: i32) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %ring = hopper.ring 32768 producers 1 consumers 4 : !hopper.ring<2>
    %tile = hopper.alloc 0 : !hopper.shared<64x128xbf16>
    hopper.init_rings %ring : !hopper.ring<2>
    hopper.fence_async
    hopper.barrier
    hopper.specialize warpgroups [1, 1] registers [40, 232]
    role {
    ^bb0(%i: i32):
      %first = hopper.cursor : !hopper.cursor<2>
      hopper.load_rows %from stride %stride rows %rows columns %columns to %tile : !llvm.ptr<1> to !hopper.shared<64x128xbf16>
      hopper.commit_copies %ring[%first] : !hopper.ring<2>
      hopper.wait_copies
      hopper.yield
    }
    role {
    ^bb0(%i: i32):
      %first = hopper.cursor : !hopper.cursor<2>
      hopper.wait %ring[%first] : !hopper.ring<2>
      hopper.fence_async
      hopper.release %ring[%first] by warp : !hopper.ring<2>
      hopper.yield
    }
    gpu.return
  }
}
