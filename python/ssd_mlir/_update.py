# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`selective_state_update`."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from ._arrays import FLOATS, Array, empty, wrapper_like, writable_view
from ._errors import ArgumentError
from ._operands import (expect_dtype, expect_groups, expect_rank, expect_shape,
                        expect_sizes, present, read_float32_view, read_floats,
                        read_integers)
from ._operators import get_operator
from ._template import ShapeClass


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
        expect_rank("x", x, "BD" if flat else "BHP")
        expect_rank("B", B, "BN" if flat else "BGN")
        batch = x.shape[0]
        channels = tuple(state.shape[1:-1])
        n = state.shape[-1]
        expect_shape("x", x, (batch, *channels))
        expect_shape("dt", dt, x.shape)
        expect_shape("A", A, (*channels, n))
        expect_shape("B", B, (batch, n) if flat else (batch, B.shape[1], n))
        expect_shape("C", C, B.shape)
        expect_dtype("B", B, x)
        expect_dtype("C", C, x)
        if D is not None:
            expect_shape("D", D, channels)
        if z is not None:
            expect_shape("z", z, x.shape)
        if dt_bias is not None:
            expect_shape("dt_bias", dt_bias, channels)

        def head(array: Array, axis: int) -> Array:
            if not flat:
                return array
            return Array(np.expand_dims(array.data, axis), array.dtype)

        self.x, self.dt, self.A = head(x, 1), head(dt, 1), head(A, 0)
        self.B, self.C = head(B, 1), head(C, 1)
        self.D = None if D is None else head(D, 0)
        self.z = None if z is None else head(z, 1)
        self.dt_bias = None if dt_bias is None else head(dt_bias, 0)
        _, self.heads, self.head_dim = self.x.shape
        self.groups = self.B.shape[1]
        self.state_dim = n
        expect_sizes(H=self.heads, P=self.head_dim, G=self.groups, N=n)
        expect_groups(self.heads, self.groups)
        # Mamba-2: one step size and rate for all of a head.
        self.tied = (_is_tied(self.A, 2) and _is_tied(self.dt, 1)
                     and (self.dt_bias is None or _is_tied(self.dt_bias, 1)))

    def inputs(self) -> dict[str, Array]:
        """The operands of ssd.step: where dt or A is untied, every channel is a
        head of its own."""
        operands = present(x=self.x, dt=self.dt, A=self.A, B=self.B, C=self.C,
                           D=self.D, z=self.z, dt_bias=self.dt_bias)
        if self.tied:
            one: dict[str, Any] = {"dt": (..., 0), "A": (..., 0, 0),
                                   "dt_bias": (..., 0)}
            return {name: Array(a.data[one[name]], a.dtype) if name in one else a
                    for name, a in operands.items()}
        batch, heads = self.x.shape[0], self.heads * self.head_dim
        shapes = {"x": (batch, heads, 1), "z": (batch, heads, 1),
                  "D": (heads, 1), "dt": (batch, heads), "dt_bias": (heads,),
                  "A": (heads, self.state_dim)}
        return {name: _reshape(a, shapes.get(name, a.shape))
                for name, a in operands.items()}


def _reshape(array: Array, shape: tuple[int, ...]) -> Array:
    return Array(array.data.reshape(shape), array.dtype)


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
        slots = read_integers("state_batch_indices", indices)
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
    x = read_floats("x", x)
    update = _Update(
        pool, x, read_floats("dt", dt), read_float32_view("A", A), read_floats("B", B),
        read_floats("C", C), None if D is None else read_float32_view("D", D),
        None if z is None else read_floats("z", z),
        None if dt_bias is None else read_float32_view("dt_bias", dt_bias))
    rows = _Rows(pool.data, x.shape[0], state_batch_indices)
    if x.shape[0] == 0:
        return wrap(empty(x.shape, x.dtype))

    inputs = update.inputs()
    _, heads, head_dim = inputs["x"].shape
    shape = ShapeClass(
        "step", heads, update.groups, head_dim, update.state_dim, x.dtype,
        inputs["dt"].dtype, z_dtype=None if z is None else inputs["z"].dtype,
        skip=None if D is None else "channel", bias=dt_bias is not None,
        softplus=bool(dt_softplus), diagonal_rate=not update.tied, initial=True,
        final=True, state_dtype=pool.dtype)
    before = rows.read()
    inputs["initial_state"] = Array(
        before.reshape(-1, heads, head_dim, update.state_dim), pool.dtype)
    y, after = get_operator(shape, "auto")(inputs)
    rows.write(after.data.reshape(before.shape))
    return wrap(_reshape(y, x.shape))
