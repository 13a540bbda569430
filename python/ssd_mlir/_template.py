# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""MLIR text of the operators: one function a shape class, with only the parts
that are used. Batch and length stay dynamic."""

from __future__ import annotations

import math
from typing import NamedTuple, Optional

ENTRY = "operator"


class ShapeClass(NamedTuple):
    """All that distinguishes one compiled operator from another."""

    kind: str  # scan (ssd.mix) or step (ssd.step)
    heads: int
    groups: int
    head_dim: int
    state_dim: int
    dtype: str  # of x, B, C and y
    dt_dtype: str
    z_dtype: Optional[str] = None  # None: no gate
    skip: Optional[str] = None  # the D term: None, "head" or "channel"
    skip_dtype: str = "f32"
    bias_dtype: Optional[str] = None  # None: no dt_bias
    softplus: bool = False
    limits: tuple[float, float] = (-math.inf, math.inf)
    diagonal_rate: bool = False  # A is [H, N], not [H]
    initial: bool = False  # has an initial state
    final: bool = False  # returns the final state
    segments: bool = False  # has segment_ids
    offsets: bool = False  # has offsets: packed sequences
    slots: bool = False  # of a step: has slots, rows of a pool of states
    state_dtype: str = "f32"


class _Argument(NamedTuple):
    name: str
    dims: tuple[str, ...]  # names of dynamic sizes, numbers of static ones
    dtype: str
    strided: bool = False
    state: bool = False  # a result takes its place

    @property
    def type(self) -> str:
        sizes = "".join(f"{d if d.isdigit() else '?'}x" for d in self.dims)
        return f"tensor<{sizes}{self.dtype}>"

    @property
    def attributes(self) -> str:
        dims = ", ".join('""' if d.isdigit() else f'"{d}"' for d in self.dims)
        strided = ", ssd.strided" if self.strided else ""
        role = "state" if self.state else "name"
        return f'{{ssd.{role} = "{self.name}", ssd.dims = [{dims}]{strided}}}'


def _float(value: float) -> str:
    """A float literal that MLIR reads back as the same f32."""
    mantissa, _, exponent = f"{value:.17e}".partition("e")
    return f"{mantissa}e{exponent} : f32"


class _Writer:
    """Writes the function of one shape class."""

    def __init__(self, shape: ShapeClass) -> None:
        self.shape = shape
        self.lines: list[str] = []
        s = shape
        # Sizes by letter, as design and documentation name them.
        h, g, p, n = (str(v) for v in (s.heads, s.groups, s.head_dim,
                                       s.state_dim))
        # offsets need one batch.
        batch = "1" if s.offsets else "B"
        tokens = (batch,) if s.kind == "step" else (batch, "L")
        rows = "S" if s.offsets else "R" if s.slots else "B"
        self.x = _Argument("x", (*tokens, h, p), s.dtype, True)
        self.b = _Argument("B", (*tokens, g, n), s.dtype, True)
        self.c = _Argument("C", (*tokens, g, n), s.dtype, True)
        self.dt = _Argument("dt", (*tokens, h), s.dt_dtype, True)
        self.rate = _Argument("A", (h, n) if s.diagonal_rate else (h,), "f32")
        self.bias = _Argument("dt_bias", (h,), s.bias_dtype or "f32")
        self.skip = _Argument("D", (h, p) if s.skip == "channel" else (h,),
                              s.skip_dtype)
        self.gate = _Argument("z", (*tokens, h, p), s.z_dtype or "f32", True)
        self.segments = _Argument("segment_ids", ("B", "L"), "i32")
        self.offsets = _Argument("offsets", ("S1",), "i32")
        self.slots = _Argument("slots", ("B",), "i32")
        # A step updates its states where they are.
        self.initial = (
            _Argument("state", (rows, h, p, n), s.state_dtype, True, True)
            if s.kind == "step" else
            _Argument("initial_state", (rows, h, p, n), s.state_dtype))
        self.y = _Argument("y", (*tokens, h, p), s.dtype)
        self.final = (
            self.initial if s.kind == "step" else
            _Argument("final_state", (rows, h, p, n), s.state_dtype))
        # In f32 until the skip and the gate have been applied.
        self.has_epilogue = s.skip is not None or s.z_dtype is not None
        self.y_mix = self.y._replace(dtype="f32") if self.has_epilogue else self.y

    @property
    def inputs(self) -> list[_Argument]:
        s = self.shape
        return [a for a, used in (
            (self.x, True), (self.dt, True), (self.rate, True), (self.b, True),
            (self.c, True), (self.skip, s.skip is not None),
            (self.gate, s.z_dtype is not None),
            (self.bias, s.bias_dtype is not None),
            (self.initial, s.initial), (self.segments, s.segments),
            (self.offsets, s.offsets), (self.slots, s.slots)) if used]

    @property
    def results(self) -> list[_Argument]:
        return [self.y, self.final] if self.shape.final else [self.y]

    def line(self, text: str) -> None:
        self.lines.append("  " + text)

    def write(self) -> str:
        arguments = ",\n    ".join(f"%{a.name}: {a.type} {a.attributes}"
                                   for a in self.inputs)
        results = ",\n     ".join(f"{a.type} {a.attributes}"
                                  for a in self.results)
        self._write_sizes()
        self._write_delta()
        self._write_state()
        self._write_mixer()
        y = self._write_epilogue() if self.has_epilogue else "%mixed"
        values = [y, "%after"] if self.shape.final else [y]
        types = ", ".join(a.type for a in self.results)
        self.line(f"return {', '.join(values)} : {types}")
        body = "\n".join(self.lines)
        return (f"func.func @{ENTRY}(\n    {arguments})\n"
                f"  -> ({results}) {{\n{body}\n}}\n")

    def _write_sizes(self) -> None:
        dynamic: dict[str, tuple[_Argument, int]] = {}
        for argument in self.inputs:
            for index, dim in enumerate(argument.dims):
                if not dim.isdigit():
                    dynamic.setdefault(dim, (argument, index))
        for index in sorted({i for _, i in dynamic.values()}):
            self.line(f"%index{index} = arith.constant {index} : index")
        for dim, (argument, index) in dynamic.items():
            self.line(f"%size_{dim} = tensor.dim %{argument.name}, "
                      f"%index{index} : {argument.type}")

    def _empty(self, name: str, argument: _Argument) -> None:
        sizes = ", ".join(f"%size_{d}" for d in argument.dims
                          if not d.isdigit())
        self.line(f"%{name} = tensor.empty({sizes}) : {argument.type}")

    def _write_delta(self) -> None:
        """%delta: the step sizes, f32."""
        s = self.shape
        low, high = s.limits
        options = ["softplus"] if s.softplus else []
        if low != -math.inf and not (s.softplus and low <= 0):
            options.append(f"min = {_float(low)}")
        if high != math.inf:
            options.append(f"max = {_float(high)}")
        attributes = f"{{{', '.join(options)}}} " if options else ""
        delta = self.dt._replace(dtype="f32")
        self.delta = delta
        self._empty("delta_init", delta)
        bias = f" bias(%dt_bias : {self.bias.type})" if s.bias_dtype else ""
        self.line(f"%delta = ssd.discretize {attributes}"
                  f"ins(%dt : {self.dt.type}){bias} "
                  f"outs(%delta_init : {delta.type})")

    def _write_state(self) -> None:
        """%before: the state that the mixer starts from."""
        if self.shape.initial:
            self.before = f"%{self.initial.name}"
            return
        self._empty("state_init", self.final)
        self.line(f"%zero = arith.constant 0.0 : {self.final.dtype}")
        self.line(f"%zeros = linalg.fill ins(%zero : {self.final.dtype}) "
                  f"outs(%state_init : {self.final.type}) -> {self.final.type}")
        self.before = "%zeros"

    def _write_mixer(self) -> None:
        s = self.shape
        op = "ssd.mix" if s.kind == "scan" else "ssd.step"
        self._empty("mixed_init", self.y_mix)
        extra = ""
        if s.segments:
            extra += f" segment_ids(%segment_ids : {self.segments.type})"
        if s.offsets:
            extra += f" offsets(%offsets : {self.offsets.type})"
        if s.slots:
            extra += f" slots(%slots : {self.slots.type})"
        self.line(f"%mixed, %after = {op} "
                  f"ins(%x, %B, %C : {self.x.type}, {self.b.type}, {self.c.type}) "
                  f"decay(%delta : {self.delta.type}) rate(%A : {self.rate.type}) "
                  f"scale(%delta : {self.delta.type}){extra} "
                  f"outs(%mixed_init, {self.before} : {self.y_mix.type}, "
                  f"{self.final.type})")

    def _write_epilogue(self) -> str:
        """(y + D x) silu(z), rounded once."""
        s = self.shape
        rank = len(self.y.dims)
        every = ", ".join(f"d{i}" for i in range(rank))
        head, channel = f"d{rank - 2}", f"d{rank - 1}"
        identity = f"affine_map<({every}) -> ({every})>"
        operands = [("%mixed", self.y_mix, identity, "%m")]
        if s.skip is not None:
            of = head if s.skip == "head" else f"{head}, {channel}"
            operands.append(("%x", self.x, identity, "%v"))
            operands.append(("%D", self.skip, f"affine_map<({every}) -> ({of})>",
                             "%d"))
        if s.z_dtype is not None:
            operands.append(("%z", self.gate, identity, "%g"))
        self._empty("y_init", self.y)
        maps = ", ".join([o[2] for o in operands] + [identity])
        names = ", ".join(o[0] for o in operands)
        types = ", ".join(o[1].type for o in operands)
        block = ", ".join(f"{o[3]}: {o[1].dtype}" for o in operands)
        kinds = ", ".join(['"parallel"'] * rank)
        self.line(f"%y = linalg.generic {{indexing_maps = [{maps}], "
                  f"iterator_types = [{kinds}]}} ins({names} : {types}) "
                  f"outs(%y_init : {self.y.type}) {{")
        self.line(f"^bb0({block}, %unused: {self.y.dtype}):")
        value = self._write_skip() if s.skip is not None else "%m"
        if s.z_dtype is not None:
            value = self._write_gate(value)
        if self.y.dtype != "f32":
            self.line(f"  %rounded = arith.truncf {value} : f32 to "
                      f"{self.y.dtype}")
            value = "%rounded"
        self.line(f"  linalg.yield {value} : {self.y.dtype}")
        self.line(f"}} -> {self.y.type}")
        return "%y"

    def _extend(self, value: str, dtype: str) -> str:
        if dtype == "f32":
            return value
        self.line(f"  {value}32 = arith.extf {value} : {dtype} to f32")
        return value + "32"

    def _write_skip(self) -> str:
        v = self._extend("%v", self.x.dtype)
        d = self._extend("%d", self.skip.dtype)
        self.line(f"  %skipped = arith.mulf {d}, {v} : f32")
        self.line("  %sum = arith.addf %m, %skipped : f32")
        return "%sum"

    def _write_gate(self, value: str) -> str:
        g = self._extend("%g", self.gate.dtype)
        self.line("  %one = arith.constant 1.0 : f32")
        self.line(f"  %negated = arith.negf {g} : f32")
        self.line("  %exponential = math.exp %negated : f32")
        self.line("  %denominator = arith.addf %exponential, %one : f32")
        self.line(f"  %silu = arith.divf {g}, %denominator : f32")
        self.line(f"  %gated = arith.mulf {value}, %silu : f32")
        return "%gated"


def write_operator(shape: ShapeClass) -> tuple[str, list[str]]:
    """The MLIR text of an operator, and the names of its inputs in order."""
    writer = _Writer(shape)
    return writer.write(), [a.name for a in writer.inputs]
