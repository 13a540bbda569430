// RUN: ssd-opt %s --ssd-linalg-to-cpu --split-input-file | FileCheck %s

// Rows of 24: one whole vector and one masked one. The weight of the row is a
// scalar loaded once.

// CHECK-LABEL: func @scale_rows
// CHECK:         scf.for
// CHECK:           %[[S:.*]] = memref.load
// CHECK:           vector.load
// CHECK:           vector.broadcast %[[S]]
// CHECK:           arith.mulf {{.*}} fastmath<contract> : vector<16xf32>
// CHECK:           vector.store
// CHECK:           %[[TAIL:.*]] = vector.create_mask
// CHECK:           vector.maskedload %{{.*}}, %[[TAIL]]
// CHECK:           vector.maskedstore %{{.*}}, %[[TAIL]]
func.func @scale_rows(%x: memref<5x24xf32, strided<[40, 1]>>, %s: memref<5xf32>,
                      %y: memref<5x24xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>,
                       affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<5x24xf32, strided<[40, 1]>>, memref<5xf32>)
      outs(%y : memref<5x24xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %r = arith.mulf %a, %b : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Contiguous loops become one, and a large one is divided into tasks.

// CHECK-LABEL: func @merged_and_divided
// CHECK:         scf.forall (%{{.*}}) in (%{{.*}}) {
// CHECK:           scf.for
// CHECK-NOT:         scf.for
// CHECK:             vector.store
func.func @merged_and_divided(%x: memref<?x?x?xf32>, %y: memref<?x?x?xf32>) {
  linalg.copy ins(%x : memref<?x?x?xf32>) outs(%y : memref<?x?x?xf32>)
  return
}

// -----

// Rows of a table that an index selects are copied as vectors.

// CHECK-LABEL: func @embedding
// CHECK:         %[[ID:.*]] = memref.load
// CHECK:         %[[ROW:.*]] = arith.index_cast %[[ID]]
// CHECK:         vector.load %{{.*}}[%[[ROW]], %{{.*}}] : memref<50x64xbf16>, vector<16xbf16>
// CHECK:         vector.store
func.func @embedding(%ids: memref<7xi32>, %table: memref<50x64xbf16>,
                     %y: memref<7x64xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%ids : memref<7xi32>) outs(%y : memref<7x64xf32>) {
  ^bb0(%id: i32, %old: f32):
    %row = arith.index_cast %id : i32 to index
    %j = linalg.index 1 : index
    %v = memref.load %table[%row, %j] : memref<50x64xbf16>
    %e = arith.extf %v : bf16 to f32
    linalg.yield %e : f32
  }
  return
}

// -----

// A strided copy would be a call into a support library.

// CHECK-LABEL: func @strided_copy
// CHECK-NOT:     memref.copy
// CHECK:         vector.store
func.func @strided_copy(%x: memref<5x32xf32, strided<[40, 1]>>,
                        %y: memref<5x32xf32>) {
  memref.copy %x, %y : memref<5x32xf32, strided<[40, 1]>> to memref<5x32xf32>
  return
}

// -----

// Not linear: plain loops.

// CHECK-LABEL: func @grouped_heads
// CHECK:         scf.for
// CHECK:           memref.store
// CHECK-NOT:     linalg
func.func @grouped_heads(%x: memref<2x16xf32>, %y: memref<8x16xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(h, i) -> (h floordiv 4, i)>,
                       affine_map<(h, i) -> (h, i)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<2x16xf32>) outs(%y : memref<8x16xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}
