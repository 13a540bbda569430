// RUN: ssd-opt %s --convert-hopper-to-nvvm | FileCheck %s
// RUN: ssd-opt %s --emit-ptx | FileCheck %s --check-prefix=PTX

// Each block of a pair fetches one of two tiles for both.
// CHECK-LABEL: llvm.func @exchange
// CHECK-SAME:  nvvm.cluster_dim = array<i32: 2, 1, 1>
// CHECK:       nvvm.read.ptx.sreg.cluster.ctarank : i32
// PTX-LABEL:   .entry exchange(
// PTX:         .explicitcluster
// PTX-NEXT:    .reqnctapercluster 2, 1, 1
// Barriers are there before another block reaches them.
// PTX:         mbarrier.init.shared::cta.b64
// PTX:         fence.mbarrier_init.release.cluster;
// PTX:         barrier.cluster.arrive.release.aligned;
// PTX-NEXT:    barrier.cluster.wait.acquire.aligned;
// PTX:         mov.u32 %[[RANK:r[0-9]+]], %cluster_ctarank;
// What other blocks have read is over for the copy, too.
// PTX:         mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64
// PTX:         mbarrier.arrive.expect_tx.shared::cta.b64
// Two panels, with and without a hint.
// PTX:         cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster.L2::cache_hint [{{.*}}], [{{.*}}, {{{.*}}}], [{{.*}}], %[[MASK:rs[0-9]+]], %rd{{[0-9]+}};
// PTX:         cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster.L2::cache_hint [{{.*}}], [{{.*}}, {{{.*}}}], [{{.*}}], %[[MASK]], %rd{{[0-9]+}};
// PTX:         cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [{{.*}}], [{{.*}}, {{{.*}}}], [{{.*}}], %[[MASK]];
// PTX:         mbarrier.try_wait.parity.shared::cta.b64
// PTX:         bar.warp.sync -1;
// PTX:         mapa.shared::cluster.u32 there, %r{{[0-9]+}}, %[[RANK]];
// PTX-NEXT:    @p mbarrier.arrive.release.cluster.shared::cluster.b64 _, [there];
// PTX-NOT:     bar.warp.sync
// PTX:         mapa.shared::cluster.u32 there, %r{{[0-9]+}}, %[[RANK]];
// PTX-NEXT:    @p mbarrier.arrive.release.cluster.shared::cluster.b64 _, [there];
// PTX:         mapa.shared::cluster.u32 there, %r{{[0-9]+}}, %[[RANK]];
// PTX-NEXT:    mbarrier.arrive.release.cluster.shared::cluster.b64 _, [there];
// PTX:         mbarrier.arrive.shared::cta.b64
// PTX:         barrier.cluster.arrive.release.aligned;
gpu.module @m1 {
  gpu.func @exchange(%map: !hopper.tensor_map<1x64x1x64xbf16>, %mask: i16) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>, known_cluster_size = array<i32: 2, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %tiles = hopper.alloc 0 : !hopper.shared<2x64x128xbf16>
    %single = hopper.alloc 32768 : !hopper.shared<64x64xbf16>
    %ring = hopper.ring 49152 producers 1 consumers 8 : !hopper.ring<1>
    hopper.init_rings %ring : !hopper.ring<1>
    hopper.cluster_barrier
    %rank = hopper.cluster_rank
    %c = hopper.cursor : !hopper.cursor<1>
    %mine = hopper.slice %tiles[%rank] : !hopper.shared<2x64x128xbf16>, i32 to !hopper.shared<64x128xbf16>
    hopper.elect by warpgroup {
      hopper.acquire %ring[%c] : !hopper.ring<1>
      hopper.expect %ring[%c], 49152 : !hopper.ring<1>
      hopper.tma_load %map[%rank, %c0, %c0, %c0] to %mine, %ring[%c] cache evict_last multicast %mask
          : !hopper.tensor_map<1x64x1x64xbf16>, !hopper.shared<64x128xbf16>, !hopper.ring<1>
      hopper.tma_load %map[%rank, %c0, %c0, %c0] to %single, %ring[%c] cache normal multicast %mask
          : !hopper.tensor_map<1x64x1x64xbf16>, !hopper.shared<64x64xbf16>, !hopper.ring<1>
    }
    hopper.wait %ring[%c] : !hopper.ring<1>
    hopper.release %ring[%c] by warp to %rank : !hopper.ring<1>
    hopper.release %ring[%c] by warpgroup to %rank : !hopper.ring<1>
    hopper.release %ring[%c] by thread to %rank : !hopper.ring<1>
    hopper.release %ring[%c] by warp : !hopper.ring<1>
    hopper.cluster_barrier
    gpu.return
  }
}
