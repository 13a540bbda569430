# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a GPU kernel in PTX without a GPU, to check its numbers.

A kernel's blocks run one after the other, or its clusters of blocks; their warps take turns,
and an instruction runs for the 32 lanes of a warp at once, in NumPy. Semantics follow
NVIDIA's "PTX ISA", to whose sections docstrings refer by name. It knows what the project's
kernels use; any other instruction or form is an error that names it.

Errors also: an access outside of a buffer, to shared memory not asked for, or misaligned; a
store to a buffer that is not a result; a wait that nothing ends; reaching a block of the
cluster that is not there, or not any more; reading a register that no lane of the warp has
written; a race in shared memory (races.py), a missing proxy fence among them. Shared memory
starts as NaN, and so do lanes of a register that others have written.

Not modelled:
* Time, and anything that depends on it.
* What a race leads to: warps run up to a wait, one instruction at a time, and all memory is
  coherent. Races in global memory, between lanes of a warp, and of registers that wgmma has
  yet to read or write are not found.
* Asynchrony. cp.async lands at the arrival or wait that covers it, the latest that is
  allowed; bulk copies and wgmma at once, the earliest.
* Blocks at the same time, but those of a cluster: one that waits for a later one is a deadlock
  here.
* Flushing subnormal numbers, and errors of the approximate functions.
* Limits of registers, and the values of tensor maps: a TensorMap stands for one.
"""

from .block import run_kernel
from .memory import EmulationError, GlobalMemory, TensorMap
from .parse import parse, split_kernels

__all__ = ["EmulationError", "GlobalMemory", "TensorMap", "parse", "run_kernel",
           "split_kernels"]
