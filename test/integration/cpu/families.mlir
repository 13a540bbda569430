// RUN: %S/Inputs/sweep.sh %s %t "recurrent chunked<chunk=16> chunked<chunk=160> quadratic auto" "0 1 15 16 17 37 160 307" --dim 0=2

// Each family of mixers in each form, at lengths around chunks and blocks:
// chunks of 16 are half a block of queries, chunks of 160 five blocks.
#form = #ssd.recurrent

func.func @linear_attention(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                            %b: tensor<?x?x2x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                            %c: tensor<?x?x2x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                            %s: tensor<?x4x8x16xf32> {ssd.name = "state0", ssd.dims = ["B", "", "", ""]})
    -> (tensor<?x?x4x8xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x8x16xf32> {ssd.name = "state", ssd.dims = ["B", "", "", ""]}) {
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

// RetNet, Lightning: one constant decay a head.
func.func @retention(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                     %b: tensor<?x?x2x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                     %c: tensor<?x?x2x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                     %rate: tensor<4xf32> {ssd.name = "rate"},
                     %s: tensor<?x4x8x16xf32> {ssd.name = "state0", ssd.dims = ["B", "", "", ""]})
    -> (tensor<?x?x4x8xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x8x16xf32> {ssd.name = "state", ssd.dims = ["B", "", "", ""]}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x8xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x4x8xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      rate(%rate : tensor<4xf32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

func.func @simple_gla(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                      %b: tensor<?x?x2x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                      %c: tensor<?x?x2x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                      %decay: tensor<?x?x4xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
                      %s: tensor<?x4x8x16xf32> {ssd.name = "state0", ssd.dims = ["B", "", "", ""]})
    -> (tensor<?x?x4x8xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x8x16xf32> {ssd.name = "state", ssd.dims = ["B", "", "", ""]}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x8xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x4x8xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      decay(%decay : tensor<?x?x4xf32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

func.func @mamba2(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                  %b: tensor<?x?x2x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                  %c: tensor<?x?x2x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                  %decay: tensor<?x?x4xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
                  %rate: tensor<4xf32> {ssd.name = "rate"},
                  %scale: tensor<?x?x4xf32> {ssd.name = "scale", ssd.dims = ["B", "L", ""]},
                  %s: tensor<?x4x8x16xf32> {ssd.name = "state0", ssd.dims = ["B", "", "", ""]})
    -> (tensor<?x?x4x8xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x8x16xf32> {ssd.name = "state", ssd.dims = ["B", "", "", ""]}) {
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

// A gate of its own on the input.
func.func @gated_linear_attention(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                                  %b: tensor<?x?x4x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                                  %c: tensor<?x?x4x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                                  %decay: tensor<?x?x4xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
                                  %scale: tensor<?x?x4xf32> {ssd.name = "scale", ssd.dims = ["B", "L", ""]},
                                  %s: tensor<?x4x8x16xf32> {ssd.name = "state0", ssd.dims = ["B", "", "", ""]})
    -> (tensor<?x?x4x8xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x8x16xf32> {ssd.name = "state", ssd.dims = ["B", "", "", ""]}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x8xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x4x8xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>)
      decay(%decay : tensor<?x?x4xf32>) scale(%scale : tensor<?x?x4xf32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

// All heads share b and c.
func.func @one_group(%x: tensor<?x?x6x5xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                     %b: tensor<?x?x1x20xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                     %c: tensor<?x?x1x20xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                     %decay: tensor<?x?x6xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
                     %rate: tensor<6xf32> {ssd.name = "rate"},
                     %scale: tensor<?x?x6xf32> {ssd.name = "scale", ssd.dims = ["B", "L", ""]},
                     %s: tensor<?x6x5x20xf32> {ssd.name = "state0", ssd.dims = ["B", "", "", ""]})
    -> (tensor<?x?x6x5xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x6x5x20xf32> {ssd.name = "state", ssd.dims = ["B", "", "", ""]}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x6x5xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x6x5xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x6x5xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<?x?x6x5xf32>, tensor<?x?x1x20xf32>, tensor<?x?x1x20xf32>)
      decay(%decay : tensor<?x?x6xf32>) rate(%rate : tensor<6xf32>) scale(%scale : tensor<?x?x6xf32>)
      outs(%y0, %s : tensor<?x?x6x5xf32>, tensor<?x6x5x20xf32>)
  return %0#0, %0#1 : tensor<?x?x6x5xf32>, tensor<?x6x5x20xf32>
}
