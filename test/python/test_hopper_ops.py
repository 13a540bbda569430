# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Single operations of the hopper dialect, compiled to PTX and run in the emulator and,
where there is one, on a GPU: layouts of fragments, swizzles, products, copies, barriers.

`python test_hopper_ops.py FOLDER` writes the PTX (see hopper_machine.py)."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import numpy as np
import pytest

from hopper_machine import CHIPS, Kernel, machine, run, write_ptx  # noqa: F401  a fixture
from ptx_emulator import GlobalMemory
from ptx_emulator.memory import narrow, widen

# -- parts of kernels ----------------------------------------------------------

POINTER = "!llvm.ptr<1>"
START = """    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c64 = arith.constant 64 : i32"""


def tile(rows, columns, dtype):
    return f"!hopper.shared<{rows}x{columns}x{dtype}>"


def fragment(rows, columns, dtype):
    return f"!hopper.fragment<{rows}x{columns}x{dtype}>"


def fetch(name, source, at, columns, dtype):
    """A tile %<name> of 64 rows with what %<source> points to; every warp copies it."""
    return f"""    %{name} = hopper.alloc {at} : {tile(64, columns, dtype)}
    %{name}_stride = arith.constant {columns} : i64
    hopper.load_rows %{source} stride %{name}_stride rows %c64 to %{name}
        : {POINTER} to {tile(64, columns, dtype)}"""


MEET = """    hopper.wait_copies
    hopper.fence_async
    hopper.barrier"""


def send(name, target, columns, dtype):
    """The rows of a tile, 64 of them."""
    return f"""    hopper.barrier
    %{name}_out = arith.constant {columns} : i64
    hopper.store_rows %{name} to %{target} stride %{name}_out rows %c64
        : {tile(64, columns, dtype)} to {POINTER}"""


def small(seed, *sizes, most=8):
    """Integers, so that sums of products are exact in every order."""
    return np.random.default_rng(seed).integers(-most, most + 1, sizes).astype(np.float32)


def bits(values, dtype):
    return narrow(values, dtype).astype(np.uint16)


# -- products ------------------------------------------------------------------


def product_kernel(chip, dtype, left, depth, mn_major, columns) -> Kernel:
    """out = A B (or A Bᵀ, K-major) + out, with A from shared memory or registers."""
    width = columns if mn_major else depth
    a, b = tile(64, depth, dtype), tile(64, width, dtype)
    sums = fragment(64, columns, "f32")
    operand, operand_type = "%a", a
    load = ""
    if left != "shared":
        operand, operand_type = "%fa", fragment(64, depth, dtype)
        transpose = " {transpose}" if left == "transposed" else ""
        load = f"    %fa = hopper.load_fragment %a{transpose} : {a} to {operand_type}"
    major = " {mn_major}" if mn_major else ""
    body = f"""{START}
{fetch("a", "pa", 0, depth, dtype)}
{fetch("b", "pb", 32768, width, dtype)}
{MEET}
{load}
    %s = hopper.global_load %out row_major of f32 : {POINTER} to {sums}
    %0 = hopper.wgmma {operand}, %b into %s{major} : {operand_type}, {b}, {sums} -> !hopper.inflight<64x{columns}xf32>
    %1 = hopper.wgmma_wait 0 tied(%0) : (!hopper.inflight<64x{columns}xf32>) -> {sums}
    hopper.global_store %1 to %out row_major of f32 : {sums} to {POINTER}"""
    return Kernel(f"%pa: {POINTER}, %pb: {POINTER}, %out: {POINTER}", body, chip)


# chip, dtype, A's place, depth, B's rows along the columns, columns
PRODUCTS = [(chip, dtype, *rest) for chip in CHIPS for dtype in ("bf16", "f16") for rest in (
    ("shared", 64, False, 64), ("shared", 128, False, 64), ("shared", 64, True, 128),
    ("registers", 64, False, 64), ("registers", 128, False, 64),
    ("registers", 64, True, 64), ("registers", 64, True, 128),
    ("transposed", 64, False, 64), ("transposed", 64, True, 128))]


