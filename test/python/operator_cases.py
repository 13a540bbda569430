# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Inputs of the operators as models have them, and the comparison with the float64
recurrence."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
from hypothesis import HealthCheck, settings

import reference
from compiled_operators import BOUNDS, Scan  # noqa: F401  for the tests
from ssd_mlir import mamba_chunk_scan_combined

TYPES = {"f32": np.float32, "bf16": ml_dtypes.bfloat16, "f16": np.float16}


def property_test(examples):
    """A hypothesis test that may compile on the way."""
    return settings(max_examples=examples, deadline=None, derandomize=True,
                    database=None, print_blob=False,
                    suppress_health_check=[HealthCheck.function_scoped_fixture,
                                           HealthCheck.too_slow])


def zeros(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)


CLASSES = [
    Scan(2, 1, 64, 64, "f32"),
    Scan(4, 2, 32, 16, "f32", bias=True, softplus=True),
    Scan(8, 8, 24, 20, "f32", D="head"),
    Scan(2, 1, 64, 128, "f32", initial=True),
    Scan(4, 1, 80, 16, "f32", segments=True),
    Scan(2, 2, 128, 64, "f32", D="channel", z=True),
    Scan(1, 1, 1, 1, "f32"),
    Scan(3, 1, 5, 7, "f32", D="head", z=True, bias=True, softplus=True,
         initial=True, segments=True),
    Scan(6, 2, 16, 256, "f32", softplus=True, limits=(0.01, 0.05)),
    Scan(2, 1, 32, 32, "f32", bias=True, limits=(-math.inf, 0.03)),
    Scan(16, 4, 8, 8, "f32", initial=True, segments=True),
    Scan(2, 1, 64, 64, "bf16"),
    Scan(4, 2, 32, 16, "bf16", dt_dtype="f32", D="head", bias=True,
         softplus=True),
    Scan(2, 1, 24, 20, "bf16", D="channel", z=True, initial=True),
    Scan(4, 4, 16, 32, "bf16", initial=True, segments=True),
    Scan(2, 1, 64, 128, "bf16", dt_dtype="f32", D="head", z="f32", bias=True,
         softplus=True, initial=True, segments=True),
    Scan(2, 1, 64, 64, "f16"),
    Scan(4, 2, 32, 16, "f16", dt_dtype="f32", D="head", z=True, bias=True,
         softplus=True),
    Scan(3, 3, 12, 20, "f16", initial=True, segments=True),
    Scan(2, 1, 80, 64, "f16", z="f32", softplus=True),
    Scan(4, 1, 32, 32, "bf16", D="channel", bias=True, softplus=True,
         parameters="bf16"),
    Scan(3, 1, 16, 20, "f32", D="head", bias=True, softplus=True,
         parameters="f16"),
]


def to_type(value, dtype):
    return np.asarray(value, np.float32).astype(TYPES[dtype])


def draw_inputs(shape: Scan, batch, length, decay, seed):
    """Keyword arguments of the operator, drawn as models have them."""
    rng = np.random.default_rng(seed)
    heads, groups, width, n = shape[:4]

    def normal(*sizes):
        return to_type(rng.standard_normal(sizes), shape.dtype)

    rates = -rng.uniform(1, 16, heads)
    if decay == "strong":  # exp underflows within a few tokens
        rates *= 1000
    elif decay == "weak":
        rates *= 1e-3
    elif decay == "growing":
        rates *= -1e-3
    bias = (to_type(rng.uniform(-1, 1, heads), shape.parameters) if shape.bias
            else None)
    raw = np.exp(rng.uniform(math.log(1e-3), math.log(0.1),
                             (batch, length, heads)))
    if shape.softplus:
        raw = np.log(np.expm1(raw))
    if shape.bias:
        raw = raw - bias.astype(np.float32)
    inputs = {
        "x": normal(batch, length, heads, width),
        "dt": to_type(raw, shape.dt_dtype or shape.dtype),
        "A": rates.astype(np.float32),
        "B": normal(batch, length, groups, n),
        "C": normal(batch, length, groups, n),
        "dt_softplus": shape.softplus, "dt_limit": shape.limits,
        "dt_bias": bias,
    }
    if shape.D:
        sizes = (heads,) if shape.D == "head" else (heads, width)
        inputs["D"] = to_type(rng.standard_normal(sizes), shape.parameters)
    if shape.z_dtype:
        inputs["z"] = to_type(3 * rng.standard_normal((batch, length, heads,
                                                       width)), shape.z_dtype)
    if shape.initial:
        inputs["initial_states"] = rng.standard_normal(
            (batch, heads, width, n)).astype(np.float32)
    if shape.segments:
        changes = rng.random((batch, length)) < rng.choice([0.02, 0.3])
        inputs["seq_idx"] = (changes.cumsum(axis=1) % 5).astype(np.int32)
    return inputs


# In tensors smaller than this, terms may happen to cancel in all elements.
FEW = 64


def without_cancellation(inputs):
    """The reference of the values without their signs: how large y and the final
    state could be."""
    signed = ("x", "B", "C", "D", "z", "initial_states")
    return reference.scan(**{
        k: np.abs(np.asarray(v, np.float64)) if k in signed and v is not None
        else v for k, v in inputs.items()})


def check(inputs, bound, form="auto"):
    """Compares y and the final state with the reference's."""
    expected, expected_state = reference.scan(**inputs)
    scale, state_scale = expected, expected_state
    if min(expected.size, expected_state.size) < FEW:
        scale, state_scale = without_cancellation(inputs)
    y, state = mamba_chunk_scan_combined(**inputs, form=form,
                                         return_final_states=True)
    assert y.dtype == inputs["x"].dtype and state.dtype == np.float32
    assert reference.error_ratio(y, expected, scale) <= bound
    assert reference.error_ratio(state, expected_state, state_scale) <= bound
    return y, state
