# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""selective_state_update against a float64 recurrence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from compiled_operators import Scan, Update
from operator_cases import (BOUNDS, check, draw_inputs, property_test,
                            to_type)
from ssd_mlir import mamba_chunk_scan_combined, selective_state_update


UPDATES = [
    Update((48,), 16, 1, False, "f32", "f32", D=None, bias=False,
           softplus=False),
    Update((33,), 5, 1, False, "f32", "f32", z=True),
    Update((64,), 16, 1, False, "bf16", "f32", D=None),
    Update((4, 32), 64, 1, True, "f32", "f32", D=None, bias=False,
           softplus=False),
    Update((8, 24), 20, 2, True, "f32", "f32", z=True),
    Update((4, 64), 128, 1, True, "bf16", "f32", D="head"),
    Update((4, 64), 16, 1, True, "bf16", "f32", D="head", softplus=False,
           parameters="bf16"),
    Update((4, 8), 16, 1, True, "f32", "f32", softplus=False,
           parameters="f16"),
    Update((24,), 16, 1, False, "f32", "f32", softplus=False,
           parameters="bf16"),
    Update((4, 64), 128, 1, True, "bf16", "bf16", D=None, bias=False),
    Update((4, 16), 16, 4, False, "f32", "f32"),
    Update((2, 8), 32, 2, False, "f16", "f16", D=None, z=True, bias=False,
           softplus=False),
]


def draw_update(shape: Update, batch, seed):
    rng = np.random.default_rng(seed)
    flat = len(shape.channels) == 1
    channels, n = shape.channels, shape.n
    grouped = (n,) if flat else (shape.groups, n)

    def normal(*sizes):
        return to_type(rng.standard_normal(sizes), shape.dtype)

    def per_head(draw, leading=(), trailing=0):
        """Values for each channel, or with stride 0 for each head."""
        sizes = (*leading, *channels, *((n,) if trailing else ()))
        if not shape.tied:
            return draw(sizes)
        keep = len(leading) + 1
        one = draw((*sizes[:keep], *[1] * (len(sizes) - keep)))
        return np.broadcast_to(one, sizes)

    inputs = {
        "x": normal(batch, *channels),
        "dt": per_head(lambda s: to_type(rng.uniform(-3, 1, s) if shape.softplus
                                         else rng.uniform(1e-3, 0.1, s),
                                         shape.dtype), (batch,)),
        "A": per_head(lambda s: -rng.uniform(1, 16, s).astype(np.float32), (), 1),
        "B": normal(batch, *grouped), "C": normal(batch, *grouped),
        "dt_softplus": shape.softplus}
    if shape.D:
        D = to_type(rng.standard_normal(channels), shape.parameters)
        inputs["D"] = (np.broadcast_to(D[:, :1], channels) if shape.D == "head"
                       else D)
    if shape.z:
        inputs["z"] = normal(batch, *channels)
    if shape.bias:
        inputs["dt_bias"] = per_head(
            lambda s: to_type(rng.uniform(-1, 1, s), shape.parameters))
    return inputs


def draw_state(shape: Update, rows, seed):
    rng = np.random.default_rng(seed + 1)
    return to_type(rng.standard_normal((rows, *shape.channels, shape.n)),
                   shape.state)


def check_update(y, state, inputs, before, shape):
    expected, expected_state = reference.step(before, **inputs)
    assert y.dtype == inputs["x"].dtype and y.shape == inputs["x"].shape
    assert reference.error_ratio(y, expected) <= BOUNDS[shape.dtype]
    bound = max(BOUNDS[shape.dtype], BOUNDS[shape.state])
    assert reference.error_ratio(state, expected_state) <= bound


@property_test(60)
@given(shape=st.sampled_from(UPDATES), batch=st.integers(0, 5),
       seed=st.integers(0, 2**32 - 1))