@pytest.mark.parametrize("case", PRODUCTS, ids=lambda c: "-".join(map(str, c)))
def test_product(machine, case):
    _, dtype, left, depth, mn_major, columns = case
    a = small(0, 64, depth)
    b = small(1, 64, columns if mn_major else depth)
    sums = small(2, 64, columns)
    found = run(machine, product_kernel(*case),
                {"a": bits(a, dtype), "b": bits(b, dtype), "out": sums}, ["a", "b", "out"])
    first = a.T if left == "transposed" else a
    np.testing.assert_array_equal(found["out"], first @ (b if mn_major else b.T) + sums)


# -- fragments -----------------------------------------------------------------


def fragment_kernel(chip, dtype, on_load, on_store) -> Kernel:
    """A tile through registers into another one, transposed on either side."""
    t, f = tile(64, 64, dtype), fragment(64, 64, dtype)
    flag = {False: "", True: " {transpose}"}
    body = f"""{START}
{fetch("a", "pa", 0, 64, dtype)}
{MEET}
    %f = hopper.load_fragment %a{flag[on_load]} : {t} to {f}
    %o = hopper.alloc 8192 : {t}
    hopper.store_fragment %f to %o column 0{flag[on_store]} : {f} to {t}
{send("o", "out", 64, dtype)}"""
    return Kernel(f"%pa: {POINTER}, %out: {POINTER}", body, chip)


FRAGMENTS = [(chip, "bf16", a, b) for chip in CHIPS for a in (False, True)
             for b in (False, True)]


@pytest.mark.parametrize("case", FRAGMENTS, ids=lambda c: "-".join(map(str, c)))
def test_fragments(machine, case):
    values = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    found = run(machine, fragment_kernel(*case),
                {"a": values, "out": np.zeros_like(values)}, ["a", "out"])
    np.testing.assert_array_equal(found["out"], values if case[2] == case[3] else values.T)


def elements_kernel(chip) -> Kernel:
    """Blocks, vectors along rows and columns, positions, types and a table: out =
    2^(row vector) · x · (column vector), below the diagonal; elsewhere 5."""
    matrix, block = fragment(64, 64, "f32"), fragment(64, 16, "f32")
    table = "!hopper.shared<64xf32, linear>"
    body = f"""{START}
    %c63 = arith.constant 63 : i32
    %five = arith.constant 5.0 : f32
    %table = hopper.alloc 0 : {table}
    %o = hopper.alloc 8192 : {tile(64, 64, "bf16")}
    %thread = hopper.thread
    %lane = arith.andi %thread, %c63 : i32
    %index = arith.extui %lane : i32 to i64
    %at = llvm.getelementptr %pv[%index] : ({POINTER}, i64) -> {POINTER}, f32
    %v = llvm.load %at : {POINTER} -> f32
    hopper.store %v to %table[%lane] : f32 to {table}
    hopper.barrier
    %x = hopper.global_load %pa row_major of f32 : {POINTER} to {matrix}
    %rows = hopper.load_vector %table from 0 : {table} to !hopper.fragment<64xf32, rows>
    %fives = hopper.splat %five : {block}"""
    for i in range(4):
        body += f"""
    %b{i} = hopper.block_of %x column {16 * i} : {matrix} to {block}
    %w{i} = hopper.load_vector %table from {16 * i} : {table} to !hopper.fragment<16xf32, columns>
    %first{i} = arith.constant {16 * i} : i32
    %m{i} = hopper.map %b{i}, %rows, %w{i}, %fives : ({block}, !hopper.fragment<64xf32, rows>, !hopper.fragment<16xf32, columns>, {block}) -> {block} {{
    ^bb0(%e: f32, %r: f32, %c: f32, %other: f32):
      %row, %column = hopper.position : i32, i32
      %there = arith.addi %column, %first{i} : i32
      %below = arith.cmpi sge, %row, %there : i32
      %power = hopper.exp2 %r : f32
      %p = arith.mulf %e, %power : f32
      %q = arith.mulf %p, %c : f32
      %kept = arith.select %below, %q, %other : f32
      hopper.yield %kept : f32
    }}
    %h{i} = hopper.truncate %m{i} : {block} to {fragment(64, 16, "bf16")}
    hopper.store_fragment %h{i} to %o column {16 * i} : {fragment(64, 16, "bf16")} to {tile(64, 64, "bf16")}"""
    body += "\n" + send("o", "out", 64, "bf16")
    return Kernel(f"%pa: {POINTER}, %pv: {POINTER}, %out: {POINTER}", body, chip)


