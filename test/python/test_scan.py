# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mamba_chunk_scan_combined against a float64 recurrence."""

from __future__ import annotations

import threading

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from compiled_operators import Scan
from operator_cases import (BOUNDS, CLASSES, check, draw_inputs,
                            property_test, to_type)
from ssd_mlir import _compile, _threads, mamba_chunk_scan_combined

LENGTHS = [0, 1, 2, 3, 17, 31, 63, 64, 65, 127, 128, 129, 131, 191, 257]


@property_test(150)
@given(shape=st.sampled_from(CLASSES), length=st.sampled_from(LENGTHS),
       form=st.sampled_from(["auto", "recurrent", "chunked", "quadratic"]),
       batch=st.integers(1, 3), seed=st.integers(0, 2**32 - 1),
       decay=st.sampled_from(["model", "strong", "weak", "growing"]))
def test_scan(backend, shape, length, form, batch, seed, decay):
    check(draw_inputs(shape, batch, length, decay, seed), BOUNDS[shape.dtype],
          form)


@pytest.mark.parametrize("form", ["recurrent", "chunked", "quadratic"])
@pytest.mark.parametrize("shape", CLASSES, ids=lambda c: "-".join(map(str, c[:5])))
def test_every_class_and_form(backend, shape, form):
    if backend == "reference" and form != "recurrent":
        pytest.skip("it has one form")
    check(draw_inputs(shape, 2, 150, "model", 1), BOUNDS[shape.dtype], form)


def test_long(backend):
    inputs = draw_inputs(CLASSES[6]._replace(heads=2, width=8, n=16),
                         1, 32768, "model", 3)
    check(inputs, 1e-5)


def test_returns(backend):
    inputs = draw_inputs(CLASSES[0], 2, 20, "model", 0)
    y = mamba_chunk_scan_combined(**inputs)
    both = mamba_chunk_scan_combined(**inputs, return_final_states=True)
    assert isinstance(y, np.ndarray) and isinstance(both, tuple)
    np.testing.assert_allclose(both[0], y, rtol=1e-4, atol=1e-5)
    hinted = mamba_chunk_scan_combined(**inputs, chunk_size=64)
    np.testing.assert_array_equal(hinted, y)


def test_positional(backend):
    """The order of mamba_ssm's arguments."""
    shape = CLASSES[7]
    i = draw_inputs(shape, 2, 20, "model", 0)
    y, _ = check(i, 1e-5)
    positional = mamba_chunk_scan_combined(
        i["x"], i["dt"], i["A"], i["B"], i["C"], 64, i["D"], i["z"],
        i["dt_bias"], i["initial_states"], i["seq_idx"], None, True, i["dt_limit"])
    assert reference.error_ratio(positional, y) < 1e-6


def test_empty(backend):
    shape = CLASSES[3]
    inputs = draw_inputs(shape, 2, 0, "model", 0)
    y, state = mamba_chunk_scan_combined(**inputs, return_final_states=True)
    assert y.shape == inputs["x"].shape
    np.testing.assert_array_equal(state, inputs["initial_states"])
    assert not np.shares_memory(state, inputs["initial_states"])
    inputs = draw_inputs(CLASSES[0], 0, 5, "model", 0)
    y, state = mamba_chunk_scan_combined(**inputs, return_final_states=True)
    assert y.shape == inputs["x"].shape and state.shape == (0, 2, 64, 64)


def test_in_parts(backend):
    """The final state of one part is the initial state of the next."""
    shape = Scan(4, 2, 16, 32, "f32", bias=True, softplus=True, initial=True)
    inputs = draw_inputs(shape, 2, 200, "model", 5)
    whole, end = check(inputs, 1e-5)
    state, parts = inputs["initial_states"], []
    for cut in (slice(0, 1), slice(1, 77), slice(77, 77), slice(77, 200)):
        part = {k: v[:, cut] if k in ("x", "dt", "B", "C") else v
                for k, v in inputs.items()}
        part["initial_states"] = state
        y, state = mamba_chunk_scan_combined(**part, return_final_states=True)
        parts.append(y)
    assert reference.error_ratio(np.concatenate(parts, axis=1), whole) < 1e-5
    assert reference.error_ratio(state, end) < 1e-5


