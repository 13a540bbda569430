# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Worker threads: one context for each Python thread that makes calls."""

from __future__ import annotations

import os
import threading

from . import _runtime
from ._errors import ArgumentError


def default_num_threads() -> int:
    """$SSD_MLIR_NUM_THREADS, else the number of cores this process may run on."""
    text = os.environ.get("SSD_MLIR_NUM_THREADS", "")
    if text.strip().isdigit() and int(text) > 0:
        return int(text)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


_threads = default_num_threads()
_local = threading.local()


def set_num_threads(n: int) -> None:
    """Sets how many threads a call may use, the calling one among them.

    Applies to later calls of every Python thread. The default is
    $SSD_MLIR_NUM_THREADS, else the number of cores this process may run on.

    Raises: ValueError unless n is an integer >= 1.
    """
    global _threads
    if isinstance(n, bool) or not hasattr(n, "__index__") or int(n) < 1:
        raise ArgumentError(f"the number of threads must be an integer >= 1, "
                            f"not {n!r}")
    _threads = int(n)


def get_num_threads() -> int:
    """How many threads a call may use."""
    return _threads


def current_context() -> _runtime.Context:
    """The calling thread's context, made on first use, and again in the child of
    a fork, which has no copies of the workers."""
    context = getattr(_local, "context", None)
    if context is None or _local.threads != _threads or not context.is_usable:
        context = _runtime.Context(_threads)
        _local.context = context
        _local.threads = _threads
    return context
