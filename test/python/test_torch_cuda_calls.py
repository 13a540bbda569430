# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls on a GPU: streams, graphs, what is refused, and what is traced."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading

import pytest

import ssd_mlir
from cuda_cases import (check_scan, draw_scan, draw_states, draw_update, error_ratio,
                        needs_gpu, reference_scan, reference_update, Scan,
                        SCANS, torch, Update, UPDATES, write_operator)
from ssd_mlir import mamba_chunk_scan_combined, selective_state_update
from ssd_mlir._template import ENTRY

pytestmark = [needs_gpu, pytest.mark.usefixtures("gpu_operators")]


# -- streams -----------------------------------------------------------------


def test_calls_are_in_the_current_stream():
    """On a stream that is held up, a call neither waits nor overtakes."""
    operands = draw_scan(SCANS[0], 1, 256)
    expected = mamba_chunk_scan_combined(**operands)
    x, held = operands["x"].clone(), torch.zeros_like(operands["x"])
    torch.cuda.synchronize()
    stream, done = torch.cuda.Stream(), torch.cuda.Event()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(1_000_000_000)
        held.copy_(x)
        y = mamba_chunk_scan_combined(**{**operands, "x": held})
        done.record()
    assert not done.query(), "the call waited for its stream"
    stream.synchronize()
    assert torch.equal(y, expected)


def test_two_threads_with_two_streams():
    shapes = [SCANS[0], SCANS[2]]
    operands = [draw_scan(shape, 2, 200) for shape in shapes]
    expected = [mamba_chunk_scan_combined(**o) for o in operands]
    torch.cuda.synchronize()
    failures = []

    def work(number):
        try:
            with torch.cuda.stream(torch.cuda.Stream()):
                for _ in range(50):
                    y = mamba_chunk_scan_combined(**operands[number])
                    torch.cuda.current_stream().synchronize()
                    assert torch.equal(y, expected[number])
        except BaseException as error:  # of a thread: reported below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n % 2,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_graphs():
    """Calls are captured as they are, and replayed on new values."""
    shape = UPDATES[0]
    scan, update = draw_scan(SCANS[0], 2, 300), draw_update(shape, 3)
    state = draw_states(shape, 3)
    slots = torch.tensor([2, 0, 1], dtype=torch.int32, device="cuda")
    started = state.clone()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):  # compiles and loads
        mamba_chunk_scan_combined(**scan)
        selective_state_update(state, **update, state_batch_indices=slots)
    torch.cuda.synchronize()
    state.copy_(started)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = mamba_chunk_scan_combined(**scan)
        z = selective_state_update(state, **update, state_batch_indices=slots)
    assert torch.equal(state, started), "a capture runs nothing"
    scan["x"].copy_(torch.randn_like(scan["x"]))
    graph.replay()
    torch.cuda.synchronize()
    assert error_ratio(y, reference_scan(**scan)[0]) <= 5e-3
    expected, after = reference_update(started[slots.long()], **update)
    assert error_ratio(z, expected) <= 5e-3
    assert error_ratio(state[slots.long()], after) <= 5e-3


def test_nothing_waits():
    """Repeated calls don't synchronise, 64-bit ids included."""
    scan = draw_scan(SCANS[5], 2, 100)
    packed = draw_scan(Scan(4, 1, 64, 128), 1, 90)
    offsets = torch.tensor([0, 40, 90], device="cuda")
    marks = torch.arange(3, device="cuda").repeat_interleave(30)[None]
    update, state = draw_update(UPDATES[0], 2), draw_states(UPDATES[0], 5)
    slots = torch.tensor([3, 1], device="cuda")

    def call():
        mamba_chunk_scan_combined(**scan, return_final_states=True)
        mamba_chunk_scan_combined(**packed, cu_seqlens=offsets,
                                  return_varlen_states=True,
                                  return_final_states=True)
        mamba_chunk_scan_combined(**packed, cu_seqlens=offsets, seq_idx=marks,
                                  return_varlen_states=True)
        selective_state_update(state, **update, state_batch_indices=slots)

    call()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        call()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_only_our_kernels():
    """Operands as models have them are neither converted nor copied."""
    from torch.profiler import ProfilerActivity, profile

    scan = draw_scan(SCANS[0], 2, 100)
    narrow = draw_scan(next(s for s in SCANS if s.parameters == "bf16"), 1, 40)
    updates = [(draw_update(shape, 2), draw_states(shape, 2))
               for shape in UPDATES[:3]]

    def call():
        for operands in (scan, narrow):
            mamba_chunk_scan_combined(**operands)
        for operands, state in updates:
            selective_state_update(state, **operands)

    call()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as recorded:
        call()
        torch.cuda.synchronize()
    names = {event.key for event in recorded.key_averages()
             if event.device_time_total > 0}
    assert names and all(name.startswith("ssd_") for name in names)


