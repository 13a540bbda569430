// RUN: ssd-opt %s --ssd-host-abi --ssd-bufferize | FileCheck %s

// A destination-style callee updates the state in place: no buffer but the
// output of the first call is allocated, and nothing is copied.

// CHECK-LABEL: func.func private @layer
// CHECK-SAME:    memref<8xf32>, %{{.*}}: memref<8xf32>, %{{.*}}: memref<8xf32>) attributes
// CHECK-NOT:     memref.alloc
// CHECK-NOT:     memref.copy
func.func private @layer(%x: tensor<8xf32>, %s: tensor<8xf32>, %y: tensor<8xf32>)
    -> (tensor<8xf32>, tensor<8xf32>) attributes {no_inline} {
  %s1 = linalg.add ins(%x, %s : tensor<8xf32>, tensor<8xf32>)
                   outs(%s : tensor<8xf32>) -> tensor<8xf32>
  %y1 = linalg.exp ins(%s1 : tensor<8xf32>) outs(%y : tensor<8xf32>) -> tensor<8xf32>
  return %y1, %s1 : tensor<8xf32>, tensor<8xf32>
}

// CHECK-LABEL: func.func @step
// CHECK-SAME:    %[[X:.*]]: memref<8xf32>, %[[S0:.*]]: memref<8xf32> {{.*}}, %[[S1:.*]]: memref<8xf32> {{.*}}, %[[Y:.*]]: memref<8xf32>)
// CHECK:         %[[MID:.*]] = memref.alloc
// CHECK-NEXT:    call @layer(%[[X]], %[[S0]], %[[MID]])
// CHECK-NEXT:    call @layer(%[[MID]], %[[S1]], %[[Y]])
// CHECK-NEXT:    return
func.func @step(%x: tensor<8xf32>, %s0: tensor<8xf32> {ssd.state = "0"},
                %s1: tensor<8xf32> {ssd.state = "1"})
    -> (tensor<8xf32>, tensor<8xf32> {ssd.state = "0"}, tensor<8xf32> {ssd.state = "1"}) {
  %e0 = tensor.empty() : tensor<8xf32>
  %y0, %n0 = call @layer(%x, %s0, %e0) : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
      -> (tensor<8xf32>, tensor<8xf32>)
  %e1 = tensor.empty() : tensor<8xf32>
  %y1, %n1 = call @layer(%y0, %s1, %e1) : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
      -> (tensor<8xf32>, tensor<8xf32>)
  return %y1, %n0, %n1 : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}
