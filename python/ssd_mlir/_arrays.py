# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays of any library in and out: NumPy by itself, PyTorch as it is, others
by `__dlpack__`.

Inside the package a tensor is an `Array`: a NumPy array that holds the bits and
the name of the element type, because NumPy has no bfloat16 (its bits are held
as uint16); or a tensor of PyTorch's. What is done differently with the two is in
a `Library`."""

from __future__ import annotations

import importlib
import sys
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from . import _runtime
from ._errors import ArgumentError, GradientError

_TORCH_SIDE = f"{__package__}._torch"

FLOATS = ("f32", "bf16", "f16")

_TYPES = {
    "f32": np.float32, "bf16": np.uint16, "f16": np.float16, "f64": np.float64,
    "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
    "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
    "bool": np.bool_,
}
_STORAGE = {name: np.dtype(storage) for name, storage in _TYPES.items()}
_NAMES = {storage: name for name, storage in _STORAGE.items() if name != "bf16"}


class Array(NamedTuple):
    """A tensor: `data` holds its bits, `dtype` names its elements."""

    data: Any  # a NumPy array, or a tensor of PyTorch's
    dtype: str

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape


# Makes an array of the caller's library out of a result.
Wrap = Callable[[Array], Any]


def storage_type(dtype: str) -> np.dtype:
    """The NumPy type that holds the bits of an element type."""
    return _STORAGE[dtype]


def empty(shape: tuple[int, ...], dtype: str) -> Array:
    """An uninitialised contiguous tensor."""
    return Array(np.empty(shape, _STORAGE[dtype]), dtype)


def to_float32(array: Array) -> np.ndarray:
    """The values as float32: a copy unless they are that already."""
    if array.dtype == "f32":
        return array.data
    if array.dtype == "bf16":
        wide = array.data.astype(np.uint32)
        wide <<= 16
        return wide.view(np.float32)
    return array.data.astype(np.float32)


def _root_module(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def _is_bfloat16(dtype: np.dtype) -> bool:
    """Whether this is ml_dtypes' type. (`dtype.name` is slow.)"""
    return dtype.type.__name__ == "bfloat16"


def _from_numpy(name: str, value: np.ndarray) -> Array:
    known = _NAMES.get(value.dtype)
    if known is not None:
        return Array(value, known)
    if _is_bfloat16(value.dtype):
        return Array(value.view(np.uint16), "bf16")
    if not value.dtype.isnative:
        return _from_numpy(name, value.astype(value.dtype.newbyteorder("=")))
    raise ArgumentError(f"{name} has dtype {value.dtype}, which is not "
                        "supported")


def _from_dlpack(name: str, value: Any) -> Array:
    kind, _ = value.__dlpack_device__()
    if int(kind) not in (1, 3):  # CPU, and its memory pinned for a GPU
        raise ArgumentError(
            f"{name} is on device {getattr(value, 'device', kind)}; of arrays on "
            "a GPU only PyTorch's are taken (torch.from_dlpack makes one), where "
            "the others are PyTorch's too: move it to the CPU, or the others "
            "to the GPU")
    if getattr(value, "requires_grad", False):
        torch = sys.modules.get("torch")
        if torch is not None and torch.is_grad_enabled():
            raise GradientError(name)
        value = value.detach()
    try:
        capsule = value.__dlpack__(max_version=(1, 0))
    except TypeError:  # a producer older than DLPack 1.0
        capsule = value.__dlpack__()
    try:
        return Array(*_runtime.from_dlpack(capsule))
    except ArgumentError as error:
        raise ArgumentError(f"{name}: {error}") from None


def as_array(name: str, value: Any) -> Array:
    """Views an array of any library; `name` is for messages.

    NumPy arrays and scalars, whatever NumPy can read through the buffer
    protocol, sequences of numbers, and anything with `__dlpack__` on the CPU.
    """
    if isinstance(value, (np.ndarray, np.generic)):
        return _from_numpy(name, np.asarray(value))
    if hasattr(value, "__dlpack__") and hasattr(value, "__dlpack_device__"):
        return _from_dlpack(name, value)
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ArgumentError(f"{name} is no array: {error}") from None
    if array.dtype == object:
        raise ArgumentError(f"{name} is no array of numbers, but "
                            f"{type(value).__name__}")
    return _from_numpy(name, array)


