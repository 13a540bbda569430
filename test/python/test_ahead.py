# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators compiled ahead: afterwards, calls as engines make them compile nothing."""

from __future__ import annotations

import json
import math
import re

import ml_dtypes
import numpy as np
import pytest

import ssd_mlir
from ssd_mlir import _arrays, _cache, _compile, _operators
from ssd_mlir.__main__ import main
from ssd_mlir._layers import KNOWN, Layer, find_layer
from conftest import FOLDER

BF16 = np.dtype(ml_dtypes.bfloat16)
INFINITY = {"__float__": "Infinity"}

# A step without a norm before it takes the gate, in transformers only here.
FALCON = {"model_type": "falcon_h1", "mamba_n_heads": 8, "mamba_d_head": 4,
          "mamba_n_groups": 2, "mamba_d_state": 16, "mamba_rms_norm": False,
          "time_step_limit": [0.25, INFINITY]}


def write_config(folder, config):
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


@pytest.fixture
def counted(fake_compiler, tmp_path):
    """The compiler that goes through C. Returns a function: how often it has run."""
    fake_compiler(f"""
open({str(tmp_path / 'runs')!r}, 'a').write('x')
os.execv(sys.executable, [sys.executable, {str(FOLDER / 'operator_compiler.py')!r}, *options])
""")
    path = tmp_path / "runs"
    return lambda: len(path.read_text()) if path.exists() else 0


#===----------------------------------------------------------------------===#
# What engines call
#===----------------------------------------------------------------------===#


class Engine:
    """Operands as an engine has them; what they hold is of no interest."""

    def __init__(self, heads, head_dim, groups, n, dtype=BF16):
        self.state_shape = (heads, head_dim, n)
        self.dtype = dtype
        self.sizes = {"x": (heads, head_dim), "dt": (heads,), "B": (groups, n),
                      "C": (groups, n), "z": (heads, head_dim)}
        self.A = -np.ones(heads, np.float32)
        self.parameters = {"D": np.ones(heads, dtype),
                           "dt_bias": np.ones(heads, dtype)}

    def scan(self, *tokens, z=False, **options):
        names = ["x", "dt", "B", "C", *(["z"] if z else [])]
        operands = {name: np.ones((*tokens, *self.sizes[name]), self.dtype)
                    for name in names}
        return ssd_mlir.mamba_chunk_scan_combined(
            **operands, A=self.A, chunk_size=256, **self.parameters,
            dt_softplus=True, **options)

    def step(self, batch, rows, state, z=False, **options):
        names = ["x", "dt", "B", "C", *(["z"] if z else [])]
        operands = {name: np.ones((batch, *self.sizes[name]), self.dtype)
                    for name in names}

        def to_channels(value):
            return np.broadcast_to(value[..., None],
                                   (*value.shape, self.state_shape[1]))

        operands["dt"] = to_channels(operands["dt"])
        rate = np.broadcast_to(self.A[:, None, None], self.state_shape)
        return ssd_mlir.selective_state_update(
            np.zeros((rows, *self.state_shape), state), **operands, A=rate,
            dt_softplus=True, **options,
            **{name: to_channels(v) for name, v in self.parameters.items()})


def serve(engine, limits):
    """Every call that engines are known to make of a layer without a norm."""
    # transformers; what goes with a cache has a final state.
    engine.scan(2, 5, dt_limit=limits)
    engine.scan(1, 7, dt_limit=limits, return_final_states=True)
    engine.scan(2, 5, dt_limit=list(limits), return_final_states=True,
                initial_states=np.zeros((2, *engine.state_shape), np.float32))
    engine.step(2, 2, np.float32)
    engine.step(2, 2, np.float32, z=True)
    # mamba_ssm
    engine.scan(1, 7, z=True, dt_limit=limits, return_final_states=True)
    engine.step(3, 3, engine.dtype)
    engine.step(3, 3, engine.dtype, z=True)
    # vLLM, SGLang
    packed = {"seq_idx": np.array([[0, 0, 1, 1, 1]], np.int32),
              "cu_seqlens": np.array([0, 2, 5], np.int32),
              "return_varlen_states": True}
    engine.scan(1, 5, **packed)
    engine.scan(1, 5, **packed, initial_states=np.zeros(
        (1, *engine.state_shape), np.float32))
    for state in (np.float32, BF16, np.float16):
        engine.step(2, 6, state, state_batch_indices=np.array([4, 1]))


