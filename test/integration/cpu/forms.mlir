// The forms as ssd-compile's option chooses them.
// RUN: ssd-compile %s -o %t.recurrent.so --form=recurrent
// RUN: ssd-compile %s -o %t.chunked.so --form=chunked
// RUN: ssd-compile %s -o %t.quadratic.so --form=quadratic
// RUN: ssd-compile %s -o %t.auto.so --form=auto
// RUN: ssd-run %t.recurrent.so --entry=mix --check=ssd-mix --dim 0=2 --dim 1=997
// RUN: ssd-run %t.chunked.so --entry=mix --check=ssd-mix --dim 0=2 --dim 1=997
// RUN: ssd-run %t.quadratic.so --entry=mix --check=ssd-mix --dim 0=2 --dim 1=997
// RUN: ssd-run %t.auto.so --entry=mix --check=ssd-mix --dim 0=2 --dim 1=1
// RUN: ssd-run %t.auto.so --entry=mix --check=ssd-mix --dim 0=2 --dim 1=997 | FileCheck %s
// CHECK: check y: RMS error ratio {{.*}}: passed
// CHECK: check state: RMS error ratio {{.*}}: passed

func.func @mix(%x: tensor<?x?x8x64xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
               %b: tensor<?x?x2x64xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
               %c: tensor<?x?x2x64xf32> {ssd.name = "c", ssd.dims = ["B", "L", "", ""]},
               %decay: tensor<?x?x8xf32> {ssd.name = "decay", ssd.dims = ["B", "L", ""]},
               %rate: tensor<8xf32> {ssd.name = "rate"},
               %scale: tensor<?x?x8xf32> {ssd.name = "scale", ssd.dims = ["B", "L", ""]},
               %s: tensor<?x8x64x64xf32> {ssd.name = "state0", ssd.dims = ["B", "", "", ""]})
    -> (tensor<?x?x8x64xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x8x64x64xf32> {ssd.name = "state", ssd.dims = ["B", "", "", ""]}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x8x64xf32>
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<?x?x8x64xf32>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x8x64xf32>
  %0:2 = ssd.mix
      ins(%x, %b, %c : tensor<?x?x8x64xf32>, tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>)
      decay(%decay : tensor<?x?x8xf32>) rate(%rate : tensor<8xf32>) scale(%scale : tensor<?x?x8xf32>)
      outs(%y0, %s : tensor<?x?x8x64xf32>, tensor<?x8x64x64xf32>)
  return %0#0, %0#1 : tensor<?x?x8x64xf32>, tensor<?x8x64x64xf32>
}
