# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`mamba_chunk_scan_combined`."""

from __future__ import annotations

import math
from typing import Any, Mapping, Optional

import numpy as np

from ._arrays import Array, Library, library_of, torch_side
from ._compiler import check_options
from ._errors import ArgumentError
from ._operands import (dtype_of, expect_dtype, expect_groups, expect_rank, expect_shape,
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


def _read_segments(library: Library, seq_idx: Any, batch: int,
                   length: int) -> Optional[Array]:
    if seq_idx is None:
        return None
    ids = read_integers(library, "seq_idx", seq_idx)
    expect_shape("seq_idx", ids, (batch, length))
    return library.segment_numbers(ids)


def _read_packed(library: Library, cu_seqlens: Any, batch: int,
                 length: int) -> Array:
    """The offsets of packed sequences. Those on a GPU can't be looked at without
    waiting for it."""
    if batch != 1:
        raise ArgumentError(f"packed sequences (cu_seqlens) are one batch, but "
                            f"x has {batch}")
    given = read_integers(library, "cu_seqlens", cu_seqlens)
    if len(given.shape) != 1 or given.shape[0] < 2:
        raise ArgumentError(f"cu_seqlens has shape {list(given.shape)}; "
                            "expected [S + 1] with S >= 1")
    if library.gpu < 0:
        _check_offsets(library.on_cpu(given).astype(np.int64), length)
    return library.ids(given)


def _check_offsets(offsets: np.ndarray, length: int) -> None:
    if offsets[0] != 0 or offsets[-1] != length or (np.diff(offsets) < 0).any():
        raise ArgumentError("cu_seqlens must rise from 0 to the length "
                            f"{length}, not {offsets.tolist()[:8]}"
                            f"{'...' if offsets.size > 8 else ''}")


# What the operands are called in programs.
_OPERANDS = ("x", "dt", "A", "B", "C", "D", "z", "dt_bias", "initial_state",
             "segment_ids")
# Those that kernels take in tiles.
_TILED = ("x", "B", "C", "z")


def scan_class(inputs: Mapping[str, Array], softplus: bool,
               limits: tuple[float, float], final: bool) -> ShapeClass:
    """The shape class of a scan of these inputs, by the names that operators
    have for them."""
    x, z, D = inputs["x"], inputs.get("z"), inputs.get("D")
    packed = "offsets" in inputs  # each sequence has a first and a last state
    return ShapeClass(
        "scan", x.shape[2], inputs["B"].shape[2], x.shape[3],
        inputs["B"].shape[3], x.dtype, inputs["dt"].dtype, z_dtype=dtype_of(z),
        skip=skip_kind(D), skip_dtype=dtype_of(D) or "f32",
        bias_dtype=dtype_of(inputs.get("dt_bias")), softplus=bool(softplus),
        limits=limits, initial="initial_state" in inputs or packed,
        final=final or packed, segments="segment_ids" in inputs,
        offsets=packed)


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

    Arrays are NumPy's, or any with `__dlpack__` on the CPU; read-only, broadcast
    and strided ones too. f means float32, bfloat16 or float16. PyTorch's may be
    on a GPU: all on the same, where the work is put into its current stream and
    not waited for. What integers hold is then not checked. x, B, C and z whose
    rows do not begin at multiples of 16 bytes are copied there, in every call.

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
    right); the initial state is the first sequence's. On a GPU nothing is read by
    the CPU: offsets out of range select less.
    dt_limit applies with and without dt_softplus.
    form: "auto", "recurrent", "chunked" or "quadratic": how it is computed.
    "auto" takes the fastest for each call and may cut a long sequence of few
    heads into parts that run side by side; "chunked" never cuts one, so that a
    sequence's results are bitwise the same in any batch. On a GPU "quadratic" is
    computed by chunks of 64 tokens, quadratic within each, and may be cut as with
    "auto".

    Returns y, of x's type and shape; after it, as asked for, the final states,
    float32 [B, H, P, N], then the varlen states, float32 [S, H, P, N]: the state
    after the last token of each sequence, for an empty one the state it starts
    from. Results are of x's library.

    Raises: ValueError for wrong shapes, types (float64 and integers among them)
    or options; NotImplementedError for an operand that requires a gradient, since
    there is no backward; CompileError if the operator cannot be compiled, which happens
    on first use of a shape class (everything but B and L).
    """
    side = torch_side(x)
    if side is not None and side.is_traced(x):
        from . import _torch_operators
        return _torch_operators.trace_scan(
            x, dt, A, B, C, chunk_size, D, z, dt_bias, initial_states, seq_idx,
            cu_seqlens, dt_softplus, dt_limit, return_final_states,
            return_varlen_states, form)
    if side is not None:
        key = ("scan", chunk_size, dt_softplus, dt_limit, return_final_states,
               return_varlen_states, form)
        operands = (x, dt, A, B, C, D, z, dt_bias, initial_states, seq_idx,
                    cu_seqlens)
        results = side.repeat(key, operands)
        if results is not None:
            return tuple(results) if return_final_states else results[0]
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
    limits = _limits(dt_limit)

    library = library_of(x)
    x = read_floats(library, "x", x)
    expect_rank("x", x, "BLHP")
    batch, length, heads, head_dim = x.shape
    B, C = read_floats(library, "B", B), read_floats(library, "C", C)
    expect_rank("B", B, "BLGN")
    groups, state_dim = B.shape[2:]
    expect_sizes(H=heads, P=head_dim, G=groups, N=state_dim)
    expect_shape("B", B, (batch, length, groups, state_dim))
    expect_shape("C", C, B.shape)
    expect_dtype("B", B, x)
    expect_dtype("C", C, x)
    expect_groups(heads, groups)
    dt = read_floats(library, "dt", dt)
    expect_shape("dt", dt, (batch, length, heads))
    A = read_float32(library, "A", A)
    expect_shape("A", A, (heads,))
    if D is not None:
        D = read_floats(library, "D", D)
        expect_shape("D", D, (heads,), (heads, head_dim))
    if z is not None:
        z = read_floats(library, "z", z)
        expect_shape("z", z, x.shape)
    if dt_bias is not None:
        dt_bias = read_floats(library, "dt_bias", dt_bias)
        expect_shape("dt_bias", dt_bias, (heads,))
    if initial_states is not None:
        initial_states = read_float32(library, "initial_states", initial_states)
        expect_shape("initial_states", initial_states,
                     (batch, heads, head_dim, state_dim))
    segments = _read_segments(library, seq_idx, batch, length)
    packed = None
    if return_varlen_states:
        packed = _read_packed(library, cu_seqlens, batch, length)

    inputs = present(x=x, dt=dt, A=A, B=B, C=C, D=D, z=z, dt_bias=dt_bias,
                     initial_state=initial_states, segment_ids=segments,
                     offsets=packed)
    shape = scan_class(inputs, dt_softplus, limits, return_final_states)
    copied = {name: library.tileable(inputs[name])
              for name in _TILED if name in inputs}
    as_given = all(inputs[name] is array for name, array in copied.items())
    inputs.update(copied)
    if packed is not None:
        results = _packed_scan(library, shape, form, inputs, packed,
                               return_final_states)
    elif batch == 0 or length == 0:
        results = _nothing_to_scan(library, shape, inputs)
    else:
        operator = get_operator(shape, form, library.target)
        results = operator(inputs, library)
        if side is not None and as_given:
            side.record(key, operands, operator, library,
                        {name: (i, list(range(len(inputs[name].shape))))
                         for i, name in enumerate(_OPERANDS) if name in inputs},
                        tiled=_TILED)
    if not return_final_states and packed is None:
        return library.wrap(results[0])
    return tuple(map(library.wrap, results))


def _nothing_to_scan(library: Library, shape: ShapeClass,
                     inputs: dict[str, Array]) -> list[Array]:
    x, initial = inputs["x"], inputs.get("initial_state")
    after = (library.zeros((x.shape[0], *_state_shape(shape)), "f32")
             if initial is None else library.dense_copy(initial))
    return [library.empty(x.shape, x.dtype), after]


def _state_shape(shape: ShapeClass) -> tuple[int, int, int]:
    return shape.heads, shape.head_dim, shape.state_dim


def _packed_scan(library: Library, shape: ShapeClass, form: str,
                 inputs: dict[str, Array], offsets: Array,
                 return_final_states: bool) -> list[Array]:
    count = offsets.shape[0] - 1
    before = library.zeros((count, *_state_shape(shape)), "f32")
    if "initial_state" in inputs:
        before.data[0] = inputs["initial_state"].data[0]
    inputs = {**inputs, "initial_state": before, "offsets": offsets}
    x = inputs["x"]
    if x.shape[1] == 0:
        y, after = library.empty(x.shape, x.dtype), before
    else:
        y, after = get_operator(shape, form, library.target)(inputs, library)
    if not return_final_states:
        return [y, after]
    last = library.last_sequence(offsets)
    return [y, Array(after.data[last], "f32"), after]
