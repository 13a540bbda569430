# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays in any layout as operands of mamba_chunk_scan_combined."""

from __future__ import annotations

import numpy as np
import pytest

from operator_cases import CLASSES, check, draw_inputs


def test_views_of_one_projection(backend):
    """x, B, C, z and dt as a layer has them: slices of one product."""
    heads, groups, width, n, batch, length = 4, 2, 16, 8, 2, 33
    rng = np.random.default_rng(0)
    sizes = [heads * width, groups * n, groups * n, heads * width, heads]
    product = rng.standard_normal((batch, length, sum(sizes))).astype(np.float32)
    x, B, C, z, dt = np.split(product, np.cumsum(sizes)[:-1], axis=2)
    inputs = {
        "x": x.reshape(batch, length, heads, width), "dt": dt,
        "A": -np.ones(heads, np.float32),
        "B": B.reshape(batch, length, groups, n),
        "C": C.reshape(batch, length, groups, n),
        "z": z.reshape(batch, length, heads, width), "dt_softplus": True}
    for name in "xBCz":  # reshape made copies; views need strides by hand
        inputs[name] = view_of(product, {"x": 0, "B": 64, "C": 80, "z": 96}[name],
                               inputs[name].shape)
        assert np.shares_memory(inputs[name], product)
    check(inputs, 1e-5)


def view_of(product, start, shape):
    step = product.strides
    return np.lib.stride_tricks.as_strided(
        product[..., start:], shape,
        (step[0], step[1], shape[3] * step[2], step[2]))


LAYOUTS = {
    "strided": lambda a: np.repeat(a, 3, axis=1)[:, ::3],
    "reversed": lambda a: np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    "fortran": np.asfortranarray,
    "sparse rows": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "batch first": lambda a: np.ascontiguousarray(a.swapaxes(0, 1)).swapaxes(0, 1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(backend, layout):
    inputs = draw_inputs(CLASSES[7], 2, 41, "model", 0)
    change = LAYOUTS[layout]
    for name in ("x", "dt", "B", "C", "z", "initial_states", "seq_idx"):
        inputs[name] = change(inputs[name])
        inputs[name].flags.writeable = False
    check(inputs, 1e-5)


def test_broadcast(backend):
    inputs = draw_inputs(CLASSES[0], 2, 41, "model", 0)
    for name in ("x", "dt", "B"):
        inputs[name] = np.broadcast_to(inputs[name][:1], inputs[name].shape)
    inputs["C"] = np.broadcast_to(inputs["C"][:, :1], inputs["C"].shape)
    inputs["A"] = np.broadcast_to(np.float32(-2), (2,))
    check(inputs, 1e-5)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.int16])
def test_segment_types(backend, dtype):
    inputs = draw_inputs(CLASSES[4], 2, 41, "model", 0)
    inputs["seq_idx"] = inputs["seq_idx"].astype(dtype)
    if dtype is np.int64:
        inputs["seq_idx"] += 2**40
    check(inputs, 1e-5)
