// Portable kernels need no assembler: their PTX is in the artifact.
// RUN: ssd-compile %s -o %t.so --target=sm_80
// RUN: ssd-compile --describe %t.so | FileCheck %s
// RUN: not ssd-compile %s -o %t.none.so --target=sm_75 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not ls %t.none.so

// CHECK: "name": "scan"
// CHECK: "device": "cuda"
// What was considered for each mixer; which kernel runs, calls decide.
// CHECK: "mixers": [
// CHECK: "form": "step",
// CHECK-NEXT: "why_not": "the length is not known to be 1"
// CHECK: "form": "chunked_portable",
// CHECK-NEXT: "time_us": {{[0-9.]+}}
// CHECK: "entry": "scan"
// CHECK: "location": "{{.*}}gpu.mlir:[[#@LINE+17]]:{{[0-9]+}}"
// CHECK: "kernels"
// CHECK: "name": "ssd_chunked_portable_{{[0-9]+}}"
// CHECK: "name": "ssd_recurrent_{{[0-9]+}}"
// TARGET: unknown GPU target 'sm_75'; targets are sm_90a (Hopper), sm_80 (portable: Ampere and later) and, with portable kernels assembled for the chip, sm_86, sm_87, sm_88, sm_89, sm_90, sm_100, sm_103, sm_110, sm_120, sm_121; or several of them with commas in between

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
