// RUN: ssd-opt %s --ssd-linalg-to-cpu --split-input-file | FileCheck %s

// Squares of 16 by 16 in registers; nothing is gathered, no mask is needed.

// CHECK-LABEL: func.func @whole_squares
// CHECK-COUNT-16: vector.load %{{.*}} : memref<8192xf32>, vector<16xf32>
// CHECK: vector.shuffle
// CHECK-COUNT-16: vector.store %{{.*}} : memref<8192xf32>, vector<16xf32>
// CHECK-NOT: vector.maskedload
// CHECK-NOT: memref.load
func.func @whole_squares(%x: memref<64x128xf32>, %y: memref<128x64xf32>) {
  linalg.transpose ins(%x : memref<64x128xf32>) outs(%y : memref<128x64xf32>)
      permutation = [1, 0]
  return
}

// -----

// Edges are masked.

// CHECK-LABEL: func.func @dynamic_edges
// CHECK: scf.if
// CHECK-COUNT-16: vector.load
// CHECK-COUNT-16: vector.store
// CHECK: else
// CHECK-COUNT-16: vector.maskedload
// CHECK-COUNT-16: vector.maskedstore
func.func @dynamic_edges(%x: memref<?x20xf32>, %y: memref<20x?xf32>) {
  linalg.transpose ins(%x : memref<?x20xf32>) outs(%y : memref<20x?xf32>)
      permutation = [1, 0]
  return
}

// -----

// Two columns fill too little of a square.

// CHECK-LABEL: func.func @two_columns
// CHECK-NOT: vector.shuffle
func.func @two_columns(%x: memref<?x2xf32>, %y: memref<2x?xf32>) {
  linalg.transpose ins(%x : memref<?x2xf32>) outs(%y : memref<2x?xf32>)
      permutation = [1, 0]
  return
}

// -----

// bf16 widens on the way.

// CHECK-LABEL: func.func @widening
// CHECK: arith.extf %{{.*}} : vector<16xbf16> to vector<16xf32>
// CHECK: vector.shuffle
#rows = affine_map<(d0, d1) -> (d1, d0)>
#columns = affine_map<(d0, d1) -> (d0, d1)>
func.func @widening(%x: memref<32x16xbf16>, %y: memref<16x32xf32>) {
  linalg.generic {indexing_maps = [#rows, #columns],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<32x16xbf16>) outs(%y : memref<16x32xf32>) {
  ^bb0(%in: bf16, %out: f32):
    %wide = arith.extf %in : bf16 to f32
    linalg.yield %wide : f32
  }
  return
}
