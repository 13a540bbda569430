# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What distinguishes one compiled operator from another, and how exact they are, for tests
with NumPy and on a GPU alike. Needs neither NumPy nor PyTorch."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Optional, Union

# RMS errors that results may have, relative to the float64 recurrence's.
BOUNDS = {"f32": 1e-5, "bf16": 5e-3, "f16": 5e-3}


class Scan(NamedTuple):
    """One compiled mamba_chunk_scan_combined (for each form)."""

    heads: int
    groups: int
    width: int
    n: int
    dtype: str = "bf16"
    dt_dtype: Optional[str] = None  # as x
    D: Optional[str] = None  # head or channel
    z: Union[bool, str] = False  # true: as x; or its type
    bias: bool = False
    softplus: bool = False
    limits: tuple = (0.0, math.inf)
    initial: bool = False
    segments: Any = None  # on a GPU the ids' type
    parameters: str = "f32"  # the type of D and dt_bias

    @property
    def z_dtype(self) -> Optional[str]:
        return (self.dtype if self.z is True else self.z) or None


# Options to cross (pairwise.py) beside sizes, and what a row of a cross compiles.
KINDS = {
    "dt": (None, "f32"),
    "D": (None, "head", "channel"),
    "z": (False, True, "f32"),
    "bias": (None, "f32", "bf16"),  # its type, and D's
    "softplus": (False, True),
}


def scan_of(row: dict) -> Scan:
    return Scan(*row["heads"], row["width"], row["n"], row["dtype"], row["dt"],
                row["D"], row["z"], row["bias"] is not None, row["softplus"],
                row["limits"], row["initial"], row["segments"], row["bias"] or "f32")


class Update(NamedTuple):
    """One compiled selective_state_update."""

    channels: tuple  # (D,) or (H, P)
    n: int
    groups: int = 1
    tied: bool = True
    dtype: str = "bf16"
    state: str = "f32"
    D: Optional[str] = "channel"  # or head, where tied
    z: bool = False
    bias: bool = True
    softplus: bool = True
    parameters: str = "f32"  # the type of D and dt_bias
