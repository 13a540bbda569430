# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`selective_state_update`."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from ._arrays import Array, Library, library_of, torch_side
from ._errors import ArgumentError
from ._operands import (dtype_of, expect_dtype, expect_float, expect_groups, expect_rank,
                        expect_shape, expect_sizes, present, read_float32,
                        read_floats, read_integers, skip_kind)
from ._operators import get_operator
from ._template import ShapeClass


class _Update:
    """Arguments of selective_state_update, read and checked, with 3-D states as
    4-D ones of one head."""

    def __init__(self, library: Library, state: Array, x: Array, dt: Array,
                 A: Array, B: Array, C: Array, D: Optional[Array],
                 z: Optional[Array], dt_bias: Optional[Array]) -> None:
        self.flat = flat = len(state.shape) == 3
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
            place = (slice(None),) * axis + (None,)
            return Array(array.data[place], array.dtype)

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
        def is_tied(array: Optional[Array], axes: int) -> bool:
            return array is None or all(
                size == 1 or stride == 0 for size, stride in zip(
                    array.shape[-axes:], library.strides(array)[-axes:]))

        # Mamba-2: one step size and rate for all of a head.
        self.tied = (is_tied(self.A, 2) and is_tied(self.dt, 1)
                     and is_tied(self.dt_bias, 1))
        self.skip = skip_kind(self.D)
        if self.tied and self.D is not None and is_tied(self.D, 1):
            self.skip = "head"

    def inputs(self) -> dict[str, Array]:
        """The operands of ssd.step: where dt or A is untied, every channel is a
        head of its own."""
        operands = present(x=self.x, dt=self.dt, A=self.A, B=self.B, C=self.C,
                           D=self.D, z=self.z, dt_bias=self.dt_bias)
        if self.tied:
            one: dict[str, Any] = {"dt": (..., 0), "A": (..., 0, 0),
                                   "dt_bias": (..., 0)}
            if self.skip == "head":
                one["D"] = (..., 0)
            return {name: Array(a.data[one[name]], a.dtype) if name in one else a
                    for name, a in operands.items()}
        batch, heads = self.x.shape[0], self.heads * self.head_dim
        shapes = {"x": (batch, heads, 1), "z": (batch, heads, 1),
                  "D": (heads, 1), "dt": (batch, heads), "dt_bias": (heads,),
                  "A": (heads, self.state_dim)}
        return {name: _reshape(a, shapes.get(name, a.shape))
                for name, a in operands.items()}

    def shape_class(self, softplus: bool, state_dtype: str,
                    slots: bool) -> ShapeClass:
        """What these arguments are computed by."""
        heads, head_dim = ((self.heads, self.head_dim) if self.tied
                           else (self.heads * self.head_dim, 1))
        return ShapeClass(
            "step", heads, self.groups, head_dim, self.state_dim, self.x.dtype,
            self.dt.dtype, z_dtype=dtype_of(self.z), skip=self.skip,
            skip_dtype=dtype_of(self.D) or "f32",
            bias_dtype=dtype_of(self.dt_bias), softplus=bool(softplus),
            diagonal_rate=not self.tied, initial=True, final=True,
            state_dtype=state_dtype, slots=slots)


def _reshape(array: Array, shape: tuple[int, ...]) -> Array:
    return Array(array.data.reshape(shape), array.dtype)


def _read_slots(library: Library, indices: Any, batch: int,
                rows: int) -> Optional[Array]:
    if indices is None:
        if rows != batch:
            raise ArgumentError(f"state has {rows} rows, but x has {batch} "
                                "batches")
        return None
    given = read_integers(library, "state_batch_indices", indices)
    expect_shape("state_batch_indices", given, (batch,))
    if library.gpu < 0:
        _check_slots(library.on_cpu(given), rows)
    return library.ids(given)


def _check_slots(slots: np.ndarray, rows: int) -> None:
    if slots.size and int(slots.max()) >= rows:
        raise ArgumentError(f"state_batch_indices has row {int(slots.max())}, "
                            f"but state has {rows} rows")
    used = slots[slots >= 0]
    if np.unique(used).size != used.size:
        raise ArgumentError("state_batch_indices names a row twice")


