# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the operators refuse, and what they say then."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ssd_mlir
from operator_cases import zeros
from ssd_mlir import mamba_chunk_scan_combined, selective_state_update


def small(**changes):
    inputs = {
        "x": np.zeros((2, 3, 4, 5), np.float32),
        "dt": np.zeros((2, 3, 4), np.float32), "A": np.zeros(4, np.float32),
        "B": np.zeros((2, 3, 2, 6), np.float32),
        "C": np.zeros((2, 3, 2, 6), np.float32)}
    return {**inputs, **changes}


@pytest.mark.parametrize("changes, message", [
    ({"x": zeros(2, 3, 4)}, r"x has shape \[2, 3, 4\]; expected \[B, L, H, P\]"),
    ({"x": zeros(2, 3, 4, 5, dtype=np.float64)}, "x must be float32.*not f64"),
    ({"x": zeros(2, 3, 4, 5, dtype=np.int32)}, "x must be float32.*not i32"),
    ({"x": zeros(2, 3, 4, 5, dtype=np.complex64)}, "complex64"),
    ({"x": [[1.0]]}, "x must be float32.*not f64"),
    ({"x": None}, "x is no array"),
    ({"x": zeros(2, 3, 0, 5), "dt": zeros(2, 3, 0)}, "H must be at least 1"),
    ({"B": zeros(2, 3, 3, 6), "C": zeros(2, 3, 3, 6)}, "3 groups.*4 heads"),
    ({"B": zeros(2, 3, 0, 6), "C": zeros(2, 3, 0, 6)}, "G must be at least 1"),
    ({"B": zeros(2, 4, 2, 6)}, r"B has shape \[2, 4, 2, 6\]; expected \[2, 3, 2"),
    ({"C": zeros(2, 3, 2, 7)}, "C has shape"),
    ({"B": zeros(2, 3, 2, 6, dtype=np.float16)}, "B is f16, but x is f32"),
    ({"dt": zeros(2, 3, 5)}, "dt has shape"),
    ({"dt": zeros(2, 3, 4, dtype=np.float64)}, "dt must be float32"),
    ({"A": zeros(5)}, r"A has shape \[5\]; expected \[4\]"),
    ({"A": zeros(4, dtype=np.int64)}, "A must be float32"),
    ({"D": zeros(5)}, r"D has shape \[5\]; expected \[4\] or \[4, 5\]"),
    ({"z": zeros(2, 3, 4)}, "z has shape"),
    ({"dt_bias": zeros(3)}, "dt_bias has shape"),
    ({"initial_states": zeros(2, 4, 6, 5)}, "initial_states has shape"),
    ({"initial_states": zeros(1, 4, 5, 6)}, "initial_states has shape"),
    ({"seq_idx": zeros(2, 3)}, "seq_idx must be integers"),
    ({"seq_idx": zeros(1, 3, dtype=np.int32)}, "seq_idx has shape"),
    ({"dt_limit": 1.0}, "dt_limit must be two numbers"),
    ({"dt_limit": (0.1, 0.01)}, "dt_limit must be"),
    ({"dt_limit": (math.nan, 1.0)}, "dt_limit must be"),
    ({"chunk_size": 0}, "chunk_size"), ({"chunk_size": "x"}, "chunk_size"),
    ({"form": "linear"}, "form must be one of auto"),
    ({"cu_seqlens": [0, 3]}, "needs return_varlen_states"),
    ({"return_varlen_states": True}, "needs cu_seqlens"),
    ({"return_varlen_states": True, "cu_seqlens": [0, 3]}, "one batch"),
])
def test_bad_inputs(changes, message):
    with pytest.raises(ValueError, match=message):
        mamba_chunk_scan_combined(**small(**changes))


@pytest.mark.parametrize("offsets", [
    [0], [[0, 3]], [0, 2], [1, 3], [0, 2, 1, 3], [0, 4], [0.0, 3.0], [-1, 3]])
def test_bad_offsets(offsets):
    inputs = {k: v[:1] if k != "A" else v for k, v in small().items()}
    with pytest.raises(ValueError, match="cu_seqlens"):
        mamba_chunk_scan_combined(**inputs, cu_seqlens=offsets,
                                  return_varlen_states=True)


def small_update(**changes):
    inputs = {"state": zeros(2, 4, 5, 6), "x": zeros(2, 4, 5),
              "dt": zeros(2, 4, 5), "A": zeros(4, 5, 6), "B": zeros(2, 2, 6),
              "C": zeros(2, 2, 6)}
    return {**inputs, **changes}


def frozen(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("changes, message", [
    ({"state": zeros(2, 4)}, r"expected \[B, D, N\] or \[B, H, P, N\]"),
    ({"state": frozen(zeros(2, 4, 5, 6))}, "state.*read-only"),
    ({"state": np.lib.stride_tricks.as_strided(
        zeros(4, 5, 6), (2, 4, 5, 6), (0, 120, 24, 4))}, "share memory"),
    ({"state": [[1.0]]}, "must be an array, not list"),
    ({"state": zeros(2, 4, 5, 6, dtype=np.float64)}, "state must be float32"),
    ({"state": zeros(2, 4, 5, 6).astype(">f4")}, "byte order"),
    ({"state": zeros(3, 4, 5, 6)}, "3 rows, but x has 2"),
    ({"x": zeros(2, 4)}, "x has shape"), ({"x": zeros(2, 5, 4)}, "x has shape"),
    ({"dt": zeros(2, 4)}, "dt has shape"), ({"A": zeros(4)}, "A has shape"),
    ({"B": zeros(2, 6)}, "B has shape"), ({"C": zeros(2, 1, 6)}, "C has shape"),
    ({"B": zeros(2, 3, 6), "C": zeros(2, 3, 6)}, "3 groups"),
    ({"D": zeros(4)}, "D has shape"), ({"z": zeros(2, 4)}, "z has shape"),
    ({"dt_bias": zeros(4)}, "dt_bias has shape"),
    ({"x": zeros(2, 4, 5, dtype=np.int8)}, "x must be float32"),
    ({"C": zeros(2, 2, 6, dtype=np.float16)}, "C is f16, but x is f32"),
    ({"state_batch_indices": [0, 2]}, "row 2, but state has 2"),
    ({"state_batch_indices": [1, 1]}, "row twice"),
    ({"state_batch_indices": [0]}, "state_batch_indices has shape"),
    ({"state_batch_indices": [0.0, 1.0]}, "must be integers"),
])
def test_bad_updates(changes, message):
    inputs = small_update(**changes)
    with pytest.raises(ValueError, match=message):
        selective_state_update(**inputs)


def test_failed_updates_keep_the_state(fake_compiler):
    fake_compiler("sys.exit('error: no')")
    state = np.ones((2, 4, 5, 6), np.float32)
    with pytest.raises(ssd_mlir.CompileError):
        selective_state_update(**small_update(state=state))
    assert (state == 1).all()
