// A stock mlir-opt with the plugin has the dialect, its passes and pipelines;
// a CPU ignores what is for GPUs.
// Static builds have no plugin.
// RUN: plugin=$(dirname $(which ssd-opt))/../lib/SSDPlugin.so; test ! -e $plugin || (mlir-opt %s --load-dialect-plugin=$plugin --load-pass-plugin=$plugin --pass-pipeline="builtin.module(ssd-choose-decomposition{force=chunked chunk=16},ssd-normalize-mixers,ssd-decompose,convert-ssd-to-linalg,canonicalize,cse)" | FileCheck %s)
// RUN: plugin=$(dirname $(which ssd-opt))/../lib/SSDPlugin.so; test ! -e $plugin || (mlir-opt %s --load-dialect-plugin=$plugin --load-pass-plugin=$plugin --pass-pipeline="builtin.module(ssd-to-cpu{form=quadratic})" | FileCheck %s --check-prefix=CPU)

// CHECK-LABEL: func.func @mix
// CHECK:         scf.forall
// CHECK:           scf.for %{{.*}} = %c0 to %{{.*}} step %c16
// CHECK:             linalg.generic
// CHECK-NOT:     ssd.
// CPU:           llvm.func internal @mix(
// CPU-NOT:       ssd.mix
func.func @mix(%x: tensor<2x?x4x8xf32>, %b: tensor<2x?x1x16xf32>, %s: tensor<2x4x8x16xf32>)
    -> (tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>) {
  %c1 = arith.constant 1 : index
  %length = tensor.dim %x, %c1 : tensor<2x?x4x8xf32>
  %y = tensor.empty(%length) : tensor<2x?x4x8xf32>
  %0:2 = ssd.mix {hopper.kernel = "chunked"} ins(%x, %b, %b : tensor<2x?x4x8xf32>, tensor<2x?x1x16xf32>, tensor<2x?x1x16xf32>)
      outs(%y, %s : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>)
  return %0#0, %0#1 : tensor<2x?x4x8xf32>, tensor<2x4x8x16xf32>
}