def integer_dtype(name: str, array: Array) -> Array:
    """The array, which must hold integers."""
    if array.dtype[0] not in "iu":
        raise ArgumentError(f"{name} must be integers, not {array.dtype}")
    return array


def as_layout(array: Array, strided: bool) -> Array:
    """The same values in a layout that a call accepts: C-contiguous or, if
    `strided`, with a contiguous innermost dimension. Copies only if it must."""
    data = array.data
    flags = data.flags
    if flags.c_contiguous and flags.aligned:
        return array
    if strided and flags.aligned and data.size and _has_dense_rows(data):
        return array
    return Array(np.array(data, order="C", copy=True, subok=False), array.dtype)


def _has_dense_rows(data: np.ndarray) -> bool:
    size = data.itemsize
    for count, stride in zip(data.shape, data.strides):
        if count > 1 and (stride < 0 or stride % size):
            return False
    return data.ndim == 0 or data.shape[-1] <= 1 or data.strides[-1] == size


def _wrap_numpy(bfloat16: Optional[np.dtype]) -> Wrap:
    def wrap(array: Array) -> np.ndarray:
        if array.dtype != "bf16":
            return array.data
        dtype = bfloat16
        if dtype is None:
            try:
                dtype = np.dtype(importlib.import_module("ml_dtypes").bfloat16)
            except ImportError:
                raise ArgumentError("a result is bfloat16, which NumPy only has "
                                    "with the package ml_dtypes") from None
        return array.data.view(dtype)

    return wrap


def _dlpack_consumer(value: Any) -> Optional[Callable[[Any], Any]]:
    root = sys.modules.get(_root_module(value))
    consumer = getattr(root, "from_dlpack", None)
    if consumer is None and hasattr(value, "__array_namespace__"):
        consumer = getattr(value.__array_namespace__(), "from_dlpack", None)
    return consumer


def wrapper_like(value: Any) -> Wrap:
    """Returns what turns results into arrays of `value`'s library. Values that
    belong to none (lists) get NumPy arrays."""
    if isinstance(value, (np.ndarray, np.generic)):
        return _wrap_numpy(value.dtype if _is_bfloat16(value.dtype) else None)
    if hasattr(value, "__dlpack__"):
        consumer = _dlpack_consumer(value)
        if consumer is not None:
            return lambda array: consumer(_runtime.Exporter(array.data,
                                                            array.dtype))
    return _wrap_numpy(None)


def writable_view(name: str, value: Any) -> Array:
    """Views an array that a call updates in place."""
    if _root_module(value) in ("jax", "jaxlib"):
        raise ArgumentError(f"{name} is updated in place, but arrays of JAX are "
                            "immutable: pass a NumPy array")
    if not isinstance(value, np.ndarray) and not hasattr(value, "__dlpack__"):
        raise ArgumentError(f"{name} is updated in place, so it must be an "
                            f"array, not {type(value).__name__}")
    array = as_array(name, value)
    if not array.data.flags.writeable:
        raise ArgumentError(f"{name} is updated in place, but it is read-only")
    if array.data.size and any(
            size > 1 and stride == 0
            for size, stride in zip(array.shape, array.data.strides)):
        raise ArgumentError(f"{name} is updated in place, but a broadcast "
                            "dimension makes its elements share memory")
    if isinstance(value, np.ndarray) and not np.shares_memory(
            value, array.data) and value.size:
        raise ArgumentError(f"{name} is updated in place, so it must have native "
                            "byte order")
    return array


def read_ids(name: str, value: Any) -> np.ndarray:
    """Token ids as an integer array; empty lists are empty sequences."""
    array = as_array(name, value)
    if isinstance(value, (list, tuple)) and array.data.size == 0:
        return array.data.astype(np.int64)  # numbers that aren't there have no type
    return integer_dtype(name, array).data


