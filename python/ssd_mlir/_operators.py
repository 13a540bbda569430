# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operators, with the interfaces of mamba_ssm."""

from __future__ import annotations

import math
import threading
from typing import Any, Optional, Sequence

import numpy as np

from . import _cache
from ._arrays import (FLOATS, Array, Wrap, as_array, empty, to_float32,
                      wrapper_like, writable_view)
from ._cache import CacheInfo
from ._compile import Source, load_cached
from ._compiler import check_options
from ._errors import ArgumentError
from ._program import Program
from ._template import ENTRY, ShapeClass, write_operator

#===----------------------------------------------------------------------===#
# Compiled operators
#===----------------------------------------------------------------------===#


class _Operator:
    """A compiled shape class and the order of its inputs."""

    def __init__(self, shape: ShapeClass, form: str) -> None:
        text, self._names = write_operator(shape)
        self._program: Program = load_cached(Source(text), form=form)

    def __call__(self, **inputs: Optional[Array]) -> list[Array]:
        return self._program.call_arrays(ENTRY,
                                         [inputs[name] for name in self._names])


_operators: dict[tuple[ShapeClass, str], _Operator] = {}
_operators_lock = threading.Lock()


def _operator(shape: ShapeClass, form: str) -> _Operator:
    """The operator of a shape class, compiled on first use. Two threads that
    need a new one at once meet at the disk cache's lock."""
    operator = _operators.get((shape, form))
    if operator is None:
        operator = _Operator(shape, form)
        with _operators_lock:
            operator = _operators.setdefault((shape, form), operator)
    return operator


def clear_cache() -> None:
    """Forgets all compiled operators, in memory and on disk."""
    with _operators_lock:
        _operators.clear()
    _cache.clear_disk()


def cache_info() -> CacheInfo:
    """The disk cache: its directory, how many programs and bytes it holds, and
    the size ($SSD_MLIR_CACHE_SIZE) at which the longest unused are removed."""
    return _cache.disk_info()


#===----------------------------------------------------------------------===#
# Reading arguments
#===----------------------------------------------------------------------===#


def _floats(name: str, value: Any) -> Array:
    array = as_array(name, value)
    if array.dtype not in FLOATS:
        raise ArgumentError(f"{name} must be float32, bfloat16 or float16, not "
                            f"{array.dtype}")
    return array


def _float32(name: str, value: Any) -> Array:
    """A small operand that the kernels take in f32."""
    return Array(to_float32(_floats(name, value)), "f32")


def _expect(name: str, array: Array, *shapes: Sequence[int]) -> None:
    if list(array.shape) not in [list(shape) for shape in shapes]:
        expected = " or ".join(str(list(shape)) for shape in shapes)
        raise ArgumentError(f"{name} has shape {list(array.shape)}; expected "
                            f"{expected}")


def _expect_rank(name: str, array: Array, letters: str) -> None:
    if len(array.shape) != len(letters):
        raise ArgumentError(f"{name} has shape {list(array.shape)}; expected "
                            f"[{', '.join(letters)}]")


def _expect_dtype(name: str, array: Array, x: Array) -> None:
    if array.dtype != x.dtype:
        raise ArgumentError(f"{name} is {array.dtype}, but x is {x.dtype}; they "
                            "must have one type")


def _expect_groups(heads: int, groups: int) -> None:
    if groups == 0 or heads % groups:
        raise ArgumentError(f"the {groups} groups of B and C must divide the "
                            f"{heads} heads of x")


def _expect_sizes(**sizes: int) -> None:
    for letter, size in sizes.items():
        if size < 1:
            raise ArgumentError(f"{letter} must be at least 1, not {size}")


def _integers(name: str, value: Any) -> np.ndarray:
    array = as_array(name, value)
    if array.dtype[0] not in "iu":
        raise ArgumentError(f"{name} must be integers, not {array.dtype}")
    return array.data


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


def _skip_kind(D: Optional[Array]) -> Optional[str]:
    if D is None:
        return None
    return "head" if len(D.shape) == 1 else "channel"


#===----------------------------------------------------------------------===#
# mamba_chunk_scan_combined
#===----------------------------------------------------------------------===#


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
    ids = _integers("seq_idx", seq_idx)
    if ids.shape != (batch, length):
        raise ArgumentError(f"seq_idx has shape {list(ids.shape)}; expected "
                            f"{[batch, length]}")
    return _segment_numbers(ids)