@pytest.mark.parametrize("chip", CHIPS)
def test_elements(machine, chip):
    x = small(0, 64, 64)
    vector = small(1, 64, most=3)
    expected = np.where(np.tril(np.ones((64, 64), bool)),
                        x * np.exp2(vector)[:, None] * vector, 5)
    found = run(machine, elements_kernel(chip), {
        "a": x, "v": vector, "out": np.zeros((64, 64), np.uint16)}, ["a", "v", "out"])
    np.testing.assert_array_equal(found["out"], bits(expected.astype(np.float32), "bf16"))


def hilo_kernel(chip, dtype) -> Kernel:
    """Columns of a tile scaled by weights that are sums of two 16-bit floats."""
    t, f = tile(64, 64, dtype), fragment(64, 64, dtype)
    table = "!hopper.shared<64xi32, linear>"
    body = f"""{START}
{fetch("a", "pa", 0, 64, dtype)}
    %table = hopper.alloc 8192 : {table}
    %lane = hopper.lane
    %even = arith.addi %lane, %lane : i32
    %index = arith.extui %even : i32 to i64
    %at = llvm.getelementptr %pv[%index] : ({POINTER}, i64) -> {POINTER}, f32
    %next = llvm.getelementptr %at[1] : ({POINTER}) -> {POINTER}, f32
    %v0 = llvm.load %at : {POINTER} -> f32
    %v1 = llvm.load %next : {POINTER} -> f32
    hopper.store_hilo %v0, %v1 to %table as {dtype} : {table}
{MEET}
    %f = hopper.load_fragment %a : {t} to {f}
    %w = hopper.load_hilo %table : {table}
    %g = hopper.scale_hilo %f by %w : {f} to {f}
    %o = hopper.alloc 16384 : {t}
    hopper.store_fragment %g to %o column 0 : {f} to {t}
{send("o", "out", 64, dtype)}"""
    return Kernel(f"%pa: {POINTER}, %pv: {POINTER}, %out: {POINTER}", body, chip)


HILO = [(chip, dtype) for chip in CHIPS for dtype in ("bf16", "f16")]


@pytest.mark.parametrize("case", HILO, ids="-".join)
def test_weights_of_two_parts(machine, case):
    _, dtype = case
    x, weights = small(0, 64, 64, most=100), np.random.default_rng(1).random(64, np.float32)
    found = run(machine, hilo_kernel(*case), {
        "a": bits(x, dtype), "v": weights, "out": np.zeros((64, 64), np.uint16)},
        ["a", "v", "out"])
    # Twice rounded; a weight of one part alone would be off by its last bit.
    unit = 2.0 ** (-8 if dtype == "bf16" else -11)
    np.testing.assert_allclose(widen(found["out"], dtype), x * weights,
                               rtol=1.02 * unit, atol=1e-30)


