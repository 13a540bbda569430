# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Memory that checks accesses, numbers of 16 bits, barriers and boxes of tensors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

GLOBAL_BASE = 0x10000000


class EmulationError(Exception):
    """What a GPU would fault, hang or be undefined at, or what is not emulated."""


def widen_bf16(bits):
    """bf16 bits, in integers of any width, to f32."""
    return (np.asarray(bits).astype(np.uint32) << np.uint32(16)).view(np.float32)


def round_bf16(values):
    """f32 to bf16 bits in 32: to nearest, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = (bits + (odd + np.uint32(0x7fff))) >> np.uint32(16)
    return np.where(np.isnan(values), np.uint32(0x7fff), rounded)


def widen(bits, dtype: str):
    """bf16 or f16 bits to f32."""
    if dtype == "bf16":
        return widen_bf16(bits)
    return np.asarray(bits).astype(np.uint16).view(np.float16).astype(np.float32)


def narrow(values, dtype: str):
    """f32 to the bits of bf16 or f16, in 32."""
    if dtype == "bf16":
        return round_bf16(values)
    return values.astype(np.float16).view(np.uint16).astype(np.uint32)


class Memory:
    """Bytes that are read and written at 32 addresses at once."""

    def __init__(self, what: str, base: int, size: int):
        self.what, self.base = what, base
        self.data = np.full(size, 0xFF, np.uint8)  # NaN in every format
        self.readable = np.ones(size, bool)
        self.writable = self.readable

    def index(self, addresses, size: int, allowed, verb: str):
        """[lanes, size] indices of bytes. Vectors are aligned to their size."""
        first = np.asarray(addresses).astype(np.int64) - self.base
        if first.size and (first % size).any():
            raise EmulationError(f"a misaligned {verb} of {size} bytes of {self.what}")
        outside = (first < 0) | (first + size > len(self.data))
        index = np.where(outside, 0, first)[:, None] + np.arange(size)
        outside |= ~allowed[index].all(1) if len(self.data) else True
        if outside.any():
            raise EmulationError(f"a {verb} of {size} bytes out of bounds of {self.what}, "
                                 f"at {int(first[outside][0])}")
        return index

    def read(self, addresses, size: int):
        return self.data[self.index(addresses, size, self.readable, "read")]

    def write(self, addresses, values) -> None:
        values = np.asarray(values)
        index = self.index(addresses, values.shape[1], self.writable, "write")
        self.data[index] = values


class SharedMemory(Memory):
    """A block's shared memory, from address zero, and the mbarriers in it."""

    def __init__(self, size: int):
        super().__init__("shared memory", 0, size)
        self.barriers: dict = {}

    def barrier(self, address: int) -> Barrier:
        if address not in self.barriers:
            raise EmulationError(f"there is no mbarrier at {address}")
        return self.barriers[address]


class Barrier:
    """An mbarrier object (PTX ISA, "Parallel Synchronization and Communication
    Instructions: mbarrier"): a phase ends when neither arrivals nor bytes are pending."""

    def __init__(self, expected: int, stamp):
        self.expected = self.pending = expected
        self.bytes = 0
        self.phase = 0
        self.stamp = stamp  # of all that has arrived; see races.Observer
        self.ended = stamp  # up to the end of the last phase

    def arrive(self, stamp) -> None:
        if self.pending == 0:
            raise EmulationError("more arrivals at an mbarrier than it expects")
        self.pending -= 1
        self.end_phase(stamp)

    def complete(self, count: int, stamp) -> None:
        """complete_tx: bytes may come before they are expected."""
        self.bytes -= count
        self.end_phase(stamp)

    def end_phase(self, stamp) -> None:
        self.stamp = np.maximum(self.stamp, stamp)
        if self.pending == 0 and self.bytes == 0:
            self.phase ^= 1
            self.pending = self.expected
            self.ended = self.stamp


class GlobalMemory(Memory):
    """Buffers, with gaps between them that nothing may touch. Results start as given;
    other buffers must not be written."""

    def __init__(self, buffers: dict, results: tuple):
        self.address: dict = {}
        end = GLOBAL_BASE
        for name, array in buffers.items():
            self.address[name] = end = -(-end // 256) * 256 + 256
            end += array.nbytes
        super().__init__("global memory", GLOBAL_BASE, end - GLOBAL_BASE + 256)
        self.readable = np.zeros(len(self.data), bool)
        self.writable = np.zeros(len(self.data), bool)
        self.buffers = dict(buffers)
        for name, array in buffers.items():
            span = self.span(name)
            self.data[span] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            self.readable[span] = True
            self.writable[span] = name in results

    def span(self, name: str) -> slice:
        first = self.address[name] - self.base
        return slice(first, first + self.buffers[name].nbytes)

    def get(self, name: str):
        """A buffer as it is now; writing to it writes memory."""
        array = self.buffers[name]
        return self.data[self.span(name)].view(array.dtype).reshape(array.shape)

    def changed_outside(self, results: tuple) -> bool:
        """Whether anything but the results, gaps included, differs from the start."""
        expected = np.full(len(self.data), 0xFF, np.uint8)
        for name, array in self.buffers.items():
            source = self.get(name) if name in results else array
            expected[self.span(name)] = np.ascontiguousarray(source).reshape(-1).view(np.uint8)
        return not np.array_equal(expected, self.data)


class TensorMap(NamedTuple):
    """A tensor of 16-bit elements and the box that a copy takes of it, outermost dimension
    first, in rows of 128 bytes with the 128-byte swizzle (PTX ISA, "Tensors")."""

    array: np.ndarray
    box: tuple

    def bounds(self, coordinates):
        """Slices of the tensor and of the box: their common part. Coordinates are
        innermost first and may be negative."""
        whole, part = [], []
        for start, size, extent in zip(reversed(coordinates), self.box, self.array.shape):
            low, high = max(start, 0), min(start + size, extent)
            high = max(low, high)
            whole.append(slice(low, high))
            part.append(slice(low - start, high - start))
        return tuple(whole), tuple(part)

    def locations(self, address: int):
        """The address of each element of the box in shared memory."""
        if address % 128 or self.box[-1] * 2 != 128:
            raise EmulationError("a box of a tensor must be of aligned rows of 128 bytes")
        flat = address + 2 * np.arange(int(np.prod(self.box)))
        return swizzle(flat)

    def load(self, shared: SharedMemory, address: int, coordinates) -> int:
        """Copies a box to shared memory, zeros from beyond the tensor; returns its bytes."""
        box = np.zeros(self.box, np.uint16)
        whole, part = self.bounds(coordinates)
        box[part] = self.array[whole]
        shared.write(self.locations(address), box.reshape(-1, 1).view(np.uint8))
        return box.nbytes

    def store(self, shared: SharedMemory, address: int, coordinates) -> None:
        """Copies a box from shared memory, but not to beyond the tensor. It can't start
        before the tensor: an H200 takes that for an illegal instruction."""
        if min(coordinates) < 0:
            raise EmulationError(f"a box is stored at {coordinates}")
        box = shared.read(self.locations(address), 2).view(np.uint16).reshape(self.box)
        whole, part = self.bounds(coordinates)
        self.array[whole] = box[part]


def swizzle(addresses):
    """The 128-byte swizzle: bits 4 to 6 of an address are xored with bits 7 to 9."""
    return addresses ^ (((addresses >> 7) & 7) << 4)
