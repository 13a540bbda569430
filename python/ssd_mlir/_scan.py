# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`mamba_chunk_scan_combined`."""

from __future__ import annotations

import math
from typing import Any, Optional

import numpy as np

from ._arrays import Array, Wrap, empty, wrapper_like
from ._compiler import check_options
from ._errors import ArgumentError
from ._operands import (expect_dtype, expect_groups, expect_rank, expect_shape,
                        expect_sizes, present, read_float32, read_floats,
                        read_integers, skip_kind)
from ._operators import get_operator
from ._template import ShapeClass


def _limits(dt_limit: Any) -> tuple[float, float]:
    try:
        low, high = (float(v) for v in dt_limit)
    except (TypeError, ValueError):
        raise ArgumentError(f"dt_limit must be two numbers, not {dt_limit!r}"
                            ) from None
    if math.isnan(low) or math.isnan(high) or low > high:
        raise ArgumentError(f"dt_limit must be (least, most), not {dt_limit!r}")
    if low == math.inf or high == -math.inf:
        raise ArgumentError(f"dt_limit leaves no finite value: {dt_limit!r}")
    return low, high


def _segment_numbers(seq_idx: np.ndarray) -> np.ndarray:
    """int32 ids that change where `seq_idx` does, whatever its type holds."""
    if seq_idx.dtype == np.int32:
        return np.ascontiguousarray(seq_idx)
    numbers = np.zeros(seq_idx.shape, np.int32)
    changes = seq_idx[:, 1:] != seq_idx[:, :-1]
    np.cumsum(changes, axis=1, out=numbers[:, 1:])
    return numbers


def _read_segments(seq_idx: Any, batch: int, length: int) -> Optional[np.ndarray]:
    if seq_idx is None:
        return None
    ids = read_integers("seq_idx", seq_idx)
    if ids.shape != (batch, length):
        raise ArgumentError(f"seq_idx has shape {list(ids.shape)}; expected "
                            f"{[batch, length]}")
    return _segment_numbers(ids)


def _read_offsets(cu_seqlens: Any, batch: int, length: int) -> np.ndarray:
    if batch != 1:
        raise ArgumentError(f"packed sequences (cu_seqlens) are one batch, but "
                            f"x has {batch}")
    offsets = read_integers("cu_seqlens", cu_seqlens).astype(np.int64)
    if offsets.ndim != 1 or offsets.size < 2:
        raise ArgumentError(f"cu_seqlens has shape {list(offsets.shape)}; "
                            "expected [S + 1] with S >= 1")
    if offsets[0] != 0 or offsets[-1] != length or (np.diff(offsets) < 0).any():
        raise ArgumentError("cu_seqlens must rise from 0 to the length "
                            f"{length}, not {offsets.tolist()[:8]}"
                            f"{'...' if offsets.size > 8 else ''}")
    return offsets


class _Packed:
    """Packed sequences as the mixer takes them: every segment of every sequence
    is one of its sequences, with a state of its own."""

    def __init__(self, offsets: np.ndarray,
                 segments: Optional[np.ndarray]) -> None:
        cuts = offsets
        if segments is not None and segments.shape[1] > 1:
            ids = segments[0]
            resets = np.flatnonzero(ids[1:] != ids[:-1]) + 1
            # Cuts inside a sequence only; repeated offsets are empty sequences.
            cuts = np.sort(np.concatenate([offsets,
                                           np.setdiff1d(resets, offsets)]))
        self.offsets = cuts.astype(np.int32)
        # Where each sequence's last segment is among all of them. Of several
        # empty sequences at one place, the first belongs to the first offset.
        ends = np.searchsorted(cuts, offsets[1:], side="left") - 1
        repeats = np.arange(1, offsets.size) - np.searchsorted(
            offsets, offsets[1:], side="left")
        self.rows = ends + repeats
        # The segment that holds the last token.
        self.last = int(np.searchsorted(cuts, offsets[-1], side="left")) - 1

    @property
    def count(self) -> int:
        return self.offsets.size - 1