def lanes_kernel() -> Kernel:
    """What lanes tell each other, five results each."""
    body = f"""{START}
    %c4 = arith.constant 4 : i32
    %c31 = arith.constant 31 : i32
    %five = arith.constant 5 : i32
    %lane = hopper.lane
    %warp = hopper.warp
    %thread = hopper.thread
    %wide = arith.extui %thread : i32 to i64
    %from = llvm.getelementptr %pa[%wide] : ({POINTER}, i64) -> {POINTER}, f32
    %v = llvm.load %from : {POINTER} -> f32
    %flat = hopper.alloc 0 : !hopper.shared<128xf32, linear>
    %table = hopper.reshape %flat : !hopper.shared<128xf32, linear> to !hopper.shared<4x32xf32, linear>
    %row = hopper.slice %table[%warp] : !hopper.shared<4x32xf32, linear>, i32 to !hopper.shared<32xf32, linear>
    %e = hopper.exp2 %v : f32
    %x = hopper.shuffle "xor" %v, %c4 : f32
    %u = hopper.shuffle "up" %v, %c1 : f32
    %f = hopper.shuffle "from" %v, %c31 : f32
    hopper.store %v to %row[%lane] : f32 to !hopper.shared<32xf32, linear>
    hopper.barrier
    %mirror = arith.subi %c31, %lane : i32
    %m = hopper.load %row[%mirror] : !hopper.shared<32xf32, linear> to f32
    %first = arith.muli %thread, %five : i32
    %first_wide = arith.extui %first : i32 to i64
    %to = llvm.getelementptr %out[%first_wide] : ({POINTER}, i64) -> {POINTER}, f32
    %to1 = llvm.getelementptr %to[1] : ({POINTER}) -> {POINTER}, f32
    %to2 = llvm.getelementptr %to[2] : ({POINTER}) -> {POINTER}, f32
    %to3 = llvm.getelementptr %to[3] : ({POINTER}) -> {POINTER}, f32
    %to4 = llvm.getelementptr %to[4] : ({POINTER}) -> {POINTER}, f32
    llvm.store %e, %to : f32, {POINTER}
    llvm.store %x, %to1 : f32, {POINTER}
    llvm.store %u, %to2 : f32, {POINTER}
    llvm.store %f, %to3 : f32, {POINTER}
    llvm.store %m, %to4 : f32, {POINTER}"""
    return Kernel(f"%pa: {POINTER}, %out: {POINTER}", body)


def test_lanes(machine):
    given = small(0, 4, 32, most=20)
    found = run(machine, lanes_kernel(), {
        "a": given, "out": np.zeros((4, 32, 5), np.float32)}, ["a", "out"])["out"]
    lane = np.arange(32)
    np.testing.assert_allclose(found[..., 0], np.exp2(given), rtol=2e-7)
    np.testing.assert_array_equal(found[..., 1], given[:, lane ^ 4])
    np.testing.assert_array_equal(found[:, 1:, 2], given[:, :-1])
    np.testing.assert_array_equal(found[..., 3], given[:, 31:].repeat(32, 1))
    np.testing.assert_array_equal(found[..., 4], given[:, ::-1])


# -- copies --------------------------------------------------------------------


def rows_kernel(chip) -> Kernel:
    """Some rows and columns, any stride, into a tile and some of that out again."""
    t = tile(64, 128, "bf16")
    narrow_tile = tile(64, 64, "bf16")
    body = f"""{START}
    %t = hopper.alloc 0 : {t}
    hopper.load_rows %pa stride %stride rows %rows columns %columns to %t : {POINTER} to {t}
    %n = hopper.alloc 16384 : {narrow_tile}
    hopper.load_rows %pa stride %stride rows %rows to %n : {POINTER} to {narrow_tile}
{MEET}
    %f = hopper.load_fragment %t : {t} to {fragment(64, 128, "bf16")}
    %w = hopper.extend %f : {fragment(64, 128, "bf16")} to {fragment(64, 128, "f32")}
    hopper.global_store %w to %whole row_major of f32 : {fragment(64, 128, "f32")} to {POINTER}
    %out_stride = arith.constant -64 : i64
    hopper.store_rows %n to %out stride %out_stride rows %rows columns %columns : {narrow_tile} to {POINTER}"""
    return Kernel(f"%pa: {POINTER}, %whole: {POINTER}, %out: {POINTER}, %stride: i64, "
                  "%rows: i32, %columns: i32", body, chip)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("rows,columns,stride", [(64, 128, 128), (64, 128, -128), (37, 72, 136),
                                                 (1, 8, -200), (0, 64, 128), (-3, 64, 128),
                                                 (90, 200, 128)])
