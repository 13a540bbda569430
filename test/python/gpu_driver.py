# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a kernel in PTX on a GPU, through the driver alone, as ptx_emulator.run_kernel
does without one."""

from __future__ import annotations

import ctypes
import functools

import numpy as np

from ptx_emulator import GlobalMemory, TensorMap

GAP = 256  # bytes of 0xFF around each buffer


class DriverError(Exception):
    """A call of the driver that failed."""


@functools.lru_cache(maxsize=1)
def driver():
    """libcuda with a context, or None where there is none."""
    try:
        library = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    if library.cuInit(0) != 0:
        return None
    device, context = ctypes.c_int(), ctypes.c_void_p()
    if library.cuDeviceGet(ctypes.byref(device), 0) != 0:
        return None
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device, library=library)
    call("cuCtxSetCurrent", context, library=library)
    return library


def call(name, *arguments, library=None):
    """Calls a function of the driver."""
    library = library or driver()
    code = getattr(library, name)(*arguments)
    if code != 0:
        text = ctypes.c_char_p()
        library.cuGetErrorString(code, ctypes.byref(text))
        raise DriverError(f"{name}: {(text.value or b'?').decode()}")


def capability() -> tuple:
    """The device's compute capability."""
    found = []
    for attribute in (75, 76):  # major, minor
        value = ctypes.c_int()
        call("cuDeviceGetAttribute", ctypes.byref(value), attribute, 0)
        found.append(value.value)
    return tuple(found)


class _Buffers:
    """Buffers on the device, with gaps between them."""

    def __init__(self, memory: GlobalMemory):
        self.memory, self.base = memory, ctypes.c_uint64()
        call("cuMemAlloc_v2", ctypes.byref(self.base), ctypes.c_size_t(len(memory.data)))
        self._copy("cuMemcpyHtoD_v2", self.base, memory.data.ctypes)

    def _copy(self, name, target, source):
        data = [v if isinstance(v, ctypes.c_uint64) else ctypes.c_void_p(v.data)
                for v in (target, source)]
        call(name, *data, ctypes.c_size_t(len(self.memory.data)))

    def place(self, address: int) -> int:
        """Of an address of the emulator's."""
        return self.base.value + address - self.memory.base

    def fetch(self) -> None:
        """Copies what there is now into the memory."""
        self._copy("cuMemcpyDtoH_v2", self.memory.data.ctypes, self.base)
        call("cuMemFree_v2", self.base)


def _encode(tensor: TensorMap, address: int):
    """A CUtensorMap of 16-bit elements with the 128-byte swizzle."""
    storage = (ctypes.c_uint64 * 32)()
    start = -(-ctypes.addressof(storage) // 64) * 64
    shape, rank = tensor.array.shape[::-1], tensor.array.ndim
    strides = [2 * int(np.prod(shape[:i])) for i in range(1, rank)]
    call("cuTensorMapEncodeTiled", ctypes.c_void_p(start), 1,  # UINT16
         rank, ctypes.c_void_p(address), (ctypes.c_uint64 * rank)(*shape),
         (ctypes.c_uint64 * (rank - 1))(*strides),
         (ctypes.c_uint32 * rank)(*tensor.box[::-1]), (ctypes.c_uint32 * rank)(*[1] * rank),
         0, 3, 0, 0)
    return storage, start


def run_ptx(ptx: str, name: str, arguments: list, memory: GlobalMemory, blocks: int,
            threads: int, shared_bytes: int) -> None:
    """Arguments are integers, with addresses in `memory`, ctypes values, or TensorMaps."""
    module, function = ctypes.c_void_p(), ctypes.c_void_p()
    call("cuModuleLoadData", ctypes.byref(module), ptx.encode())
    try:
        call("cuModuleGetFunction", ctypes.byref(function), module, name.encode())
        call("cuFuncSetAttribute", function, 8, shared_bytes)  # dynamic shared memory
        buffers = _Buffers(memory)
        kept, pointers = [], []
        for argument in arguments:
            if isinstance(argument, TensorMap):
                source = argument.array.__array_interface__["data"][0]
                offset = source - memory.data.__array_interface__["data"][0]
                storage, start = _encode(argument, buffers.base.value + offset)
                kept.append(storage)
                pointers.append(start)
                continue
            if not isinstance(argument, ctypes._SimpleCData):
                argument = ctypes.c_uint64(buffers.place(argument))
            kept.append(argument)
            pointers.append(ctypes.addressof(argument))
        call("cuLaunchKernel", function, blocks, 1, 1, threads, 1, 1, shared_bytes, None,
             (ctypes.c_void_p * len(pointers))(*pointers), None)
        call("cuCtxSynchronize")
        buffers.fetch()
    finally:
        call("cuModuleUnload", module)
