//===- HopperFragmentOps.td - Products and elementwise work on fragments ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HOPPER_FRAGMENT_OPS
#define HOPPER_FRAGMENT_OPS

//===----------------------------------------------------------------------===//
// wgmma
//===----------------------------------------------------------------------===//

def Hopper_WgmmaOp : Hopper_Op<"wgmma"> {
  let summary = "starts a product on the tensor cores, as its own group";
  let description = [{
    result = acc + a · B, over all K/16 steps. Before Hopper each warp has its 16
    rows of it (mma.sync), complete at once, for N a multiple of 16. a: a packed fragment (registers) or a
    64×K tile (shared memory, K-major). b: an N×K tile, B = bᵀ (K-major), or with
    `mn_major` a K×N tile, B = b. Without acc the sum starts at zero.

    ```mlir
    %s1 = hopper.wgmma %xw, %b into %s0 {mn_major}
        : !hopper.fragment<64x64xbf16>, !hopper.shared<64x128xbf16>, !hopper.fragment<64x128xf32> -> !hopper.inflight<64x128xf32>
    ```

    Errors: (WGMMA1) a has 64 rows and K a multiple of 16; (WGMMA2) b is one
    swizzled tile whose K and element type are a's; (WGMMA3) the result is 64×N, N at most 256;
    (WGMMA4) acc has the result's shape.
  }];
  let arguments = (ins AnyTypeOf<[Hopper_Fragment, Hopper_Shared]>:$a, Hopper_Shared:$b,
                       Optional<AnyTypeOf<[Hopper_Fragment, Hopper_InFlight]>>:$acc,
                       UnitAttr:$mn_major);
  let results = (outs Hopper_InFlight:$result);
  let assemblyFormat = [{
    $a `,` $b (`into` $acc^)? attr-dict `:` type($a) `,` type($b) (`,` type($acc)^)? `->` type($result)
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$a, "::mlir::Value":$b, "::mlir::Value":$acc,
                                 "bool":$mnMajor)>];
  let extraClassDeclaration = [{
    /// Number of 16-deep steps.
    int64_t getSteps();
  }];
}

def Hopper_WgmmaWaitOp : Hopper_Op<"wgmma_wait"> {
  let summary = "waits until at most so many product groups are in flight";
  let description = [{
    The accumulators that are complete afterwards pass through the op, so that
    nothing reads them earlier. At the head of a loop, fragments carried over the
    back edge pass through it as well: ptxas otherwise serialises the products.

    ```mlir
    %y = hopper.wgmma_wait 1 tied(%0) : (!hopper.inflight<64x64xf32>) -> !hopper.fragment<64x64xf32>
    ```

    Errors: (WAIT1) each result is the fragment of its operand's shape.
  }];
  let arguments = (ins I32Attr:$pending,
                       Variadic<AnyTypeOf<[Hopper_Fragment, Hopper_InFlight]>>:$accumulators);
  let results = (outs Variadic<Hopper_Fragment>:$results);
  let assemblyFormat = "$pending `tied` `(` $accumulators `)` attr-dict `:` functional-type($accumulators, results)";
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "int32_t":$pending, "::mlir::ValueRange":$accumulators)>];
}

//===----------------------------------------------------------------------===//
// Fragments and shared tiles
//===----------------------------------------------------------------------===//

def Hopper_LoadFragmentOp : Hopper_Op<"load_fragment"> {
  let summary = "a fragment from shared memory";
  let description = [{
    A packed fragment from a swizzled tile (ldmatrix); with `transpose` its rows
    are the tile's columns. An f32 matrix from a table of as many values, in the
    order in which threads hold them, 16 bytes a thread and access.

    Errors: (LDST1) fragment and tile have one 16-bit element type, 64 rows a
    fragment, and their shapes agree; (LDST2) a transposed access is of a 64-column
    tile; (LDST4) a table is linear, of rank 1 and f32, with the fragment's number
    of values.
  }];
  let arguments = (ins Hopper_Shared:$tile, UnitAttr:$transpose);
  let results = (outs Hopper_Fragment:$result);
  let assemblyFormat = "$tile attr-dict `:` type($tile) `to` type($result)";
  let hasVerifier = 1;
}

