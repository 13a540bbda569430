# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls that are made again, on a GPU that isn't there, with tensors that are
no more than what the calls ask of PyTorch's."""

from __future__ import annotations

import ctypes
import math
import threading

import numpy as np
import pytest

import ssd_mlir
from ssd_mlir import _runtime
from ssd_mlir._template import ENTRY, ShapeClass, write_operator

STREAM = 7
BYTES, FLOATS = "u8", "f32"


class Tensor:
    """Memory that is said to be on a GPU."""

    def __init__(self, values, gpu=0, requires_grad=False, negated=False):
        self.values = values
        self.gpu = gpu
        self._requires_grad = requires_grad
        self._negated = negated

    @property
    def requires_grad(self):
        return self._requires_grad

    def is_neg(self):
        return self._negated


# -- DLPack's exchange interface, for these -----------------------------------


class _DLTensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device", ctypes.c_int32 * 2),
                ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8),
                ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p),
                ("byte_offset", ctypes.c_uint64)]


_VIEW = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.py_object,
                         ctypes.POINTER(_DLTensor))
_CURRENT_STREAM = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int32,
                                   ctypes.POINTER(ctypes.c_void_p))


class _Functions(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32),
                ("older", ctypes.c_void_p), ("allocate", ctypes.c_void_p),
                ("take", ctypes.c_void_p), ("make", ctypes.c_void_p),
                ("view", _VIEW), ("stream", _CURRENT_STREAM)]


@_VIEW
def _view(tensor, result):
    values = tensor.values
    sizes = (ctypes.c_int64 * 8)(*values.shape)
    strides = (ctypes.c_int64 * 8)(*(s // values.itemsize
                                     for s in values.strides))
    tensor.keep = sizes, strides
    code = 1 if values.dtype == np.uint8 else 2
    result[0] = _DLTensor(values.ctypes.data, (2, tensor.gpu), values.ndim, code,
                          8 * values.itemsize, 1, ctypes.addressof(sizes),
                          ctypes.addressof(strides), 0)
    return 0


@_CURRENT_STREAM
def _current_stream(kind, ordinal, result):
    result[0] = STREAM
    return 0


_FUNCTIONS = _Functions(1, 3, None, None, None, None, _view, _current_stream)
_NAME = b"dlpack_exchange_api"  # which the capsule does not copy
_new_capsule = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p,
                                 ctypes.c_char_p, ctypes.c_void_p)(
    ("PyCapsule_New", ctypes.pythonapi))
Tensor.__dlpack_c_exchange_api__ = _new_capsule(ctypes.addressof(_FUNCTIONS),
                                                _NAME, None)


# -- calls ---------------------------------------------------------------------


class Allocator:
    """What makes results and workspaces, and what it has made."""

    def __init__(self, gpu=0):
        self.gpu = gpu
        self.made = []

    def __call__(self, shape, strides, dtype):
        self.made.append((shape, strides, dtype))
        size = 4 if dtype == FLOATS else 1
        memory = np.zeros(math.prod(shape) * size + 64, np.uint8)
        memory = memory[-memory.ctypes.data % 64:][:math.prod(shape) * size]
        values = memory.view(np.float32 if dtype == FLOATS else np.uint8)
        return Tensor(values.reshape(shape), self.gpu)

    def take(self):
        made, self.made = self.made, []
        return made


HEADS, WIDTH, N = 4, 64, 64


def ones(*shape):
    return Tensor(np.ones(shape, np.float32))


def scan_operands(batch, length):
    return [ones(batch, length, HEADS, WIDTH), ones(batch, length, HEADS),
            ones(HEADS), ones(batch, length, 1, N), ones(batch, length, 1, N)]


@pytest.fixture
def scan(compiler, driver):
    """A scan's shortcut: x, dt, A, B, C, and an operand that has no place."""
    text, names = write_operator(ShapeClass("scan", HEADS, 1, WIDTH, N, "f32",
                                            "f32"))
    assert names == ["x", "dt", "A", "B", "C"]
    program = ssd_mlir.compile(text, target="sm_90a")
    arguments = program.entries[ENTRY].arguments
    places = [(i, list(range(len(a.shape)))) for i, a in enumerate(arguments[:5])]
    places.append((-1, list(range(4))))
    assert len(arguments) == len(places)
    return _runtime.Shortcut(program._native, ENTRY, places, [0, 3], (FLOATS, BYTES),
                             (Tensor,), _runtime.Exchange.of(Tensor), 0)


