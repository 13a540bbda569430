// RUN: ssd-opt %s --emit-ptx | FileCheck %s

// What single threads do: lanes' values, tables in shared memory, exponentials.
// CHECK-LABEL: .entry lanes(
// CHECK:         ex2.approx.ftz.f32
// CHECK:         shfl.sync.bfly.b32 {{.*}}, 4, 31, -1
// CHECK:         shfl.sync.up.b32 {{.*}}, 1, 0, -1
// CHECK:         shfl.sync.idx.b32 {{.*}}, 31, 31, -1
// CHECK:         st.shared.{{.*}}
// CHECK:         ld.shared.{{.*}}
gpu.module @lanes {
  gpu.func @lanes(%p: !llvm.ptr<1>) kernel {
    %c1 = arith.constant 1 : i32
    %c4 = arith.constant 4 : i32
    %c31 = arith.constant 31 : i32
    %lane = hopper.lane
    %flat = hopper.alloc 0 : !hopper.shared<64xf32, linear>
    %table = hopper.reshape %flat : !hopper.shared<64xf32, linear> to !hopper.shared<2x32xf32, linear>
    %row = hopper.slice %table[%c1] : !hopper.shared<2x32xf32, linear>, i32 to !hopper.shared<32xf32, linear>
    %v = llvm.load %p : !llvm.ptr<1> -> f32
    %e = hopper.exp2 %v : f32
    %x = hopper.shuffle "xor" %e, %c4 : f32
    %u = hopper.shuffle "up" %x, %c1 : f32
    %f = hopper.shuffle "from" %u, %c31 : f32
    hopper.store %f to %row[%lane] : f32 to !hopper.shared<32xf32, linear>
    hopper.barrier
    %r = hopper.load %row[%c4] : !hopper.shared<32xf32, linear> to f32
    llvm.store %r, %p : f32, !llvm.ptr<1>
    gpu.return
  }
}

// Weights as a sum of two 16-bit floats: two of them and their rests a lane.
// CHECK-LABEL: .entry weights(
// CHECK-DAG:     cvt.rn.bf16x2.f32
// CHECK:         st.shared
gpu.module @weights {
  gpu.func @weights(%v: f32, %w: f32) kernel {
    %table = hopper.alloc 0 : !hopper.shared<64xi32, linear>
    hopper.store_hilo %v, %w to %table as bf16 : !hopper.shared<64xi32, linear>
    gpu.return
  }
}

// Where an element of a fragment is, and fragments of equal elements: each
// thread stores 32 values, of its own row and columns.
// CHECK-LABEL: .entry positions(
// CHECK-COUNT-16: st.global.v2.b32
// CHECK-NOT:     st.global
gpu.module @positions {
  gpu.func @positions(%p: !llvm.ptr<1>, %v: f32) kernel {
    %zero = arith.constant 0.0 : f32
    %f = hopper.splat %v : !hopper.fragment<64x64xf32>
    %g = hopper.map %f : (!hopper.fragment<64x64xf32>) -> !hopper.fragment<64x64xf32> {
    ^bb0(%e: f32):
      %row, %column = hopper.position : i32, i32
      %below = arith.cmpi sge, %row, %column : i32
      %kept = arith.select %below, %e, %zero : f32
      hopper.yield %kept : f32
    }
    hopper.global_store %g to %p row_major of f32 : !hopper.fragment<64x64xf32> to !llvm.ptr<1>
    gpu.return
  }
}

// Signals between blocks: who signals sets flags that are so many words of 64
// bits apart, after all writes of the warpgroup; who awaits looks at words one
// behind the other, clears them, and lets the warpgroup go on.
// CHECK-LABEL: .entry flags(
// CHECK:         bar.sync %r{{.*}}, %r
// CHECK:         mad.wide.u32 flag, word, 8
// CHECK:         fence.acq_rel.gpu
// CHECK:         st.release.gpu.global.u64 [flag]
// CHECK:         mad.wide.u32 flag, index, 8
// CHECK:         ld.acquire.gpu.global.u64 seen, [flag]
// CHECK:         st.relaxed.gpu.global.u64 [flag], 0
// CHECK:         bar.sync
gpu.module @flags {
  gpu.func @flags(%flag: !llvm.ptr<1>, %count: i32, %stride: i32) kernel {
    %c1 = arith.constant 1 : i32
    hopper.signal %flag count %count stride %stride barrier %c1 : !llvm.ptr<1>
    hopper.await %flag count %count barrier %c1 : !llvm.ptr<1>
    gpu.return
  }
}

// CHECK-LABEL: .entry maps(
// CHECK:         prefetch.tensormap [%rd{{.*}}]
// CHECK:         cp.async.bulk.wait_group.read 1
gpu.module @maps {
  gpu.func @maps(%map: !hopper.tensor_map<1x64x1x64xbf16>) kernel {
    hopper.tma_prefetch %map : !hopper.tensor_map<1x64x1x64xbf16>
    hopper.tma_store_wait 1
    gpu.return
  }
}
