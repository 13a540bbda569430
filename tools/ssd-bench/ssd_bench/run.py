# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The commands of ssd-bench."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .measure import (Stopwatch, describe_machine, fix_threads, print_table,
                      write_json)


def _measure_cpu(arguments: argparse.Namespace) -> dict[str, Any]:
    from . import model, operator
    watch = Stopwatch(arguments.clock, 4 if arguments.quick else 15)
    parts = {"operator": lambda: operator.measure(watch),
             "compile": lambda: model.measure_compile_times(),
             "model": lambda: model.measure(watch, arguments.threads)}
    return {name: part() for name, part in parts.items()
            if arguments.only in (None, name)}


def _measure_forms(arguments: argparse.Namespace,
                   results: Path) -> dict[str, Any]:
    from . import forms
    watch = Stopwatch(arguments.clock, 0.3)
    found = forms.measure(watch, arguments.threads, arguments.quick,
                          arguments.times)
    forms.draw(found, results / "forms.png")
    return found


def main(arguments: argparse.Namespace, results: Path) -> None:
    """Runs one command and writes results/COMMAND.json."""
    fix_threads(arguments.threads)
    machine = describe_machine(arguments.threads)
    print_table("machine", [{"what": key, "is": value}
                            for key, value in machine.items()])
    if arguments.command == "cpu":
        found = _measure_cpu(arguments)
    else:
        found = _measure_forms(arguments, results)
    path = arguments.output or results / f"{arguments.command}.json"
    write_json(path, {"machine": machine, "clock": arguments.clock, **found})