# The dimensions of operands that those of ssd.step are: Mamba-2's, whose step
# sizes and rates are one for a head, and Mamba-1's, whose channels are heads.
_TIED_DIMS = {"state": [0, 1, 2, 3], "x": [0, 1, 2], "dt": [0, 1], "A": [0],
              "B": [0, 1, 2], "C": [0, 1, 2], "D": [0, 1], "z": [0, 1, 2],
              "dt_bias": [0], "slots": [0]}
_FLAT_DIMS = {"state": [0, 1, -1, 2], "x": [0, 1, -1], "dt": [0, 1],
              "A": [0, 1], "B": [0, -1, 1], "C": [0, -1, 1], "D": [0, -1],
              "z": [0, 1, -1], "dt_bias": [0], "slots": [0]}
_OPERANDS = ("state", "x", "dt", "A", "B", "C", "D", "z", "dt_bias", "slots")


def _record(side: Any, key: Any, operands: tuple[Any, ...], operator: Any,
            library: Library, update: _Update) -> None:
    """Lets later calls like this one be repeated; untied channels of several
    heads are left out, for they are reshaped."""
    if update.flat == update.tied:
        return
    dims = _FLAT_DIMS if update.flat else _TIED_DIMS
    if update.skip == "head":
        dims = {**dims, "D": [0]}
    sources = {name: (i, dims[name]) for i, name in enumerate(_OPERANDS)}
    side.record(key, operands, operator, library, sources, dims["x"])


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

    PyTorch's may be on a GPU: all on the same, where the work is put into its
    current stream and not waited for.

    state_batch_indices: integers [B], the row of `state` that each batch has,
    which then is a pool of any number of rows; negative: start from zero and
    keep nothing. No row may be named twice; on a GPU that is not checked, and
    rows beyond the pool are taken as negative ones.

    The state is updated where it is, whatever its strides are as long as the
    last one is 1; others are copied and copied back.

    Returns y, of x's type, shape and library.

    Raises: ValueError for wrong shapes or types, or a state that is read-only;
    NotImplementedError for an operand that requires a gradient; CompileError if the operator cannot be compiled.
    """
    side = torch_side(x)
    if side is not None:
        if side.is_traced(x):
            from . import _torch_operators
            return _torch_operators.trace_update(
                state, x, dt, A, B, C, D, z, dt_bias, dt_softplus,
                state_batch_indices)
        key = ("update", dt_softplus)
        operands = (state, x, dt, A, B, C, D, z, dt_bias, state_batch_indices)
        results = side.repeat(key, operands)
        if results is not None:
            return results[0]
    library = library_of(x)
    pool = expect_float("state", library.read_written("state", state))
    x = read_floats(library, "x", x)
    update = _Update(
        library, pool, x, read_floats(library, "dt", dt),
        read_float32(library, "A", A), read_floats(library, "B", B),
        read_floats(library, "C", C),
        None if D is None else read_floats(library, "D", D),
        None if z is None else read_floats(library, "z", z),
        None if dt_bias is None else read_floats(library, "dt_bias", dt_bias))
    slots = _read_slots(library, state_batch_indices, x.shape[0], pool.shape[0])
    if x.shape[0] == 0:
        return library.wrap(library.empty(x.shape, x.dtype))

    inputs = update.inputs()
    shape = update.shape_class(dt_softplus, pool.dtype, slots is not None)
    if slots is not None:
        inputs["slots"] = slots
    as_called = (pool.shape[0], shape.heads, shape.head_dim, shape.state_dim)
    view = library.view(pool, as_called)
    in_place = view is not None and library.has_dense_rows(view)
    states = (view if view is not None and in_place
              else _reshape(library.dense_copy(pool), as_called))
    inputs["state"] = states
    operator = get_operator(shape, "auto", library.target)
    y, = operator(inputs, library)
    if not in_place:
        pool.data[...] = states.data.reshape(pool.shape)
    elif side is not None and (slots is None or library.gpu >= 0):
        # On the CPU slots are checked in each call.
        _record(side, key, operands, operator, library, update)
    return library.wrap(_reshape(y, x.shape))
