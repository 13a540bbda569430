//===- HopperHostOps.td - What the host does around a launch ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HOPPER_HOST_OPS
#define HOPPER_HOST_OPS

//===----------------------------------------------------------------------===//
// Host code: it surrounds `gpu.launch_func`, and `ssd-lower-launches` turns it
// into calls of the runtime.
//===----------------------------------------------------------------------===//

def Hopper_EncodeTensorMapOp : Hopper_Op<"encode_tensor_map", [Pure]> {
  let summary = "a tensor map over a buffer in device memory";
  let description = [{
    Host code. The map covers all dimensions of the memref; the result type says
    the box. Base and outer strides must be multiples of 16 bytes when it runs.

    ```mlir
    %map = hopper.encode_tensor_map %x
        : memref<?x?x8x64xbf16, strided<[?, ?, ?, 1], offset: ?>> to !hopper.tensor_map<1x64x1x64xbf16>
    ```

    Errors: (ENC1) the box has the memref's rank and element type; (ENC2) the
    memref's innermost stride is 1.
  }];
  let arguments = (ins AnyMemRef:$source);
  let results = (outs Hopper_TensorMap:$map);
  let assemblyFormat = "$source attr-dict `:` type($source) `to` qualified(type($map))";
  let hasVerifier = 1;
}

def Hopper_HasKernelOp : Hopper_Op<"has_kernel", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "whether the device of this call runs a kernel";
  let description = [{
    Host code. Kernels are compiled for some targets; a device may have none of
    them.

    ```mlir
    %ok = hopper.has_kernel @chunked::@chunked
    ```

    Errors: (HASK1) the symbol is a kernel.
  }];
  let arguments = (ins SymbolRefAttr:$kernel);
  let results = (outs I1:$result);
  let assemblyFormat = "$kernel attr-dict";
}

def Hopper_MultiprocessorsOp : Hopper_Op<"multiprocessors"> {
  let summary = "how many multiprocessors the device of this call has";
  let description = [{
    Host code.

    ```mlir
    %count = hopper.multiprocessors
    ```
  }];
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Hopper_ClearOp : Hopper_Op<"clear", [MemoryEffects<[MemWrite]>]> {
  let summary = "sets device memory to zero";
  let description = [{
    Host code; done before what is launched after it.

    ```mlir
    hopper.clear %flags : memref<?xi8>
    ```

    Errors: (CLEAR1) the memref is contiguous.
  }];
  let arguments = (ins AnyMemRef:$target);
  let assemblyFormat = "$target attr-dict `:` type($target)";
  let hasVerifier = 1;
}

#endif // HOPPER_HOST_OPS