def test_rows_do_not_depend_on_the_batch(backend):
    inputs = draw_inputs(CLASSES[1], 3, 100, "model", 5)
    whole, _ = check(inputs, 1e-5, "chunked")
    for row in range(3):
        one = {k: v[row:row + 1] if k in ("x", "dt", "B", "C") else v
               for k, v in inputs.items()}
        np.testing.assert_array_equal(
            mamba_chunk_scan_combined(**one, form="chunked",
                                      return_final_states=True)[0],
            whole[row:row + 1])


def test_cut_for_idle_threads(backend, monkeypatch):
    """A long sequence of few heads is cut for the threads that a program is
    planned for, as the batch of a call leaves them idle. With how many it runs
    changes nothing."""
    monkeypatch.setattr(_compile, "default_num_threads", lambda: 12)
    shape = Scan(2, 1, 32, 64, "f32", D="head", bias=True, softplus=True, initial=True,
                  segments=True)
    for batch in (1, 2, 5, 7):
        inputs = draw_inputs(shape, batch, 2900, "model", batch)
        y, state = check(inputs, 1e-5)
        for threads in (1, 3):
            monkeypatch.setattr(_threads, "_threads", threads)
            again = mamba_chunk_scan_combined(**inputs, return_final_states=True)
            np.testing.assert_array_equal(again[0], y)
            np.testing.assert_array_equal(again[1], state)


def test_repeatable(backend):
    inputs = draw_inputs(CLASSES[15], 2, 130, "model", 5)
    first = mamba_chunk_scan_combined(**inputs)
    for _ in range(3):
        np.testing.assert_array_equal(mamba_chunk_scan_combined(**inputs), first)


def test_limits_without_softplus(backend):
    """A negative step size is clipped to 0 by default: the state stays."""
    shape = Scan(2, 1, 8, 8, "f32", initial=True)
    inputs = draw_inputs(shape, 1, 9, "model", 0)
    inputs["dt"] = -inputs["dt"]
    _, state = check(inputs, 1e-5)
    np.testing.assert_array_equal(state, inputs["initial_states"])


def test_half_precision_operands_of_f32(backend):
    """A, D, dt_bias and initial states in any float type."""
    shape = Scan(2, 1, 8, 8, "f32", D="head", bias=True, initial=True)
    inputs = draw_inputs(shape, 1, 9, "model", 0)
    inputs["A"] = to_type(inputs["A"], "bf16")
    inputs["D"] = to_type(inputs["D"], "f16")
    inputs["dt_bias"] = to_type(inputs["dt_bias"], "bf16")
    inputs["initial_states"] = to_type(inputs["initial_states"], "f16")
    check(inputs, 1e-5)


def test_torch(backend):
    torch = pytest.importorskip("torch")
    inputs = draw_inputs(CLASSES[13], 2, 20, "model", 0)
    expected, expected_state = check(inputs, 5e-3)
    tensors = {}
    for name, value in inputs.items():
        if isinstance(value, np.ndarray):
            bfloat16 = value.dtype == ml_dtypes.bfloat16
            value = torch.from_numpy(value.view(np.int16) if bfloat16 else value)
            value = value.view(torch.bfloat16) if bfloat16 else value
        tensors[name] = value
    y, state = mamba_chunk_scan_combined(**tensors, return_final_states=True)
    assert y.dtype == torch.bfloat16 and state.dtype == torch.float32
    np.testing.assert_array_equal(y.view(torch.int16).numpy(),
                                  expected.view(np.int16))
    np.testing.assert_array_equal(state.numpy(), expected_state)


def test_first_use_by_many_threads(backend):
    inputs = draw_inputs(Scan(2, 1, 9, 11, "f32"), 1, 20, "model", 0)
    results = []
    threads = [threading.Thread(target=lambda: results.append(
        mamba_chunk_scan_combined(**inputs))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for result in results:
        np.testing.assert_array_equal(result, results[0])
