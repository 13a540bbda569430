// RUN: ssd-opt %s | ssd-opt | FileCheck %s

// CHECK-LABEL: gpu.func @roles_and_rings
gpu.module @m1 {
  gpu.func @roles_and_rings(%flag: !llvm.ptr<1>) kernel {
    %c1 = arith.constant 1 : i32
    // CHECK: hopper.ring 1024 producers 1 consumers 3 : <3>
    %ring = hopper.ring 1024 producers 1 consumers 3 : !hopper.ring<3>
    // CHECK: hopper.ring 1072 producers 4 consumers 1 : <2, 2>
    %rings = hopper.ring 1072 producers 4 consumers 1 : !hopper.ring<2, 2>
    hopper.init_rings %ring, %rings : !hopper.ring<3>, !hopper.ring<2, 2>
    hopper.barrier
    // CHECK: hopper.specialize warpgroups [1, 2] registers [40, 232]
    // CHECK: role {
    hopper.specialize warpgroups [1, 2] registers [40, 232]
    role {
    ^bb0(%i: i32):
      %cursor = hopper.cursor : !hopper.cursor<3>
      // CHECK: hopper.elect by warp {
      hopper.elect by warp {
        hopper.acquire %ring[%cursor] : !hopper.ring<3>
        hopper.expect %ring[%cursor], 8192 : !hopper.ring<3>
      }
      %next = hopper.advance %cursor : !hopper.cursor<3>
      hopper.commit %ring[%next] by warp : !hopper.ring<3>
      hopper.yield
    }
    // CHECK: role {
    role {
    ^bb0(%i: i32):
      %one = hopper.slice %rings[%i] : !hopper.ring<2, 2>, i32 to !hopper.ring<2>
      %cursor = hopper.cursor : !hopper.cursor<2>
      // CHECK: %[[FULL:.*]] = hopper.try
      %full = hopper.try %one[%cursor] : !hopper.ring<2>
      // CHECK: hopper.wait %{{.*}}[%{{.*}}] unless %[[FULL]]
      hopper.wait %one[%cursor] unless %full : !hopper.ring<2>
      hopper.wait %one[%cursor] : !hopper.ring<2>
      hopper.release %one[%cursor] by warpgroup : !hopper.ring<2>
      // CHECK: hopper.barrier id %{{.*}} of 128
      hopper.barrier id %c1 of 128
      // CHECK: hopper.barrier{{$}}
      // CHECK-NEXT: hopper.lane
      hopper.barrier
      %lane = hopper.lane
      hopper.signal %flag count %c1 stride %c1 barrier %c1 : !llvm.ptr<1>
      hopper.await %flag count %c1 barrier %c1 : !llvm.ptr<1>
      hopper.yield
    }
    gpu.return
  }
}

