// Planned for more threads than there are heads, a long sequence is cut into
// parts; the number of threads that it then runs on changes nothing.
// RUN: ssd-compile %s -o %t.so --workers=6
// RUN: ssd-compile --describe %t.so | FileCheck %s
// RUN: ssd-run %t.so --check=ssd-mix --threads=1 --output y=%t.1.npy
// RUN: ssd-run %t.so --check=ssd-mix --threads=3 --output y=%t.3.npy
// RUN: cmp %t.1.npy %t.3.npy
// RUN: ssd-compile %s -o %t.so
// RUN: ssd-compile --describe %t.so | FileCheck %s --check-prefix=ONE

// CHECK: "form": "#ssd.chunked<chunk = {{[0-9]+}}, parts = 3>"
// ONE: "form": "#ssd.chunked<chunk = {{[0-9]+}}>"
func.func @few_heads(
    %x: tensor<1x8192x2x64xf32> {ssd.name = "x"}, %b: tensor<1x8192x1x64xf32> {ssd.name = "b"},
    %c: tensor<1x8192x1x64xf32> {ssd.name = "c"}, %y: tensor<1x8192x2x64xf32>,
    %s: tensor<1x2x64x64xf32> {ssd.state = "state"})
    -> (tensor<1x8192x2x64xf32> {ssd.name = "y"}, tensor<1x2x64x64xf32> {ssd.state = "state"}) {
  %0:2 = ssd.mix ins(%x, %b, %c : tensor<1x8192x2x64xf32>, tensor<1x8192x1x64xf32>, tensor<1x8192x1x64xf32>)
      outs(%y, %s : tensor<1x8192x2x64xf32>, tensor<1x2x64x64xf32>)
  return %0#0, %0#1 : tensor<1x8192x2x64xf32>, tensor<1x2x64x64xf32>
}
