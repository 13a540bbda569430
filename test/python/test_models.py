# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models through the real compiler, against logits and tokens of transformers.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading

import numpy as np
import pytest

import ssd_mlir
from conftest import MODELS, model_copy
from reference import error_ratio
from ssd_mlir.__main__ import main

NAMES = ["kjv-mamba2", "mamba2-plain"]


class Golden:
    """What transformers computed."""

    def __init__(self, name: str) -> None:
        arrays = dict(np.load(MODELS / name / "golden.npz"))
        self.lengths = sorted(int(key.rpartition("_")[2]) for key in arrays
                              if key.startswith("input_ids_"))
        self.ids = {n: arrays[f"input_ids_{n}"] for n in self.lengths}
        self.logits = {n: arrays[f"logits_{n}"] for n in self.lengths}
        self.prompt, self.greedy = arrays["prompt"], arrays["greedy"]
        self.bf16_error = float(arrays["bf16_rms_of_transformers"])


@pytest.fixture(params=NAMES)
def name(request) -> str:
    return request.param


@pytest.fixture
def golden(name) -> Golden:
    return Golden(name)


@pytest.fixture
def program(compiler, name) -> ssd_mlir.Program:
    return ssd_mlir.compile(MODELS / name)


#===----------------------------------------------------------------------===#
# Numbers
#===----------------------------------------------------------------------===#


def test_logits(program, golden):
    for n in golden.lengths:
        logits = program.logits(golden.ids[n])
        assert logits.dtype == np.float32
        assert error_ratio(logits, golden.logits[n]) <= 1e-5


def test_greedy(program, golden):
    new = golden.greedy.shape[1] - golden.prompt.shape[1]
    result = program.generate(golden.prompt, max_new_tokens=new)
    np.testing.assert_array_equal(result, golden.greedy)


def test_bf16(compiler, name, golden):
    program = ssd_mlir.compile(MODELS / name, dtype="bf16")
    for n in golden.lengths:
        assert error_ratio(program.logits(golden.ids[n]),
                           golden.logits[n]) <= 1.1 * golden.bf16_error


def test_f16(compiler, name, golden):
    program = ssd_mlir.compile(MODELS / name, dtype="f16")
    n = golden.lengths[0]
    assert error_ratio(program.logits(golden.ids[n]),
                       golden.logits[n]) <= golden.bf16_error


@pytest.mark.parametrize("cuts", [(1, 2), (31,), (32, 33), (60, 64), (63,)])
def test_prefill_and_steps(program, golden, cuts):
    """Any split of a prompt leaves the same logits and the same state."""
    ids = golden.ids[golden.lengths[-1]][:, :66]
    expected = golden.logits[golden.lengths[-1]]
    whole, end = program.prefill(ids)
    assert error_ratio(whole, expected[:, ids.shape[1] - 1]) <= 1e-5
    state = None
    for part in np.split(ids, cuts, axis=1):
        logits, state = program.prefill(part, state)
    assert error_ratio(logits, whole) <= 1e-5
    _, state = program.prefill(ids[:, :cuts[0]])
    for t in range(cuts[0], ids.shape[1]):
        logits, state = program.step(ids[:, t], state)
        assert error_ratio(logits, expected[:, t]) <= 2e-5
    for key, value in end.tensors().items():
        assert error_ratio(state.tensors()[key], value) <= 2e-5


def test_rows_do_not_depend_on_the_batch(program, golden):
    ids = golden.ids[golden.lengths[0]][:1]
    one = program.logits(ids)
    other = (ids + 1) % (int(ids.max()) + 1)
    three = program.logits(np.concatenate([other, ids, other]))
    np.testing.assert_array_equal(three[1:2], one)


def test_repeatable_with_any_number_of_threads(program, golden):
    ids = golden.ids[golden.lengths[-1]]
    before = ssd_mlir.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3, 1):
            ssd_mlir.set_num_threads(threads)
            results.append(program.logits(ids))
    finally:
        ssd_mlir.set_num_threads(before)
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_several_threads(program, golden):
    ids = golden.ids[golden.lengths[0]]
    expected, tokens = program.logits(ids), program.generate(golden.prompt)
    failures = []

    def work():
        for _ in range(3):
            if not (program.logits(ids) == expected).all():
                failures.append("logits")
            if not (program.generate(golden.prompt) == tokens).all():
                failures.append("generate")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_empty_sequences(program):
    vocabulary = program.logits([[1], [1]]).shape[-1]
    assert program.logits(np.zeros((2, 0), np.int64)).shape == (2, 0, vocabulary)
    assert program.logits(np.zeros((0, 3), np.int64)).shape == (0, 3, vocabulary)


