// RUN: %S/Inputs/sweep.sh %s %t "recurrent chunked<chunk=16> chunked<chunk=16,parts=3> chunked<chunk=16,tasks=24> quadratic" "0 1 17 171" --dim 0=2

#form = #ssd.recurrent

func.func @mamba2(%x: tensor<?x?x4x8xbf16> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                  %b: tensor<?x?x2x16xbf16> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                  %c: tensor<?x?x2x16xbf16> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                  %decay: tensor<?x?x4xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
                  %rate: tensor<4xf32> {ssd.name = "rate"},
                  %scale: tensor<?x?x4xf32> {ssd.name = "scale", ssd.dims = ["B", "L", ""]},
                  %s: tensor<?x4x8x16xbf16> {ssd.state = "state"})
    -> (tensor<?x?x4x8xbf16> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x8x16xbf16> {ssd.state = "state"}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x8xbf16>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x4x8xbf16>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x8xbf16>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<?x?x4x8xbf16>, tensor<?x?x2x16xbf16>, tensor<?x?x2x16xbf16>)
      decay(%decay : tensor<?x?x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<?x?x4xf32>)
      outs(%y0, %s : tensor<?x?x4x8xbf16>, tensor<?x4x8x16xbf16>)
  return %0#0, %0#1 : tensor<?x?x4x8xbf16>, tensor<?x4x8x16xbf16>
}
