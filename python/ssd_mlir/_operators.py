# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators as compiled programs, one for each shape class and form."""

from __future__ import annotations

import threading
from typing import Any, Mapping

from . import _cache
from ._arrays import Array, Library
from ._cache import CacheInfo
from ._compile import Source, load_cached
from ._program import Program
from ._template import ENTRY, ShapeClass, write_operator


class _Operator:
    """A compiled shape class and the order of its inputs."""

    def __init__(self, shape: ShapeClass, form: str, target: str) -> None:
        text, self.names = write_operator(shape)
        self.program: Program = load_cached(Source(text), form=form,
                                             target=target)

    def __call__(self, inputs: Mapping[str, Array],
                 library: Library) -> list[Array]:
        """The results for inputs by name; those it doesn't take are ignored. A
        state is updated in place."""
        return self.program.call_arrays(
            ENTRY, [inputs[name] for name in self.names], library=library)


_operators: dict[tuple[ShapeClass, str, str], _Operator] = {}
_operators_lock = threading.Lock()


def get_operator(shape: ShapeClass, form: str, target: str) -> _Operator:
    """The operator of a shape class, compiled on first use. Two threads that
    need a new one at once meet at the disk cache's lock."""
    key = (shape, form, target)
    operator = _operators.get(key)
    if operator is None:
        operator = _Operator(shape, form, target)
        with _operators_lock:
            operator = _operators.setdefault(key, operator)
    return operator


# Calls that were made, by what distinguishes them but for the tensors.
shortcuts: dict[Any, list[Any]] = {}


def forget() -> None:
    """Forgets all compiled operators in memory."""
    with _operators_lock:
        _operators.clear()
        shortcuts.clear()


def clear_cache() -> None:
    """Forgets all compiled operators, in memory and on disk."""
    forget()
    _cache.clear_disk()


def cache_info() -> CacheInfo:
    """The disk cache: its directory, how many programs and bytes it holds, and
    the size ($SSD_MLIR_CACHE_SIZE) at which the longest unused are removed."""
    return _cache.disk_info()
