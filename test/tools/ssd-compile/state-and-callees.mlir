// RUN: ssd-compile %s -o %t.so && %python %S/Inputs/state_and_callees.py %t.so
// RUN: ssd-compile %s -o %t.so --target=x86-64-v3 && %python %S/Inputs/state_and_callees.py %t.so

// Two layers that are one function, states updated in place, a strided input,
// a parallel loop with memory of its own.

#id2 = affine_map<(d0, d1) -> (d0, d1)>
#bc = affine_map<(d0, d1) -> (d1)>
module attributes {ssd.metadata = "{\"model\": \"small\"}"} {
  // state = state * decay + x; y = state
  func.func private @layer(%x: tensor<?x8xf32>, %d: tensor<8xf32>, %s: tensor<?x8xf32>, %y: tensor<?x8xf32>)
      -> (tensor<?x8xf32>, tensor<?x8xf32>) attributes {no_inline} {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %x, %c0 : tensor<?x8xf32>
    %e = tensor.empty(%n) : tensor<?x8xf32>
    %t = linalg.generic {indexing_maps = [#id2, #bc, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%s, %d : tensor<?x8xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
      ^bb0(%a: f32, %b: f32, %o: f32):
        %m = arith.mulf %a, %b : f32
        linalg.yield %m : f32 } -> tensor<?x8xf32>
    %s1 = linalg.add ins(%t, %x : tensor<?x8xf32>, tensor<?x8xf32>) outs(%s : tensor<?x8xf32>) -> tensor<?x8xf32>
    %y1 = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%s1 : tensor<?x8xf32>) outs(%y : tensor<?x8xf32>) {
      ^bb0(%a: f32, %o: f32):
        %m = arith.mulf %a, %a : f32
        linalg.yield %m : f32 } -> tensor<?x8xf32>
    return %y1, %s1 : tensor<?x8xf32>, tensor<?x8xf32>
  }
  func.func @step(%x: tensor<?x8xf32> {ssd.name = "x", ssd.dims = ["B", ""], ssd.strided},
                  %d0: tensor<8xf32> {ssd.param = "layers.0.decay"},
                  %d1: tensor<8xf32> {ssd.param = "layers.1.decay"},
                  %s0: tensor<?x8xf32> {ssd.state = "layers.0.s"},
                  %s1: tensor<?x8xf32> {ssd.state = "layers.1.s"})
      -> (tensor<?x8xf32> {ssd.name = "y", ssd.dims = ["B", ""]},
          tensor<?x8xf32> {ssd.state = "layers.0.s"},
          tensor<?x8xf32> {ssd.state = "layers.1.s"}) {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %x, %c0 : tensor<?x8xf32>
    %e0 = tensor.empty(%n) : tensor<?x8xf32>
    %ex = tensor.empty(%n) : tensor<?x8xf32>
    %x2 = linalg.add ins(%x, %x : tensor<?x8xf32>, tensor<?x8xf32>) outs(%ex : tensor<?x8xf32>) -> tensor<?x8xf32>
    %y0, %n0 = func.call @layer(%x2, %d0, %s0, %e0) : (tensor<?x8xf32>, tensor<8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>)
    %e1 = tensor.empty(%n) : tensor<?x8xf32>
    %y1, %n1 = func.call @layer(%y0, %d1, %s1, %e1) : (tensor<?x8xf32>, tensor<8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>)
    // parallel: out[i] = y1[i] + i, with a scratch row
    %e2 = tensor.empty(%n) : tensor<?x8xf32>
    %r = scf.forall (%i) in (%n) shared_outs(%o = %e2) -> (tensor<?x8xf32>) {
      %row = tensor.extract_slice %y1[%i, 0] [1, 8] [1, 1] : tensor<?x8xf32> to tensor<8xf32>
      %ii = arith.index_cast %i : index to i32
      %fi = arith.sitofp %ii : i32 to f32
      %t = tensor.empty() : tensor<8xf32>
      %f = linalg.fill ins(%fi : f32) outs(%t : tensor<8xf32>) -> tensor<8xf32>
      %dst = tensor.extract_slice %o[%i, 0] [1, 8] [1, 1] : tensor<?x8xf32> to tensor<8xf32>
      %a = linalg.add ins(%row, %f : tensor<8xf32>, tensor<8xf32>) outs(%dst : tensor<8xf32>) -> tensor<8xf32>
      scf.forall.in_parallel {
        tensor.parallel_insert_slice %a into %o[%i, 0] [1, 8] [1, 1] : tensor<8xf32> into tensor<?x8xf32>
      }
    }
    return %r, %n0, %n1 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
  }
}
