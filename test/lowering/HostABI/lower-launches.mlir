// RUN: ssd-opt %s -ssd-lower-launches | FileCheck %s

// Calls go through context->api; a kernel's number is its binary's position.

module attributes {gpu.container_module} {

gpu.binary @other [#gpu.object<#nvvm.target<chip = "sm_90a">, bin = "">]
gpu.binary @scan [#gpu.object<#nvvm.target<chip = "sm_90a">, bin = "">]

// CHECK-LABEL: func @launch
// CHECK-SAME: %[[X:.*]]: memref<?x8xbf16>, %{{.*}}: memref<?xi8>, %[[CTX:.*]]: !llvm.ptr)
// CHECK: %[[PARAMS:.*]] = llvm.alloca %{{.*}} x !llvm.ptr
// CHECK: %[[SIZE:.*]] = arith.constant 128 : i64
// CHECK-NEXT: %[[MAP:.*]] = llvm.alloca %[[SIZE]] x i8 {alignment = 64 : i64}
// type: bf16 is code 4 with 16 bits, 1 lane
// CHECK: %[[TYPE:.*]] = arith.constant 69636 : i32
// CHECK: %[[RANK:.*]] = arith.constant 2 : i32
// CHECK: %[[API:.*]] = llvm.load %[[CTX]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[FIELD:.*]] = llvm.getelementptr %[[API]][5]
// CHECK: %[[ENCODE:.*]] = llvm.load %[[FIELD]]
// CHECK: llvm.call %[[ENCODE]](%[[CTX]], %[[MAP]], %[[TYPE]], %[[RANK]],
// CHECK: llvm.getelementptr %{{.*}}[2]
// CHECK: llvm.call %{{.*}}(%[[CTX]], %{{.*}}, %{{.*}}, %{{.*}}, %[[PARAMS]]) : !llvm.ptr, (!llvm.ptr, i32, i64, i32, !llvm.ptr) -> ()
// CHECK-NOT: gpu.launch_func
func.func @launch(%x: memref<?x8xbf16>, %w: memref<?xi8>, %context: !llvm.ptr) attributes {ssd.planned} {
  %one = arith.constant 1 : index
  %threads = arith.constant 128 : index
  %length = arith.constant 7 : i32
  %map = hopper.encode_tensor_map %x : memref<?x8xbf16> to !hopper.tensor_map<64x64xbf16>
  gpu.launch_func @scan::@scan blocks in (%one, %one, %one) threads in (%threads, %one, %one)
      args(%map : !hopper.tensor_map<64x64xbf16>, %length : i32)
  return
}

// CHECK-LABEL: func @choose
// CHECK: llvm.getelementptr %{{.*}}[6]
// CHECK: %[[HAS:.*]] = llvm.call %{{.*}}(%{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, i32) -> i32
// CHECK: arith.cmpi ne, %[[HAS]]
// CHECK: llvm.getelementptr %{{.*}}[7]
// CHECK: %[[COUNT:.*]] = llvm.call %{{.*}}(%{{.*}}) : !llvm.ptr, (!llvm.ptr) -> i32
// CHECK: arith.index_cast %[[COUNT]]
func.func @choose(%w: memref<?xi8>, %context: !llvm.ptr) -> (i1, index) attributes {ssd.planned} {
  %has = hopper.has_kernel @other::@other
  %count = hopper.multiprocessors
  return %has, %count : i1, index
}

// CHECK-LABEL: func @memory
// CHECK: llvm.getelementptr %{{.*}}[3]
// CHECK: llvm.call %{{.*}} : !llvm.ptr, (!llvm.ptr, !llvm.ptr, i64) -> ()
// CHECK: llvm.getelementptr %{{.*}}[4]
// CHECK: llvm.call %{{.*}} : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64) -> ()
func.func @memory(%a: memref<?x4xf32>, %b: memref<?x4xf32>, %w: memref<?xi8>, %context: !llvm.ptr) attributes {ssd.planned} {
  hopper.clear %a : memref<?x4xf32>
  memref.copy %a, %b : memref<?x4xf32> to memref<?x4xf32>
  return
}

}
