// RUN: ssd-compile %s -o %t.so --target=x86-64-v3
// RUN: llvm-readelf --dyn-syms --dynamic --notes --sections %t.so | FileCheck %s

// One symbol, no library, a note before dlopen.
// CHECK-DAG:   .note.ssd-mlir NOTE
// CHECK-NOT:   NEEDED
// CHECK:       Symbol table '.dynsym' contains 2 entries:
// CHECK:       FUNC GLOBAL DEFAULT {{.*}} ssd_artifact_query
// CHECK:       ssd-mlir
// CHECK:       description data: 02 00 00 00 78 38 36 2d 36 34 2d 76 33 00

// Linking is deterministic.
// RUN: ssd-compile %s -o %t.2.so --target=x86-64-v3 && cmp %t.so %t.2.so

func.func @scale(%x: tensor<16xf32>) -> tensor<16xf32> {
  %e = tensor.empty() : tensor<16xf32>
  %y = linalg.add ins(%x, %x : tensor<16xf32>, tensor<16xf32>) outs(%e : tensor<16xf32>) -> tensor<16xf32>
  return %y : tensor<16xf32>
}
