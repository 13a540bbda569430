# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""GPU kernels as the compiler emits them, run in the emulator of PTX, against the float64
recurrence."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import reference
from ptx_emulator import (EmulationError, GlobalMemory, TensorMap, parse, run_kernel,
                          split_kernels)
from ptx_emulator.memory import narrow, widen
from ptx_emulator.parse import Immediate

BOUNDS = {"bf16": 5e-3, "f16": 5e-3, "f32": 1e-5}  # as in test_torch_cuda.py
CHUNK = 64


class Case(NamedTuple):
    """A mixer, the kernel to take of those compiled for it, and how it is launched."""

    heads: int
    groups: int
    width: int
    n: int
    batch: int = 1
    length: int = 200
    gate: bool = False
    reverse: bool = False
    segments: bool = False
    leading: bool = False  # segments with the id of the token before
    offsets: tuple = ()  # of packed sequences
    poisoned: tuple = ()  # packed sequences of NaN, which reach no others
    blocks: int = 1  # for packed sequences
    run: int = 0  # chunks of a block where sequences are cut; 0: whole ones
    parts: int = 1  # where they are cut for all multiprocessors: in so many
    dtype: str = "bf16"
    chip: str = "sm_80"
    kernel: str = "ssd_chunked_portable_0"

    @property
    def sequences(self):
        return len(self.offsets) - 1 if self.offsets else self.batch


