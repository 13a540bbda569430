// RUN: ssd-compile %S/state-and-callees.mlir -o %t.so && ssd-compile --describe %t.so | FileCheck %s
// CHECK-DAG: "name": "step"
// CHECK-DAG: "layers.0.decay"
// RUN: not ssd-compile --describe %s 2>&1 | FileCheck %s --check-prefix=BAD
// BAD: is not an ELF shared object
