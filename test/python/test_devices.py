# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs for a CPU and for GPUs, with a driver that is none."""

from __future__ import annotations

import numpy as np
import pytest

import ssd_mlir
from conftest import ROOT, compile_c
from ssd_mlir import _arrays, _compile, _explain
from test_compiler import COPY, MLIR, runs

X = np.arange(8, dtype=np.float32).reshape(2, 4)

SCAN = """
func.func @scan(%x: tensor<?x?x2x64xf32> {ssd.name = "x", ssd.dims = ["B", "L", "", ""]},
                %b: tensor<?x?x1x64xf32> {ssd.name = "b", ssd.dims = ["B", "L", "", ""]},
                %rate: tensor<2xf32> {ssd.name = "rate"},
                %state: tensor<?x2x64x64xf32> {ssd.state = "state"})
    -> (tensor<?x?x2x64xf32> {ssd.name = "y", ssd.dims = ["B", "L", "", ""]},
        tensor<?x2x64x64xf32> {ssd.state = "state"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = tensor.dim %x, %c0 : tensor<?x?x2x64xf32>
  %length = tensor.dim %x, %c1 : tensor<?x?x2x64xf32>
  %e = tensor.empty(%batch, %length) : tensor<?x?x2x64xf32>
  %y, %s = ssd.mix
      ins(%x, %b, %b : tensor<?x?x2x64xf32>, tensor<?x?x1x64xf32>, tensor<?x?x1x64xf32>)
      rate(%rate : tensor<2xf32>)
      outs(%e, %state : tensor<?x?x2x64xf32>, tensor<?x2x64x64xf32>)
  return %y, %s : tensor<?x?x2x64xf32>, tensor<?x2x64x64xf32>
}
"""


