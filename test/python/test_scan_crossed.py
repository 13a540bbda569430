# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every two values of two options of mamba_chunk_scan_combined in one call, on CPUs."""

from __future__ import annotations

import itertools
import math

import pytest

from compiled_operators import KINDS, scan_of
from operator_cases import BOUNDS, check, draw_inputs
from pairwise import pairs_of, pairwise

OPTIONS = {
    "heads": ((2, 1), (4, 2), (3, 3)),  # and groups
    "width": (5, 32, 64),
    "n": (7, 16, 64),
    "dtype": ("f32", "bf16", "f16"),
    **KINDS,
    "limits": ((0.0, math.inf), (0.01, 0.05)),
    "initial": (False, True),
    "segments": (None, True),
    "length": (1, 17, 64, 65, 130),
    "batch": (1, 3),
    "form": ("auto", "recurrent", "chunked", "quadratic"),
}
ROWS = pairwise(OPTIONS)


def test_all_pairs_are_there():
    met = set().union(*(pairs_of(tuple(row.values())) for row in ROWS))
    numbered = list(enumerate(OPTIONS.values()))
    for (i, first), (j, second) in itertools.combinations(numbered, 2):
        assert {((i, a), (j, b)) for a in first for b in second} <= met


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_crossed(compiler, number):
    row = ROWS[number]
    inputs = draw_inputs(scan_of(row), row["batch"], row["length"], "model", number)
    check(inputs, BOUNDS[row["dtype"]], row["form"])
