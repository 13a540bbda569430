# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""As much of the CUDA driver as the device tests need, through ctypes."""
import ctypes
from ctypes import byref, c_char_p, c_int, c_uint32, c_uint64, c_void_p

import torch

_cuda = ctypes.CDLL("libcuda.so.1")


def _check(code):
    if code:
        text = c_char_p()
        _cuda.cuGetErrorString(code, byref(text))
        raise RuntimeError(f"CUDA driver error {code}: {text.value}")


class Kernel:
    """A kernel of a cubin or PTX file."""

    def __init__(self, path, name, threads, shared):
        torch.cuda.init()
        torch.zeros(1, device="cuda")  # makes the primary context current
        self.threads, self.shared = threads, shared
        image = path.read_bytes() + b"\0"
        self.module, self.function = c_void_p(), c_void_p()
        _check(_cuda.cuModuleLoadData(byref(self.module), image))
        _check(_cuda.cuModuleGetFunction(byref(self.function), self.module, name.encode()))
        if shared:
            _check(_cuda.cuFuncSetAttribute(self.function, c_int(8), c_int(shared)))

    def bind(self, *args):
        """Parameters: tensors (or None) as pointers, ints as i32, TensorMaps by value."""
        values = []
        for arg in args:
            if arg is None or isinstance(arg, torch.Tensor):
                values.append(c_uint64(0 if arg is None else arg.data_ptr()))
            elif isinstance(arg, int):
                values.append(c_uint32(arg))
            else:
                values.append(arg.data)
        pointers = (c_void_p * len(values))(*[ctypes.addressof(v) for v in values])
        return values, pointers, args  # keeps everything alive

    def launch(self, grid, bound):
        stream = c_void_p(torch.cuda.current_stream().cuda_stream)
        _check(_cuda.cuLaunchKernel(self.function, grid, 1, 1, self.threads, 1, 1, self.shared, stream, bound[1],
                                    None))


class TensorMap:
    """A bf16 tensor [B, L, H, P] read in boxes of 64 tokens by 64 values of one head."""

    def __init__(self, tensor):
        assert tensor.dtype == torch.bfloat16 and tensor.stride(-1) == 1
        raw = ctypes.create_string_buffer(128 + 64)
        start = (-ctypes.addressof(raw)) % 64
        self.raw = raw
        self.data = (ctypes.c_char * 128).from_buffer(raw, start)
        order = [3, 2, 1, 0]
        size = (c_uint64 * 4)(*[tensor.shape[d] for d in order])
        stride = (c_uint64 * 3)(*[tensor.stride(d) * 2 for d in order[1:]])
        box = (c_uint32 * 4)(64, 1, 64, 1)
        ones = (c_uint32 * 4)(1, 1, 1, 1)
        bfloat16, swizzle128, promotion256 = 9, 3, 3
        _check(_cuda.cuTensorMapEncodeTiled(byref(self.data), bfloat16, 4, c_void_p(tensor.data_ptr()), size, stride,
                                            box, ones, 0, swizzle128, promotion256, 0))


def time_graph(launch, repeats=20, rounds=9):
    """Median milliseconds of one launch, `repeats` in a CUDA graph."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        launch()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(repeats):
            launch()
    graph.replay()
    torch.cuda.synchronize()
    times = []
    for _ in range(rounds):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end) / repeats)
    return sorted(times)[len(times) // 2]
