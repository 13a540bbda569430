// RUN: ssd-opt %s --convert-hopper-to-nvvm | FileCheck %s

// A 64x16 block is 8 values a thread; row factors are chosen by the row half,
// column factors by the 8-column block and parity.
// CHECK-LABEL: llvm.func @scale
// CHECK:       %[[X:.*]]:8 = vector.to_elements %{{.*}} : vector<8xf32>
// CHECK:       %[[ROW:.*]]:2 = vector.to_elements %{{.*}} : vector<2xf32>
// CHECK:       %[[COLUMN:.*]]:4 = vector.to_elements %{{.*}} : vector<4xf32>
// CHECK:       arith.mulf %[[X]]#0, %[[ROW]]#0
// CHECK:       arith.mulf %{{.*}}, %[[COLUMN]]#0
// CHECK:       arith.mulf %[[X]]#1, %[[ROW]]#0
// CHECK:       arith.mulf %{{.*}}, %[[COLUMN]]#1
// CHECK:       arith.mulf %[[X]]#2, %[[ROW]]#1
// CHECK:       arith.mulf %{{.*}}, %[[COLUMN]]#0
// CHECK:       arith.mulf %[[X]]#4, %[[ROW]]#0
// CHECK:       arith.mulf %{{.*}}, %[[COLUMN]]#2
// CHECK:       arith.mulf %[[X]]#7, %[[ROW]]#1
// CHECK:       arith.mulf %{{.*}}, %[[COLUMN]]#3
// CHECK-COUNT-4: llvm.nvvm.ff2bf16x2.rn
// CHECK:       stmatrix.sync.aligned.m8n8.x4.shared.b16
gpu.module @m1 {
  gpu.func @scale(%p: !llvm.ptr<1>) kernel {
    %tile = hopper.alloc 0 : !hopper.shared<64x64xbf16>
    %table = hopper.alloc 8192 : !hopper.shared<64xf32, linear>
    %s = hopper.global_load %p row_major of f32 : !llvm.ptr<1> to !hopper.fragment<64x64xf32>
    %x = hopper.block_of %s column 16 : !hopper.fragment<64x64xf32> to !hopper.fragment<64x16xf32>
    %r = hopper.load_vector %table from 0 : !hopper.shared<64xf32, linear> to !hopper.fragment<64xf32, rows>
    %c = hopper.load_vector %table from 16 : !hopper.shared<64xf32, linear> to !hopper.fragment<16xf32, columns>
    %y = hopper.map %x, %r, %c : (!hopper.fragment<64x16xf32>, !hopper.fragment<64xf32, rows>, !hopper.fragment<16xf32, columns>) -> !hopper.fragment<64x16xf32> {
    ^bb0(%e: f32, %f: f32, %g: f32):
      %0 = arith.mulf %e, %f : f32
      %1 = arith.mulf %0, %g : f32
      hopper.yield %1 : f32
    }
    %h = hopper.truncate %y : !hopper.fragment<64x16xf32> to !hopper.fragment<64x16xbf16>
    hopper.store_fragment %h to %tile column 16 : !hopper.fragment<64x16xbf16> to !hopper.shared<64x64xbf16>
    gpu.return
  }
}

// CHECK-LABEL: llvm.func @weights
// CHECK:       llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xi32>
// CHECK:       %[[LOW:.*]] = llvm.fmul %[[PAIR:.*]], %{{.*}} : vector<2xbf16>
// CHECK:       llvm.intr.fma(%[[PAIR]], %{{.*}}, %[[LOW]])
gpu.module @m2 {
  gpu.func @weights() kernel {
    %tile = hopper.alloc 0 : !hopper.shared<64x64xbf16>
    %table = hopper.alloc 8192 : !hopper.shared<64xi32, linear>
    %x = hopper.load_fragment %tile {transpose} : !hopper.shared<64x64xbf16> to !hopper.fragment<64x64xbf16>
    %w = hopper.load_hilo %table : !hopper.shared<64xi32, linear>
    %y = hopper.scale_hilo %x by %w : !hopper.fragment<64x64xbf16> to !hopper.fragment<64x64xbf16>
    hopper.store_fragment %y to %tile column 0 {transpose} : !hopper.fragment<64x64xbf16> to !hopper.shared<64x64xbf16>
    gpu.return
  }
}

// A part of a matrix with 40 columns: five blocks of 8 in each of a thread's two
// rows, which are there or not; what is not is zero.
// CHECK-LABEL: llvm.func @part_of_rows
// CHECK-SAME:    %{{.*}}: !llvm.ptr<1>, %[[ROWS:.*]]: i32
// CHECK:       %[[FIRST:.*]] = arith.cmpi slt, %{{.*}}, %[[ROWS]]
// CHECK:       %[[UPPER:.*]]:10 = scf.if %[[FIRST]]
// CHECK-COUNT-5: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<1> -> vector<2xbf16>
// CHECK:       else
// CHECK:       %[[SECOND:.*]] = arith.cmpi slt, %{{.*}}, %[[ROWS]]
// CHECK:       %[[LOWER:.*]]:10 = scf.if %[[SECOND]]
// CHECK-COUNT-5: llvm.load
// CHECK:       vector.from_elements %[[UPPER]]#0, %[[UPPER]]#1, %[[LOWER]]#0, %[[LOWER]]#1
// CHECK:       scf.if
// CHECK-COUNT-16: llvm.store %{{.*}} {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
// CHECK:       scf.if
// CHECK-COUNT-16: llvm.store
// CHECK-NOT:   llvm.store
gpu.module @m3 {
  gpu.func @part_of_rows(%p: !llvm.ptr<1>, %rows: i32) kernel {
    %s = hopper.global_load %p row_major of bf16 rows %rows columns 40 pitch 200 : !llvm.ptr<1> to !hopper.fragment<64x128xf32>
    hopper.global_store %s to %p row_major of f32 rows %rows : !hopper.fragment<64x128xf32> to !llvm.ptr<1>
    gpu.return
  }
}

// 16 bytes a thread and access, 2048 bytes apart.
// CHECK-LABEL: llvm.func @through_a_table
// CHECK-COUNT-8: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<3>
// CHECK-COUNT-8: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
gpu.module @m4 {
  gpu.func @through_a_table(%p: !llvm.ptr<1>) kernel {
    %table = hopper.alloc 0 : !hopper.shared<4096xf32, linear>
    %s = hopper.global_load %p row_major of f32 : !llvm.ptr<1> to !hopper.fragment<64x64xf32>
    hopper.store_fragment %s to %table column 0 : !hopper.fragment<64x64xf32> to !hopper.shared<4096xf32, linear>
    %t = hopper.load_fragment %table : !hopper.shared<4096xf32, linear> to !hopper.fragment<64x64xf32>
    hopper.global_store %t to %p row_major of f32 : !hopper.fragment<64x64xf32> to !llvm.ptr<1>
    gpu.return
  }
}
