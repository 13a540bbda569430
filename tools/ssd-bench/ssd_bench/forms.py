# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every form over a grid of shapes, and how far the chosen one is from the
fastest."""

from __future__ import annotations

import itertools
import json
import math
import os
import subprocess
from functools import partial
from pathlib import Path
from typing import Any, Iterable, Iterator, NamedTuple, Optional

import numpy as np

import ssd_mlir
from ssd_mlir._template import ENTRY, ShapeClass, write_operator
from .measure import Stopwatch, Work, print_table

CHUNKS = (16, 32, 64, 128, 256)
FORMS = ("recurrent", "quadratic", *(f"chunked<{c}>" for c in CHUNKS))
# Sizes that one program serves: heads, head dim, state dim.
CLASSES = [(8, p, n) for p in (16, 64, 128) for n in (16, 64, 128)] + [
    (1, 64, 128), (1, 128, 16)]
QUICK_CLASSES = [(8, 16, 16), (8, 64, 128), (8, 128, 16), (1, 64, 128)]
LENGTHS = (1, 4, 16, 64, 256, 1024, 4096, 16384)
QUICK_LENGTHS = (1, 16, 64, 256, 1024, 4096)
MOST_ELEMENTS = 1 << 23  # of x; larger points take too long
# A form that can't be within this factor of the best is not run. Its least time
# is that of its operations at a rate that no core reaches.
HOPELESS, PEAK = 3.0, 150e9
ALLOCATIONS = 4


class Point(NamedTuple):
    """One shape."""

    heads: int
    head_dim: int
    state_dim: int
    batch: int
    length: int


def _grid(quick: bool) -> Iterator[Point]:
    classes = QUICK_CLASSES if quick else CLASSES
    for (heads, p, n), length in itertools.product(
            classes, QUICK_LENGTHS if quick else LENGTHS):
        for batch in ((1, 16) if heads > 1 else (1,)):
            if batch * length * heads * p <= MOST_ELEMENTS:
                yield Point(heads, p, n, batch, length)


# -- what the compiler chooses -------------------------------------------------


def _mixer(point: Point, index: int) -> str:
    b, l, (h, p, n) = point.batch, point.length, point[:3]
    x, k = f"tensor<{b}x{l}x{h}x{p}xf32>", f"tensor<{b}x{l}x1x{n}xf32>"
    d, a = f"tensor<{b}x{l}x{h}xf32>", f"tensor<{h}xf32>"
    s = f"tensor<{b}x{h}x{p}x{n}xf32>"
    return (f"func.func @p{index}(%x: {x}, %b: {k}, %c: {k}, %d: {d}, %a: {a}, "
            f"%y: {x}, %s: {s}) -> ({x}, {s}) {{\n"
            f"  %0:2 = ssd.mix ins(%x, %b, %c : {x}, {k}, {k}) decay(%d : {d}) "
            f"rate(%a : {a}) scale(%d : {d}) outs(%y, %s : {x}, {s})\n"
            f"  return %0#0, %0#1 : {x}, {s}\n}}\n")


def _short(form: str) -> str:
    return form.replace("#ssd.", "").replace("chunk = ", "")


def _attribute(form: str) -> str:
    """What `_short` shortens."""
    return "#ssd." + form.replace("chunked<", "chunked<chunk = ")


def _unsplit(form: str) -> str:
    return form.partition(",")[0] + ">" if "," in form else form


def predict(points: list[Point], threads: int) -> list[dict[str, Any]]:
    """For each point the chosen form, and for each candidate its cost."""
    compiler = Path(os.environ["SSD_MLIR_COMPILER"])
    text = "".join(_mixer(point, i) for i, point in enumerate(points))
    output = subprocess.run(
        [compiler.with_name("ssd-opt"), "-",
         f"--ssd-choose-decomposition=workers={threads}"],
        input=text, capture_output=True, text=True, check=True).stdout
    records = {}
    for line in output.splitlines():
        head, found, rest = line.partition('ssd.mixers = "')
        if found:
            # A string attribute escapes quotes as \\22.
            array = rest[:rest.rindex('"')].replace('\\22', '"')
            record = json.loads(array)[0]
            records[record["entry"]] = {
                "chosen": _short(record["form"]),
                "candidates": {c["form"]: c for c in record["candidates"]}}
    return [records[f"p{i}"] for i in range(len(points))]


# -- what is fastest -----------------------------------------------------------


def _program(heads: int, head_dim: int, state_dim: int,
             form: str) -> ssd_mlir.Program:
    shape = ShapeClass("scan", heads, 1, head_dim, state_dim, "f32", "f32",
                       z_dtype=None, skip=None, softplus=False,
                       limits=(-math.inf, math.inf), initial=True, final=True,
                       segments=False, offsets=False)
    text, _ = write_operator(shape)
    return ssd_mlir.compile(text.replace(
        "ssd.mix ins(", f"ssd.mix {{form = {_attribute(form)}}} ins("))


class _Class:
    """The programs of one class of shapes, compiled when first needed."""

    def __init__(self, heads: int, head_dim: int, state_dim: int) -> None:
        self.sizes = heads, head_dim, state_dim
        self.programs: dict[str, ssd_mlir.Program] = {}

    def program(self, form: str) -> ssd_mlir.Program:
        if form not in self.programs:
            self.programs[form] = _program(*self.sizes, form)
        return self.programs[form]


def _inputs(point: Point) -> tuple[list[np.ndarray], list[np.ndarray]]:
    random = np.random.default_rng(0)
    h, p, n, b, l = point

    def normal(*shape: int) -> np.ndarray:
        return random.standard_normal(shape, np.float32)

    dt = random.uniform(1e-3, 0.1, [b, l, h]).astype(np.float32)
    rate = -random.uniform(1, 16, [h]).astype(np.float32)
    inputs = [normal(b, l, h, p), dt, rate, normal(b, l, 1, n),
              normal(b, l, 1, n), normal(b, h, p, n)]
    return inputs, [np.empty_like(inputs[0]), np.empty_like(inputs[5])]


def _hopeless(candidate: dict[str, Any], threads: int,
              best: Optional[float]) -> bool:
    return (best is not None
            and candidate["flops"] / (PEAK * threads) > HOPELESS * best)


def _works(programs: _Class, point: Point,
           forms: Iterable[str]) -> dict[str, Work]:
    """A call of each form, all on the same arrays."""
    inputs, out = _inputs(point)
    return {form: partial(programs.program(form).call, ENTRY, *inputs, out=out)
            for form in forms}


def _measure_point(watch: Stopwatch, programs: _Class, point: Point,
                   threads: int, candidates: dict) -> dict[str, float]:
    """The best run of each form: what varies is the machine, not the form. Part
    of that is where arrays lie, so they are made more than once."""
    times: dict[str, float] = {}
    works = _works(programs, point,
                   sorted(candidates, key=lambda f: candidates[f]["time_us"]))
    for form, work in works.items():
        if not _hopeless(candidates[form], threads,
                         min(times.values(), default=None)):
            times[form] = watch.once(work)
    for _ in range(ALLOCATIONS):
        timings = watch.compare(_works(programs, point, times))
        times = {form: min(times[form], timings[form].best) for form in times}
    return times


def _measure_grid(watch: Stopwatch, points: list[Point], threads: int,
                  predictions: list[dict]) -> list[dict[str, float]]:
    programs: dict[tuple, _Class] = {}
    found = []
    for point, prediction in zip(points, predictions):
        one = programs.setdefault(point[:3], _Class(*point[:3]))
        found.append(_measure_point(watch, one, point, threads,
                                    prediction["candidates"]))
        print(".", end="", flush=True)
    print()
    return found


# -- the verdict ---------------------------------------------------------------


def _judge(point: Point, prediction: dict,
           times: dict[str, float]) -> dict[str, Any]:
    best = min(times, key=times.__getitem__)
    chosen = prediction["chosen"]
    # What was not run is at least so slow.
    spent = times.get(chosen, HOPELESS * times[best])
    return {**point._asdict(), "best": best, "chosen": chosen,
            "best us": times[best] * 1e6,
            "chosen / best": spent / times[best],
            "predicted / measured":
                prediction["candidates"][chosen]["time_us"] * 1e-6 / spent}


def measure(watch: Stopwatch, threads: int, quick: bool,
            earlier: Optional[Path] = None) -> dict[str, Any]:
    """Times the grid, or takes the times of an earlier run, and judges what the
    compiler chooses now."""
    if earlier is None:
        points = list(_grid(quick))
        predictions = predict(points, threads)
        times = _measure_grid(watch, points, threads, predictions)
    else:
        data = json.loads(earlier.read_text(encoding="utf-8"))
        points = [Point(**p) for p in data["points"]]
        times = data["times"]
        predictions = predict(points, threads)
    rows = [_judge(*each) for each in zip(points, predictions, times)]
    print_table("forms, f32, worst choices first",
                sorted(rows, key=lambda r: -r["chosen / best"])[:25])
    ratios = [row["chosen / best"] for row in rows]
    summary = [{"what": "worst chosen / best", "measured": max(ratios),
                "goal": 1.2},
               {"what": "geometric mean",
                "measured": math.exp(sum(map(math.log, ratios)) / len(ratios)),
                "goal": 1.05},
               {"what": "points within 1.2",
                "measured": f"{sum(r <= 1.2 for r in ratios)} of {len(ratios)}",
                "goal": "all"}]
    print_table("forms, goals", summary)
    return {"points": [p._asdict() for p in points], "times": times,
            "rows": rows, "goals": summary}


# -- the map -------------------------------------------------------------------


def draw(found: dict[str, Any], path: Path) -> None:
    """For each class and batch a row, for each length a cell: its colour is the
    fastest form; where another one was chosen, the cell says so, and at what
    cost."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.patches import Patch, Rectangle
    rows = found["rows"]
    lengths = sorted({row["length"] for row in rows})
    lines = sorted({(r["heads"] * r["batch"], r["head_dim"], r["state_dim"])
                    for r in rows})
    colour = dict(zip(FORMS, pyplot.get_cmap("Set2").colors))
    figure, axes = pyplot.subplots(
        figsize=(1.5 + 1.1 * len(lengths), 1.2 + 0.32 * len(lines)))
    for row in rows:
        x = lengths.index(row["length"])
        y = lines.index((row["heads"] * row["batch"], row["head_dim"],
                         row["state_dim"]))
        axes.add_patch(Rectangle((x, y), 1, 1, facecolor=colour[_unsplit(row["best"])],
                                 edgecolor="white"))
        if row["chosen"] != row["best"]:
            axes.text(x + 0.5, y + 0.5,
                      f"{row['chosen']} {row['chosen / best']:.2f}", fontsize=6,
                      ha="center", va="center")
    axes.set(xlim=(0, len(lengths)), ylim=(0, len(lines)),
             xlabel="length", ylabel="batch x heads, head dim, state dim")
    axes.set_xticks([i + 0.5 for i in range(len(lengths))], lengths)
    axes.set_yticks([i + 0.5 for i in range(len(lines))],
                    [f"{bh}, {p}, {n}" for bh, p, n in lines], fontsize=7)
    axes.legend(handles=[Patch(color=c, label=f) for f, c in colour.items()],
                loc="upper center", bbox_to_anchor=(0.5, 1.12), ncol=4,
                fontsize=7, frameon=False)
    figure.savefig(path, dpi=150, bbox_inches="tight")
    print(f"wrote {path}")
