# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs ssd-compile, in a process of its own: an abort in there must not take
the interpreter with it."""

from __future__ import annotations

import collections
import functools
import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Callable, Optional, Sequence

from ._errors import (ArgumentError, CompileError, CompilerNotFoundError,
                      InputOutputError)

Progress = Callable[[str], None]

DTYPES = ("f32", "bf16", "f16")
FORMS = ("auto", "recurrent", "chunked", "quadratic")

_NAME = "ssd-compile"
# "[3/12] ssd-fuse 0.01 s": progress, and no part of an error's message.
_STAGE = re.compile(r"\[\d+/\d+\] ")
# Enough for any diagnostic; a compiler that repeats itself must not fill memory.
_KEPT_LINES = 2000


def _candidates() -> list[Path]:
    package = Path(__file__).resolve().parent
    found = [package / "bin" / _NAME]
    # An editable install lies in python/ssd_mlir of the source tree.
    if (package.parent.parent / "runtime" / "include").is_dir():
        found.append(package.parent.parent / "build" / "bin" / _NAME)
    on_path = shutil.which(_NAME)
    if on_path:
        found.append(Path(on_path))
    return found


def find_compiler() -> Path:
    """The compiler: $SSD_MLIR_COMPILER, the package's own bin folder, the build
    tree of an editable install, PATH.

    Raises: CompilerNotFoundError with the places that were looked at.
    """
    chosen = os.environ.get("SSD_MLIR_COMPILER")
    candidates = [Path(chosen)] if chosen else _candidates()
    for candidate in candidates:
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate.resolve()
    places = "".join(f"\n  {c}" for c in candidates)
    origin = " ($SSD_MLIR_COMPILER)" if chosen else ", nor on PATH"
    raise CompilerNotFoundError(f"there is no executable ssd-compile at{places}"
                                f"{origin}. Build it, or set SSD_MLIR_COMPILER.")


@functools.lru_cache(maxsize=8)
def _digest(path: str, modified: int, size: int) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def compiler_identity(compiler: Path) -> str:
    """What distinguishes one build of the compiler from another."""
    status = compiler.stat()
    return _digest(str(compiler), status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=1)
def host_identity() -> str:
    """The CPU that `target="cpu"` means: its name and what it can do."""
    facts: dict[str, str] = {}
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() in ("model name", "flags", "Features"):
                    facts.setdefault(key.strip(), value.strip())
    except OSError:
        pass
    return f"{platform.machine()}|{sorted(facts.items())}"


def check_options(target: str, dtype: str, form: str = "auto") -> None:
    """Refuses what the compiler would refuse, before starting it."""
    if not isinstance(target, str) or not target or target.startswith("-"):
        raise ArgumentError(f"target must be a name such as 'cpu', not "
                            f"{target!r}")
    if dtype not in DTYPES:
        raise ArgumentError(f"dtype must be one of {', '.join(DTYPES)}, not "
                            f"{dtype!r}")
    if form not in FORMS:
        raise ArgumentError(f"form must be one of {', '.join(FORMS)}, not "
                            f"{form!r}")


def run_compiler(source: str, output: Path, options: Sequence[str] = (),
                 text: Optional[str] = None,
                 progress: Optional[Progress] = None,
                 compiler: Optional[Path] = None) -> None:
    """Compiles `source` (a path, or '-' with `text`) to the file `output`,
    which appears whole or not at all.

    progress: called with each line that the compiler prints while it works.
    Raises: CompileError.
    """
    compiler = compiler or find_compiler()
    try:
        folder = tempfile.mkdtemp(prefix=".ssd-compile-", dir=output.parent)
    except OSError as error:
        raise InputOutputError(f"cannot write to '{output.parent}': "
                               f"{error.strerror}") from None
    try:
        result = Path(folder, "artifact.so")
        command = [str(compiler), source, "-o", str(result), *options]
        if progress is not None:
            command.append("--progress")
        _run(command, text, progress)
        if not result.is_file():
            raise CompileError("ssd-compile succeeded, but wrote no artifact",
                               returncode=0, command=tuple(command))
        try:
            os.replace(result, output)
        except OSError as error:
            raise InputOutputError(f"cannot write '{output}': "
                                   f"{error.strerror}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], text: Optional[str],
         progress: Optional[Progress]) -> None:
    with tempfile.TemporaryFile() as stdin:
        # From a file: no thread is needed to feed a pipe.
        stdin.write((text or "").encode())
        stdin.seek(0)
        try:
            process = subprocess.Popen(
                command, stdin=stdin, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True, encoding="utf-8",
                errors="replace")
        except OSError as error:
            raise CompileError(f"cannot start '{command[0]}': {error.strerror}",
                               command=tuple(command)) from None
    assert process.stderr is not None
    lines: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
    try:
        for line in process.stderr:
            if not _STAGE.match(line):
                lines.append(line)
            if progress is not None and line.strip():
                progress(line.rstrip())
        code = process.wait()
    except BaseException:  # also KeyboardInterrupt: leave no process behind
        process.kill()
        process.wait()
        raise
    finally:
        process.stderr.close()
    if code != 0:
        raise _failure(command, "".join(lines), code)


def _failure(command: list[str], stderr: str, code: int) -> CompileError:
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        what = f"ssd-compile crashed ({name})"
    else:
        what = f"ssd-compile failed (exit status {code})"
    detail = stderr.strip()
    return CompileError(f"{what}:\n{detail}" if detail else what, stderr, code,
                        tuple(command))
