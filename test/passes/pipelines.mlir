// DEFINE: %{linalg} = FileCheck %s --implicit-check-not="{{^ *([%][^ ]+ = )?ssd[.]}}"
// DEFINE: %{cpu} = FileCheck %s --check-prefix=CPU --implicit-check-not="{{^ *([%][^ ]+ = )?(ssd|func|linalg|tensor|memref|bufferization|scf|cf|affine|arith|math|vector)[.]}}"
// RUN: ssd-opt %s --ssd-to-linalg | %{linalg}
// RUN: ssd-opt %s --ssd-to-linalg="form=recurrent" | %{linalg}
// RUN: ssd-opt %s --ssd-to-cpu | %{cpu}
// RUN: ssd-opt %s --ssd-to-cpu="form=recurrent workers=4 vector-bytes=32" | %{cpu}
// RUN: sed -e '/^.. DIAGONAL/,$d' %s | ssd-opt --ssd-to-linalg="form=chunked chunk=16" | FileCheck %s --check-prefix=FORMED --implicit-check-not="{{^ *([%][^ ]+ = )?ssd[.]}}"
// RUN: sed -e '/^.. DIAGONAL/,$d' %s | ssd-opt --ssd-to-cpu="form=quadratic" | FileCheck %s --check-prefix=FORMED --implicit-check-not="{{^ *([%][^ ]+ = )?ssd[.]}}"

// Every family goes all the way: nothing of the dialect is left on linalg,
// nothing but LLVM on the CPU.

// FORMED: @linear_attention
// FORMED: @one_token
// CHECK-LABEL: func.func @linear_attention
// CPU-LABEL:   llvm.func internal @linear_attention(
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
  %0:2 = ssd.mix
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

