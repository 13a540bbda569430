# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Loaded programs, their states and calls."""

from __future__ import annotations

import json
import os
import threading
from typing import Any, Mapping, NamedTuple, Optional, Sequence, Union

import numpy as np

from . import _runtime
from ._arrays import (Array, Library, Wrap, library_of, read_ids, storage_type,
                      to_float32, wrapper_like)
from ._errors import ArgumentError, FileMissingError, NotFoundError
from ._generate import Callback, Sampling, generate_tokens
from ._threads import current_context

PathLike = Union[str, "os.PathLike[str]"]

_NUMPY = Library()


class Argument(NamedTuple):
    """One tensor of an entry. Sizes d < 0 are dynamic size number -1-d."""

    name: str
    role: str  # input, output, state, parameter
    dtype: str  # f32, bf16, f16, i32, i64, ...
    shape: tuple[int, ...]
    strided: bool
    device: str  # cpu or cuda; of an entry for both, cpu
    range: Optional[tuple[int, int]]  # inclusive bounds of integers


class Entry:
    """One function of a program: its tensors and what was chosen for it."""

    def __init__(self, descriptions: Sequence[Mapping[str, Any]]) -> None:
        """One description for each device; they differ in no tensor."""
        description = descriptions[0]
        self.name: str = description["name"]
        self._mixers = {self._device(d): d["mixers"] for d in descriptions}
        self.arguments = [Argument(**a) for a in description["arguments"]]
        self.inputs = [a for a in self.arguments if a.role == "input"]
        self.outputs = [a for a in self.arguments if a.role == "output"]
        self.states = [a for a in self.arguments if a.role == "state"]
        # The arguments of a call, in order, with states and parameters left out.
        self.call_arguments = [a for a in self.arguments
                               if a.role in ("input", "output")]
        self.written = [a.role == "output" for a in self.call_arguments]
        # The same where the caller passes the states' tensors, too.
        self.tensors = [a for a in self.arguments if a.role != "parameter"]
        self.tensors_written = [a.role != "input" for a in self.tensors]
        self.tensors_read = [a for a in self.tensors if a.role != "output"]

    @staticmethod
    def _device(description: Mapping[str, Any]) -> str:
        devices = {a["device"] for a in description["arguments"]}
        return "cuda" if "cuda" in devices else "cpu"

    @property
    def devices(self) -> tuple[str, ...]:
        """Where it runs: "cpu", "cuda" or both. Of both, a call takes the one
        that its tensors are on."""
        return tuple(self._mixers)

    @property
    def mixers(self) -> list[dict[str, Any]]:
        """The form that each mixer got, and its candidates' costs; of an entry
        for several devices on each, which is then named."""
        named = len(self._mixers) > 1
        return [{"device": device, **mixer} if named else mixer
                for device, mixers in self._mixers.items()
                for mixer in json.loads(mixers)]

    def sizes(self, arguments: Sequence[Argument],
              inputs: Sequence[Array]) -> dict[int, int]:
        """The dynamic sizes of a call, by number. Contradictions between the
        inputs are the runtime's to report."""
        known: dict[int, int] = {}
        for argument, array in zip(arguments, inputs):
            if len(array.shape) != len(argument.shape):
                raise ArgumentError(
                    f"Entry '{self.name}': argument '{argument.name}' has rank "
                    f"{len(array.shape)}, shape {list(array.shape)}; expected "
                    f"rank {len(argument.shape)}")
            for declared, size in zip(argument.shape, array.shape):
                if declared < 0:
                    known.setdefault(declared, size)
        return known

    def output_shape(self, output: Argument,
                     sizes: Mapping[int, int]) -> tuple[int, ...]:
        """The shape of a result."""
        try:
            return tuple(d if d >= 0 else sizes[d] for d in output.shape)
        except KeyError:
            raise ArgumentError(
                f"Entry '{self.name}': the sizes of result '{output.name}' do "
                "not follow from the inputs; pass arrays as out=") from None


