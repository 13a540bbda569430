//===- HopperMemoryOps.td - Shared tiles, tables, TMA ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HOPPER_MEMORY_OPS
#define HOPPER_MEMORY_OPS

//===----------------------------------------------------------------------===//
// Naming shared memory
//===----------------------------------------------------------------------===//

def Hopper_AllocOp : Hopper_Op<"alloc", [Pure]> {
  let summary = "names shared memory at a static byte offset";
  let description = [{
    ```mlir
    %x = hopper.alloc 98304 : !hopper.shared<3x64x64xbf16>
    ```

    Errors: (ALLOC1) swizzled tiles are aligned to 1024 bytes, tables to 16.
  }];
  let arguments = (ins I32Attr:$offset);
  let results = (outs Hopper_Shared:$result);
  let assemblyFormat = "$offset attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Hopper_SliceOp : Hopper_Op<"slice", [Pure]> {
  let summary = "one element of an array of tiles, tables or rings";
  let description = [{
    The index is an i32, or a cursor for its stage.

    ```mlir
    %tile = hopper.slice %x[%cursor] : !hopper.shared<3x64x64xbf16>, !hopper.cursor<3> to !hopper.shared<64x64xbf16>
    ```

    Errors: (SLICE1) the result is the source without its first dimension, a
    ring of the array; (SLICE2) a cursor has as many stages as that dimension;
    (SLICE3) a slice of swizzled memory is a tile or an array of tiles.
  }];
  let arguments = (ins AnyTypeOf<[Hopper_Shared, Hopper_Ring]>:$source,
                       AnyTypeOf<[I32, Hopper_Cursor]>:$index);
  let results = (outs AnyTypeOf<[Hopper_Shared, Hopper_Ring]>:$result);
  let assemblyFormat = "$source `[` $index `]` attr-dict `:` type($source) `,` type($index) `to` type($result)";
  let hasVerifier = 1;
}

