# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operators against a float64 recurrence.

Everything runs twice: with operator_compiler.py, which tests the Python side by
itself, and with ssd-compile."""

from __future__ import annotations

import math
import threading
from typing import NamedTuple, Optional

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reference
import ssd_mlir
from ssd_mlir import mamba_chunk_scan_combined, selective_state_update

TYPES = {"f32": np.float32, "bf16": ml_dtypes.bfloat16, "f16": np.float16}
BOUNDS = {"f32": 1e-5, "bf16": 5e-3, "f16": 5e-3}


@pytest.fixture(params=["reference", "ssd-compile"])
def backend(request):
    name = "compiler" if request.param == "ssd-compile" else "c_compiler"
    request.getfixturevalue(name)
    ssd_mlir._operators._operators.clear()
    yield request.param
    ssd_mlir._operators._operators.clear()


def property_test(examples):
    """A hypothesis test that may compile on the way."""
    return settings(max_examples=examples, deadline=None, derandomize=True,
                    database=None, print_blob=False,
                    suppress_health_check=[HealthCheck.function_scoped_fixture,
                                           HealthCheck.too_slow])


#===----------------------------------------------------------------------===#
# Inputs
#===----------------------------------------------------------------------===#


class Class(NamedTuple):
    """One compiled operator (for each form)."""

    heads: int
    groups: int
    head_dim: int
    state_dim: int
    dtype: str = "f32"
    dt_dtype: Optional[str] = None  # as x
    z_dtype: Optional[str] = None
    D: Optional[str] = None  # head or channel
    bias: bool = False
    softplus: bool = False
    limits: tuple = (0.0, math.inf)
    initial: bool = False
    segments: bool = False


CLASSES = [
    Class(2, 1, 64, 64),
    Class(4, 2, 32, 16, bias=True, softplus=True),
    Class(8, 8, 24, 20, D="head"),
    Class(2, 1, 64, 128, initial=True),
    Class(4, 1, 80, 16, segments=True),
    Class(2, 2, 128, 64, D="channel", z_dtype="f32"),
    Class(1, 1, 1, 1),
    Class(3, 1, 5, 7, D="head", z_dtype="f32", bias=True, softplus=True,
          initial=True, segments=True),
    Class(6, 2, 16, 256, softplus=True, limits=(0.01, 0.05)),
    Class(2, 1, 32, 32, limits=(-math.inf, 0.03), bias=True),
    Class(16, 4, 8, 8, initial=True, segments=True),
    Class(2, 1, 64, 64, "bf16"),
    Class(4, 2, 32, 16, "bf16", "f32", bias=True, softplus=True, D="head"),
    Class(2, 1, 24, 20, "bf16", z_dtype="bf16", D="channel", initial=True),
    Class(4, 4, 16, 32, "bf16", segments=True, initial=True),
    Class(2, 1, 64, 128, "bf16", "f32", "f32", "head", True, True,
          (0.0, math.inf), True, True),
    Class(2, 1, 64, 64, "f16"),
    Class(4, 2, 32, 16, "f16", "f32", "f16", "head", True, True),
    Class(3, 3, 12, 20, "f16", initial=True, segments=True),
    Class(2, 1, 80, 64, "f16", "f16", z_dtype="f32", softplus=True),
]


def to_type(value, dtype):
    return np.asarray(value, np.float32).astype(TYPES[dtype])


def draw_inputs(shape: Class, batch, length, decay, seed):
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
    bias = rng.uniform(-1, 1, heads).astype(np.float32) if shape.bias else None
    raw = np.exp(rng.uniform(math.log(1e-3), math.log(0.1),
                             (batch, length, heads)))
    if shape.softplus:
        raw = np.log(np.expm1(raw))
    if shape.bias:
        raw = raw - bias
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
        inputs["D"] = rng.standard_normal(sizes).astype(np.float32)
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


#===----------------------------------------------------------------------===#
# mamba_chunk_scan_combined
#===----------------------------------------------------------------------===#

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
    inputs = draw_inputs(CLASSES[6]._replace(heads=2, head_dim=8, state_dim=16),
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
    shape = Class(4, 2, 16, 32, bias=True, softplus=True, initial=True)
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


def test_repeatable(backend):
    inputs = draw_inputs(CLASSES[15], 2, 130, "model", 5)
    first = mamba_chunk_scan_combined(**inputs)
    for _ in range(3):
        np.testing.assert_array_equal(mamba_chunk_scan_combined(**inputs), first)


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


def test_limits_without_softplus(backend):
    """A negative step size is clipped to 0 by default: the state stays."""
    shape = Class(2, 1, 8, 8, initial=True)
    inputs = draw_inputs(shape, 1, 9, "model", 0)
    inputs["dt"] = -inputs["dt"]
    _, state = check(inputs, 1e-5)
    np.testing.assert_array_equal(state, inputs["initial_states"])


def test_half_precision_operands_of_f32(backend):
    """A, D, dt_bias and initial states in any float type."""
    shape = Class(2, 1, 8, 8, D="head", bias=True, initial=True)
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
    inputs = draw_inputs(Class(2, 1, 9, 11), 1, 20, "model", 0)
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


#===----------------------------------------------------------------------===#
# Packed sequences
#===----------------------------------------------------------------------===#


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


#===----------------------------------------------------------------------===#
# Errors of mamba_chunk_scan_combined
#===----------------------------------------------------------------------===#


def small(**changes):
    inputs = {
        "x": np.zeros((2, 3, 4, 5), np.float32),
        "dt": np.zeros((2, 3, 4), np.float32), "A": np.zeros(4, np.float32),
        "B": np.zeros((2, 3, 2, 6), np.float32),
        "C": np.zeros((2, 3, 2, 6), np.float32)}
    return {**inputs, **changes}


def zeros(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)


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


#===----------------------------------------------------------------------===#
# selective_state_update
#===----------------------------------------------------------------------===#


class Update(NamedTuple):
    """One compiled update."""

    channels: tuple  # (D,) or (H, P)
    state_dim: int
    groups: int = 1
    tied: bool = False
    dtype: str = "f32"
    state_dtype: str = "f32"
    D: bool = False
    z: bool = False
    bias: bool = False
    softplus: bool = False


UPDATES = [
    Update((48,), 16),
    Update((33,), 5, D=True, z=True, bias=True, softplus=True),
    Update((64,), 16, dtype="bf16", bias=True, softplus=True),
    Update((4, 32), 64, tied=True),
    Update((8, 24), 20, 2, True, D=True, z=True, bias=True, softplus=True),
    Update((4, 64), 128, 1, True, "bf16", D=True, bias=True, softplus=True),
    Update((4, 64), 128, 1, True, "bf16", "bf16", softplus=True),
    Update((4, 16), 16, 4, False, D=True, bias=True, softplus=True),
    Update((2, 8), 32, 2, False, "f16", "f16", z=True),
]


def draw_update(shape: Update, batch, seed):
    rng = np.random.default_rng(seed)
    flat = len(shape.channels) == 1
    channels, n = shape.channels, shape.state_dim
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
        inputs["D"] = rng.standard_normal(channels).astype(np.float32)
    if shape.z:
        inputs["z"] = normal(batch, *channels)
    if shape.bias:
        inputs["dt_bias"] = per_head(
            lambda s: rng.uniform(-1, 1, s).astype(np.float32))
    return inputs


def draw_state(shape: Update, rows, seed):
    rng = np.random.default_rng(seed + 1)
    return to_type(rng.standard_normal((rows, *shape.channels, shape.state_dim)),
                   shape.state_dtype)


def check_update(y, state, inputs, before, shape):
    expected, expected_state = reference.step(before, **inputs)
    assert y.dtype == inputs["x"].dtype and y.shape == inputs["x"].shape
    assert reference.error_ratio(y, expected) <= BOUNDS[shape.dtype]
    bound = max(BOUNDS[shape.dtype], BOUNDS[shape.state_dtype])
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
            pool[used], after[indices >= 0]) <= BOUNDS[shape.state_dtype]
    untouched = [s for s in range(7) if s not in used]
    np.testing.assert_array_equal(pool[untouched], before[untouched])


def test_update_of_a_view(backend):
    """The state may be any writable view."""
    shape = UPDATES[4]
    inputs = draw_update(shape, 3, 0)
    buffer = np.zeros((6, *shape.channels, 2 * shape.state_dim), np.float32)
    view = buffer[::2, ..., ::2]
    view[...] = draw_state(shape, 3, 0)
    before = view.copy()
    check_update(selective_state_update(view, **inputs), view, inputs, before,
                 shape)
    assert not buffer[1::2].any() and not buffer[..., 1::2].any()


def test_update_continues_a_scan(backend):
    """Mamba-2 decode: a scan's final state, then tokens one by one."""
    inputs = draw_inputs(Class(4, 2, 16, 32, D="channel", bias=True,
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