@pytest.mark.parametrize("shape", [
    Scan(80, 1, 64, 128, D="head", z=True), Scan(6, 2, 80, 64, initial=True),
    Scan(8, 1, 128, 128, segments=torch.int32), Scan(48, 8, 64, 256)])
def test_results_do_not_depend_on_the_batch(shape):
    """Bitwise, where no sequence is cut for want of others: neither how many
    heads a block takes nor where its run of chunks ends may show."""
    operands = draw_scan(shape, 24, 330)
    y, state = mamba_chunk_scan_combined(**operands, form="chunked",
                                         return_final_states=True)
    for rows in (slice(0, 1), slice(5, 7), slice(3, 20)):
        some = {name: value[rows] if isinstance(value, torch.Tensor)
                and value.shape[:1] == (24,) else value
                for name, value in operands.items()}
        part, after = mamba_chunk_scan_combined(**some, form="chunked",
                                                return_final_states=True)
        assert torch.equal(part, y[rows]) and torch.equal(after, state[rows])


@pytest.mark.parametrize("how", ["option", "attribute"])
@pytest.mark.parametrize("target", ["sm_90a", "sm_80"])
@pytest.mark.parametrize("length", [64, 330, 5000])
def test_batch_invariant_programs(how, target, length):
    """So few heads that a long sequence by itself would be cut into parts."""
    shape, batch = Scan(4, 1, 64, 128, D="head", initial=True), 40
    text, names = write_operator(shape)
    if how == "attribute":
        text = f"module attributes {{ssd.batch_invariant}} {{\n{text}\n}}"
    program = ssd_mlir.compile(text, target=target, batch_invariant=how == "option")
    operands = draw_scan(shape, batch, length)
    operands["initial_state"] = operands["initial_states"]

    def run(rows):
        return program.call("operator", *[
            operands[name][rows] if operands[name].shape[0] == batch
            else operands[name] for name in names])

    expected = run(slice(0, batch))
    for rows in (slice(0, 1), slice(39, 40), slice(5, 8)):
        for found, wanted in zip(run(rows), expected):
            assert torch.equal(found, wanted[rows])


@pytest.mark.parametrize("shape", UPDATES, ids=str)
def test_steps_do_not_depend_on_the_batch(shape):
    batch = 33
    operands, states = draw_update(shape, batch), draw_states(shape, batch)
    alone = states.clone()
    expected = selective_state_update(states, **operands)
    for row in (0, 7, 32):
        rows = slice(row, row + 1)
        some = {name: value[rows] if name in ("x", "dt", "B", "C", "z") else value
                for name, value in operands.items()}
        y = selective_state_update(alone[rows], **some)
        assert torch.equal(y, expected[rows])
        assert torch.equal(alone[rows], states[rows])


# -- what is refused, and goes on afterwards ----------------------------------