def mamba_chunk_scan_combined(
        x: Any, dt: Any, A: Any, B: Any, C: Any,
        chunk_size: Optional[int] = None, D: Any = None, z: Any = None,
        dt_bias: Any = None, initial_states: Any = None, seq_idx: Any = None,
        cu_seqlens: Any = None, dt_softplus: bool = False,
        dt_limit: tuple[float, float] = (0.0, math.inf),
        return_final_states: bool = False, return_varlen_states: bool = False,
        *, form: str = "auto") -> Any:
    """The SSD scan of Mamba-2, with the interface of mamba_ssm.

        d_t = clip(softplus(dt_t + dt_bias), dt_limit), each part where asked for
        S_t = exp(d_t A) S_{t-1} + d_t x_t B_t',  y_t = (S_t C_t + D x_t) silu(z_t)

    Arrays are NumPy's or any with `__dlpack__` on the CPU; read-only, broadcast
    and strided ones too. f means float32, bfloat16 or float16.

    x: f [B, L, H, P]. dt: f [B, L, H]. A: f [H]. B, C: of x's type
    [B, L, G, N], where G divides H. D: f [H] or [H, P]. z: f, as x.
    dt_bias: f [H]. initial_states: f [B, H, P, N].
    chunk_size: a hint, which the compiler needs not follow.
    seq_idx: integers [B, L]; the state resets to zero before every token whose
    number differs from the one before it. The initial state belongs to the first
    segment.
    cu_seqlens: integers [S + 1] that rise from 0 to L, with B = 1: sequence s is
    tokens cu_seqlens[s] to cu_seqlens[s+1] - 1. Only with
    return_varlen_states. The state resets at the start of each sequence, and at
    changes of seq_idx if that is given too (mamba_ssm needs it given for y to be
    right); the initial state is the first sequence's.
    dt_limit applies with and without dt_softplus.
    form: "auto", "recurrent", "chunked" or "quadratic": how it is computed.

    Returns y, of x's type and shape; after it, as asked for, the final states,
    float32 [B, H, P, N], then the varlen states, float32 [S, H, P, N]: the state
    after the last token of each sequence, for an empty one the state it starts
    from. Results are of x's library.

    Raises: ValueError for wrong shapes, types (float64 and integers among them)
    or options; CompileError if the operator cannot be compiled, which happens
    on first use of a shape class (everything but B and L).
    """
    check_options("cpu", "f32", form)
    if chunk_size is not None and (not hasattr(chunk_size, "__index__")
                                   or int(chunk_size) < 1):
        raise ArgumentError(f"chunk_size must be a positive integer, not "
                            f"{chunk_size!r}")
    if cu_seqlens is not None and not return_varlen_states:
        raise ArgumentError("cu_seqlens needs return_varlen_states=True; to "
                            "reset the state between sequences alone, pass "
                            "seq_idx")
    if return_varlen_states and cu_seqlens is None:
        raise ArgumentError("return_varlen_states needs cu_seqlens")

    wrap = wrapper_like(x)
    x = read_floats("x", x)
    expect_rank("x", x, "BLHP")
    batch, length, heads, head_dim = x.shape
    B, C = read_floats("B", B), read_floats("C", C)
    expect_rank("B", B, "BLGN")
    groups, state_dim = B.shape[2:]
    expect_sizes(H=heads, P=head_dim, G=groups, N=state_dim)
    expect_shape("B", B, (batch, length, groups, state_dim))
    expect_shape("C", C, B.shape)
    expect_dtype("B", B, x)
    expect_dtype("C", C, x)
    expect_groups(heads, groups)
    dt = read_floats("dt", dt)
    expect_shape("dt", dt, (batch, length, heads))
    A = read_float32("A", A)
    expect_shape("A", A, (heads,))
    if D is not None:
        D = read_float32("D", D)
        expect_shape("D", D, (heads,), (heads, head_dim))
    if z is not None:
        z = read_floats("z", z)
        expect_shape("z", z, x.shape)
    if dt_bias is not None:
        dt_bias = read_float32("dt_bias", dt_bias)
        expect_shape("dt_bias", dt_bias, (heads,))
    if initial_states is not None:
        initial_states = read_float32("initial_states", initial_states)
        expect_shape("initial_states", initial_states,
                (batch, heads, head_dim, state_dim))
    segments = _read_segments(seq_idx, batch, length)
    limits = _limits(dt_limit)
    packed = None
    if return_varlen_states:
        packed = _Packed(_read_offsets(cu_seqlens, batch, length), segments)

    shape = ShapeClass(
        "scan", heads, groups, head_dim, state_dim, x.dtype, dt.dtype,
        z_dtype=None if z is None else z.dtype, skip=skip_kind(D),
        bias=dt_bias is not None, softplus=bool(dt_softplus), limits=limits,
        initial=initial_states is not None or packed is not None,
        final=return_final_states or packed is not None,
        segments=segments is not None and packed is None,
        offsets=packed is not None)
    inputs = present(
        x=x, dt=dt, A=A, B=B, C=C, D=D, z=z, dt_bias=dt_bias,
        initial_state=initial_states,
        segment_ids=None if segments is None else Array(segments, "i32"))
    if packed is not None:
        return _packed_scan(shape, form, inputs, packed, wrap,
                            return_final_states)
    if batch == 0 or length == 0:
        results = _nothing_to_scan(shape, inputs)
    else:
        results = get_operator(shape, form)(inputs)
    if not return_final_states:
        return wrap(results[0])
    return wrap(results[0]), wrap(results[1])


def _state_before(shape: ShapeClass, batch: int,
                  initial: Optional[Array]) -> Array:
    """A copy of the initial state, or zeros."""
    if initial is not None:
        return Array(np.array(initial.data, order="C"), "f32")
    return Array(np.zeros((batch, shape.heads, shape.head_dim, shape.state_dim),
                          np.float32), "f32")


def _nothing_to_scan(shape: ShapeClass,
                     inputs: dict[str, Array]) -> list[Array]:
    x = inputs["x"]
    return [empty(x.shape, x.dtype),
            _state_before(shape, x.shape[0], inputs.get("initial_state"))]


def _packed_scan(shape: ShapeClass, form: str,
                 inputs: dict[str, Array], packed: _Packed, wrap: Wrap,
                 return_final_states: bool) -> Any:
    before = _state_before(shape, packed.count, None)
    if "initial_state" in inputs:
        before.data[0] = inputs["initial_state"].data[0]
    inputs = {**inputs, "initial_state": before,
              "offsets": Array(packed.offsets, "i32")}
    if inputs["x"].shape[1] == 0:
        y, after = empty(inputs["x"].shape, inputs["x"].dtype), before
    else:
        y, after = get_operator(shape, form)(inputs)
    varlen = wrap(Array(after.data[packed.rows], "f32"))
    if not return_final_states:
        return wrap(y), varlen
    last = max(packed.last, 0)
    return wrap(y), wrap(Array(after.data[last:last + 1].copy(), "f32")), varlen
