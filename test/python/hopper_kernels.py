# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A small kernel for each operation of the hopper dialect, in every layout and size that
kernels have it in, for both kinds of chips. What they compute is tested by
test_hopper_ops.py."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from hopper_machine import CHIPS, Kernel

HOPPER, PORTABLE = "sm_90a", "sm_80"
POINTER = "!llvm.ptr<1>"
KERNELS: dict = {}  # by name


def add(name, parameters, body, threads=128, chip=HOPPER, cluster=1):
    """A kernel in a module of its own."""
    listed = ", ".join(f"%{p}: {kind}" for p, kind in parameters.items())
    KERNELS[name] = Kernel(listed, f"""    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c2 = arith.constant 2 : i32
    %c4 = arith.constant 4 : i32
{body}""", chip, threads, cluster)


def shared(rows, columns, dtype):
    return f"!hopper.shared<{rows}x{columns}x{dtype}>"


def fragment(columns, dtype="f32"):
    return f"!hopper.fragment<64x{columns}x{dtype}>"


def table(size, dtype="f32"):
    return f"!hopper.shared<{size}x{dtype}, linear>"


def by_one_warp(body, name="one"):
    """Copies of rows are a warp's work: others would race with it."""
    return f"""
    %{name}_warp = hopper.warp
    %is_{name} = arith.cmpi eq, %{name}_warp, %c0 : i32
    scf.if %is_{name} {{{body}
    }}"""


def fill(tile, pointer, rows, columns, dtype):
    """Copies [rows, columns] to a tile."""
    return by_one_warp(f"""
      %{tile}_pitch = arith.constant {columns} : i64
      %{tile}_rows = arith.constant {rows} : i32
      hopper.load_rows %{pointer} stride %{tile}_pitch rows %{tile}_rows to %{tile}
          : {POINTER} to {shared(rows, columns, dtype)}""", f"to_{tile}")


LANDED = """
    hopper.wait_copies
    hopper.fence_async
    hopper.barrier"""


def element(result, pointer, index, dtype="f32"):
    """The address of an element."""
    return (f"\n    %{result} = llvm.getelementptr %{pointer}[%{index}] : ({POINTER}, i32) -> "
            f"{POINTER}, {dtype}")


def save(value, columns, pointer="out"):
    return f"\n    hopper.global_store %{value} to %{pointer} row_major of f32 : " \
        f"{fragment(columns)} to {POINTER}"


# -- products ----------------------------------------------------------------


class Product(NamedTuple):
    """64 x n = 64 x k times k x n."""

    a: str  # shared, registers or transposed: in registers from a tile of [k, 64]
    b: str  # K: [n, k]; MN: [k, n]
    n: int
    k: int
    dtype: str
    chip: str

    @property
    def sums(self) -> bool:
        """Whether it is added to what there is."""
        return self.n != 64

    @property
    def name(self) -> str:
        return "product_" + "_".join(map(str, self))

    def shapes(self):
        return ((self.k, 64) if self.a == "transposed" else (64, self.k),
                (self.k, self.n) if self.b == "MN" else (self.n, self.k))


def add_product(case: Product):
    a_shape, b_shape = case.shapes()
    a_type, b_type = (shared(*shape, case.dtype) for shape in (a_shape, b_shape))
    body = f"""
    %ta = hopper.alloc 0 : {a_type}
    %tb = hopper.alloc 32768 : {b_type}"""
    body += fill("ta", "a", *a_shape, case.dtype) + fill("tb", "b", *b_shape, case.dtype)
    body += LANDED
    left = "ta"
    if case.a != "shared":
        left, a_type, held = "fa", fragment(case.k, case.dtype), a_type
        how = " {transpose}" if case.a == "transposed" else ""
        body += f"\n    %fa = hopper.load_fragment %ta{how} : {held} to {a_type}"
    types, into = f"{a_type}, {b_type}", ""
    if case.sums:
        body += f"\n    %c = hopper.global_load %out row_major of f32 : {POINTER} to " \
            f"{fragment(case.n)}"
        types, into = f"{types}, {fragment(case.n)}", " into %c"
    major = " {mn_major}" if case.b == "MN" else ""
    flying = f"!hopper.inflight<64x{case.n}xf32>"
    body += f"""
    %s = hopper.wgmma %{left}, %tb{into}{major} : {types} -> {flying}
    %y = hopper.wgmma_wait 0 tied(%s) : ({flying}) -> {fragment(case.n)}"""
    add(case.name, {"a": POINTER, "b": POINTER, "out": POINTER}, body + save("y", case.n),
        chip=case.chip)