def test_out_of_memory():
    """Neither the first call nor a repeated one leaves anything behind."""
    operands = draw_scan(SCANS[0], 8, 8192)
    expected = mamba_chunk_scan_combined(**operands)
    torch.cuda.synchronize()
    size = expected.numel() * expected.element_size()
    total = torch.cuda.get_device_properties(0).total_memory
    for forget in (False, True):
        if forget:
            ssd_mlir._operators.forget()
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(
            (torch.cuda.memory_reserved() + size // 2) / total)
        before = torch.cuda.memory_allocated()
        try:
            for _ in range(2):
                with pytest.raises(torch.cuda.OutOfMemoryError, match="out of memory"):
                    mamba_chunk_scan_combined(**operands)
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)
        gc.collect()  # tracebacks
        assert torch.cuda.memory_allocated() == before
        assert torch.equal(mamba_chunk_scan_combined(**operands), expected)


def test_code_for_other_chips_has_portable_code():
    """A cubin of another chip is passed over."""
    shape = Scan(4, 1, 64, 128)
    text, names = write_operator(shape)
    operands = draw_scan(shape, 2, 200)
    program = ssd_mlir.compile(text, target="sm_120")
    y, state = program.call("operator", *[operands[name] for name in names])
    expected, expected_state = reference_scan(**operands)
    assert error_ratio(y, expected) <= 5e-3
    assert error_ratio(state, expected_state) <= 5e-3


CALL_WITHOUT_DRIVER = """
import ssd_mlir, torch
x = torch.randn(1, 9, 4, 64, device="cuda").bfloat16()
for attempt in range(2):
    try:
        ssd_mlir.mamba_chunk_scan_combined(x, x[..., 0].abs(), -torch.ones(4, device="cuda"),
                                           x[:, :, :1], x[:, :, :1])
    except ssd_mlir.DeviceError as error:
        print(error)
y = ssd_mlir.mamba_chunk_scan_combined(x.cpu(), x[..., 0].abs().cpu(), -torch.ones(4),
                                       x[:, :, :1].cpu(), x[:, :, :1].cpu())
assert y.isfinite().all()
"""


def test_without_a_driver():
    """In another process: this one has loaded it. CPUs still compute."""
    done = subprocess.run([sys.executable, "-c", CALL_WITHOUT_DRIVER], check=False,
                          env={**os.environ, "SSD_CUDA_DRIVER": "/nowhere/libcuda.so"},
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("needs an NVIDIA GPU, but its driver can't be loaded") == 2
    assert "/nowhere" in done.stdout


def test_misaligned_tensors():
    """Rows that begin at any element are none of TMA's."""
    for offset in (1, 2, 4):
        operands = draw_scan(SCANS[0], 2, 100)
        for name in ("x", "B", "C", "dt"):
            value = operands[name]
            flat = torch.empty(value.numel() + offset, dtype=value.dtype, device="cuda")
            moved = flat[offset:].view(value.shape)
            moved.copy_(value)
            assert moved.data_ptr() % 16
            operands[name] = moved
        for _ in range(2):
            check_scan(operands, 5e-3)
    check_scan(draw_scan(SCANS[0], 2, 100), 5e-3)
    check_scan(operands, 5e-3)  # whose call is no repetition of that


def test_views_that_negate():
    operands = draw_scan(SCANS[0], 2, 100)
    expected = mamba_chunk_scan_combined(**{**operands, "x": -operands["x"]})
    for _ in range(2):
        found = mamba_chunk_scan_combined(**{**operands, "x": torch._neg_view(operands["x"])})
        assert torch.equal(found, expected)


def test_gradients():
    operands = draw_scan(SCANS[0], 1, 8)
    mamba_chunk_scan_combined(**operands)
    for name in ("x", "A", "dt_bias"):
        wanting = {**operands, name: operands[name].clone().requires_grad_()}
        with pytest.raises(NotImplementedError, match=f"{name} .*no backward"):
            mamba_chunk_scan_combined(**wanting)
        with torch.no_grad():
            mamba_chunk_scan_combined(**wanting)


def test_mixed_devices():
    operands = draw_scan(SCANS[0], 1, 8)
    for _ in range(2):
        with pytest.raises(ssd_mlir.ArgumentError,
                           match="B is on device cpu, but the call is on cuda:0"):
            mamba_chunk_scan_combined(**{**operands, "B": operands["B"].cpu()})
        with pytest.raises(ssd_mlir.ArgumentError, match="A is no tensor"):
            mamba_chunk_scan_combined(**{**operands,
                                         "A": operands["A"].cpu().numpy()})
        mamba_chunk_scan_combined(**operands)
    with pytest.raises(ssd_mlir.ArgumentError, match="on device cuda:0, but the "
                                                     "call is on cpu"):
        mamba_chunk_scan_combined(**{**operands, "x": operands["x"].cpu()})


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus():
    operands = draw_scan(SCANS[0], 1, 100)
    expected = mamba_chunk_scan_combined(**operands)
    moved = {k: v.to("cuda:1") if isinstance(v, torch.Tensor) else v
             for k, v in operands.items()}
    y = mamba_chunk_scan_combined(**moved)
    assert y.device == torch.device("cuda:1")
    assert torch.equal(y.cpu(), expected.cpu())
    with pytest.raises(ssd_mlir.ArgumentError, match="all tensors must be on one"):
        mamba_chunk_scan_combined(**{**operands, "x": moved["x"]})


def test_types():
    operands = draw_scan(SCANS[0], 1, 8)
    for name, dtype, message in (("B", torch.float16, "B is f16, but x is bf16"),
                                 ("x", torch.float64, "x must be float32"),
                                 ("dt", torch.int32, "dt must be float32")):
        with pytest.raises(ssd_mlir.ArgumentError, match=message):
            mamba_chunk_scan_combined(**{**operands,
                                         name: operands[name].to(dtype)})
        check_scan(operands, 5e-3)


# -- traced ------------------------------------------------------------------


def test_compiled():
    def both(state, scan, update):
        y, after = mamba_chunk_scan_combined(**scan, return_final_states=True)
        return y * 2, after + 1, selective_state_update(state, **update)

    shape = UPDATES[0]
    scan, update = draw_scan(SCANS[0], 2, 130), draw_update(shape, 3)
    state = draw_states(shape, 3)
    held = state.clone()
    torch._dynamo.reset()
    compiled = torch.compile(both, fullgraph=True)
    for found, expected in zip(compiled(held, scan, update),
                               both(state, scan, update)):
        torch.testing.assert_close(found, expected)
    torch.testing.assert_close(held, state)


@pytest.mark.parametrize("strict", [False, True])
def test_exported(strict):
    names = ("x", "dt", "A", "B", "C")

    class Model(torch.nn.Module):
        def forward(self, *values):
            return mamba_chunk_scan_combined(*values, return_final_states=True)

    operands = draw_scan(Scan(8, 1, 64, 128), 2, 130)
    values = tuple(operands[name] for name in names)
    program = torch.export.export(Model(), values, strict=strict)
    for found, expected in zip(program.module()(*values), Model()(*values)):
        assert torch.equal(found, expected)


def test_opcheck():
    from ssd_mlir import _torch_operators as registered

    scan = draw_scan(Scan(8, 1, 64, 128), 2, 130)
    torch.library.opcheck(registered._scan, (
        scan["x"], scan["dt"], scan["A"], scan["B"], scan["C"], 64, None,
        scan["x"].clone(), None, None, None, None, True, 0.0, float("inf"), True,
        False, "auto"))
    shape = Update((8, 64), 128)
    update = draw_update(shape, 3)
    torch.library.opcheck(registered._update, (
        draw_states(shape, 3), update["x"], update["dt"], update["A"], update["B"],
        update["C"], update["D"], None, update["dt_bias"], True, None))


# -- where the tensors are -----------------------------------------------------


def test_program_for_a_cpu_and_gpus():
    """One artifact: calls run where their tensors are."""
    shape = Scan(4, 1, 64, 128, dt_dtype="f32", softplus=True, initial=True)
    text, names = write_operator(shape)
    program = ssd_mlir.compile(text, target="cpu,sm_90a,sm_80")
    operands = draw_scan(shape, 2, 200)
    expected = reference_scan(**operands)
    operands["initial_state"] = operands.pop("initial_states")
    inputs = [operands[name] for name in names]
    stays = [value.cpu() for value in inputs]
    for _ in range(2):
        for given in (inputs, stays):
            results = program.call(ENTRY, *given)
            for found, wanted in zip(results, expected):
                assert found.device == given[0].device
                assert error_ratio(found.to(wanted.device), wanted) <= 5e-3
        with pytest.raises(ssd_mlir.ArgumentError, match="on device cpu"):
            program.call(ENTRY, inputs[0], *stays[1:])
