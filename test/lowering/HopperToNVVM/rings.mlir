// RUN: ssd-opt %s --convert-hopper-to-nvvm | FileCheck %s
// RUN: ssd-opt %s --emit-ptx | FileCheck %s --check-prefix=PTX

// Tensor maps are grid-constant parameters, and the register cap that setmaxnreg
// needs is there.
// CHECK-LABEL: llvm.func @producer_consumer
// CHECK-SAME:  llvm.align = 64
// CHECK-SAME:  llvm.byval = !llvm.array<128 x i8>
// CHECK-SAME:  nvvm.grid_constant
// CHECK-SAME:  nvvm.minctasm = 1
// CHECK-SAME:  nvvm.reqntid = array<i32: 384, 1, 1>
// Three full barriers for one arrival, three empty ones for four.
// CHECK-COUNT-6: mbarrier.init.shared::cta.b64
// CHECK:       fence.mbarrier_init.release.cluster
// CHECK:       nvvm.setmaxregister decrease 40
// CHECK:       mbarrier.try_wait.parity
// CHECK:       mbarrier.arrive.expect_tx
// Two panels, 64 elements apart.
// CHECK-COUNT-2: cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint
// A cursor of three stages counts modulo six.
// CHECK:       %[[SIX:.*]] = arith.constant 6 : i32
// CHECK:       arith.cmpi eq, %{{.*}}, %[[SIX]] : i32
// CHECK:       nvvm.setmaxregister increase 232
// CHECK:       bar.warp.sync -1;
// CHECK:       @p mbarrier.arrive
// PTX:         .param .align 64 .b8 producer_consumer_param_0[128]
// PTX:         .reqntid 384
// PTX:         .minnctapersm 1
// PTX-DAG:     setmaxnreg.dec.sync.aligned.u32 40
// PTX-DAG:     setmaxnreg.inc.sync.aligned.u32 232
gpu.module @m1 {
  gpu.func @producer_consumer(%map: !hopper.tensor_map<1x64x1x64xbf16>, %n: i32) kernel
      attributes {known_block_size = array<i32: 384, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %ring = hopper.ring 49152 producers 1 consumers 4 : !hopper.ring<3>
    %tiles = hopper.alloc 0 : !hopper.shared<3x64x128xbf16>
    hopper.init_rings %ring : !hopper.ring<3>
    hopper.barrier
    hopper.specialize warpgroups [1, 2] registers [40, 232]
    role {
    ^bb0(%i: i32):
      hopper.elect by warpgroup {
        %first = hopper.cursor : !hopper.cursor<3>
        %end = scf.for %t = %c0 to %n step %c1 iter_args(%c = %first) -> (!hopper.cursor<3>) : i32 {
          hopper.acquire %ring[%c] : !hopper.ring<3>
          hopper.expect %ring[%c], 16384 : !hopper.ring<3>
          %tile = hopper.slice %tiles[%c] : !hopper.shared<3x64x128xbf16>, !hopper.cursor<3> to !hopper.shared<64x128xbf16>
          hopper.tma_load %map[%c0, %t, %c0, %c0] to %tile, %ring[%c] cache evict_last
              : !hopper.tensor_map<1x64x1x64xbf16>, !hopper.shared<64x128xbf16>, !hopper.ring<3>
          %next = hopper.advance %c : !hopper.cursor<3>
          scf.yield %next : !hopper.cursor<3>
        }
      }
      hopper.yield
    }
    role {
    ^bb0(%i: i32):
      %first = hopper.cursor : !hopper.cursor<3>
      %end = scf.for %t = %c0 to %n step %c1 iter_args(%c = %first) -> (!hopper.cursor<3>) : i32 {
        hopper.wait %ring[%c] : !hopper.ring<3>
        hopper.release %ring[%c] by warp : !hopper.ring<3>
        %next = hopper.advance %c : !hopper.cursor<3>
        scf.yield %next : !hopper.cursor<3>
      }
      hopper.yield
    }
    gpu.return
  }
}
