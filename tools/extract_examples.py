#!/usr/bin/env python3
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints the ```mlir examples of .td files that are whole functions.

The examples of the op documentation are tests: each must parse and verify.
usage: extract_examples.py FILE.td...
"""

import re
import sys
import textwrap


def main():
    found = 0
    for path in sys.argv[1:]:
        text = open(path, encoding="utf-8").read()
        for example in re.findall(r"```mlir\n(.*?)```", text, re.S):
            example = textwrap.dedent(example)
            if example.startswith("func.func"):
                print(f"// {path}\n{example}\n// -----\n")
                found += 1
    if not found:
        sys.exit("no examples in " + ", ".join(sys.argv[1:]))


main()
