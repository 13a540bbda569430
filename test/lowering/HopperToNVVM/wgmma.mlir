// RUN: ssd-opt %s --convert-hopper-to-nvvm | FileCheck %s
// RUN: ssd-opt %s --emit-ptx | FileCheck %s --check-prefix=PTX

// Four k16 steps, A from registers, the first starting the sum.
// CHECK-LABEL: llvm.func @register_a
// CHECK-SAME:  nvvm.kernel
// CHECK:       llvm.inline_asm has_side_effects "wgmma.fence.sync.aligned;"
// CHECK:       %[[ZERO:.*]] = llvm.mlir.constant(0 : i32)
// CHECK:       wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16
// CHECK-SAME:  {$64, $65, $66, $67}, $68, p, 1, 1, 0;
// CHECK-SAME:  %[[ZERO]]
// CHECK-COUNT-3: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16
// CHECK:       wgmma.commit_group.sync.aligned;
// CHECK:       wgmma.wait_group.sync.aligned 0;
// CHECK-SAME:  =f,=f
// PTX-LABEL:   .entry register_a
// PTX-COUNT-4: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16
gpu.module @m1 {
  gpu.func @register_a(%out: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %tile = hopper.alloc 0 : !hopper.shared<64x64xbf16>
    %a = hopper.load_fragment %tile : !hopper.shared<64x64xbf16> to !hopper.fragment<64x64xbf16>
    %0 = hopper.wgmma %a, %tile : !hopper.fragment<64x64xbf16>, !hopper.shared<64x64xbf16> -> !hopper.inflight<64x64xf32>
    %y = hopper.wgmma_wait 0 tied(%0) : (!hopper.inflight<64x64xf32>) -> !hopper.fragment<64x64xf32>
    hopper.global_store %y to %out row_major of f32 : !hopper.fragment<64x64xf32> to !llvm.ptr<1>
    gpu.return
  }
}

// A descriptor of two panels whose rows run along the depth: leading dimension
// 8192 bytes (512 << 16), stride 1024 (64 << 32), 128-byte swizzle (1 << 62), and
// 2048 bytes (128) a step.
// CHECK-LABEL: llvm.func @mn_major
// CHECK-DAG:   %[[FIELDS:.*]] = arith.constant 4611686293338849280 : i64
// CHECK:       %[[B:.*]] = arith.ori %{{.*}}, %[[FIELDS]] : i64
// CHECK:       wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// CHECK-SAME:  p, 1, 1, 1;
// CHECK:       %[[STEP:.*]] = arith.constant 128 : i64
// CHECK:       arith.addi %[[B]], %[[STEP]] : i64
// PTX-LABEL:   .entry mn_major
// PTX-COUNT-4: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
gpu.module @m2 {
  gpu.func @mn_major(%state: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %x = hopper.alloc 0 : !hopper.shared<64x64xbf16>
    %b = hopper.alloc 8192 : !hopper.shared<64x128xbf16>
    %a = hopper.load_fragment %x {transpose} : !hopper.shared<64x64xbf16> to !hopper.fragment<64x64xbf16>
    %s = hopper.global_load %state row_major of f32 : !llvm.ptr<1> to !hopper.fragment<64x128xf32>
    %0 = hopper.wgmma %a, %b into %s {mn_major} : !hopper.fragment<64x64xbf16>, !hopper.shared<64x128xbf16>, !hopper.fragment<64x128xf32> -> !hopper.inflight<64x128xf32>
    %1 = hopper.wgmma_wait 0 tied(%0) : (!hopper.inflight<64x128xf32>) -> !hopper.fragment<64x128xf32>
    hopper.global_store %1 to %state row_major of f32 : !hopper.fragment<64x128xf32> to !llvm.ptr<1>
    gpu.return
  }
}

// CHECK-LABEL: llvm.func @shared_a
// CHECK-COUNT-8: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16
// PTX-LABEL:   .entry shared_a
// PTX:         ldmatrix.sync.aligned.m8n8.x4.trans
// PTX-NOT:     .local
gpu.module @m3 {
  gpu.func @shared_a(%out: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %c = hopper.alloc 0 : !hopper.shared<64x128xbf16>
    %b = hopper.alloc 16384 : !hopper.shared<64x128xbf16>
    %t = hopper.alloc 32768 : !hopper.shared<64x64xbf16>
    %0 = hopper.wgmma %c, %b : !hopper.shared<64x128xbf16>, !hopper.shared<64x128xbf16> -> !hopper.inflight<64x64xf32>
    %1 = hopper.wgmma_wait 0 tied(%0) : (!hopper.inflight<64x64xf32>) -> !hopper.fragment<64x64xf32>
    %x = hopper.load_fragment %t {transpose} : !hopper.shared<64x64xbf16> to !hopper.fragment<64x64xbf16>
    %w = hopper.extend %x : !hopper.fragment<64x64xbf16> to !hopper.fragment<64x64xf32>
    %r = hopper.map %1, %w : (!hopper.fragment<64x64xf32>, !hopper.fragment<64x64xf32>) -> !hopper.fragment<64x64xf32> {
    ^bb0(%e: f32, %f: f32):
      %s = arith.addf %e, %f : f32
      hopper.yield %s : f32
    }
    hopper.global_store %r to %out row_major of f32 : !hopper.fragment<64x64xf32> to !llvm.ptr<1>
    gpu.return
  }
}