def test_results_and_workspaces(scan):
    """Each call has its own, as large as its sizes need."""
    allocate, workspaces = Allocator(), {}
    for batch, length in ((2, 100), (2, 100), (1, 4096), (3, 70), (2, 100)):
        y, = scan((*scan_operands(batch, length), None), True, allocate, None)
        (shape, strides, dtype), *rest = allocate.take()
        assert shape == y.values.shape == (batch, length, HEADS, WIDTH)
        assert strides == (length * HEADS * WIDTH, HEADS * WIDTH, WIDTH, 1)
        assert dtype == FLOATS
        assert all(r[1:] == ((1,), BYTES) for r in rest)
        needed = [r[0] for r in rest]
        assert workspaces.setdefault((batch, length), needed) == needed
    assert any(workspaces.values()), "no call needs a workspace: not tested"


def test_what_differs_is_left_to_python(scan):
    operands = scan_operands(2, 100)

    def call(number=None, value=None, gradients=True, gpu=0, others=(None,)):
        given = list(operands)
        if number is not None:
            given[number] = value
        return scan((*given, *others), gradients, Allocator(gpu), None)

    assert call() is not None
    sparse = np.ones((HEADS, 2), np.float32)[:, 0]
    for number, value in (
            (0, None), (0, 3.0), (0, np.ones(3)),
            (1, ones(2, 99, HEADS)), (1, ones(2, 100, HEADS + 1)),
            (2, Tensor(sparse)), (2, Tensor(np.ones(HEADS))),
            (2, Tensor(np.ones(HEADS, np.float32), gpu=1)),
            (2, Tensor(np.ones(HEADS, np.float32), negated=True)),
            (2, Tensor(np.ones(HEADS, np.float32), requires_grad=True))):
        assert call(number, value) is None
        assert call() is not None
    wanting = Tensor(np.ones(HEADS, np.float32), requires_grad=True)
    assert call(2, wanting, gradients=False) is not None
    assert call(others=(ones(HEADS),)) is None
    assert call(others=()) is not None
    assert call(others=(None,) * 40) is None
    assert scan(tuple(operands[:3]), True, Allocator(), None) is None
    assert call(gpu=1) is None, "a result is on another GPU"


def test_rows_that_must_be_aligned(scan):
    """x and B; C is as it may be."""
    def moved(tensor, begin, pitch):
        values = tensor.values
        memory = np.ones((*values.shape[:2], pitch), np.float32)
        rows = memory[..., begin:begin + math.prod(values.shape[2:])]
        return Tensor(rows.reshape(values.shape))

    for begin, pitch in ((1, 264), (4, 266)):
        for number in (0, 3, 4):
            operands = scan_operands(2, 100)
            given = operands[number] = moved(operands[number], begin, pitch)
            assert given.values.base is not None, "a copy"
            found = scan((*operands, None), True, Allocator(), None)
            assert (found is None) == (number != 4)
    operands[3] = moved(ones(2, 100, 1, N), 4, 264)
    assert scan((*operands, None), True, Allocator(), None) is not None


def test_failures_of_the_allocator(scan):
    def allocate(shape, strides, dtype):
        if dtype == BYTES:
            raise MemoryError("no workspace")
        return Allocator()(shape, strides, dtype)

    for _ in range(2):
        with pytest.raises(MemoryError, match="no workspace"):
            scan((*scan_operands(1, 4096), None), True, allocate, None)
    assert scan((*scan_operands(1, 4096), None), True, Allocator(), None)


def test_threads(scan):
    """Each has a context of its own."""
    failures = []

    def work(length):
        try:
            for _ in range(50):
                y, = scan((*scan_operands(1, length), None), True, Allocator(),
                          None)
                assert y.values.shape[1] == length
        except BaseException as error:  # of a thread: reported below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in (5, 64, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
