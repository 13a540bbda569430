# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operands of the operators on a GPU, and a float64 recurrence there."""

from __future__ import annotations

import math
import pytest

from compiled_operators import BOUNDS, Scan, Update
from ssd_mlir import (_template, mamba_chunk_scan_combined,
                      selective_state_update)

torch = pytest.importorskip("torch")

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(),
                               reason="needs a GPU and PyTorch for it")

TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def error_ratio(found, expected):
    found, expected = found.double(), expected.double()
    assert found.shape == expected.shape and torch.isfinite(found).all()
    return ((found - expected).norm() / expected.norm().clamp(min=1e-30)).item()


# -- the recurrence ----------------------------------------------------------


def expand_groups(value, heads):
    return value.repeat_interleave(heads // value.shape[-2], dim=-2)


def step_sizes(dt, bias, softplus, limits=(0.0, math.inf)):
    dt = dt.double()
    if bias is not None:
        dt = dt + bias.double()
    if softplus:
        dt = torch.nn.functional.softplus(dt, threshold=1000.0)
    return dt.clamp(*limits)


def finish(y, x, D, z):
    if D is not None:
        D = D.double()
        y = y + x.double() * (D[:, None] if D.dim() == 1 and x.dim() > 2 else D)
    if z is not None:
        y = y * torch.nn.functional.silu(z.double())
    return y


def reference_scan(x, dt, A, B, C, D=None, z=None, dt_bias=None,
                   initial_states=None, seq_idx=None, dt_softplus=False,
                   dt_limit=(0.0, math.inf)):
    batch, length, heads, width = x.shape
    B, C = expand_groups(B.double(), heads), expand_groups(C.double(), heads)
    delta = step_sizes(dt, dt_bias, dt_softplus, dt_limit)
    state = (torch.zeros(batch, heads, width, B.shape[-1], dtype=torch.float64,
                         device=x.device)
             if initial_states is None else initial_states.double())
    ys = []
    for t in range(length):
        if seq_idx is not None and t > 0:
            kept = seq_idx[:, t] == seq_idx[:, t - 1]
            state = state * kept[:, None, None, None]
        decay = (delta[:, t] * A.double()).exp()[..., None, None]
        update = (delta[:, t, :, None] * x[:, t].double())[..., None] \
            * B[:, t, :, None, :]
        state = decay * state + update
        ys.append((state * C[:, t, :, None, :]).sum(-1))
    return finish(torch.stack(ys, 1), x, D, z), state


def reference_update(state, x, dt, A, B, C, D=None, z=None, dt_bias=None,
                     dt_softplus=False):
    """[B, H, P, N], or for one head [B, D, N]."""
    state = state.double()
    if state.dim() == 3:
        B, C = B[:, None].double(), C[:, None].double()
    else:
        B, C = (expand_groups(v.double(), state.shape[1])[:, :, None]
                for v in (B, C))
    delta = step_sizes(dt, dt_bias, dt_softplus)
    state = (delta[..., None] * A.double()).exp() * state \
        + (delta * x.double())[..., None] * B
    y = (state * C).sum(-1)
    if D is not None:
        y = y + D.double() * x.double()
    return (y * torch.nn.functional.silu(z.double()) if z is not None else y,
            state)


# -- operands ----------------------------------------------------------------


SCANS = [
    Scan(8, 1, 64, 128, bias=True, softplus=True, D="head"),
    Scan(8, 1, 64, 128, dt_dtype="f32", bias=True, softplus=True, D="head",
         z=True, initial=True),
    Scan(4, 2, 64, 64, D="channel", limits=(0.001, 0.05), softplus=True),
    Scan(2, 2, 64, 128, initial=True, segments=torch.int32),
    Scan(4, 1, 24, 20, z=True),
    Scan(3, 1, 80, 16, "f16", segments=torch.int64, initial=True),
    Scan(2, 1, 32, 256, "f32", softplus=True),
    Scan(1, 1, 1, 1, "f32"),
    Scan(5, 5, 7, 5, "f32", D="head", z=True, bias=True, softplus=True,
         initial=True, segments=torch.int32),
    Scan(80, 1, 64, 128, D="head", softplus=True),
    Scan(6, 2, 80, 256, initial=True, segments=torch.int32),
    Scan(8, 1, 64, 128, z=True, segments=torch.int32),
    # Rows and columns that tiles go beyond; heads of several blocks of rows,
    # states in two parts. So many heads that sequences are cut, or so few that
    # a block has one of them.
    Scan(96, 8, 24, 96, D="channel", z=True, initial=True),
    Scan(5, 1, 80, 136, D="channel", z=True, initial=True),
    Scan(8, 2, 32, 128, bias=True, softplus=True, D="head", z=True,
         initial=True),
    Scan(4, 4, 8, 8, "f16", initial=True),
    Scan(48, 2, 80, 128, dt_dtype="f32", D="channel", initial=True),
    Scan(36, 36, 128, 64, D="head", z=True),
    Scan(24, 3, 192, 16, D="channel", initial=True),
    Scan(17, 1, 256, 128, "f16", D="head", bias=True, softplus=True),
    Scan(48, 8, 64, 256, D="head", initial=True),
    Scan(2, 1, 128, 256, "f16", D="channel", z=True),
    Scan(24, 1, 256, 256, z=True, initial=True),
    Scan(8, 1, 64, 128, bias=True, softplus=True, D="head", parameters="bf16"),
    Scan(6, 2, 64, 64, D="channel", z=True, parameters="bf16"),
    # Products of sums of two.
    Scan(8, 1, 64, 128, "f32", bias=True, softplus=True, D="head", initial=True),
    Scan(24, 2, 64, 64, "f32", D="channel", z=True, segments=torch.int32),
    Scan(6, 2, 80, 96, "f32", z=True, initial=True),
    Scan(80, 8, 24, 40, "f32", D="head", segments=torch.int32, initial=True),
    Scan(3, 1, 192, 128, "f32"),
]


def draw_scan(shape: Scan, batch, length, seed=0, decay=1.0):
    generator = torch.Generator("cuda").manual_seed(seed)
    dtype = TYPES[shape.dtype]

    def normal(*sizes, dtype=dtype):
        return torch.randn(sizes, generator=generator, device="cuda").to(dtype)

    def uniform(low, high, *sizes):
        return low + (high - low) * torch.rand(sizes, generator=generator,
                                               device="cuda")

    heads = shape.heads
    dt = uniform(math.log(1e-3), math.log(0.1), batch, length, heads).exp()
    if shape.softplus:
        dt = dt.expm1().log()
    operands = {
        "x": normal(batch, length, heads, shape.width),
        "dt": dt.to(TYPES[shape.dt_dtype or shape.dtype]),
        "A": -uniform(1, 16, heads) * decay,
        "B": normal(batch, length, shape.groups, shape.n),
        "C": normal(batch, length, shape.groups, shape.n),
        "dt_softplus": shape.softplus, "dt_limit": shape.limits}
    if shape.bias:
        operands["dt_bias"] = uniform(-1, 1, heads).to(TYPES[shape.parameters])
    if shape.D:
        sizes = (heads,) if shape.D == "head" else (heads, shape.width)
        operands["D"] = normal(*sizes, dtype=TYPES[shape.parameters])
    if shape.z:
        operands["z"] = normal(batch, length, heads, shape.width)
    if shape.initial:
        operands["initial_states"] = normal(batch, heads, shape.width, shape.n,
                                            dtype=torch.float32)
    if shape.segments:
        changes = uniform(0, 1, batch, length) < 0.05
        operands["seq_idx"] = changes.cumsum(1).to(shape.segments) % 5
    return operands


def write_operator(shape: Scan, offsets=False):
    """The MLIR of an operator that returns final states, and its arguments' names."""
    return _template.write_operator(_template.ShapeClass(
        "scan", *shape[:5], dt_dtype=shape.dt_dtype or shape.dtype,
        z_dtype=shape.z_dtype, skip=shape.D,
        bias_dtype=shape.parameters if shape.bias else None,
        softplus=shape.softplus, limits=shape.limits, initial=shape.initial,
        final=True, segments=bool(shape.segments), offsets=offsets))


def check_scan(operands, bound, form="auto"):
    expected, expected_state = reference_scan(**operands)
    y, state = mamba_chunk_scan_combined(**operands, form=form,
                                         return_final_states=True)
    assert y.dtype == operands["x"].dtype and y.is_cuda
    assert state.dtype == torch.float32
    assert error_ratio(y, expected) <= bound
    assert error_ratio(state, expected_state) <= bound
    return y, state


UPDATES = [
    Update((80, 64), 128, D="head"),
    Update((8, 64), 128, state="bf16"),
    Update((8, 64), 128, D="head", parameters="bf16"),
    Update((8, 64), 64, 2, z=True),
    Update((4, 24), 20, 2, dtype="f32"),
    Update((6, 80), 16, 3, dtype="f16", state="f16", D=None),
    Update((4, 16), 16, 4, tied=False, dtype="f32"),
    Update((96,), 16, tied=False, z=True),
    Update((33,), 5, tied=False, dtype="f32", bias=False, softplus=False),
    # Lanes without columns; warps with rows of several heads, and with fewer
    # than they could have.
    Update((8, 64), 96, 2, z=True),
    Update((6, 24), 192, state="bf16", D="head"),
    Update((5, 24), 16, dtype="f16"),
    Update((5120,), 16, tied=False, state="bf16"),
]


def draw_update(shape: Update, batch, seed=0):
    generator = torch.Generator("cuda").manual_seed(seed)
    dtype, channels = TYPES[shape.dtype], shape.channels

    def normal(*sizes, dtype=dtype):
        return torch.randn(sizes, generator=generator, device="cuda").to(dtype)

    def spread(draw, *sizes, keep):
        """Values for each channel or, with stride 0, for each head."""
        if not shape.tied:
            return draw(*sizes)
        one = draw(*sizes[:keep], *[1] * (len(sizes) - keep))
        return one.expand(sizes)

    grouped = (shape.groups, shape.n) if len(channels) == 2 else (shape.n,)
    operands = {
        "x": normal(batch, *channels),
        "dt": spread(lambda *s: normal(*s) if shape.softplus
                     else normal(*s).abs() * 0.1, batch, *channels, keep=2),
        "A": spread(lambda *s: -normal(*s, dtype=torch.float32).abs() - 0.5,
                    *channels, shape.n, keep=1),
        "B": normal(batch, *grouped), "C": normal(batch, *grouped),
        "dt_softplus": shape.softplus}
    if shape.D:
        kept = channels[:1] if shape.D == "head" else channels
        D = normal(*kept, dtype=TYPES[shape.parameters])
        operands["D"] = D.reshape(*kept, *[1] * (len(channels) - len(kept))
                                  ).expand(channels)
    if shape.z:
        operands["z"] = normal(batch, *channels)
    if shape.bias:
        operands["dt_bias"] = spread(
            lambda *s: normal(*s, dtype=TYPES[shape.parameters]), *channels,
            keep=1)
    return operands


def draw_states(shape: Update, rows):
    return torch.randn(rows, *shape.channels, shape.n,
                       device="cuda").to(TYPES[shape.state])


def check_update(state, operands, shape):
    expected, expected_state = reference_update(state, **operands)
    y = selective_state_update(state, **operands)
    assert y.dtype == operands["x"].dtype and y.shape == operands["x"].shape
    assert error_ratio(y, expected) <= BOUNDS[shape.dtype]
    assert error_ratio(state, expected_state) <= max(BOUNDS[shape.dtype],
                                                     BOUNDS[shape.state])
