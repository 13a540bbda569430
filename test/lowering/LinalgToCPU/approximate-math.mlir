// RUN: ssd-opt %s --ssd-approximate-math | FileCheck %s

// CHECK-LABEL: func @vector
// CHECK-NOT:     math.exp
// CHECK:         math.fma {{.*}} : vector<16xf32>
// CHECK:         arith.shli
// CHECK-NOT:     math.exp
func.func @vector(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp %x : vector<16xf32>
  return %0 : vector<16xf32>
}

// CHECK-LABEL: func @scalar
// CHECK-NOT:     math.log1p
// CHECK-NOT:     math.log
// CHECK-NOT:     math.tanh
// CHECK:         return
func.func @scalar(%x: f32) -> f32 {
  %0 = math.log1p %x : f32
  %1 = math.tanh %0 : f32
  return %1 : f32
}

// f64 has the library's functions.

// CHECK-LABEL: func @double
// CHECK:         math.exp %{{.*}} : f64
func.func @double(%x: f64) -> f64 {
  %0 = math.exp %x : f64
  return %0 : f64
}
