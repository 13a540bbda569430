// --kernel is an attribute on every mixer, which survives to the kernels.
// RUN: rm -rf %t.stages
// RUN: ssd-compile %s -o %t.so --target=sm_80 --kernel=chunked_portable --dump-stages=%t.stages
// RUN: cat %t.stages/*choose-decomposition* | FileCheck %s --check-prefix=CHOSEN
// RUN: cat %t.stages/*bufferize* | FileCheck %s --check-prefix=CHOSEN
// RUN: ssd-compile --describe %t.so | FileCheck %s
// RUN: ssd-compile %s -o %t.so --target=sm_80 --kernel=recurrent
// RUN: ssd-compile --describe %t.so | FileCheck %s --check-prefix=PLAIN
// RUN: not ssd-compile %s -o %t.none.so --target=sm_80 --kernel=chunked 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not ssd-compile %s -o %t.none.so --target=sm_80 --kernel=fast 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not ssd-compile %s -o %t.none.so --kernel=recurrent 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not ls %t.none.so

// CHOSEN: ssd.mix {hopper.kernel = "chunked_portable"} ins

// CHECK: "form": "step",
// CHECK-NEXT: "why_not": "the attribute hopper.kernel asks for chunked_portable"
// CHECK: "form": "chunked_portable\nrecurrent"
// CHECK: "why": "the attribute hopper.kernel asks for it, or the first of these that can run"
// CHECK: "kernels"
// CHECK: "name": "ssd_chunked_portable_0"
// CHECK: "name": "ssd_recurrent_1"

// PLAIN: "kernels"
// PLAIN: "name": "ssd_recurrent_0"
// PLAIN-NOT: "name": "ssd_

// CHIP: kernel.mlir:[[#@LINE+15]]:{{[0-9]+}}: error: the kernel 'chunked', which the attribute hopper.kernel asks for, does not compute this: it needs sm_90a; kernels are step, chunked, chunked_single, chunked_portable and recurrent
// UNKNOWN: error: there is no kernel 'fast'; kernels are step, chunked, chunked_single, chunked_portable and recurrent
// CPU: --kernel=recurrent names a kernel of GPUs; the target 'cpu' is a CPU

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