def Hopper_ReshapeOp : Hopper_Op<"reshape", [Pure]> {
  let summary = "the same table with another shape";
  let description = [{
    Errors: (RESH1) both are linear, of one element type and size.
  }];
  let arguments = (ins Hopper_Shared:$source);
  let results = (outs Hopper_Shared:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `to` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// TMA
//===----------------------------------------------------------------------===//

def Hopper_TMAPrefetchOp : Hopper_Op<"tma_prefetch"> {
  let summary = "fetches a tensor map, which the first copy would have to wait for";
  let description = "One thread executes it.";
  let arguments = (ins Hopper_TensorMap:$map);
  let assemblyFormat = "$map attr-dict `:` type($map)";
}

def Hopper_TMALoadOp : Hopper_Op<"tma_load", [
    Hopper_CursorOf<"ring", "cursor">, AttrSizedOperandSegments,
    Hopper_InCluster<"!getMask() || ">]> {
  let summary = "starts the copy of a box into a tile, completing on a full barrier";
  let description = [{
    One thread executes it. A tile of several panels takes one box a panel, 64
    elements apart in the innermost dimension. Coordinates are in row-major order.

    ```mlir
    hopper.tma_load %map[%b, %l, %h, %p] to %tile, %ring[%cursor] cache evict_first
        : !hopper.tensor_map<1x64x1x64xbf16>, !hopper.shared<64x64xbf16>, !hopper.ring<3>
    ```

    `multicast`: one read for several blocks of the cluster
    (`cp.async.bulk.tensor ... .multicast::cluster`). Bit r of the mask is the block of
    rank r. The boxes land at the tile's offset in each of them, and complete on the
    full barrier at the ring's offset in each. Each of these blocks expects the bytes
    itself (`hopper.expect`): before or after they land, but not before those of the
    stage's last round have.

    ```mlir
    hopper.tma_load %map[%b, %l, %h, %p] to %tile, %ring[%cursor] cache evict_first multicast %mask
        : !hopper.tensor_map<1x64x1x64xbf16>, !hopper.shared<64x64xbf16>, !hopper.ring<3>
    ```

    Errors: (TMA1) one coordinate a dimension; (TMA2) the box is one panel of the
    tile, of its element type; (TMA3) the tile is swizzled and single; (CLUS1) with
    `multicast`, it is in a kernel with a known_cluster_size.
  }];
  let arguments = (ins Hopper_TensorMap:$map, Variadic<I32>:$coordinates, Hopper_Shared:$tile,
                       Hopper_Ring:$ring, Hopper_Cursor:$cursor,
                       DefaultValuedAttr<Hopper_CacheHintAttr, "CacheHint::normal">:$cache,
                       Optional<I16>:$mask);
  let assemblyFormat = [{
    $map `[` $coordinates `]` `to` $tile `,` $ring `[` $cursor `]` `cache` $cache
    (`multicast` $mask^)? attr-dict `:` type($map) `,` type($tile) `,` type($ring)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$map, "::mlir::ValueRange":$coordinates,
                                 "::mlir::Value":$tile, "::mlir::Value":$ring,
                                 "::mlir::Value":$cursor, "::ssd::hopper::CacheHint":$cache), [{
    build($_builder, $_state, map, coordinates, tile, ring, cursor, cache, ::mlir::Value());
  }]>];
  let hasVerifier = 1;
}

def Hopper_TMAStoreOp : Hopper_Op<"tma_store"> {
  let summary = "starts the copy of a tile to global memory, as its own group";
  let description = [{
    One thread executes it, after the writers' `hopper.fence_async` and a barrier.
    What lies beyond the tensor is not written; coordinates are not negative (an
    H200 takes those of a store for an illegal instruction, those of a load not).

    Errors: as for `hopper.tma_load`.
  }];
  let arguments = (ins Hopper_Shared:$tile, Hopper_TensorMap:$map, Variadic<I32>:$coordinates,
                       DefaultValuedAttr<Hopper_CacheHintAttr, "CacheHint::normal">:$cache);
  let assemblyFormat = [{
    $tile `to` $map `[` $coordinates `]` `cache` $cache attr-dict `:` type($tile) `,` type($map)
  }];
  let hasVerifier = 1;
}

def Hopper_TMAStoreWaitOp : Hopper_Op<"tma_store_wait"> {
  let summary = "waits until all but so many of this thread's stores have read their tiles";
  let arguments = (ins I32Attr:$pending);
  let assemblyFormat = "$pending attr-dict";
}

def Hopper_LoadRowsOp : Hopper_Op<"load_rows"> {
  let summary = "a warp starts the copy of rows into a tile";
  let description = [{
    For what no tensor map describes and for chips that have none: 16 bytes a lane
    and copy (cp.async). `hopper.commit_copies` says when they have landed. Rows of
    the source, 16-byte aligned, are `stride` elements apart, which may be
    negative. Only the first `rows` rows and `columns` columns are read, a multiple
    of 8 columns; both may be anything. The rest of the tile becomes zero.

    ```mlir
    hopper.load_rows %p stride %stride rows %n columns %m to %tile
        : !llvm.ptr<1> to !hopper.shared<64x128xbf16>
    ```

    Errors: (ROWS2) the tile is swizzled and single.
  }];
  let arguments = (ins Hopper_GlobalPointer:$source, I64:$stride, I32:$rows,
                       Optional<I32>:$columns, Hopper_Shared:$tile);
  let assemblyFormat = [{
    $source `stride` $stride `rows` $rows (`columns` $columns^)? `to` $tile attr-dict
    `:` type($source) `to` type($tile)
  }];
  let hasVerifier = 1;
}

def Hopper_LoadRowsHiLoOp : Hopper_Op<"load_rows_hilo", [AttrSizedOperandSegments]> {
  let summary = "a warp copies rows of f32, each value as the sum of two";
  let description = [{
    For products of f32 by tensor cores of 16-bit floats: the first tile gets the
    rounded values, the second one what rounding has left, rounded too, together
    16 bits of a value's 24. Rows, columns and alignment are as in
    `hopper.load_rows`, with multiples of 4 columns. The warp waits for what it has
    copied, this and other rows: the tiles are written when the op is done.

    Several warps may share the work: `part` i `of` n does the i-th of n equal parts
    of the tiles' rows, of those beyond `rows`, too.

    ```mlir
    hopper.load_rows_hilo %p stride %stride rows %n part %i of 2 to %tiles
        : !llvm.ptr<1> to !hopper.shared<2x64x128xbf16>
    ```

    Errors: (ROWS3) two swizzled tiles with a multiple of 16 rows a part.
  }];
  let arguments = (ins Hopper_GlobalPointer:$source, I64:$stride, I32:$rows,
                       Optional<I32>:$columns, Optional<I32>:$part,
                       DefaultValuedAttr<I32Attr, "1">:$parts, Hopper_Shared:$tiles);
  let assemblyFormat = [{
    $source `stride` $stride `rows` $rows (`columns` $columns^)? (`part` $part^ `of` $parts)?
    `to` $tiles attr-dict `:` type($source) `to` type($tiles)
  }];
  let hasVerifier = 1;
}

def Hopper_WaitCopiesOp : Hopper_Op<"wait_copies"> {
  let summary = "waits until this thread's hopper.load_rows have landed";
  let description = "For the end of a role, whose threads do not leave copies behind.";
  let assemblyFormat = "attr-dict";
}

def Hopper_StoreRowsOp : Hopper_Op<"store_rows"> {
  let summary = "copies the first rows of a tile to global memory";
  let description = [{
    For a box that no tensor map clips. Executed by a whole warpgroup, after a
    barrier; `rows` may be anything, and so may `columns`, of which there are
    only multiples of 8. Rows of the target, 16-byte aligned, are `stride`
    elements apart, which may be negative.

    ```mlir
    hopper.store_rows %tile to %p stride %stride rows %n
        : !hopper.shared<64x64xbf16> to !llvm.ptr<1>
    ```

    Errors: (ROWS1) the tile is swizzled, single and of one panel.
  }];
  let arguments = (ins Hopper_Shared:$tile, Hopper_GlobalPointer:$target, I64:$stride, I32:$rows,
                       Optional<I32>:$columns);
  let assemblyFormat = [{
    $tile `to` $target `stride` $stride `rows` $rows (`columns` $columns^)? attr-dict
    `:` type($tile) `to` type($target)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

def Hopper_LoadOp : Hopper_Op<"load"> {
  let summary = "one value of a table";
  let arguments = (ins Hopper_Shared:$table, I32:$index);
  let results = (outs AnyTypeOf<[F32, I32]>:$result);
  let assemblyFormat = "$table `[` $index `]` attr-dict `:` type($table) `to` type($result)";
  let hasVerifier = 1;
}

def Hopper_StoreOp : Hopper_Op<"store"> {
  let summary = "stores consecutive values of a table";
  let description = [{
    Two or four values are one vector access: the index must be a multiple of
    their number.

    Errors: (TAB1) a table is linear of rank 1 with the values' element type.
  }];
  let arguments = (ins Variadic<AnyTypeOf<[F32, I32]>>:$values, Hopper_Shared:$table, I32:$index);
  let assemblyFormat = "$values `to` $table `[` $index `]` attr-dict `:` type($values) `to` type($table)";
  let hasVerifier = 1;
}

def Hopper_LoadVectorOp : Hopper_Op<"load_vector"> {
  let summary = "the values of a table that belong to a thread's rows or columns";
  let description = [{
    `first` is the table's entry for row or column 0.

    Errors: (TAB1); (VEC1) the vector lies within the table; (VEC2) the result is a
    rows or columns fragment.
  }];
  let arguments = (ins Hopper_Shared:$table, DefaultValuedAttr<I32Attr, "0">:$first);
  let results = (outs Hopper_Fragment:$result);
  let assemblyFormat = "$table `from` $first attr-dict `:` type($table) `to` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

def Hopper_GlobalLoadOp : Hopper_Op<"global_load"> {
  let summary = "a fragment from global memory";
  let description = [{
    `row_major`: [64, N], rows contiguous, or for a rows vector [64], of `stored`
    elements; `fragment`: f32 in the order in which threads hold them, 16 bytes a
    thread and access, for hand-over between blocks (reads bypass L1).

    In row_major order a matrix may be a part of a larger one, whose rows are
    `pitch` elements apart, and it may reach beyond its edge: only the first `rows`
    rows, a number known at run time that may be negative or more than there are,
    and the first `columns` columns are read. The rest is zero.

    ```mlir
    %s = hopper.global_load %p row_major of bf16 : !llvm.ptr<1> to !hopper.fragment<64x128xf32>
    %t = hopper.global_load %p row_major of f32 rows %n columns 96 pitch 96 : !llvm.ptr<1> to !hopper.fragment<64x128xf32>
    ```

    Errors: (GLOB1) the fragment is an f32 matrix or, row_major, a rows vector;
    (GLOB2) stored elements are floats, f32 in fragment order; (GLOB3) bounds and
    pitch are row_major, columns and pitch a matrix's; columns are a multiple of 8
    up to the fragment's, the pitch is a multiple of 2 that is no less.
  }];
  let arguments = (ins Hopper_GlobalPointer:$source, Hopper_OrderAttr:$order, TypeAttr:$stored,
                       Optional<I32>:$rows, OptionalAttr<I32Attr>:$columns,
                       OptionalAttr<I32Attr>:$pitch);
  let results = (outs Hopper_Fragment:$result);
  let assemblyFormat = [{
    $source $order `of` $stored (`rows` $rows^)? (`columns` $columns^)? (`pitch` $pitch^)?
    attr-dict `:` type($source) `to` type($result)
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$source,
                                 "::ssd::hopper::Order":$order, "::mlir::Type":$stored), [{
    build($_builder, $_state, result, source, order, stored, ::mlir::Value(), ::mlir::IntegerAttr(),
          ::mlir::IntegerAttr());
  }]>];
}

def Hopper_GlobalStoreOp : Hopper_Op<"global_store"> {
  let summary = "a fragment to global memory";
  let description = [{
    As `hopper.global_load`, rounding to `stored`; what is beyond the bounds is not
    written.

    Errors: (GLOB1); (GLOB2); (GLOB3).
  }];
  let arguments = (ins Hopper_Fragment:$value, Hopper_GlobalPointer:$target, Hopper_OrderAttr:$order,
                       TypeAttr:$stored, Optional<I32>:$rows, OptionalAttr<I32Attr>:$columns,
                       OptionalAttr<I32Attr>:$pitch);
  let assemblyFormat = [{
    $value `to` $target $order `of` $stored (`rows` $rows^)? (`columns` $columns^)? (`pitch` $pitch^)?
    attr-dict `:` type($value) `to` type($target)
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$value, "::mlir::Value":$target,
                                 "::ssd::hopper::Order":$order, "::mlir::Type":$stored), [{
    build($_builder, $_state, value, target, order, stored, ::mlir::Value(), ::mlir::IntegerAttr(),
          ::mlir::IntegerAttr());
  }]>];
}

def Hopper_StoreColumnsOp : Hopper_Op<"store_columns"> {
  let summary = "the first columns of a fragment to global memory, each as a row";
  let description = [{
    A transposed store, without shared memory: element (r, c) goes to c · stride +
    r, rounded to `stored`. Only the first `columns` columns and the first `rows`
    rows are written; both may be anything, and the stride, in elements, may be
    negative.

    ```mlir
    hopper.store_columns %y to %p of f32 stride %stride columns %n
        : !hopper.fragment<64x64xf32> to !llvm.ptr<1>
    ```

    Errors: (COLS1) the fragment is an f32 matrix; (COLS2) stored elements are
    floats.
  }];
  let arguments = (ins Hopper_Fragment:$value, Hopper_GlobalPointer:$target, TypeAttr:$stored,
                       I64:$stride, I32:$columns, Optional<I32>:$rows);
  let assemblyFormat = [{
    $value `to` $target `of` $stored `stride` $stride `columns` $columns (`rows` $rows^)? attr-dict
    `:` type($value) `to` type($target)
  }];
  let hasVerifier = 1;
}

#endif // HOPPER_MEMORY_OPS