PORTABLE = {"chip": "sm_80", "kernel": "ssd_chunked_portable_0"}
HOPPER = {"chip": "sm_90a", "kernel": "ssd_chunked_0"}
SINGLE = {"chip": "sm_90a", "kernel": "ssd_chunked_single_1"}
FLOAT = {"dtype": "f32"}
FLOAT_HOPPER = {"dtype": "f32", "chip": "sm_90a", "kernel": "ssd_chunked_single_0"}
PACKED = {"offsets": (0, 0, 64, 64, 200, 200), "blocks": 3, "length": 200}
POISONED = {"offsets": (0, 50, 114, 185, 200), "poisoned": (1, 3), "blocks": 3, "length": 200}
CASES = {
    "portable_1": Case(1, 1, 64, 128, length=1, gate=True),
    "portable_63": Case(2, 1, 64, 128, length=63, gate=True),
    "portable_64_reverse": Case(1, 1, 64, 128, length=64, reverse=True),
    "portable_1_reverse": Case(1, 1, 64, 128, batch=3, length=1, reverse=True),
    "portable_65_f16": Case(4, 4, 8, 8, length=65, dtype="f16"),
    "portable_segments": Case(2, 1, 64, 128, batch=2, length=130, segments=True, gate=True),
    "portable_leading_reverse": Case(2, 1, 64, 128, length=130, segments=True, leading=True,
                                     reverse=True),
    "portable_packed": Case(2, 1, 64, 128, **PACKED),
    "portable_packed_reverse": Case(2, 1, 64, 128, reverse=True, **PACKED),
    "portable_cut": Case(2, 1, 64, 128, length=330, run=4),
    "portable_cut_reverse": Case(3, 1, 64, 64, length=330, run=7, reverse=True),
    "pair_1": Case(2, 1, 64, 128, length=1, **HOPPER),
    "pair_63_f16": Case(2, 1, 64, 128, length=63, dtype="f16", **HOPPER),
    "pair_64": Case(2, 1, 64, 64, length=64, **HOPPER),
    "pair_segments": Case(4, 2, 64, 128, length=65, segments=True, **HOPPER),
    "pair_leading_reverse": Case(4, 1, 64, 128, segments=True, leading=True, gate=True,
                                 reverse=True, **HOPPER),
    "pair_packed": Case(2, 1, 64, 128, gate=True, **PACKED, **HOPPER),
    "pair_packed_reverse": Case(2, 1, 64, 128, reverse=True, **PACKED, **HOPPER),
    "pair_packed_segments": Case(2, 1, 64, 128, segments=True, **PACKED, **HOPPER),
    "portable_packed_segments": Case(2, 1, 64, 128, segments=True, **PACKED),
    "single_gate": Case(2, 1, 64, 128, length=65, gate=True, **SINGLE),
    "single_segments": Case(2, 1, 64, 128, segments=True, **SINGLE),
    "single_packed": Case(2, 1, 64, 128, gate=True, **PACKED, **SINGLE),
    "pair_poisoned": Case(2, 1, 64, 128, gate=True, **POISONED, **HOPPER),
    "single_poisoned": Case(1, 1, 56, 136, segments=True, **POISONED, **HOPPER),
    "portable_poisoned_reverse": Case(2, 1, 64, 128, reverse=True, **POISONED, **PORTABLE),
    "single_cut": Case(2, 1, 64, 128, length=330, run=4, **SINGLE),
    "single_cut_reverse": Case(2, 1, 64, 128, length=330, run=7, reverse=True, **SINGLE),
    "pair_cut": Case(4, 1, 64, 128, length=330, run=4, **HOPPER),
    "two_parts_gate": Case(1, 1, 80, 136, length=200, gate=True, **HOPPER),
    "two_parts_reverse": Case(1, 1, 80, 136, length=65, gate=True, reverse=True, **HOPPER),
    "two_row_blocks_reverse": Case(2, 1, 80, 96, length=65, reverse=True, **HOPPER),
    "split": Case(4, 2, 64, 128, length=330, parts=3, gate=True, **HOPPER),
    "split_reverse": Case(2, 1, 64, 64, batch=2, length=330, parts=2, reverse=True, **HOPPER),
    "split_segments": Case(2, 1, 64, 128, length=330, parts=6, segments=True, **HOPPER),
    "split_two_parts": Case(1, 1, 64, 136, length=330, parts=3, dtype="f16", **HOPPER),
    "single_split": Case(2, 1, 64, 128, length=650, parts=4, **SINGLE),
    "portable_split": Case(2, 1, 64, 128, length=650, parts=5, **PORTABLE),
    "portable_split_reverse": Case(2, 1, 64, 64, length=330, parts=3, reverse=True, **PORTABLE),
    "portable_two_parts": Case(2, 1, 64, 256, batch=2, length=130, **PORTABLE),
    "portable_two_parts_1_f16": Case(1, 1, 24, 136, length=1, dtype="f16", **PORTABLE),
    "portable_two_parts_segments": Case(2, 1, 80, 200, segments=True, reverse=True, **PORTABLE),
    "portable_two_parts_packed": Case(2, 1, 64, 136, **PACKED, **PORTABLE),
    "portable_two_parts_poisoned": Case(1, 1, 56, 136, segments=True, **POISONED, **PORTABLE),
    "portable_two_parts_cut": Case(2, 1, 64, 136, length=330, run=4, **PORTABLE),
    "portable_two_parts_split": Case(1, 1, 64, 256, length=650, parts=5, **PORTABLE),
    "f32_1": Case(1, 1, 64, 128, length=1, **FLOAT),
    "f32_gate": Case(2, 1, 64, 64, length=130, gate=True, **FLOAT),
    "f32_segments_reverse": Case(2, 1, 32, 128, length=130, segments=True, reverse=True, **FLOAT),
    "f32_packed": Case(2, 1, 64, 128, **PACKED, **FLOAT),
    "f32_poisoned": Case(1, 1, 56, 40, segments=True, **POISONED, **FLOAT),
    "f32_cut": Case(2, 1, 64, 128, length=330, run=4, **FLOAT),
    "f32_split": Case(2, 2, 80, 128, length=330, parts=3, **FLOAT),
    "f32_hopper_63": Case(2, 1, 64, 128, length=63, gate=True, **FLOAT_HOPPER),
    "f32_hopper_segments": Case(2, 1, 64, 128, segments=True, **FLOAT_HOPPER),
    "f32_hopper_packed": Case(1, 1, 56, 96, gate=True, **PACKED, **FLOAT_HOPPER),
    "f32_hopper_split_reverse": Case(2, 1, 64, 64, batch=2, length=330, parts=2, reverse=True,
                                     **FLOAT_HOPPER),
    "recurrent": Case(4, 1, 64, 128, length=3, kernel="ssd_recurrent_1"),
}


# -- what is compiled --------------------------------------------------------


def values(operands, braces="tensor"):
    """`%x, %y : tensor<...>, tensor<...>` for (name, type) pairs."""
    names = ", ".join(f"%{name}" for name, _ in operands)
    return f"{names} : {', '.join(f'{braces}<{kind}>' for _, kind in operands)}"


def bindings(operands):
    return ", ".join(f"%{name}i = %{name} : memref<{kind}>" for name, kind in operands)


