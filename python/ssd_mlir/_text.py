# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Text in and out: tokenizer.json, and decoding a stream of tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

from ._errors import ArgumentError, FileMissingError

# What a decoder puts where bytes are no complete character.
_REPLACEMENT = "\ufffd"


class Tokenizer:
    """A tokenizer.json through the package `tokenizers`."""

    def __init__(self, path: Path) -> None:
        try:
            import tokenizers
        except ImportError:
            raise ArgumentError("text needs the package tokenizers (pip install "
                                "tokenizers); or pass --ids") from None
        if not path.is_file():
            raise FileMissingError(f"there is no '{path}'; pass --ids or "
                                   "--tokenizer")
        try:
            self._native: Any = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the package raises bare Exception
            raise ArgumentError(f"'{path}' is no tokenizer: {error}") from None

    def encode(self, text: str) -> list[int]:
        """The tokens of a text."""
        return list(self._native.encode(text).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens."""
        return self._native.decode([int(t) for t in tokens],
                                   skip_special_tokens=True)


class TextStream:
    """Decodes tokens as they come. A character whose bytes are spread over
    several tokens appears when its last one is there."""

    def __init__(self, tokenizer: Tokenizer, prompt: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        # The text of tokens depends on those before them (a leading space, say),
        # so some that are printed already are decoded again.
        self._tokens = list(prompt)
        self._printed_from = max(0, len(self._tokens) - 8)
        self._printed_to = len(self._tokens)

    def push(self, token: int) -> str:
        """Adds a token and returns the text that is complete now."""
        self._tokens.append(int(token))
        return self._advance(complete=False)

    def finish(self) -> str:
        """Whatever text is left, complete or not."""
        return self._advance(complete=True)

    def _advance(self, complete: bool) -> str:
        start, end = self._printed_from, self._printed_to
        before = self._tokenizer.decode(self._tokens[start:end])
        after = self._tokenizer.decode(self._tokens[start:])
        if not complete and after.endswith(_REPLACEMENT):
            return ""
        if len(after) <= len(before):
            return ""
        self._printed_from, self._printed_to = end, len(self._tokens)
        return after[len(before):]
