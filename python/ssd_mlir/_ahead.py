# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators compiled ahead of their first call: for the layers of models, the
calls that engines make of them."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Iterable, Iterator, NamedTuple, Optional, Sequence

import numpy as np

from . import _cache
from ._arrays import Array, Library, storage_type
from ._compile import Compilation, Source
from ._errors import Error, InputOutputError
from ._explain import size
from ._layers import NO_LIMITS, Layer
from ._scan import scan_class
from ._template import ShapeClass, write_operator
from ._update import _Update

# What calls look for: see Library.target.
TARGETS = ("cpu", "sm_80", "sm_90a")

#===----------------------------------------------------------------------===#
# Calls
#===----------------------------------------------------------------------===#


class Call(NamedTuple):
    """A call of an operator with D, dt_bias and softplus, but for the sizes and
    the type of x."""

    kind: str  # scan or step
    extra: tuple[str, ...] = ()  # further inputs
    final: bool = False  # of a scan: returns the final states
    limited: bool = True  # of a scan: takes the model's limits of step sizes
    state_dtype: Optional[str] = None  # of a step; None: x's


CALLS = (
    # transformers: without a cache, a prompt, and what follows one.
    Call("scan"),
    Call("scan", final=True),
    Call("scan", ("initial_state",), final=True),
    # vLLM, SGLang: prompts in one sequence, with or without initial states.
    Call("scan", ("segment_ids", "offsets"), limited=False),
    # transformers keeps the states that scans return, mamba_ssm in x's type.
    Call("step", state_dtype="f32"),
    Call("step"),
    # vLLM, SGLang: a pool of states, of the type that is asked for.
    Call("step", ("slots",), state_dtype="f32"),
    Call("step", ("slots",), state_dtype="bf16"),
    Call("step", ("slots",), state_dtype="f16"),
    # Layers without a norm: all of mamba_ssm's, the steps of transformers'.
    Call("scan", ("z",), final=True),
    Call("step", ("z",), state_dtype="f32"),
    Call("step", ("z",)),
)


def _operand(dtype: str, *sizes: int) -> Array:
    """One value everywhere, by strides of 0."""
    value = np.zeros((), storage_type(dtype))
    return Array(np.broadcast_to(value, sizes), dtype)


def _shape_of_scan(call: Call, layer: Layer, dtype: str) -> ShapeClass:
    heads, width, groups, n = layer[:4]
    inputs = {
        "x": _operand(dtype, 1, 1, heads, width),
        "dt": _operand(dtype, 1, 1, heads), "A": _operand("f32", heads),
        "B": _operand(dtype, 1, 1, groups, n),
        "C": _operand(dtype, 1, 1, groups, n),
        "D": _operand(dtype, heads), "dt_bias": _operand(dtype, heads)}
    further = {
        "z": inputs["x"], "initial_state": _operand("f32", 1, heads, width, n),
        "segment_ids": _operand("i32", 1, 1), "offsets": _operand("i32", 2)}
    inputs.update((name, further[name]) for name in call.extra)
    return scan_class(inputs, softplus=True, final=call.final,
                      limits=layer.limits if call.limited else NO_LIMITS)


def _shape_of_step(call: Call, layer: Layer, dtype: str) -> ShapeClass:
    heads, width, groups, n = layer[:4]
    state_dtype = call.state_dtype or dtype
    x, b = _operand(dtype, 1, heads, width), _operand(dtype, 1, groups, n)
    of_channel = _operand(dtype, heads, width)
    update = _Update(
        Library(), _operand(state_dtype, 1, heads, width, n), x, dt=x,
        A=_operand("f32", heads, width, n), B=b, C=b, D=of_channel,
        z=x if "z" in call.extra else None, dt_bias=of_channel)
    return update.shape_class(softplus=True, state_dtype=state_dtype,
                              slots="slots" in call.extra)


_SHAPES = {"scan": _shape_of_scan, "step": _shape_of_step}


