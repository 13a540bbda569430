# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors of PyTorch's, on the CPU or a GPU. Imported when the first one is
passed, because PyTorch is optional."""

from __future__ import annotations

import functools
from typing import Any, Callable, Mapping, Optional, Sequence

import numpy as np
import torch

from . import _runtime
from ._arrays import Array, Library, as_array
from ._errors import ArgumentError, DeviceError, GradientError
from ._operators import shortcuts
from ._template import ENTRY

_DTYPES = {
    "f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16,
    "f64": torch.float64, "i8": torch.int8, "i16": torch.int16,
    "i32": torch.int32, "i64": torch.int64, "u8": torch.uint8,
    "bool": torch.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}

# What Python's own tensors are; subclasses have an opinion of their own on what
# is done with them (fake tensors, functional ones).
_PLAIN = (torch.Tensor, torch.nn.Parameter)


def _raw_stream(ordinal: int) -> int:
    return torch.cuda.current_stream(ordinal).cuda_stream


# The same without making an object of it.
_current_stream = getattr(torch._C, "_cuda_getCurrentRawStream", _raw_stream)
_dispatch_modes = getattr(torch._C, "_len_torch_dispatch_stack", lambda: 0)
# Where other tracers are at work, there is a dispatch mode, too.
_is_compiling = getattr(torch.compiler, "is_dynamo_compiling",
                        torch.compiler.is_compiling)
_current_gpu = getattr(torch._C, "_cuda_getDevice", torch.cuda.current_device)


def is_traced(x: torch.Tensor) -> bool:
    """Whether operations on `x` are recorded rather than run."""
    return _is_compiling() or type(x) not in _PLAIN or _dispatch_modes() > 0


@functools.lru_cache(maxsize=None)
def _gpu_target(ordinal: int) -> str:
    """What to compile for."""
    capability = torch.cuda.get_device_capability(ordinal)
    if capability == (9, 0):
        return "sm_90a"
    if capability >= (8, 0):
        return "sm_80"
    raise DeviceError(f"GPU {ordinal} has compute capability "
                      f"{capability[0]}.{capability[1]}; 8.0 or later is needed")


# Kernels that work on tiles copy rows in pieces of so many bytes; the one that
# takes rows that begin elsewhere needs ten times as long, a copy a fraction.
_PIECE = 16


def _has_aligned_rows(data: torch.Tensor) -> bool:
    size = data.element_size()
    return (data.data_ptr() % _PIECE == 0
            and all(n * size % _PIECE == 0 for n in data.stride()[:-1]))


class TorchLibrary(Library):
    """Tensors of PyTorch's on one device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if device.type == "cuda":
            self.gpu = device.index
            self.target = _gpu_target(device.index)
        elif device.type != "cpu":
            raise ArgumentError(f"a tensor is on device {device}; programs run "
                                "on cpu and cuda")

    @property
    def stream(self) -> int:
        return 0 if self.gpu < 0 else _current_stream(self.gpu)

    def read(self, name: str, value: Any) -> Array:
        if not isinstance(value, torch.Tensor):
            if self.gpu >= 0:
                raise ArgumentError(
                    f"{name} is no tensor of PyTorch's, but "
                    f"{type(value).__name__}; the others are on device "
                    f"{self.device}: move it there first")
            exported = _runtime.Exporter(*as_array(name, value))
            value = torch.from_dlpack(exported)
        if value.device != self.device:
            raise ArgumentError(f"{name} is on device {value.device}, but the "
                                f"call is on {self.device}; all tensors must be "
                                "on one device")
        if value.requires_grad and torch.is_grad_enabled():
            raise GradientError(name)
        dtype = _NAMES.get(value.dtype)
        if dtype is None or value.layout != torch.strided:
            raise ArgumentError(f"{name} is {value.dtype}, {value.layout}, which "
                                "is not supported")
        # Some views say that their memory holds the negative values.
        return Array(value.resolve_neg(), dtype)

    def read_written(self, name: str, value: Any) -> Array:
        if not isinstance(value, torch.Tensor):
            raise ArgumentError(f"{name} is updated in place, so it must be a "
                                "tensor as the others")
        array = self.read(name, value)
        if array.data is not value:
            raise ArgumentError(f"{name} is updated in place, but it is a view "
                                "that negates its memory")
        if value.numel() and any(
                size > 1 and stride == 0
                for size, stride in zip(value.shape, value.stride())):
            raise ArgumentError(f"{name} is updated in place, but a broadcast "
                                "dimension makes its elements share memory")
        return array

    def empty(self, shape: tuple[int, ...], dtype: str) -> Array:
        return Array(torch.empty(shape, dtype=_DTYPES[dtype],
                                 device=self.device), dtype)

    def zeros(self, shape: tuple[int, ...], dtype: str) -> Array:
        return Array(torch.zeros(shape, dtype=_DTYPES[dtype],
                                 device=self.device), dtype)

    def float32(self, array: Array) -> Array:
        if array.dtype == "f32":
            return array
        data = array.data
        once = data[tuple(slice(0, 1) if stride == 0 else slice(None)
                          for stride in data.stride())]
        return Array(once.to(torch.float32).expand(data.shape), "f32")

    def strides(self, array: Array) -> tuple[int, ...]:
        return array.data.stride()

    def laid_out(self, array: Array, strided: bool) -> Array:
        data = array.data
        if data.is_contiguous() or (strided and self.has_dense_rows(array)):
            return array
        return Array(data.contiguous(), array.dtype)

    def has_dense_rows(self, array: Array) -> bool:
        data = array.data
        return data.dim() == 0 or data.shape[-1] <= 1 or data.stride(-1) == 1

    def tileable(self, array: Array) -> Array:
        data = array.data
        if (self.gpu < 0 or not data.numel() or _has_aligned_rows(data)
                or data.shape[-1] * data.element_size() % _PIECE):
            return array
        return self.dense_copy(array)

    def view(self, array: Array, shape: tuple[int, ...]) -> Optional[Array]:
        try:
            return Array(array.data.view(shape), array.dtype)
        except RuntimeError:
            return None

    def dense_copy(self, array: Array) -> Array:
        return Array(array.data.clone(memory_format=torch.contiguous_format),
                     array.dtype)

    def on_cpu(self, array: Array) -> np.ndarray:
        return array.data.detach().cpu().numpy()

    def ids(self, array: Array) -> Array:
        return Array(array.data.to(torch.int32).contiguous(), "i32")

    def segment_numbers(self, array: Array) -> Array:
        ids = array.data
        if array.dtype == "i32":
            return Array(ids.contiguous(), "i32")
        numbers = torch.zeros(ids.shape, dtype=torch.int32, device=self.device)
        changes = ids[:, 1:] != ids[:, :-1]
        torch.cumsum(changes, 1, dtype=torch.int32, out=numbers[:, 1:])
        return Array(numbers, "i32")

    def last_sequence(self, offsets: Array) -> Any:
        last = torch.searchsorted(offsets.data, offsets.data[-1:]) - 1
        return last.clamp_(min=0)

    def wrap(self, array: Array) -> Any:
        return array.data

    def workspace(self, size: int) -> torch.Tensor:
        """Memory that is free for others when the stream has come so far."""
        return torch.empty(size, dtype=torch.uint8, device=self.device)