PRODUCTS = [Product(a, b, n, k, dtype, chip) for a, b, (n, k), dtype, chip in itertools.product(
    ("shared", "registers", "transposed"), ("K", "MN"), ((64, 64), (128, 128), (256, 64)),
    ("bf16", "f16"), CHIPS)]
for _case in PRODUCTS:
    add_product(_case)


# -- fragments and tiles -----------------------------------------------------


class Access(NamedTuple):
    """A fragment of 64 x columns from or to a tile."""

    what: str
    columns: int
    transposed: bool
    dtype: str
    chip: str

    @property
    def name(self) -> str:
        how = "transposed" if self.transposed else "straight"
        return f"{self.what}_{self.columns}_{how}_{self.dtype}_{self.chip}"

    @property
    def tile(self):
        return (self.columns, 64) if self.transposed else (64, self.columns)


def add_load(case: Access):
    tile, how = shared(*case.tile, case.dtype), " {transpose}" if case.transposed else ""
    packed = fragment(case.columns, case.dtype)
    add(case.name, {"p": POINTER, "out": POINTER}, f"""
    %t = hopper.alloc 0 : {tile}{fill('t', 'p', *case.tile, case.dtype)}{LANDED}
    %f = hopper.load_fragment %t{how} : {tile} to {packed}
    %e = hopper.extend %f : {packed} to {fragment(case.columns)}{save('e', case.columns)}""",
        chip=case.chip)


def add_store(case: Access):
    """To a tile of one panel, that store_rows copies from."""
    tile, how = shared(*case.tile, case.dtype), " {transpose}" if case.transposed else ""
    packed = fragment(case.columns, case.dtype)
    add(case.name, {"p": POINTER, "out": POINTER}, f"""
    %t = hopper.alloc 0 : {tile}
    %pitch = arith.constant 64 : i64
    %rows = arith.constant {case.tile[0]} : i32
    %e = hopper.global_load %p row_major of f32 : {POINTER} to {fragment(case.columns)}
    %f = hopper.truncate %e : {fragment(case.columns)} to {packed}
    hopper.store_fragment %f to %t column 0{how} : {packed} to {tile}
    hopper.barrier
    hopper.store_rows %t to %out stride %pitch rows %rows : {tile} to {POINTER}""",
        chip=case.chip)


LOADS = [Access("load", *case) for case in itertools.product(
    (64, 128, 256), (False, True), ("bf16", "f16"), CHIPS)]
STORES = [Access("store", *case) for case in itertools.product(
    (64, 128), (False, True), ("bf16", "f16"), CHIPS) if case[0] == 64 or case[1]]
for _case in LOADS:
    add_load(_case)
for _case in STORES:
    add_store(_case)

# A fragment of 16 columns into a tile of two panels that is zero otherwise.
COLUMNS = (0, 16, 48, 64, 112)
_clear = f"""
      hopper.load_rows %p stride %pitch rows %c0 to %t
          : {POINTER} to {shared(64, 128, 'bf16')}"""