def _read_offsets(cu_seqlens: Any, batch: int, length: int) -> np.ndarray:
    if batch != 1:
        raise ArgumentError(f"packed sequences (cu_seqlens) are one batch, but "
                            f"x has {batch}")
    offsets = _integers("cu_seqlens", cu_seqlens).astype(np.int64)
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
    x = _floats("x", x)
    _expect_rank("x", x, "BLHP")
    batch, length, heads, head_dim = x.shape
    B, C = _floats("B", B), _floats("C", C)
    _expect_rank("B", B, "BLGN")
    groups, state_dim = B.shape[2:]
    _expect_sizes(H=heads, P=head_dim, G=groups, N=state_dim)
    _expect("B", B, (batch, length, groups, state_dim))
    _expect("C", C, B.shape)
    _expect_dtype("B", B, x)
    _expect_dtype("C", C, x)
    _expect_groups(heads, groups)
    dt = _floats("dt", dt)
    _expect("dt", dt, (batch, length, heads))
    A = _float32("A", A)
    _expect("A", A, (heads,))
    if D is not None:
        D = _float32("D", D)
        _expect("D", D, (heads,), (heads, head_dim))
    if z is not None:
        z = _floats("z", z)
        _expect("z", z, x.shape)
    if dt_bias is not None:
        dt_bias = _float32("dt_bias", dt_bias)
        _expect("dt_bias", dt_bias, (heads,))
    if initial_states is not None:
        initial_states = _float32("initial_states", initial_states)
        _expect("initial_states", initial_states,
                (batch, heads, head_dim, state_dim))
    segments = _read_segments(seq_idx, batch, length)
    limits = _limits(dt_limit)
    packed = None
    if return_varlen_states:
        packed = _Packed(_read_offsets(cu_seqlens, batch, length), segments)

    shape = ShapeClass(
        "scan", heads, groups, head_dim, state_dim, x.dtype, dt.dtype,
        z_dtype=None if z is None else z.dtype, skip=_skip_kind(D),
        bias=dt_bias is not None, softplus=bool(dt_softplus), limits=limits,
        initial=initial_states is not None or packed is not None,
        final=return_final_states or packed is not None,
        segments=segments is not None and packed is None,
        offsets=packed is not None)
    inputs = {
        "x": x, "dt": dt, "A": A, "B": B, "C": C, "D": D, "z": z,
        "dt_bias": dt_bias, "initial_state": initial_states,
        "segment_ids": None if segments is None else Array(segments, "i32"),
    }
    if packed is not None:
        return _packed_scan(shape, form, inputs, packed, wrap,
                            return_final_states)
    if batch == 0 or length == 0:
        results = _nothing_to_scan(shape, inputs)
    else:
        results = _operator(shape, form)(**inputs)
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
                     inputs: dict[str, Optional[Array]]) -> list[Array]:
    x = inputs["x"]
    return [empty(x.shape, x.dtype),
            _state_before(shape, x.shape[0], inputs["initial_state"])]


def _packed_scan(shape: ShapeClass, form: str,
                 inputs: dict[str, Optional[Array]], packed: _Packed, wrap: Wrap,
                 return_final_states: bool) -> Any:
    before = _state_before(shape, packed.count, None)
    if inputs["initial_state"] is not None:
        before.data[0] = inputs["initial_state"].data[0]
    inputs = {**inputs, "initial_state": before,
              "offsets": Array(packed.offsets, "i32")}
    if inputs["x"].shape[1] == 0:
        y, after = empty(inputs["x"].shape, inputs["x"].dtype), before
    else:
        y, after = _operator(shape, form)(**inputs)
    varlen = wrap(Array(after.data[packed.rows], "f32"))
    if not return_final_states:
        return wrap(y), varlen
    last = max(packed.last, 0)
    return wrap(y), wrap(Array(after.data[last:last + 1].copy(), "f32")), varlen


#===----------------------------------------------------------------------===#
# selective_state_update
#===----------------------------------------------------------------------===#


def _is_tied(array: Array, axes: int) -> bool:
    """Whether the last `axes` dimensions repeat one value in memory."""
    data = array.data
    return all(size == 1 or stride == 0 for size, stride in
               zip(data.shape[-axes:], data.strides[-axes:]))


