// RUN: ssd-opt %s --ssd-host-abi | FileCheck %s

// Inputs, states and parameters keep their order; outputs follow.
// CHECK-LABEL: func.func @step(
// CHECK-SAME:    %[[X:.*]]: memref<?x4xf32> {ssd.dims = ["B", ""], ssd.name = "x"}
// CHECK-SAME:    %[[STATE:.*]]: memref<?x4xf32> {ssd.state = "s"}
// CHECK-SAME:    %[[WEIGHT:.*]]: memref<4xf32> {ssd.param = "w"}
// CHECK-SAME:    %[[OUT:.*]]: memref<?x4xf32>)
// CHECK-SAME:  ssd.entry = {arguments = [
// CHECK-SAME:    {name = "x", role = "input", shape = array<i64: -1, 4>, type = memref<?x4xf32>}
// CHECK-SAME:    {name = "s", role = "state", shape = array<i64: -1, 4>, type = memref<?x4xf32>}
// CHECK-SAME:    {name = "w", role = "parameter", shape = array<i64: 4>, type = memref<4xf32>}
// CHECK-SAME:    {name = "result0", role = "output", shape = array<i64: -1, 4>, type = memref<?x4xf32>}
// CHECK-SAME:  mixers = "[{}]"
// CHECK-DAG:     bufferization.to_tensor %[[X]] restrict : memref
// CHECK-DAG:     %[[OLD:.*]] = bufferization.to_tensor %[[STATE]] restrict writable
// CHECK-DAG:     bufferization.to_tensor %[[WEIGHT]] restrict : memref
// CHECK:         %[[NEW:.*]] = linalg.add {{.*}} outs(%[[OLD]] :
// CHECK:         bufferization.materialize_in_destination %[[NEW]] in restrict writable %[[OUT]]
// CHECK:         bufferization.materialize_in_destination %[[NEW]] in restrict writable %[[STATE]]
// CHECK:         return{{$}}
func.func @step(%x: tensor<?x4xf32> {ssd.name = "x", ssd.dims = ["B", ""]},
                %s: tensor<?x4xf32> {ssd.state = "s"},
                %w: tensor<4xf32> {ssd.param = "w"})
    -> (tensor<?x4xf32> {ssd.dims = ["B", ""]}, tensor<?x4xf32> {ssd.state = "s"})
    attributes {ssd.mixers = "[{}]"} {
  %new = linalg.add ins(%x, %s : tensor<?x4xf32>, tensor<?x4xf32>)
                    outs(%s : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %new, %new : tensor<?x4xf32>, tensor<?x4xf32>
}

// Sizes without a name are all different; equal names are equal numbers.
// CHECK-LABEL: func.func @names
// CHECK-SAME:    {name = "ids", range = array<i64: 0, 255>, role = "input", shape = array<i64: -1, -2>
// CHECK-SAME:    {name = "arg1", role = "input", shape = array<i64: -3>
// CHECK-SAME:    {name = "arg2", role = "input", shape = array<i64: -2, 3>, strided,
// CHECK-SAME:     type = memref<?x3xbf16, strided<[?, 1], offset: ?>>}
// CHECK-SAME:    {name = "y", role = "output", shape = array<i64: -4>
func.func @names(%ids: tensor<?x?xi32> {ssd.name = "ids", ssd.dims = ["B", "L"], ssd.range = array<i64: 0, 255>},
                 %a: tensor<?xf16>,
                 %b: tensor<?x3xbf16> {ssd.dims = ["L", ""], ssd.strided})
    -> (tensor<?xf16> {ssd.name = "y"}) {
  return %a : tensor<?xf16>
}

// CHECK-LABEL: func.func private @callee(%{{.*}}: tensor<4xf32>) -> tensor<4xf32>
func.func private @callee(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// A result that splits dimensions is written where it is computed.
// CHECK-LABEL: func.func @split_rows
// CHECK-SAME:    %[[OUT:[a-z0-9]+]]: memref<?x?x8xf32>)
// CHECK:         %[[ROWS:.*]] = memref.collapse_shape %[[OUT]] {{\[}}[0, 1], [2]] : memref<?x?x8xf32> into memref<?x8xf32>
// CHECK:         %[[PRODUCT:.*]] = linalg.matmul
// CHECK:         bufferization.materialize_in_destination %[[PRODUCT]] in restrict writable %[[ROWS]]
func.func @split_rows(%ids: tensor<?x?xi32>, %x: tensor<?x4xf32>, %w: tensor<4x8xf32>) -> tensor<?x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %ids, %c0 : tensor<?x?xi32>
  %l = tensor.dim %ids, %c1 : tensor<?x?xi32>
  %zero = arith.constant 0.0 : f32
  %rows = arith.muli %b, %l : index
  %empty = tensor.empty(%rows) : tensor<?x8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %product = linalg.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x8xf32>) outs(%fill : tensor<?x8xf32>) -> tensor<?x8xf32>
  %split = tensor.expand_shape %product [[0, 1], [2]] output_shape [%b, %l, 8] : tensor<?x8xf32> into tensor<?x?x8xf32>
  return %split : tensor<?x?x8xf32>
}