@pytest.mark.parametrize("target", ["cpu", "sm_90a"])
def test_calls_compile_nothing(counted, tmp_path, monkeypatch, target, capsys):
    model = write_config(tmp_path, FALCON)
    assert main(["operators", model, "--tensor-parallel", "1,4", "--target",
                 target]) == 0
    compiled = counted()
    assert f"scan, {target}" in capsys.readouterr().out
    monkeypatch.setattr(_arrays.Library, "target", target)
    # With four ranks each has two heads of one group, which two ranks share.
    for sizes in ((8, 4, 2, 16), (2, 4, 1, 16)):
        serve(Engine(*sizes), (0.25, math.inf))
    assert counted() == compiled
    # And nothing was compiled that no call is for.
    assert len(_operators._operators) == compiled
    # Once more there is nothing to do.
    assert main(["operators", model, "--tensor-parallel", "1,4", "--target",
                 target]) == 0
    assert counted() == compiled


def test_types_of_x(counted, tmp_path, monkeypatch):
    model = write_config(tmp_path, FALCON)
    assert main(["operators", model, "--tensor-parallel", "1", "--target", "cpu",
                 "--dtype", "f32"]) == 0
    compiled = counted()
    serve(Engine(8, 4, 2, 16, np.float32), (0.25, math.inf))
    assert counted() == compiled == len(_operators._operators)


#===----------------------------------------------------------------------===#
# Where they are found
#===----------------------------------------------------------------------===#


@pytest.fixture
def shipped(counted, tmp_path, monkeypatch):
    """A package that comes with operators for Falcon's layer, on one rank."""
    folder = tmp_path / "package" / "operators"
    assert main(["operators", write_config(tmp_path, FALCON), "--target", "cpu",
                 "--tensor-parallel", "1", "-o", str(folder), "--jobs", "2"]) == 0
    monkeypatch.setattr(_cache, "SHIPPED", folder)
    monkeypatch.setattr(_cache, "_unusable", set())
    return folder


def test_shipped(shipped, counted, cache):
    files = sorted(shipped.iterdir())
    assert len(files) == counted() and {f.suffix for f in files} == {".so"}
    compiled = counted()
    serve(Engine(8, 4, 2, 16), (0.25, math.inf))
    assert counted() == compiled and not cache.exists()
    ssd_mlir.clear_cache()
    assert sorted(shipped.iterdir()) == files
    Engine(4, 4, 2, 16).scan(1, 5)  # another shape
    assert counted() == compiled + 1
    assert ssd_mlir.cache_info().entries == 1
    assert sorted(shipped.iterdir()) == files


def test_shipped_by_another_compiler(shipped, counted, tmp_path, cache):
    compiled = counted()
    compiler = tmp_path / "ssd-compile"
    compiler.write_text(compiler.read_text() + "# another build\n")
    Engine(8, 4, 2, 16).step(2, 2, np.float32)
    assert counted() == compiled + 1
    assert ssd_mlir.cache_info().entries == 1


def test_shipped_and_damaged(shipped, counted, cache):
    compiled = counted()
    for path in shipped.iterdir():
        path.write_bytes(b"damaged")
    for _ in range(2):
        Engine(8, 4, 2, 16).step(2, 2, np.float32)
        assert counted() == compiled + 1
        _operators.forget()
    # What belongs to the package stays as it is.
    assert {p.read_bytes() for p in shipped.iterdir()} == {b"damaged"}


def test_shipped_for_a_newer_driver(shipped, counted, monkeypatch):
    def load(path):
        if _cache.is_shipped(path):
            raise ssd_mlir.DeviceError("no kernel image")
        return Program(path)

    Program, compiled = _compile.Program, counted()
    monkeypatch.setattr(_compile, "Program", load)
    Engine(8, 4, 2, 16).step(2, 2, np.float32)
    assert counted() == compiled + 1


