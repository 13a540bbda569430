# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operations of the hopper dialect, each in a kernel of its own (hopper_kernels.py): in all
sizes, for both kinds of chips, and at the edges of what is there.

`python test_hopper_ops.py FOLDER` writes the PTX (see hopper_machine.py)."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import numpy as np
import pytest

from hopper_kernels import (BOX, BOX_OF_TILES, COLUMNS, HOPPER, KERNELS, LOADS, MULTICASTS,
                            PRODUCTS, SHAPES, STORES)
from hopper_machine import At, CHIPS, machine, run, write_ptx  # noqa: F401  a fixture
from ptx_emulator.memory import narrow, widen

on_each_chip = pytest.mark.parametrize("chip", CHIPS)
NAN_BITS = 0x7fff


def call(machine, name, buffers, results, arguments, blocks=1):
    """What a kernel leaves in its results."""
    found = list(run(machine, KERNELS[name], buffers, arguments, results, blocks).values())
    return found[0] if len(found) == 1 else found


def small(seed, *sizes):
    """Integers that products of, and sums of these, are exact."""
    return np.random.default_rng(seed).integers(-8, 9, sizes).astype(np.float32)


def normal(seed, *sizes):
    return np.random.default_rng(seed).standard_normal(sizes).astype(np.float32)


def bits(values, dtype="bf16"):
    return narrow(values, dtype).astype(np.uint16)


def unwritten(*sizes):
    return np.full(sizes, np.nan, np.float32)


# -- products ----------------------------------------------------------------


@pytest.mark.parametrize("case", PRODUCTS, ids=lambda case: case.name)
def test_product(machine, case):
    a_shape, b_shape = case.shapes()
    a, b, out = small(0, *a_shape), small(1, *b_shape), small(2, 64, case.n)
    expected = (a.T if case.a == "transposed" else a) @ (b if case.b == "MN" else b.T)
    expected += out if case.sums else 0
    buffers = {"a": bits(a, case.dtype), "b": bits(b, case.dtype), "out": out}
    found = call(machine, case.name, buffers, ("out",), ["a", "b", "out"])
    np.testing.assert_array_equal(found, expected)


# -- fragments and tiles -----------------------------------------------------


@pytest.mark.parametrize("case", LOADS, ids=lambda case: case.name)
def test_load_fragment(machine, case):
    given = bits(normal(0, *case.tile), case.dtype)
    found = call(machine, case.name, {"p": given, "out": unwritten(64, case.columns)}, ("out",),
                 ["p", "out"])
    expected = widen(given, case.dtype)
    np.testing.assert_array_equal(found, expected.T if case.transposed else expected)


@pytest.mark.parametrize("case", STORES, ids=lambda case: case.name)
def test_store_fragment(machine, case):
    given = normal(0, 64, case.columns)
    out = np.full(case.tile, NAN_BITS, np.uint16)
    found = call(machine, case.name, {"p": given, "out": out}, ("out",), ["p", "out"])
    np.testing.assert_array_equal(found, bits(given.T if case.transposed else given, case.dtype))


@on_each_chip
@pytest.mark.parametrize("column", COLUMNS)
def test_store_fragment_at(machine, column, chip):
    given, expected = normal(0, 64, 16), np.zeros((64, 128), np.float32)
    expected[:, column:column + 16] = widen(bits(given), "bf16")
    found = call(machine, f"store_at_{column}_{chip}", {"p": given, "out": unwritten(64, 128)},
                 ("out",), ["p", "out"])
    np.testing.assert_array_equal(found, expected)


# -- rows --------------------------------------------------------------------

COUNTS = [(64, 128), (100, 200), (37, 128), (64, 72), (5, 40), (1, 8), (0, 128), (-3, 64),
          (64, -8)]


@on_each_chip
@pytest.mark.parametrize("rows, columns", COUNTS)
@pytest.mark.parametrize("backwards", [False, True], ids=["down", "up"])
def test_load_rows(machine, rows, columns, backwards, chip):
    """What is not to be read isn't there."""
    here, there = np.clip(rows, 0, 64), np.clip(columns, 0, 128)
    buffer = bits(normal(0, max(here, 1), 136))  # rows 136 apart
    flat = buffer.reshape(-1)[:(max(here, 1) - 1) * 136 + max(there, 8)]
    first = 136 * (here - 1) if backwards and here else 0
    found = call(machine, f"load_rows_{chip}", {"p": flat, "out": unwritten(64, 128)}, ("out",),
                 [At("p", 2 * first), "out", ctypes.c_int64(-136 if backwards else 136),
                  ctypes.c_int32(rows), ctypes.c_int32(columns)])
    expected = np.zeros((64, 128), np.float32)
    order = slice(None, None, -1 if backwards else 1)
    expected[:here, :there] = widen(buffer[:here][order, :there], "bf16")
    np.testing.assert_array_equal(found, expected)


