#!/usr/bin/env python3
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks that documentation, verifiers and tests speak of the same invariants.

Each invariant has a label, such as (MIX3), which stands in the documentation of
its op, in the diagnostic of its verifier and in the test that breaks it.
usage: check_labels.py TEST.mlir... FILE.td...
"""

import re
import sys

LABEL = re.compile(r"\b([A-Z]{2,}\d+)\b")


def main():
    tests = [path for path in sys.argv[1:] if path.endswith(".mlir")]
    definitions = [path for path in sys.argv[1:] if path not in tests]
    test = ", ".join(tests)
    documented = set()
    for path in definitions:
        text = open(path, encoding="utf-8").read()
        documented.update(re.findall(r"\(([A-Z]{2,}\d+)\)", text))
    if not documented:
        sys.exit("no labels in " + ", ".join(definitions))
    tested = set()
    for path in tests:
        tested.update(LABEL.findall(open(path, encoding="utf-8").read()))
    for label in sorted(documented - tested):
        print(f"{label} is documented but not tested in {test}")
    for label in sorted(tested - documented):
        print(f"{label} is tested in {test} but not documented")
    if documented != tested:
        sys.exit(1)
    print(f"{len(documented)} labels, all tested")


main()
