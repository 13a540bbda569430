// One artifact for several chips; ptxas is a stand-in here.
// RUN: rm -rf %t && mkdir -p %t/bin && cp %S/../../lowering/HopperToNVVM/Inputs/ptxas %t/bin
// RUN: env CUDA_HOME=%t ssd-compile %s -o %t/list.so --target=sm_80,sm_86,sm_90a,sm_86
// RUN: ssd-compile --describe %t/list.so | FileCheck %s
// RUN: env CUDA_HOME=%t ssd-compile %s -o %t/one.so --target=sm_120
// RUN: ssd-compile --describe %t/one.so | FileCheck %s --check-prefix=ONE
// All that there are.
// RUN: env CUDA_HOME=%t ssd-compile %s -o %t/all.so --target="sm_80, sm_86, sm_87, sm_88, sm_89, sm_90, sm_90a, sm_100, sm_103, sm_110, sm_120, sm_121" --kernel=recurrent
// RUN: ssd-compile --describe %t/all.so | FileCheck %s --check-prefix=ALL

// Portable code alone needs no assembler.
// RUN: env CUDA_HOME=%t FAKE_PTXAS=fail ssd-compile %s -o %t/ptx.so --target=sm_80
// RUN: ssd-compile --describe %t/ptx.so | FileCheck %s --check-prefix=PTX
// RUN: env CUDA_HOME=%t FAKE_PTXAS=fail not ssd-compile %s -o %t/none.so --target=sm_80,sm_86 2>&1 | FileCheck %s --check-prefix=FAILED

// RUN: not ssd-compile %s -o %t/none.so --target=sm_80,sm_120a 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not ssd-compile %s -o %t/none.so --target=sm_80, 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: not ls %t/none.so

// Hopper's own kernels are for Hopper; the others for each chip, and for all
// that are not there.
// CHECK: "name": "ssd_chunked_0"
// CHECK-NOT: "target"
// CHECK: "target": "sm_90a"
// CHECK-NOT: "target"
// CHECK: "name": "ssd_chunked_single_1"
// CHECK: "name": "ssd_chunked_portable_2"
// CHECK-NOT: "target"
// CHECK: "target": "sm_80"
// CHECK-NOT: "target"
// CHECK: "target": "sm_86"
// CHECK-NOT: "target"
// CHECK: "target": "sm_90a"
// CHECK-NOT: "target"
// CHECK: "target": "ptx"
// CHECK-NOT: "target"
// CHECK: "name": "ssd_recurrent_3"

// ONE: "form": "chunked",
// ONE-NEXT: "why_not": "it needs sm_90a"
// ONE: "name": "ssd_chunked_portable_0"
// ONE-NOT: "target"
// ONE: "target": "sm_120"
// ONE-NOT: "target"
// ONE: "target": "ptx"
// ONE-NOT: "target"
// ONE: "name": "ssd_recurrent_1"

// ALL: "name": "ssd_recurrent_0"
// ALL-COUNT-13: "target": "{{sm_|ptx}}

// PTX: "kernels"
// PTX: "target": "ptx"
// PTX-NOT: "target": "sm_

// FAILED: ptxas failed on kernel 'ssd_chunked_portable_0' for sm_80:
// UNKNOWN: unknown GPU target 'sm_120a'; targets are sm_90a (Hopper), sm_80 (portable: Ampere and later) and, with portable kernels assembled for the chip, sm_86, {{.*}}, sm_121; or several of them with commas in between
// EMPTY: unknown target ''; targets are cpu (this machine), {{.*}}, or a CPU and GPUs with commas in between

func.func @scan(%x: tensor<?x?x4x64xbf16> {ssd.name = "x", ssd.dims = ["B", "L", "", ""], ssd.strided},
                %b: tensor<?x?x1x128xbf16> {ssd.name = "b", ssd.dims = ["B", "L", "", ""], ssd.strided},
                %a: tensor<4xf32> {ssd.name = "rate"},
                %state: tensor<?x4x64x128xf32> {ssd.state = "state"})
    -> (tensor<?x?x4x64xbf16> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x4x64x128xf32> {ssd.state = "state"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x4x64xbf16>
  %length = tensor.dim %x, %c1 : tensor<?x?x4x64xbf16>
  %y0 = tensor.empty(%batch, %length) : tensor<?x?x4x64xbf16>
  %y, %s = ssd.mix ins(%x, %b, %b : tensor<?x?x4x64xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>)
      rate(%a : tensor<4xf32>) outs(%y0, %state : tensor<?x?x4x64xbf16>, tensor<?x4x64x128xf32>)
  return %y, %s : tensor<?x?x4x64xbf16>, tensor<?x4x64x128xf32>
}
