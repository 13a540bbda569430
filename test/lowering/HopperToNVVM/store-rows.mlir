// RUN: ssd-opt %s --emit-ptx | FileCheck %s

// 128 threads, 16 bytes each, four times in a loop, rows and columns beyond the counts left
// out. The swizzle is undone.
// CHECK-LABEL: .entry rows
// CHECK:         selp.b32
// CHECK:         xor.b32
// CHECK:         .pragma "nounroll";
// CHECK:         @p st.global.v4.b32 [%rd
// CHECK-NOT:     st.global
gpu.module @rows {
  gpu.func @rows(%to: !llvm.ptr<1>, %stride: i64, %rows: i32, %columns: i32) kernel {
    %tile = hopper.alloc 0 : !hopper.shared<64x64xbf16>
    hopper.store_rows %tile to %to stride %stride rows %rows columns %columns
        : !hopper.shared<64x64xbf16> to !llvm.ptr<1>
    gpu.return
  }
}