def test_rows(machine, chip, rows, columns, stride):
    there, wide = max(0, min(rows, 64)), min(columns, 128)
    given = bits(small(0, 65 * 200), "bf16")
    start = 64 * 200 if stride < 0 else 0
    source = np.zeros((64, 128), np.uint16)
    for row in range(there):
        source[row] = given[start + row * stride:][:128]
    whole = source.copy()
    whole[:, wide:] = 0
    out = np.full((64, 64), 7, np.uint16)
    expected = out.copy()
    if there:
        expected[64 - there:, :min(wide, 64)] = source[:there, :min(wide, 64)][::-1]
    memory = GlobalMemory({"a": given, "whole": np.zeros((64, 128), np.float32), "out": out},
                          ("whole", "out"))
    # The last row of `out` is the first to be written.
    arguments = [memory.address["a"] + 2 * start, memory.address["whole"],
                 memory.address["out"] + 2 * 63 * 64, ctypes.c_int64(stride),
                 ctypes.c_int32(rows), ctypes.c_int32(columns)]
    machine(rows_kernel(chip), arguments, memory, 1)
    assert not memory.changed_outside(("whole", "out"))
    np.testing.assert_array_equal(bits(memory.get("whole"), "bf16"), whole)
    np.testing.assert_array_equal(memory.get("out"), expected)


def boxes_kernel(columns) -> Kernel:
    """A ring: one warpgroup fetches tiles, another one sends them elsewhere."""
    t = tile(64, columns, "bf16")
    tiles = f"!hopper.shared<2x64x{columns}xbf16>"
    box = "!hopper.tensor_map<1x64x1x64xbf16>"
    ring, cursor = "!hopper.ring<2>", "!hopper.cursor<2>"
    body = f"""{START}
    %ring = hopper.ring 65536 producers 1 consumers 4 : {ring}
    %tiles = hopper.alloc 0 : {tiles}
    hopper.tma_prefetch %from : {box}
    hopper.init_rings %ring : {ring}
    hopper.fence_async
    hopper.barrier
    hopper.specialize warpgroups [1, 1] registers [40, 232]
    role {{
    ^bb0(%i: i32):
      hopper.elect by warpgroup {{
        %first = hopper.cursor : {cursor}
        %end = scf.for %n = %c0 to %count step %c1 iter_args(%c = %first) -> ({cursor}) : i32 {{
          %token = arith.muli %n, %c64 : i32
          hopper.acquire %ring[%c] : {ring}
          hopper.expect %ring[%c], {128 * columns} : {ring}
          %t = hopper.slice %tiles[%c] : {tiles}, {cursor} to {t}
          hopper.tma_load %from[%c1, %token, %c1, %c0] to %t, %ring[%c] cache evict_first : {box}, {t}, {ring}
          %next = hopper.advance %c : {cursor}
          scf.yield %next : {cursor}
        }}
      }}
      hopper.yield
    }}
    role {{
    ^bb0(%i: i32):
      %first = hopper.cursor : {cursor}
      %end = scf.for %n = %c0 to %count step %c1 iter_args(%c = %first) -> ({cursor}) : i32 {{
        %token = arith.muli %n, %c64 : i32
        %full = hopper.try %ring[%c] : {ring}
        hopper.wait %ring[%c] unless %full : {ring}
        %t = hopper.slice %tiles[%c] : {tiles}, {cursor} to {t}
        hopper.elect by warpgroup {{
          hopper.tma_store %t to %to[%c0, %token, %c0, %c0] cache evict_first : {t}, {box}
          hopper.tma_store_wait 0
        }}
        hopper.barrier id %c1 of 128
        hopper.release %ring[%c] by warp : {ring}
        %next = hopper.advance %c : {cursor}
        scf.yield %next : {cursor}
      }}
      hopper.yield
    }}"""
    return Kernel(f"%from: {box}, %to: {box}, %count: i32", body, threads=256)