def gate_text(kind, dtype):
    """The gate's multiplication, from %r to %o."""
    same = ", ".join(["affine_map<(b, l, h, p) -> (b, l, h, p)>"] * 3)
    return f"""
    %o = linalg.generic {{indexing_maps = [{same}],
        iterator_types = ["parallel", "parallel", "parallel", "parallel"]}}
        ins({values([('r', kind), ('zi', kind)])}) outs(%yi : tensor<{kind}>) {{
    ^bb0(%ye: {dtype}, %ze: {dtype}, %oe: {dtype}):
      %v = arith.mulf %ye, %ze : {dtype}
      linalg.yield %v : {dtype}
    }} -> tensor<{kind}>"""


def source(case: Case) -> str:
    """A function of one mixer."""
    batch = "1" if case.offsets else "?"
    x = f"{batch}x?x{case.heads}x{case.width}x{case.dtype}"
    b = f"{batch}x?x{case.groups}x{case.n}x{case.dtype}"
    dt, rate = f"{batch}x?x{case.heads}xf32", f"{case.heads}xf32"
    state = f"?x{case.heads}x{case.width}x{case.n}xf32"
    inputs = [("x", x), ("b", b), ("c", b), ("dt", dt), ("a", rate)]
    inputs += [("z", x)] if case.gate else []
    inputs += [("ids", "?x?xi32")] if case.segments else []
    inputs += [("offsets", "?xi32")] if case.offsets else []
    outputs = [("y", x), ("s", state)]
    arguments = ", ".join(f"%{name}: memref<{kind}>"
                          for name, kind in [*inputs, ("h", state), *outputs])
    options = f"form = #ssd.chunked<chunk = 64, parts = {case.parts}>"
    options += ", direction = #ssd<direction reverse>" if case.reverse else ""
    options += ", leading_segment" if case.leading else ""
    extra = " segment_ids(%idsi : tensor<?x?xi32>)" if case.segments else ""
    extra += " offsets(%offsetsi : tensor<?xi32>)" if case.offsets else ""
    result = ("o" if case.gate else "r", x)
    gate = gate_text(x, case.dtype) if case.gate else ""
    return f"""func.func @mix({arguments}) {{
  memref.copy %h, %s : memref<{state}> to memref<{state}>
  ssd.fused ins({bindings(inputs)}) outs({bindings(outputs)}) {{
    %r, %q = ssd.mix {{{options}}}
        ins({values([('xi', x), ('bi', b), ('ci', b)])})
        decay({values([('dti', dt)])}) rate({values([('ai', rate)])})
        scale({values([('dti', dt)])}){extra}
        outs({values([('yi', x), ('si', state)])}){gate}
    ssd.yield {values([result, ('q', state)])}
  }}
  return
}}
"""


class Step(NamedTuple):
    """A decode step, and how it is launched."""

    heads: int
    groups: int
    width: int
    n: int
    blocks: int  # for an entry of the batch
    rates: bool = False  # of each column
    state: str = "f32"


STEPS = {
    "whole_warps": Step(4, 1, 64, 128, blocks=16),
    "idle_lanes": Step(4, 2, 64, 96, blocks=16),
    "idle_lanes_bf16": Step(2, 1, 64, 80, blocks=4, state="bf16"),
    "two_loads_a_row": Step(2, 1, 16, 200, blocks=2),
    "rows_of_two_heads": Step(4, 4, 24, 16, blocks=1),
    "idle_rows": Step(3, 1, 24, 24, blocks=2),
    "channels_with_rates": Step(40, 1, 1, 16, blocks=1, rates=True),
    "few_columns": Step(7, 7, 5, 8, blocks=1, state="bf16"),
}


def step_source(step: Step) -> str:
    x, b = f"?x{step.heads}x{step.width}xbf16", f"?x{step.groups}x{step.n}xbf16"
    dt, rate = f"?x{step.heads}xf32", f"{step.heads}{f'x{step.n}' * step.rates}xf32"
    state = f"?x{step.heads}x{step.width}x{step.n}x{step.state}"
    inputs = [("x", x), ("b", b), ("c", b), ("dt", dt), ("a", rate)]
    outputs = [("y", x), ("s", state)]
    arguments = ", ".join(f"%{name}: memref<{kind}>" for name, kind in [*inputs, *outputs])
    return f"""func.func @step({arguments}) {{
  ssd.fused ins({bindings(inputs)}) outs({bindings(outputs)}) {{
    %r, %t = ssd.step ins({values([('xi', x), ('bi', b), ('ci', b)])})
        decay({values([('dti', dt)])}) rate({values([('ai', rate)])})
        scale({values([('dti', dt)])}) outs({values([('yi', x), ('si', state)])})
    ssd.yield {values([('r', x), ('t', state)])}
  }}
  return
}}
"""


