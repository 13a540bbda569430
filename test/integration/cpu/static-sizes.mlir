// RUN: %S/Inputs/sweep.sh %s %t "recurrent chunked<chunk=16> quadratic" ""

// Every size is known: lengths around chunks and blocks, and unusual heads.
#form = #ssd.recurrent

func.func @length_0(%x: tensor<2x0x4x8xf32> {ssd.name = "x"},
                    %b: tensor<2x0x2x16xf32> {ssd.name = "b"},
                    %c: tensor<2x0x2x16xf32> {ssd.name = "c"},
                    %decay: tensor<2x0x4xf32> {ssd.name = "decay"},
                    %rate: tensor<4xf32> {ssd.name = "rate"},
                    %scale: tensor<2x0x4xf32> {ssd.name = "scale"},
                    %s: tensor<2x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<2x0x4x8xf32> {ssd.name = "y"},
        tensor<2x4x8x16xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<2x0x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<2x0x4x8xf32>, tensor<2x0x2x16xf32>, tensor<2x0x2x16xf32>)
      decay(%decay : tensor<2x0x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<2x0x4xf32>)
      outs(%y0, %s : tensor<2x0x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x0x4x8xf32>, tensor<2x4x8x16xf32>
}

func.func @length_1(%x: tensor<2x1x4x8xf32> {ssd.name = "x"},
                    %b: tensor<2x1x2x16xf32> {ssd.name = "b"},
                    %c: tensor<2x1x2x16xf32> {ssd.name = "c"},
                    %decay: tensor<2x1x4xf32> {ssd.name = "decay"},
                    %rate: tensor<4xf32> {ssd.name = "rate"},
                    %scale: tensor<2x1x4xf32> {ssd.name = "scale"},
                    %s: tensor<2x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<2x1x4x8xf32> {ssd.name = "y"},
        tensor<2x4x8x16xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<2x1x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<2x1x4x8xf32>, tensor<2x1x2x16xf32>, tensor<2x1x2x16xf32>)
      decay(%decay : tensor<2x1x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<2x1x4xf32>)
      outs(%y0, %s : tensor<2x1x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x1x4x8xf32>, tensor<2x4x8x16xf32>
}

func.func @length_15(%x: tensor<2x15x4x8xf32> {ssd.name = "x"},
                     %b: tensor<2x15x2x16xf32> {ssd.name = "b"},
                     %c: tensor<2x15x2x16xf32> {ssd.name = "c"},
                     %decay: tensor<2x15x4xf32> {ssd.name = "decay"},
                     %rate: tensor<4xf32> {ssd.name = "rate"},
                     %scale: tensor<2x15x4xf32> {ssd.name = "scale"},
                     %s: tensor<2x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<2x15x4x8xf32> {ssd.name = "y"},
        tensor<2x4x8x16xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<2x15x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<2x15x4x8xf32>, tensor<2x15x2x16xf32>, tensor<2x15x2x16xf32>)
      decay(%decay : tensor<2x15x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<2x15x4xf32>)
      outs(%y0, %s : tensor<2x15x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x15x4x8xf32>, tensor<2x4x8x16xf32>
}

func.func @length_16(%x: tensor<2x16x4x8xf32> {ssd.name = "x"},
                     %b: tensor<2x16x2x16xf32> {ssd.name = "b"},
                     %c: tensor<2x16x2x16xf32> {ssd.name = "c"},
                     %decay: tensor<2x16x4xf32> {ssd.name = "decay"},
                     %rate: tensor<4xf32> {ssd.name = "rate"},
                     %scale: tensor<2x16x4xf32> {ssd.name = "scale"},
                     %s: tensor<2x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<2x16x4x8xf32> {ssd.name = "y"},
        tensor<2x4x8x16xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<2x16x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<2x16x4x8xf32>, tensor<2x16x2x16xf32>, tensor<2x16x2x16xf32>)
      decay(%decay : tensor<2x16x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<2x16x4xf32>)
      outs(%y0, %s : tensor<2x16x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x16x4x8xf32>, tensor<2x4x8x16xf32>
}