def test_saved_states(program, golden, tmp_path):
    ids = golden.ids[golden.lengths[0]]
    _, state = program.prefill(ids[:, :20])
    state.save(tmp_path / "state.safetensors")
    copy = state.copy()
    expected, _ = program.step(ids[:, 20], state)
    for other in (copy, program.load_state(tmp_path / "state.safetensors"),
                  program.new_state(7).load(tmp_path / "state.safetensors")):
        np.testing.assert_array_equal(program.step(ids[:, 20], other)[0],
                                      expected)


#===----------------------------------------------------------------------===#
# Artifacts and the command line
#===----------------------------------------------------------------------===#


def test_artifact_in_another_process(compiler, tmp_path, golden, name):
    out = tmp_path / "model.so"
    ssd_mlir.compile(MODELS / name, output=out)
    np.save(tmp_path / "prompt.npy", golden.prompt)
    script = ("import sys, numpy as np, ssd_mlir\n"
              "p = ssd_mlir.load(sys.argv[1], weights=sys.argv[2])\n"
              "print(p.generate(np.load(sys.argv[3])).tolist())\n")
    environment = {k: v for k, v in os.environ.items() if k != "SSD_MLIR_COMPILER"}
    result = subprocess.run(
        [sys.executable, "-c", script, out, MODELS / name,
         tmp_path / "prompt.npy"], capture_output=True, text=True, check=True,
        env={**environment, "PATH": ""})
    assert json.loads(result.stdout) == golden.greedy.tolist()


def test_command_line(compiler, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    model, out = str(MODELS / "kjv-mamba2"), str(tmp_path / "kjv.so")
    assert main(["compile", model, "-o", out]) == 0
    assert capsys.readouterr().out == out + "\n"
    texts = []
    for arguments in ([model], [out, "--weights", model]):
        assert main(["generate", *arguments, "--prompt", "In the beginning",
                     "--max-new-tokens", "40", "--seed", "1",
                     "--temperature", "0.8", "--top-k", "40"]) == 0
        text, report = capsys.readouterr()
        assert text.startswith("In the beginning") and "\ufffd" not in text
        assert re.search(r"generated \d+, [\d.]+ tokens/s", report)
        texts.append(text)
    assert texts[0] == texts[1]
    for path in (model, out):
        assert main(["explain", path]) == 0
        text = capsys.readouterr().out
        assert "prefill" in text and re.search("recurrent|chunked|quadratic", text)
    assert main(["describe", out]) == 0
    assert json.loads(capsys.readouterr().out)["metadata"]


#===----------------------------------------------------------------------===#
# Errors
#===----------------------------------------------------------------------===#


def test_ids_out_of_range(program):
    vocabulary = program.logits([1]).shape[-1]
    for bad in (-1, vocabulary):
        with pytest.raises(ValueError, match=f"there is {bad}"):
            program.logits([0, bad])


def change_config(folder, **changes):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config.update(changes)
    path.write_text(json.dumps(config))


def test_unknown_model_type(compiler, tmp_path):
    folder = model_copy("mamba2-plain", tmp_path)
    change_config(folder, model_type="transformer-xl")
    with pytest.raises(ssd_mlir.CompileError, match="transformer-xl"):
        ssd_mlir.compile(folder)


def test_truncated_safetensors(compiler, tmp_path):
    folder = model_copy("mamba2-plain", tmp_path)
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    for size in (0, 100, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ssd_mlir.Error, match="model.safetensors"):
            ssd_mlir.compile(folder)


def test_missing_files(compiler, tmp_path):
    folder = model_copy("mamba2-plain", tmp_path)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ssd_mlir.Error, match="safetensors"):
        ssd_mlir.compile(folder)
    (folder / "config.json").unlink()
    with pytest.raises(ssd_mlir.Error, match="config.json"):
        ssd_mlir.compile(folder)


def test_contradicting_config(compiler, tmp_path):
    folder = model_copy("mamba2-plain", tmp_path)
    change_config(folder, state_size=17)
    with pytest.raises(ssd_mlir.Error):
        ssd_mlir.compile(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ssd_mlir.Error, match="config.json"):
        ssd_mlir.compile(folder)


def test_weights_of_another_model(compiler, tmp_path):
    out = tmp_path / "model.so"
    ssd_mlir.compile(MODELS / "mamba2-plain", output=out)
    with pytest.raises(ssd_mlir.Error):
        ssd_mlir.load(out, weights=MODELS / "kjv-mamba2")
    program = ssd_mlir.load(out)
    with pytest.raises(ssd_mlir.Error, match="weight|parameter|bound"):
        program.logits([1])


