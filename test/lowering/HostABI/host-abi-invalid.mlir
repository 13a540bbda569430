// RUN: ssd-opt %s --ssd-host-abi -split-input-file -verify-diagnostics

// expected-error @below {{passes a value of type 'index' ('arg0'); entries take and return ranked tensors}}
func.func @scalar(%n: index) {
  return
}

// -----

// expected-error @below {{is the state 's', but no argument is}}
func.func @no_argument(%x: tensor<4xf32>) -> (tensor<4xf32> {ssd.state = "s"}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{state 's' of entry 'retyped' comes as 'tensor<4xf32>' and leaves as 'tensor<5xf32>'}}
func.func @retyped(%s: tensor<4xf32> {ssd.state = "s"}, %x: tensor<5xf32>)
    -> (tensor<5xf32> {ssd.state = "s"}) {
  return %x : tensor<5xf32>
}

// -----

// expected-error @below {{two arguments of entry 'same_state' are the state 's'}}
func.func @same_state(%a: tensor<4xf32> {ssd.state = "s"},
                      %b: tensor<4xf32> {ssd.state = "s"}) {
  return
}

// -----

// expected-error @below {{two results of entry 'twice' are the state 's'}}
func.func @twice(%a: tensor<4xf32> {ssd.state = "s"})
    -> (tensor<4xf32> {ssd.state = "s"}, tensor<4xf32> {ssd.state = "s"}) {
  return %a, %a : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @below {{'arg0' of entry 'dims' has 1 dimensions, but ssd.dims names 2}}
func.func @dims(%a: tensor<?xf32> {ssd.dims = ["B", "L"]}) {
  return
}

// -----

// expected-error @below {{two arguments of entry 'same_name' are named 'x'}}
func.func @same_name(%a: tensor<4xf32> {ssd.name = "x"},
                     %b: tensor<4xf32> {ssd.name = "x"}) {
  return
}

// -----

// expected-error @below {{argument 0 of entry 'both' is both a parameter and a state}}
func.func @both(%a: tensor<4xf32> {ssd.param = "w", ssd.state = "s"}) {
  return
}
