// RUN: ssd-opt %s --ssd-reinterpret-expansions --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @tokens(
// CHECK-SAME:    %[[X:.*]]: memref<?x64xf32>, %[[B:.*]]: index, %[[L:.*]]: index)
// CHECK:         %[[STRIDE:.*]] = arith.muli %[[L]], %{{.*}}
// CHECK:         memref.reinterpret_cast %[[X]] to offset: [0], sizes: [%[[B]], %[[L]], 64], strides: [%[[STRIDE]], 64, 1]
func.func @tokens(%x: memref<?x64xf32>, %b: index, %l: index) -> memref<?x?x64xf32> {
  %e = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, %l, 64]
      : memref<?x64xf32> into memref<?x?x64xf32>
  return %e : memref<?x?x64xf32>
}

// CHECK-LABEL: func.func @one_unknown(
// CHECK:         memref.expand_shape
func.func @one_unknown(%x: memref<?x64xf32>, %b: index) -> memref<?x4x64xf32> {
  %e = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, 4, 64]
      : memref<?x64xf32> into memref<?x4x64xf32>
  return %e : memref<?x4x64xf32>
}

// -----

func.func @strided(%x: memref<?x64xf32, strided<[128, 1]>>, %b: index, %l: index)
    -> memref<?x?x64xf32, strided<[?, 128, 1]>> {
  // expected-error @below {{expands a dimension of a strided buffer to several of unknown size}}
  %e = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, %l, 64]
      : memref<?x64xf32, strided<[128, 1]>> into memref<?x?x64xf32, strided<[?, 128, 1]>>
  return %e : memref<?x?x64xf32, strided<[?, 128, 1]>>
}