for _column, _chip in itertools.product(COLUMNS, CHIPS):
    add(f"store_at_{_column}_{_chip}", {"p": POINTER, "out": POINTER}, f"""
    %t = hopper.alloc 0 : {shared(64, 128, 'bf16')}
    %pitch = arith.constant 128 : i64{by_one_warp(_clear)}{LANDED}
    %e = hopper.global_load %p row_major of f32 : {POINTER} to {fragment(16)}
    %f = hopper.truncate %e : {fragment(16)} to {fragment(16, 'bf16')}
    hopper.store_fragment %f to %t column {_column}
        : {fragment(16, 'bf16')} to {shared(64, 128, 'bf16')}
    hopper.barrier
    %g = hopper.load_fragment %t : {shared(64, 128, 'bf16')} to {fragment(128, 'bf16')}
    %x = hopper.extend %g : {fragment(128, 'bf16')} to {fragment(128)}{save('x', 128)}""",
        chip=_chip)

# -- rows --------------------------------------------------------------------

_copy = f"""
      hopper.load_rows %p stride %stride rows %rows columns %columns to %t
          : {POINTER} to {shared(64, 128, 'bf16')}"""
for _chip in CHIPS:
    add(f"load_rows_{_chip}", {"p": POINTER, "out": POINTER, "stride": "i64", "rows": "i32",
                               "columns": "i32"}, f"""
    %t = hopper.alloc 0 : {shared(64, 128, 'bf16')}{by_one_warp(_copy)}{LANDED}
    %g = hopper.load_fragment %t : {shared(64, 128, 'bf16')} to {fragment(128, 'bf16')}
    %x = hopper.extend %g : {fragment(128, 'bf16')} to {fragment(128)}{save('x', 128)}""",
        chip=_chip)
    add(f"store_rows_{_chip}", {"p": POINTER, "out": POINTER, "stride": "i64", "rows": "i32",
                                "columns": "i32"}, f"""
    %t = hopper.alloc 0 : {shared(64, 64, 'bf16')}{fill('t', 'p', 64, 64, 'bf16')}{LANDED}
    hopper.store_rows %t to %out stride %stride rows %rows columns %columns
        : {shared(64, 64, 'bf16')} to {POINTER}""", chip=_chip)

    # The work of a warp or of two; then the one tile or the other.
    _pair = "!hopper.shared<2x64x128xbf16>"
    for _warps in (1, 2):
        _part = " part %mine of 2" if _warps == 2 else ""
        add(f"load_rows_hilo_{_warps}_{_chip}", {
            "p": POINTER, "out": POINTER, "stride": "i64", "rows": "i32", "columns": "i32",
            "half": "i32"}, f"""
    %t = hopper.alloc 0 : {_pair}
    %warp = hopper.warp
    %c{_warps}_warps = arith.constant {_warps} : i32
    %mine = arith.subi %warp, %c2 : i32
    %is_one = arith.cmpi ult, %mine, %c{_warps}_warps : i32
    scf.if %is_one {{
      hopper.load_rows_hilo %p stride %stride rows %rows columns %columns{_part} to %t
          : {POINTER} to {_pair}
    }}
    hopper.barrier
    %u = hopper.slice %t[%half] : {_pair}, i32 to {shared(64, 128, 'bf16')}
    %g = hopper.load_fragment %u : {shared(64, 128, 'bf16')} to {fragment(128, 'bf16')}
    %x = hopper.extend %g : {fragment(128, 'bf16')} to {fragment(128)}{save('x', 128)}""",
            chip=_chip)
    for _type in ("f32", "bf16"):
        add(f"store_columns_{_type}_{_chip}", {"p": POINTER, "out": POINTER, "stride": "i64",
                                               "columns": "i32", "rows": "i32"}, f"""
    %f = hopper.global_load %p row_major of f32 : {POINTER} to {fragment(128)}
    hopper.store_columns %f to %out of {_type} stride %stride columns %columns rows %rows
        : {fragment(128)} to {POINTER}""", chip=_chip)

# -- TMA ---------------------------------------------------------------------

