#!/usr/bin/env python3
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Takes ssd-compile's place for the text of operators: reads the signature and
the options, and leaves the rest to operator.c, which computes token by token in
double. So the Python side is tested by itself: reading arrays, shape classes,
packing, results."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent

TENSOR = re.compile(
    r'tensor<((?:[?\d]+x)*)(\w+)> \{ssd\.(name|state) = "(\w+)", '
    r'ssd\.dims = \[([^\]]*)\](, ssd\.strided)?\}')
TYPES = {"f32": "F32", "bf16": "BF16", "f16": "F16", "i32": "I32"}
NAMES = ("x", "dt", "A", "B", "C", "D", "z", "dt_bias", "initial_state",
         "state", "segment_ids", "offsets", "slots", "y", "final_state")


def read_arguments(text, role, numbers):
    """(name, initializer) of each argument in a part of the signature."""
    for sizes, dtype, kind, name, dims, strided in TENSOR.findall(text):
        if kind == "state" and role == "SSD_ROLE_OUTPUT":
            continue  # it goes where the argument is
        shape = []
        for size, dim in zip(sizes.split("x"), dims.split(", ")):
            shape.append(int(size) if size != "?"
                         else -1 - numbers.setdefault(dim, len(numbers)))
        values = ", ".join(map(str, shape))
        given = "SSD_ROLE_STATE" if kind == "state" else role
        yield name, (f'{{"{name}", {given}, {TYPES[dtype]}, {len(shape)}, '
                     f"SHAPE({values}), {1 if strided else 0}, kDLCPU, 1, 0}}")


def make_header(text):
    signature, body = text.split(" {\n", 1)
    inputs, results = signature.split("->")
    numbers = {}
    arguments = [*read_arguments(inputs, "SSD_ROLE_INPUT", numbers),
                 *read_arguments(results, "SSD_ROLE_OUTPUT", numbers)]
    discretize = next(line for line in body.splitlines() if "discretize" in line)
    names = [name for name, _ in arguments]

    def option(name, otherwise):
        found = re.search(name + r" = (\S+)", discretize)
        return found[1] if found else otherwise

    lines = [f"#define ARG_{name} {names.index(name) if name in names else -1}"
             for name in NAMES]
    lines += [f"#define IS_STEP {int('ssd.step' in body)}",
              f"#define SOFTPLUS {int('softplus' in discretize)}",
              f"#define MINIMUM {option('min', '-INFINITY')}",
              f"#define MAXIMUM {option('max', 'INFINITY')}",
              '#define ENTRY "' + re.search(r"@(\w+)", text)[1] + '"',
              "#define ARGUMENTS " + ", ".join(value for _, value in arguments)]
    return "\n".join(lines) + "\n"


def main():
    assert sys.argv[1] == "-", "only the text of operators"
    output = sys.argv[sys.argv.index("-o") + 1]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "operator.h").write_text(make_header(sys.stdin.read()))
        subprocess.run(
            [os.environ.get("CC", "cc"), "-std=gnu11", "-O2", "-fPIC", "-shared",
             "-fvisibility=hidden", f"-I{folder}",
             f"-I{ROOT / 'runtime' / 'include'}",
             f"-I{ROOT / 'test' / 'unit' / 'runtime' / 'artifacts'}",
             str(FOLDER / "artifacts" / "operator.c"), "-o", output, "-lm"],
            check=True)


main()
