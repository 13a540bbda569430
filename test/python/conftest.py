# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where things are, artifacts made by hand, and the compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ssd_mlir

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
MODELS = ROOT / "test" / "models"

sys.path.insert(0, str(FOLDER))

WITHOUT_COMPILER = os.environ.get("SSD_MLIR_TEST_WITHOUT_COMPILER") == "1"


def compile_c(source: Path, output: Path, *options: str) -> Path:
    """Builds an artifact from C."""
    include = [f"-I{ROOT / 'runtime' / 'include'}",
               f"-I{ROOT / 'test' / 'unit' / 'runtime' / 'artifacts'}"]
    command = [os.environ.get("CC", "cc"), "-std=gnu11", "-O2", "-fPIC",
               "-shared", "-fvisibility=hidden", *include, *options,
               str(source), "-o", str(output), "-lm"]
    subprocess.run(command, check=True)
    return output


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory) -> Path:
    """A folder with the hand-made artifacts and weights for model.so."""
    from safetensors.numpy import save_file

    folder = tmp_path_factory.mktemp("artifacts")
    for name in ("model", "entries"):
        compile_c(FOLDER / "artifacts" / f"{name}.c", folder / f"{name}.so")
    compile_c(FOLDER / "artifacts" / "model.c", folder / "shifted.so",
              "-DSHIFT=2")
    weights = folder / "weights"
    weights.mkdir()
    save_file({"weight": np.ones(16, np.float32)}, weights / "model.safetensors")
    return folder


@pytest.fixture
def model(artifacts) -> ssd_mlir.Program:
    return ssd_mlir.load(artifacts / "model.so", weights=artifacts / "weights")


@pytest.fixture
def entries(artifacts) -> ssd_mlir.Program:
    return ssd_mlir.load(artifacts / "entries.so")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SSD_MLIR_CACHE", str(folder))
    ssd_mlir._operators.forget()
    yield folder
    ssd_mlir._operators.forget()


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory) -> Path:
    """One cache for all tests that compile, so that each program is compiled
    once a run."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def compiler(shared_cache, monkeypatch) -> Path:
    """The real ssd-compile. Tests that need it fail without it, unless they are
    told that there is none."""
    if WITHOUT_COMPILER:
        pytest.skip("SSD_MLIR_TEST_WITHOUT_COMPILER=1")
    if "SSD_MLIR_COMPILER" not in os.environ:
        built = ROOT / "build" / "bin" / "ssd-compile"
        if built.is_file():
            monkeypatch.setenv("SSD_MLIR_COMPILER", str(built))
    monkeypatch.setenv("SSD_MLIR_CACHE", str(shared_cache))
    try:
        return ssd_mlir._compiler.find_compiler()
    except ssd_mlir.CompileError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def gpu_operators(compiler):
    """Operators that the test compiles itself; a fault on the GPU is the test's
    that made it."""
    import torch
    ssd_mlir._operators.forget()
    yield
    torch.cuda.synchronize()
    ssd_mlir._operators.forget()


@pytest.fixture
def portable(monkeypatch):
    """Operators are compiled as for other GPUs than Hopper's."""
    import ssd_mlir._torch
    import torch
    library = ssd_mlir._torch.library_on(torch.device("cuda:0"))
    monkeypatch.setattr(library, "target", "sm_80")


@pytest.fixture(scope="session")
def built_driver(tmp_path_factory) -> Path:
    """A driver for machines without one, whose memory is the CPU's."""
    library = tmp_path_factory.mktemp("driver") / "libcuda.so"
    subprocess.run(
        [os.environ.get("CXX", "c++"), "-std=c++17", "-fPIC", "-shared",
         f"-I{ROOT}", str(ROOT / "test" / "unit" / "runtime" / "FakeCuda.cpp"),
         "-o", str(library)], check=True)
    return library


@pytest.fixture
def driver(built_driver, monkeypatch) -> None:
    monkeypatch.setenv("SSD_CUDA_DRIVER", str(built_driver))


def write_compiler(path: Path, script: str) -> Path:
    """A program that takes ssd-compile's place: Python, with the arguments in
    `source`, `output` and `options`."""
    path.write_text(
        f"#!{sys.executable}\n"
        "import os, shutil, sys\n"
        "source, output = sys.argv[1], sys.argv[sys.argv.index('-o') + 1]\n"
        "options = sys.argv[1:]\n" + script)
    path.chmod(0o755)
    return path


@pytest.fixture
def fake_compiler(tmp_path, monkeypatch, cache):
    """Returns a function that installs a script as the compiler."""

    def install(script: str) -> Path:
        path = write_compiler(tmp_path / "ssd-compile", script)
        monkeypatch.setenv("SSD_MLIR_COMPILER", str(path))
        return path

    return install


@pytest.fixture
def c_compiler(monkeypatch, shared_cache):
    """The compiler of operators that goes through C (see operator_compiler.py):
    the Python side by itself."""
    monkeypatch.setenv("SSD_MLIR_COMPILER",
                       str(FOLDER / "operator_compiler.py"))
    monkeypatch.setenv("SSD_MLIR_CACHE", str(shared_cache))
    ssd_mlir._operators.forget()
    yield
    ssd_mlir._operators.forget()


def model_copy(name: str, folder: Path) -> Path:
    """A test model that may be broken."""
    return Path(shutil.copytree(MODELS / name, folder / name))


@pytest.fixture(params=["reference", "ssd-compile"])
def backend(request):
    """Operators run twice: with operator_compiler.py, which tests the Python side by
    itself, and with ssd-compile."""
    name = "compiler" if request.param == "ssd-compile" else "c_compiler"
    request.getfixturevalue(name)
    ssd_mlir._operators.forget()
    yield request.param
    ssd_mlir._operators.forget()
