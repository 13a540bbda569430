//===- HopperTypes.td - Types of the hopper dialect ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HOPPER_TYPES
#define HOPPER_TYPES

include "dialect/Hopper/HopperDialect.td"

//===----------------------------------------------------------------------===//
// Enums
//===----------------------------------------------------------------------===//

class Hopper_Enum<string name, string summary, list<I32EnumCase> cases>
    : I32Enum<name, summary, cases> {
  let cppNamespace = "::ssd::hopper";
}

def Hopper_FragmentLayout : Hopper_Enum<"FragmentLayout",
    "how a warpgroup holds a tile", [
      I32EnumCase<"matrix", 0>, I32EnumCase<"rows", 1>,
      I32EnumCase<"columns", 2>]>;

def Hopper_Agent : Hopper_Enum<"Agent", "whose one elected thread arrives", [
      I32EnumCase<"thread", 0>, I32EnumCase<"warp", 1>,
      I32EnumCase<"warpgroup", 2>]>;

def Hopper_CacheHint : Hopper_Enum<"CacheHint", "L2 eviction priority", [
      I32EnumCase<"normal", 0>, I32EnumCase<"evict_first", 1>,
      I32EnumCase<"evict_last", 2>]>;

def Hopper_Order : Hopper_Enum<"Order", "order of a fragment in memory", [
      I32EnumCase<"row_major", 0>, I32EnumCase<"fragment", 1>]>;

class Hopper_EnumAttr<EnumInfo info, string mnemonic>
    : EnumAttr<Hopper_Dialect, info, mnemonic>;
def Hopper_AgentAttr : Hopper_EnumAttr<Hopper_Agent, "agent">;
def Hopper_CacheHintAttr : Hopper_EnumAttr<Hopper_CacheHint, "cache">;
def Hopper_OrderAttr : Hopper_EnumAttr<Hopper_Order, "order">;