def test_folder_as_cache(shipped, counted, monkeypatch, tmp_path):
    monkeypatch.setattr(_cache, "SHIPPED", tmp_path / "none")
    monkeypatch.setenv("SSD_MLIR_CACHE", str(shipped))
    compiled = counted()
    serve(Engine(8, 4, 2, 16), (0.25, math.inf))
    assert counted() == compiled


#===----------------------------------------------------------------------===#
# Failures
#===----------------------------------------------------------------------===#


def test_one_that_fails(fake_compiler, artifacts, tmp_path, capsys):
    fake_compiler(f"""
if '%slots' in sys.stdin.read(): sys.exit('out of slots')
shutil.copy({str(artifacts / 'entries.so')!r}, output)
""")
    folder = tmp_path / "made"
    assert main(["operators", "mamba2-130m", "--tensor-parallel", "1", "-o",
                 str(folder)]) == 1
    out, err = capsys.readouterr()
    assert len(list(folder.iterdir())) == 6  # of nine
    assert err.endswith("3 of 9 operators could not be compiled\n")
    assert err.count("out of slots") == 3
    assert ("step of 24 heads of 64, 1 groups, state dimension 128, bf16, for "
            "sm_90a: ssd-compile failed") in err
    row = next(line for line in out.splitlines() if "step, sm_90a" in line)
    assert row.split()[2:5] == ["5", "2", "3"]


def test_without_a_compiler(tmp_path, capsys, monkeypatch, cache):
    monkeypatch.setenv("SSD_MLIR_COMPILER", str(tmp_path / "absent"))
    assert main(["operators", "mamba2-130m"]) == 1
    out, err = capsys.readouterr()
    assert err.count("there is no executable ssd-compile") == 1 and not out


@pytest.mark.parametrize("change, message", [
    ({"model_type": "jamba"}, "type 'jamba' is none of mamba2, .*num_heads"),
    ({"model_type": None}, "type None is none"),
    ({"mamba_n_heads": None, "mamba_d_state": None},
     "type falcon_h1 needs the fields mamba_n_heads, mamba_d_state$"),
    ({"mamba_d_head": "auto"}, "mamba_d_head must be .* not 'auto'"),
    ({"mamba_n_heads": 0}, "mamba_n_heads must be a positive integer, not 0"),
    ({"mamba_n_groups": True}, "mamba_n_groups must be"),
    ({"mamba_n_groups": 3}, "3 groups must divide the 8 heads"),
    ({"time_step_limit": ["x", 1]}, "time_step_limit must be"),
    ({"time_step_limit": [1]}, "time_step_limit must be")])
def test_bad_configurations(tmp_path, counted, capsys, change, message):
    config = {k: v for k, v in {**FALCON, **change}.items() if v is not None}
    folder = write_config(tmp_path, config)
    with pytest.raises(ssd_mlir.ArgumentError, match=message):
        find_layer(folder)
    assert main(["operators", folder]) == 1
    out, err = capsys.readouterr()
    assert err.startswith(f"ssd-mlir: {folder}/config.json: ") and not out
    assert counted() == 0


def test_bad_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="'no-model' is no directory.*"
                       "known models: mamba2-130m, .*zamba2-7b"):
        find_layer("no-model")
    with pytest.raises(OSError, match="cannot read .*config.json"):
        find_layer(str(tmp_path))
    config = tmp_path / "config.json"
    for content, message in ((b"{", "no JSON"), (b"\xff", "no JSON"),
                             (b"[]", "no configuration")):
        config.write_bytes(content)
        with pytest.raises(ssd_mlir.ArgumentError, match=message):
            find_layer(str(config))


@pytest.mark.parametrize("model, ranks, message", [
    ("mamba2-130m", "1,16", "mamba2-130m: 24 heads .* 16 ranks"),
    ("nemotron-3-nano-4b", "3", "nemotron-3-nano-4b: 8 groups .* 3 ranks")])
