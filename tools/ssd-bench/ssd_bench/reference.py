# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What results are held against: float64 recurrences, and the same computation
as PyTorch does it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch


class ScanInputs(NamedTuple):
    """Arguments of mamba_chunk_scan_combined, drawn as models have them."""

    x: torch.Tensor
    dt: torch.Tensor
    A: torch.Tensor
    B: torch.Tensor
    C: torch.Tensor
    D: torch.Tensor
    dt_bias: torch.Tensor


def draw_scan(batch: int, length: int, heads: int, head_dim: int, groups: int,
              state_dim: int, seed: int = 0) -> ScanInputs:
    """A = -U[1, 16]; softplus(dt + bias) is between 1e-3 and 0.1."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    rate = -(1 + 15 * torch.rand(heads, generator=generator))
    step = torch.exp(np.log(1e-3) + np.log(100)
                     * torch.rand(heads, generator=generator))
    return ScanInputs(
        normal(batch, length, heads, head_dim),
        0.5 * normal(batch, length, heads), rate,
        normal(batch, length, groups, state_dim),
        normal(batch, length, groups, state_dim), normal(heads),
        step + torch.log(-torch.expm1(-step)))


def scan_float64(inputs: ScanInputs) -> np.ndarray:
    """The recurrence itself, token by token, in float64."""
    x, dt, A, B, C, D, bias = (t.double() for t in inputs)
    delta = torch.nn.functional.softplus(dt + bias)
    batch, length, heads, head_dim = x.shape
    repeat = heads // B.shape[2]
    state = torch.zeros(batch, heads, head_dim, B.shape[3], dtype=torch.float64)
    y = torch.empty_like(x)
    for t in range(length):
        b = B[:, t].repeat_interleave(repeat, 1)
        c = C[:, t].repeat_interleave(repeat, 1)
        scaled = delta[:, t, :, None] * x[:, t]
        state = (state * torch.exp(delta[:, t] * A)[..., None, None]
                 + scaled[..., None] * b[:, :, None])
        y[:, t] = (state * c[:, :, None]).sum(-1)
    return (y + D[:, None] * x).numpy()


def scan_products(inputs: ScanInputs, chunk: int = 128) -> torch.Tensor:
    """The chunked form as batched matrix products: how one would write it for
    speed in PyTorch by hand. The length must be a multiple of the chunk."""
    x, dt, A, B, C, D, bias = inputs
    delta = torch.nn.functional.softplus(dt + bias)
    batch, length, heads, head_dim = x.shape
    groups, state_dim = B.shape[2:]
    count = length // chunk

    def blocks(t: torch.Tensor, *tail: int) -> torch.Tensor:
        """[B, L, K, ...] as [B, K, chunks, chunk, ...]."""
        t = t.view(batch, count, chunk, *tail)
        return t.transpose(2, 3).transpose(1, 2)

    v = blocks(x * delta[..., None], heads, head_dim)
    b, c = (blocks(t, groups, state_dim) for t in (B, C))
    sums = torch.cumsum(blocks(delta * A, heads), -1)
    causal = torch.ones(chunk, chunk, dtype=torch.bool).tril()
    gap = (sums[..., :, None] - sums[..., None, :]).masked_fill(
        ~causal, -torch.inf)
    repeat = heads // groups
    scores = (c @ b.transpose(-1, -2)).repeat_interleave(repeat, 1)
    c, b = c.repeat_interleave(repeat, 1), b.repeat_interleave(repeat, 1)
    y = (scores * gap.exp_()) @ v
    last = sums[..., -1:]
    local = (v * (last - sums).exp()[..., None]).transpose(-1, -2) @ b
    state = torch.zeros(batch, heads, head_dim, state_dim)
    states = []
    for i in range(count):
        states.append(state)
        state = state * last[:, :, i, :, None].exp() + local[:, :, i]
    before = torch.stack(states, 2)
    y = y + sums.exp()[..., None] * (c @ before.transpose(-1, -2))
    y = y.transpose(1, 2).transpose(2, 3).reshape(x.shape)
    return y + D[:, None] * x


def _rms_norm64(v: torch.Tensor, weight: torch.Tensor,
                epsilon: float) -> torch.Tensor:
    return weight * v * torch.rsqrt(v.pow(2).mean(-1, keepdim=True) + epsilon)


def _layer64(hidden: torch.Tensor, p: dict[str, torch.Tensor],
             config: dict) -> torch.Tensor:
    heads, head_dim = config["num_heads"], config["head_dim"]
    groups, state_dim = config["n_groups"], config["state_size"]
    inner, epsilon = heads * head_dim, config["layer_norm_epsilon"]
    batch, length, _ = hidden.shape
    projected = (_rms_norm64(hidden, p["norm.weight"], epsilon)
                 @ p["mixer.in_proj.weight"].T)
    conv = inner + 2 * groups * state_dim
    gate, mixed, dt = projected.split([inner, conv, heads], -1)
    padded = torch.nn.functional.pad(mixed.transpose(1, 2),
                                     (config["conv_kernel"] - 1, 0))
    mixed = torch.nn.functional.silu(torch.nn.functional.conv1d(
        padded, p["mixer.conv1d.weight"], p["mixer.conv1d.bias"], groups=conv))
    x, b, c = mixed.transpose(1, 2).split(
        [inner, groups * state_dim, groups * state_dim], -1)
    y = torch.from_numpy(scan_float64(ScanInputs(
        x.reshape(batch, length, heads, head_dim), dt,
        -torch.exp(p["mixer.A_log"]),
        b.reshape(batch, length, groups, state_dim),
        c.reshape(batch, length, groups, state_dim), p["mixer.D"],
        p["mixer.dt_bias"]))).reshape(batch, length, inner)
    y = _rms_norm64(y * torch.nn.functional.silu(gate), p["mixer.norm.weight"],
                    epsilon)
    return hidden + y @ p["mixer.out_proj.weight"].T


def model_float64(weights: dict[str, torch.Tensor], config: dict,
                  ids: torch.Tensor) -> np.ndarray:
    """Logits after the last token, all in float64. No biases of projections,
    no limits of the step size."""
    weights = {name: value.double() for name, value in weights.items()}
    hidden = weights["backbone.embeddings.weight"][ids]
    for layer in range(config["num_hidden_layers"]):
        prefix = f"backbone.layers.{layer}."
        own = {name[len(prefix):]: value for name, value in weights.items()
               if name.startswith(prefix)}
        hidden = _layer64(hidden, own, config)
    last = _rms_norm64(hidden[:, -1], weights["backbone.norm_f.weight"],
                       config["layer_norm_epsilon"])
    return (last @ weights["backbone.embeddings.weight"].T).numpy()