BOX = (1, 64, 1, 64)
MAP = "!hopper.tensor_map<1x64x1x64xbf16>"
PLACE = {name: "i32" for name in ("b", "l", "h", "q")}
for _columns in (64, 128):
    _tile = shared(64, _columns, "bf16")
    add(f"tma_load_{_columns}", {"map": MAP, "out": POINTER, **PLACE}, f"""
    %t = hopper.alloc 0 : {_tile}
    %ring = hopper.ring 65536 producers 1 consumers 1 : !hopper.ring<1>
    hopper.init_rings %ring : !hopper.ring<1>
    hopper.barrier
    %cursor = hopper.cursor : !hopper.cursor<1>
    hopper.elect by warpgroup {{
      hopper.tma_prefetch %map : {MAP}
      hopper.expect %ring[%cursor], {128 * _columns} : !hopper.ring<1>
      hopper.tma_load %map[%b, %l, %h, %q] to %t, %ring[%cursor] cache evict_first
          : {MAP}, {_tile}, !hopper.ring<1>
    }}
    hopper.wait %ring[%cursor] : !hopper.ring<1>
    %g = hopper.load_fragment %t : {_tile} to {fragment(_columns, 'bf16')}
    %x = hopper.extend %g : {fragment(_columns, 'bf16')} to {fragment(_columns)}"""
        + save("x", _columns))
    add(f"tma_store_{_columns}", {"map": MAP, "p": POINTER, **PLACE}, f"""
    %t = hopper.alloc 0 : {_tile}{fill('t', 'p', 64, _columns, 'bf16')}{LANDED}
    hopper.elect by warpgroup {{
      hopper.tma_store %t to %map[%b, %l, %h, %q] cache normal : {_tile}, {MAP}
      hopper.tma_store_wait 0
    }}""")

# -- lanes and tables --------------------------------------------------------

for _chip in CHIPS:
    for _kind, _type in itertools.product(("up", "xor", "from"), ("f32", "i32")):
        add(f"shuffle_{_kind}_{_type}_{_chip}", {"p": POINTER, "out": POINTER, "lane": "i32"}, f"""
    %i = hopper.thread{element('a', 'p', 'i', _type)}{element('o', 'out', 'i', _type)}
    %v = llvm.load %a : {POINTER} -> {_type}
    %r = hopper.shuffle "{_kind}" %v, %lane : {_type}
    llvm.store %r, %o : {_type}, {POINTER}""", chip=_chip)
    add(f"exp2_{_chip}", {"p": POINTER, "out": POINTER}, f"""
    %i = hopper.thread{element('a', 'p', 'i')}{element('o', 'out', 'i')}
    %v = llvm.load %a : {POINTER} -> f32
    %r = hopper.exp2 %v : f32
    llvm.store %r, %o : f32, {POINTER}""", chip=_chip)
    # Each thread stores 4, 2 and 1 values, and reads those of the thread opposite.
    add(f"table_{_chip}", {"p": POINTER, "out": POINTER}, f"""
    %c127 = arith.constant 127 : i32
    %flat = hopper.alloc 0 : {table(1024)}
    %both = hopper.reshape %flat : {table(1024)} to {table('2x512')}
    %four = hopper.slice %both[%c0] : {table('2x512')}, i32 to {table(512)}
    %two = hopper.slice %both[%c1] : {table('2x512')}, i32 to {table(512)}
    %one = hopper.alloc 4096 : {table(128)}
    %i = hopper.thread{element('a', 'p', 'i')}
    %v = llvm.load %a : {POINTER} -> f32
    %w = arith.addf %v, %v : f32
    %x = arith.addf %w, %w : f32
    %y = arith.addf %x, %x : f32
    %j = arith.muli %i, %c4 : i32
    %k = arith.muli %i, %c2 : i32
    hopper.store %v, %w, %x, %y to %four[%j] : f32, f32, f32, f32 to {table(512)}
    hopper.store %x, %y to %two[%k] : f32, f32 to {table(512)}
    hopper.store %v to %one[%i] : f32 to {table(128)}
    hopper.barrier
    %other = arith.subi %c127, %i : i32
    %j1 = arith.muli %other, %c4 : i32
    %k0 = arith.muli %other, %c2 : i32
    %j2 = arith.addi %j1, %c1 : i32
    %k1 = arith.addi %k0, %c1 : i32
    %r0 = hopper.load %one[%other] : {table(128)} to f32
    %r1 = hopper.load %four[%j2] : {table(512)} to f32
    %r2 = hopper.load %two[%k0] : {table(512)} to f32
    %r3 = hopper.load %two[%k1] : {table(512)} to f32
    %o = arith.muli %i, %c4 : i32""" + "".join(f"""
    %n{n} = arith.constant {n} : i32
    %o{n} = arith.addi %o, %n{n} : i32{element(f'p{n}', 'out', f'o{n}')}
    llvm.store %r{n}, %p{n} : f32, {POINTER}""" for n in range(4)), chip=_chip)
    # Two warpgroups with a barrier each.
    add(f"barriers_{_chip}", {"out": POINTER}, f"""
    %c128 = arith.constant 128 : i32
    %c127 = arith.constant 127 : i32
    %tables = hopper.alloc 0 : {table('2x128', 'i32')}
    %i = hopper.thread
    %g = hopper.warpgroup
    %mine = hopper.slice %tables[%g] : {table('2x128', 'i32')}, i32 to {table(128, 'i32')}
    %first = arith.muli %g, %c128 : i32
    %at = arith.addi %first, %i : i32
    hopper.store %at to %mine[%i] : i32 to {table(128, 'i32')}
    %id = arith.addi %g, %c1 : i32
    hopper.barrier id %id of 128
    %other = arith.subi %c127, %i : i32
    %v = hopper.load %mine[%other] : {table(128, 'i32')} to i32{element('o', 'out', 'at', 'i32')}
    llvm.store %v, %o : i32, {POINTER}""", threads=256, chip=_chip)

