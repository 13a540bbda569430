# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The source distribution holds all that the package is built from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile

import pytest

from conftest import ROOT


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The source distribution, away from the tree that it was made from."""
    backend = pytest.importorskip("scikit_build_core.build")
    folder = tmp_path_factory.mktemp("sdist")
    before = os.getcwd()
    os.chdir(ROOT)
    try:
        name = backend.build_sdist(str(folder))
    finally:
        os.chdir(before)
    with tarfile.open(folder / name) as archive:
        archive.extractall(folder, filter="data")
    return folder / name.removesuffix(".tar.gz")


def test_source_distribution_configures(unpacked):
    """CMake checks that every source file is there."""
    if not shutil.which("cmake") or not shutil.which("ninja"):
        pytest.skip("needs cmake and ninja")
    result = subprocess.run(
        ["cmake", "-G", "Ninja", "-S", unpacked, "-B", unpacked / "build",
         "-DSSD_ENABLE_COMPILER=OFF", "-DSSD_ENABLE_TESTS=OFF",
         "-DSSD_ENABLE_PYTHON=ON", f"-DPython_EXECUTABLE={sys.executable}"],
        capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_source_distribution_has_every_file(unpacked):
    assert (unpacked / "pyproject.toml").is_file()
    for folder in ("runtime", "python/ssd_mlir"):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert (unpacked / file.relative_to(ROOT)).is_file(), file
    assert not (unpacked / "test").exists()
