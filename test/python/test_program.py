# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs, states and calls, on artifacts made by hand."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import ssd_mlir

#===----------------------------------------------------------------------===#
# Loading
#===----------------------------------------------------------------------===#


def test_description(model):
    assert list(model.entries) == ["logits", "prefill", "step"]
    assert model.target == "x86-64"
    assert model.metadata == {"eos_token_id": [7, 0]}
    ids = model.entries["step"].inputs[0]
    assert (ids.name, ids.dtype, ids.shape, ids.range) == ("ids", "i64", (-1,),
                                                           (0, 15))
    assert [a.name for a in model.entries["step"].states] == ["sum"]
    assert model.describe()["entries"][0]["name"] == "logits"
    assert model.mixers()[0]["form"] == "#ssd.chunked<chunk = 128>"
    assert "model.so" in repr(model)


def test_missing_files(artifacts, tmp_path):
    with pytest.raises(FileNotFoundError, match="no artifact .*absent.so"):
        ssd_mlir.load(tmp_path / "absent.so")
    with pytest.raises(FileNotFoundError, match="no weights .*absent"):
        ssd_mlir.load(artifacts / "model.so", weights=tmp_path / "absent")
    with pytest.raises(ssd_mlir.Error):
        ssd_mlir.load(artifacts / "model.so", weights=tmp_path)


