// RUN: %S/Inputs/sweep.sh %s %t "recurrent auto" "1 17" --dim 0=9

#form = #ssd.recurrent

func.func @gla(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
               %b: tensor<?x?x2x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
               %c: tensor<?x?x2x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
               %decay: tensor<?x?x4x16xf32> {ssd.name = "decay", ssd.dims = ["B", "L", "", ""]},
               %slots: tensor<?xi32> {ssd.name = "slots", ssd.dims = ["B"]},
               %s: tensor<7x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<?x?x4x8xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<7x4x8x16xf32> {ssd.name = "state"}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x8xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x4x8xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      decay(%decay : tensor<?x?x4x16xf32>) slots(%slots : tensor<?xi32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<7x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<7x4x8x16xf32>
}
