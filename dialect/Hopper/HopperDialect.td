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
    maps as kernel parameters, to several blocks of a cluster at once. Every op lowers
    locally (`convert-hopper-to-nvvm`), and all but those of tensor maps and clusters
    also to what every chip since Ampere has.

    Execution model. A kernel is a `gpu.func` of whole warpgroups (4 warps, 128
    threads). Ops on fragments are executed by all threads of one warpgroup
    together; a fragment is distributed over them as wgmma distributes its
    accumulator. Ring and TMA ops are executed by the threads that reach them
    (see `hopper.elect`). Shared memory is addressed by static byte offsets
    from the base of dynamic shared memory, which is 1024-byte aligned.

    Clusters, Hopper's only. `known_cluster_size` on a kernel, the `gpu` dialect's
    attribute, says how many consecutive blocks of the grid run at the same time and
    reach each other's shared memory: `array<i32: n, 1, 1>`, n up to 16, and up to 8
    on every Hopper. It becomes `.reqnctapercluster` and the cluster that the runtime
    launches with; the blocks of a launch are a multiple of n. A ring that
    `hopper.tma_load` fills in several blocks at once is one ring of each of them, at
    the same offset: every block expects the bytes that land in its own shared memory,
    and its consumers release a stage to every block that sends to it, so that a
    ring's consumers are those of all blocks that its block sends to.
    `hopper.cluster_barrier` comes after `hopper.init_rings`, and last in the kernel: no
    block ends while others still write to its shared memory.

    ```mlir
    gpu.func @both(%map: !hopper.tensor_map<1x64x1x64xbf16>) kernel
        attributes {known_block_size = array<i32: 128, 1, 1>, known_cluster_size = array<i32: 2, 1, 1>} {
      %zero = arith.constant 0 : i32
      %one = arith.constant 1 : i32
      %all = arith.constant 3 : i16
      %tiles = hopper.alloc 0 : !hopper.shared<2x64x64xbf16>
      %ring = hopper.ring 16384 producers 1 consumers 8 : !hopper.ring<1>
      hopper.init_rings %ring : !hopper.ring<1>
      hopper.cluster_barrier
      %cursor = hopper.cursor : !hopper.cursor<1>
      %rank = hopper.cluster_rank
      %mine = hopper.slice %tiles[%rank] : !hopper.shared<2x64x64xbf16>, i32 to !hopper.shared<64x64xbf16>
      hopper.elect by warpgroup {
        hopper.acquire %ring[%cursor] : !hopper.ring<1>
        hopper.expect %ring[%cursor], 16384 : !hopper.ring<1>
        hopper.tma_load %map[%rank, %zero, %zero, %zero] to %mine, %ring[%cursor] cache normal multicast %all
            : !hopper.tensor_map<1x64x1x64xbf16>, !hopper.shared<64x64xbf16>, !hopper.ring<1>
      }
      hopper.wait %ring[%cursor] : !hopper.ring<1>
      // Both tiles are here.
      hopper.release %ring[%cursor] by warp to %zero : !hopper.ring<1>
      hopper.release %ring[%cursor] by warp to %one : !hopper.ring<1>
      hopper.cluster_barrier
      gpu.return
    }
    ```

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

    `hopper.stages` beside it sets the stages of the chunked kernels' rings, where
    otherwise as many are taken as shared memory has room for:

    ```mlir
    ssd.mix {hopper.stages = #hopper.stages<maps = 2, x = 2, tables = 4, scores = 2, y = 2>}
        ins(%x, %b, %c : ...) outs(%y, %s : ...)
    ```

    A chunked kernel without room for them, or that needs more, does not compute the
    mixer; `convert-ssd-to-hopper` refuses the mixer if none of them does.

    `hopper.shared_bytes` on a kernel: its bytes of dynamic shared memory.

    Errors: (KERN1) `hopper.kernel` is a string; (KERN2) it and `hopper.stages` are on
    `ssd.mix` or `ssd.step`, on no function's argument or result; (KERN3)
    `hopper.stages` is a `#hopper.stages`.
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
    /// The stages of its rings (on ssd.mix).
    static constexpr ::llvm::StringLiteral kStagesAttr = "hopper.stages";
  }];
}

class Hopper_Type<string name, string mnemonic_, list<Trait> traits = []>
    : TypeDef<Hopper_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

class Hopper_Op<string mnemonic, list<Trait> traits = []>
    : Op<Hopper_Dialect, mnemonic, traits>;

#endif // HOPPER_DIALECT
