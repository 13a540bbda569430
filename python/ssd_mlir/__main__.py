# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line: python -m ssd_mlir
compile|generate|describe|explain|operators."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Iterator, Optional, Sequence

import numpy as np

from . import __version__, _ahead
from ._compile import Source, build, compile
from ._compiler import DTYPES, Progress
from ._errors import ArgumentError, CompileError, Error
from ._explain import explain
from ._layers import KNOWN, Layer, find_layer
from ._program import Program, load
from ._text import TextStream, Tokenizer
from ._threads import default_num_threads, set_num_threads


@contextlib.contextmanager
def _compiling(what: str) -> Iterator[Progress]:
    """A spinner on stderr with the compiler's latest line; nothing where stderr
    is no terminal."""
    from rich.console import Console

    console = Console(stderr=True, markup=False, highlight=False)
    if not console.is_terminal:
        yield lambda line: None
        return
    with console.status(f"compiling {what}") as status:
        yield lambda line: status.update(f"compiling {what}: {line}")


def _is_artifact(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


def _program(path: str, target: str, dtype: str,
             weights: Optional[str] = None) -> Program:
    """An artifact loaded, or anything else compiled."""
    if _is_artifact(path):
        return load(path, weights)
    with _compiling(path) as progress:
        program = compile(path, target, dtype, progress=progress)
    if weights is not None:
        program._native.bind_weights(weights)
    return program


def _ids(text: str) -> list[int]:
    try:
        return [int(part) for part in text.replace(",", " ").split()]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no list of integers") from None


def _count(text: str) -> int:
    if not text.strip().isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no positive integer")
    return int(text)


def _counts(text: str) -> list[int]:
    return [_count(part) for part in text.split(",")]


def _targets(text: str) -> list[str]:
    targets = text.split(",")
    for target in targets:
        if target not in _ahead.TARGETS:
            raise argparse.ArgumentTypeError(
                f"no call looks for operators for '{target}'; targets are "
                f"{', '.join(_ahead.TARGETS)}")
    return targets


def _compile(options: argparse.Namespace) -> None:
    source = Source(options.input)
    with _compiling(options.input) as progress:
        path = build(source, options.output, progress, target=options.target,
                     dtype=options.dtype, form=options.form)
    print(path)


def _describe(options: argparse.Namespace) -> None:
    json.dump(load(options.artifact).describe(), sys.stdout, indent=2)
    print()


def _explain(options: argparse.Namespace) -> None:
    path = options.input
    if not _is_artifact(path):
        source = Source(path)
        with _compiling(path) as progress:
            path = str(build(source, progress=progress, target=options.target,
                             dtype=options.dtype))
    explain(Program(path).mixers(), options.input)


def _end_tokens(program: Program, options: argparse.Namespace) -> list[int]:
    """The model's own ends of text, unless the user said otherwise."""
    if options.eos is not None:
        return [options.eos] if options.eos >= 0 else []
    tokens = program.metadata.get("eos_token_id")
    if tokens is None:
        return []
    return tokens if isinstance(tokens, list) else [tokens]


def _tokenizer(options: argparse.Namespace) -> Optional[Tokenizer]:
    if options.ids is not None:
        return None
    folder = options.weights or options.model
    path = Path(options.tokenizer or folder)
    if path.is_file() and not options.tokenizer:
        path = path.parent  # an artifact, or a .safetensors file
    return Tokenizer(path / "tokenizer.json" if path.is_dir() else path)


def _generate(options: argparse.Namespace) -> None:
    if options.threads is not None:
        set_num_threads(options.threads)
    tokenizer = _tokenizer(options)
    program = _program(options.model, options.target, options.dtype,
                       options.weights)
    prompt = options.ids
    if tokenizer is not None:
        prompt = tokenizer.encode(options.prompt)
        if not prompt:
            raise ArgumentError("the prompt holds no tokens")
    ends = _end_tokens(program, options)
    stream = None if tokenizer is None else TextStream(tokenizer, prompt)
    moments: list[float] = []

    def show(tokens: np.ndarray) -> None:
        moments.append(time.perf_counter())
        token = int(tokens[0])
        if stream is None:
            print(token, end=" ", flush=True)
        elif token not in ends:
            print(stream.push(token), end="", flush=True)

    if tokenizer is not None and not options.no_echo:
        print(options.prompt, end="", flush=True)
    start = time.perf_counter()
    try:
        program.generate(prompt, options.max_new_tokens, options.temperature,
                         options.top_k, options.top_p, options.seed,
                         eos_token_id=ends, callback=show)
    finally:
        if stream is not None:
            print(stream.finish(), end="")
        print(flush=True)
        _report(len(prompt), start, moments)


def _report(prompt: int, start: float, moments: Sequence[float]) -> None:
    """Times on stderr, the prompt's apart from the tokens after it."""
    if not moments:
        return
    text = (f"prompt: {prompt} tokens in {moments[0] - start:.3f} s; "
            f"generated {len(moments)}")
    if len(moments) > 1:
        seconds = moments[-1] - moments[0]
        text += f", {(len(moments) - 1) / max(seconds, 1e-9):.1f} tokens/s"
    print(text, file=sys.stderr)


# A node has no more GPUs.
_RANKS = (1, 2, 4, 8)


def _layers(options: argparse.Namespace) -> Iterator[tuple[str, int, Layer]]:
    """(model, ranks, what each has) for all models and numbers of ranks."""
    for model in options.models or KNOWN:
        layer = find_layer(model)
        for ranks in options.tensor_parallel or _RANKS:
            try:
                yield model, ranks, layer.of_rank(ranks)
            except ArgumentError as error:
                if options.tensor_parallel:
                    raise ArgumentError(f"{model}: {error}") from None
                print(f"ssd-mlir: {model}: {error}: left out", file=sys.stderr)


def _operators(options: argparse.Namespace) -> None:
    from rich.console import Console

    console = Console(markup=False, highlight=False)
    layers = list(_layers(options))
    if options.list:
        console.print(_ahead.table_of_layers(layers))
        return
    operators = _ahead.operators_of((layer for _, _, layer in layers),
                                    options.dtype, options.target)
    folder = None if options.output is None else _ahead.make_folder(options.output)
    results: list[_ahead.Result] = []
    with _compiling("operators") as progress:
        for result in _ahead.compile_all(operators, folder, options.jobs):
            results.append(result)
            progress(f"{len(results)} of {len(operators)}")
            if result.error is not None:
                print(f"ssd-mlir: {result.operator}: {result.error}",
                      file=sys.stderr)
    console.print(_ahead.table_of_results(results))
    for place in sorted({str(r.path.parent) for r in results if r.path}):
        print(f"in {place}")
    failed = sum(result.error is not None for result in results)
    if failed:
        raise CompileError(f"{failed} of {len(results)} operators could not be "
                           "compiled")


def _add_compiling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", default="cpu",
                        help="cpu (this machine), x86-64-v3, x86-64-v4, GPU "
                        "chips (sm_90a), or a CPU and chips with commas in "
                        "between")
    parser.add_argument("--dtype", default="f32", choices=DTYPES,
                        help="type of the activations")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ssd-mlir", description="Compile and run state space models.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("compile", help="compile a model or MLIR")
    command.add_argument("input", help="Hugging Face directory or .mlir file")
    command.add_argument("-o", "--output",
                         help="the artifact; without it, in the cache")
    _add_compiling(command)
    command.add_argument("--form", default="auto",
                         choices=("auto", "recurrent", "chunked", "quadratic"))
    command.set_defaults(run=_compile)

    command = commands.add_parser("generate", help="continue a text")
    command.add_argument("model", help="Hugging Face directory, or artifact")
    text = command.add_mutually_exclusive_group(required=True)
    text.add_argument("--prompt", help="text, for the model's tokenizer.json")
    text.add_argument("--ids", type=_ids, help="tokens instead of text: 1,2,3")
    command.add_argument("--weights",
                         help="directory of weights (for an artifact)")
    command.add_argument("--tokenizer", help="tokenizer.json, or its directory")
    command.add_argument("--max-new-tokens", type=int, default=100)
    command.add_argument("--temperature", type=float, default=0.0)
    command.add_argument("--top-k", type=int)
    command.add_argument("--top-p", type=float)
    command.add_argument("--seed", type=int)
    command.add_argument("--eos", type=int,
                         help="token that ends the text; -1: none (default: "
                              "the model's)")
    command.add_argument("--threads", type=int)
    command.add_argument("--no-echo", action="store_true",
                         help="don't print the prompt")
    _add_compiling(command)
    command.set_defaults(run=_generate)

    command = commands.add_parser("describe",
                                  help="print an artifact's table as JSON")
    command.add_argument("artifact")
    command.set_defaults(run=_describe)

    command = commands.add_parser(
        "explain", help="show which form each mixer got, and why")
    command.add_argument("input",
                         help="Hugging Face directory, .mlir file or artifact")
    _add_compiling(command)
    command.set_defaults(run=_explain)

    command = commands.add_parser(
        "operators", help="compile what serving a model calls, before it does")
    command.add_argument(
        "models", nargs="*", metavar="model",
        help="Hugging Face directory or config.json with Mamba-2 layers, or a "
        "name that --list shows; without one, all of those")
    command.add_argument("--tensor-parallel", type=_counts, metavar="RANKS",
                         help="numbers of ranks that share a layer's heads "
                         "(default: those of 1,2,4,8 that divide them)")
    command.add_argument("--target", type=_targets, default=["sm_90a"],
                         help="sm_90a (Hopper; the default), sm_80 (other GPUs "
                         "since Ampere), cpu (this machine), with commas in "
                         "between")
    command.add_argument("--dtype", default="bf16", choices=DTYPES,
                         help="type of x, B, C, dt, D and dt_bias")
    command.add_argument("-o", "--output",
                         help="folder for them, which serves as "
                         "$SSD_MLIR_CACHE; without it, the cache")
    command.add_argument("--jobs", type=_count, default=default_num_threads(),
                         help="how many are compiled at a time")
    command.add_argument("--list", action="store_true",
                         help="show the layers, and compile nothing")
    command.set_defaults(run=_operators)
    return parser


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs a command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        return 0
    except Error as error:
        print(f"ssd-mlir: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head` has seen enough
        sys.stderr.close()
        return 141


if __name__ == "__main__":
    sys.exit(main())