# -- fragments in registers --------------------------------------------------

SHAPES = [(64, 64, 64), (64, 40, 200), (128, 128, 128), (128, 96, 96)]
for _chip in CHIPS:
    add(f"positions_{_chip}", {"out": POINTER, "v": "f32"}, f"""
    %zero = arith.constant 0.0 : f32
    %f = hopper.splat %v : {fragment(128)}
    %g = hopper.map %f : ({fragment(128)}) -> {fragment(128)} {{
    ^bb0(%e: f32):
      %row, %column = hopper.position : i32, i32
      %below = arith.cmpi sge, %row, %column : i32
      %sum = arith.addi %row, %column : i32
      %number = arith.sitofp %sum : i32 to f32
      %product = arith.mulf %number, %e : f32
      %kept = arith.select %below, %product, %zero : f32
      hopper.yield %kept : f32
    }}{save('g', 128)}""", chip=_chip)
    # y[i, j] = x[i, j] r[i] + c[j], for columns 16 to 31 of x.
    add(f"vectors_{_chip}", {"x": POINTER, "p": POINTER, "out": POINTER}, f"""
    %t = hopper.alloc 0 : {table(128)}
    %i = hopper.thread{element('a', 'p', 'i')}
    %v = llvm.load %a : {POINTER} -> f32
    hopper.store %v to %t[%i] : f32 to {table(128)}
    hopper.barrier
    %s = hopper.global_load %x row_major of f32 : {POINTER} to {fragment(64)}
    %m = hopper.block_of %s column 16 : {fragment(64)} to {fragment(16)}
    %r = hopper.load_vector %t from 0 : {table(128)} to !hopper.fragment<64xf32, rows>
    %c = hopper.load_vector %t from 72 : {table(128)} to !hopper.fragment<16xf32, columns>
    %y = hopper.map %m, %r, %c : ({fragment(16)}, !hopper.fragment<64xf32, rows>,
        !hopper.fragment<16xf32, columns>) -> {fragment(16)} {{
    ^bb0(%e: f32, %f: f32, %g: f32):
      %0 = arith.mulf %e, %f : f32
      %1 = arith.addf %0, %g : f32
      hopper.yield %1 : f32
    }}{save('y', 16)}""", chip=_chip)
    for _type in ("f32", "bf16", "f16"):
        for _width, _columns, _pitch in SHAPES:
            _part = f"of {_type} rows %rows columns {_columns} pitch {_pitch}"
            add(f"global_{_type}_{_columns}_{_pitch}_{_chip}",
                {"p": POINTER, "out": POINTER, "rows": "i32"}, f"""
    %f = hopper.global_load %p row_major {_part} : {POINTER} to {fragment(_width)}
    hopper.global_store %f to %out row_major {_part} : {fragment(_width)} to {POINTER}""",
                chip=_chip)
    # Through global and shared memory in the order in which threads hold values.
    add(f"handed_{_chip}", {"p": POINTER, "scratch": POINTER, "out": POINTER}, f"""
    %t = hopper.alloc 0 : {table(8192)}
    %f = hopper.global_load %p row_major of f32 : {POINTER} to {fragment(128)}
    hopper.global_store %f to %scratch fragment of f32 : {fragment(128)} to {POINTER}
    hopper.barrier
    %g = hopper.global_load %scratch fragment of f32 : {POINTER} to {fragment(128)}
    hopper.store_fragment %g to %t column 0 : {fragment(128)} to {table(8192)}
    %h = hopper.load_fragment %t : {table(8192)} to {fragment(128)}{save('h', 128)}""",
        chip=_chip)
    for _type in ("bf16", "f16"):
        add(f"hilo_{_type}_{_chip}", {"p": POINTER, "x": POINTER, "out": POINTER}, f"""
    %t = hopper.alloc 0 : {table(64, 'i32')}
    %lane = hopper.lane
    %warp = hopper.warp
    %even_at = arith.muli %lane, %c2 : i32
    %odd_at = arith.addi %even_at, %c1 : i32{element('pe', 'p', 'even_at')}{element('po', 'p', 'odd_at')}
    %even = llvm.load %pe : {POINTER} -> f32
    %odd = llvm.load %po : {POINTER} -> f32
    %first = arith.cmpi eq, %warp, %c0 : i32
    scf.if %first {{
      hopper.store_hilo %even, %odd to %t as {_type} : {table(64, 'i32')}
    }}
    hopper.barrier
    %w = hopper.load_hilo %t : {table(64, 'i32')}
    %f = hopper.global_load %x row_major of f32 : {POINTER} to {fragment(64)}
    %g = hopper.truncate %f : {fragment(64)} to {fragment(64, _type)}
    %s = hopper.scale_hilo %g by %w : {fragment(64, _type)} to {fragment(64, _type)}
    %y = hopper.extend %s : {fragment(64, _type)} to {fragment(64)}{save('y', 64)}""", chip=_chip)

