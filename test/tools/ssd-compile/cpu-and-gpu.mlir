// One artifact with code for a CPU and for GPUs.
// RUN: rm -rf %t && mkdir %t
// RUN: ssd-compile %s -o %t/both.so --target=x86-64-v3,sm_80 --dump-stages=%t/stages
// RUN: ssd-compile --describe %t/both.so | FileCheck %s
// RUN: ls %t/stages | FileCheck %s --check-prefix=STAGES

// The GPU's entry launches kernels of the table; kernels are compared elsewhere.
// RUN: %python %S/Inputs/launches.py %t/both.so
// Without a driver the CPU's is called, and the GPU's is refused.
// RUN: env SSD_CUDA_DRIVER=/nowhere/libcuda.so ssd-run %t/both.so --check=ssd-mix --dim d0=2 --dim d1=100
// RUN: env SSD_CUDA_DRIVER=/nowhere/libcuda.so not ssd-run %t/both.so --device=cuda --dim d0=2 --dim d1=100 2>&1 | FileCheck %s --check-prefix=DRIVER
// RUN: not ssd-run %t/both.so --device=gpu 2>&1 | FileCheck %s --check-prefix=DEVICE

// The host code of both is for the CPU that is named, and the note says so.
// RUN: ssd-compile %s -o - --emit=llvm --target=sm_80,x86-64-v4 | FileCheck %s --check-prefix=LLVM
// RUN: ssd-compile %s -o %t/v4.so --target=sm_80,x86-64-v4
// RUN: llvm-readelf --notes %t/v4.so | FileCheck %s --check-prefix=NOTE

// Options mean what they mean alone.
// RUN: ssd-compile %s -o %t/options.so --target=x86-64-v3,sm_80 --kernel=recurrent --workers=4
// RUN: ssd-compile --describe %t/options.so | FileCheck %s --check-prefix=KERNEL
// RUN: ssd-compile %s -o %t/options.so --target=x86-64-v3,sm_80 --form=recurrent
// RUN: ssd-compile --describe %t/options.so | FileCheck %s --check-prefix=FORM
// RUN: ssd-compile %s -o %t/options.so --target=x86-64-v3,sm_80 --tuning-spec=%S/../../passes/Inputs/tuning-spec.mlir

// RUN: not ssd-compile %s -o %t/none.so --target=cpu,x86-64-v3,sm_80 2>&1 | FileCheck %s --check-prefix=LEVELS
// RUN: not ssd-compile %S/gpu-unsupported.mlir -o %t/none.so --target=cpu,sm_80 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: sed 's/@scan(/@"cuda.scan"(/' %s > %t/taken.mlir && cat %s >> %t/taken.mlir
// RUN: not ssd-compile %t/taken.mlir -o %t/none.so --target=cpu,sm_80 2>&1 | FileCheck %s --check-prefix=TAKEN
// RUN: not ls %t/none.so

// CHECK:      "target": "x86-64-v3"
// CHECK:      "name": "scan"
// CHECK-NEXT: "device": "cpu"
// CHECK:      "name": "scan"
// CHECK-NEXT: "device": "cuda"
// CHECK:      "kernels"
// CHECK:      "name": "ssd_chunked_portable_0"

// STAGES: 00-input.mlir
// STAGES: {{[0-9]+}}-cpu-bufferize.mlir
// STAGES: {{[0-9]+}}-cuda-bufferize.mlir

// LLVM: define internal {{.*}}i32 @scan.entry({{.*}} #[[LEVEL:[0-9]+]]
// LLVM: define internal {{.*}}i32 @cuda.scan.entry({{.*}} #[[LEVEL]]
// LLVM: attributes #[[LEVEL]] = {{.*}}"target-cpu"="x86-64-v4"
// NOTE: 78 38 36 2d 36 34 2d 76 34 00

// KERNEL: "name": "ssd_recurrent_0"
// KERNEL-NOT: "name": "ssd_
// FORM: "form": "#ssd.recurrent"
// FORM: "name": "ssd_recurrent_0"
// FORM-NOT: "name": "ssd_

// DRIVER: This needs an NVIDIA GPU, but its driver can't be loaded: /nowhere/libcuda.so
// DEVICE: --device is cpu or cuda; found 'gpu'
// LEVELS: targets 'cpu,x86-64-v3,sm_80': an artifact has code for one CPU level; 'cpu' and 'x86-64-v3' are two
// TAKEN: the program has 'cuda.scan' of its own, which is what code for cuda is called; rename it
// REFUSED: error: 'ssd.rms_norm' has no GPU kernel here

func.func @scan(%x: tensor<?x?x4x64xbf16> {ssd.name = "x", ssd.dims = ["B", "L", "", ""], ssd.strided},
                %b: tensor<?x?x1x128xbf16> {ssd.name = "b", ssd.dims = ["B", "L", "", ""], ssd.strided},
                %c: tensor<?x?x1x128xbf16> {ssd.name = "c", ssd.dims = ["B", "L", "", ""], ssd.strided},
                %a: tensor<4xf32> {ssd.name = "rate"},
                %state: tensor<?x4x64x128xf32> {ssd.state = "state"})
    -> (tensor<?x?x4x64xbf16> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x64x128xf32> {ssd.state = "state"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x64xbf16>
  %length = tensor.dim %x, %c1 : tensor<?x?x4x64xbf16>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x64xbf16>
  %y, %s = ssd.mix ins(%x, %b, %c : tensor<?x?x4x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
      rate(%a : tensor<4xf32>)
      outs(%y0, %state : tensor<?x?x4x64xbf16>, tensor<?x4x64x128xf32>)
  return %y, %s : tensor<?x?x4x64xbf16>, tensor<?x4x64x128xf32>
}
