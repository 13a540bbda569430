# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators on a GPU side by side with mamba_ssm's Triton kernels."""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional

import torch
import torch.nn.functional as F

import ssd_mlir
from .measure import print_table

Work = Callable[[], Any]
LAUNCHES, REPLAYS, EAGER_CALLS = 20, 9, 200
ERROR_LENGTH = 8192  # the longest sequence whose error is measured


class Scan(NamedTuple):
    """One prefill: a model's mixer, or a tensor-parallel slice of it."""

    name: str
    batch: int
    length: int
    heads: int
    head_dim: int = 64
    state_dim: int = 128
    groups: int = 1
    goal: Optional[float] = None  # times faster than mamba_ssm
    gate: bool = False  # y · silu(z)
    dtype: torch.dtype = torch.bfloat16


class Step(NamedTuple):
    batch: int
    state: torch.dtype
    heads: int = 80
    head_dim: int = 64
    state_dim: int = 128
    slots: bool = False  # rows of a pool of twice as many, in any order


SCANS = [
    Scan("mamba2-2.7b", 8, 2048, 80, goal=4), Scan("mamba2-2.7b", 4, 8192, 80, goal=4),
    Scan("bamba-9b", 8, 2048, 128, goal=4), Scan("bamba-9b", 4, 8192, 128, goal=4),
    Scan("mamba2-2.7b", 1, 65536, 80, goal=3.5), Scan("mamba2-2.7b", 1, 8192, 80, goal=3.5),
    Scan("mamba2-2.7b", 1, 2048, 80, goal=3), Scan("mamba2-2.7b", 1, 1024, 80, goal=3),
    Scan("codestral-mamba", 8, 2048, 128, groups=8), Scan("slice of 10", 1, 8192, 10, goal=2.5),
    Scan("slice of 16", 1, 8192, 16, goal=2.5), Scan("slice of 8", 1, 8192, 8),
    Scan("slice of 32", 1, 8192, 32), Scan("mamba2-130m", 1, 2048, 24),
    Scan("granite-4-tiny", 4, 4096, 48), Scan("granite-4-350m", 4, 4096, 48, 32),
    Scan("nemotron-nano-9b", 2, 4096, 128, 80, groups=8),
    Scan("nemotron-3-ultra", 1, 4096, 256, groups=8),
    Scan("nemotron-h-56b", 1, 4096, 256, 64, 256, groups=8),
    Scan("falcon-h1-34b", 2, 4096, 32, 128, 256, groups=2),
    Scan("zamba2-7b", 4, 4096, 112, 64, 64, groups=2),
    Scan("mamba2-2.7b, gate", 8, 2048, 80, gate=True),
    Scan("mamba2-2.7b, N 64", 8, 2048, 80, 64, 64),
    Scan("mamba2-780m", 8, 2048, 48), Scan("mamba2-1.3b", 1, 2048, 64),
    Scan("slice of 12", 1, 8192, 12), Scan("slice of 16", 1, 8192, 16, 80),
    Scan("granite-4-micro", 4, 4096, 64),
    Scan("nemotron-3-nano-4b", 2, 4096, 96, 80, groups=8),
    Scan("nemotron-3-nano-30b", 2, 4096, 64, groups=8), Scan("falcon-h1-0.5b", 4, 4096, 24),
    Scan("falcon-h1-1.5b", 4, 4096, 48, 64, 256), Scan("falcon-h1-7b", 2, 4096, 24, 128, 256),
    Scan("falcon-h1-tiny", 4, 4096, 24, 32, 64), Scan("plamo-2-1b", 4, 4096, 32, 128, 64),
    Scan("hybrid llama", 2, 4096, 32, 128, groups=32),
    Scan("mamba2-130m, f32", 8, 2048, 24, dtype=torch.float32),
    Scan("mamba2-2.7b, f32", 1, 8192, 80, dtype=torch.float32)]