class State:
    """The state of a batch of sequences between calls of a program.

    Made by `Program.prefill` or `Program.new_state`; calls update it in place.
    One state serves one call at a time.
    """

    def __init__(self, native: _runtime.State,
                 program: _runtime.Program) -> None:
        self._native = native
        self._program = program

    @property
    def batch(self) -> int:
        """The number of sequences."""
        return self._native.batch

    @property
    def names(self) -> list[str]:
        """The names of the state tensors."""
        return self._native.names

    def tensors(self) -> dict[str, np.ndarray]:
        """The state tensors by name, as arrays that share the state's memory.
        bfloat16 tensors need the package ml_dtypes."""
        wrap = wrapper_like(None)
        return {name: wrap(Array(*self._native.tensor(i)))
                for i, name in enumerate(self._native.names)}

    def copy(self) -> State:
        """An independent state with the same values."""
        return State(self._native.copy(), self._program)

    def zero(self) -> None:
        """Goes back to the start of a sequence."""
        self._native.zero()

    def save(self, path: PathLike) -> None:
        """Writes the state to a safetensors file, replacing it atomically.

        Raises: OSError if the file cannot be written.
        """
        path = os.fspath(path)
        folder = os.path.dirname(path) or "."
        if not os.path.isdir(folder):
            raise FileMissingError(f"cannot write '{path}': there is no "
                                   f"directory '{folder}'")
        self._native.save(path)

    def load(self, path: PathLike) -> State:
        """Replaces this state, in place, by one that `save` wrote; also another
        batch's. Returns itself.

        Raises: FileNotFoundError; ssd_mlir.Error if the file is none, or holds
        the state of a different program.
        """
        path = os.fspath(path)
        if not os.path.exists(path):
            raise FileMissingError(f"there is no state file '{path}'")
        self._native = self._program.load_state(path, self._native.device)
        return self

    def __copy__(self) -> State:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> State:
        return self.copy()

    def __repr__(self) -> str:
        return f"<ssd_mlir.State of {self.batch} sequences>"


class _Buffers(threading.local):
    """Scratch memory of one program on one thread."""

    def __init__(self) -> None:
        self.workspace = _runtime.Workspace()


