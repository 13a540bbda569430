// RUN: %S/Inputs/sweep.sh %s %t auto ""

// Decode steps as operators of their own; slots beyond the pool of three start
// from zero and keep nothing.

func.func @step(%x: tensor<5x1x4x8xf32> {ssd.name = "x"}, %b: tensor<5x1x2x16xf32> {ssd.name = "b"},
                %c: tensor<5x1x2x16xf32> {ssd.name = "c"}, %decay: tensor<5x1x4xf32> {ssd.name = "decay"},
                %rate: tensor<4xf32> {ssd.name = "rate"}, %s: tensor<5x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<5x1x4x8xf32> {ssd.name = "y"}, tensor<5x4x8x16xf32> {ssd.name = "state"}) {
  %x1 = tensor.collapse_shape %x [[0, 1], [2], [3]] : tensor<5x1x4x8xf32> into tensor<5x4x8xf32>
  %b1 = tensor.collapse_shape %b [[0, 1], [2], [3]] : tensor<5x1x2x16xf32> into tensor<5x2x16xf32>
  %c1 = tensor.collapse_shape %c [[0, 1], [2], [3]] : tensor<5x1x2x16xf32> into tensor<5x2x16xf32>
  %d1 = tensor.collapse_shape %decay [[0, 1], [2]] : tensor<5x1x4xf32> into tensor<5x4xf32>
  %y0 = tensor.empty() : tensor<5x4x8xf32>
  %y, %s1 = ssd.step ins(%x1, %b1, %c1 : tensor<5x4x8xf32>, tensor<5x2x16xf32>, tensor<5x2x16xf32>)
      decay(%d1 : tensor<5x4xf32>) rate(%rate : tensor<4xf32>)
      outs(%y0, %s : tensor<5x4x8xf32>, tensor<5x4x8x16xf32>)
  %y1 = tensor.expand_shape %y [[0, 1], [2], [3]] output_shape [5, 1, 4, 8] : tensor<5x4x8xf32> into tensor<5x1x4x8xf32>
  return %y1, %s1 : tensor<5x1x4x8xf32>, tensor<5x4x8x16xf32>
}

func.func @step_on_slots(%x: tensor<5x1x4x8xf32> {ssd.name = "x"}, %b: tensor<5x1x2x16xf32> {ssd.name = "b"},
                         %c: tensor<5x1x2x16xf32> {ssd.name = "c"}, %scale: tensor<5x1x4xf32> {ssd.name = "scale"},
                         %slots: tensor<5xi32> {ssd.name = "slots"}, %s: tensor<3x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<5x1x4x8xf32> {ssd.name = "y"}, tensor<3x4x8x16xf32> {ssd.name = "state"}) {
  %x1 = tensor.collapse_shape %x [[0, 1], [2], [3]] : tensor<5x1x4x8xf32> into tensor<5x4x8xf32>
  %b1 = tensor.collapse_shape %b [[0, 1], [2], [3]] : tensor<5x1x2x16xf32> into tensor<5x2x16xf32>
  %c1 = tensor.collapse_shape %c [[0, 1], [2], [3]] : tensor<5x1x2x16xf32> into tensor<5x2x16xf32>
  %d1 = tensor.collapse_shape %scale [[0, 1], [2]] : tensor<5x1x4xf32> into tensor<5x4xf32>
  %y0 = tensor.empty() : tensor<5x4x8xf32>
  %y, %s1 = ssd.step ins(%x1, %b1, %c1 : tensor<5x4x8xf32>, tensor<5x2x16xf32>, tensor<5x2x16xf32>)
      scale(%d1 : tensor<5x4xf32>) slots(%slots : tensor<5xi32>)
      outs(%y0, %s : tensor<5x4x8xf32>, tensor<3x4x8x16xf32>)
  %y1 = tensor.expand_shape %y [[0, 1], [2], [3]] output_shape [5, 1, 4, 8] : tensor<5x4x8xf32> into tensor<5x1x4x8xf32>
  return %y1, %s1 : tensor<5x1x4x8xf32>, tensor<3x4x8x16xf32>
}
