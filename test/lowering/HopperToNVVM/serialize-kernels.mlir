// RUN: ssd-opt %s --ssd-serialize-kernels="chips=sm_90a ptxas=%S/Inputs/ptxas" | FileCheck %s
// RUN: ssd-opt %s --ssd-serialize-kernels="chips=sm_80,sm_120,sm_90a ptxas=%S/Inputs/ptxas" | FileCheck %s --check-prefix=CHIPS
// RUN: ssd-opt %s --ssd-serialize-kernels=ptxas=%S/Inputs/ptxas | FileCheck %s --check-prefix=OWN
// RUN: env FAKE_PTXAS=fail not ssd-opt %s --ssd-serialize-kernels="chips=sm_90a ptxas=%S/Inputs/ptxas" 2>&1 | FileCheck %s --check-prefix=FAILED
// RUN: not ssd-opt %s --ssd-serialize-kernels=ptxas=%S/none 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: ssd-opt %s --ssd-serialize-kernels=cubin=false | FileCheck %s --check-prefix=TEXT
// RUN: ssd-opt %s --ssd-serialize-kernels=cubin=false | FileCheck %s --check-prefix=TABLE

// A cubin for the chip, and the PTX of a target that is older, for later chips.
// CHECK:      gpu.binary @older
// CHECK-SAME:   chip = "sm_90a"{{.*}}bin = "assembled with -arch=sm_90a -O3
// CHECK-SAME:   chip = "sm_80"{{.*}}assembly = "{{.*}}.target sm_80
// CHECK:      gpu.binary @same
// CHECK-SAME:   bin = "assembled with -arch=sm_90a
// CHECK-NOT:    assembly

// One for each chip; what only one chip runs is assembled for no other.
// CHIPS:      gpu.binary @older
// CHIPS-SAME:   chip = "sm_80"{{.*}}bin = "assembled with -arch=sm_80 -O3
// CHIPS-SAME:   chip = "sm_120"{{.*}}bin = "assembled with -arch=sm_120 -O3
// CHIPS-SAME:   chip = "sm_90a"{{.*}}bin = "assembled with -arch=sm_90a -O3
// CHIPS-SAME:   chip = "sm_80"{{.*}}assembly = "{{.*}}.target sm_80
// CHIPS:      gpu.binary @same
// CHIPS-SAME:   bin = "assembled with -arch=sm_90a
// CHIPS-NOT:    bin =
// CHIPS-NOT:    assembly
// CHIPS:      gpu.binary @pairs

// OWN:        gpu.binary @older
// OWN-SAME:     bin = "assembled with -arch=sm_80
// OWN-SAME:     assembly
// OWN:        gpu.binary @same
// OWN-SAME:     bin = "assembled with -arch=sm_90a

// FAILED:     error: ptxas failed on kernel 'older' for sm_90a: {{.*}}line 1: no such instruction
// MISSING:    error: ptxas, the assembler of the CUDA Toolkit, is not there (looked in {{.*}}none)

// TEXT:       gpu.binary @older
// TEXT-NOT:     bin =
// TEXT-SAME:    assembly = "{{.*}}.target sm_80
// TEXT:       gpu.binary @same
// TEXT-SAME:    assembly = "{{.*}}.target sm_90a

// How a kernel is launched is listed with it.
// TABLE:      gpu.binary @older
// TABLE-SAME:   metadata = {block = array<i32: 32, 1, 1>, cluster = array<i32: 1, 1, 1>, shared_bytes = 0 : i32}
// TABLE:      gpu.binary @pairs
// TABLE-SAME:   metadata = {block = array<i32: 64, 1, 1>, cluster = array<i32: 2, 1, 1>, shared_bytes = 1024 : i32}
gpu.module @older [#nvvm.target<chip = "sm_80", features = "+ptx86">] {
  gpu.func @older(%to: !llvm.ptr<1>) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>, hopper.shared_bytes = 0 : i32} {
    gpu.return
  }
}
gpu.module @same [#nvvm.target<chip = "sm_90a", features = "+ptx86">] {
  gpu.func @same(%to: !llvm.ptr<1>) kernel
      attributes {known_block_size = array<i32: 32, 1, 1>, hopper.shared_bytes = 0 : i32} {
    gpu.return
  }
}
gpu.module @pairs [#nvvm.target<chip = "sm_90a", features = "+ptx86">] {
  gpu.func @pairs(%to: !llvm.ptr<1>) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>, known_cluster_size = array<i32: 2, 1, 1>,
                  hopper.shared_bytes = 1024 : i32} {
    gpu.return
  }
}
