# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The kernel that a GPU's host code chooses against all that it could have."""

from __future__ import annotations

import os
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, NamedTuple

import torch

import ssd_mlir
from ssd_mlir._template import ENTRY, ShapeClass, write_operator
from .gpu import Scan, compare_graphs, describe_device, draw_scan
from .measure import print_table

CHUNK = 64
HEADS = (4, 8, 10, 16, 24, 32, 48, 64, 80, 112, 128, 160, 224)
LENGTHS = (512, 1024, 2048, 4096, 8192, 32768)
OTHER = [Scan("", 1, 4096, 48, 32), Scan("", 1, 4096, 96, 80, groups=8),
         Scan("", 1, 4096, 32, 128), Scan("", 1, 4096, 80, 64, 64), Scan("", 2, 4096, 24, 128, 64)]
FLOAT_HEADS, FLOAT_LENGTHS = (8, 24, 48, 80), (1024, 2048, 8192)
KERNELS = ("chunked", "chunked_single")
NAMES = {torch.bfloat16: "bf16", torch.float32: "f32"}
MOST = 2 ** 28  # elements of x


class _Program(NamedTuple):
    """What is compiled: of a kernel, or the automatic choice where it is empty."""

    case: Scan  # of which the sizes of batch and sequence don't matter
    kernel: str = ""
    parts: int = 1

    def compile(self) -> Any:
        case = self.case
        dtype = NAMES[case.dtype]
        shape = ShapeClass("scan", case.heads, case.groups, case.head_dim, case.state_dim,
                           dtype, dtype, skip="head", bias_dtype="f32", softplus=True)
        text, names = write_operator(shape)
        if self.kernel:
            text = text.replace(" ssd.mix ", f' ssd.mix {{form = #ssd.chunked<chunk = {CHUNK}, '
                                f'parts = {self.parts}>, hopper.kernel = "{self.kernel}"}} ', 1)
        return ssd_mlir.compile(text, target="sm_90a"), names


def _cases(quick: bool) -> list[Scan]:
    grid = [Scan("", batch, length, heads) for heads in HEADS[::3 if quick else 1]
            for batch in (1, 4) for length in LENGTHS]
    wide = [Scan("", batch, length, heads, state_dim=n, dtype=torch.float32)
            for heads in FLOAT_HEADS[::3 if quick else 1] for batch in (1, 4)
            for length in FLOAT_LENGTHS for n in (64, 128)]
    return [c for c in grid + OTHER + wide if c.batch * c.length * c.heads * c.head_dim <= MOST]


def _sides(case: Scan, multiprocessors: int) -> dict[str, _Program]:
    """All programs for a case, by name."""
    # A program says how long a kernel is estimated to take, not how it is launched. As in
    # lowering/SSDToHopper: whyNotSizes, ChunkedShape::unitsPerBatch and the run of a Schedule.
    of = case._replace(batch=1, length=1)
    chunks = -(-case.length // CHUNK)
    sides = {"auto": _Program(of)}
    for kernel in KERNELS:
        rows = -(-case.head_dim // 64)
        if kernel == "chunked":
            if case.dtype == torch.float32:
                continue  # one block of rows alone
            if rows == 1 and case.heads // case.groups % 2:
                continue
            units = case.heads // 2 if rows == 1 else case.heads * -(-rows // 2)
        else:
            units = case.heads * rows
        sides[f"{kernel}, whole"] = _Program(of, kernel)
        run = -(-case.batch * units * chunks // multiprocessors)
        if run < chunks:
            sides[f"{kernel}, cut"] = _Program(of, kernel, -(-chunks // run))
    return sides


def measure(quick: bool, save: Callable[[dict[str, Any]], None]) -> None:
    multiprocessors = torch.cuda.get_device_properties(0).multi_processor_count
    cases = [(case, _sides(case, multiprocessors)) for case in _cases(quick)]
    needed = list({program: None for _, sides in cases for program in sides.values()})
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        programs = dict(zip(needed, pool.map(_Program.compile, needed)))
    found: dict[str, Any] = {"device": describe_device(), "points": []}
    for i, (case, sides) in enumerate(cases, 1):
        print(f"{i} of {len(cases)}", end="\r", file=sys.stderr, flush=True)
        values = draw_scan(case)
        launches = max(2, min(20, 2 ** 26 // (case.batch * case.length * case.heads * 64)))
        works = {}
        for name, key in sides.items():
            program, names = programs[key]
            operands = [values[n] for n in names]
            works[name] = [lambda p=program, o=operands: p.call(ENTRY, *o)] * launches
        times = compare_graphs(works)
        best = min(times, key=times.__getitem__)
        found["points"].append({
            "batch": case.batch, "length": case.length, "heads": case.heads,
            "P": case.head_dim, "N": case.state_dim, "G": case.groups,
            "type": NAMES[case.dtype],
            **{f"{name} us": seconds * 1e6 for name, seconds in times.items()},
            "best": best, "chosen / best": times["auto"] / times[best]})
    ratios = [point["chosen / best"] for point in found["points"]]
    found["geometric mean"] = statistics.geometric_mean(ratios)
    found["worst"] = max(ratios)
    found["within 1.1"] = sum(ratio <= 1.1 for ratio in ratios) / len(ratios)
    save(found)
    columns = ("batch", "length", "heads", "P", "N", "type", "best", "chosen / best")
    worst = sorted(found["points"], key=lambda point: -point["chosen / best"])[:12]
    print_table("farthest from the best", [{c: p[c] for c in columns} for p in worst])
    print(f"\n{len(ratios)} points: geometric mean {found['geometric mean']:.3f}, worst "
          f"{found['worst']:.2f}, {found['within 1.1']:.0%} within 1.1")
