# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operator side by side with PyTorch."""

from __future__ import annotations

from typing import Any

import torch

import ssd_mlir
from .measure import Stopwatch, Work, print_table, ratio, rms_ratio
from .reference import (ScanInputs, draw_scan, scan_float64, scan_products)

SHAPE = {"batch": 1, "length": 2048, "heads": 24, "head_dim": 64, "groups": 1,
         "state_dim": 128}
MATRIX = 2048
# The chunk of transformers' path: it materialises a product of every query, key
# and state column, so that short chunks are its best.
CHUNKS = (32, 64, 128)


def essential_flops(length: int, heads: int, head_dim: int, state_dim: int,
                    chunk: int, groups: int, batch: int) -> float:
    """Of the chunked form: the causal half of scores and of their product with
    x, the state's update and its read-out."""
    pairs = length * (chunk + 1) / 2
    return batch * (2 * pairs * state_dim * groups + 2 * pairs * head_dim * heads
                    + 4 * length * state_dim * head_dim * heads)


def _own(inputs: ScanInputs) -> torch.Tensor:
    return ssd_mlir.mamba_chunk_scan_combined(
        inputs.x, inputs.dt, inputs.A, inputs.B, inputs.C, D=inputs.D,
        dt_bias=inputs.dt_bias, dt_softplus=True)


def _transformers(inputs: ScanInputs, chunk: int) -> torch.Tensor:
    """The function that Mamba2Mixer.forward calls after its convolution."""
    from transformers.models.mamba2.modeling_mamba2 import mamba2_chunk_scan
    return mamba2_chunk_scan(
        inputs.x, inputs.dt, inputs.A, inputs.B, inputs.C, chunk, D=inputs.D,
        dt_bias=inputs.dt_bias, dt_softplus=True)


def _best_chunk(watch: Stopwatch, inputs: ScanInputs) -> int:
    times = {}
    for chunk in CHUNKS:
        try:
            times[watch.once(lambda: _transformers(inputs, chunk))] = chunk
        except (RuntimeError, MemoryError):  # out of memory
            continue
    return times[min(times)]


def measure(watch: Stopwatch) -> dict[str, Any]:
    """Softplus, bias and D are part of all three scans; projections,
    convolution, gate and norm of none."""
    inputs = draw_scan(**SHAPE)
    chunk = _best_chunk(watch, inputs)
    matrices = torch.randn(MATRIX, MATRIX), torch.randn(MATRIX, MATRIX)
    works: dict[str, Work] = {
        "ssd-mlir": lambda: _own(inputs),
        "transformers": lambda: _transformers(inputs, chunk),
        "products by hand": lambda: scan_products(inputs),
        "torch.mm": lambda: torch.mm(*matrices)}
    with torch.no_grad():
        times = watch.compare(works)
        expected = scan_float64(inputs)
        errors = {name: rms_ratio(works[name](), expected)
                  for name in list(works)[:3]}
    flops = {"torch.mm": 2.0 * MATRIX ** 3}
    for name in errors:
        flops[name] = essential_flops(chunk=128, **SHAPE)
    rows = [{"what": name, "ms": t.median * 1e3, "best ms": t.best * 1e3,
             "GFLOP/s": flops[name] / t.median / 1e9,
             "rms error": errors.get(name, "")}
            for name, t in times.items()]
    print_table(f"operator, f32, {SHAPE}, transformers' chunk {chunk}", rows)
    own, mm = times["ssd-mlir"], times["torch.mm"]
    goals = {
        "x transformers": (ratio(times["transformers"], own), 5.0),
        "x products by hand": (ratio(times["products by hand"], own), None),
        "rate / rate of torch.mm": (
            flops["ssd-mlir"] / flops["torch.mm"] * mm.median / own.median, 0.5)}
    print_table("operator, goals", [
        {"what": name, "measured": value, "goal": goal or "-"}
        for name, (value, goal) in goals.items()])
    return {"shape": SHAPE, "transformers_chunk": chunk, "rows": rows,
            "goals": goals}
