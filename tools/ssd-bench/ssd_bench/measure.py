# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Timing, machine facts, tables and JSON: what every benchmark shares."""

from __future__ import annotations

import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, NamedTuple, Sequence

Work = Callable[[], Any]

ROOT = Path(__file__).resolve().parents[3]
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Timing(NamedTuple):
    """Seconds of the runs of one piece of work."""

    median: float
    best: float
    runs: int

    @staticmethod
    def of(seconds: Sequence[float]) -> Timing:
        return Timing(statistics.median(seconds), min(seconds), len(seconds))


class Stopwatch:
    """Times pieces of work side by side."""

    def __init__(self, clock: str = "wall", budget: float = 10.0) -> None:
        self.clock = CLOCKS[clock]
        self.budget = budget

    def once(self, work: Work) -> float:
        start = self.clock()
        work()
        return self.clock() - start

    def compare(self, works: dict[str, Work], least: int = 5,
                most: int = 100) -> dict[str, Timing]:
        """Times all `works` in turn, round after round, so that whatever else
        the machine does meets all of them. A first round warms up. Stops after
        `most` rounds, or after `least` when the time budget is spent. Work that
        takes long is left out of later rounds once it has three times."""
        for work in works.values():
            work()
        gc.collect()
        times: dict[str, list[float]] = {name: [] for name in works}
        deadline = time.monotonic() + self.budget
        for round in range(most):
            late = time.monotonic() > deadline
            if late and round >= least:
                break
            for name, work in works.items():
                seen = times[name]
                slow = len(seen) >= 3 and min(seen) * least > self.budget / 2
                if not slow:
                    seen.append(self.once(work))
        return {name: Timing.of(seconds) for name, seconds in times.items()}


def ratio(base: Timing, other: Timing) -> float:
    """How many times faster `other` is than `base`, of the medians."""
    return base.median / other.median


def rms_ratio(value: Any, reference: Any) -> float:
    """rms(value - reference) / rms(reference) in float64."""
    import numpy as np
    value = np.asarray(value, np.float64)
    reference = np.asarray(reference, np.float64)
    error = np.sqrt(np.mean((value - reference) ** 2))
    return float(error / max(np.sqrt(np.mean(reference ** 2)), 1e-300))


# -- threads and machine -------------------------------------------------------


def fix_threads(threads: int) -> None:
    """The same number of threads on both sides."""
    import torch
    import ssd_mlir
    torch.set_num_threads(threads)
    ssd_mlir.set_num_threads(threads)


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _commit() -> str:
    try:
        return subprocess.run(
            ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
            capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def describe_machine(threads: int) -> dict[str, Any]:
    """What the numbers depend on. The load says whether the machine was idle:
    above the number of cores, wall times are not worth much."""
    import numpy
    versions = {"python": platform.python_version(), "numpy": numpy.__version__}
    for module in ("torch", "transformers"):
        if module in sys.modules:
            versions[module] = sys.modules[module].__version__
    return {"cpu": _cpu_name(), "cores": len(os.sched_getaffinity(0)),
            "threads": threads, "load": [round(v, 2) for v in os.getloadavg()],
            "commit": _commit(), "versions": versions,
            "date": time.strftime("%Y-%m-%d %H:%M:%S")}


# -- output --------------------------------------------------------------------


def print_table(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Rows of equal keys as aligned text."""
    if not rows:
        return
    def text(value: Any) -> str:
        return f"{value:.4g}" if isinstance(value, float) else str(value)
    header = list(rows[0])
    cells = [[text(row.get(key, "")) for key in header] for row in rows]
    widths = [max(len(line[i]) for line in [header, *cells])
              for i in range(len(header))]
    print(f"\n{title}")
    for line in [header, ["-" * w for w in widths], *cells]:
        print("  " + "  ".join(c.ljust(w) for c, w in zip(line, widths)).rstrip())
    sys.stdout.flush()


def write_json(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print(f"\nwrote {path}")
