// RUN: ssd-opt %s --pass-pipeline='builtin.module(gpu.module(expand-device-math))' --split-input-file --verify-diagnostics | FileCheck %s

gpu.module @functions {
  // CHECK-LABEL: func.func @silu
  // CHECK-NOT:     math.exp %
  // CHECK:         math.exp2
  // CHECK:         arith.divf %{{.*}}, %{{.*}} fastmath<afn>
  func.func @silu(%z: f32) -> f32 {
    %one = arith.constant 1.0 : f32
    %minus = arith.negf %z : f32
    %power = math.exp %minus : f32
    %sum = arith.addf %power, %one : f32
    %r = arith.divf %z, %sum : f32
    return %r : f32
  }

  // CHECK-LABEL: func.func @polynomials
  // CHECK-NOT:     math.{{tanh|erf|log|rsqrt}}
  // CHECK:         return
  func.func @polynomials(%z: f32) -> f32 {
    %0 = math.tanh %z : f32
    %1 = math.erf %0 : f32
    %2 = math.log %1 : f32
    %3 = math.rsqrt %2 : f32
    return %3 : f32
  }
}

// -----

gpu.module @unknown {
  func.func @integer_power(%z: i32) -> i32 {
    // expected-error @below {{no GPU code for this function}}
    %0 = math.ipowi %z, %z : i32
    return %0 : i32
  }
}
