// Ids that change now and then, each a new one.
// RUN: %S/Inputs/sweep.sh %s %t "recurrent chunked<chunk=16> chunked<chunk=16,parts=3> chunked<chunk=16,tasks=24> quadratic" "0 1 16 17 37 307" --dim 0=2
// Random ids out of three, so that ids come back, also in one chunk.
// RUN: %python %S/Inputs/write_integers.py %t.npy 2,171 random:1:3
// RUN: %S/Inputs/sweep.sh %s %t "recurrent chunked<chunk=16> chunked<chunk=16,parts=3> chunked<chunk=16,tasks=24> quadratic" "171" --dim 0=2 --input segment_ids=%t.npy
// A segment for each token, and one for all.
// RUN: %python %S/Inputs/write_integers.py %t.npy 1,37 $(seq -s, 5 41)
// RUN: %S/Inputs/sweep.sh %s %t "recurrent chunked<chunk=16> chunked<chunk=16,parts=3> quadratic" "37" --dim 0=1 --input segment_ids=%t.npy
// RUN: %S/Inputs/sweep.sh %s %t "recurrent chunked<chunk=16> chunked<chunk=16,parts=3> quadratic" "37" --dim 0=2 --input segment_ids=ones

#form = #ssd.recurrent

func.func @mamba2(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                  %b: tensor<?x?x2x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                  %c: tensor<?x?x2x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                  %decay: tensor<?x?x4xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
                  %rate: tensor<4xf32> {ssd.name = "rate"},
                  %scale: tensor<?x?x4xf32> {ssd.name = "scale", ssd.dims = ["B", "L", ""]},
                  %ids: tensor<?x?xi32> {ssd.name = "segment_ids", ssd.dims = ["B", "L"]},
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
      decay(%decay : tensor<?x?x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<?x?x4xf32>) segment_ids(%ids : tensor<?x?xi32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

func.func @linear_attention(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                            %b: tensor<?x?x2x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                            %c: tensor<?x?x2x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                            %ids: tensor<?x?xi32> {ssd.name = "segment_ids", ssd.dims = ["B", "L"]},
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
      segment_ids(%ids : tensor<?x?xi32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

func.func @one_group(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                     %b: tensor<?x?x1x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                     %c: tensor<?x?x1x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                     %decay: tensor<?x?x4xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
                     %ids: tensor<?x?xi32> {ssd.name = "segment_ids", ssd.dims = ["B", "L"]},
                     %s: tensor<?x4x8x16xf32> {ssd.name = "state0", ssd.dims = ["B", "", "", ""]})
    -> (tensor<?x?x4x8xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x8x16xf32> {ssd.name = "state", ssd.dims = ["B", "", "", ""]}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x8xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x4x8xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>)
      decay(%decay : tensor<?x?x4xf32>) segment_ids(%ids : tensor<?x?xi32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}
