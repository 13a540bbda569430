# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Few combinations of options in which every two values of two options meet."""

from __future__ import annotations

import itertools


def pairs_of(values: tuple) -> set:
    """((option, value), (option, value)), with options by number."""
    return set(itertools.combinations(enumerate(values), 2))


def pairwise(options: dict) -> list:
    """Dictionaries as `options`, but with one value each. The same every time: greedily, a
    row starts with a pair that is missing and takes for each other option the value that
    completes most pairs."""
    names = list(options)
    missing = dict.fromkeys(
        ((i, a), (j, b)) for i, j in itertools.combinations(range(len(names)), 2)
        for a in options[names[i]] for b in options[names[j]])
    rows = []
    while missing:
        chosen = dict(next(iter(missing)))
        for option, name in enumerate(names):
            if option not in chosen:
                chosen[option] = max(options[name], key=lambda value: sum(
                    tuple(sorted([(option, value), other], key=lambda p: p[0])) in missing
                    for other in chosen.items()))
        for pair in pairs_of(tuple(chosen[option] for option in range(len(names)))):
            missing.pop(pair, None)
        rows.append({name: chosen[option] for option, name in enumerate(names)})
    return rows