class Library:
    """How arrays of one library on one device are read, made and reshaped: here
    NumPy's, and whatever DLPack brings to the CPU."""

    target = "cpu"  # what programs for it are compiled for
    gpu = -1  # the GPU's number

    def __init__(self, like: Any = None) -> None:
        self.wrap = wrapper_like(like)

    @property
    def stream(self) -> int:
        """The GPU's current stream."""
        return 0

    def read(self, name: str, value: Any) -> Array:
        """A view of an operand; `name` is for messages."""
        return as_array(name, value)

    def read_written(self, name: str, value: Any) -> Array:
        """A view that is updated in place."""
        return writable_view(name, value)

    def empty(self, shape: tuple[int, ...], dtype: str) -> Array:
        return empty(shape, dtype)

    def zeros(self, shape: tuple[int, ...], dtype: str) -> Array:
        return Array(np.zeros(shape, _STORAGE[dtype]), dtype)

    def float32(self, array: Array) -> Array:
        """The values as f32. Those that stand for many, by strides of 0, are
        converted once and still do."""
        if array.dtype == "f32":
            return array
        data = array.data
        once = data[tuple(slice(0, 1) if stride == 0 else slice(None)
                          for stride in data.strides)]
        wide = to_float32(Array(np.ascontiguousarray(once).reshape(once.shape),
                                array.dtype))
        return Array(np.broadcast_to(wide, data.shape), "f32")

    def strides(self, array: Array) -> tuple[int, ...]:
        """In whatever unit; 0 where values repeat."""
        return array.data.strides

    def laid_out(self, array: Array, strided: bool) -> Array:
        """As `as_layout`."""
        return as_layout(array, strided)

    def has_dense_rows(self, array: Array) -> bool:
        """Whether a call can take it where strides are free."""
        return array.data.flags.aligned and _has_dense_rows(array.data)

    def tileable(self, array: Array) -> Array:
        """The array, or a copy where kernels can take tiles of that alone."""
        return array

    def view(self, array: Array, shape: tuple[int, ...]) -> Optional[Array]:
        """The same memory in another shape, if it can be seen so."""
        data = array.data.reshape(shape)
        if data.size and not np.may_share_memory(data, array.data):
            return None
        return Array(data, array.dtype)

    def dense_copy(self, array: Array) -> Array:
        return Array(np.array(array.data, order="C"), array.dtype)

    def on_cpu(self, array: Array) -> np.ndarray:
        return array.data

    def ids(self, array: Array) -> Array:
        """Integers as programs take them."""
        return Array(np.ascontiguousarray(array.data, np.int32), "i32")

    def segment_numbers(self, array: Array) -> Array:
        """Ids that change where those of [B, L] do, whatever their type holds."""
        ids = array.data
        if ids.dtype == np.int32:
            return Array(np.ascontiguousarray(ids), "i32")
        numbers = np.zeros(ids.shape, np.int32)
        changes = ids[:, 1:] != ids[:, :-1]
        np.cumsum(changes, axis=1, out=numbers[:, 1:])
        return Array(numbers, "i32")

    def last_sequence(self, offsets: Array) -> Any:
        """The index, [1], of the packed sequence that holds the last token."""
        last = np.searchsorted(offsets.data, offsets.data[-1:]) - 1
        return np.maximum(last, 0)

    def workspace(self, size: int) -> Any:
        raise NotImplementedError  # the CPU's has its own, which is kept


def torch_side(value: Any) -> Any:
    """The module for tensors of PyTorch's, if this is one."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(value, torch.Tensor):
        return None
    # An import statement would cost more than all else here.
    return sys.modules.get(_TORCH_SIDE) or importlib.import_module(_TORCH_SIDE)


def library_of(value: Any) -> Library:
    """The library of an array: of its results, and of all other operands."""
    side = torch_side(value)
    return Library(value) if side is None else side.library_on(value.device)