class _Update:
    """Arguments of selective_state_update, read and checked, with 3-D states as
    4-D ones of one head."""

    def __init__(self, state: Array, x: Array, dt: Array, A: Array, B: Array,
                 C: Array, D: Optional[Array], z: Optional[Array],
                 dt_bias: Optional[Array]) -> None:
        flat = len(state.shape) == 3
        if len(state.shape) not in (3, 4):
            raise ArgumentError(f"state has shape {list(state.shape)}; expected "
                                "[B, D, N] or [B, H, P, N]")
        _expect_rank("x", x, "BD" if flat else "BHP")
        _expect_rank("B", B, "BN" if flat else "BGN")
        batch = x.shape[0]
        channels = tuple(state.shape[1:-1])
        n = state.shape[-1]
        _expect("x", x, (batch, *channels))
        _expect("dt", dt, x.shape)
        _expect("A", A, (*channels, n))
        _expect("B", B, (batch, n) if flat else (batch, B.shape[1], n))
        _expect("C", C, B.shape)
        _expect_dtype("B", B, x)
        _expect_dtype("C", C, x)
        if D is not None:
            _expect("D", D, channels)
        if z is not None:
            _expect("z", z, x.shape)
        if dt_bias is not None:
            _expect("dt_bias", dt_bias, channels)

        def head(array: Optional[Array], axis: int) -> Optional[Array]:
            if array is None or not flat:
                return array
            return Array(np.expand_dims(array.data, axis), array.dtype)

        self.x, self.dt, self.z = head(x, 1), head(dt, 1), head(z, 1)
        self.B, self.C = head(B, 1), head(C, 1)
        self.A, self.D, self.dt_bias = head(A, 0), head(D, 0), head(dt_bias, 0)
        self.heads, self.head_dim = self.x.shape[1:]
        self.groups = self.B.shape[1]
        self.state_dim = n
        _expect_sizes(H=self.heads, P=self.head_dim, G=self.groups, N=n)
        _expect_groups(self.heads, self.groups)
        # Mamba-2: one step size and rate for all of a head.
        self.tied = (_is_tied(self.A, 2) and _is_tied(self.dt, 1)
                     and (dt_bias is None or _is_tied(self.dt_bias, 1)))

    def inputs(self) -> dict[str, Optional[Array]]:
        """The operands of ssd.step: where dt or A is untied, every channel is a
        head of its own."""
        plain = {"x": self.x, "B": self.B, "C": self.C, "D": self.D, "z": self.z}
        if self.tied:
            return {**plain, "dt": _view(self.dt, (..., 0)),
                    "A": _view(self.A, (..., 0, 0)),
                    "dt_bias": _view(self.dt_bias, (..., 0))}
        batch, heads = self.x.shape[0], self.heads * self.head_dim
        return {
            "x": _reshape(self.x, (batch, heads, 1)), "B": self.B, "C": self.C,
            "D": _reshape(self.D, (heads, 1)),
            "z": _reshape(self.z, (batch, heads, 1)),
            "dt": _reshape(self.dt, (batch, heads)),
            "A": _reshape(self.A, (heads, self.state_dim)),
            "dt_bias": _reshape(self.dt_bias, (heads,)),
        }


def _view(array: Optional[Array], index: Any) -> Optional[Array]:
    return None if array is None else Array(array.data[index], array.dtype)


def _reshape(array: Optional[Array], shape: tuple[int, ...]) -> Optional[Array]:
    return (None if array is None
            else Array(array.data.reshape(shape), array.dtype))


