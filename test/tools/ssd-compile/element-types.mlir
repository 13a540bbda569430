// RUN: ssd-compile %s -o %t.so && %python %S/Inputs/element_types.py %t.so
// RUN: ssd-compile %s -o %t.so --target=x86-64-v3 && %python %S/Inputs/element_types.py %t.so

#id = affine_map<(d0) -> (d0)>
#row = affine_map<(d0, d1) -> (d0, d1)>
#one = affine_map<(d0) -> ()>

// f32 to bf16 and back has no library call on CPUs without bf16.
func.func @round(%x: tensor<?xf32> {ssd.name = "x", ssd.dims = ["N"]})
    -> (tensor<?xbf16> {ssd.name = "bf16", ssd.dims = ["N"]},
        tensor<?xf16> {ssd.name = "f16", ssd.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xbf16>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%e : tensor<?xbf16>) {
  ^bb0(%in: f32, %out: bf16):
    %r = arith.truncf %in : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?xbf16>
  %g = tensor.empty(%n) : tensor<?xf16>
  %h = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%g : tensor<?xf16>) {
  ^bb0(%in: f32, %out: f16):
    %r = arith.truncf %in : f32 to f16
    linalg.yield %r : f16
  } -> tensor<?xf16>
  return %b, %h : tensor<?xbf16>, tensor<?xf16>
}

// Scalars are tensors of rank 0; booleans are bytes.
func.func @choose(%flag: tensor<i1> {ssd.name = "flag"},
                  %a: tensor<4xi64> {ssd.name = "a", ssd.range = array<i64: -5, 5>},
                  %b: tensor<4xi8> {ssd.name = "b"})
    -> (tensor<4xi64> {ssd.name = "y"}) {
  %e = tensor.empty() : tensor<4xi64>
  %y = linalg.generic {indexing_maps = [#one, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%flag, %a, %b : tensor<i1>, tensor<4xi64>, tensor<4xi8>) outs(%e : tensor<4xi64>) {
  ^bb0(%f: i1, %p: i64, %q: i8, %out: i64):
    %w = arith.extsi %q : i8 to i64
    %r = arith.select %f, %p, %w : i64
    linalg.yield %r : i64
  } -> tensor<4xi64>
  return %y : tensor<4xi64>
}
