# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Mamba-2 layers of models: what their operators depend on, by a model's name
or out of its config.json."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Mapping, NamedTuple, Optional

from ._errors import ArgumentError, FileMissingError, InputOutputError


NO_LIMITS = (0.0, math.inf)


class Layer(NamedTuple):
    """A model's Mamba-2 layers, which are all alike."""

    heads: int
    head_dim: int
    groups: int
    state_dim: int
    limits: tuple[float, float] = NO_LIMITS  # of step sizes
    gated: bool = False  # no norm comes first, so that operators take the gate

    def of_rank(self, ranks: int) -> Layer:
        """What one of `ranks` has under tensor parallelism: some of the heads,
        and the groups that those read; a group may be on several ranks.

        Raises: ArgumentError.
        """
        if self.heads % ranks:
            raise ArgumentError(f"{self.heads} heads cannot be shared by {ranks} "
                                "ranks")
        if self.groups % ranks and ranks % self.groups:
            raise ArgumentError(f"{self.groups} groups cannot be shared by "
                                f"{ranks} ranks")
        return self._replace(heads=self.heads // ranks,
                             groups=max(1, self.groups // ranks))


# transformers reads these limits from time_step_min for Nemotron-H and Zamba2.
_LEAST = (0.001, math.inf)

# Whether a Falcon-H1 is gated is its mamba_rms_norm's to say; here all may be.
KNOWN = {
    "mamba2-130m": Layer(24, 64, 1, 128),
    "mamba2-370m": Layer(32, 64, 1, 128),
    "mamba2-780m": Layer(48, 64, 1, 128),
    "mamba2-1.3b": Layer(64, 64, 1, 128),
    "mamba2-2.7b": Layer(80, 64, 1, 128),
    "mamba-codestral-7b": Layer(128, 64, 8, 128),
    "bamba-9b": Layer(128, 64, 1, 128),
    "granite-4.0-h-350m": Layer(48, 32, 1, 128),
    "granite-4.0-h-1b": Layer(48, 64, 1, 128),
    "granite-4.0-h-micro": Layer(64, 64, 1, 128),
    "granite-4.0-h-tiny": Layer(48, 64, 1, 128),
    "granite-4.0-h-small": Layer(128, 64, 1, 128),
    "nemotron-h-8b": Layer(128, 64, 8, 128, _LEAST),
    "nemotron-h-56b": Layer(256, 64, 8, 256, _LEAST),
    "nemotron-nano-9b-v2": Layer(128, 80, 8, 128, _LEAST),
    "nemotron-nano-12b-v2": Layer(128, 80, 8, 128, _LEAST),
    "nemotron-3-nano-4b": Layer(96, 80, 8, 128, _LEAST),
    "nemotron-3-nano-30b-a3b": Layer(64, 64, 8, 128, _LEAST),
    "nemotron-3-super-120b-a12b": Layer(128, 64, 8, 128, _LEAST),
    "nemotron-3-ultra-550b-a55b": Layer(256, 64, 8, 128, _LEAST),
    "falcon-h1-tiny-90m": Layer(24, 32, 1, 64, gated=True),
    "falcon-h1-0.5b": Layer(24, 64, 1, 128, gated=True),
    "falcon-h1-1.5b": Layer(48, 64, 1, 256, gated=True),
    "falcon-h1-1.5b-deep": Layer(24, 64, 1, 256, gated=True),
    "falcon-h1-3b": Layer(32, 128, 1, 256, gated=True),
    "falcon-h1-7b": Layer(24, 128, 1, 256, gated=True),
    "falcon-h1-34b": Layer(32, 128, 2, 256, gated=True),
    "zamba2-1.2b": Layer(64, 64, 1, 128, _LEAST),
    "zamba2-2.7b": Layer(80, 64, 1, 64, _LEAST),
    "zamba2-7b": Layer(112, 64, 2, 64, _LEAST),
}


class _Fields(NamedTuple):
    """What a type of models calls the facts of a layer."""

    heads: str
    head_dim: str
    groups: str
    state_dim: str
    limits: str = "time_step_limit"  # least and most, or the least alone
    norm: Optional[str] = None  # whether there is one; None: always


_FIELDS = {
    "mamba2": _Fields("num_heads", "head_dim", "n_groups", "state_size"),
    "bamba": _Fields("mamba_n_heads", "mamba_d_head", "mamba_n_groups",
                     "mamba_d_state"),
    "granitemoehybrid": _Fields("mamba_n_heads", "mamba_d_head",
                                "mamba_n_groups", "mamba_d_state"),
    "falcon_h1": _Fields("mamba_n_heads", "mamba_d_head", "mamba_n_groups",
                         "mamba_d_state", norm="mamba_rms_norm"),
    "nemotron_h": _Fields("mamba_num_heads", "mamba_head_dim", "n_groups",
                          "ssm_state_size", "time_step_min"),
    "zamba2": _Fields("n_mamba_heads", "mamba_headdim", "mamba_ngroups",
                      "mamba_d_state", "time_step_min"),
}


def find_layer(model: str) -> Layer:
    """The layer of a known model, or of a Hugging Face directory or config.json.

    Raises: ArgumentError, FileMissingError, InputOutputError.
    """
    path = Path(model)
    if path.is_dir():
        path = path / "config.json"
    elif not path.is_file():
        known = KNOWN.get(path.name.lower())
        if known is not None:
            return known
        raise FileMissingError(f"'{model}' is no directory, no config.json and "
                               f"none of the known models: {', '.join(KNOWN)}")
    return _read_layer(path)


def _read_layer(path: Path) -> Layer:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputOutputError(f"cannot read '{path}': {error.strerror}"
                               ) from None
    except ValueError as error:
        raise ArgumentError(f"'{path}' is no JSON: {error}") from None
    try:
        return _layer_of(config)
    except ArgumentError as error:
        raise ArgumentError(f"{path}: {error}") from None


def _layer_of(config: Any) -> Layer:
    if not isinstance(config, Mapping):
        raise ArgumentError("it is no configuration of a model")
    kind = config.get("model_type")
    if kind not in _FIELDS:
        example = ", ".join(_FIELDS["mamba2"][:4])
        raise ArgumentError(
            f"the model type {kind!r} is none of {', '.join(_FIELDS)}; a model of "
            f"another type with Mamba-2 layers can be given as a config.json of "
            f"type mamba2 with the fields {example}")
    fields = _FIELDS[kind]
    missing = [name for name in fields[:4] if config.get(name) is None]
    if missing:
        raise ArgumentError(f"a model of type {kind} needs the fields "
                            f"{', '.join(missing)}")
    heads, head_dim, groups, state_dim = (_size(config, name)
                                          for name in fields[:4])
    if heads % groups:
        raise ArgumentError(f"the {groups} groups must divide the {heads} heads")
    gated = fields.norm is not None and not config.get(fields.norm)
    return Layer(heads, head_dim, groups, state_dim,
                 _limits(config, fields.limits), gated)


def _size(config: Mapping[str, Any], name: str) -> int:
    value = config[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ArgumentError(f"{name} must be a positive integer, not {value!r}")
    return value


def _limits(config: Mapping[str, Any], name: str) -> tuple[float, float]:
    value = config.get(name)
    if value is None:
        return NO_LIMITS
    pair = value if isinstance(value, list) else [value, math.inf]
    try:
        # JSON has no infinity: transformers writes {"__float__": "Infinity"}.
        low, high = (float(v["__float__"] if isinstance(v, dict) else v)
                     for v in pair)
    except (KeyError, TypeError, ValueError):
        raise ArgumentError(f"{name} must be numbers, not {value!r}") from None
    return low, high