// CHECK-LABEL: func.func @retention
// CPU-LABEL:   llvm.func internal @retention(
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
  %0:2 = ssd.mix
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      rate(%rate : tensor<4xf32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

// CHECK-LABEL: func.func @mamba2
// CPU-LABEL:   llvm.func internal @mamba2(
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
  %0:2 = ssd.mix
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      decay(%decay : tensor<?x?x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<?x?x4xf32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

// CHECK-LABEL: func.func @bf16
// CPU-LABEL:   llvm.func internal @bf16(
func.func @bf16(%x: tensor<?x?x4x8xbf16> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                %b: tensor<?x?x2x16xbf16> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                %c: tensor<?x?x2x16xbf16> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                %decay: tensor<?x?x4xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
                %rate: tensor<4xf32> {ssd.name = "rate"},
                %scale: tensor<?x?x4xf32> {ssd.name = "scale", ssd.dims = ["B", "L", ""]},
                %s: tensor<?x4x8x16xbf16> {ssd.name = "state0", ssd.dims = ["B", "", "", ""]})
    -> (tensor<?x?x4x8xbf16> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x8x16xbf16> {ssd.name = "state", ssd.dims = ["B", "", "", ""]}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x8xbf16>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x4x8xbf16>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x8xbf16>
  %0:2 = ssd.mix
      ins(%x, %b, %c : tensor<?x?x4x8xbf16>, tensor<?x?x2x16xbf16>, tensor<?x?x2x16xbf16>)
      decay(%decay : tensor<?x?x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<?x?x4xf32>)
      outs(%y0, %s : tensor<?x?x4x8xbf16>, tensor<?x4x8x16xbf16>)
  return %0#0, %0#1 : tensor<?x?x4x8xbf16>, tensor<?x4x8x16xbf16>
}

// CHECK-LABEL: func.func @segments
// CPU-LABEL:   llvm.func internal @segments(
func.func @segments(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
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
  %0:2 = ssd.mix
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      decay(%decay : tensor<?x?x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<?x?x4xf32>) segment_ids(%ids : tensor<?x?xi32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

// CHECK-LABEL: func.func @packed
// CPU-LABEL:   llvm.func internal @packed(
func.func @packed(%x: tensor<1x?x4x8xf32> {ssd.name = "x", ssd.dims = ["", "L", "", ""]},
                  %b: tensor<1x?x2x16xf32> {ssd.name = "b", ssd.dims = ["", "L", "", ""]},
                  %c: tensor<1x?x2x16xf32> {ssd.name = "c", ssd.dims = ["", "L", "", ""]},
                  %decay: tensor<1x?x4xf32> {ssd.name = "decay", ssd.dims = ["", "L", ""]},
                  %rate: tensor<4xf32> {ssd.name = "rate"},
                  %scale: tensor<1x?x4xf32> {ssd.name = "scale", ssd.dims = ["", "L", ""]},
                  %offsets: tensor<4xi32> {ssd.name = "offsets"},
                  %s: tensor<3x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<1x?x4x8xf32> {ssd.name = "y", ssd.dims = ["", "L", "", ""]},
        tensor<3x4x8x16xf32> {ssd.name = "state"}) {
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<1x?x4x8xf32>
  %y0 = tensor.empty(%length) : tensor<1x?x4x8xf32>
  %0:2 = ssd.mix
      ins(%x, %b, %c : tensor<1x?x4x8xf32>, tensor<1x?x2x16xf32>, tensor<1x?x2x16xf32>)
      decay(%decay : tensor<1x?x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<1x?x4xf32>) offsets(%offsets : tensor<4xi32>)
      outs(%y0, %s : tensor<1x?x4x8xf32>, tensor<3x4x8x16xf32>)
  return %0#0, %0#1 : tensor<1x?x4x8xf32>, tensor<3x4x8x16xf32>
}

// CHECK-LABEL: func.func @slots
// CPU-LABEL:   llvm.func internal @slots(
func.func @slots(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                 %b: tensor<?x?x2x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                 %c: tensor<?x?x2x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                 %decay: tensor<?x?x4xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
                 %rate: tensor<4xf32> {ssd.name = "rate"},
                 %scale: tensor<?x?x4xf32> {ssd.name = "scale", ssd.dims = ["B", "L", ""]},
                 %slots: tensor<?xi32> {ssd.name = "slots", ssd.dims = ["B"]},
                 %s: tensor<7x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<?x?x4x8xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<7x4x8x16xf32> {ssd.name = "state"}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x8xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x4x8xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x8xf32>
  %0:2 = ssd.mix
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      decay(%decay : tensor<?x?x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<?x?x4xf32>) slots(%slots : tensor<?xi32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<7x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<7x4x8x16xf32>
}

// CHECK-LABEL: func.func @reverse
// CPU-LABEL:   llvm.func internal @reverse(
func.func @reverse(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
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
  %0:2 = ssd.mix {direction = #ssd<direction reverse>}
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      decay(%decay : tensor<?x?x4xf32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

// CHECK-LABEL: func.func @checkpoints
// CPU-LABEL:   llvm.func internal @checkpoints(
func.func @checkpoints(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                       %b: tensor<?x?x2x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                       %c: tensor<?x?x2x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                       %decay: tensor<?x?x4xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
                       %s: tensor<?x4x8x16xf32> {ssd.name = "state0", ssd.dims = ["B", "", "", ""]})
    -> (tensor<?x?x4x8xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x8x16xf32> {ssd.name = "state", ssd.dims = ["B", "", "", ""]},
        tensor<?x?x4x8x16xf32> {ssd.name = "checkpoints", ssd.dims = ["B", "K", "", "", ""]}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x8xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x4x8xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x8xf32>
  %every = arith.constant 8 : index
  %count = arith.divui %length, %every : index
  %k0 = tensor.empty(%batch, %count) : tensor<?x?x4x8x16xf32>
  %0:3 = ssd.mix {checkpoint_every = 8}
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      decay(%decay : tensor<?x?x4xf32>)
      outs(%y0, %s, %k0 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>, tensor<?x?x4x8x16xf32>)
  return %0#0, %0#1, %0#2 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>, tensor<?x?x4x8x16xf32>
}

// CHECK-LABEL: func.func @kept_state
// CPU-LABEL:   llvm.func internal @kept_state(
func.func @kept_state(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
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
  %0:2 = ssd.mix
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      decay(%decay : tensor<?x?x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<?x?x4xf32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

// CHECK-LABEL: func.func @one_token
// CPU-LABEL:   llvm.func internal @one_token(
func.func @one_token(%x: tensor<2x1x4x8xf32> {ssd.name = "x"},
                     %b: tensor<2x1x2x16xf32> {ssd.name = "b"},
                     %c: tensor<2x1x2x16xf32> {ssd.name = "c"},
                     %decay: tensor<2x1x4xf32> {ssd.name = "decay"},
                     %rate: tensor<4xf32> {ssd.name = "rate"},
                     %scale: tensor<2x1x4xf32> {ssd.name = "scale"},
                     %s: tensor<2x4x8x16xf32> {ssd.name = "state0"})
    -> (tensor<2x1x4x8xf32> {ssd.name = "y"},
        tensor<2x4x8x16xf32> {ssd.name = "state"}) {
  %y0 = tensor.empty() : tensor<2x1x4x8xf32>
  %0:2 = ssd.mix
      ins(%x, %b, %c : tensor<2x1x4x8xf32>, tensor<2x1x2x16xf32>, tensor<2x1x2x16xf32>)
      decay(%decay : tensor<2x1x4xf32>) rate(%rate : tensor<4xf32>) scale(%scale : tensor<2x1x4xf32>)
      outs(%y0, %s : tensor<2x1x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x1x4x8xf32>, tensor<2x4x8x16xf32>
}

// DIAGONAL decays: the recurrent form only.

// CHECK-LABEL: func.func @gla
// CPU-LABEL:   llvm.func internal @gla(
func.func @gla(%x: tensor<?x?x4x8xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
               %b: tensor<?x?x2x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
               %c: tensor<?x?x2x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
               %decay: tensor<?x?x4x16xf32> {ssd.name = "decay", ssd.dims = ["B", "L", "", ""]},
               %s: tensor<?x4x8x16xf32> {ssd.name = "state0", ssd.dims = ["B", "", "", ""]})
    -> (tensor<?x?x4x8xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x8x16xf32> {ssd.name = "state", ssd.dims = ["B", "", "", ""]}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x8xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x4x8xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x8xf32>
  %0:2 = ssd.mix
      ins(%x, %b, %c : tensor<?x?x4x8xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)
      decay(%decay : tensor<?x?x4x16xf32>)
      outs(%y0, %s : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>)
  return %0#0, %0#1 : tensor<?x?x4x8xf32>, tensor<?x4x8x16xf32>
}

// CHECK-LABEL: func.func @mamba1
// CPU-LABEL:   llvm.func internal @mamba1(
func.func @mamba1(%x: tensor<?x?x8x1xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                  %b: tensor<?x?x1x16xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                  %c: tensor<?x?x1x16xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
                  %decay: tensor<?x?x8xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
                  %rate: tensor<8x16xf32> {ssd.name = "rate"},
                  %scale: tensor<?x?x8xf32> {ssd.name = "scale", ssd.dims = ["B", "L", ""]},
                  %s: tensor<?x8x1x16xf32> {ssd.name = "state0", ssd.dims = ["B", "", "", ""]})
    -> (tensor<?x?x8x1xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x8x1x16xf32> {ssd.name = "state", ssd.dims = ["B", "", "", ""]}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x8x1xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x8x1xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x8x1xf32>
  %0:2 = ssd.mix
      ins(%x, %b, %c : tensor<?x?x8x1xf32>, tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32>)
      decay(%decay : tensor<?x?x8xf32>) rate(%rate : tensor<8x16xf32>) scale(%scale : tensor<?x?x8xf32>)
      outs(%y0, %s : tensor<?x?x8x1xf32>, tensor<?x8x1x16xf32>)
  return %0#0, %0#1 : tensor<?x?x8x1xf32>, tensor<?x8x1x16xf32>
}
