# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compile and run structured state space models.

    program = ssd_mlir.compile("mamba2-directory")
    logits = program.logits([[1, 2, 3]])                 # float32 [1, 3, V]
    tokens = program.generate([1, 2, 3], max_new_tokens=24)

and, with the interfaces of mamba_ssm, the operators alone:

    y = ssd_mlir.mamba_chunk_scan_combined(x, dt, A, B, C)
    y = ssd_mlir.selective_state_update(state, x, dt, A, B, C)
"""

from ._cache import CacheInfo
from ._compile import compile
from ._errors import (ArgumentError, ArtifactError, CompileError,
                      CompilerNotFoundError, DeviceError, Error,
                      FileMissingError, GradientError,
                      InputOutputError, InternalError, MemoryExhaustedError, NotFoundError)
from ._operators import cache_info, clear_cache
from ._program import Argument, Entry, Program, State, load
from ._scan import mamba_chunk_scan_combined
from ._threads import get_num_threads, set_num_threads
from ._update import selective_state_update

__version__ = "0.1.0"

__all__ = [
    "Argument", "ArgumentError", "ArtifactError", "CacheInfo", "CompileError",
    "CompilerNotFoundError", "DeviceError", "Entry", "Error",
    "FileMissingError", "GradientError", "InputOutputError",
    "InternalError", "MemoryExhaustedError", "NotFoundError", "Program", "State", "cache_info",
    "clear_cache", "compile", "get_num_threads", "load",
    "mamba_chunk_scan_combined", "selective_state_update", "set_num_threads",
]