class Kernel(NamedTuple):
    """A compiled kernel and the types of its parameters in the compiler's output."""

    program: object
    types: list
    shared_bytes: int


@functools.lru_cache(maxsize=None)
def compiled(ssd_opt: Path, text: str, chip: str) -> dict:
    """The kernels of a function, by name: PTX, parameters, shared memory."""
    with tempfile.TemporaryDirectory() as folder:
        ptx = Path(folder, "kernels.ptx")
        done = subprocess.run(
            [ssd_opt, "-", f"--convert-ssd-to-hopper=chip={chip}", f"--emit-ptx=output={ptx}"],
            input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        modules = split_kernels(ptx.read_text())
    signature = r"gpu\.func @{}\((.*?)\) kernel.*?hopper\.shared_bytes = (\d+)"
    found = {}
    for name, module in modules.items():
        match = re.search(signature.format(name), done.stdout)
        types = re.findall(r"%\w+: ([^,]+(?:<[^>]*>)?)", match[1])
        found[name] = (module, types, int(match[2]))
    return found


@pytest.fixture
def ssd_opt(compiler) -> Path:
    tool = compiler.parent / "ssd-opt"
    if not tool.is_file():
        pytest.skip(f"ssd-opt does not lie beside {compiler}")
    return tool


def kernel_of(ssd_opt, text, chip, name) -> Kernel:
    module, types, shared_bytes = compiled(ssd_opt, text, chip)[name]
    return Kernel(parse(module), types, shared_bytes)


# -- operands ----------------------------------------------------------------


def draw(case: Case) -> dict:
    """Buffers: 16-bit floats as bits; results are NaN."""
    generator = np.random.default_rng(1)
    tokens = (case.batch, case.length)

    def normal(*sizes):
        numbers = generator.standard_normal(sizes).astype(np.float32)
        return numbers if case.dtype == "f32" else narrow(numbers, case.dtype).astype(np.uint16)

    def poison(array):
        for index in case.poisoned:
            tokens = slice(*case.offsets[index:index + 2])
            array[:, tokens] = 0x7fff if array.dtype == np.uint16 else np.nan
        return array

    state = (case.sequences, case.heads, case.width, case.n)
    changes = generator.random((case.batch, case.length + case.leading)) < 0.05
    return {
        "x": poison(normal(*tokens, case.heads, case.width)),
        "z": poison(normal(*tokens, case.heads, case.width)),
        "b": poison(normal(*tokens, case.groups, case.n)),
        "c": poison(normal(*tokens, case.groups, case.n)),
        "dt": poison(np.exp(generator.uniform(np.log(1e-3), np.log(0.1),
                                              (*tokens, case.heads))).astype(np.float32)),
        "a": -generator.uniform(1, 16, case.heads).astype(np.float32),
        "h": generator.standard_normal(state).astype(np.float32),
        "ids": (np.cumsum(changes, 1) % 5).astype(np.int32),
        "offsets": np.array(case.offsets or (0,), np.int32),
        "y": poisoned_y(case),
        "s": np.full(state, np.nan, np.float32),
        "handed": np.zeros((64, 64, 128), np.float32), "flags": np.full(1024, -1),
        "decays": np.zeros(64, np.float32)}


def poisoned_y(case: Case):
    sizes = (case.batch, case.length, case.heads, case.width)
    if case.dtype == "f32":
        return np.full(sizes, np.nan, np.float32)
    return np.full(sizes, 0x7fff, np.uint16)


def numbers(array, case: Case):
    return array.copy() if case.dtype == "f32" else widen(array, case.dtype)


RESULTS = ("y", "s", "handed", "flags", "decays")


def expected(case: Case, buffers: dict):
    """y and the final states."""
    x, b, c, z = (numbers(buffers[name], case) for name in "xbcz")
    spans = [(batch, 0, case.length) for batch in range(case.batch)]
    if case.offsets:
        spans = [(0, *span) for span in zip(case.offsets, case.offsets[1:])]
    y, states = np.zeros(x.shape), np.zeros(buffers["s"].shape)
    for index, (batch, first, last) in enumerate(spans):
        at = slice(first, last)
        order = slice(None, None, -1 if case.reverse else 1)
        ids = buffers["ids"][batch:batch + 1, int(case.leading):][:, at][:, order]
        state = buffers["h"][index:index + 1].astype(np.float64)
        if case.leading and buffers["ids"][batch, 0] != ids[0, 0]:
            state *= 0
        tokens = (v[batch:batch + 1, at][:, order] for v in (x, buffers["dt"], b, c))
        xs, dts, bs, cs = tokens
        ys, final = reference.scan(xs, dts, buffers["a"], bs, cs, initial_states=state,
                                   seq_idx=ids if case.segments else None)
        y[batch, at], states[index] = ys[0, order], final[0]
    return y * z if case.gate else y, states


# -- launches ----------------------------------------------------------------


class Arguments:
    """A kernel's arguments, each by the types of the next parameters."""

    def __init__(self, kernel: Kernel, memory: GlobalMemory, box: tuple = ()):
        self.types, self.memory, self.box = kernel.types, memory, box
        self.values: list = []

    def pointers(self, *names: str) -> None:
        self.values += [self.memory.address[name] for name in names]

    def tensors(self, *names: str) -> None:
        """A map of each tensor, or its address and the stride of its first dimension."""
        for name in names:
            array = self.memory.get(name)
            if "tensor_map" in self.types[len(self.values)]:
                self.values.append(TensorMap(array, self.box))
            else:
                self.pointers(name)
                self.values.append(int(np.prod(array.shape[1:])))


def units(case: Case) -> int:
    """Heads, pairs of them or row blocks: what has chunks of its own in a sequence."""
    row_blocks = -(-case.width // 64)
    if case.kernel == "ssd_chunked_0" and case.n <= 128:
        return case.heads // 2 if row_blocks == 1 else case.heads * -(-row_blocks // 2)
    return case.heads * row_blocks


def chunked_arguments(case: Case, kernel: Kernel, memory: GlobalMemory) -> Arguments:
    """In the order of ChunkedLaunch.cpp, all but the schedule."""
    arguments = Arguments(kernel, memory, (1, 64, 1, 64))
    arguments.tensors("dt", *(["ids"] if case.segments else []))
    arguments.pointers("a", *(["offsets"] if case.offsets else []), "h")
    arguments.values += [case.batch, case.length]
    mapped = "tensor_map" in kernel.types[len(arguments.values)]
    ways = 2 if mapped and case.offsets else 1  # rows, too, for sequences' ends
    arguments.tensors(*(name for name in "xbcy" for _ in range(ways)))
    arguments.pointers("s")
    arguments.tensors(*("z" for _ in range(ways if case.gate else 0)))
    return arguments


def run_packed(case: Case, ssd_opt: Path, memory: GlobalMemory) -> None:
    kernel = kernel_of(ssd_opt, source(case), case.chip, case.kernel)
    arguments = chunked_arguments(case, kernel, memory)
    arguments.values.append(case.sequences)
    run_kernel(kernel.program, arguments.values, memory, case.blocks, kernel.shared_bytes)


def run_chunked(case: Case, ssd_opt: Path, memory: GlobalMemory) -> None:
    """Whole sequences."""
    kernel = kernel_of(ssd_opt, source(case), case.chip, case.kernel)
    arguments = chunked_arguments(case, kernel, memory)
    chunks = -(-case.length // CHUNK)
    run = case.run or -(-chunks // case.parts)
    arguments.values.append(run)
    arguments.pointers("handed", "decays", "flags")
    blocks = -(-case.batch * units(case) * chunks // run)
    run_kernel(kernel.program, arguments.values, memory, blocks, kernel.shared_bytes)


def run_recurrent(case: Case, ssd_opt: Path, memory: GlobalMemory) -> None:
    """As RecurrentKernel.cpp has it for rows of 8 lanes, 4 of them a warp."""
    kernel = kernel_of(ssd_opt, source(case), case.chip, case.kernel)
    arguments = Arguments(kernel, memory)
    arguments.tensors("x", "b", "c", "y", "dt")
    arguments.pointers("a", "h", "s")
    warps = case.batch * case.heads * case.width // 4
    arguments.values += [warps, case.length]
    run_kernel(kernel.program, arguments.values, memory, -(-warps // 4), kernel.shared_bytes)


def check(case: Case, memory: GlobalMemory, wanted, results) -> None:
    y, states = wanted
    assert not memory.changed_outside(results)
    found, found_states = numbers(memory.get("y"), case), memory.get("s")
    for index in case.poisoned:
        tokens = slice(*case.offsets[index:index + 2])
        for array in (y, found):
            array[:, tokens] = 0
        for array in (states, found_states):
            array[index] = 0
    assert reference.error_ratio(found, y) < BOUNDS[case.dtype]
    assert reference.error_ratio(found_states, states) < BOUNDS[case.dtype]


@pytest.mark.parametrize("name", CASES)
def test_mixer(name, ssd_opt):
    case = CASES[name]
    buffers = draw(case)
    memory = GlobalMemory(buffers, RESULTS)
    run = run_recurrent if "recurrent" in case.kernel else run_packed if case.offsets else run_chunked
    run(case, ssd_opt, memory)
    check(case, memory, expected(case, buffers), RESULTS)


@pytest.mark.parametrize("name, missing", [
    ("single_gate", r"fence\.proxy\.async"), ("single_gate", r"bar\.sync"),
    ("single_gate", r"mbarrier\.\w+_wait"), ("long", r"wgmma\.wait_group"),
    ("long", r"cp\.async\.bulk\.wait_group"), ("portable_two_parts", r"bar\.sync"),
    ("portable_two_parts", r"mbarrier\.\w+_wait")])
def test_missing_order_is_a_race(name, missing, ssd_opt, monkeypatch):
    """That the emulator finds races in kernels: all instructions of a kind are left out."""
    case = CASES.get(name, Case(2, 1, 64, 64, length=400, **HOPPER))

    def without(instruction):
        if not re.match(missing, instruction.name):
            return instruction
        if "mbarrier" in missing:  # what they say is that all is there
            return instruction._replace(name="mov.pred", operands=(
                instruction.operands[0], Immediate(1)))
        return instruction._replace(name="membar.cta", operands=())

    kernel = kernel_of(ssd_opt, source(case), case.chip, case.kernel)
    program = kernel.program._replace(
        instructions=[without(one) for one in kernel.program.instructions])
    assert program != kernel.program
    monkeypatch.setattr(sys.modules[__name__], "kernel_of",
                        lambda *_: kernel._replace(program=program))
    memory = GlobalMemory(draw(case), RESULTS)
    with pytest.raises(EmulationError, match="a race at"):
        run_chunked(case, ssd_opt, memory)


@pytest.mark.parametrize("name", STEPS)
def test_step(name, ssd_opt):
    step = STEPS[name]
    case = Case(step.heads, step.groups, step.width, step.n, batch=2, length=1)
    kernel = kernel_of(ssd_opt, step_source(step), "sm_80", "ssd_step_0")
    buffers = {name: value[:, 0] if name in ("x", "b", "c", "y", "dt") else value
               for name, value in draw(case).items()}
    before = buffers["h"]
    if step.state != "f32":
        buffers["h"] = narrow(before, step.state).astype(np.uint16)
        before = widen(buffers["h"], step.state)
    buffers["s"] = buffers["h"]
    if step.rates:
        rates = np.random.default_rng(2).uniform(1, 16, (step.heads, step.n))
        buffers["a"] = -rates.astype(np.float32)
    memory = GlobalMemory(buffers, RESULTS)
    arguments = [memory.address[name] for name in ("x", "b", "c", "y", "dt", "a", "s")]
    run_kernel(kernel.program, arguments, memory, case.batch * step.blocks)
    x, b, c = (numbers(buffers[name], case) for name in "xbc")
    delta = np.broadcast_to(buffers["dt"][..., None], x.shape)
    rate = buffers["a"][:, None] if step.rates else buffers["a"][:, None, None]
    y, states = reference.step(before, x, delta, rate, b, c)
    assert not memory.changed_outside(RESULTS)
    assert reference.error_ratio(numbers(memory.get("y"), case), y) < BOUNDS["bf16"]
    found = memory.get("s")
    found = found if step.state == "f32" else widen(found, step.state)
    assert reference.error_ratio(found, states) < (1e-6 if step.state == "f32" else BOUNDS["bf16"])
