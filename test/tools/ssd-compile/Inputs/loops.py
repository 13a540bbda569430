# ===- loops.py - checks loops.mlir -----------------------------------------===#
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# ===-----------------------------------------------------------------------===#
import sys

import numpy as np
from artifact import Artifact

artifact = Artifact(sys.argv[1])
rng = np.random.default_rng(2)
for batch in (0, 1, 3):
    for length in (0, 1, 15, 16, 17, 100):
        x = rng.standard_normal((batch, length)).astype(np.float32)
        state = rng.standard_normal(batch).astype(np.float32)
        y = np.full_like(x, np.nan)
        expected = state[:, None].astype(np.float64) + np.cumsum(
            np.square(x, dtype=np.float64), axis=1
        )
        last = expected[:, -1] if length else state.copy()
        used = artifact.call("prefix_sums", x=x, s=state, y=y)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(state, last, rtol=1e-5, atol=1e-5)
        assert used == 0, used  # the tasks have stacks

for length in (0, 1, 15, 16, 17, 1000):
    x = rng.standard_normal(length).astype(np.float32)
    y = np.array(np.nan, np.float32)
    used = artifact.call("chunk_norms", x=x, y=y)
    np.testing.assert_allclose(y, np.square(x, dtype=np.float64).sum(), rtol=1e-5)
    assert used <= 64, used  # at most 16 numbers
