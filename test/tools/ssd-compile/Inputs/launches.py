# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls the entry for each device of what cpu-and-gpu.mlir is compiled to."""

import sys

import numpy as np
from artifact import CPU, GPU, Artifact


def call(device, length):
    """The kernels that one call launched."""
    artifact = Artifact(sys.argv[1], device)
    names = [a[:2] for a in artifact.arguments("scan")]
    assert names == [(n, "input") for n in ("x", "b", "c", "rate")] + [
        ("state", "state"), ("y", "output")], names
    x = np.zeros((1, length, 4, 64), np.uint16)
    b = np.zeros((1, length, 1, 128), np.uint16)
    state = np.zeros((1, 4, 64, 128), np.float32)
    artifact.call("scan", x=x, b=b, c=b, rate=np.zeros(4, np.float32), state=state,
                  y=np.zeros_like(x))
    return artifact.launched


assert call(CPU, 200) == []
assert "ssd_chunked_portable_0" in call(GPU, 200), call(GPU, 200)