@on_each_chip
@pytest.mark.parametrize("rows, columns", COUNTS)
@pytest.mark.parametrize("backwards", [False, True], ids=["down", "up"])
def test_store_rows(machine, rows, columns, backwards, chip):
    given, out = bits(normal(0, 64, 64)), np.full((70, 136), NAN_BITS, np.uint16)
    here, there = np.clip(rows, 0, 64), np.clip(columns, 0, 64)
    first = 64 if backwards else 3
    found = call(machine, f"store_rows_{chip}", {"p": given, "out": out}, ("out",),
                 ["p", At("out", 2 * 136 * first + 16),
                  ctypes.c_int64(-136 if backwards else 136), ctypes.c_int32(rows),
                  ctypes.c_int32(columns)])
    expected = out.copy()
    at = first - np.arange(here) if backwards else first + np.arange(here)
    expected[at, 8:8 + there] = given[:here, :there]
    np.testing.assert_array_equal(found, expected)


@on_each_chip
@pytest.mark.parametrize("rows, columns", [*COUNTS, (17, 4), (64, 100)])
@pytest.mark.parametrize("backwards", [False, True], ids=["down", "up"])
@pytest.mark.parametrize("warps", [1, 2])
def test_load_rows_hilo(machine, warps, rows, columns, backwards, chip):
    """Rounded values, and what rounding leaves."""
    here, there = np.clip(rows, 0, 64), np.clip(columns, 0, 128)
    buffer = normal(0, max(here, 1), 132)  # rows 132 apart
    flat = buffer.reshape(-1)[:(max(here, 1) - 1) * 132 + max(there, 4)]
    first = 132 * (here - 1) if backwards and here else 0
    high, low = (call(machine, f"load_rows_hilo_{warps}_{chip}",
                      {"p": flat, "out": unwritten(64, 128)}, ("out",),
                      [At("p", 4 * first), "out", ctypes.c_int64(-132 if backwards else 132),
                       *map(ctypes.c_int32, (rows, columns, half))])
                 for half in (0, 1))
    given = np.zeros((64, 128), np.float32)
    order = slice(None, None, -1 if backwards else 1)
    given[:here, :there] = buffer[:here][order, :there]
    np.testing.assert_array_equal(high, widen(bits(given), "bf16"))
    np.testing.assert_array_equal(low, widen(bits(given - high), "bf16"))


@on_each_chip
@pytest.mark.parametrize("dtype", ["f32", "bf16"])
@pytest.mark.parametrize("columns, rows", [(128, 64), (200, 100), (37, 64), (128, 5), (9, 1),
                                           (0, 64), (64, 0), (-2, 64), (64, -8)])
@pytest.mark.parametrize("backwards", [False, True], ids=["down", "up"])
def test_store_columns(machine, columns, rows, backwards, dtype, chip):
    given = normal(0, 64, 128)
    out = unwritten(140, 72) if dtype == "f32" else np.full((140, 72), NAN_BITS, np.uint16)
    here, there = np.clip(columns, 0, 128), np.clip(rows, 0, 64)
    first = 130 if backwards else 3
    found = call(machine, f"store_columns_{dtype}_{chip}", {"p": given, "out": out}, ("out",),
                 ["p", At("out", out.itemsize * (72 * first + 8)),
                  ctypes.c_int64(-72 if backwards else 72), ctypes.c_int32(columns),
                  ctypes.c_int32(rows)])
    expected, stored = out.copy(), given if dtype == "f32" else bits(given)
    at = first - np.arange(here) if backwards else first + np.arange(here)
    expected[at, 8:8 + there] = stored.T[:here, :there]
    np.testing.assert_array_equal(found, expected)


# -- TMA ---------------------------------------------------------------------

TENSOR = (2, 100, 3, 72)
PLACES = [(0, 0, 0, 0), (1, 36, 2, 8), (1, 64, 1, 0), (0, -10, 0, 0), (0, 99, 2, 64),
          (0, 100, 0, 0), (1, 0, 0, -8), (2, 0, 0, 0)]


