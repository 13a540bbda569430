//===- HopperDialect.td - The hopper dialect ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HOPPER_DIALECT
#define HOPPER_DIALECT

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Hopper_Dialect : Dialect {
  let name = "hopper";
  let cppNamespace = "::ssd::hopper";
  let summary = "Tiles of one thread block on NVIDIA Hopper";
  let description = [{
    What upstream `nvgpu` and `nvvm` lack for kernels that keep a recurrence in
    tensor core accumulators: register tiles whose fragment layout is part of
    their type, so that elementwise work, the next product's A operand and
    stores are the same registers; products with A in registers; rings of
    mbarriers; warp-specialised regions with register budgets; TMA with tensor
    maps as kernel parameters. Every op lowers locally (`convert-hopper-to-nvvm`),
    and all but those of tensor maps also to what every chip since Ampere has.

    Execution model. A kernel is a `gpu.func` of whole warpgroups (4 warps, 128
    threads). Ops on fragments are executed by all threads of one warpgroup
    together; a fragment is distributed over them as wgmma distributes its
    accumulator. Ring and TMA ops are executed by the threads that reach them
    (see `hopper.elect`). Shared memory is addressed by static byte offsets
    from the base of dynamic shared memory, which is 1024-byte aligned.

    Attributes. `hopper.kernel` on `ssd.mix` or `ssd.step` names the kernel that
    computes it, where otherwise estimated times choose:

    ```mlir
    ssd.mix {hopper.kernel = "chunked_single"} ins(%x, %b, %c : ...) outs(%y, %s : ...)
    ```

    | kernel | computes | chips |
    |---|---|---|
    | `step` | one token | all since Ampere |
    | `chunked` | chunks of 64 tokens, two blocks of 64 state rows a thread block | Hopper |
    | `chunked_single` | the same, one block of rows a thread block | Hopper |
    | `chunked_portable` | the same, one block of rows a thread block | all since Ampere |
    | `recurrent` | token by token, every mixer | all since Ampere |

    The others are not considered; only `recurrent` stays for what the named one
    cannot take when a call is made: tensors that are empty or not aligned, or
    another chip. `convert-ssd-to-hopper` refuses a name that there is not and a
    mixer that the named kernel does not compute. CPU targets ignore it.
    `hopper.shared_bytes` on a kernel: its bytes of dynamic shared memory.

    Errors: (KERN1) `hopper.kernel` is a string; (KERN2) it is on `ssd.mix` or
    `ssd.step`, on no function's argument or result.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerTypes();
    /// Bytes of dynamic shared memory of a kernel (on gpu.func).
    static constexpr ::llvm::StringLiteral kSharedBytesAttr = "hopper.shared_bytes";
    /// The kernel that computes a mixer (on ssd.mix and ssd.step).
    static constexpr ::llvm::StringLiteral kKernelAttr = "hopper.kernel";
  }];
}

class Hopper_Type<string name, string mnemonic_, list<Trait> traits = []>
    : TypeDef<Hopper_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

class Hopper_Op<string mnemonic, list<Trait> traits = []>
    : Op<Hopper_Dialect, mnemonic, traits>;

#endif // HOPPER_DIALECT
