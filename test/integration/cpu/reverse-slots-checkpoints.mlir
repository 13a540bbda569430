// RUN: sed 's/EVERY/8/' %s > %t.in.mlir
// RUN: %python %S/Inputs/write_integers.py %t.npy 4 -1,6,-5,2
// RUN: %S/Inputs/sweep.sh %t.in.mlir %t "chunked<chunk=16>" "37" --dim 0=4 --dim 2=4 --checkpoint-every=8 --reverse --input slots=%t.npy

#form = #ssd.recurrent

func.func @reverse_slots(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                 %b: tensor<?x?x2x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                 %c: tensor<?x?x2x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                 %decay: tensor<?x?x4xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
                 %rate: tensor<4xf32> {ssd.name = "rate"},
                 %scale: tensor<?x?x4xf32> {ssd.name = "scale", ssd.dims = ["B", "L", ""]},
                 %slots: tensor<?xi32> {ssd.name = "slots", ssd.dims = ["B"]},
                 %s: tensor<7x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<?x?x4x8xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<7x4x8x16xf32> {ssd.name = "state"},
        tensor<?x?x4x8x16xf32> {ssd.name = "checkpoints", ssd.dims = ["B", "K", "", "", ""]}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x8xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x4x8xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x8xf32>
  %every = arith.constant EVERY : index
  %count = arith.divui %length, %every : index
  %k0 = tensor.empty(%batch, %count) : tensor<?x?x4x8x16xf32>
  %0:3 = ssd.mix {checkpoint_every = EVERY, direction = #ssd<direction reverse>, form = #form}
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      decay(%decay : tensor<?x?x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<?x?x4xf32>) slots(%slots : tensor<?xi32>)
      outs(%y0, %s, %k0 : tensor<?x?x4x8xf32>, tensor<7x4x8x16xf32>, tensor<?x?x4x8x16xf32>)
  return %0#0, %0#1, %0#2 : tensor<?x?x4x8xf32>, tensor<7x4x8x16xf32>, tensor<?x?x4x8x16xf32>
}