class Program:
    """A compiled program with its weights. Made by `ssd_mlir.compile` and
    `ssd_mlir.load`; usable from several threads at once."""

    def __init__(self, path: PathLike,
                 weights: Optional[PathLike] = None) -> None:
        self._path = os.fspath(path)
        if not os.path.isfile(self._path):
            raise FileMissingError(f"there is no artifact '{self._path}'")
        self._native = _runtime.Program(self._path)
        descriptions: dict[str, list[Mapping[str, Any]]] = {}
        for entry in self._native.entries():
            descriptions.setdefault(entry["name"], []).append(entry)
        self._entries = {n: Entry(d) for n, d in descriptions.items()}
        self._buffers = _Buffers()
        self._info = self._native.info()
        if weights is not None:
            weights = os.fspath(weights)
            if not os.path.exists(weights):
                raise FileMissingError(f"there is no weights directory or file "
                                       f"'{weights}'")
            self._native.bind_weights(weights)

    # -- what it is --------------------------------------------------------

    @property
    def path(self) -> str:
        """The artifact's file."""
        return self._path

    @property
    def entries(self) -> dict[str, Entry]:
        """The functions of the program by name."""
        return self._entries

    @property
    def metadata(self) -> dict[str, Any]:
        """What the importer kept of the model's configuration."""
        return json.loads(self._info["metadata"])

    @property
    def target(self) -> str:
        """What the program was compiled for."""
        return self._info["target"]

    def describe(self) -> dict[str, Any]:
        """The artifact's whole table."""
        return json.loads(self._native.describe())

    def mixers(self) -> list[dict[str, Any]]:
        """The form of each mixer of each entry, with the candidates' costs."""
        rows = []
        for entry in self._entries.values():
            for mixer in entry.mixers:
                rows.append({"entry": entry.name, **mixer})
        return rows

    def __repr__(self) -> str:
        return (f"<ssd_mlir.Program '{self._path}' for {self.target}: "
                f"{', '.join(self._entries)}>")

    def _entry(self, name: str) -> Entry:
        entry = self._entries.get(name)
        if entry is None:
            raise NotFoundError(f"'{self._path}' has no entry '{name}'; it has "
                                f"{', '.join(self._entries) or 'none'}")
        return entry

    # -- calls -------------------------------------------------------------

    def bind(self, name: str, array: Any) -> None:
        """Binds one parameter to an array, which is read in place and kept."""
        library = library_of(array)
        bits = library.laid_out(library.read(name, array), strided=False)
        self._native.bind(name, bits.data, bits.dtype, library.gpu)

    def new_state(self, batch: int = 1, device: Optional[str] = None) -> State:
        """A state at the start of `batch` sequences: in the memory of "cpu" or
        of the current GPU, "cuda"; by default where the program runs, on the CPU
        if on both."""
        return State(self._native.create_state(batch, device), self._native)

    def load_state(self, path: PathLike, device: Optional[str] = None) -> State:
        """A state that `State.save` wrote. `device` is as for `new_state`.

        Raises: FileNotFoundError; ssd_mlir.Error if the file holds no state of
        this program.
        """
        path = os.fspath(path)
        if not os.path.exists(path):
            raise FileMissingError(f"there is no state file '{path}'")
        return State(self._native.load_state(path, device), self._native)

    def _run(self, entry: Entry, inputs: Sequence[Array],
             outputs: Sequence[Array], state: Optional[State],
             library: Library) -> None:
        """The one place where calls leave Python."""
        with_states = len(inputs) > len(entry.inputs)
        arguments = entry.tensors if with_states else entry.call_arguments
        reads, results = iter(inputs), iter(outputs)
        arrays = [
            library.laid_out(next(reads), a.strided) if a.role == "input"
            else next(reads if a.role == "state" else results)
            for a in arguments]
        context: Optional[_runtime.Context] = None
        workspace: Any = library.workspace
        if library.gpu < 0:
            context, workspace = self.resources()
        self._native.call(
            entry.name, arrays,
            entry.tensors_written if with_states else entry.written,
            None if state is None else state._native, context,
            workspace, library.gpu, library.stream)

    def resources(self) -> tuple[_runtime.Context, _runtime.Workspace]:
        """What a call by this thread has on the CPU."""
        return current_context(), self._buffers.workspace

    def call_arrays(self, name: str, inputs: Sequence[Array],
                    out: Optional[Sequence[Array]] = None,
                    state: Optional[State] = None,
                    library: Library = _NUMPY) -> list[Array]:
        """`call` on tensors that have been read already. With the states' own
        tensors in their places among the inputs, these are updated."""
        entry = self._entry(name)
        arguments = entry.inputs
        if state is None and len(inputs) == len(entry.tensors_read):
            arguments = entry.tensors_read
        elif len(inputs) != len(entry.inputs):
            raise ArgumentError(
                f"Entry '{name}' takes {len(entry.inputs)} arrays ("
                f"{', '.join(a.name for a in entry.inputs)}), not {len(inputs)}")
        sizes = entry.sizes(arguments, inputs)
        if out is None:
            out = [library.empty(entry.output_shape(o, sizes), o.dtype)
                   for o in entry.outputs]
        elif len(out) != len(entry.outputs):
            raise ArgumentError(f"Entry '{name}' has {len(entry.outputs)} "
                                f"results, but out= has {len(out)} arrays")
        if state is None and arguments is entry.inputs and entry.states:
            state = self._fresh_state(entry, sizes, library)
        self._run(entry, inputs, out, state, library)
        return list(out)

    def _fresh_state(self, entry: Entry, sizes: Mapping[int, int],
                     library: Library) -> State:
        batch = {sizes.get(d, -1) for a in entry.states for d in a.shape if d < 0}
        if len(batch) > 1 or -1 in batch:
            raise ArgumentError(f"Entry '{entry.name}' needs a state; make one "
                                "with new_state(batch)")
        here = "cpu" if library.gpu < 0 else "cuda"
        return self.new_state(batch.pop() if batch else 1,
                              here if here in entry.devices else None)

    def call(self, entry: str, *arrays: Any, out: Optional[Sequence[Any]] = None,
             state: Optional[State] = None) -> Any:
        """Calls any entry of the program.

        `arrays` are its inputs in order, with the shapes and element types of
        `entries[entry].inputs`; read-only, broadcast and strided arrays are
        copied where the entry needs a dense one. Results are returned as one
        array or a tuple, of the library of the first input; their sizes follow
        from the inputs, or else `out` gives the arrays to write. An entry with
        states starts from zero where no `state` is passed. A program for a GPU
        takes tensors of PyTorch's there, and puts the work into its current
        stream; one for a CPU and GPUs runs where the tensors are.

        Raises: LookupError for an unknown entry; ValueError for a wrong number
        of arrays, shape, element type or value.
        """
        signature = self._entry(entry)
        names = [a.name for a in signature.inputs]
        library = library_of(arrays[0] if arrays else None)
        inputs = [
            library.read(names[i] if i < len(names) else f"argument {i}", a)
            for i, a in enumerate(arrays)]
        if out is None:
            results = [library.wrap(r) for r in self.call_arrays(
                entry, inputs, None, state, library)]
        else:
            views = [library.read(f"out[{i}]", a) for i, a in enumerate(out)]
            self.call_arrays(entry, inputs, views, state, library)
            results = list(out)
        return results[0] if len(results) == 1 else tuple(results)

    # -- models ------------------------------------------------------------

    def _read_ids(self, entry: Entry, ids: Any) -> np.ndarray:
        """Token ids in the entry's integer type; out-of-range ones refused
        before a narrower type could wrap them around."""
        declared = entry.inputs[0]
        values = read_ids("ids", ids)
        if values.size and declared.range:
            low, high = declared.range
            least, most = int(values.min()), int(values.max())
            if least < low or most > high:
                raise ArgumentError(
                    f"ids must be between {low} and {high}, but there is "
                    f"{least if least < low else most}")
        return values.astype(storage_type(declared.dtype), copy=False)

    def _sequences(self, entry: Entry, ids: Any) -> np.ndarray:
        values = self._read_ids(entry, ids)
        if values.ndim == 1:
            values = values[None, :]
        if values.ndim != 2:
            raise ArgumentError(f"ids must be [L] or [B, L], not of shape "
                                f"{list(values.shape)}")
        return values

    def _logits(self, entry: Entry, ids: np.ndarray, wrap: Wrap,
                state: Optional[State]) -> Any:
        values = Array(ids, entry.inputs[0].dtype)
        result = self.call_arrays(entry.name, [values], None, state)[0]
        return wrap(Array(to_float32(result), "f32"))

    def logits(self, ids: Any) -> Any:
        """The logits after every token.

        ids: [B, L] or [L] integers (int32, int64, or lists of them).
        Returns: float32 [B, L, V], an array of the library of `ids`.
        Raises: ValueError for ids of another type or shape or out of range.
        """
        entry = self._entry("logits")
        return self._logits(entry, self._sequences(entry, ids),
                            wrapper_like(ids), None)

    def prefill(self, ids: Any,
                state: Optional[State] = None) -> tuple[Any, State]:
        """Reads a prompt, or its next part.

        ids: [B, L] or [L] integers, L >= 1. state: where to go on from, updated
        in place; absent, the sequences begin here.
        Returns: float32 [B, V], the logits after the last token, and the state.
        Raises: ValueError for bad ids, or a state of another batch size.
        """
        entry = self._entry("prefill")
        values = self._sequences(entry, ids)
        if values.shape[1] == 0:
            raise ArgumentError("prefill needs at least one token")
        if state is None:
            state = self.new_state(values.shape[0])
        self._check_batch(values.shape[0], state)
        return self._logits(entry, values, wrapper_like(ids), state), state

    def step(self, ids: Any, state: State) -> tuple[Any, State]:
        """Reads one more token of each sequence.

        ids: [B] or [B, 1] integers, or one integer where B = 1.
        Returns: float32 [B, V] and the state, which is updated in place.
        Raises: ValueError for bad ids, or a state of another batch size.
        """
        entry = self._entry("step")
        if not isinstance(state, State):
            raise ArgumentError("step needs the state that prefill returned")
        values = self._read_ids(entry, ids)
        if values.ndim > 2 or (values.ndim == 2 and values.shape[1] != 1):
            raise ArgumentError(f"step takes one token of each sequence: ids of "
                                f"shape [B], not {list(values.shape)}")
        values = values.reshape(-1)
        self._check_batch(values.shape[0], state)
        if len(entry.inputs[0].shape) == 2:
            values = values[:, None]
        return self._logits(entry, values, wrapper_like(ids), state), state

    @staticmethod
    def _check_batch(batch: int, state: State) -> None:
        if not isinstance(state, State):
            raise ArgumentError(f"state must be a ssd_mlir.State, not "
                                f"{type(state).__name__}")
        if state.batch != batch:
            raise ArgumentError(f"ids are of {batch} sequences, but the state is "
                                f"of {state.batch}")

    def generate(self, ids: Any, max_new_tokens: int = 24,
                 temperature: float = 0.0, top_k: Optional[int] = None,
                 top_p: Optional[float] = None, seed: Optional[int] = None,
                 eos_token_id: Union[int, Sequence[int], None] = None,
                 pad_token_id: int = 0,
                 callback: Optional[Callback] = None) -> Any:
        """Continues prompts.

        ids: [B, L] or [L] integers, L >= 1.
        temperature: 0 takes the likeliest token; otherwise tokens are drawn
        from softmax(logits / temperature), of the `top_k` likeliest and of the
        smallest set that has at least probability `top_p`. Each row draws from
        its own generator, made from `seed` and the row's number.
        eos_token_id: one or several tokens that end a row, which is then
        filled with pad_token_id; generation stops when all rows have ended.
        callback: called with the int64 [B] tokens of each position.

        Returns: int64 [B, L + max_new_tokens], of the library of `ids`.
        Raises: ValueError for bad ids or options.
        """
        sampling = Sampling(temperature, top_k, top_p, seed)
        prompt = self._sequences(self._entry("prefill"), ids)
        result = generate_tokens(self, prompt, max_new_tokens, sampling,
                                 eos_token_id, pad_token_id, callback)
        return wrapper_like(ids)(Array(result, "i64"))


def load(artifact: PathLike, weights: Optional[PathLike] = None) -> Program:
    """Loads a compiled program.

    artifact: a file that `compile` or ssd-compile wrote. weights: a Hugging
    Face directory, or a .safetensors file, with the parameters of the program;
    without it, entries that have parameters cannot be called.

    Raises: FileNotFoundError; ssd_mlir.Error if the file is no artifact, needs
    a newer runtime or another CPU, or if weights are missing, truncated or of
    other shapes.
    """
    return Program(artifact, weights)
