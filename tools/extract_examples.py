#!/usr/bin/env python3
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints the ```mlir examples of .td files, as modules to split.

The examples of the documentation are tests: those of ops and attributes must
parse, verify and round-trip, and a pass must do to its own what is said of it.
usage: extract_examples.py [--pass NAME] FILE.td...
"""

import argparse
import re
import sys
import textwrap


def examples(text):
    """(name of its pass or None, text) of each."""
    for record in re.split(r"^(?=def )", text, flags=re.M):
        name = re.match(r'def \w+ : Pass<"([^"]+)"', record)
        for example in re.findall(r"```mlir\n(.*?)```", record, re.S):
            yield name and name[1], textwrap.dedent(example)


def module(example):
    """The example, attributes on something that can have them."""
    if example.startswith(("func.func", "module", "gpu.module")):
        return example
    if all(line.startswith("#") for line in example.splitlines()):
        return "".join(f"func.func private @example{i}() attributes {{of = {a}}}\n"
                       for i, a in enumerate(example.splitlines()))
    sys.exit(f"no whole function, module or attributes:\n{example}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pass", dest="name", help="only the examples of this pass")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    found = [f"// {path}\n{module(example)}" for path in options.files
             for name, example in examples(open(path, encoding="utf-8").read())
             if options.name in (None, name)]
    if not found:
        sys.exit("no examples in " + ", ".join(options.files))
    print("\n// -----\n\n".join(found))


main()