# -- rings and flags ---------------------------------------------------------

# Tiles of [64, 128] of x[count, 64, 128] go through three stages to two warpgroups; each
# writes all of them, out[warpgroup, count, 64, 128].
_STAGE = shared(64, 128, "bf16")
_CONSUMER = f"""
    role {{
    ^bb0(%i: i32):
      %begin = hopper.cursor : !hopper.cursor<3>
      %base = arith.muli %i, %count : i32
      %last = scf.for %t = %c0 to %count step %c1 iter_args(%c = %begin)
          -> (!hopper.cursor<3>) : i32 {{
        %full = hopper.try %ring[%c] : !hopper.ring<3>
        hopper.wait %ring[%c] unless %full : !hopper.ring<3>
        %tile = hopper.slice %tiles[%c] : !hopper.shared<3x64x128xbf16>, !hopper.cursor<3> to {_STAGE}
        %g = hopper.load_fragment %tile : {_STAGE} to {fragment(128, 'bf16')}
        %x = hopper.extend %g : {fragment(128, 'bf16')} to {fragment(128)}
        %number = arith.addi %base, %t : i32
        %size = arith.constant 8192 : i32
        %at = arith.muli %number, %size : i32{element('o', 'out', 'at')}{save('x', 128, 'o')}
        hopper.release %ring[%c] by warp : !hopper.ring<3>
        %next = hopper.advance %c : !hopper.cursor<3>
        scf.yield %next : !hopper.cursor<3>
      }}
      hopper.yield
    }}"""
