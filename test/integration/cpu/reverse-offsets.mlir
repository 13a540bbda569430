// RUN: length_dim=0 %S/Inputs/sweep.sh %s %t "recurrent chunked<chunk=16> quadratic" "0 1 17 171" --reverse
// RUN: %python %S/Inputs/write_integers.py %t.npy 4 0,0,33,33
// RUN: length_dim=0 %S/Inputs/sweep.sh %s %t "recurrent chunked<chunk=16> quadratic" "33" --reverse --input offsets=%t.npy

#form = #ssd.recurrent

func.func @mamba2(%x: tensor<1x?x4x8xf32> {ssd.name = "x", ssd.dims = ["", "L", "", ""]},
                  %b: tensor<1x?x2x16xf32> {ssd.name = "b", ssd.dims = ["", "L", "", ""]},
                  %c: tensor<1x?x2x16xf32> {ssd.name = "c", ssd.dims = ["", "L", "", ""]},
                  %decay: tensor<1x?x4xf32> {ssd.name = "decay", ssd.dims = ["", "L", ""]},
                  %rate: tensor<4xf32> {ssd.name = "rate"},
                  %scale: tensor<1x?x4xf32> {ssd.name = "scale", ssd.dims = ["", "L", ""]},
                  %offsets: tensor<4xi32> {ssd.name = "offsets"},
                  %s: tensor<3x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<1x?x4x8xf32> {ssd.name = "y", ssd.dims = ["", "L", "", ""]},
        tensor<3x4x8x16xf32> {ssd.name = "state"}) {
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<1x?x4x8xf32>
  %y0 = tensor.empty(%length) : tensor<1x?x4x8xf32>
  %0:2 = ssd.mix {direction = #ssd<direction reverse>, form = #form}
      ins(%x, %b, %c : tensor<1x?x4x8xf32>, tensor<1x?x2x16xf32>, tensor<1x?x2x16xf32>)
      decay(%decay : tensor<1x?x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<1x?x4xf32>) offsets(%offsets : tensor<4xi32>)
      outs(%y0, %s : tensor<1x?x4x8xf32>, tensor<3x4x8x16xf32>)
  return %0#0, %0#1 : tensor<1x?x4x8xf32>, tensor<3x4x8x16xf32>
}
