// RUN: ssd-opt %s --ssd-linalg-to-cpu --split-input-file | FileCheck %s
// RUN: ssd-opt %s --ssd-linalg-to-cpu=vector-bytes=32 --split-input-file \
// RUN:   | FileCheck %s --check-prefix=AVX2

// The zeros are never written or read, the panel is packed by transposition,
// and a tile of 8 x 32 results stays in registers.

// CHECK-LABEL: func @packed_static
// CHECK-NOT:     linalg
// CHECK-NOT:     scf.forall
// CHECK:         %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<2048xf32>
// CHECK:         vector.shuffle
// CHECK:         vector.store %{{.*}}, %[[PANEL]]
// CHECK:         scf.for
// CHECK-COUNT-2:   vector.load %[[PANEL]]
// CHECK-COUNT-16:  vector.fma {{.*}} : vector<16xf32>
// CHECK:           scf.yield
// CHECK-NOT:     arith.addf
// CHECK:         return

// AVX2-LABEL: func @packed_static
// AVX2-COUNT-8: vector.fma {{.*}} : vector<8xf32>
// AVX2:         scf.yield
func.func @packed_static(%a: memref<128x64xf32>, %b: memref<128x64xf32>,
                         %c: memref<128x128xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<128x128xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<128x64xf32>, memref<128x64xf32>)
      outs(%c : memref<128x128xf32>) {
  ^bb0(%x: f32, %y: f32, %old: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %old, %p : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// An unknown number of rows: the code streams the weights once if there are
// few, and packs them otherwise. Either way the work is divided into tasks.

// CHECK-LABEL: func @linear_bf16
// CHECK-DAG:     %[[FEW:.*]] = arith.constant 4 : index
// CHECK:         %[[M:.*]] = memref.dim
// CHECK:         %[[IS_FEW:.*]] = arith.cmpi ule, %[[M]], %[[FEW]]
// CHECK:         scf.if %[[IS_FEW]] {
// CHECK:           scf.forall
// CHECK:             vector.load {{.*}} vector<16xbf16>
// CHECK:             vector.reduction <add>
// CHECK:         } else {
// CHECK:           scf.forall
// CHECK:             memref.alloca
// CHECK:             vector.shuffle
// CHECK-NOT:     linalg
func.func @linear_bf16(%a: memref<?x768xf32>, %w: memref<3072x768xbf16>,
                       %c: memref<?x3072xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                       affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %w : memref<?x768xf32>, memref<3072x768xbf16>)
      outs(%c : memref<?x3072xf32>) {
  ^bb0(%x: f32, %y: bf16, %old: f32):
    %e = arith.extf %y : bf16 to f32
    %p = arith.mulf %x, %e : f32
    %s = arith.addf %old, %p : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// C is contiguous along what A brings: the operands change places. Inside a
// parallel loop there are no further tasks, but the panel is the loop's own.

// CHECK-LABEL: func @swapped_inside_forall
// CHECK:         scf.forall
// CHECK:           memref.alloca
// CHECK-NOT:       scf.forall
// CHECK:           vector.fma
func.func @swapped_inside_forall(%a: memref<8x64x64xf32>, %b: memref<8x64x96xf32>,
                                 %c: memref<8x96x64xf32>) {
  scf.forall (%h) in (8) {
    %x = memref.subview %a[%h, 0, 0] [1, 64, 64] [1, 1, 1]
        : memref<8x64x64xf32> to memref<64x64xf32, strided<[64, 1], offset: ?>>
    %y = memref.subview %b[%h, 0, 0] [1, 64, 96] [1, 1, 1]
        : memref<8x64x96xf32> to memref<64x96xf32, strided<[96, 1], offset: ?>>
    %z = memref.subview %c[%h, 0, 0] [1, 96, 64] [1, 1, 1]
        : memref<8x96x64xf32> to memref<96x64xf32, strided<[64, 1], offset: ?>>
    linalg.generic {
        indexing_maps = [affine_map<(m, n, k) -> (k, m)>,
                         affine_map<(m, n, k) -> (k, n)>,
                         affine_map<(m, n, k) -> (n, m)>],
        iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %y : memref<64x64xf32, strided<[64, 1], offset: ?>>,
                     memref<64x96xf32, strided<[96, 1], offset: ?>>)
        outs(%z : memref<96x64xf32, strided<[64, 1], offset: ?>>) {
    ^bb0(%p: f32, %q: f32, %old: f32):
      %m = arith.mulf %p, %q : f32
      %s = arith.addf %old, %m : f32
      linalg.yield %s : f32
    }
  }
  return
}

// -----

// One row and rows of B contiguous: rows of B are scaled and summed in
// registers, which hold all of C.

// CHECK-LABEL: func @vecmat
// CHECK-NOT:     alloca
// CHECK:         scf.for
// CHECK:           vector.broadcast
// CHECK-COUNT-4:   vector.fma
// CHECK:           scf.yield
func.func @vecmat(%x: memref<32xf32>, %b: memref<32x64xf32>, %y: memref<64xf32>) {
  linalg.vecmat ins(%x, %b : memref<32xf32>, memref<32x64xf32>)
                outs(%y : memref<64xf32>)
  return
}