def box_of(place, columns):
    """Where a box of rows lies in the tensor, and its part that is there."""
    b, l, h, q = place
    row, column = l + np.arange(64), q + np.arange(columns)
    kept = np.ix_((0 <= row) & (row < TENSOR[1]), (0 <= column) & (column < TENSOR[3]))
    if not 0 <= b < TENSOR[0]:
        kept = np.ix_(np.zeros(64, bool), np.zeros(columns, bool))
    return (b % TENSOR[0], row[kept[0].ravel()][:, None], h, column[kept[1].ravel()][None]), kept


@pytest.mark.parametrize("columns", [64, 128])
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_tma_load(machine, place, columns):
    """Zero beyond the tensor."""
    tensor = bits(normal(0, *TENSOR))
    found = call(machine, f"tma_load_{columns}", {"x": tensor, "out": unwritten(64, columns)},
                 ("out",), [("x", BOX), "out", *map(ctypes.c_int32, place)])
    expected = np.zeros((64, columns), np.float32)
    source, kept = box_of(place, columns)
    expected[kept] = widen(tensor[source], "bf16")
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("columns", [64, 128])
@pytest.mark.parametrize("place", [p for p in PLACES if min(p) >= 0], ids=str)
def test_tma_store(machine, place, columns):
    """Nothing beyond the tensor, nor elsewhere in it."""
    given, tensor = bits(normal(0, 64, columns)), np.full(TENSOR, NAN_BITS, np.uint16)
    found = call(machine, f"tma_store_{columns}", {"p": given, "x": tensor}, ("x",),
                 [("x", BOX), "p", *map(ctypes.c_int32, place)])
    expected = tensor.copy()
    target, kept = box_of(place, columns)
    expected[target] = given[kept]
    np.testing.assert_array_equal(found, expected)


# -- lanes and tables --------------------------------------------------------


@on_each_chip
@pytest.mark.parametrize("dtype", ["f32", "i32"])
@pytest.mark.parametrize("kind, lane", [("up", 1), ("up", 16), ("xor", 4), ("xor", 31),
                                        ("from", 0), ("from", 31)])
def test_shuffle(machine, kind, lane, dtype, chip):
    given = np.arange(128, dtype=np.float32 if dtype == "f32" else np.int32) + 5
    index = np.arange(32)
    source = {"up": np.where(index < lane, index, index - lane), "xor": index ^ lane,
              "from": np.full(32, lane)}[kind]
    found = call(machine, f"shuffle_{kind}_{dtype}_{chip}", {"p": given, "out": given * 0},
                 ("out",), ["p", "out", ctypes.c_int32(lane)])
    np.testing.assert_array_equal(found.reshape(4, 32), given.reshape(4, 32)[:, source])


@on_each_chip
def test_exp2(machine, chip):
    given = np.concatenate([np.linspace(-126, 127, 124), [0, -np.inf, -1e4, 1]])
    found = call(machine, f"exp2_{chip}", {"p": given.astype(np.float32), "out": unwritten(128)},
                 ("out",), ["p", "out"])
    np.testing.assert_allclose(found, np.exp2(given.astype(np.float32).astype(np.float64)),
                               rtol=2 ** -21)
    np.testing.assert_array_equal(found[124:], [1, 0, 0, 2])


@on_each_chip
def test_tables(machine, chip):
    given = small(0, 128)
    found = call(machine, f"table_{chip}", {"p": given, "out": unwritten(128, 4)}, ("out",),
                 ["p", "out"])
    np.testing.assert_array_equal(found, given[::-1, None] * [1, 2, 4, 8])


@on_each_chip
def test_named_barriers(machine, chip):
    found = call(machine, f"barriers_{chip}", {"out": np.zeros((2, 128), np.int32)}, ("out",),
                 ["out"])
    np.testing.assert_array_equal(found, np.arange(256).reshape(2, 128)[:, ::-1])


# -- fragments in registers --------------------------------------------------


@on_each_chip
def test_splat_and_position(machine, chip):
    found = call(machine, f"positions_{chip}", {"out": unwritten(64, 128)}, ("out",),
                 ["out", ctypes.c_uint32(0x3f000000)])
    row, column = np.mgrid[:64, :128]
    np.testing.assert_array_equal(found, np.where(row >= column, (row + column) / 2, 0))


@on_each_chip
def test_vectors(machine, chip):
    x, given = small(0, 64, 64), small(1, 128)
    found = call(machine, f"vectors_{chip}", {"x": x, "p": given, "out": unwritten(64, 16)},
                 ("out",), ["x", "p", "out"])
    np.testing.assert_array_equal(found, x[:, 16:32] * given[:64, None] + given[72:88])


