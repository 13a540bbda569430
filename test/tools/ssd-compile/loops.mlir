// RUN: ssd-compile %s -o %t.so && %python %S/Inputs/loops.py %t.so

// Chunks along a length that no chunk size divides, in a parallel loop over
// the batch: buffers inside of loops, with sizes that vary.
#id = affine_map<(d0) -> (d0)>
#scalar = affine_map<(d0) -> ()>

func.func @prefix_sums(%x: tensor<?x?xf32> {ssd.name = "x", ssd.dims = ["B", "L"]},
                       %s: tensor<?xf32> {ssd.state = "s"})
    -> (tensor<?x?xf32> {ssd.name = "y", ssd.dims = ["B", "L"]}, tensor<?xf32> {ssd.state = "s"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?xf32>
  %length = tensor.dim %x, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%batch, %length) : tensor<?x?xf32>
  %y, %new = scf.forall (%b) in (%batch) shared_outs(%yo = %e, %so = %s) -> (tensor<?x?xf32>, tensor<?xf32>) {
    %row = tensor.extract_slice %yo[%b, 0] [1, %length] [1, 1] : tensor<?x?xf32> to tensor<?xf32>
    %state = tensor.extract_slice %so[%b] [1] [1] : tensor<?xf32> to tensor<f32>
    %r:2 = scf.for %l = %c0 to %length step %c16 iter_args(%yc = %row, %sc = %state) -> (tensor<?xf32>, tensor<f32>) {
      %size = affine.min affine_map<(d0)[s0] -> (16, s0 - d0)>(%l)[%length]
      %xs = tensor.extract_slice %x[%b, %l] [1, %size] [1, 1] : tensor<?x?xf32> to tensor<?xf32>
      %te = tensor.empty(%size) : tensor<?xf32>
      // The squares of the chunk, in memory of their own.
      %sq = linalg.mul ins(%xs, %xs : tensor<?xf32>, tensor<?xf32>) outs(%te : tensor<?xf32>) -> tensor<?xf32>
      %init = tensor.extract %sc[] : tensor<f32>
      %ys = tensor.extract_slice %yc[%l] [%size] [1] : tensor<?xf32> to tensor<?xf32>
      %p:2 = scf.for %i = %c0 to %size step %c1 iter_args(%acc = %init, %yi = %ys) -> (f32, tensor<?xf32>) {
        %v = tensor.extract %sq[%i] : tensor<?xf32>
        %sum = arith.addf %acc, %v : f32
        %yn = tensor.insert %sum into %yi[%i] : tensor<?xf32>
        scf.yield %sum, %yn : f32, tensor<?xf32>
      }
      %sn = tensor.insert %p#0 into %sc[] : tensor<f32>
      %yn = tensor.insert_slice %p#1 into %yc[%l] [%size] [1] : tensor<?xf32> into tensor<?xf32>
      scf.yield %yn, %sn : tensor<?xf32>, tensor<f32>
    }
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %r#0 into %yo[%b, 0] [1, %length] [1, 1] : tensor<?xf32> into tensor<?x?xf32>
      tensor.parallel_insert_slice %r#1 into %so[%b] [1] [1] : tensor<f32> into tensor<?xf32>
    }
  }
  return %y, %new : tensor<?x?xf32>, tensor<?xf32>
}

// The same chunks without a parallel loop: reserved once, at their bound.
func.func @chunk_norms(%x: tensor<?xf32> {ssd.name = "x", ssd.dims = ["L"]})
    -> (tensor<f32> {ssd.name = "y"}) {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %zero = arith.constant 0.0 : f32
  %length = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty() : tensor<f32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %y = scf.for %l = %c0 to %length step %c16 iter_args(%acc = %init) -> tensor<f32> {
    %size = affine.min affine_map<(d0)[s0] -> (16, s0 - d0)>(%l)[%length]
    %xs = tensor.extract_slice %x[%l] [%size] [1] : tensor<?xf32> to tensor<?xf32>
    %te = tensor.empty(%size) : tensor<?xf32>
    %sq = linalg.mul ins(%xs, %xs : tensor<?xf32>, tensor<?xf32>) outs(%te : tensor<?xf32>) -> tensor<?xf32>
    %sum = linalg.generic {indexing_maps = [#id, #scalar], iterator_types = ["reduction"]}
        ins(%sq : tensor<?xf32>) outs(%acc : tensor<f32>) {
    ^bb0(%in: f32, %out: f32):
      %s = arith.addf %in, %out : f32
      linalg.yield %s : f32
    } -> tensor<f32>
    scf.yield %sum : tensor<f32>
  }
  return %y : tensor<f32>
}
