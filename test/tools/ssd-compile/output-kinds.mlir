// RUN: ssd-compile %s -o - --emit=mlir --target=x86-64-v4 | FileCheck %s --check-prefix=MLIR
// MLIR: llvm.func internal @scale.entry(

// RUN: ssd-compile - -o - --emit=llvm --target=x86-64-v4 < %s | FileCheck %s --check-prefix=LLVM
// LLVM: target triple = "x86_64-unknown-linux-gnu"
// LLVM: @ssd.note = private constant {{.*}} section ".note.ssd-mlir", align 4
// LLVM: define internal {{.*}}i32 @scale.entry(
// LLVM: define {{.*}}ptr @ssd_artifact_query(i32
// LLVM: "prefer-vector-width"="512"
// LLVM-SAME: "target-cpu"="x86-64-v4"

// RUN: rm -rf %t && ssd-compile %s -o %t.so --dump-stages=%t --progress 2>&1 | FileCheck %s --check-prefix=PROGRESS
// PROGRESS:      [1/[[TOTAL:[0-9]+]]] read {{[0-9.]+}} s
// PROGRESS:      ] host-abi {{[0-9.]+}} s
// PROGRESS:      [[[TOTAL]]/[[TOTAL]]] link {{[0-9.]+}} s
// RUN: ls %t | FileCheck %s --check-prefix=STAGES
// STAGES:      00-input.mlir
// STAGES:      {{[0-9]+}}-host-abi.mlir
// STAGES:      {{[0-9]+}}-entry-points.mlir

func.func @scale(%x: tensor<16xf32>) -> tensor<16xf32> {
  %e = tensor.empty() : tensor<16xf32>
  %y = linalg.add ins(%x, %x : tensor<16xf32>, tensor<16xf32>) outs(%e : tensor<16xf32>) -> tensor<16xf32>
  return %y : tensor<16xf32>
}
