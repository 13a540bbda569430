# ===- artifact.py - calls the entries of an artifact by ctypes -------------===#
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# ===-----------------------------------------------------------------------===#
"""Reads the table of ssd_runtime.h without the runtime, and calls entries with
numpy arrays and a parallel_for that runs the tasks backwards. Kernels don't run;
their launches are recorded."""

import ctypes as c

import numpy as np

ROLES = ["input", "output", "state", "parameter"]


class DataType(c.Structure):
    _fields_ = [("code", c.c_uint8), ("bits", c.c_uint8), ("lanes", c.c_uint16)]


class Tensor(c.Structure):
    _fields_ = [
        ("data", c.c_void_p),
        ("device", c.c_int32 * 2),
        ("ndim", c.c_int32),
        ("dtype", DataType),
        ("shape", c.POINTER(c.c_int64)),
        ("strides", c.POINTER(c.c_int64)),
        ("byte_offset", c.c_uint64),
    ]


class Argument(c.Structure):
    _fields_ = [
        ("name", c.c_char_p),
        ("role", c.c_int32),
        ("dtype", DataType),
        ("rank", c.c_int32),
        ("shape", c.POINTER(c.c_int64)),
        ("strided", c.c_int32),
        ("device", c.c_int32),
        ("min_value", c.c_int64),
        ("max_value", c.c_int64),
    ]


Tensors = c.POINTER(c.POINTER(Tensor))
Run = c.CFUNCTYPE(
    c.c_int32, c.c_void_p, Tensors, c.c_int32, c.c_void_p, c.c_void_p
)
Workspace = c.CFUNCTYPE(c.c_int64, Tensors, c.c_int32)


class Entry(c.Structure):
    _fields_ = [
        ("name", c.c_char_p),
        ("n_args", c.c_int32),
        ("args", c.POINTER(Argument)),
        ("run", Run),
        ("workspace", Workspace),
        ("mixers", c.c_char_p),
    ]


class Kernel(c.Structure):
    _fields_ = [
        ("name", c.c_char_p),
        ("block", c.c_uint32 * 3),
        ("cluster", c.c_uint32 * 3),
        ("max_shared_bytes", c.c_uint32),
        ("n_images", c.c_int32),
        ("images", c.c_void_p),
    ]


class Table(c.Structure):
    _fields_ = [
        ("abi_version", c.c_uint32),
        ("compiler", c.c_char_p),
        ("target", c.c_char_p),
        ("metadata", c.c_char_p),
        ("n_entries", c.c_int32),
        ("entries", c.POINTER(Entry)),
        ("n_kernels", c.c_int32),
        ("kernels", c.POINTER(Kernel)),
    ]


Task = c.CFUNCTYPE(None, c.c_void_p, c.c_int64, c.c_int32)
ParallelFor = c.CFUNCTYPE(None, c.c_void_p, c.c_int64, c.c_void_p, c.c_void_p)


Launch = c.CFUNCTYPE(
    None, c.c_void_p, c.c_int32, c.c_int64, c.c_uint32, c.c_void_p
)
HasKernel = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_int32)
Ask = c.CFUNCTYPE(c.c_int32, c.c_void_p)


class Api(c.Structure):
    _fields_ = [
        ("version", c.c_uint32),
        ("parallel_for", ParallelFor),
        ("launch", Launch),
        ("clear", c.c_void_p),
        ("copy", c.c_void_p),
        ("encode_tensor_map", c.c_void_p),
        ("has_kernel", HasKernel),
        ("multiprocessors", Ask),
        ("status", Ask),
    ]


class Context(c.Structure):
    _fields_ = [("api", c.POINTER(Api)), ("stream", c.c_void_p)]


CPU, GPU = 1, 2  # of DLPack


class Artifact:
    def __init__(self, path, device=CPU):
        query = c.CDLL(path).ssd_artifact_query
        query.restype = c.POINTER(Table)
        query.argtypes = [c.c_uint32]
        assert not query(1), "speaks version 1"
        self.table = query(2).contents
        self.entries = {
            e.name.decode(): e
            for e in self.table.entries[: self.table.n_entries]
            if all(a.device == device for a in e.args[: e.n_args])
        }
        self.parallel_counts = []
        self.launched = []
        self.api = Api(
            version=2,
            parallel_for=ParallelFor(self._parallel_for),
            launch=Launch(self._launch),
            has_kernel=HasKernel(lambda context, kernel: 1),
            multiprocessors=Ask(lambda context: 100),
            status=Ask(lambda context: 0),
        )
        self.context = Context(c.pointer(self.api))

    def _launch(self, context, kernel, blocks, shared, params):
        assert 0 <= kernel < self.table.n_kernels
        self.launched.append(self.table.kernels[kernel].name.decode())

    def _parallel_for(self, context, count, task, closure):
        self.parallel_counts.append(count)
        for i in reversed(range(count)):
            Task(task)(closure, i, 0)

    def arguments(self, entry):
        e = self.entries[entry]
        return [
            (a.name.decode(), ROLES[a.role], a.shape[: a.rank])
            for a in e.args[: e.n_args]
        ]

    def call(self, entry, **arrays):
        """Arrays by name, dots as underscores; all are passed in place.
        Returns the bytes of workspace; checks that no more are written."""
        e = self.entries[entry]
        tensors, keep = (c.POINTER(Tensor) * e.n_args)(), []
        for i, a in enumerate(e.args[: e.n_args]):
            array = arrays.pop(a.name.decode().replace(".", "_"))
            assert array.itemsize * 8 == a.dtype.bits, a.name
            assert array.ndim == a.rank, a.name
            contiguous = array.flags.c_contiguous
            assert a.strided or contiguous, a.name
            tensor = Tensor(
                # An offset into the buffer, to see that it is added.
                data=array.ctypes.data - 64,
                byte_offset=64,
                ndim=a.rank,
                dtype=a.dtype,
                shape=(c.c_int64 * a.rank)(*array.shape),
            )
            if not contiguous:
                strides = [s // array.itemsize for s in array.strides]
                tensor.strides = (c.c_int64 * a.rank)(*strides)
            keep.append((array, tensor))
            tensors[i] = c.pointer(tensor)
        assert not arrays, f"not arguments of {entry}: {list(arrays)}"
        size = e.workspace(tensors, e.n_args) if e.workspace else 0
        memory = np.full(size + 4096 + 64, 0xA5, np.uint8)
        start = -memory.ctypes.data % 64
        status = e.run(
            c.addressof(self.context),
            tensors,
            e.n_args,
            memory.ctypes.data + start,
            None,
        )
        assert status == 0, status
        assert (memory[start + size :] == 0xA5).all(), "workspace overrun"
        return size
