# ===- state_and_callees.py - checks state-and-callees.mlir -----------------===#
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# ===-----------------------------------------------------------------------===#
import sys

import numpy as np
from artifact import Artifact

artifact = Artifact(sys.argv[1])
assert artifact.table.metadata == b'{"model": "small"}'
assert artifact.arguments("step") == [
    ("x", "input", [-1, 8]),
    ("layers.0.decay", "parameter", [8]),
    ("layers.1.decay", "parameter", [8]),
    ("layers.0.s", "state", [-1, 8]),
    ("layers.1.s", "state", [-1, 8]),
    ("y", "output", [-1, 8]),
]
rng = np.random.default_rng(0)


def draw(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def check(x):
    batch = len(x)
    decay0, decay1 = draw(8), draw(8)
    state0, state1 = draw(batch, 8), draw(batch, 8)
    y = np.full((batch, 8), np.nan, np.float32)
    new0 = state0 * decay0 + 2 * x
    new1 = state1 * decay1 + new0 * new0
    expected = new1 * new1 + np.arange(batch, dtype=np.float32)[:, None]
    artifact.call(
        "step",
        x=x,
        layers_0_decay=decay0,
        layers_1_decay=decay1,
        layers_0_s=state0,
        layers_1_s=state1,
        y=y,
    )
    np.testing.assert_allclose(state0, new0, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(state1, new1, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


for batch in (0, 1, 2, 7, 33):
    check(draw(batch, 8))
    check(draw(batch, 16)[:, 3:11])
# One iteration runs directly, more through the context.
assert 1 not in artifact.parallel_counts and 33 in artifact.parallel_counts
