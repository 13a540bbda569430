# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reading and checking the operands of operators."""

from __future__ import annotations

from typing import Any, Optional

from ._arrays import FLOATS, Array, Library, integer_dtype
from ._errors import ArgumentError


def expect_float(name: str, array: Array) -> Array:
    """The array, which must be of a type that programs take."""
    if array.dtype not in FLOATS:
        raise ArgumentError(f"{name} must be float32, bfloat16 or float16, not "
                            f"{array.dtype}")
    return array


def read_floats(library: Library, name: str, value: Any) -> Array:
    """Any float operand."""
    return expect_float(name, library.read(name, value))


def read_float32(library: Library, name: str, value: Any) -> Array:
    """An operand that programs take in f32."""
    return library.float32(read_floats(library, name, value))


def read_integers(library: Library, name: str, value: Any) -> Array:
    """Any integer operand."""
    return integer_dtype(name, library.read(name, value))


def expect_shape(name: str, array: Array, *shapes: tuple[int, ...]) -> None:
    """One of the shapes."""
    if tuple(array.shape) not in shapes:
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


def present(**operands: Optional[Array]) -> dict[str, Array]:
    """Those operands that there are."""
    return {k: v for k, v in operands.items() if v is not None}


def dtype_of(operand: Optional[Array]) -> Optional[str]:
    """The type of an operand that may be missing."""
    return None if operand is None else operand.dtype


def skip_kind(D: Optional[Array]) -> Optional[str]:
    """Whether the D term is per head or per channel."""
    if D is None:
        return None
    return "head" if len(D.shape) == 1 else "channel"
