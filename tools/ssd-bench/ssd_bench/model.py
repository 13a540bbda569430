# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A Mamba-2 of 130 million parameters side by side with transformers."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import torch

import ssd_mlir
from .measure import ROOT, Stopwatch, Timing, print_table, ratio, rms_ratio
from .reference import model_float64

PROMPT = 512
DECODED = 12  # tokens of one timed run
# A chunk of 64 is the fastest for transformers' path here; its own default of
# 256 takes four times the memory and time. For ssd-mlir it means nothing.
CONFIG = {"vocab_size": 50288, "hidden_size": 768, "num_hidden_layers": 24,
          "state_size": 128, "head_dim": 64, "num_heads": 24, "expand": 2,
          "n_groups": 1, "conv_kernel": 4, "chunk_size": 64,
          "layer_norm_epsilon": 1e-5, "tie_word_embeddings": True,
          "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
STORED = {"f32": torch.float32, "bf16": torch.bfloat16}


def _make_model() -> Any:
    """Initialised at random as transformers does, but with projections large
    enough for the layers to matter."""
    from transformers import Mamba2Config, Mamba2ForCausalLM
    torch.manual_seed(0)
    model = Mamba2ForCausalLM(Mamba2Config(**CONFIG, initializer_range=0.05))
    return model.eval()


def write_models(folder: Path) -> dict[str, Path]:
    """The same model as Hugging Face directories, one for each stored type."""
    model = _make_model()
    paths = {}
    for name, dtype in STORED.items():
        paths[name] = folder / name
        model.to(dtype).save_pretrained(paths[name])
        model.float()
    return paths


# -- compile time --------------------------------------------------------------


def _compile_seconds(source: Path, folder: Path) -> float:
    compiler = os.environ.get("SSD_MLIR_COMPILER", "ssd-compile")
    start = time.perf_counter()
    subprocess.run([compiler, str(source), "-o", str(folder / "timed.so")],
                   check=True)
    return time.perf_counter() - start


def measure_compile_times() -> dict[str, Any]:
    """Of three compilations each, the median."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="ssd-bench-") as name:
        folder = Path(name)
        sources = {"130M, f32": (write_models(folder)["f32"], 30),
                   "demo model": (ROOT / "test/models/kjv-mamba2", 5)}
        for what, (source, goal) in sources.items():
            times = Timing.of([_compile_seconds(source, folder)
                               for _ in range(3)])
            rows.append({"what": what, "seconds": times.median,
                         "best": times.best, "goal": goal})
    print_table("compile time", rows)
    return {"rows": rows}


# -- memory bandwidth ----------------------------------------------------------


def measure_bandwidth(watch: Stopwatch) -> float:
    """Bytes/s of reading half a gigabyte once, with the threads that everything
    else has."""
    data = torch.ones(1 << 27)
    times = watch.compare({"sum": lambda: data.sum(),
                           "dot": lambda: torch.dot(data, data)}, least=7,
                          most=15)
    return data.numel() * 4 / min(t.best for t in times.values())


# -- prefill and decode --------------------------------------------------------


class _Own:
    def __init__(self, source: Path) -> None:
        self.program = ssd_mlir.compile(source)

    def prefill(self, ids: np.ndarray) -> np.ndarray:
        logits, self.state = self.program.prefill(ids)
        return logits

    def decode(self, token: int, count: int) -> None:
        tokens = np.full([1], token, np.int64)
        for _ in range(count):
            self.program.step(tokens, self.state)


class _Transformers:
    def __init__(self, source: Path, dtype: torch.dtype) -> None:
        from transformers import Mamba2ForCausalLM
        self.model = Mamba2ForCausalLM.from_pretrained(source,
                                                       dtype=dtype).eval()

    @torch.no_grad()
    def prefill(self, ids: np.ndarray) -> np.ndarray:
        result = self.model(torch.from_numpy(ids), use_cache=True,
                            logits_to_keep=1)
        self.cache = result.cache_params
        return result.logits[:, -1].float().numpy()

    @torch.no_grad()
    def decode(self, token: int, count: int) -> None:
        tokens = torch.full([1, 1], token)
        for _ in range(count):
            self.model(tokens, cache_params=self.cache, use_cache=True)


def _measure_stored(watch: Stopwatch, source: Path, stored: str,
                    bandwidth: float) -> tuple[list[dict], dict[str, Any]]:
    own = _Own(source)
    other = _Transformers(source, STORED[stored])
    weights = other.model.state_dict()
    weights.pop("lm_head.weight", None)
    size = sum(w.numel() * w.element_size() for w in weights.values())
    ids = np.random.default_rng(0).integers(0, CONFIG["vocab_size"], [1, PROMPT])
    prefill = watch.compare({"ssd-mlir": lambda: own.prefill(ids),
                             "transformers": lambda: other.prefill(ids)},
                            least=2, most=15)
    expected = model_float64(weights, CONFIG, torch.from_numpy(ids))
    errors = {"ssd-mlir": rms_ratio(own.prefill(ids), expected),
              "transformers": rms_ratio(other.prefill(ids), expected)}
    decode = watch.compare({"ssd-mlir": lambda: own.decode(7, DECODED),
                            "transformers": lambda: other.decode(7, DECODED)},
                           least=3, most=30)
    floor = size / bandwidth
    rows = [{"weights": stored, "what": name,
             "prefill ms": prefill[name].median * 1e3,
             "tokens/s": DECODED / decode[name].median,
             "best tokens/s": DECODED / decode[name].best,
             "of bandwidth": floor * DECODED / decode[name].median,
             "rms error": errors[name]} for name in decode]
    goals = {f"{stored} prefill, x transformers":
             (ratio(prefill["transformers"], prefill["ssd-mlir"]), 2.0),
             f"{stored} decode, of bandwidth": (rows[0]["of bandwidth"], 0.7),
             f"{stored} decode, x transformers":
             (ratio(decode["transformers"], decode["ssd-mlir"]), None)}
    return rows, goals


def _results(watch: Stopwatch, paths: dict[str, Path],
             rows: list) -> Iterator[tuple[str, tuple[float, Any]]]:
    for stored, path in paths.items():
        bandwidth = measure_bandwidth(watch)
        found, goals = _measure_stored(watch, path, stored, bandwidth)
        for row in found:
            rows.append({**row, "GB/s read": bandwidth / 1e9})
        yield from goals.items()


def measure(watch: Stopwatch, threads: int) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="ssd-bench-") as name:
        goals = dict(_results(watch, write_models(Path(name)), rows))
    print_table(f"Mamba-2 130M, batch 1, prefill of {PROMPT} tokens, "
                f"{threads} threads", rows)
    print_table("model, goals", [
        {"what": name, "measured": value, "goal": goal or "-"}
        for name, (value, goal) in goals.items()])
    return {"config": CONFIG, "rows": rows, "goals": goals}