@functools.lru_cache(maxsize=None)
def library_on(device: torch.device) -> TorchLibrary:
    return TorchLibrary(device)


# What lets calls be repeated; PyTorch has it from 2.10 on.
_EXCHANGE = _runtime.Exchange.of(torch.Tensor)


# Makes a tensor from shape, strides and dtype.
Allocate = Callable[[Any, Any, torch.dtype], torch.Tensor]


def _allocators(device: torch.device) -> tuple[Allocate, Allocate]:
    """What makes tensors on a device, and what does so in half the time where the
    device is the current one. (DLPack's exchange interface would make some that
    `record_stream` doesn't know.)"""

    def anywhere(shape: Any, strides: Any, dtype: torch.dtype) -> torch.Tensor:
        return torch.empty_strided(shape, strides, dtype=dtype, device=device)

    # Past the dispatcher; code that torch.compile makes goes this way, too.
    guards = getattr(getattr(torch._C, "_dynamo", None), "guards", None)
    return anywhere, getattr(guards, f"_empty_strided_{device.type}", anywhere)


class _Shortcut:
    """A call of an operator that is made again as it was."""

    def __init__(self, program: Any, entry: Any, library: TorchLibrary,
                 places: list[tuple[int, list[int]]],
                 aligned: list[int]) -> None:
        dtypes = (*(_DTYPES[output.dtype] for output in entry.outputs),
                  torch.uint8)
        self._native = _runtime.Shortcut(
            program._native, entry.name, places, aligned, dtypes, _PLAIN,
            _EXCHANGE, library.gpu)
        self._program = program
        self._library = library
        self._gpu = library.gpu
        self._anywhere, self._here = _allocators(library.device)

    def is_of(self, program: Any, library: TorchLibrary) -> bool:
        return self._program is program and self._library is library

    def repeat(self, operands: tuple[Any, ...],
               gradients: bool) -> Optional[list[torch.Tensor]]:
        gpu = self._gpu
        if gpu < 0:
            return self._native(operands, gradients, self._here,
                                self._program.resources())
        allocate = self._here if _current_gpu() == gpu else self._anywhere
        return self._native(operands, gradients, allocate, None)


def repeat(key: tuple[Any, ...],
           operands: tuple[Any, ...]) -> Optional[list[torch.Tensor]]:
    """The results, if a call like this was recorded: one with the same `key`,
    which is all that is no operand."""
    try:
        known = shortcuts.get(key, ())
    except TypeError:  # a list, say
        return None
    gradients = torch.is_grad_enabled()
    for shortcut in known:
        results = shortcut.repeat(operands, gradients)
        if results is not None:
            return results
    return None


def record(key: tuple[Any, ...], operands: tuple[Any, ...], operator: Any,
           library: TorchLibrary, sources: Mapping[str, tuple[int, list[int]]],
           result_dims: Optional[list[int]] = None,
           tiled: Sequence[str] = ()) -> None:
    """Records a call that has been made. `sources` has the number of each input's
    operand and which of its dimensions it has; `result_dims` those of the first
    result. `tiled` are inputs that kernels take in tiles: where their rows are
    aligned, later ones' must be."""
    if _EXCHANGE is None:
        return
    entry = operator.program.entries[ENTRY]
    places, outputs = [], 0
    for argument in entry.arguments:
        if argument.role == "output":
            dims = list(range(len(argument.shape)))
            places.append((-1 - outputs, result_dims if result_dims and
                           not outputs else dims))
            outputs += 1
            continue
        number, dims = sources[argument.name]
        operand = operands[number]
        if (not isinstance(operand, torch.Tensor)
                or _NAMES.get(operand.dtype) != argument.dtype):
            return  # it is converted, each time
        places.append((number, dims))
    numbers = [sources[name][0] for name in tiled if name in sources]
    aligned = [i for i in numbers
               if library.gpu >= 0 and _has_aligned_rows(operands[i])]
    try:
        known = shortcuts.setdefault(key, [])
    except TypeError:
        return
    if not any(s.is_of(operator.program, library) for s in known):
        known.append(_Shortcut(operator.program, entry, library, places,
                               aligned))
