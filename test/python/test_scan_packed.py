# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Packed sequences in mamba_chunk_scan_combined."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import reference
from operator_cases import BOUNDS, CLASSES, check, draw_inputs, property_test
from ssd_mlir import mamba_chunk_scan_combined


def packed_reference(inputs, offsets):
    """y, final and varlen states, one sequence at a time."""
    heads, width = inputs["x"].shape[2:]
    n = inputs["B"].shape[3]
    y = np.zeros(inputs["x"].shape)
    first = inputs.get("initial_states")
    state = np.zeros((1, heads, width, n)) if first is None else first
    states, last = [], state
    for s, (start, end) in enumerate(zip(offsets[:-1], offsets[1:])):
        part = {k: v[:, start:end] if k in ("x", "dt", "B", "C", "z", "seq_idx")
                else v for k, v in inputs.items()}
        part["initial_states"] = state if s == 0 else np.zeros_like(state)
        y[:, start:end], after = reference.scan(**part)
        states.append(after[0])
        if end > start:
            last = after
    return y, last, np.stack(states)


@property_test(60)
@given(shape=st.sampled_from([CLASSES[0], CLASSES[7], CLASSES[14]]),
       lengths=st.lists(st.sampled_from([0, 0, 1, 2, 30, 64, 65, 130]),
                        min_size=1, max_size=6),
       form=st.sampled_from(["auto", "recurrent", "chunked", "quadratic"]),
       seed=st.integers(0, 2**32 - 1))
def test_packed(backend, shape, lengths, form, seed):
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    inputs = draw_inputs(shape, 1, int(offsets[-1]), "model", seed)
    y, final, varlen = mamba_chunk_scan_combined(
        **inputs, cu_seqlens=offsets, return_final_states=True,
        return_varlen_states=True, form=form)
    expected = packed_reference(inputs, offsets)
    for result, wanted in zip((y, final, varlen), expected):
        assert reference.error_ratio(result, wanted) <= BOUNDS[shape.dtype]


def test_packed_returns(backend):
    inputs = draw_inputs(CLASSES[0], 1, 50, "model", 0)
    options = {"cu_seqlens": np.array([0, 20, 50]), "return_varlen_states": True}
    y, varlen = mamba_chunk_scan_combined(**inputs, **options)
    assert y.shape == inputs["x"].shape and varlen.shape == (2, 2, 64, 64)
    y, final, varlen = mamba_chunk_scan_combined(
        **inputs, **options, return_final_states=True)
    np.testing.assert_array_equal(final[0], varlen[1])
    # The sequences of seq_idx are the same ones.
    marked = np.repeat([[3, 4]], [20, 30], axis=1)
    with_marks = mamba_chunk_scan_combined(**inputs, **options, seq_idx=marked)
    np.testing.assert_array_equal(with_marks[0], y)
    np.testing.assert_array_equal(with_marks[1], varlen)
    check({**inputs, "seq_idx": marked}, 1e-5)
