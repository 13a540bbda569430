# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`compile`: from a model directory or MLIR to a loaded program."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Optional, Union

from . import _cache
from ._compiler import (Progress, check_options, compiler_identity,
                        find_compiler, host_identity, run_compiler)
from ._errors import (ArgumentError, ArtifactError, DeviceError,
                      FileMissingError, InputOutputError)
from ._program import PathLike, Program
from ._threads import default_num_threads

_HEADER_LIMIT = 100 << 20  # of a safetensors file; as the format's own library


class Source:
    """What to compile: a model directory, or MLIR text."""

    def __init__(self, value: Union[PathLike, str]) -> None:
        self.path: Optional[Path] = None  # None: the text was given
        self.text: Optional[str] = None  # None: a directory
        if isinstance(value, str) and ("\n" in value or "func.func" in value):
            self.text = value
            return
        if not isinstance(value, (str, os.PathLike)):
            raise ArgumentError(f"expected a path or MLIR text, not "
                                f"{type(value).__name__}")
        self.path = Path(os.fspath(value))
        if self.path.is_file():
            self.text = _read_text(self.path)
        elif not self.path.is_dir():
            raise FileMissingError(f"there is no model directory or .mlir file "
                                   f"'{self.path}'")

    @property
    def directory(self) -> Optional[Path]:
        """The model's."""
        return self.path if self.text is None else None

    @property
    def argument(self) -> str:
        """The compiler's INPUT argument. Files are named, so that what it says
        about them says where."""
        return "-" if self.path is None else str(self.path.resolve())

    def fingerprint(self) -> str:
        """Changes whenever the compiled program would: with the text, or with
        the configuration and the tensors' names, types and shapes. Weights are
        no part of a program, but places in a file are."""
        if self.text is not None:
            return self.text if self.path is None else f"{self.argument}\n{self.text}"
        digest = hashlib.blake2b(digest_size=20)
        assert self.directory is not None
        for path in sorted(self.directory.iterdir()):
            if path.name == "config.json" or path.name.endswith(".index.json"):
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
            elif path.suffix == ".safetensors":
                digest.update(path.name.encode() + b"\0" + _header(path))
        return digest.hexdigest()


def _read_text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            if file.read(4) == b"\x7fELF":
                raise ArgumentError(f"'{path}' is a compiled artifact; use "
                                    "ssd_mlir.load")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ArgumentError(f"'{path}' is no MLIR text") from None


def _header(path: Path) -> bytes:
    with open(path, "rb") as file:
        length = file.read(8)
        size = min(int.from_bytes(length, "little"), _HEADER_LIMIT)
        return length + file.read(size)


class Compilation:
    """A run of the compiler, which is not needed where its result is known."""

    def __init__(self, source: Source, target: str = "cpu", dtype: str = "f32",
                 form: str = "auto", batch_invariant: bool = False,
                 kernel: Optional[str] = None,
                 tuning_spec: Optional[PathLike] = None) -> None:
        check_options(target, dtype, form)
        self._source = source
        self._options = [f"--target={target}", f"--dtype={dtype}",
                         f"--form={form}"]
        # Wherever it stands, and in no other target's name.
        is_for_host = "cpu" in target
        self._machine = host_identity() if is_for_host else None
        if is_for_host:
            self._options.append(f"--workers={default_num_threads()}")
        if batch_invariant:
            self._options.append("--batch-invariant")
        if kernel is not None:
            self._options.append(f"--kernel={kernel}")
        self._choices = ""  # that are no options, but in a file
        if tuning_spec is not None:
            spec = Path(os.fspath(tuning_spec))
            if not spec.is_file():
                raise FileMissingError(f"there is no tuning spec '{spec}'")
            self._choices = _read_text(spec)
            self._options.append(f"--tuning-spec={spec.resolve()}")
        self._compiler = find_compiler()

    def key(self) -> str:
        """A name for the result: another one for all that could change it, the
        compiler included."""
        return _cache.key_of(source=self._source.fingerprint(),
                             options=self._options, choices=self._choices,
                             compiler=compiler_identity(self._compiler),
                             host=self._machine)

    def run(self, path: Path, progress: Optional[Progress] = None) -> None:
        """Compiles to `path`."""
        source = self._source
        run_compiler(source.argument, path, self._options,
                     source.text if source.path is None else None, progress,
                     self._compiler)


