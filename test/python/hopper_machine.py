# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs kernels of the hopper dialect in the emulator of PTX and, where there is one, on a
GPU.

Texts are compiled by the ssd-opt beside the compiler. A host without one takes the PTX in
the folder ptx, which tools/make_bundle.sh has the tests write (write_ptx)."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest

import gpu_driver
from ptx_emulator import GlobalMemory, TensorMap, parse, run_kernel

SHARED_BYTES = 96 << 10
CHIPS = {"sm_80": (8, 0), "sm_90a": (9, 0)}


class Kernel(NamedTuple):
    """A kernel of 128 threads, in clusters of so many blocks: its parameters and body in
    MLIR."""

    parameters: str
    body: str
    chip: str = "sm_90a"
    threads: int = 128
    cluster: int = 1

    @property
    def text(self) -> str:
        cluster = "" if self.cluster == 1 else \
            f", known_cluster_size = array<i32: {self.cluster}, 1, 1>"
        return f"""gpu.module @module [#nvvm.target<chip = "{self.chip}">] {{
  gpu.func @kernel({self.parameters}) kernel
      attributes {{known_block_size = array<i32: {self.threads}, 1, 1>{cluster}}} {{
{self.body}
    gpu.return
  }}
}}
"""

    @property
    def file(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:16] + ".ptx"


@functools.lru_cache(maxsize=None)
def compile_ptx(kernel: Kernel, ssd_opt: Path) -> str:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "kernel.ptx")
        done = subprocess.run([ssd_opt, "-", f"--emit-ptx=output={output}", "-o", os.devnull],
                              input=kernel.text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return output.read_text()


def find_ssd_opt():
    import ssd_mlir
    tool = ssd_mlir._compiler.find_compiler().parent / "ssd-opt"
    return tool if tool.is_file() else None


def ptx_of(kernel: Kernel) -> str:
    ssd_opt = find_ssd_opt()
    made = Path(__file__).parent / "ptx" / kernel.file
    if ssd_opt is None and not made.is_file():
        pytest.skip("there is no ssd-opt beside the compiler, nor PTX of its making")
    return made.read_text() if ssd_opt is None else compile_ptx(kernel, ssd_opt)


def on_emulator(kernel, arguments, memory, blocks):
    values = [a.value if isinstance(a, ctypes._SimpleCData) else a for a in arguments]
    run_kernel(parse(ptx_of(kernel)), values, memory, blocks, SHARED_BYTES)


def on_gpu(kernel, arguments, memory, blocks):
    if gpu_driver.driver() is None:
        pytest.skip("there is no GPU, or no driver")
    if kernel.chip == "sm_90a" and gpu_driver.capability() != CHIPS["sm_90a"]:
        pytest.skip("the GPU is no sm_90a")
    gpu_driver.run_ptx(ptx_of(kernel), "kernel", arguments, memory, blocks, kernel.threads,
                       SHARED_BYTES)


@pytest.fixture(params=[on_emulator, on_gpu], ids=["emulator", "gpu"])
def machine(request):
    return request.param


class At(NamedTuple):
    """A place in a buffer, so many bytes from its start."""

    buffer: str
    offset: int


def resolve(argument, memory):
    """An address, of a name or a place; a TensorMap of (name, box); or a ctypes value."""
    if isinstance(argument, At):
        return memory.address[argument.buffer] + argument.offset
    if isinstance(argument, tuple):
        return TensorMap(memory.get(argument[0]), argument[1])
    return memory.address[argument] if isinstance(argument, str) else argument


def run(machine, kernel: Kernel, buffers: dict, arguments: list, results=("out",),
        blocks: int = 1) -> dict:
    """Runs it on named buffers, which arguments name; returns the results. Nothing else
    may change."""
    memory = GlobalMemory(buffers, results)
    machine(kernel, [resolve(argument, memory) for argument in arguments], memory, blocks)
    assert not memory.changed_outside(results)
    return {name: memory.get(name) for name in results}


def write_ptx(kernels, folder: Path) -> None:
    """For hosts without ssd-opt."""
    ssd_opt = find_ssd_opt()
    for kernel in kernels:
        (folder / kernel.file).write_text(compile_ptx(kernel, ssd_opt))