def Hopper_StagesAttr : AttrDef<Hopper_Dialect, "Stages"> {
  let mnemonic = "stages";
  let summary = "how far the roles of a chunked kernel may be apart";
  let description = [{
    Stages of the kernel's rings, in chunks: B and C, x, decay tables, scores, and
    slots of y, which are those of a gate, too. See `hopper.stages` of the dialect.

    ```mlir
    #hopper.stages<maps = 2, x = 3, tables = 4, scores = 2, y = 2>
    ```

    Errors: (STAG1) each is 1 to 16.
  }];
  let parameters = (ins "int32_t":$maps, "int32_t":$x, "int32_t":$tables, "int32_t":$scores,
                        "int32_t":$y);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

class Hopper_ShapedType<string name, string mnemonic>
    : Hopper_Type<name, mnemonic> {
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Hopper_Fragment : Hopper_ShapedType<"Fragment", "fragment"> {
  let summary = "a register tile of one warpgroup";
  let description = [{
    `!hopper.fragment<64xNxf32>` is distributed as wgmma's accumulator: warp w
    has rows 16w to 16w+15; lane l has, in rows g = l/4 and g+8 of these, columns
    8j + 2(l mod 4) and the one after it, for every j. A thread's values are
    ordered by j, then row half, then column. `64xKxbf16` (or f16) is the same
    tile packed in pairs, which is exactly wgmma's register A operand of K/16
    steps: conversion between the two moves no data.

    `!hopper.fragment<64xf32, rows>` and `<Nxf32, columns>` hold one value per
    row or column, replicated where threads share it.

    Errors: (FRAG1) a matrix has 64 rows and columns a multiple of 8 (f32) or
    16 (others); (FRAG2) elements are f32, bf16 or f16, vectors are f32; (FRAG3) a rows
    vector has 64 elements, a columns vector a multiple of 8.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType,
                        "::ssd::hopper::FragmentLayout":$layout);
  let extraClassDeclaration = [{
    bool isMatrix() const { return getLayout() == FragmentLayout::matrix; }
    /// Whether it is a matrix of 16-bit floats, packed in pairs.
    bool isPacked() const { return !getElementType().isF32(); }
    int64_t getRows() const { return getShape().front(); }
    int64_t getColumns() const { return getShape().back(); }
    /// Values a thread holds.
    int64_t getValuesPerThread() const;
  }];
  let builders = [TypeBuilderWithInferredContext<
    (ins "::llvm::ArrayRef<int64_t>":$shape, "::mlir::Type":$elementType), [{
      return $_get(elementType.getContext(), shape, elementType, FragmentLayout::matrix);
    }]>];
}

def Hopper_InFlight : Hopper_ShapedType<"InFlight", "inflight"> {
  let summary = "an accumulator that a wgmma is still writing";
  let description = [{
    The result of `hopper.wgmma` until `hopper.wgmma_wait` makes it a fragment
    again: reading it before that is a type error.

    Errors: (INFL1) 64 rows, columns a multiple of 8 up to 256, f32.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType);
}

def Hopper_Shared : Hopper_ShapedType<"Shared", "shared"> {
  let summary = "tiles or tables in shared memory";
  let description = [{
    `!hopper.shared<RxCxbf16>` is a tile in SWIZZLE_128B panels: columns are cut
    into panels of 64 (128 bytes), a panel's rows follow each other, and the
    16-byte chunk c of row r lies at chunk c XOR (r mod 8). Panels follow each
    other. Leading dimensions are arrays of tiles. `linear` means plain row-major
    order, for tables.

    Errors: (SHAR1) a tile has rank 2 at least, rows a multiple of 8 and rows of
    whole panels; (SHAR2) elements are f32, i32, bf16 or f16.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType,
                        "bool":$linear);
  let extraClassDeclaration = [{
    int64_t getBytes() const;
    /// The type without its first dimension.
    SharedType getSlice() const;
    /// Whether it is one tile of 16-bit floats.
    bool isTile() const {
      return !getLinear() && getShape().size() == 2 &&
             ::llvm::isa<::mlir::FloatType>(getElementType());
    }
    int64_t getRows() const { return getShape()[getShape().size() - 2]; }
    int64_t getColumns() const { return getShape().back(); }
    int64_t getPanels() const { return getColumns() / 64; }
    int64_t getPanelBytes() const { return getRows() * 128; }
  }];
}

def Hopper_Ring : Hopper_Type<"Ring", "ring"> {
  let summary = "a ring of stages, each with a full and an empty mbarrier";
  let description = [{
    `!hopper.ring<3>` has three stages; `!hopper.ring<3, 2>` is an array of two
    such rings.

    Errors: (RING1) 1 to 16 stages, 1 to 8 rings.
  }];
  let parameters = (ins "int64_t":$stages, DefaultValuedParameter<"int64_t", "1">:$count);
  let assemblyFormat = "`<` $stages (`,` $count^)? `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Whether a ring may have so many stages.
    static bool allowsStages(int64_t stages) { return stages >= 1 && stages <= 16; }
    /// Bytes of the barriers of one ring.
    int64_t getRingBytes() const { return 16 * getStages(); }
  }];
}

def Hopper_Cursor : Hopper_Type<"Cursor", "cursor"> {
  let summary = "a position in rings of so many stages";
  let description = [{
    A counter modulo twice the number of stages: the stage and the phase parity
    of its barriers. Every agent that uses a ring walks it with its own cursor;
    rings of equal length that advance together share one.

    Errors: (CURS1) 1 to 16 stages, as a ring has.
  }];
  let parameters = (ins "int64_t":$stages);
  let assemblyFormat = "`<` $stages `>`";
  let genVerifyDecl = 1;
}

def Hopper_TensorMap : Hopper_ShapedType<"TensorMap", "tensor_map"> {
  let summary = "a TMA descriptor, a kernel parameter";
  let description = [{
    `!hopper.tensor_map<1x64x1x64xbf16>`: the shape is the box, in row-major order
    (the driver's dimension order reversed), SWIZZLE_128B, zero fill outside the
    tensor. As a kernel parameter it is 128 bytes by value, grid constant.

    Errors: (TMAP1) rank 2 to 5, sizes 1 to 256, innermost 128 bytes.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType);
  let extraClassDeclaration = [{
    int64_t getBytes() const;
  }];
}

#endif // HOPPER_TYPES