STEPS = [Step(batch, state) for state in (torch.float32, torch.bfloat16)
         for batch in (1, 8, 64, 256)] + [
    Step(64, torch.float16), Step(64, torch.float32, heads=10),
    Step(64, torch.float32, slots=True)]
EAGER = [Scan("small", 1, 64, 8), Scan("small", 1, 1, 24), Scan("small", 2, 256, 24),
         Scan("small", 1, 8192, 80), Step(1, torch.float32), Step(1, torch.bfloat16, 24)]


# -- the other side ------------------------------------------------------------


class Peer(NamedTuple):
    scan: Callable[..., Any]
    step: Callable[..., Any]


def import_peer(path: Optional[Path]) -> Peer:
    """mamba_ssm as it is installed, or from a checkout: the Triton kernels need
    none of its compiled extensions, which its __init__ would import."""
    if path is not None:
        package = types.ModuleType("mamba_ssm")
        package.__path__ = [str(path / "mamba_ssm")]
        sys.modules["mamba_ssm"] = package
        for name in ("ops", "ops.triton", "utils"):
            part = types.ModuleType(f"mamba_ssm.{name}")
            part.__path__ = [str(path / "mamba_ssm" / name.replace(".", "/"))]
            sys.modules[f"mamba_ssm.{name}"] = part
    triton = "mamba_ssm.ops.triton."
    combined = importlib.import_module(triton + "ssd_combined")
    update = importlib.import_module(triton + "selective_state_update")
    return Peer(combined.mamba_chunk_scan_combined, update.selective_state_update)


# -- inputs and reference ------------------------------------------------------


def draw_scan(case: Scan) -> dict[str, Any]:
    """As models have them: A = -U[1, 16], steps from 1e-3 to 0.1; B, C after
    SiLU."""
    generator = torch.Generator("cuda").manual_seed(1)
    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, device="cuda", generator=generator)
    b, l, h, p, n, g = case[1:7]
    dtype = case.dtype
    steps = torch.empty(h, device="cuda").uniform_(-6.9, -2.3, generator=generator).exp()
    return {"x": normal(b, l, h, p).to(dtype), "dt": (normal(b, l, h) * 0.5).to(dtype),
            "A": -torch.empty(h, device="cuda").uniform_(1, 16, generator=generator),
            "B": F.silu(normal(b, l, g, n)).to(dtype), "C": F.silu(normal(b, l, g, n)).to(dtype),
            "D": normal(h), "dt_bias": steps + torch.log(-torch.expm1(-steps)),
            **({"z": normal(b, l, h, p).to(dtype)} if case.gate else {})}