func.func @length_17(%x: tensor<2x17x4x8xf32> {ssd.name = "x"},
                     %b: tensor<2x17x2x16xf32> {ssd.name = "b"},
                     %c: tensor<2x17x2x16xf32> {ssd.name = "c"},
                     %decay: tensor<2x17x4xf32> {ssd.name = "decay"},
                     %rate: tensor<4xf32> {ssd.name = "rate"},
                     %scale: tensor<2x17x4xf32> {ssd.name = "scale"},
                     %s: tensor<2x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<2x17x4x8xf32> {ssd.name = "y"},
        tensor<2x4x8x16xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<2x17x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<2x17x4x8xf32>, tensor<2x17x2x16xf32>, tensor<2x17x2x16xf32>)
      decay(%decay : tensor<2x17x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<2x17x4xf32>)
      outs(%y0, %s : tensor<2x17x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x17x4x8xf32>, tensor<2x4x8x16xf32>
}

func.func @length_160(%x: tensor<2x160x4x8xf32> {ssd.name = "x"},
                      %b: tensor<2x160x2x16xf32> {ssd.name = "b"},
                      %c: tensor<2x160x2x16xf32> {ssd.name = "c"},
                      %decay: tensor<2x160x4xf32> {ssd.name = "decay"},
                      %rate: tensor<4xf32> {ssd.name = "rate"},
                      %scale: tensor<2x160x4xf32> {ssd.name = "scale"},
                      %s: tensor<2x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<2x160x4x8xf32> {ssd.name = "y"},
        tensor<2x4x8x16xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<2x160x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<2x160x4x8xf32>, tensor<2x160x2x16xf32>, tensor<2x160x2x16xf32>)
      decay(%decay : tensor<2x160x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<2x160x4xf32>)
      outs(%y0, %s : tensor<2x160x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x160x4x8xf32>, tensor<2x4x8x16xf32>
}

func.func @length_307(%x: tensor<2x307x4x8xf32> {ssd.name = "x"},
                      %b: tensor<2x307x2x16xf32> {ssd.name = "b"},
                      %c: tensor<2x307x2x16xf32> {ssd.name = "c"},
                      %decay: tensor<2x307x4xf32> {ssd.name = "decay"},
                      %rate: tensor<4xf32> {ssd.name = "rate"},
                      %scale: tensor<2x307x4xf32> {ssd.name = "scale"},
                      %s: tensor<2x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<2x307x4x8xf32> {ssd.name = "y"},
        tensor<2x4x8x16xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<2x307x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<2x307x4x8xf32>, tensor<2x307x2x16xf32>, tensor<2x307x2x16xf32>)
      decay(%decay : tensor<2x307x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<2x307x4xf32>)
      outs(%y0, %s : tensor<2x307x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x307x4x8xf32>, tensor<2x4x8x16xf32>
}

func.func @head_dim_24(%x: tensor<1x37x3x24xf32> {ssd.name = "x"},
                       %b: tensor<1x37x1x20xf32> {ssd.name = "b"},
                       %c: tensor<1x37x1x20xf32> {ssd.name = "c"},
                       %decay: tensor<1x37x3xf32> {ssd.name = "decay"},
                       %rate: tensor<3xf32> {ssd.name = "rate"},
                       %scale: tensor<1x37x3xf32> {ssd.name = "scale"},
                       %s: tensor<1x3x24x20xf32> {ssd.name = "state0"})
    -> (tensor<1x37x3x24xf32> {ssd.name = "y"},
        tensor<1x3x24x20xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<1x37x3x24xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<1x37x3x24xf32>, tensor<1x37x1x20xf32>, tensor<1x37x1x20xf32>)
      decay(%decay : tensor<1x37x3xf32>) rate(%rate : tensor<3xf32>) scale(%scale : tensor<1x37x3xf32>)
      outs(%y0, %s : tensor<1x37x3x24xf32>, tensor<1x3x24x20xf32>)
  return %0#0, %0#1 : tensor<1x37x3x24xf32>, tensor<1x3x24x20xf32>
}

func.func @group_per_head(%x: tensor<1x37x5x80xf32> {ssd.name = "x"},
                          %b: tensor<1x37x5x64xf32> {ssd.name = "b"},
                          %c: tensor<1x37x5x64xf32> {ssd.name = "c"},
                          %decay: tensor<1x37x5xf32> {ssd.name = "decay"},
                          %s: tensor<1x5x80x64xf32> {ssd.name = "state0"})
    -> (tensor<1x37x5x80xf32> {ssd.name = "y"},
        tensor<1x5x80x64xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<1x37x5x80xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<1x37x5x80xf32>, tensor<1x37x5x64xf32>, tensor<1x37x5x64xf32>)
      decay(%decay : tensor<1x37x5xf32>)
      outs(%y0, %s : tensor<1x37x5x80xf32>, tensor<1x5x80x64xf32>)
  return %0#0, %0#1 : tensor<1x37x5x80xf32>, tensor<1x5x80x64xf32>
}

