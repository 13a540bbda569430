# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Generation: sampling on the host, in NumPy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable, Iterable, Optional, Sequence, Union

import numpy as np

from ._errors import ArgumentError

if TYPE_CHECKING:
    from ._program import Program

Callback = Callable[[np.ndarray], Any]


def _integer(name: str, value: Any, least: int) -> int:
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise ArgumentError(f"{name} must be an integer, not {value!r}")
    value = int(value)
    if value < least:
        raise ArgumentError(f"{name} must be at least {least}, not {value}")
    return value


class Sampling:
    """How the next token is taken from its logits."""

    def __init__(self, temperature: float = 0.0, top_k: Optional[int] = None,
                 top_p: Optional[float] = None,
                 seed: Optional[int] = None) -> None:
        try:
            self.temperature = float(temperature)
        except (TypeError, ValueError):
            raise ArgumentError(f"temperature must be a number, not "
                                f"{temperature!r}") from None
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ArgumentError(f"temperature must be finite and at least 0, "
                                f"not {temperature!r}")
        self.top_k = None if top_k is None else _integer("top_k", top_k, 1)
        try:
            self.top_p = None if top_p is None else float(top_p)
        except (TypeError, ValueError):
            raise ArgumentError(f"top_p must be a number, not {top_p!r}"
                                ) from None
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ArgumentError(f"top_p must be in (0, 1], not {top_p!r}")
        self.seed = None if seed is None else _integer("seed", seed, 0)

    def generators(self, rows: int) -> list[np.random.Generator]:
        """One generator a row, so that a row's text doesn't depend on which
        others are in the batch."""
        if self.seed is None:
            return [np.random.default_rng() for _ in range(rows)]
        return [np.random.default_rng([self.seed, row]) for row in range(rows)]

    def choose(self, logits: np.ndarray,
               generators: Sequence[np.random.Generator]) -> np.ndarray:
        """Tokens int64 [B] from logits float32 [B, V]."""
        if np.isnan(logits).any():
            raise ArgumentError("the logits hold NaN: the weights are broken, or "
                                "the element type is too narrow for this model")
        if self.temperature == 0:
            return logits.argmax(axis=-1).astype(np.int64)
        return np.array([self._draw(row, generator)
                         for row, generator in zip(logits, generators)],
                        dtype=np.int64)

    def _draw(self, logits: np.ndarray, generator: np.random.Generator) -> int:
        # Stable order, likeliest first: both filters keep a prefix of it.
        order = np.argsort(-logits, kind="stable")
        if self.top_k is not None:
            order = order[:self.top_k]
        # Shifted before the division, which could overflow for a tiny
        # temperature.
        scaled = logits[order].astype(np.float64)
        if not np.isfinite(scaled[0]):
            return int(order[0])
        weights = np.exp((scaled - scaled[0]) / self.temperature)
        cumulative = np.cumsum(weights)
        if self.top_p is not None:
            enough = self.top_p * cumulative[-1]
            kept = int(np.searchsorted(cumulative, enough)) + 1
            cumulative = cumulative[:kept]
        point = generator.random() * cumulative[-1]
        index = int(np.searchsorted(cumulative, point, side="right"))
        return int(order[min(index, len(cumulative) - 1)])


def _end_tokens(eos_token_id: Union[int, Sequence[int], None]) -> list[int]:
    if eos_token_id is None:
        return []
    tokens = (list(eos_token_id) if isinstance(eos_token_id, Iterable)
              else [eos_token_id])
    return [_integer("eos_token_id", token, 0) for token in tokens]


def generate_tokens(program: Program, prompt: np.ndarray, max_new_tokens: int,
                    sampling: Sampling,
                    eos_token_id: Union[int, Sequence[int], None],
                    pad_token_id: int,
                    callback: Optional[Callback]) -> np.ndarray:
    """Prompts [B, L] continued to int64 [B, L + max_new_tokens]."""
    count = _integer("max_new_tokens", max_new_tokens, 0)
    ends = _end_tokens(eos_token_id)
    pad = _integer("pad_token_id", pad_token_id, 0)
    rows, length = prompt.shape
    if length == 0:
        raise ArgumentError("the prompt needs at least one token")
    result = np.full((rows, length + count), pad, dtype=np.int64)
    result[:, :length] = prompt
    if count == 0 or rows == 0:
        return result

    generators = sampling.generators(rows)
    ended = np.zeros(rows, dtype=bool)
    logits, state = program.prefill(prompt)
    for position in range(length, length + count):
        tokens = sampling.choose(logits, generators)
        tokens[ended] = pad
        result[:, position] = tokens
        if callback is not None:
            callback(tokens.copy())
        ended |= np.isin(tokens, ends) & ~ended
        if ended.all() or position + 1 == length + count:
            break
        # Rows that have ended go on with any valid token; nobody looks.
        feed = np.where(ended, prompt[:, -1], tokens)
        logits, state = program.step(feed, state)
    return result
