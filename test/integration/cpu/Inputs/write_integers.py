#!/usr/bin/env python3
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a .npy file of i32, without numpy.

usage: write_integers.py FILE.npy SHAPE VALUES
SHAPE is such as 2,37. VALUES are such as 0,3,3,9 or random:SEED:COUNT for runs
of one to nine equal ids out of COUNT, so that ids come back.
"""

import math
import random
import struct
import sys


def random_runs(seed, ids, count):
    generator = random.Random(seed)
    values = []
    while len(values) < count:
        values += [generator.randrange(ids)] * generator.randint(1, 9)
    return values[:count]


def main():
    path, shape, values = sys.argv[1:]
    shape = tuple(map(int, shape.split(",")))
    count = math.prod(shape)
    if values.startswith("random:"):
        seed, ids = map(int, values.split(":")[1:])
        values = random_runs(seed, ids, count)
    else:
        values = [int(value) for value in values.split(",")]
    if len(values) != count:
        sys.exit(f"{len(values)} values do not fill {shape}")
    header = f"{{'descr': '<i4', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(128 - 11) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)))
        file.write(header.encode() + struct.pack(f"<{count}i", *values))


main()
