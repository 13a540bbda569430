// RUN: ssd-opt %s --emit-ptx | FileCheck %s

// All of a tile's quads are on their way at once, a group for each of two panels.
// When one has come, each lane makes of eight values their pieces of both tiles.
// CHECK-LABEL:  .entry load
// CHECK:          .pragma "nounroll";
// CHECK-COUNT-4:  cp.async.cg.shared::cta.global
// CHECK:          cp.async.commit_group;
// CHECK:          .pragma "nounroll";
// CHECK-COUNT-4:  cp.async.cg.shared::cta.global
// CHECK-NOT:      cp.async.cg
// CHECK:          cp.async.commit_group;
// CHECK:          cp.async.wait_group 1;
// CHECK-NEXT:     bar.warp.sync -1;
// CHECK:          .pragma "nounroll";
// CHECK-COUNT-8:  ld.shared.v4
// CHECK-DAG:      cvt.rn.bf16x2.f32
// CHECK-DAG:      sub.rn.f32
// CHECK-DAG:      st.shared.v4.b32
// CHECK:          cp.async.wait_group 0;
// CHECK-NEXT:     bar.warp.sync -1;
// CHECK:          .pragma "nounroll";
// CHECK-COUNT-8:  ld.shared.v4
gpu.module @load {
  gpu.func @load(%from: !llvm.ptr<1>, %stride: i64, %rows: i32) kernel {
    %tiles = hopper.alloc 0 : !hopper.shared<2x64x128xbf16>
    hopper.load_rows_hilo %from stride %stride rows %rows to %tiles
        : !llvm.ptr<1> to !hopper.shared<2x64x128xbf16>
    gpu.return
  }
}

// A thread's values are each in a row of their own, of one column or the next.
// CHECK-LABEL:  .entry store
// CHECK-NOT:      st.shared
// CHECK-COUNT-8:  st.global.b32
// CHECK-NOT:      st.global
gpu.module @store {
  gpu.func @store(%from: !llvm.ptr<1>, %to: !llvm.ptr<1>, %stride: i64, %columns: i32) kernel {
    %f = hopper.global_load %from row_major of f32 : !llvm.ptr<1> to !hopper.fragment<64x16xf32>
    hopper.store_columns %f to %to of f32 stride %stride columns %columns
        : !hopper.fragment<64x16xf32> to !llvm.ptr<1>
    gpu.return
  }
}
