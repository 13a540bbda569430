# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operators as PyTorch's custom operators, which torch.compile, torch.export
and fake tensors keep whole. Imported when something is traced; what runs eagerly
does not pay for the dispatcher."""

from __future__ import annotations

from typing import Any, Optional

import torch

from ._errors import GradientError
from ._scan import mamba_chunk_scan_combined
from ._update import selective_state_update

# Strides of 0 say that values repeat, which the operators look at.
_TAGS = tuple(tag for tag in (getattr(torch.Tag, "needs_exact_strides", None),)
              if tag is not None) or (torch.Tag.needs_fixed_stride_order,)


def _run_scan(x, dt, A, B, C, chunk_size, D, z, dt_bias, initial_states, seq_idx,
              cu_seqlens, dt_softplus, dt_min, dt_max, return_final_states,
              return_varlen_states, form) -> list[torch.Tensor]:
    results = mamba_chunk_scan_combined(
        x, dt, A, B, C, chunk_size, D, z, dt_bias, initial_states, seq_idx,
        cu_seqlens, dt_softplus, (dt_min, dt_max), return_final_states,
        return_varlen_states, form=form)
    return list(results) if isinstance(results, tuple) else [results]


def _run_update(state, x, dt, A, B, C, D, z, dt_bias, dt_softplus,
                state_batch_indices) -> torch.Tensor:
    return selective_state_update(state, x, dt, A, B, C, D, z, dt_bias,
                                  dt_softplus, state_batch_indices)


_scan = torch.library.custom_op(
    "ssd_mlir::mamba_chunk_scan_combined", _run_scan, mutates_args=(),
    tags=_TAGS,
    schema="(Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, "
           "SymInt? chunk_size, Tensor? D, Tensor? z, Tensor? dt_bias, "
           "Tensor? initial_states, Tensor? seq_idx, Tensor? cu_seqlens, "
           "bool dt_softplus, float dt_min, float dt_max, "
           "bool return_final_states, bool return_varlen_states, str form)"
           " -> Tensor[]")
_update = torch.library.custom_op(
    "ssd_mlir::selective_state_update", _run_update, mutates_args=("state",),
    tags=_TAGS,
    schema="(Tensor(a0!) state, Tensor x, Tensor dt, Tensor A, Tensor B, "
           "Tensor C, Tensor? D, Tensor? z, Tensor? dt_bias, bool dt_softplus, "
           "Tensor? state_batch_indices) -> Tensor")


@_scan.register_fake
def _(x, dt, A, B, C, chunk_size, D, z, dt_bias, initial_states, seq_idx,
      cu_seqlens, dt_softplus, dt_min, dt_max, return_final_states,
      return_varlen_states, form):
    batch, _, heads, head_dim = x.shape

    def states(count):
        return x.new_empty((count, heads, head_dim, B.shape[3]),
                           dtype=torch.float32)

    results = [x.new_empty(x.shape)]
    if return_final_states:
        results.append(states(batch))
    if return_varlen_states:
        results.append(states(cu_seqlens.shape[0] - 1))
    return results


@_update.register_fake
def _(state, x, dt, A, B, C, D, z, dt_bias, dt_softplus, state_batch_indices):
    return x.new_empty(x.shape)


def _no_backward(ctx: Any, *gradients: Any) -> Any:
    raise GradientError("an operand")


_scan.register_autograd(_no_backward)


def trace_scan(x, dt, A, B, C, chunk_size, D, z, dt_bias, initial_states,
               seq_idx, cu_seqlens, dt_softplus, dt_limit, return_final_states,
               return_varlen_states, form) -> Any:
    """`mamba_chunk_scan_combined` as one operation of a graph."""
    results = _scan(x, dt, A, B, C, chunk_size, D, z, dt_bias, initial_states,
                    seq_idx, cu_seqlens, bool(dt_softplus), float(dt_limit[0]),
                    float(dt_limit[1]), bool(return_final_states),
                    bool(return_varlen_states), form)
    return results[0] if len(results) == 1 else tuple(results)


def trace_update(state, x, dt, A, B, C, D, z, dt_bias, dt_softplus,
                 state_batch_indices: Optional[torch.Tensor]) -> torch.Tensor:
    """`selective_state_update` as one operation of a graph."""
    return _update(state, x, dt, A, B, C, D, z, dt_bias, bool(dt_softplus),
                   state_batch_indices)
