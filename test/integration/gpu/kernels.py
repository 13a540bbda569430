# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The generated kernels under test, and their compilation to PTX and cubins.

    python3 kernels.py --tool build/bin/ssd-opt --out DIR

writes NAME.ptx and NAME.cubin for each and a manifest, and fails if ptxas
reports a spill or one of its C75xx warnings. Needs ptxas, no GPU.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys

# name: kind and options of --build-hopper-kernel
KERNELS = {
    "chunked_h80": dict(kind="chunked", heads=80),
    "chunked_h80_single": dict(kind="chunked", heads=80, heads_per_block=1),
    "chunked_h8_init": dict(kind="chunked", heads=8, initial_state=True),
    "chunked_h8_scale": dict(kind="chunked", heads=8, groups=2, scale_is_decay=False, skip=False),
    "chunked_h8_retnet": dict(kind="chunked", heads=8, decay=False, scale=False, scale_is_decay=False),
    "chunked_h128_g8": dict(kind="chunked", heads=128, groups=8),
    "step_f32": dict(kind="step", heads=80, state="f32"),
    "step_bf16": dict(kind="step", heads=80, state="bf16"),
    "step_n64": dict(kind="step", heads=24, groups=2, state_dim=64, scale_is_decay=False),
    "recurrent_bf16": dict(kind="recurrent", heads=8),
    "recurrent_odd": dict(kind="recurrent", heads=6, groups=2, head_dim=24, state_dim=20, element="f32",
                          initial_state=True, scale_is_decay=False),
    "recurrent_reverse": dict(kind="recurrent", heads=4, head_dim=80, state_dim=16, element="f16", reverse=True),
    "recurrent_segments": dict(kind="recurrent", heads=4, head_dim=32, state_dim=64, element="f32",
                               segment_ids=True, initial_state=True),
    "recurrent_mamba1": dict(kind="recurrent", heads=96, head_dim=1, state_dim=16, element="f32", diagonal=True,
                             scale_is_decay=False),
}
# Mamba-1's decay is Δ[h]·A[h, n]: as [B, L, H, N] here.


def pass_options(name, options):
    words = [f"name={name}"]
    for key, value in options.items():
        if isinstance(value, bool):
            value = str(value).lower()
        words.append(f"{key.replace('_', '-')}={value}")
    return "{" + " ".join(words) + "}"


def compile_kernel(tool, name, options, out):
    ptx = out / f"{name}.ptx"
    pipeline = f"builtin.module(build-hopper-kernel{pass_options(name, options)},emit-ptx{{output={ptx}}})"
    result = subprocess.run([tool, "-", f"--pass-pipeline={pipeline}"], input="module {}", text=True,
                            capture_output=True)
    if result.returncode:
        sys.exit(f"{name}: {result.stderr}")
    entry = dict(options, ptx=ptx.name)
    entry["shared"] = int(re.search(r"hopper\.shared_bytes = (\d+)", result.stdout).group(1))
    rows = re.search(r"ssd\.rows_per_block = (\d+)", result.stdout)
    if rows:
        entry["rows"] = int(rows.group(1))
    entry["threads"] = int(re.search(r"\.reqntid (\d+)", ptx.read_text()).group(1))
    return entry


def assemble(name, entry, out):
    """ptxas -v: registers, and the diagnostics that make a kernel slow."""
    cubin = out / f"{name}.cubin"
    result = subprocess.run(["ptxas", "-v", "-arch=sm_90a", str(out / entry["ptx"]), "-o", str(cubin)], text=True,
                            capture_output=True)
    log = result.stdout + result.stderr
    if result.returncode:
        sys.exit(f"{name}: {log}")
    entry["cubin"] = cubin.name
    entry["registers"] = int(re.search(r"Used (\d+) registers", log).group(1))
    spills = [int(n) for n in re.findall(r"(\d+) bytes spill", log)]
    stack = [int(n) for n in re.findall(r"(\d+) bytes stack frame", log)]
    warnings = re.findall(r"\(C75\d\d\)[^\n]*", log)
    print(f"{name}: {entry['registers']} registers, {sum(spills)} bytes spilled, {sum(stack)} of stack"
          + "".join("\n  " + w for w in warnings))
    return not sum(spills) and not sum(stack) and not warnings


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    manifest, clean = {}, True
    for name, options in KERNELS.items():
        if args.only not in name:
            continue
        manifest[name] = compile_kernel(args.tool, name, options, args.out)
        if shutil.which("ptxas"):
            clean &= assemble(name, manifest[name], args.out)
    (args.out / "manifest.json").write_text(json.dumps(manifest, indent=1))
    sys.exit(0 if clean else "ptxas complained")


if __name__ == "__main__":
    main()
