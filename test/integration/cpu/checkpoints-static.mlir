// RUN: %S/Inputs/sweep.sh %s %t "recurrent chunked<chunk=16> quadratic" "" --checkpoint-every=6

#form = #ssd.recurrent

func.func @dividing(%x: tensor<2x36x4x8xf32> {ssd.name = "x"},
                    %b: tensor<2x36x2x16xf32> {ssd.name = "b"},
                    %c: tensor<2x36x2x16xf32> {ssd.name = "c"},
                    %decay: tensor<2x36x4xf32> {ssd.name = "decay"},
                    %rate: tensor<4xf32> {ssd.name = "rate"},
                    %scale: tensor<2x36x4xf32> {ssd.name = "scale"},
                    %s: tensor<2x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<2x36x4x8xf32> {ssd.name = "y"},
        tensor<2x4x8x16xf32> {ssd.name = "state"},
        tensor<2x6x4x8x16xf32> {ssd.name = "checkpoints"}) {
  %y0 = tensor.empty() : tensor<2x36x4x8xf32>
  %k0 = tensor.empty() : tensor<2x6x4x8x16xf32>
  %0:3 = ssd.mix {checkpoint_every = 6, form = #form}
      ins(%x, %b, %c : tensor<2x36x4x8xf32>, tensor<2x36x2x16xf32>, tensor<2x36x2x16xf32>)
      decay(%decay : tensor<2x36x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<2x36x4xf32>)
      outs(%y0, %s, %k0 : tensor<2x36x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x6x4x8x16xf32>)
  return %0#0, %0#1, %0#2 : tensor<2x36x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x6x4x8x16xf32>
}

func.func @with_rest(%x: tensor<2x37x4x8xf32> {ssd.name = "x"},
                     %b: tensor<2x37x2x16xf32> {ssd.name = "b"},
                     %c: tensor<2x37x2x16xf32> {ssd.name = "c"},
                     %decay: tensor<2x37x4xf32> {ssd.name = "decay"},
                     %rate: tensor<4xf32> {ssd.name = "rate"},
                     %scale: tensor<2x37x4xf32> {ssd.name = "scale"},
                     %s: tensor<2x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<2x37x4x8xf32> {ssd.name = "y"},
        tensor<2x4x8x16xf32> {ssd.name = "state"},
        tensor<2x6x4x8x16xf32> {ssd.name = "checkpoints"}) {
  %y0 = tensor.empty() : tensor<2x37x4x8xf32>
  %k0 = tensor.empty() : tensor<2x6x4x8x16xf32>
  %0:3 = ssd.mix {checkpoint_every = 6, form = #form}
      ins(%x, %b, %c : tensor<2x37x4x8xf32>, tensor<2x37x2x16xf32>, tensor<2x37x2x16xf32>)
      decay(%decay : tensor<2x37x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<2x37x4xf32>)
      outs(%y0, %s, %k0 : tensor<2x37x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x6x4x8x16xf32>)
  return %0#0, %0#1, %0#2 : tensor<2x37x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x6x4x8x16xf32>
}

func.func @longer_than_the_sequence(%x: tensor<2x5x4x8xf32> {ssd.name = "x"},
                                    %b: tensor<2x5x2x16xf32> {ssd.name = "b"},
                                    %c: tensor<2x5x2x16xf32> {ssd.name = "c"},
                                    %decay: tensor<2x5x4xf32> {ssd.name = "decay"},
                                    %rate: tensor<4xf32> {ssd.name = "rate"},
                                    %scale: tensor<2x5x4xf32> {ssd.name = "scale"},
                                    %s: tensor<2x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<2x5x4x8xf32> {ssd.name = "y"},
        tensor<2x4x8x16xf32> {ssd.name = "state"},
        tensor<2x0x4x8x16xf32> {ssd.name = "checkpoints"}) {
  %y0 = tensor.empty() : tensor<2x5x4x8xf32>
  %k0 = tensor.empty() : tensor<2x0x4x8x16xf32>
  %0:3 = ssd.mix {checkpoint_every = 6, form = #form}
      ins(%x, %b, %c : tensor<2x5x4x8xf32>, tensor<2x5x2x16xf32>, tensor<2x5x2x16xf32>)
      decay(%decay : tensor<2x5x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<2x5x4xf32>)
      outs(%y0, %s, %k0 : tensor<2x5x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x0x4x8x16xf32>)
  return %0#0, %0#1, %0#2 : tensor<2x5x4x8xf32>, tensor<2x4x8x16xf32>, tensor<2x0x4x8x16xf32>
}

func.func @f16_states(%x: tensor<1x20x4x8xf16> {ssd.name = "x"},
                      %b: tensor<1x20x2x16xf16> {ssd.name = "b"},
                      %c: tensor<1x20x2x16xf16> {ssd.name = "c"},
                      %decay: tensor<1x20x4xf32> {ssd.name = "decay"},
                      %rate: tensor<4xf32> {ssd.name = "rate"},
                      %scale: tensor<1x20x4xf32> {ssd.name = "scale"},
                      %s: tensor<1x4x8x16xf16> {ssd.name = "state0"})
    -> (tensor<1x20x4x8xf16> {ssd.name = "y"},
        tensor<1x4x8x16xf16> {ssd.name = "state"},
        tensor<1x3x4x8x16xf16> {ssd.name = "checkpoints"}) {
  %y0 = tensor.empty() : tensor<1x20x4x8xf16>
  %k0 = tensor.empty() : tensor<1x3x4x8x16xf16>
  %0:3 = ssd.mix {checkpoint_every = 6, form = #form}
      ins(%x, %b, %c : tensor<1x20x4x8xf16>, tensor<1x20x2x16xf16>, tensor<1x20x2x16xf16>)
      decay(%decay : tensor<1x20x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<1x20x4xf32>)
      outs(%y0, %s, %k0 : tensor<1x20x4x8xf16>, tensor<1x4x8x16xf16>, tensor<1x3x4x8x16xf16>)
  return %0#0, %0#1, %0#2 : tensor<1x20x4x8xf16>, tensor<1x4x8x16xf16>, tensor<1x3x4x8x16xf16>
}