def build(source: Source, output: Optional[PathLike] = None,
          progress: Optional[Progress] = None, **options: Any) -> Path:
    """Compiles to `output`, or into the cache, and returns the artifact.

    options: Compilation's."""
    compilation = Compilation(source, **options)
    if output is None:
        return _cache.fetch(compilation.key(),
                            lambda path: compilation.run(path, progress))
    path = Path(os.fspath(output))
    if path.is_dir():
        raise ArgumentError(f"the output '{path}' is a directory")
    if not path.parent.is_dir():
        raise FileMissingError(f"cannot write '{path}': there is no "
                               f"directory '{path.parent}'")
    if not os.access(path.parent, os.W_OK):
        raise InputOutputError(f"cannot write '{path}': the directory is "
                               "not writable")
    compilation.run(path, progress)
    return path


def load_cached(source: Source, **options: Any) -> Program:
    """Builds in the cache and loads; a file that cannot be loaded is built
    again."""
    for attempt in (1, 2):
        path = build(source, **options)
        try:
            return Program(path)
        except (ArtifactError, DeviceError, FileMissingError) as error:
            # Damaged; evicted by another process just now; or the package's,
            # assembled for a newer driver than this machine's.
            if attempt == 2 or (isinstance(error, DeviceError)
                                and not _cache.is_shipped(path)):
                raise
            _cache.discard(path)
    raise AssertionError("unreachable")


def compile(path_or_mlir: Union[PathLike, str], target: str = "cpu",
            dtype: str = "f32", output: Optional[PathLike] = None,
            progress: Optional[Progress] = None,
            batch_invariant: bool = False, form: str = "auto",
            kernel: Optional[str] = None,
            tuning_spec: Optional[PathLike] = None) -> Program:
    """Compiles a model or an MLIR module and loads the result.

    path_or_mlir: a Hugging Face directory (config.json and safetensors), a
    .mlir file, or MLIR text.
    target: "cpu" (this machine), "x86-64-v3", "x86-64-v4", or a GPU: "sm_90a"
    (Hopper), "sm_80" (any GPU since Ampere, by PTX that the driver compiles), or
    chips with commas in between, as "sm_80,sm_86,sm_90a": one artifact with
    Hopper's kernels if sm_90a is there, portable ones assembled for each chip,
    and their PTX for all others. A CPU and GPUs, as "cpu,sm_90a": code for both;
    calls run where their tensors are, and those on the CPU need no GPU.
    dtype: the type of a model's activations: "f32", "bf16" or "f16".
    output: where to write the artifact; without it, it goes to the cache
    ($SSD_MLIR_CACHE, else the user's cache folder) and is found there again.
    progress: called with each line that the compiler prints while it works.
    batch_invariant: a sequence's results are bitwise the same in any batch. Else
    a long sequence of few heads may be cut into parts that run side by side: on
    "cpu" for as many threads as are the default here (`get_num_threads`; with
    how many the program then runs changes no bit).
    form: of every mixer, "recurrent", "chunked" or "quadratic"; "auto": by the
    cost model. kernel: the GPU kernel of every mixer, "step", "chunked",
    "chunked_single", "chunked_portable" or "recurrent"; None: the one that is
    estimated to be fastest. tuning_spec: a file that chooses for each mixer (see
    the pass ssd-apply-tuning-spec). What a mixer's own attributes say wins over
    all of them.

    A model's weights are read from its directory, not copied.

    Raises: FileNotFoundError; ValueError for bad options; CompileError with the
    compiler's message; ssd_mlir.Error for weights that don't fit.
    """
    source = Source(path_or_mlir)
    options: dict[str, Any] = {
        "target": target, "dtype": dtype, "form": form, "progress": progress,
        "batch_invariant": batch_invariant, "kernel": kernel,
        "tuning_spec": tuning_spec}
    program = load_cached(source, **options) if output is None \
        else Program(build(source, output=output, **options))
    if source.directory is not None:
        program._native.bind_weights(str(source.directory))
    return program
