// RUN: ssd-opt %s --ssd-linalg-to-cpu --split-input-file | FileCheck %s

// Along the contiguous loop: four accumulators, joined at the end.

// CHECK-LABEL: func @sum_of_squares
// CHECK:         scf.for
// CHECK:           %[[PARTS:.*]]:4 = scf.for {{.*}} iter_args
// CHECK-COUNT-4:     arith.addf {{.*}} : vector<16xf32>
// CHECK:             scf.yield
// CHECK:           %[[EVEN:.*]] = arith.addf %[[PARTS]]#0, %[[PARTS]]#2
// CHECK:           %[[ODD:.*]] = arith.addf %[[PARTS]]#1, %[[PARTS]]#3
// CHECK:           %[[SUM:.*]] = arith.addf %[[EVEN]], %[[ODD]]
// CHECK:           vector.reduction <add>, %[[SUM]] fastmath<reassoc>
// CHECK:           memref.store
func.func @sum_of_squares(%x: memref<9x256xbf16>, %y: memref<9xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<9x256xbf16>) outs(%y : memref<9xf32>) {
  ^bb0(%a: bf16, %old: f32):
    %e = arith.extf %a : bf16 to f32
    %s = arith.mulf %e, %e : f32
    %r = arith.addf %old, %s : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Along an outer loop: lanes are results, summed in the order of the loop.

// CHECK-LABEL: func @column_sum
// CHECK:         scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-NOT:     vector.reduction
// CHECK:         return
func.func @column_sum(%x: memref<100x128xf32>, %y: memref<128xf32>) {
  linalg.reduce {arith.addf} ins(%x : memref<100x128xf32>)
                             outs(%y : memref<128xf32>) dimensions = [0]
  return
}

// -----

// A window: the operands are strided, the channels are lanes.

// CHECK-LABEL: func @causal_conv
// CHECK:         scf.for {{.*}} iter_args
// CHECK:           vector.load
// CHECK-NOT:     linalg
func.func @causal_conv(%x: memref<2x19x64xf32>, %w: memref<4x64xf32>,
                       %y: memref<2x16x64xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(b, l, c, k) -> (b, l + k, c)>,
                       affine_map<(b, l, c, k) -> (k, c)>,
                       affine_map<(b, l, c, k) -> (b, l, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<2x19x64xf32>, memref<4x64xf32>)
      outs(%y : memref<2x16x64xf32>) {
  ^bb0(%a: f32, %b: f32, %old: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %old, %p : f32
    linalg.yield %s : f32
  }
  return
}
