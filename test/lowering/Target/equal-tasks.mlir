// RUN: ssd-compile %s -o - --emit=llvm --target=x86-64-v3 | FileCheck %s

// Two entries that compute the same share the code of their parallel loop.
// CHECK-COUNT-1: define internal void @{{.*}}task{{.*}}(
// CHECK-NOT:     define internal void @{{.*}}task{{.*}}(

func.func @first(%x: tensor<512x512xf32>) -> tensor<512x512xf32> {
  %e = tensor.empty() : tensor<512x512xf32>
  %y = linalg.exp ins(%x : tensor<512x512xf32>) outs(%e : tensor<512x512xf32>) -> tensor<512x512xf32>
  return %y : tensor<512x512xf32>
}

func.func @second(%x: tensor<512x512xf32>) -> tensor<512x512xf32> {
  %e = tensor.empty() : tensor<512x512xf32>
  %y = linalg.exp ins(%x : tensor<512x512xf32>) outs(%e : tensor<512x512xf32>) -> tensor<512x512xf32>
  return %y : tensor<512x512xf32>
}
