// States that the runtime keeps are updated in place, from zero.
// RUN: %S/Inputs/sweep.sh %s %t "recurrent chunked<chunk=16> chunked<chunk=16,parts=3> chunked<chunk=16,tasks=27> quadratic" "0 1 17 171" --dim 0=2
// With tasks the batch decides on the parts: six, three above, one, and none.
// RUN: %S/Inputs/sweep.sh %s %t "chunked<chunk=16,tasks=27>" "0 1 17 171" --dim 0=1
// RUN: %S/Inputs/sweep.sh %s %t "chunked<chunk=16,tasks=27>" "17 171" --dim 0=4
// RUN: %S/Inputs/sweep.sh %s %t "chunked<chunk=16,tasks=27>" "17 171" --dim 0=0

#form = #ssd.recurrent

func.func @mamba2(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                  %b: tensor<?x?x2x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                  %c: tensor<?x?x2x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                  %decay: tensor<?x?x4xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
                  %rate: tensor<4xf32> {ssd.name = "rate"},
                  %scale: tensor<?x?x4xf32> {ssd.name = "scale", ssd.dims = ["B", "L", ""]},
                  %s: tensor<?x4x8x16xf32> {ssd.state = "state"})
    -> (tensor<?x?x4x8xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x8x16xf32> {ssd.state = "state"}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x8xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x4x8xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      decay(%decay : tensor<?x?x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<?x?x4xf32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

func.func @linear_attention(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                            %b: tensor<?x?x2x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                            %c: tensor<?x?x2x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                            %s: tensor<?x4x8x16xf32> {ssd.state = "state"})
    -> (tensor<?x?x4x8xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x8x16xf32> {ssd.state = "state"}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x8xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x4x8xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}
