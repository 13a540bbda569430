// RUN: ssd-opt %s --ssd-host-abi --ssd-bufferize -split-input-file -verify-diagnostics

// The old state is read after the new one is written.
func.func @conflict(%x: tensor<?x4xf32>, %s: tensor<?x4xf32> {ssd.state = "layers.0.ssm"})
    -> (tensor<?x4xf32>, tensor<?x4xf32> {ssd.state = "layers.0.ssm"}) {
  // expected-note @below {{the buffer is allocated here}}
  %new = linalg.add ins(%x, %s : tensor<?x4xf32>, tensor<?x4xf32>)
                    outs(%s : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = linalg.mul ins(%new, %s : tensor<?x4xf32>, tensor<?x4xf32>)
                  outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  // expected-error @below {{copies a new buffer over the whole state 'layers.0.ssm'}}
  return %y, %new : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// The old state is an output as well.
func.func @returned(%x: tensor<4xf32>, %s: tensor<4xf32> {ssd.state = "s"})
    -> (tensor<4xf32>, tensor<4xf32> {ssd.state = "s"}) {
  // expected-note @below {{the buffer is allocated here}}
  %new = linalg.add ins(%x, %s : tensor<4xf32>, tensor<4xf32>)
                    outs(%s : tensor<4xf32>) -> tensor<4xf32>
  // expected-error @below {{copies the whole state 's'}}
  // expected-error @below {{copies a new buffer over the whole state 's'}}
  return %s, %new : tensor<4xf32>, tensor<4xf32>
}

// -----

// States are followed into callees.
func.func private @callee(%s: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{copies the whole state 's'}}
  %c = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
                       iterator_types = ["parallel"]}
      ins(%s : tensor<4xf32>) outs(%t : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<4xf32>
  return %c : tensor<4xf32>
}
func.func @follow(%s: tensor<4xf32> {ssd.state = "s"}) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %c = call @callee(%s, %e) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %c : tensor<4xf32>
}

// -----

// A row of the state may be copied.
func.func @tile(%s: tensor<4x8xf32> {ssd.state = "s"}, %i: tensor<1xf32>)
    -> (tensor<8xf32>) {
  %row = tensor.extract_slice %s[1, 0] [1, 8] [1, 1] : tensor<4x8xf32> to tensor<8xf32>
  return %row : tensor<8xf32>
}

// -----

// The window of a convolution takes the whole state in, and gives a part back.
func.func @window(%x: tensor<2x8xf32>, %s: tensor<3x8xf32> {ssd.state = "s"})
    -> (tensor<5x8xf32>, tensor<3x8xf32> {ssd.state = "s"}) {
  %e = tensor.empty() : tensor<5x8xf32>
  %w0 = tensor.insert_slice %s into %e[0, 0] [3, 8] [1, 1] : tensor<3x8xf32> into tensor<5x8xf32>
  %w1 = tensor.insert_slice %x into %w0[3, 0] [2, 8] [1, 1] : tensor<2x8xf32> into tensor<5x8xf32>
  %last = tensor.extract_slice %w1[2, 0] [3, 8] [1, 1] : tensor<5x8xf32> to tensor<3x8xf32>
  %new = linalg.copy ins(%last : tensor<3x8xf32>) outs(%s : tensor<3x8xf32>) -> tensor<3x8xf32>
  return %w1, %new : tensor<5x8xf32>, tensor<3x8xf32>
}

// -----

// What a lowering copies on purpose, it says so.
func.func @on_purpose(%s: tensor<4xf32> {ssd.state = "s"}) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %c = linalg.copy ins(%s : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %c : tensor<4xf32>
}
