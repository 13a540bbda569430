// RUN: ssd-opt %s | ssd-opt | FileCheck %s

gpu.module @scan {
  gpu.func @scan() kernel {
    gpu.return
  }
}

// CHECK-LABEL: func @host
func.func @host(%x: memref<?x8x64xbf16, strided<[?, ?, 1], offset: ?>>, %flags: memref<?xi8>) -> (i1, index) {
  // CHECK: hopper.encode_tensor_map %{{.*}} : memref<?x8x64xbf16, strided<[?, ?, 1], offset: ?>> to !hopper.tensor_map<64x1x64xbf16>
  %map = hopper.encode_tensor_map %x : memref<?x8x64xbf16, strided<[?, ?, 1], offset: ?>> to !hopper.tensor_map<64x1x64xbf16>
  // CHECK: hopper.has_kernel @scan::@scan
  %has = hopper.has_kernel @scan::@scan
  // CHECK: hopper.multiprocessors
  %count = hopper.multiprocessors
  // CHECK: hopper.clear %{{.*}} : memref<?xi8>
  hopper.clear %flags : memref<?xi8>
  return %has, %count : i1, index
}