class Operator(NamedTuple):
    """A program to compile."""

    shape: ShapeClass
    target: str

    def __str__(self) -> str:
        s = self.shape
        return (f"{s.kind} of {s.heads} heads of {s.head_dim}, {s.groups} groups, "
                f"state dimension {s.state_dim}, {s.dtype}, for {self.target}")


def operators_of(layers: Iterable[Layer], dtype: str,
                 targets: Sequence[str]) -> list[Operator]:
    """What the calls of layers need, each once."""
    return list(dict.fromkeys(
        Operator(_SHAPES[call.kind](call, layer, dtype), target)
        for layer in layers for call in CALLS for target in targets
        if layer.gated or "z" not in call.extra))


#===----------------------------------------------------------------------===#
# Compiling them
#===----------------------------------------------------------------------===#


class Result(NamedTuple):
    """What became of an operator."""

    operator: Operator
    path: Optional[Path] = None
    seconds: Optional[float] = None  # None: it was there
    error: Optional[Error] = None


def make_folder(path: str) -> Path:
    """A folder for programs.

    Raises: InputOutputError.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputOutputError(f"cannot make the folder '{folder}': "
                               f"{error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputOutputError(f"the folder '{folder}' is not writable")
    return folder


def _compile(operator: Operator, compilation: Compilation,
             directory: Optional[Path]) -> Result:
    seconds: Optional[float] = None

    def produce(path: Path) -> None:
        nonlocal seconds
        start = time.perf_counter()
        compilation.run(path)
        seconds = time.perf_counter() - start

    try:
        path = _cache.fetch(compilation.key(), produce, directory)
        return Result(operator, path, seconds)
    except Error as error:
        return Result(operator, error=error)


def compile_all(operators: Sequence[Operator], directory: Optional[Path],
                jobs: int) -> Iterator[Result]:
    """Compiles those that aren't there, `jobs` at a time, to the folder or, if
    that is None, to where calls find them. One that fails is no end to the
    others. Yields each when it is done.

    Raises: CompilerNotFoundError.
    """
    compilations = [Compilation(Source(write_operator(operator.shape)[0]),
                                operator.target) for operator in operators]
    with ThreadPoolExecutor(jobs) as pool:
        tasks = [pool.submit(_compile, operator, compilation, directory)
                 for operator, compilation in zip(operators, compilations)]
        try:
            for task in as_completed(tasks):
                yield task.result()
        finally:  # also KeyboardInterrupt: start no more
            pool.shutdown(cancel_futures=True)


#===----------------------------------------------------------------------===#
# Tables
#===----------------------------------------------------------------------===#


def _table(*headings: str) -> Any:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2))
    table.add_column(headings[0], overflow="fold")
    for heading in headings[1:]:
        table.add_column(heading, no_wrap=True, justify="right")
    return table


def table_of_layers(layers: Iterable[tuple[str, int, Layer]]) -> Any:
    """A rich table of (model, ranks, what each has)."""
    table = _table("model", "ranks", "heads", "head dim", "groups", "state dim",
                   "programs")
    for model, ranks, layer in layers:
        programs = operators_of([layer], "bf16", TARGETS[:1])
        table.add_row(model, *map(str, (ranks, *layer[:4], len(programs))))
    return table


def table_of_results(results: Sequence[Result]) -> Any:
    """A rich table of what was done: a row for each operator and target."""
    rows: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        operator = result.operator
        rows.setdefault((operator.shape.kind, operator.target), []).append(result)
    table = _table("operator", "programs", "compiled", "failed", "seconds",
                   "size")
    for (kind, target), of_row in sorted(rows.items()):
        times = [r.seconds for r in of_row if r.seconds is not None]
        table.add_row(f"{kind}, {target}", str(len(of_row)), str(len(times)),
                      str(sum(r.error is not None for r in of_row)),
                      f"{sum(times):.0f}",
                      size(sum(r.path.stat().st_size for r in of_row
                               if r.path is not None)))
    return table
