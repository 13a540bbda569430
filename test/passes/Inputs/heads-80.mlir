func.func @mix(%x: tensor<1x?x80x64xbf16>, %b: tensor<1x?x1x128xbf16>, %y0: tensor<1x?x80x64xbf16>,
               %s0: tensor<1x80x64x128xf32>) -> (tensor<1x?x80x64xbf16>, tensor<1x80x64x128xf32>) {
  %y, %s = ssd.mix ins(%x, %b, %b : tensor<1x?x80x64xbf16>, tensor<1x?x1x128xbf16>, tensor<1x?x1x128xbf16>)
      outs(%y0, %s0 : tensor<1x?x80x64xbf16>, tensor<1x80x64x128xf32>)
  return %y, %s : tensor<1x?x80x64xbf16>, tensor<1x80x64x128xf32>
}
