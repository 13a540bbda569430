// What no kernel computes is refused by name, and nothing is written.
// RUN: not ssd-compile %s -o %t.so --target=sm_80 2>&1 | FileCheck %s
// RUN: not ls %t.so

// CHECK: gpu-unsupported.mlir:[[#@LINE+4]]:{{.*}}: error: 'ssd.rms_norm' has no GPU kernel here: only what ssd-fuse fuses with an ssd.mix or ssd.step runs on a GPU
func.func @norm(%x: tensor<8x64xf32>, %w: tensor<64xf32>) -> tensor<8x64xf32> {
  %e = tensor.empty() : tensor<8x64xf32>
  // The op below.
  %y = ssd.rms_norm {epsilon = 1.0e-5 : f32} ins(%x, %w : tensor<8x64xf32>, tensor<64xf32>) outs(%e : tensor<8x64xf32>)
  return %y : tensor<8x64xf32>
}
