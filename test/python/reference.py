# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operators as float64 recurrences in NumPy, and the measure of error."""

from __future__ import annotations

import math

import numpy as np


def error_ratio(result, reference, scale=None) -> float:
    """rms(result - reference) / rms(reference), over the whole tensor; `scale`
    takes the reference's place below the line."""
    result = np.asarray(result, np.float64)
    reference = np.asarray(reference, np.float64)
    assert result.shape == reference.shape, (result.shape, reference.shape)
    if result.size == 0:
        return 0.0
    assert np.isfinite(result).all()
    scale = math.sqrt(((reference if scale is None else scale)**2).mean())
    error = math.sqrt(((result - reference)**2).mean())
    return error / scale if scale else error


def silu(v):
    return v / (1 + np.exp(-v))


def step_sizes(dt, dt_bias, dt_softplus, dt_limit):
    dt = np.asarray(dt, np.float64)
    if dt_bias is not None:
        dt = dt + np.asarray(dt_bias, np.float64)
    if dt_softplus:
        dt = np.logaddexp(0, dt)
    return np.clip(dt, *dt_limit)


def scan(x, dt, A, B, C, D=None, z=None, dt_bias=None, initial_states=None,
         seq_idx=None, dt_softplus=False, dt_limit=(0.0, math.inf)):
    """y and the final state of mamba_chunk_scan_combined."""
    x, A, B, C = (np.asarray(v, np.float64) for v in (x, A, B, C))
    batch, length, heads, width = x.shape
    groups, n = B.shape[2:]
    B = np.repeat(B, heads // groups, axis=2)
    C = np.repeat(C, heads // groups, axis=2)
    delta = step_sizes(dt, dt_bias, dt_softplus, dt_limit)
    if initial_states is None:
        state = np.zeros((batch, heads, width, n))
    else:
        state = np.array(initial_states, np.float64)
    y = np.zeros_like(x)
    for t in range(length):
        if seq_idx is not None and t > 0:
            state[seq_idx[:, t] != seq_idx[:, t - 1]] = 0
        decay = np.exp(delta[:, t] * A)[..., None, None]
        added = (delta[:, t, :, None] * x[:, t])[..., None] * B[:, t, :, None, :]
        state = decay * state + added
        y[:, t] = np.einsum("bhpn,bhn->bhp", state, C[:, t])
    if D is not None:
        D = np.asarray(D, np.float64)
        y = y + x * (D[:, None] if D.ndim == 1 else D)
    if z is not None:
        y = y * silu(np.asarray(z, np.float64))
    return y, state


def step(state, x, dt, A, B, C, D=None, z=None, dt_bias=None, dt_softplus=False):
    """y and the new state of selective_state_update."""
    state, x, A, B, C = (np.asarray(v, np.float64) for v in (state, x, A, B, C))
    delta = step_sizes(dt, dt_bias, dt_softplus, (-math.inf, math.inf))
    if state.ndim == 4:
        heads, groups = state.shape[1], B.shape[1]
        B = np.repeat(B, heads // groups, axis=1)[:, :, None, :]
        C = np.repeat(C, heads // groups, axis=1)[:, :, None, :]
    else:
        B, C = B[:, None, :], C[:, None, :]
    state = np.exp(delta[..., None] * A) * state + (delta * x)[..., None] * B
    y = (state * C).sum(-1)
    if D is not None:
        y = y + x * np.asarray(D, np.float64)
    if z is not None:
        y = y * silu(np.asarray(z, np.float64))
    return y, state
