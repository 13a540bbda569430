// RUN: ssd-opt %s --convert-ssd-to-linalg --canonicalize --cse | FileCheck %s

// The rows that all columns read are widened once, ahead of the product.
// CHECK-LABEL: func.func @bf16(
// CHECK-SAME:    %[[C:[a-z0-9]+]]: tensor<16x8xbf16>, %[[B:[a-z0-9]+]]: tensor<32x8xbf16>, %[[OUT:[a-z0-9]+]]: tensor<16x32xf32>)
// CHECK:         %[[WIDE:.*]] = linalg.generic {{.*}} ins(%[[C]] :
// CHECK:         %[[ZERO:.*]] = linalg.fill {{.*}} outs(%[[OUT]] :
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[WIDE]], %[[B]] : tensor<16x8xf32>, tensor<32x8xbf16>) outs(%[[ZERO]] : tensor<16x32xf32>)
// CHECK:           arith.mulf {{.*}} fastmath<contract> : f32
// CHECK:           arith.addf {{.*}} fastmath<contract> : f32
func.func @bf16(%c: tensor<16x8xbf16>, %b: tensor<32x8xbf16>, %o: tensor<16x32xf32>) -> tensor<16x32xf32> {
  %0 = ssd.chunk_scores ins(%c, %b : tensor<16x8xbf16>, tensor<32x8xbf16>) outs(%o : tensor<16x32xf32>)
  return %0 : tensor<16x32xf32>
}