def scan_float64(case: Scan, v: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """The recurrence, token by token."""
    b, l, h, p, n, g = case[1:7]
    wide = {name: value.double() for name, value in v.items()}
    dt = F.softplus(wide["dt"] + wide["dt_bias"])
    decay = torch.exp(dt * wide["A"])
    state = torch.zeros(b, h, p, n, device="cuda", dtype=torch.float64)
    y = torch.empty(b, l, h, p, device="cuda", dtype=torch.float64)
    for t in range(l):
        maps = [wide[m][:, t].repeat_interleave(h // g, 1) for m in "BC"]
        state *= decay[:, t, :, None, None]
        state += (dt[:, t, :, None] * wide["x"][:, t])[..., None] * maps[0][:, :, None]
        y[:, t] = (state @ maps[1][..., None])[..., 0]
    y += wide["D"][:, None] * wide["x"]
    return y * F.silu(wide["z"]) if case.gate else y, state


def rms_ratio(value: torch.Tensor, reference: torch.Tensor) -> float:
    error = (value.double() - reference).pow(2).mean().sqrt()
    return (error / reference.pow(2).mean().sqrt()).item()


# -- time ----------------------------------------------------------------------


def _graph(works: list[Work]) -> torch.cuda.CUDAGraph:
    for work in works[:3]:
        work()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for work in works:
            work()
    return graph


def compare_graphs(sides: dict[str, list[Work]]) -> dict[str, float]:
    """Median seconds of one call of each side in a CUDA graph; replays take
    turns, so that a clock that falls meets all sides."""
    graphs = {name: _graph(works) for name, works in sides.items()}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(REPLAYS + 1):
        for name, graph in graphs.items():
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            graph.replay()
            end.record()
            end.synchronize()
            times[name].append(start.elapsed_time(end) / 1e3 / len(sides[name]))
    return {name: statistics.median(seconds[1:]) for name, seconds in times.items()}


def eager_time(work: Work) -> float:
    """Median seconds that a call keeps the host."""
    times = []
    for _ in range(EAGER_CALLS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
        torch.cuda.synchronize()
    return statistics.median(times)


class Ceilings(NamedTuple):
    bandwidth: float  # bytes/s, read and written, of the better of two copies
    rate: float  # FLOP/s of a large bf16 product

    @staticmethod
    def measure() -> Ceilings:
        a = torch.empty(2 ** 31, dtype=torch.uint8, device="cuda")
        b = torch.empty_like(a)
        m, n = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
        words = a.view(torch.float32), b.view(torch.float32)
        sides = {"copy": [lambda: b.copy_(a)] * 4,
                 "kernel": [lambda: torch.neg(words[0], out=words[1])] * 4,
                 "product": [lambda: torch.mm(m, n)] * 4}
        compare_graphs(sides)  # clocks rise
        times = compare_graphs(sides)
        copy = min(times["copy"], times["kernel"])
        return Ceilings(2 * a.numel() / copy, 2 * 8192 ** 3 / times["product"])

    def floor(self, bytes_moved: float, flops: float) -> float:
        return max(bytes_moved / self.bandwidth, flops / self.rate)


def scan_floor(case: Scan, ceilings: Ceilings) -> float:
    """Every operand once; the chunked form's flops with chunks of 64, scores
    once a group and only the causal half of them. A product of f32 is three of
    bf16 at least, if it is to be as precise."""
    b, l, h, p, n, g = case[1:7]
    wide = case.dtype == torch.float32
    bytes_moved = case.dtype.itemsize * b * l * ((2 + case.gate) * h * p + h + 2 * g * n)
    pairs = l * 65 / 2
    flops = b * (2 * pairs * (n * g + p * h) + 4 * l * n * p * h) * (3 if wide else 1)
    return ceilings.floor(bytes_moved, flops)


# -- measurements --------------------------------------------------------------


def _scan_works(case: Scan, peer: Peer) -> tuple[dict[str, Work], dict[str, Any]]:
    v = draw_scan(case)
    main = [v[name] for name in ("x", "dt", "A", "B", "C")]
    options = {"D": v["D"], "z": v.get("z"), "dt_bias": v["dt_bias"], "dt_softplus": True}
    return {
        "ssd-mlir": lambda **more: ssd_mlir.mamba_chunk_scan_combined(*main, **options, **more),
        "mamba_ssm": lambda **more: peer.scan(*main, chunk_size=256, **options, **more)}, v


def measure_scan(case: Scan, peer: Peer, ceilings: Ceilings) -> dict[str, Any]:
    works, inputs = _scan_works(case, peer)
    launches = max(3, min(LAUNCHES, 2 ** 27 // (case.batch * case.length * case.heads * 64)))
    times = compare_graphs({name: [work] * launches for name, work in works.items()})
    floor = scan_floor(case, ceilings)
    row = {"case": case.name, "batch": case.batch, "length": case.length, "heads": case.heads,
           "P": case.head_dim, "N": case.state_dim, "G": case.groups,
           "ms": times["ssd-mlir"] * 1e3, "mamba_ssm ms": times["mamba_ssm"] * 1e3,
           "ratio": times["mamba_ssm"] / times["ssd-mlir"], "goal": case.goal or "",
           "x floor": times["ssd-mlir"] / floor}
    if case.length <= ERROR_LENGTH:
        expected = scan_float64(case, inputs)
        for name, work in works.items():
            y, state = work(return_final_states=True)
            row[f"{name} y error"] = rms_ratio(y, expected[0])
            row[f"{name} state error"] = rms_ratio(state, expected[1])
    return row


def _draw_step(case: Step) -> dict[str, Any]:
    """The operands but the state."""
    b, h, p, n = case.batch, case.heads, case.head_dim, case.state_dim
    scan = draw_scan(Scan("", b, 1, h, p, n))
    drawn = {name: scan[name][:, 0] for name in ("x", "dt", "B", "C")}
    drawn["dt"] = drawn["dt"][..., None].expand(b, h, p)
    drawn["A"] = scan["A"][:, None, None].expand(h, p, n)
    drawn["D"], drawn["dt_bias"] = (scan[name][:, None].expand(h, p) for name in ("D", "dt_bias"))
    drawn["state_batch_indices"] = None
    if case.slots:
        rows = torch.randperm(2 * b, generator=torch.Generator().manual_seed(1))
        drawn["state_batch_indices"] = rows[:b].to("cuda", torch.int32)
    return drawn


def _step_works(case: Step, peer: Peer, states: int) -> dict[str, list[Work]]:
    """One call for each of so many states, of either side."""
    operands = _draw_step(case)
    shape = ((1 + case.slots) * case.batch, case.heads, case.head_dim, case.state_dim)
    def works(function: Work) -> list[Work]:
        drawn = [torch.randn(shape, device="cuda").to(case.state) for _ in range(states)]
        return [lambda state=state: function(state, **operands, dt_softplus=True)
                for state in drawn]
    return {"ssd-mlir": works(ssd_mlir.selective_state_update), "mamba_ssm": works(peer.step)}


def _step_errors(case: Step, peer: Peer) -> dict[str, float]:
    """Of y and the states that both sides leave."""
    operands = _draw_step(case)
    rows = operands["state_batch_indices"]
    rows = slice(None) if rows is None else rows.long()
    shape = ((1 + case.slots) * case.batch, case.heads, case.head_dim, case.state_dim)
    before = torch.randn(shape, device="cuda").to(case.state)
    wide = {name: value.double() for name, value in operands.items()
            if name != "state_batch_indices"}
    dt = F.softplus(wide["dt"] + wide["dt_bias"])
    state = before[rows].double() * torch.exp(dt[..., None] * wide["A"])
    state += (dt * wide["x"])[..., None] * wide["B"][:, :1, None]
    y = (state * wide["C"][:, :1, None]).sum(-1) + wide["D"] * wide["x"]
    errors = {}
    for name, function in (("ssd-mlir", ssd_mlir.selective_state_update), ("mamba_ssm", peer.step)):
        after = before.clone()
        found = function(after, **operands, dt_softplus=True)
        errors[f"{name} y error"] = rms_ratio(found, y)
        errors[f"{name} state error"] = rms_ratio(after[rows], state)
    return errors


def measure_step(case: Step, peer: Peer, ceilings: Ceilings) -> dict[str, Any]:
    size = case.heads * case.head_dim * case.state_dim * case.state.itemsize
    # More states than the L2 cache holds, taken in turn.
    copies = max(1, -(-(128 << 20) // (case.batch * size)))
    times = compare_graphs({name: (works * LAUNCHES)[:max(LAUNCHES, copies)]
                            for name, works in _step_works(case, peer, copies).items()})
    floor = 2 * case.batch * size / ceilings.bandwidth
    return {"state": str(case.state).removeprefix("torch.") + (", slots" if case.slots else ""),
            "batch": case.batch, "heads": case.heads,
            "us": times["ssd-mlir"] * 1e6, "mamba_ssm us": times["mamba_ssm"] * 1e6,
            "ratio": times["mamba_ssm"] / times["ssd-mlir"], "x floor": times["ssd-mlir"] / floor,
            **_step_errors(case, peer)}


def measure_eager(case: Scan | Step, peer: Peer, _: Ceilings) -> dict[str, Any]:
    if isinstance(case, Scan):
        what, works = f"scan {case.batch}x{case.length}", _scan_works(case, peer)[0]
    else:
        what = f"step {case.batch}"
        works = {name: only for name, (only,) in _step_works(case, peer, 1).items()}
    times = {}
    for name, work in works.items():
        work()
        times[name] = eager_time(work)
    return {"call": what, "heads": case.heads, "host us": times["ssd-mlir"] * 1e6,
            "mamba_ssm us": times["mamba_ssm"] * 1e6,
            "ratio": times["mamba_ssm"] / times["ssd-mlir"], "goal": 8}


def describe_device() -> dict[str, Any]:
    driver = subprocess.run(["nvidia-smi", "--query-gpu=driver_version,clocks.max.sm",
                             "--format=csv,noheader"], capture_output=True, text=True, check=False)
    triton = importlib.import_module("triton")
    return {"gpu": torch.cuda.get_device_name(), "driver, clock": driver.stdout.strip(),
            "torch": torch.__version__, "triton": triton.__version__,
            "ssd-mlir": ssd_mlir.__version__, "date": time.strftime("%Y-%m-%d")}


def measure(peer_path: Optional[Path], quick: bool,
            save: Callable[[dict[str, Any]], None]) -> None:
    """All cases; a case that one side cannot run is reported, not hidden. What was
    found so far is saved after each."""
    peer = import_peer(peer_path)
    found: dict[str, Any] = {"device": describe_device()}
    print_table("device", [{"what": k, "is": v} for k, v in found["device"].items()])
    ceilings = Ceilings.measure()
    found["ceilings"] = ceilings._asdict()
    print(f"\ncopy {ceilings.bandwidth / 1e12:.2f} TB/s, "
          f"bf16 product {ceilings.rate / 1e12:.0f} TFLOP/s")
    # What is quick comes first.
    parts = (("decode", "decode, bf16, in a CUDA graph", STEPS, measure_step),
             ("eager", "host time of a call from PyTorch", EAGER, measure_eager),
             ("prefill", "prefill, bf16 where not said, in a CUDA graph", SCANS[:9] if quick else SCANS,
              measure_scan))
    for key, title, cases, work in parts:
        rows = found[key] = []
        for i, case in enumerate(cases, 1):
            print(f"{key} {i} of {len(cases)}", end="\r", file=sys.stderr, flush=True)
            try:
                rows.append(work(case, peer, ceilings))
            except Exception as error:  # the next case may well run
                print(f"{case}: {type(error).__name__}: {error}")
            save(found)
            torch.cuda.empty_cache()
        print_table(title, rows)


def draw(found: dict[str, Any], path: Path) -> None:
    """Bars of the speed over mamba_ssm."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    rows, steps = found["prefill"], found.get("decode", [])
    labels = [f"{r['case']} {r['batch']}×{r['length']}, {r['heads']}×{r['P']}, N {r['N']}, "
              f"G {r['G']}" for r in rows]
    labels += [f"decode, batch {r['batch']}, {r['heads']} heads, {r['state']} state"
               for r in steps]
    values = [r["ratio"] for r in rows + steps]
    figure, axes = pyplot.subplots(figsize=(8, 0.28 * len(values) + 1))
    axes.barh(labels, values, color=["tab:blue"] * len(rows) + ["tab:green"] * len(steps))
    axes.axvline(1, color="black", linewidth=1)
    axes.invert_yaxis()
    axes.set_xlabel(f"times faster than mamba_ssm (Triton) on {found['device']['gpu']}")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    print(f"wrote {path}")