def Hopper_StoreFragmentOp : Hopper_Op<"store_fragment"> {
  let summary = "a fragment to shared memory";
  let description = [{
    A packed fragment to a swizzled tile (stmatrix), `column` is the tile's column
    of the fragment's column 0; or an f32 matrix to a table, from which
    `hopper.load_fragment` reads it.

    Errors: (LDST1); (LDST2); (LDST3) the column is a multiple of 16 and the
    fragment lies within the tile; transposed stores start at column 0; (LDST4),
    and the column is 0.
  }];
  let arguments = (ins Hopper_Fragment:$value, Hopper_Shared:$tile,
                       DefaultValuedAttr<I32Attr, "0">:$column, UnitAttr:$transpose);
  let assemblyFormat = "$value `to` $tile `column` $column attr-dict `:` type($value) `to` type($tile)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

def Hopper_MapOp : Hopper_Op<"map", [
    SingleBlockImplicitTerminator<"YieldOp">, Pure]> {
  let summary = "scalar code on every element";
  let description = [{
    The region computes one element of the result from the elements of the
    operands at its position; rows and columns vectors are broadcast. Values from
    outside are the same for all elements of a thread. `hopper.position` gives
    the element's position.

    ```mlir
    %r = hopper.map %y, %f : (!hopper.fragment<64x64xf32>, !hopper.fragment<64xf32, columns>) -> !hopper.fragment<64x64xf32> {
    ^bb0(%e: f32, %s: f32):
      %0 = arith.mulf %e, %s : f32
      hopper.yield %0 : f32
    }
    ```

    Errors: (MAP1) f32 fragments; (MAP2) operands have the result's shape or are
    vectors along it; (MAP3) the region takes one f32 an operand and yields one;
    (MAP4) its ops are pure and without regions.
  }];
  let arguments = (ins Variadic<Hopper_Fragment>:$inputs);
  let results = (outs Hopper_Fragment:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$inputs attr-dict `:` functional-type($inputs, results) $body";
  let hasVerifier = 1;
}

def Hopper_PositionOp : Hopper_Op<"position", [Pure, HasParent<"MapOp">]> {
  let summary = "row and column of the element that hopper.map computes";
  let results = (outs I32:$row, I32:$column);
  let assemblyFormat = "attr-dict `:` type($row) `,` type($column)";
}

def Hopper_SplatOp : Hopper_Op<"splat", [Pure]> {
  let summary = "a fragment of equal elements";
  let description = "Errors: (SPLAT1) an f32 fragment.";
  let arguments = (ins F32:$value);
  let results = (outs Hopper_Fragment:$result);
  let assemblyFormat = "$value attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Hopper_BlockOfOp : Hopper_Op<"block_of", [Pure]> {
  let summary = "consecutive columns of a matrix fragment";
  let description = [{
    No data moves: with 16-column blocks, warp w's diagonal block of a square
    fragment is block w.

    Errors: (BLK1) both are matrices of one element type, the first column is a
    multiple of 16 and the block lies within the source.
  }];
  let arguments = (ins Hopper_Fragment:$source, I32Attr:$column);
  let results = (outs Hopper_Fragment:$result);
  let assemblyFormat = "$source `column` $column attr-dict `:` type($source) `to` type($result)";
  let hasVerifier = 1;
}

def Hopper_TruncateOp : Hopper_Op<"truncate", [Pure]> {
  let summary = "rounds an f32 matrix to bf16 or f16 (to nearest, ties to even)";
  let description = "Errors: (CONV1) one shape, f32 to 16 bits.";
  let arguments = (ins Hopper_Fragment:$source);
  let results = (outs Hopper_Fragment:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `to` type($result)";
  let hasVerifier = 1;
}

def Hopper_ExtendOp : Hopper_Op<"extend", [Pure]> {
  let summary = "widens a bf16 or f16 matrix to f32";
  let description = "Errors: (CONV1) one shape, 16 bits to f32.";
  let arguments = (ins Hopper_Fragment:$source);
  let results = (outs Hopper_Fragment:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `to` type($result)";
  let hasVerifier = 1;
}

/// What one thread holds of 64 weights: 4 steps of {hi, lo, hi, lo}.
def Hopper_Weights : Type<
    CPred<"$_self == ::mlir::VectorType::get({16}, ::mlir::IntegerType::get($_self.getContext(), 32))">,
    "vector of 16 i32">,
    BuildableType<"::mlir::VectorType::get({16}, $_builder.getI32Type())">;

def Hopper_StoreHiLoOp : Hopper_Op<"store_hilo"> {
  let summary = "a warp stores 64 weights, each as a sum of two 16-bit floats";
  let description = [{
    Lane l gives the weights of columns 2l and 2l+1. The table holds, for 16-column
    step k and c < 4, the 16 bytes {hi, lo of columns 16k+2c and the next, hi, lo of
    columns 16k+2c+8 and the next}: what one thread needs of a step.

    ```mlir
    hopper.store_hilo %even, %odd to %table as bf16 : !hopper.shared<64xi32, linear>
    ```

    Errors: (HILO1) the table is linear, 64 i32; (HILO3) the element is bf16 or f16.
  }];
  let arguments = (ins F32:$even, F32:$odd, Hopper_Shared:$table, TypeAttr:$element);
  let assemblyFormat = "$even `,` $odd `to` $table `as` $element attr-dict `:` type($table)";
  let hasVerifier = 1;
}

def Hopper_LoadHiLoOp : Hopper_Op<"load_hilo"> {
  let summary = "a thread's weights from a table of hopper.store_hilo";
  let description = "Errors: (HILO1).";
  let arguments = (ins Hopper_Shared:$table);
  let results = (outs Hopper_Weights:$result);
  let assemblyFormat = "$table attr-dict `:` type($table)";
  let hasVerifier = 1;
}

def Hopper_ScaleHiLoOp : Hopper_Op<"scale_hilo", [Pure]> {
  let summary = "scales columns by weights of hopper.load_hilo";
  let description = [{
    x·hi + x·lo with one rounding of the sum (a packed fma): for bf16 within 2⁻¹⁶
    of the rounded exact product at a third of the instructions of going through
    f32. The weights have x's element type.

    Errors: (HILO2) x is a packed 64×64 matrix.
  }];
  let arguments = (ins Hopper_Fragment:$source, Hopper_Weights:$weights);
  let results = (outs Hopper_Fragment:$result);
  let assemblyFormat = "$source `by` $weights attr-dict `:` type($source) `to` type($result)";
  let hasVerifier = 1;
}

def Hopper_Exp2Op : Hopper_Op<"exp2", [Pure, SameOperandsAndResultType]> {
  let summary = "2ˣ, approximate, subnormals flushed (ex2.approx.ftz)";
  let arguments = (ins F32:$value);
  let results = (outs F32:$result);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Hopper_ShuffleOp : Hopper_Op<"shuffle", [AllTypesMatch<["value", "result"]>]> {
  let summary = "another lane's value";
  let description = [{
    `up` by an offset (lanes below it keep their own), `xor` with a mask, or `from`
    a lane given as a value.
  }];
  let arguments = (ins AnyTypeOf<[F32, I32]>:$value, StrAttr:$kind, I32:$lane);
  let results = (outs AnyTypeOf<[F32, I32]>:$result);
  let assemblyFormat = "$kind $value `,` $lane attr-dict `:` type($value)";
  let hasVerifier = 1;
}

#endif // HOPPER_FRAGMENT_OPS