@pytest.mark.parametrize("columns", [64, 128])
@pytest.mark.parametrize("length", [1, 64, 300])
def test_boxes(machine, columns, length):
    """Zeros come from beyond the tensor, and nothing goes there."""
    given = bits(small(0, 2, length, 3, 96), "bf16")
    target = np.full((1, length + 5, 1, columns - 24), 7, np.uint16)
    box = (1, 64, 1, 64)
    tiles = -(-(length + 5) // 64)
    found = run(machine, boxes_kernel(columns), {"a": given, "out": target},
                [("a", box), ("out", box), ctypes.c_int32(tiles)])["out"]
    expected = np.zeros_like(target)
    width = min(96, columns - 24)
    expected[0, :length, 0, :width] = given[1, :, 1, :width]
    np.testing.assert_array_equal(found, expected)


# -- between blocks ------------------------------------------------------------


def flags_kernel() -> Kernel:
    """Block n adds its index to the sum that block n − 1 left, and hands it on."""
    body = f"""{START}
    %block = hopper.block
    %thread = hopper.thread
    %previous = arith.subi %block, %c1 : i32
    %here = arith.extui %block : i32 to i64
    %wide = arith.extui %thread : i32 to i64
    %my_flag = llvm.getelementptr %flags[%here] : ({POINTER}, i64) -> {POINTER}, i64
    %their_flag = llvm.getelementptr %my_flag[-1] : ({POINTER}) -> {POINTER}, i64
    %is_later = arith.cmpi sgt, %block, %c0 : i32
    %row = arith.constant 128 : i64
    %mine = arith.muli %here, %row : i64
    %at = arith.addi %mine, %wide : i64
    %to = llvm.getelementptr %out[%at] : ({POINTER}, i64) -> {POINTER}, i32
    %sum = scf.if %is_later -> (i32) {{
      hopper.await %their_flag count %c1 barrier %c1 : {POINTER}
      %from = llvm.getelementptr %to[-128] : ({POINTER}) -> {POINTER}, i32
      %before = llvm.load volatile %from : {POINTER} -> i32
      scf.yield %before : i32
    }} else {{
      scf.yield %thread : i32
    }}
    %after = arith.addi %sum, %block : i32
    llvm.store %after, %to : i32, {POINTER}
    hopper.signal %my_flag count %c1 stride %c1 barrier %c1 : {POINTER}"""
    return Kernel(f"%flags: {POINTER}, %out: {POINTER}", body)


def test_flags(machine):
    blocks = 64
    found = run(machine, flags_kernel(), {
        "flags": np.full(blocks, -1), "out": np.zeros((blocks, 128), np.int32)},
        ["flags", "out"], ("flags", "out"), blocks)
    np.testing.assert_array_equal(
        found["out"], np.arange(128) + np.arange(blocks).cumsum()[:, None])
    # Who has seen a flag clears it.
    assert (found["flags"][:-1] == 0).all() and found["flags"][-1] not in (0, -1)


# -- for hosts without ssd-opt -------------------------------------------------

KERNELS = [*(product_kernel(*case) for case in PRODUCTS),
           *(fragment_kernel(*case) for case in FRAGMENTS),
           *(elements_kernel(chip) for chip in CHIPS),
           *(hilo_kernel(*case) for case in HILO), lanes_kernel(),
           *(rows_kernel(chip) for chip in CHIPS),
           *(boxes_kernel(columns) for columns in (64, 128)), flags_kernel()]


if __name__ == "__main__":
    write_ptx(KERNELS, Path(sys.argv[1]))