def test_ranks_that_do_not_divide(counted, capsys, model, ranks, message):
    assert main(["operators", model, "--tensor-parallel", ranks]) == 1
    assert re.match(f"ssd-mlir: {message}", capsys.readouterr().err)
    assert counted() == 0


def test_usual_ranks_that_do_not_divide(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    model = write_config(tmp_path, {**FALCON, "mamba_n_heads": 12,
                                    "mamba_n_groups": 1})
    assert main(["operators", "--list", model]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[1:] for line in out.splitlines()[1:]] == [
        [str(ranks), str(12 // ranks), "4", "1", "16", "12"] for ranks in (1, 2, 4)]
    assert err == f"ssd-mlir: {model}: 12 heads cannot be shared by 8 ranks: left out\n"


def test_bad_options(tmp_path, counted, capsys):
    for options in (["--target", "sm_90"], ["--target", "cpu,sm_100a"],
                    ["--tensor-parallel", "0"], ["--tensor-parallel", "two"],
                    ["--jobs", "0"], ["--dtype", "f64"]):
        with pytest.raises(SystemExit):
            main(["operators", "mamba2-130m", *options])
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "in", "/proc/operators"):
        assert main(["operators", "mamba2-130m", "-o", str(folder)]) == 1
        assert f"cannot make the folder '{folder}'" in capsys.readouterr().err
    assert counted() == 0


#===----------------------------------------------------------------------===#
# Layers
#===----------------------------------------------------------------------===#


@pytest.mark.parametrize("config, layer", [
    ({"model_type": "mamba2", "num_heads": 24, "head_dim": 64, "n_groups": 1,
      "state_size": 128, "time_step_limit": [0.0, INFINITY]}, KNOWN["mamba2-130m"]),
    ({"model_type": "mamba2", "num_heads": 24, "head_dim": 64, "n_groups": 1,
      "state_size": 128}, KNOWN["mamba2-130m"]),
    ({"model_type": "bamba", "mamba_n_heads": 128, "mamba_d_head": 64,
      "mamba_n_groups": 1, "mamba_d_state": 128, "time_step_limit": None},
     KNOWN["bamba-9b"]),
    ({"model_type": "granitemoehybrid", "mamba_n_heads": 48, "mamba_d_head": 32,
      "mamba_n_groups": 1, "mamba_d_state": 128, "time_step_limit": [0.0, math.inf]},
     KNOWN["granite-4.0-h-350m"]),
    ({**FALCON, "mamba_rms_norm": True, "time_step_limit": [0, 2]},
     Layer(8, 4, 2, 16, (0.0, 2.0))),
    # head_dim is the attention's.
    ({"model_type": "nemotron_h", "mamba_num_heads": 96, "mamba_head_dim": 80,
      "head_dim": 128, "n_groups": 8, "ssm_state_size": 128, "time_step_min": 0.001},
     KNOWN["nemotron-3-nano-4b"]),
    ({"model_type": "zamba2", "n_mamba_heads": 80, "mamba_headdim": 64,
      "mamba_ngroups": 1, "mamba_d_state": 64, "time_step_min": 0.001},
     KNOWN["zamba2-2.7b"])], ids=lambda value: dict(value).get("model_type")
    if isinstance(value, dict) else "")
def test_configurations(tmp_path, config, layer):
    folder = write_config(tmp_path, config)
    assert find_layer(folder) == find_layer(f"{folder}/config.json") == layer


def test_names():
    assert find_layer("nvidia/Nemotron-3-Nano-30B-A3B") == Layer(
        64, 64, 8, 128, (0.001, math.inf))
    assert find_layer("Bamba-9B") == KNOWN["bamba-9b"]


@pytest.mark.parametrize("groups, ranks, left", [
    (1, 8, 1), (8, 2, 4), (8, 8, 1), (8, 16, 1), (2, 4, 1), (64, 4, 16)])
def test_groups_of_a_rank(groups, ranks, left):
    layer = Layer(64, 32, groups, 16)
    assert layer.of_rank(ranks) == Layer(64 // ranks, 32, left, 16)