@on_each_chip
@pytest.mark.parametrize("rows", [64, 70, 37, 1, 0, -5])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["f32", "bf16", "f16"])
def test_global_fragments(machine, dtype, shape, rows, chip):
    """A part of a matrix from memory and to it."""
    _, columns, pitch = shape
    there = np.clip(rows, 0, 64)
    values = normal(0, 64, pitch)
    given = values if dtype == "f32" else bits(values, dtype)
    out = np.full_like(given, np.nan if dtype == "f32" else NAN_BITS)
    found = call(machine, f"global_{dtype}_{columns}_{pitch}_{chip}", {"p": given, "out": out},
                 ("out",), ["p", "out", ctypes.c_int32(rows)])
    expected = out.copy()
    expected[:there, :columns] = given[:there, :columns]
    np.testing.assert_array_equal(found, expected)


@on_each_chip
def test_handed_fragments(machine, chip):
    given = normal(0, 64, 128)
    buffers = {"p": given, "scratch": unwritten(64, 128), "out": unwritten(64, 128)}
    found, scratch = call(machine, f"handed_{chip}", buffers, ("out", "scratch"),
                          ["p", "scratch", "out"])
    np.testing.assert_array_equal(found, given)
    np.testing.assert_array_equal(np.sort(scratch, None), np.sort(given, None))


@on_each_chip
@pytest.mark.parametrize("dtype, unit", [("bf16", 2 ** -8), ("f16", 2 ** -11)])
def test_weights(machine, dtype, unit, chip):
    """Products with f32 weights, rounded once to 16 bits."""
    x, weights = normal(0, 64, 64), np.abs(normal(1, 64)) + 0.1
    found = call(machine, f"hilo_{dtype}_{chip}", {"p": weights, "x": x, "out": unwritten(64, 64)},
                 ("out",), ["p", "x", "out"])
    exact = widen(bits(x, dtype), dtype).astype(np.float64) * weights
    assert (np.abs(found - exact) <= 1.1 * unit * np.abs(exact) + 2 ** -24).all()


# -- rings and flags ---------------------------------------------------------


@on_each_chip
@pytest.mark.parametrize("count", [0, 1, 3, 8])
def test_ring(machine, count, chip):
    """A producer, two consumers and fewer stages than tiles."""
    given = bits(normal(0, max(count, 1), 64, 1, 128))
    out = unwritten(2, max(count, 1), 64, 128)
    found = call(machine, f"ring_{chip}", {"x": given, "out": out}, ("out",),
                 [("x", BOX) if chip == HOPPER else "x", "out", ctypes.c_int32(count)])
    expected = widen(given[:count, :, 0], "bf16")
    np.testing.assert_array_equal(found[:, :count], np.stack([expected, expected]))
    assert np.isnan(found[:, count:]).all()


@on_each_chip
def test_flags(machine, chip):
    """Another block reads what one has written; flags are clear afterwards."""
    given = normal(0, 64, 64)
    buffers = {"p": given, "scratch": unwritten(64, 64), "flags": np.full(3, -1, np.int64),
               "out": unwritten(64, 64)}
    found, flags, _ = call(machine, f"flags_{chip}", buffers, ("out", "flags", "scratch"),
                           ["p", "scratch", "flags", "out"], blocks=2)
    np.testing.assert_array_equal(found, given)
    np.testing.assert_array_equal(flags, [0, 0, -1])


# -- clusters ----------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 5])
@pytest.mark.parametrize("case", MULTICASTS, ids=lambda case: case.name)
def test_multicast(machine, case, count):
    """Two clusters; each block receives what its group fetches, round after round."""
    given = bits(normal(0, 2, max(count, 1), case.cluster, 64, case.columns))
    out = unwritten(2 * case.cluster, max(count, 1), case.group, 64, case.columns)
    found = call(machine, case.name, {"x": given, "out": out}, ("out",),
                 [("x", BOX_OF_TILES), "out", ctypes.c_int32(count)],
                 blocks=2 * case.cluster)
    for block, tiles in enumerate(found):
        cluster, rank = divmod(block, case.cluster)
        first = rank - rank % case.group
        expected = widen(given[cluster, :count, first:first + case.group], "bf16")
        np.testing.assert_array_equal(tiles[:count], expected)
        assert np.isnan(tiles[count:]).all()


if __name__ == "__main__":
    write_ptx(KERNELS.values(), Path(sys.argv[1]))