def test_no_artifact(artifacts, tmp_path):
    text = tmp_path / "text.so"
    text.write_text("not an ELF file, though long enough to have been one " * 9)
    with pytest.raises(ssd_mlir.ArtifactError, match="text.so"):
        ssd_mlir.load(text)
    with pytest.raises(ssd_mlir.Error):
        ssd_mlir.load(sys.executable)
    whole = (artifacts / "model.so").read_bytes()
    for size in (0, 3, 64, len(whole) // 2):
        (tmp_path / "cut.so").write_bytes(whole[:size])
        with pytest.raises(ssd_mlir.Error):
            ssd_mlir.load(tmp_path / "cut.so")


def test_truncated_weights(artifacts, tmp_path):
    whole = (artifacts / "weights" / "model.safetensors").read_bytes()
    for size in (0, 7, 20, len(whole) - 1):
        (tmp_path / "model.safetensors").write_bytes(whole[:size])
        with pytest.raises(ssd_mlir.Error, match="model.safetensors"):
            ssd_mlir.load(artifacts / "model.so", weights=tmp_path)


def test_wrong_weights(artifacts, tmp_path):
    from safetensors.numpy import save_file

    save_file({"weight": np.ones(15, np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(ssd_mlir.Error, match="weight"):
        ssd_mlir.load(artifacts / "model.so", weights=tmp_path)
    save_file({"other": np.ones(16, np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(ssd_mlir.Error, match="weight"):
        ssd_mlir.load(artifacts / "model.so", weights=tmp_path)


def test_without_weights(artifacts):
    program = ssd_mlir.load(artifacts / "model.so")
    with pytest.raises(ssd_mlir.Error, match="weight"):
        program.logits([1])
    program.bind("weight", np.full(16, 2.0, np.float32))
    assert program.logits([1])[0, 0, 0] == -4
    with pytest.raises(ssd_mlir.Error, match="absent"):
        program.bind("absent", np.ones(3, np.float32))


def test_replaced_artifact(artifacts, tmp_path):
    """Loading a path again gives what is there now, also while the program that
    was there before is still in use."""
    path = tmp_path / "program.so"
    programs = []
    for name in ("model", "shifted"):
        staged = tmp_path / "staged"
        staged.write_bytes((artifacts / f"{name}.so").read_bytes())
        os.replace(staged, path)
        programs.append(ssd_mlir.load(path, artifacts / "weights"))
    assert [int(p.logits([3]).argmax()) for p in programs] == [4, 5]


#===----------------------------------------------------------------------===#
# call
#===----------------------------------------------------------------------===#


def test_call(entries):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 5, 4)).astype(np.float32)
    y = rng.standard_normal((3, 5, 4)).astype(np.float32)
    total, difference = entries.call("add", x, y)
    np.testing.assert_array_equal(total, x + y)
    np.testing.assert_array_equal(difference, x - y)


def _views(x):
    """The values of x [3, 5, 4] in every layout."""
    wide = np.zeros((3, 5, 9), np.float32)
    wide[..., 2:6] = x
    reversed_ = np.ascontiguousarray(x[:, ::-1])[:, ::-1]
    transposed = np.ascontiguousarray(x.transpose(2, 1, 0)).transpose(2, 1, 0)
    frozen = x.copy()
    frozen.flags.writeable = False
    unaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view(np.float32)
    unaligned = unaligned.reshape(x.shape)
    unaligned[...] = x
    record = np.zeros((3, 5), np.dtype([("a", "i1"), ("v", "f4", 4)]))
    record["v"] = x
    return {"wide": wide[..., 2:6], "reversed": reversed_,
            "transposed": transposed, "frozen": frozen, "unaligned": unaligned,
            "record": record["v"], "big-endian": x.astype(">f4")}


@pytest.mark.parametrize("layout", ["wide", "reversed", "transposed", "frozen",
                                    "unaligned", "record", "big-endian"])
def test_layouts(entries, layout):
    x = np.random.default_rng(1).standard_normal((3, 5, 4)).astype(np.float32)
    view = _views(x)[layout]
    for a, b in ((view, x), (x, view), (view, view)):
        total, _ = entries.call("add", a, b)
        np.testing.assert_array_equal(total, x + x)


def test_broadcast(entries):
    row = np.arange(4, dtype=np.float32)
    x = np.broadcast_to(row, (3, 5, 4))
    total, _ = entries.call("add", x, x)
    np.testing.assert_array_equal(total, np.broadcast_to(2 * row, (3, 5, 4)))


def test_empty(entries):
    x = np.zeros((3, 0, 4), np.float32)
    total, difference = entries.call("add", x, x)
    assert total.shape == difference.shape == (3, 0, 4)


@pytest.mark.parametrize("dtype", ["f32", "f64", "f16", "i32", "i64", "bf16"])
def test_types(entries, dtype):
    import ml_dtypes

    types = {"f32": np.float32, "f64": np.float64, "f16": np.float16,
             "i32": np.int32, "i64": np.int64, "bf16": ml_dtypes.bfloat16}
    x = np.arange(-3, 4).astype(types[dtype])
    y = entries.call(f"copy_{dtype}", x)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, x)
    other = "copy_f32" if dtype != "f32" else "copy_f64"
    with pytest.raises(ValueError, match="type"):
        entries.call(other, x)


def test_out(entries):
    y = np.zeros(5, np.float32)
    assert entries.call("made_up", out=[y]) is y
    np.testing.assert_array_equal(y, np.arange(5))
    with pytest.raises(ValueError, match="do not follow from the inputs"):
        entries.call("made_up")
    frozen = np.zeros(5, np.float32)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        entries.call("made_up", out=[frozen])
    with pytest.raises(ValueError, match="1 results, but out= has 2"):
        entries.call("made_up", out=[y, y])


def test_bad_calls(entries):
    x = np.zeros((3, 5, 4), np.float32)
    with pytest.raises(LookupError, match="no entry 'subtract'; it has add"):
        entries.call("subtract", x)
    with pytest.raises(ValueError, match=r"takes 2 arrays \(x, y\), not 1"):
        entries.call("add", x)
    with pytest.raises(ValueError, match="rank"):
        entries.call("add", x[0], x)
    with pytest.raises(ValueError, match="must be equal"):
        entries.call("add", x, x[:2])
    with pytest.raises(ValueError, match="shape"):
        entries.call("add", x[..., :3], x)
    with pytest.raises(ValueError, match="f64|float64"):
        entries.call("add", x.astype(np.float64), x)
    with pytest.raises(ValueError, match="complex"):
        entries.call("add", x.astype(np.complex64), x)
    with pytest.raises(ValueError, match="no array"):
        entries.call("add", object(), x)
    with pytest.raises(ssd_mlir.ArtifactError):
        entries.call("fail", np.zeros(1, np.float32))


def test_workspace_grows(entries):
    for size in (10, 100_000, 3, 0, 1_000_000):
        x = np.arange(size, dtype=np.float32)
        np.testing.assert_array_equal(entries.call("scratch", x), x)


#===----------------------------------------------------------------------===#
# Threads
#===----------------------------------------------------------------------===#


@pytest.fixture
def restored_threads():
    before = ssd_mlir.get_num_threads()
    yield
    ssd_mlir.set_num_threads(before)


def test_num_threads(entries, restored_threads):
    x = np.zeros(64, np.float32)
    ssd_mlir.set_num_threads(1)
    assert ssd_mlir.get_num_threads() == 1
    assert entries.call("workers", x).max() == 0
    ssd_mlir.set_num_threads(3)
    assert set(entries.call("workers", x)) == {0, 1, 2}
    for bad in (0, -1, 1.5, True, "2", None):
        with pytest.raises(ValueError, match="number of threads"):
            ssd_mlir.set_num_threads(bad)
    assert ssd_mlir.get_num_threads() == 3


def test_threads_run_at_once(entries):
    """Half a second of sleep each: the GIL is released, contexts are apart."""
    states = [entries.new_state(2) for _ in range(4)]
    threads = [threading.Thread(target=entries.call, args=("count",),
                                kwargs={"state": s}) for s in states]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - start < 1.5
    for state in states:
        np.testing.assert_array_equal(state.tensors()["counter"], [1, 1])


def test_state_in_use(entries):
    state = entries.new_state(1)
    thread = threading.Thread(target=entries.call, args=("count",),
                              kwargs={"state": state})
    thread.start()
    time.sleep(0.2)
    with pytest.raises(ValueError, match="in use"):
        entries.call("count", state=state)
    thread.join()
    entries.call("count", state=state)
    assert state.tensors()["counter"][0] == 2


def test_results_of_many_threads(model):
    failures = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(50):
            ids = rng.integers(0, 16, (2, int(rng.integers(1, 9))))
            expected = (ids.cumsum(axis=1) + 1) % 16
            if not (model.logits(ids).argmax(-1) == expected).all():
                failures.append(seed)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_fork(entries):
    """Neither a new call nor the contexts of threads that the child lacks may
    wait for workers that the fork did not copy."""
    x = np.zeros(16, np.float32)
    entries.call("workers", x)
    called, stop = threading.Event(), threading.Event()

    def other():
        entries.call("workers", x)
        called.set()
        stop.wait()

    thread = threading.Thread(target=other)
    thread.start()
    called.wait()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            gc.collect()
            status = 0 if entries.call("workers", x).shape == (16,) else 2
        finally:
            os._exit(status)
    stop.set()
    thread.join()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    pytest.fail("the child of a fork hangs")


def test_exit_with_live_objects(artifacts):
    """Programs, states and threads that outlive main do no harm."""
    script = (
        "import ssd_mlir, threading, numpy as np, sys\n"
        "p = ssd_mlir.load(sys.argv[1], sys.argv[2])\n"
        "_, state = p.prefill([1, 2])\n"
        "views = state.tensors()\n"
        "del state, p\n"
        "print(views['sum'][0, 0])\n")
    result = subprocess.run(
        [sys.executable, "-c", script, artifacts / "model.so",
         artifacts / "weights"], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "3.0\n", "")


#===----------------------------------------------------------------------===#
# Models
#===----------------------------------------------------------------------===#


@pytest.mark.parametrize("ids", [
    [1, 2, 3], [[1, 2, 3]], (1, 2, 3), np.array([1, 2, 3]),
    np.array([1, 2, 3], np.int32), np.array([[1, 2, 3]], np.uint8),
    np.array([3, 2, 1])[::-1], np.array([1, 9, 2, 9, 3])[::2]])
def test_ids(model, ids):
    logits = model.logits(ids)
    assert logits.dtype == np.float32 and logits.shape == (1, 3, 16)
    np.testing.assert_array_equal(logits.argmax(-1), [[2, 4, 7]])


def test_bad_ids(model):
    for ids, message in [
            ([16], "between 0 and 15, but there is 16"),
            ([-1], "there is -1"), ([2**40 + 1], "there is 1099511627777"),
            (np.array([2**63], np.uint64), "there is 9223372036854775808"),
            ([1.0], "must be integers"), ([True], "must be integers"),
            ([[[1]]], r"shape \[1, 1, 1\]"), ([[1, 2], [3]], "no array"),
            ("abc", "ids"), (None, "ids"), (3, r"shape \[\]")]:
        for method in (model.logits, model.prefill, model.generate):
            with pytest.raises(ValueError, match=message):
                method(ids)
    for ids in ([], [[]], [[], []]):
        for method in (model.prefill, model.generate):
            with pytest.raises(ValueError, match="at least one token"):
                method(ids)
    assert model.logits([]).shape == (1, 0, 16)
    assert model.logits([[], []]).shape == (2, 0, 16)


def test_prefill_and_step(model):
    logits, state = model.prefill([[1, 2], [3, 4]])
    assert logits.shape == (2, 16) and state.batch == 2
    np.testing.assert_array_equal(logits.argmax(-1), [4, 8])
    again, same = model.step([5, 6], state)
    assert same is state
    np.testing.assert_array_equal(again.argmax(-1), [9, 14])
    model.step(np.array([[1], [1]]), state)
    model.prefill([[2, 2], [2, 2]], state)
    np.testing.assert_array_equal(state.tensors()["sum"], [[13, 6],
                                                           [18, 6]])
    _, single = model.prefill([1])
    model.step(3, single)
    assert single.tensors()["sum"][0, 0] == 4


def test_bad_steps(model):
    _, state = model.prefill([[1, 2], [3, 4]])
    for ids, message in [([1], "1 sequences, but the state is of 2"),
                         ([[1, 2]], "one token of each sequence"),
                         ([1, 16], "between 0 and 15")]:
        with pytest.raises(ValueError, match=message):
            model.step(ids, state)
    with pytest.raises(ValueError, match="1 sequences, but the state is of 2"):
        model.prefill([1], state)
    with pytest.raises(ValueError, match="needs the state"):
        model.step([1], None)
    with pytest.raises(ValueError, match="must be a ssd_mlir.State"):
        model.prefill([1], 5)
    assert state.tensors()["sum"][0, 0] == 3


def test_state(model, tmp_path):
    _, state = model.prefill([[1, 2], [3, 4]])
    copy = state.copy()
    model.step([5, 5], state)
    assert copy.tensors()["sum"][0, 0] == 3
    state.save(tmp_path / "state.safetensors")
    state.zero()
    assert not state.tensors()["sum"].any()
    assert copy.load(tmp_path / "state.safetensors") is copy
    np.testing.assert_array_equal(copy.tensors()["sum"], [[8, 3], [12, 3]])
    loaded = model.load_state(tmp_path / "state.safetensors")
    np.testing.assert_array_equal(model.step([0, 0], loaded)[0].argmax(-1),
                                  [9, 13])
    assert state.names == ["sum"]
    assert "2 sequences" in repr(state)


def test_bad_state_files(model, entries, tmp_path):
    state = model.new_state(1)
    with pytest.raises(FileNotFoundError, match="absent"):
        state.load(tmp_path / "absent")
    (tmp_path / "text").write_text("no state")
    with pytest.raises(ssd_mlir.Error, match="text"):
        state.load(tmp_path / "text")
    with pytest.raises(OSError):
        state.save(tmp_path / "no" / "such" / "folder")
    entries.new_state(1).save(tmp_path / "other")
    with pytest.raises(ssd_mlir.Error):
        state.load(tmp_path / "other")
    with pytest.raises(ssd_mlir.Error):
        model.new_state(-1)


def test_state_outlives_program(artifacts):
    program = ssd_mlir.load(artifacts / "model.so", artifacts / "weights")
    _, state = program.prefill([7])
    view = state.tensors()["sum"]
    del program, state
    assert view[0, 0] == 7