def test_update(backend, shape, batch, seed):
    inputs = draw_update(shape, batch, seed)
    state = draw_state(shape, batch, seed)
    before = state.copy()
    for _ in range(2):
        y = selective_state_update(state, **inputs)
        check_update(y, state, inputs, before, shape)
        before = state.copy()


@property_test(30)
@given(shape=st.sampled_from([UPDATES[1], UPDATES[4], UPDATES[6]]),
       slots=st.lists(st.integers(-2, 6), min_size=1, max_size=7), data=st.data())
def test_slots(backend, shape, slots, data):
    seen = set()
    slots = [s for s in slots if s < 0 or not (s in seen or seen.add(s))]
    dtype = data.draw(st.sampled_from([np.int32, np.int64]))
    indices = np.array(slots, dtype)
    inputs = draw_update(shape, len(slots), 7)
    pool = draw_state(shape, 7, 7)
    before = pool.copy()
    y = selective_state_update(pool, **inputs, state_batch_indices=indices)
    started = np.where((indices >= 0).reshape(-1, *[1] * (pool.ndim - 1)),
                       before[indices].astype(np.float32), 0)
    expected, after = reference.step(started, **inputs)
    assert reference.error_ratio(y, expected) <= BOUNDS[shape.dtype]
    used = [s for s in slots if s >= 0]
    if used:
        assert reference.error_ratio(
            pool[used], after[indices >= 0]) <= BOUNDS[shape.state]
    untouched = [s for s in range(7) if s not in used]
    np.testing.assert_array_equal(pool[untouched], before[untouched])


def test_update_of_a_view(backend):
    """The state may be any writable view."""
    shape = UPDATES[4]
    inputs = draw_update(shape, 3, 0)
    buffer = np.zeros((6, *shape.channels, 2 * shape.n), np.float32)
    view = buffer[::2, ..., ::2]
    view[...] = draw_state(shape, 3, 0)
    before = view.copy()
    check_update(selective_state_update(view, **inputs), view, inputs, before,
                 shape)
    assert not buffer[1::2].any() and not buffer[..., 1::2].any()


def test_update_continues_a_scan(backend):
    """Mamba-2 decode: a scan's final state, then tokens one by one."""
    inputs = draw_inputs(Scan(4, 2, 16, 32, "f32", D="channel", bias=True,
                              softplus=True), 2, 40, "model", 9)
    expected, _ = check(inputs, 1e-5)
    head = {k: v[:, :35] if k in ("x", "dt", "B", "C") else v
            for k, v in inputs.items()}
    _, state = mamba_chunk_scan_combined(**head, return_final_states=True)
    for t in range(35, 40):
        y = selective_state_update(
            state, inputs["x"][:, t],
            np.broadcast_to(inputs["dt"][:, t, :, None], (2, 4, 16)),
            np.broadcast_to(inputs["A"][:, None, None], (4, 16, 32)),
            inputs["B"][:, t], inputs["C"][:, t], inputs["D"],
            dt_bias=np.broadcast_to(inputs["dt_bias"][:, None], (4, 16)),
            dt_softplus=True)
        assert reference.error_ratio(y, expected[:, t]) < 2e-5


def test_update_torch(backend):
    torch = pytest.importorskip("torch")
    shape = UPDATES[4]
    inputs = draw_update(shape, 3, 0)
    state = draw_state(shape, 3, 0)
    before = state.copy()
    tensors = {k: torch.from_numpy(np.ascontiguousarray(v))
               if isinstance(v, np.ndarray) else v for k, v in inputs.items()}
    tensors["A"] = tensors["A"][:, :1, :1].expand(tensors["A"].shape)
    tensors["dt"] = tensors["dt"][..., :1].expand(tensors["dt"].shape)
    tensors["dt_bias"] = tensors["dt_bias"][:, :1].expand(8, 24)
    held = torch.from_numpy(state)
    y = selective_state_update(held, **tensors)
    assert isinstance(y, torch.Tensor)
    check_update(y.numpy(), held.numpy(), inputs, before, shape)
