# ===- element_types.py - checks element-types.mlir -------------------------===#
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# ===-----------------------------------------------------------------------===#
import sys

import numpy as np
from artifact import Artifact

artifact = Artifact(sys.argv[1])
codes = {
    a.name.decode(): (a.dtype.code, a.dtype.bits)
    for e in artifact.entries.values()
    for a in e.args[: e.n_args]
}
assert codes == {
    "x": (2, 32),
    "bf16": (4, 16),
    "f16": (2, 16),
    "flag": (6, 8),
    "a": (0, 64),
    "b": (0, 8),
    "y": (0, 64),
}, codes
a = artifact.entries["choose"].args[1]
assert (a.min_value, a.max_value) == (-5, 5)
a = artifact.entries["choose"].args[2]
assert a.min_value > a.max_value


def to_bf16(x):
    """Round to nearest, ties to even; NaNs keep their upper half, quietly."""
    bits = x.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(x), (bits >> 16) | 0x40, rounded).astype(np.uint16)


rng = np.random.default_rng(1)
special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1 + 2**-8, 1 + 3 * 2**-8, 3.4e38, 1e-40]
x = np.concatenate([special, rng.standard_normal(1000) * 1e3]).astype(np.float32)
bf16, f16 = np.zeros(len(x), np.uint16), np.zeros(len(x), np.float16)
artifact.call("round", x=x, bf16=bf16, f16=f16)
np.testing.assert_array_equal(bf16, to_bf16(x))
with np.errstate(over="ignore"):
    np.testing.assert_array_equal(f16, x.astype(np.float16))

a, b = np.arange(4), np.array([-1, 2, -128, 127], np.int8)
for flag in (False, True):
    y = np.zeros(4, np.int64)
    artifact.call("choose", flag=np.array(flag), a=a, b=b, y=y)
    np.testing.assert_array_equal(y, a if flag else b)