class Tensor:
    """What PyTorch would call a tensor on a GPU; the stand-in driver's memory is
    the CPU's."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.shape = values.shape

    def data_ptr(self) -> int:
        return self.values.ctypes.data

    def stride(self) -> tuple[int, ...]:
        return tuple(s // self.values.itemsize for s in self.values.strides)


class OnGpu(_arrays.Library):
    """Tensors on GPU 0."""

    gpu = 0

    def read(self, name, value):
        return _arrays.Array(value, "f32")

    def laid_out(self, array, strided):
        return array

    def empty(self, shape, dtype):
        return _arrays.Array(Tensor(np.empty(shape, np.float32)), dtype)

    def workspace(self, size):
        memory = np.empty(size + 64, np.uint8)
        return Tensor(memory[-memory.ctypes.data % 64:])


def call_on_gpu(program, values):
    library = OnGpu()
    x = library.read("x", Tensor(values))
    return program.call_arrays("scale", [x], library=library)[0].data.values


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("both")
    source = ROOT / "test" / "unit" / "runtime" / "artifacts" / "Both.c"
    return compile_c(source, folder / "both.so")


@pytest.fixture
def no_driver(monkeypatch):
    monkeypatch.setenv("SSD_CUDA_DRIVER", "/nowhere/libcuda.so")


def load(path):
    program = ssd_mlir.load(path)
    program.bind("weight", np.full(4, 2, np.float32))
    return program


def test_entries_are_listed_once(both, no_driver):
    program = load(both)
    assert {n: e.devices for n, e in program.entries.items()} == {
        "scale": ("cpu", "cuda"), "on_cpu": ("cpu",)}
    assert [e["device"] for e in program.describe()["entries"]] == [
        "cpu", "cpu", "cuda"]


def test_calls_run_where_their_tensors_are(both, driver):
    program = load(both)
    np.testing.assert_array_equal(program.call("scale", X), 2 * X)
    with pytest.raises(ValueError, match="'weight'.*ssd_program_bind"):
        call_on_gpu(program, X)
    program._native.bind("weight", Tensor(np.ones(4, np.float32)), "f32", 0)
    # The entry for GPUs copies, and launches a kernel that nothing runs.
    np.testing.assert_array_equal(call_on_gpu(program, X), X)
    np.testing.assert_array_equal(program.call("scale", X), 2 * X)
    state = program.new_state(2, device="cuda")
    assert state._native.device == "cuda"
    assert program.new_state(2)._native.device == "cpu"
    with pytest.raises(ValueError, match="'x' is on device cpu; expected cuda"):
        program.call("scale", X, state=state)
    with pytest.raises(ValueError, match="'cpu' or 'cuda', not 'gpu'"):
        program.new_state(2, device="gpu")


def test_states_stay_where_they_are(both, driver, tmp_path):
    program = load(both)
    state = program.new_state(2)
    program.call("scale", X, state=state)
    state.save(tmp_path / "state")
    assert program.load_state(tmp_path / "state")._native.device == "cpu"
    on_gpu = program.load_state(tmp_path / "state", device="cuda")
    assert on_gpu.load(tmp_path / "state")._native.device == "cuda"
    assert state.load(tmp_path / "state")._native.device == "cpu"


def test_without_a_driver(both, no_driver):
    program = load(both)
    np.testing.assert_array_equal(program.call("scale", X), 2 * X)
    with pytest.raises(ssd_mlir.Error,
                       match="needs an NVIDIA GPU.*driver can't be loaded"):
        call_on_gpu(program, X)


def test_compiled_for_both(compiler, no_driver):
    both = ssd_mlir.compile(SCAN, target="cpu,sm_80")
    assert both.entries["scan"].devices == ("cpu", "cuda")
    rng = np.random.default_rng(0)
    operands = (rng.standard_normal((2, 70, 2, 64), np.float32),
                rng.standard_normal((2, 70, 1, 64), np.float32),
                np.array([-0.1, -0.2], np.float32))
    alone = ssd_mlir.compile(SCAN, target="cpu")
    assert alone.entries["scan"].devices == ("cpu",)
    np.testing.assert_array_equal(both.call("scan", *operands),
                                  alone.call("scan", *operands))
    assert [m["device"] for m in both.mixers()] == ["cpu", "cuda"]
    assert "device" not in alone.mixers()[0]


def test_explain_names_the_device(compiler, no_driver, capsys):
    program = ssd_mlir.compile(SCAN, target="cpu,sm_80")
    _explain.explain(program.mixers(), "program", width=100)
    text = capsys.readouterr().out
    assert "scan on cpu, " in text and "scan on cuda, " in text


def test_chosen_kernels_and_forms(compiler, no_driver, tmp_path):
    """Of all mixers, or by a tuning spec, on either device."""
    program = ssd_mlir.compile(SCAN, target="cpu,sm_80", form="recurrent")
    assert [m["form"] for m in program.mixers()] == ["#ssd.recurrent", "recurrent"]
    spec = tmp_path / "spec.mlir"
    spec.write_text("""module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %mixers = transform.structured.match ops{["ssd.mix"]} attributes {heads = 2 : i64} in %m
        : (!transform.any_op) -> !transform.any_op
    %form = transform.param.constant #ssd.chunked<chunk = 32> -> !transform.any_param
    transform.annotate %mixers "form" = %form : !transform.any_op, !transform.any_param
    transform.yield
  }
}
""")
    program = ssd_mlir.compile(SCAN, target="cpu,sm_80", kernel="chunked_portable",
                               tuning_spec=spec)
    chosen = program.mixers()
    assert chosen[0]["form"].startswith("#ssd.chunked<chunk = 32")
    assert chosen[1]["form"].splitlines() == ["chunked_portable", "recurrent"]
    with pytest.raises(ssd_mlir.CompileError, match="names a kernel of GPUs"):
        ssd_mlir.compile(SCAN, kernel="chunked_portable")
    with pytest.raises(ssd_mlir.CompileError, match="there is no kernel 'fast'"):
        ssd_mlir.compile(SCAN, target="sm_80", kernel="fast")


def test_targets_that_do_not_go_together(compiler):
    with pytest.raises(ssd_mlir.CompileError, match="one CPU level"):
        ssd_mlir.compile(SCAN, target="x86-64-v3,x86-64-v4,sm_80")


def test_this_machine_s_code_is_not_another_s(fake_compiler, artifacts, tmp_path,
                                              monkeypatch, cache):
    fake_compiler(COPY.format(artifact=str(artifacts / "entries.so")))
    for expected, target in ((1, "cpu, sm_80"), (2, "x86-64-v3,sm_80")):
        ssd_mlir.compile(MLIR, target=target)
        assert runs(tmp_path) == expected
    monkeypatch.setattr(_compile, "host_identity", lambda: "another machine")
    for target in ("cpu, sm_80", "x86-64-v3,sm_80"):
        ssd_mlir.compile(MLIR, target=target)
    assert runs(tmp_path) == 3
