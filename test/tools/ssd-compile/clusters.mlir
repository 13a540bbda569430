// The cluster that a kernel is launched in is the one that it says.
// RUN: ssd-compile %s -o %t.so --target=sm_80
// RUN: ssd-compile --describe %t.so | FileCheck %s

// CHECK:      "name": "pairs"
// CHECK:      "cluster": [
// CHECK-NEXT:   2,
// CHECK-NEXT:   1,
// CHECK-NEXT:   1
// CHECK:      "name": "ssd_chunked_portable_0"
// CHECK:      "cluster": [
// CHECK-NEXT:   1,
// CHECK-NEXT:   1,
// CHECK-NEXT:   1

gpu.module @pairs [#nvvm.target<chip = "sm_90a">] {
  gpu.func @pairs() kernel
      attributes {known_block_size = array<i32: 32, 1, 1>, known_cluster_size = array<i32: 2, 1, 1>} {
    hopper.cluster_barrier
    gpu.return
  }
}

func.func @scan(%x: tensor<1x?x4x64xf32> {ssd.name = "x", ssd.dims = ["", "L", "", ""]},
                %b: tensor<1x?x1x128xf32> {ssd.name = "b", ssd.dims = ["", "L", "", ""]},
                %a: tensor<4xf32> {ssd.name = "rate"},
                %state: tensor<1x4x64x128xf32> {ssd.state = "state"})
    -> (tensor<1x?x4x64xf32> {ssd.name = "y", ssd.dims = ["", "L", "", ""]},
        tensor<1x4x64x128xf32> {ssd.state = "state"}) {
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<1x?x4x64xf32>
  %y0 = tensor.empty(%length) : tensor<1x?x4x64xf32>
  %y, %s = ssd.mix ins(%x, %b, %b : tensor<1x?x4x64xf32>, tensor<1x?x1x128xf32>, tensor<1x?x1x128xf32>)
      rate(%a : tensor<4xf32>) outs(%y0, %state : tensor<1x?x4x64xf32>, tensor<1x4x64x128xf32>)
  return %y, %s : tensor<1x?x4x64xf32>, tensor<1x4x64x128xf32>
}