func.func @no_batch(%x: tensor<0x17x4x8xf32> {ssd.name = "x"},
                    %b: tensor<0x17x2x16xf32> {ssd.name = "b"},
                    %c: tensor<0x17x2x16xf32> {ssd.name = "c"},
                    %decay: tensor<0x17x4xf32> {ssd.name = "decay"},
                    %rate: tensor<4xf32> {ssd.name = "rate"},
                    %scale: tensor<0x17x4xf32> {ssd.name = "scale"},
                    %s: tensor<0x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<0x17x4x8xf32> {ssd.name = "y"},
        tensor<0x4x8x16xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<0x17x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<0x17x4x8xf32>, tensor<0x17x2x16xf32>, tensor<0x17x2x16xf32>)
      decay(%decay : tensor<0x17x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<0x17x4xf32>)
      outs(%y0, %s : tensor<0x17x4x8xf32>, tensor<0x4x8x16xf32>)
  return %0#0, %0#1 : tensor<0x17x4x8xf32>, tensor<0x4x8x16xf32>
}

func.func @linear_attention(%x: tensor<1x131x2x8xf32> {ssd.name = "x"},
                            %b: tensor<1x131x1x16xf32> {ssd.name = "b"},
                            %c: tensor<1x131x1x16xf32> {ssd.name = "c"},
                            %s: tensor<1x2x8x16xf32> {ssd.name = "state0"})
    -> (tensor<1x131x2x8xf32> {ssd.name = "y"},
        tensor<1x2x8x16xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<1x131x2x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<1x131x2x8xf32>, tensor<1x131x1x16xf32>, tensor<1x131x1x16xf32>)
      outs(%y0, %s : tensor<1x131x2x8xf32>, tensor<1x2x8x16xf32>)
  return %0#0, %0#1 : tensor<1x131x2x8xf32>, tensor<1x2x8x16xf32>
}

func.func @segments(%x: tensor<2x37x4x8xf32> {ssd.name = "x"},
                    %b: tensor<2x37x2x16xf32> {ssd.name = "b"},
                    %c: tensor<2x37x2x16xf32> {ssd.name = "c"},
                    %decay: tensor<2x37x4xf32> {ssd.name = "decay"},
                    %rate: tensor<4xf32> {ssd.name = "rate"},
                    %scale: tensor<2x37x4xf32> {ssd.name = "scale"},
                    %ids: tensor<2x37xi32> {ssd.name = "segment_ids"},
                    %s: tensor<2x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<2x37x4x8xf32> {ssd.name = "y"},
        tensor<2x4x8x16xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<2x37x4x8xf32>
  %0:2 = ssd.mix {form = #form}
      ins(%x, %b, %c : tensor<2x37x4x8xf32>, tensor<2x37x2x16xf32>, tensor<2x37x2x16xf32>)
      decay(%decay : tensor<2x37x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<2x37x4xf32>) segment_ids(%ids : tensor<2x37xi32>)
      outs(%y0, %s : tensor<2x37x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x37x4x8xf32>, tensor<2x4x8x16xf32>
}

func.func @one_token_of_a_segment(%x: tensor<2x1x4x8xf32> {ssd.name = "x"},
                                  %b: tensor<2x1x2x16xf32> {ssd.name = "b"},
                                  %c: tensor<2x1x2x16xf32> {ssd.name = "c"},
                                  %decay: tensor<2x1x4xf32> {ssd.name = "decay"},
                                  %rate: tensor<4xf32> {ssd.name = "rate"},
                                  %scale: tensor<2x1x4xf32> {ssd.name = "scale"},
                                  %ids: tensor<2x2xi32> {ssd.name = "segment_ids"},
                                  %s: tensor<2x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<2x1x4x8xf32> {ssd.name = "y"},
        tensor<2x4x8x16xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<2x1x4x8xf32>
  %0:2 = ssd.mix {form = #form, leading_segment}
      ins(%x, %b, %c : tensor<2x1x4x8xf32>, tensor<2x1x2x16xf32>, tensor<2x1x2x16xf32>)
      decay(%decay : tensor<2x1x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<2x1x4xf32>) segment_ids(%ids : tensor<2x2xi32>)
      outs(%y0, %s : tensor<2x1x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x1x4x8xf32>, tensor<2x4x8x16xf32>
}
