# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the generated kernels on a GPU against the recurrence in float64.

    python3 check_kernels.py DIR [--time]

DIR is what kernels.py wrote. Whole tensors, RMS error ratio. Needs torch.
"""
import argparse
import json
import pathlib
import sys

import torch
import torch.nn.functional as F

from cuda_driver import Kernel, TensorMap, time_graph

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
LIMITS = {torch.float32: 1e-5, torch.bfloat16: 5e-3, torch.float16: 5e-3}
SMS = torch.cuda.get_device_properties(0).multi_processor_count if torch.cuda.is_available() else 0
failures = []


def rms_ratio(out, reference):
    out, reference = out.double(), reference.double()
    return ((out - reference).pow(2).mean().sqrt() / reference.pow(2).mean().sqrt()).item()


def report(what, error, limit):
    ok = error <= limit  # NaN fails
    print(f"  {'ok  ' if ok else 'FAIL'} {what}: {error:.3e}", flush=True)
    if not ok:
        failures.append(what)


class Problem:
    """Inputs as models have them, for one kernel of the manifest."""

    def __init__(self, kernel, batch, length, decay_scale=1.0, dtype=torch.bfloat16):
        get = lambda key, default: kernel.get(key, default)
        h, g = kernel["heads"], get("groups", 1)
        p, n = get("head_dim", 64), get("state_dim", 128)
        self.shape = batch, length, h, g, p, n
        rand = lambda *size: torch.randn(*size, device="cuda", dtype=torch.float32)
        self.x, self.b, self.c = rand(batch, length, h, p).to(dtype), rand(batch, length, g, n).to(dtype), rand(
            batch, length, g, n).to(dtype)
        diagonal = get("diagonal", False)
        delta = F.softplus(rand(batch, length, h) - 4) * decay_scale
        self.decay = delta if not diagonal else (delta[..., None] * torch.rand(batch, length, h, n, device="cuda"))
        self.decay = self.decay.contiguous()
        size = (h, n) if diagonal else (h,)
        self.rate = -torch.exp(torch.rand(*size, device="cuda") * 2.77)
        self.scale = self.decay if get("scale_is_decay", True) else rand(batch, length, h)
        self.skip = rand(h)
        self.state = rand(batch, h, p, n) if get("initial_state", False) or kernel["kind"] == "step" else None
        ids = torch.rand(batch, length, device="cuda") < 0.02
        self.ids = ids.int().cumsum(1).int() if get("segment_ids", False) else None
        if not get("decay", True):
            self.decay = None
            self.rate = self.rate * 0.01
        if not get("rate", True):
            self.rate, self.decay = None, -self.decay
        if not get("scale", True):
            self.scale = None
        if not get("skip", True):
            self.skip = None
        self.reverse = get("reverse", False)

    def reference(self):
        batch, length, h, g, p, n = self.shape
        x, b, c = self.x.double(), self.b.double(), self.c.double()
        state = torch.zeros(batch * h, p, n, dtype=torch.float64, device="cuda")
        if self.state is not None:
            state += self.state.double().view(batch * h, p, n)
        y = torch.empty(batch, length, h, p, dtype=torch.float64, device="cuda")
        last = None
        for t in reversed(range(length)) if self.reverse else range(length):
            if self.ids is not None:
                if last is not None:
                    same = (self.ids[:, t] == self.ids[:, last]).double()
                    state *= same.repeat_interleave(h)[:, None, None]
                last = t
            log = torch.zeros(batch, h, 1, dtype=torch.float64, device="cuda")
            if self.decay is not None:
                log = self.decay[:, t].double().view(batch, h, -1)
            if self.rate is not None:
                rate = self.rate.double().view(1, h, -1)
                log = rate.expand(batch, -1, -1) if self.decay is None else log * rate
            state *= torch.exp(log).reshape(batch * h, 1, -1)
            xs = x[:, t] if self.scale is None else x[:, t] * self.scale[:, t, :, None].double()
            heads = lambda v: v[:, t].repeat_interleave(h // g, 1).reshape(batch * h, n)
            state.baddbmm_(xs.reshape(batch * h, p, 1), heads(b)[:, None, :])
            y[:, t] = torch.bmm(state, heads(c)[:, :, None]).view(batch, h, p)
        if self.skip is not None:
            y += x * self.skip.double()[:, None]
        return y, state.view(batch, h, p, n)


def load(directory, manifest, name):
    entry = manifest[name]
    return Kernel(directory / entry.get("cubin", entry["ptx"]), name, entry["threads"], entry["shared"])


class Chunked:
    """A bound launch of a chunked kernel; by default one block an SM, or one a sequence where these are fewer."""

    def __init__(self, kernel, problem, entry, blocks=0):
        batch, length, h, g, p, n = problem.shape
        heads = entry.get("heads_per_block", 2)
        total = batch * h // heads * -(-length // 64)
        blocks = blocks or min(SMS, batch * h // heads)
        per_block = -(-total // blocks)
        blocks = -(-total // per_block)
        nan = float("nan")
        self.y = torch.full_like(problem.x, nan)
        self.final = torch.full((batch, h, p, n), nan, device="cuda")
        self.handed = torch.full((blocks * heads * 8192,), nan, device="cuda")
        self.flags = torch.zeros(blocks * heads, device="cuda", dtype=torch.int32)
        self.kernel, self.grid = kernel, blocks
        self.bound = kernel.bind(TensorMap(problem.x), TensorMap(problem.b), TensorMap(problem.c), TensorMap(self.y),
                                 problem.decay, problem.rate, problem.scale, problem.skip, problem.state, self.final,
                                 self.handed, self.flags, batch, length, per_block)

    def __call__(self):
        self.kernel.launch(self.grid, self.bound)


def check_chunked(directory, manifest, name, batch, length, blocks=0, decay_scale=1.0):
    problem = Problem(manifest[name], batch, length, decay_scale)
    run = Chunked(load(directory, manifest, name), problem, manifest[name], blocks)
    run()
    torch.cuda.synchronize()
    first = run.y.clone()
    y, state = problem.reference()
    what = f"{name} {batch}x{length} on {run.grid} blocks"
    report(f"{what} y", rms_ratio(run.y, y), 5e-3)
    report(f"{what} state", rms_ratio(run.final, state), 5e-3)
    report(f"{what} flags left", run.flags.abs().sum().item(), 0)
    run()
    torch.cuda.synchronize()
    report(f"{what} repeat differs", float(not torch.equal(first, run.y)), 0)


def check_step(directory, manifest, name, batch):
    entry = manifest[name]
    dtype = DTYPES[entry.get("state", "f32")]
    problem = Problem(entry, batch, 1)
    problem.state = problem.state.to(dtype)
    y_reference, state_reference = problem.reference()
    kernel = load(directory, manifest, name)
    y, state = torch.full_like(problem.x, float("nan")), problem.state.clone()
    kernel.launch(step_grid(entry, batch), kernel.bind(problem.x, problem.b, problem.c, y, problem.decay, problem.rate,
                                                       problem.scale, problem.skip, state))
    torch.cuda.synchronize()
    report(f"{name} batch {batch} y", rms_ratio(y, y_reference), 5e-3)
    report(f"{name} batch {batch} state", rms_ratio(state, state_reference), 1e-5 if dtype == torch.float32 else 5e-3)


def step_grid(entry, batch):
    return batch * entry["heads"] * entry.get("head_dim", 64) // entry["rows"]


def check_recurrent(directory, manifest, name, batch, length):
    entry = manifest[name]
    dtype = DTYPES[entry.get("element", "bf16")]
    problem = Problem(entry, batch, length, dtype=dtype)
    y_reference, state_reference = problem.reference()
    kernel = load(directory, manifest, name)
    b, l, h, g, p, n = problem.shape
    y, final = torch.full_like(problem.x, float("nan")), torch.full((b, h, p, n), float("nan"), device="cuda")
    kernel.launch(b * h * -(-p // 16), kernel.bind(problem.x, problem.b, problem.c, y, problem.decay, problem.rate,
                                                   problem.scale, problem.skip, problem.state, final, problem.ids,
                                                   length))
    torch.cuda.synchronize()
    report(f"{name} {batch}x{length} y", rms_ratio(y, y_reference), LIMITS[dtype])
    report(f"{name} {batch}x{length} state", rms_ratio(final, state_reference), 1e-5)


def time_chunked(directory, manifest, name, batch, length):
    problem = Problem(manifest[name], batch, length)
    run = Chunked(load(directory, manifest, name), problem, manifest[name])
    print(f"  {name} {batch}x{length} on {run.grid} blocks: {time_graph(run):.4f} ms", flush=True)


def time_step(directory, manifest, name, batch):
    entry = manifest[name]
    kernel = load(directory, manifest, name)
    runs = []
    dtype = DTYPES[entry["state"]]
    for _ in range(max(1, 40 // batch)):  # more state than fits L2
        problem = Problem(entry, batch, 1)
        y, state = torch.empty_like(problem.x), problem.state.to(dtype)
        runs.append((kernel.bind(problem.x, problem.b, problem.c, y, problem.decay, problem.rate, problem.scale,
                                 problem.skip, state), problem))
    index = [0]

    def launch():
        index[0] += 1
        kernel.launch(step_grid(entry, batch), runs[index[0] % len(runs)][0])

    ms = time_graph(launch, repeats=40)
    floor = 2 * batch * entry["heads"] * 64 * 128 * dtype.itemsize / 4.28e9
    print(f"  {name} batch {batch}: {ms * 1e3:.1f} us, {ms / floor:.2f} of the floor", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kernels", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--time", action="store_true")
    args = parser.parse_args()
    manifest = json.loads((args.kernels / "manifest.json").read_text())
    torch.manual_seed(0)
    where = args.kernels, manifest
    cases = [
        (check_step, "step_f32", 3), (check_step, "step_bf16", 3), (check_step, "step_n64", 5),
        (check_recurrent, "recurrent_bf16", 2, 257), (check_recurrent, "recurrent_odd", 2, 131),
        (check_recurrent, "recurrent_reverse", 1, 100), (check_recurrent, "recurrent_segments", 2, 300),
        (check_recurrent, "recurrent_mamba1", 2, 129), (check_recurrent, "recurrent_bf16", 1, 1),
        (check_chunked, "chunked_h8_init", 1, 64), (check_chunked, "chunked_h8_init", 1, 1024),
        (check_chunked, "chunked_h8_init", 1, 1), (check_chunked, "chunked_h8_init", 2, 193),
        (check_chunked, "chunked_h8_init", 2, 1000, 3), (check_chunked, "chunked_h8_init", 2, 1000, 13),
        (check_chunked, "chunked_h8_init", 1, 512, 0, 40.0),
        (check_chunked, "chunked_h8_scale", 2, 320), (check_chunked, "chunked_h8_retnet", 1, 320),
        (check_chunked, "chunked_h128_g8", 1, 256), (check_chunked, "chunked_h80_single", 2, 1000),
        (check_chunked, "chunked_h80_single", 2, 300, 100), (check_chunked, "chunked_h80", 8, 2048),
        (check_chunked, "chunked_h80", 4, 512),
    ]
    for check, name, *rest in cases:
        if args.only in name and name in manifest:
            check(*where, name, *rest)
    if args.time:
        for name, batch, length in [("chunked_h80", 8, 2048), ("chunked_h80", 4, 8192), ("chunked_h80", 1, 8192),
                                    ("chunked_h80_single", 1, 8192), ("chunked_h80", 1, 2048),
                                    ("chunked_h80_single", 1, 2048), ("chunked_h80_single", 8, 2048),
                                    ("chunked_h128_g8", 8, 2048)]:
            if args.only in name and name in manifest:
                time_chunked(*where, name, batch, length)
        for name in ("step_f32", "step_bf16"):
            for batch in (1, 8, 64, 256):
                if args.only in name and name in manifest:
                    time_step(*where, name, batch)
    sys.exit(f"{len(failures)} failures" if failures else 0)


if __name__ == "__main__":
    main()
