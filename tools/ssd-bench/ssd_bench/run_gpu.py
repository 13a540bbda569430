# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The commands `ssd-bench gpu` and `ssd-bench gpu-forms`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path

from .measure import write_json


def forms(arguments: argparse.Namespace, results: Path) -> None:
    from . import gpu_forms
    path = arguments.output or results / "gpu-forms.json"
    gpu_forms.measure(arguments.quick, lambda found: write_json(path, found))


def main(arguments: argparse.Namespace, results: Path) -> None:
    from . import gpu
    if arguments.draw:
        found = json.loads(arguments.draw.read_text(encoding="utf-8"))
        return gpu.draw(found, arguments.draw.with_suffix(".png"))
    import torch
    if not torch.cuda.is_available():
        sys.exit("ssd-bench: PyTorch sees no GPU here")
    path = arguments.output or results / "gpu.json"
    gpu.measure(arguments.peer, arguments.quick, lambda found: write_json(path, found))
    if importlib.util.find_spec("matplotlib"):
        gpu.draw(json.loads(path.read_text(encoding="utf-8")), path.with_suffix(".png"))