class _Rows:
    """The rows of a state pool that a batch reads and writes."""

    def __init__(self, pool: np.ndarray, batch: int, indices: Any) -> None:
        self.pool = pool
        self.slots: Optional[np.ndarray] = None
        if indices is None:
            if pool.shape[0] != batch:
                raise ArgumentError(f"state has {pool.shape[0]} rows, but x has "
                                    f"{batch} batches")
            return
        slots = _integers("state_batch_indices", indices)
        if slots.shape != (batch,):
            raise ArgumentError(f"state_batch_indices has shape "
                                f"{list(slots.shape)}; expected [{batch}]")
        if slots.size and int(slots.max()) >= pool.shape[0]:
            raise ArgumentError(f"state_batch_indices has row "
                                f"{int(slots.max())}, but state has "
                                f"{pool.shape[0]} rows")
        used = slots[slots >= 0]
        if np.unique(used).size != used.size:
            raise ArgumentError("state_batch_indices names a row twice")
        self.slots = slots

    def read(self) -> np.ndarray:
        """The state before, dense."""
        if self.slots is None:
            return np.ascontiguousarray(self.pool)
        kept = self.slots >= 0
        state = np.zeros((self.slots.size, *self.pool.shape[1:]),
                         self.pool.dtype)
        state[kept] = self.pool[self.slots[kept]]
        return state

    def write(self, state: np.ndarray) -> None:
        """Keeps the state after."""
        if self.slots is None:
            self.pool[...] = state
            return
        kept = self.slots >= 0
        self.pool[self.slots[kept]] = state[kept]


def selective_state_update(state: Any, x: Any, dt: Any, A: Any, B: Any, C: Any,
                           D: Any = None, z: Any = None, dt_bias: Any = None,
                           dt_softplus: bool = False,
                           state_batch_indices: Any = None) -> Any:
    """One token of Mamba-1 or Mamba-2, with the interface of mamba_ssm.

        d = softplus(dt + dt_bias), each part where asked for
        state = exp(d A) state + d x B',  y = (state C + D x) silu(z)

    state: f [B, H, P, N], updated in place. x, dt, z: f [B, H, P]. A: f
    [H, P, N]. B, C: of x's type [B, G, N]. D, dt_bias: f [H, P]. Or, for one
    head: state [B, D, N], x, dt and z [B, D], A [D, N], B and C [B, N], D and
    dt_bias [D]. f means float32, bfloat16 or float16. Arrays are NumPy's or any
    with `__dlpack__` on the CPU.

    Where A, dt and dt_bias repeat one value for a whole head, by strides of 0 as
    broadcasting makes them, that is Mamba-2 and takes less work.

    state_batch_indices: integers [B], the row of `state` that each batch has,
    which then is a pool of any number of rows; negative: start from zero and
    keep nothing. No row may be named twice.

    Returns y, of x's type, shape and library.

    Raises: ValueError for wrong shapes or types, or a state that is read-only;
    CompileError if the operator cannot be compiled.
    """
    wrap = wrapper_like(x)
    pool = writable_view("state", state)
    if pool.dtype not in FLOATS:
        raise ArgumentError(f"state must be float32, bfloat16 or float16, not "
                            f"{pool.dtype}")
    x = _floats("x", x)
    update = _Update(
        pool, x, _floats("dt", dt), _float32_view("A", A), _floats("B", B),
        _floats("C", C), None if D is None else _float32_view("D", D),
        None if z is None else _floats("z", z),
        None if dt_bias is None else _float32_view("dt_bias", dt_bias))
    rows = _Rows(pool.data, x.shape[0], state_batch_indices)
    if x.shape[0] == 0:
        return wrap(empty(x.shape, x.dtype))

    inputs = update.inputs()
    heads, head_dim = inputs["x"].shape[1:]
    shape = ShapeClass(
        "step", heads, update.groups, head_dim, update.state_dim, x.dtype,
        inputs["dt"].dtype, z_dtype=None if z is None else inputs["z"].dtype,
        skip=None if D is None else "channel", bias=dt_bias is not None,
        softplus=bool(dt_softplus), diagonal_rate=not update.tied, initial=True,
        final=True, state_dtype=pool.dtype)
    before = rows.read()
    inputs["initial_state"] = Array(
        before.reshape(-1, heads, head_dim, update.state_dim), pool.dtype)
    y, after = _operator(shape, "auto")(**inputs)
    rows.write(after.data.reshape(before.shape))
    return wrap(_reshape(y, x.shape))


def _float32_view(name: str, value: Any) -> Array:
    """As _float32, but with strides of 0 kept."""
    array = _floats(name, value)
    if array.dtype == "f32":
        return array
    data = array.data
    once = data[tuple(slice(0, 1) if stride == 0 else slice(None)
                      for stride in data.strides)]
    wide = to_float32(Array(np.ascontiguousarray(once).reshape(once.shape),
                            array.dtype))
    return Array(np.broadcast_to(wide, data.shape), "f32")