for _chip in CHIPS:
    _copy = f"""
      hopper.expect %ring[%c], 16384 : !hopper.ring<3>
      hopper.tma_load %map[%t, %c0, %c0, %c0] to %tile, %ring[%c] cache normal
          : {MAP}, {_STAGE}, !hopper.ring<3>""" if _chip == HOPPER else f"""
      %n64 = arith.constant 64 : i32
      %pitch = arith.constant 128 : i64
      %size = arith.constant 8192 : i32
      %at = arith.muli %t, %size : i32{element('from', 'map', 'at', 'bf16')}
      hopper.load_rows %from stride %pitch rows %n64 to %tile : {POINTER} to {_STAGE}
      hopper.commit_copies %ring[%c] : !hopper.ring<3>"""
    _loop = f"""
      %begin = hopper.cursor : !hopper.cursor<3>
      %last = scf.for %t = %c0 to %count step %c1 iter_args(%c = %begin)
          -> (!hopper.cursor<3>) : i32 {{
        hopper.acquire %ring[%c] : !hopper.ring<3>
        %tile = hopper.slice %tiles[%c] : !hopper.shared<3x64x128xbf16>, !hopper.cursor<3> to {_STAGE}{_copy}
        %next = hopper.advance %c : !hopper.cursor<3>
        scf.yield %next : !hopper.cursor<3>
      }}"""
    _role = f"hopper.elect by warpgroup {{{_loop}\n      }}" if _chip == HOPPER \
        else by_one_warp(f"{_loop}\n      hopper.wait_copies")
    add(f"ring_{_chip}", {"map": MAP if _chip == HOPPER else POINTER, "out": POINTER,
                          "count": "i32"}, f"""
    %ring = hopper.ring 65536 producers 1 consumers 8 : !hopper.ring<3>
    %tiles = hopper.alloc 0 : !hopper.shared<3x64x128xbf16>
    hopper.init_rings %ring : !hopper.ring<3>
    hopper.barrier
    hopper.specialize warpgroups [1, 2] registers [40, 232]
    role {{
    ^bb0(%i: i32):
      {_role}
      hopper.yield
    }}{_CONSUMER}""", threads=384, chip=_chip)
    # Block 0 hands a fragment to block 1, with two flags.
    add(f"flags_{_chip}", {"p": POINTER, "scratch": POINTER, "flags": POINTER, "out": POINTER}, f"""
    %block = hopper.block
    %first = arith.cmpi eq, %block, %c0 : i32
    scf.if %first {{
      %f = hopper.global_load %p row_major of f32 : {POINTER} to {fragment(64)}
      hopper.global_store %f to %scratch fragment of f32 : {fragment(64)} to {POINTER}
      hopper.signal %flags count %c2 stride %c1 barrier %c1 : {POINTER}
    }} else {{
      hopper.await %flags count %c2 barrier %c1 : {POINTER}
      %g = hopper.global_load %scratch fragment of f32 : {POINTER} to {fragment(64)}{save('g', 64)}
    }}""", chip=_chip)


# -- clusters ----------------------------------------------------------------

BOX_OF_TILES = (1, 1, 1, 64, 64)
TILES = "!hopper.tensor_map<1x1x1x64x64xbf16>"


class Multicast(NamedTuple):
    """Clusters of blocks that exchange tiles in groups of consecutive ranks."""

    cluster: int
    group: int
    columns: int  # of a tile
    cache: str

    @property
    def name(self) -> str:
        return f"multicast_{self.cluster}_in_{self.group}_of_{self.columns}"


