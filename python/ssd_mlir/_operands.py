# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reading and checking the operands of operators."""

from __future__ import annotations

from typing import Any, Optional, Sequence

import numpy as np

from ._arrays import FLOATS, Array, as_array, to_float32
from ._errors import ArgumentError


def read_floats(name: str, value: Any) -> Array:
    """Any float operand."""
    array = as_array(name, value)
    if array.dtype not in FLOATS:
        raise ArgumentError(f"{name} must be float32, bfloat16 or float16, not "
                            f"{array.dtype}")
    return array


def read_float32(name: str, value: Any) -> Array:
    """A small operand that the kernels take in f32."""
    return Array(to_float32(read_floats(name, value)), "f32")


def expect_shape(name: str, array: Array, *shapes: Sequence[int]) -> None:
    """One of the shapes."""
    if list(array.shape) not in [list(shape) for shape in shapes]:
        expected = " or ".join(str(list(shape)) for shape in shapes)
        raise ArgumentError(f"{name} has shape {list(array.shape)}; expected "
                            f"{expected}")


def expect_rank(name: str, array: Array, letters: str) -> None:
    """As many dimensions as letters."""
    if len(array.shape) != len(letters):
        raise ArgumentError(f"{name} has shape {list(array.shape)}; expected "
                            f"[{', '.join(letters)}]")


def expect_dtype(name: str, array: Array, x: Array) -> None:
    """The type of x."""
    if array.dtype != x.dtype:
        raise ArgumentError(f"{name} is {array.dtype}, but x is {x.dtype}; they "
                            "must have one type")


def expect_groups(heads: int, groups: int) -> None:
    """As many heads in each group."""
    if groups == 0 or heads % groups:
        raise ArgumentError(f"the {groups} groups of B and C must divide the "
                            f"{heads} heads of x")


def expect_sizes(**sizes: int) -> None:
    """Sizes that a program cannot have as zero."""
    for letter, size in sizes.items():
        if size < 1:
            raise ArgumentError(f"{letter} must be at least 1, not {size}")


def read_integers(name: str, value: Any) -> np.ndarray:
    """Any integer operand."""
    array = as_array(name, value)
    if array.dtype[0] not in "iu":
        raise ArgumentError(f"{name} must be integers, not {array.dtype}")
    return array.data


def present(**operands: Optional[Array]) -> dict[str, Array]:
    """Those operands that there are."""
    return {k: v for k, v in operands.items() if v is not None}


def skip_kind(D: Optional[Array]) -> Optional[str]:
    """Whether the D term is per head or per channel."""
    if D is None:
        return None
    return "head" if len(D.shape) == 1 else "channel"


def read_float32_view(name: str, value: Any) -> Array:
    """As read_float32, but repeated values stay repeated (strides of 0)."""
    array = read_floats(name, value)
    if array.dtype == "f32":
        return array
    data = array.data
    once = data[tuple(slice(0, 1) if stride == 0 else slice(None)
                      for stride in data.strides)]
    wide = to_float32(Array(np.ascontiguousarray(once).reshape(once.shape),
                            array.dtype))
    return Array(np.broadcast_to(wide, data.shape), "f32")