@pytest.mark.parametrize("text, message", [
    ("func.func @f(", "expected"),
    ("func.func @f() {\n  ssd.no_such_op\n  return\n}\n", "no_such_op"),
    ("func.func @f(%x: tensor<2xf32>) -> tensor<3xf32> {\n"
     "  return %x : tensor<2xf32>\n}\n", "type"),
    ("not MLIR\n", None)])
def test_malformed_mlir(compiler, text, message):
    with pytest.raises(ssd_mlir.Error, match=message):
        ssd_mlir.compile(text)


def test_malformed_files_are_named(compiler, tmp_path):
    (tmp_path / "broken.mlir").write_text("func.func @f(\n")
    with pytest.raises(ssd_mlir.CompileError, match=r"broken\.mlir:1:14: error"):
        ssd_mlir.compile(tmp_path / "broken.mlir")


def test_verifier_errors(compiler):
    """The label of the broken rule reaches Python."""
    text = """
func.func @f(%x: tensor<1x8x3x4xf32>, %b: tensor<1x8x2x4xf32>,
             %y: tensor<1x8x3x4xf32>, %s: tensor<1x3x4x4xf32>)
    -> (tensor<1x8x3x4xf32>, tensor<1x3x4x4xf32>) {
  %0, %1 = ssd.mix ins(%x, %b, %b : tensor<1x8x3x4xf32>, tensor<1x8x2x4xf32>,
                       tensor<1x8x2x4xf32>)
      outs(%y, %s : tensor<1x8x3x4xf32>, tensor<1x3x4x4xf32>)
  return %0, %1 : tensor<1x8x3x4xf32>, tensor<1x3x4x4xf32>
}
"""
    with pytest.raises(ssd_mlir.CompileError, match="MIX2") as caught:
        ssd_mlir.compile(text)
    assert caught.value.returncode > 0


def test_bad_target(compiler):
    with pytest.raises(ssd_mlir.CompileError, match="pdp-11"):
        ssd_mlir.compile("func.func @f() { return }\n", target="pdp-11")


#===----------------------------------------------------------------------===#
# Hand-written modules
#===----------------------------------------------------------------------===#

TWO_ENTRIES = """
func.func @twice(%x: tensor<?x4xf32> {ssd.name = "x", ssd.dims = ["B", ""]})
    -> (tensor<?x4xf32> {ssd.name = "y", ssd.dims = ["B", ""]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %y = linalg.add ins(%x, %x : tensor<?x4xf32>, tensor<?x4xf32>)
      outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// Linear attention: no decay, no scale.
func.func @attend(%x: tensor<1x?x2x4xf32> {ssd.name = "x", ssd.dims = ["", "L", "", ""]},
                  %b: tensor<1x?x1x3xf32> {ssd.name = "b", ssd.dims = ["", "L", "", ""]},
                  %c: tensor<1x?x1x3xf32> {ssd.name = "c", ssd.dims = ["", "L", "", ""]},
                  %s: tensor<1x2x4x3xf32> {ssd.name = "s"})
    -> (tensor<1x?x2x4xf32> {ssd.name = "y", ssd.dims = ["", "L", "", ""]},
        tensor<1x2x4x3xf32> {ssd.name = "end"}) {
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c1 : tensor<1x?x2x4xf32>
  %e = tensor.empty(%n) : tensor<1x?x2x4xf32>
  %y, %t = ssd.mix ins(%x, %b, %c : tensor<1x?x2x4xf32>, tensor<1x?x1x3xf32>, tensor<1x?x1x3xf32>)
      outs(%e, %s : tensor<1x?x2x4xf32>, tensor<1x2x4x3xf32>)
  return %y, %t : tensor<1x?x2x4xf32>, tensor<1x2x4x3xf32>
}
"""


def test_entries_of_a_module(compiler):
    program = ssd_mlir.compile(TWO_ENTRIES)
    assert sorted(program.entries) == ["attend", "twice"]
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(program.call("twice", x), 2 * x)
    rng = np.random.default_rng(0)
    x, b, c, s = (rng.standard_normal(shape).astype(np.float32) for shape in
                  ((1, 9, 2, 4), (1, 9, 1, 3), (1, 9, 1, 3), (1, 2, 4, 3)))
    before = s.copy()
    y, end = program.call("attend", x, b, c, s)
    states = s[0] + np.cumsum(np.einsum("lhp,ln->lhpn", x[0], b[0, :, 0]), axis=0)
    expected = np.einsum("lhpn,ln->lhp", states, c[0, :, 0])[None]
    assert error_ratio(y, expected) <= 1e-5
    assert error_ratio(end[0], states[-1]) <= 1e-5
    np.testing.assert_array_equal(s, before)