// CHECK-LABEL: gpu.func @tiles
gpu.module @m2 {
  gpu.func @tiles(%map: !hopper.tensor_map<1x64x1x64xbf16>, %out: !llvm.ptr<1>) kernel {
    %zero = arith.constant 0 : i32
    %ring = hopper.ring 65536 producers 1 consumers 1 : !hopper.ring<2>
    %cursor = hopper.cursor : !hopper.cursor<2>
    // CHECK: hopper.alloc 0 : <2x64x128xbf16>
    %tiles = hopper.alloc 0 : !hopper.shared<2x64x128xbf16>
    // CHECK: hopper.alloc 66560 : <64xf32, linear>
    %table = hopper.alloc 66560 : !hopper.shared<64xf32, linear>
    %tile = hopper.slice %tiles[%cursor] : !hopper.shared<2x64x128xbf16>, !hopper.cursor<2> to !hopper.shared<64x128xbf16>
    // CHECK: hopper.tma_prefetch %{{.*}} : <1x64x1x64xbf16>
    hopper.tma_prefetch %map : !hopper.tensor_map<1x64x1x64xbf16>
    // CHECK: hopper.tma_load %{{.*}}[%{{.*}}] to %{{.*}}, %{{.*}}[%{{.*}}] cache evict_first
    hopper.tma_load %map[%zero, %zero, %zero, %zero] to %tile, %ring[%cursor] cache evict_first
        : !hopper.tensor_map<1x64x1x64xbf16>, !hopper.shared<64x128xbf16>, !hopper.ring<2>
    // CHECK: hopper.load_rows %{{.*}} stride %{{.*}} rows %{{.*}} columns %{{.*}} to %{{.*}} : <1> to <64x128xbf16>
    %stride = arith.constant -1024 : i64
    hopper.load_rows %out stride %stride rows %zero columns %zero to %tile : !llvm.ptr<1> to !hopper.shared<64x128xbf16>
    // CHECK: hopper.commit_copies %{{.*}}[%{{.*}}] : <2>
    hopper.commit_copies %ring[%cursor] : !hopper.ring<2>
    // CHECK: hopper.load_rows_hilo %{{.*}} stride %{{.*}} rows %{{.*}} to %{{.*}} : <1> to <2x64x128xbf16>
    hopper.load_rows_hilo %out stride %stride rows %zero to %tiles : !llvm.ptr<1> to !hopper.shared<2x64x128xbf16>
    // CHECK: hopper.wait_copies
    hopper.wait_copies
    %a = hopper.load_fragment %tile : !hopper.shared<64x128xbf16> to !hopper.fragment<64x128xbf16>
    // CHECK: hopper.wgmma %{{.*}}, %{{.*}} : !hopper.fragment<64x128xbf16>, <64x128xbf16> -> <64x64xf32>
    %0 = hopper.wgmma %a, %tile : !hopper.fragment<64x128xbf16>, !hopper.shared<64x128xbf16> -> !hopper.inflight<64x64xf32>
    // CHECK: hopper.wgmma_wait 0 tied(%{{.*}}) : (!hopper.inflight<64x64xf32>) -> !hopper.fragment<64x64xf32>
    %y = hopper.wgmma_wait 0 tied(%0) : (!hopper.inflight<64x64xf32>) -> !hopper.fragment<64x64xf32>
    %f = hopper.load_vector %table from 0 : !hopper.shared<64xf32, linear> to !hopper.fragment<64xf32, columns>
    // CHECK: hopper.map %{{.*}}, %{{.*}} : (!hopper.fragment<64x64xf32>, !hopper.fragment<64xf32, columns>) -> !hopper.fragment<64x64xf32>
    %r = hopper.map %y, %f : (!hopper.fragment<64x64xf32>, !hopper.fragment<64xf32, columns>) -> !hopper.fragment<64x64xf32> {
    ^bb0(%e: f32, %s: f32):
      %row, %column = hopper.position : i32, i32
      %visible = arith.cmpi sge, %row, %column : i32
      %p = arith.mulf %e, %s : f32
      %q = hopper.exp2 %p : f32
      %v = arith.select %visible, %q, %e : f32
      hopper.yield %v : f32
    }
    // CHECK: hopper.block_of %{{.*}} column 16 : <64x64xf32> to <64x16xf32>
    %block = hopper.block_of %r column 16 : !hopper.fragment<64x64xf32> to !hopper.fragment<64x16xf32>
    %half = hopper.truncate %block : !hopper.fragment<64x16xf32> to !hopper.fragment<64x16xbf16>
    // CHECK: hopper.store_fragment %{{.*}} to %{{.*}} column 16 :
    hopper.store_fragment %half to %tile column 16 : !hopper.fragment<64x16xbf16> to !hopper.shared<64x128xbf16>
    // CHECK: hopper.store_fragment %{{.*}} to %{{.*}} column 0 : <64x64xf32> to <4096xf32, linear>
    %values = hopper.alloc 98304 : !hopper.shared<4096xf32, linear>
    hopper.store_fragment %y to %values column 0 : !hopper.fragment<64x64xf32> to !hopper.shared<4096xf32, linear>
    // CHECK: hopper.load_fragment %{{.*}} : <4096xf32, linear> to <64x64xf32>
    %again = hopper.load_fragment %values : !hopper.shared<4096xf32, linear> to !hopper.fragment<64x64xf32>
    // CHECK: hopper.global_store %{{.*}} to %{{.*}} row_major of f32 :
    hopper.global_store %y to %out row_major of f32 : !hopper.fragment<64x64xf32> to !llvm.ptr<1>
    // CHECK: hopper.global_load %{{.*}} row_major of bf16 rows %{{.*}} columns 40 pitch 200 :
    %part = hopper.global_load %out row_major of bf16 rows %zero columns 40 pitch 200 : !llvm.ptr<1> to !hopper.fragment<64x64xf32>
    // CHECK: hopper.store_columns %{{.*}} to %{{.*}} of bf16 stride %{{.*}} columns %{{.*}} rows %{{.*}} : <64x64xf32> to <1>
    hopper.store_columns %part to %out of bf16 stride %stride columns %zero rows %zero : !hopper.fragment<64x64xf32> to !llvm.ptr<1>
    // CHECK: hopper.global_store %{{.*}} to %{{.*}} row_major of f32 rows %{{.*}} :
    hopper.global_store %part to %out row_major of f32 rows %zero : !hopper.fragment<64x64xf32> to !llvm.ptr<1>
    gpu.return
  }
}

// CHECK-LABEL: gpu.func @clusters
// CHECK-SAME:  known_cluster_size = array<i32: 2, 1, 1>
gpu.module @m3 {
  gpu.func @clusters(%map: !hopper.tensor_map<1x64x1x64xbf16>) kernel
      attributes {known_block_size = array<i32: 128, 1, 1>, known_cluster_size = array<i32: 2, 1, 1>} {
    %zero = arith.constant 0 : i32
    %all = arith.constant 3 : i16
    %tiles = hopper.alloc 0 : !hopper.shared<2x64x64xbf16>
    %ring = hopper.ring 16384 producers 1 consumers 8 : !hopper.ring<1>
    %cursor = hopper.cursor : !hopper.cursor<1>
    // CHECK: hopper.cluster_barrier
    hopper.cluster_barrier
    // CHECK: %[[RANK:.*]] = hopper.cluster_rank
    %rank = hopper.cluster_rank
    %mine = hopper.slice %tiles[%rank] : !hopper.shared<2x64x64xbf16>, i32 to !hopper.shared<64x64xbf16>
    // CHECK: hopper.tma_load %{{.*}}[%{{.*}}] to %{{.*}}, %{{.*}}[%{{.*}}] cache normal multicast %{{.*}} :
    hopper.tma_load %map[%rank, %zero, %zero, %zero] to %mine, %ring[%cursor] cache normal multicast %all
        : !hopper.tensor_map<1x64x1x64xbf16>, !hopper.shared<64x64xbf16>, !hopper.ring<1>
    // CHECK: hopper.release %{{.*}}[%{{.*}}] by warp to %[[RANK]] : <1>
    hopper.release %ring[%cursor] by warp to %rank : !hopper.ring<1>
    gpu.return
  }
}
