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
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerTypes();
    /// Bytes of dynamic shared memory of a kernel (on gpu.func).
    static constexpr ::llvm::StringLiteral kSharedBytesAttr = "hopper.shared_bytes";
  }];
}

class Hopper_Type<string name, string mnemonic_, list<Trait> traits = []>
    : TypeDef<Hopper_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

class Hopper_Op<string mnemonic, list<Trait> traits = []>
    : Op<Hopper_Dialect, mnemonic, traits>;

#endif // HOPPER_DIALECT