def add_multicast(case: Multicast):
    """x[cluster, count, rank, 64, columns]: every block fetches a tile a round and gives it to
    its group, through two stages. It writes all that it receives, half of them by each of two
    warpgroups, out[block, count, tile of the group, 64, columns]."""
    group, columns = case.group, case.columns
    tile, stage = shared(64, columns, "bf16"), f"{group}x64x{columns}xbf16"
    size = 64 * columns
    ranks = "".join(f"""
    %n{r} = arith.constant {r} : i32
    %to{r} = arith.addi %first, %n{r} : i32""" for r in range(group))
    received = "".join(f"""
        %j{j} = arith.constant {j} : i32
        %own{j} = arith.addi %half, %j{j} : i32
        %t{j} = hopper.slice %stage[%own{j}] : !hopper.shared<{stage}>, i32 to {tile}
        %g{j} = hopper.load_fragment %t{j} : {tile} to {fragment(columns, 'bf16')}
        %x{j} = hopper.extend %g{j} : {fragment(columns, 'bf16')} to {fragment(columns)}
        %number{j} = arith.addi %round, %own{j} : i32
        %at{j} = arith.muli %number{j}, %size : i32{element(f'o{j}', 'out', f'at{j}')}"""
        + save(f"x{j}", columns, f"o{j}") for j in range(group // 2))
    released = "".join(f"""
        hopper.release %ring[%c] by warp to %to{r} : !hopper.ring<2>""" for r in range(group))
    loop = """%begin = hopper.cursor : !hopper.cursor<2>
      %last = scf.for %t = %c0 to %count step %c1 iter_args(%c = %begin)
          -> (!hopper.cursor<2>) : i32 {"""
    next_stage = """
        %next = hopper.advance %c : !hopper.cursor<2>
        scf.yield %next : !hopper.cursor<2>
      }"""
    add(case.name, {"map": TILES, "out": POINTER, "count": "i32"}, f"""
    %n = arith.constant {case.cluster} : i32
    %group = arith.constant {group} : i32
    %size = arith.constant {size} : i32
    %bits = arith.constant {2 ** group - 1} : i32
    %block = hopper.block
    %cluster = arith.divui %block, %n : i32
    %rank = hopper.cluster_rank
    %own = arith.remui %rank, %group : i32
    %first = arith.subi %rank, %own : i32{ranks}
    %wide = arith.shli %bits, %first : i32
    %mask = arith.trunci %wide : i32 to i16
    %ring = hopper.ring 65536 producers 1 consumers {8 * group} : !hopper.ring<2>
    %stages = hopper.alloc 0 : !hopper.shared<2x{stage}>
    hopper.init_rings %ring : !hopper.ring<2>
    hopper.cluster_barrier
    hopper.specialize warpgroups [1, 2] registers [40, 232]
    role {{
    ^bb0(%i: i32):
      hopper.elect by warpgroup {{
      {loop}
        hopper.acquire %ring[%c] : !hopper.ring<2>
        hopper.expect %ring[%c], {2 * size * group} : !hopper.ring<2>
        %stage = hopper.slice %stages[%c] : !hopper.shared<2x{stage}>, !hopper.cursor<2> to !hopper.shared<{stage}>
        %tile = hopper.slice %stage[%own] : !hopper.shared<{stage}>, i32 to {tile}
        hopper.tma_load %map[%cluster, %t, %rank, %c0, %c0] to %tile, %ring[%c] cache {case.cache}
            multicast %mask : {TILES}, {tile}, !hopper.ring<2>{next_stage}
      }}
      hopper.yield
    }}
    role {{
    ^bb0(%i: i32):
      %each = arith.constant {group // 2} : i32
      %half = arith.muli %i, %each : i32
      %before = arith.muli %block, %count : i32
      {loop}
        hopper.wait %ring[%c] : !hopper.ring<2>
        %stage = hopper.slice %stages[%c] : !hopper.shared<2x{stage}>, !hopper.cursor<2> to !hopper.shared<{stage}>
        %rounds = arith.addi %before, %t : i32
        %round = arith.muli %rounds, %group : i32{received}{released}{next_stage}
      hopper.yield
    }}
    hopper.cluster_barrier""", threads=384, cluster=case.cluster)


MULTICASTS = [Multicast(2, 2, 128, "normal"), Multicast(4, 4, 64, "evict_first"),
              Multicast(4, 2, 64, "normal")]
for _case in MULTICASTS:
    add_multicast(_case)
