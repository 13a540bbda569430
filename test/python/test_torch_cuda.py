# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operators on a GPU, against a float64 recurrence there."""

from __future__ import annotations

import math

import pytest

import ssd_mlir
from compiled_operators import KINDS, scan_of
from cuda_cases import (BOUNDS, check_scan, check_update, draw_scan,
                        draw_states, draw_update, error_ratio, needs_gpu,
                        reference_scan, reference_update, Scan, SCANS, torch,
                        UPDATES, write_operator)
from pairwise import pairwise
from ssd_mlir import mamba_chunk_scan_combined, selective_state_update
from ssd_mlir._torch import TorchLibrary

pytestmark = [needs_gpu, pytest.mark.usefixtures("gpu_operators")]


# -- numerics ----------------------------------------------------------------


@pytest.mark.parametrize("shape", SCANS, ids=str)
@pytest.mark.parametrize("batch, length", [(1, 1), (2, 63), (1, 64), (3, 65),
                                           (1, 300), (2, 513), (1, 1000),
                                           (2, 3001)])
def test_scan(shape, batch, length):
    check_scan(draw_scan(shape, batch, length), BOUNDS[shape.dtype])


@pytest.mark.parametrize("shape", [SCANS[i] for i in (0, 1, 3, 5, 10, 11, 12, 19)],
                         ids=str)
@pytest.mark.parametrize("batch, length", [(1, 1), (2, 63), (3, 65), (1, 300),
                                           (2, 1000)])
def test_portable_scan(portable, shape, batch, length):
    check_scan(draw_scan(shape, batch, length), BOUNDS[shape.dtype])


# Every two values of two options meet; sizes that kernels have code of their own for.
CROSSED = pairwise({
    "heads": ((8, 1), (6, 2), (3, 3), (80, 1)),  # and groups
    "width": (64, 24, 80, 128, 33),
    "n": (128, 64, 20, 136, 256),
    "dtype": ("bf16", "f16", "f32"),
    **KINDS,
    "limits": ((0.0, math.inf), (0.001, 0.05)),
    "initial": (False, True),
    "segments": (None, torch.int32, torch.int64),
    "length": (1, 63, 65, 257, 1030),
    "batch": (1, 3),
    "form": ("auto", "recurrent", "chunked"),
    "portable": (False, True),
})


@pytest.mark.parametrize("number", range(len(CROSSED)))
def test_crossed_options(request, number):
    row = CROSSED[number]
    if row["portable"]:
        request.getfixturevalue("portable")
    shape = scan_of(row)
    operands = draw_scan(shape, row["batch"], row["length"], seed=number)
    if isinstance(row["z"], str):
        operands["z"] = operands["z"].float()
    check_scan(operands, BOUNDS[shape.dtype], row["form"])


def compile_reverse(shape: Scan, target, offsets=False):
    """The operator from the last token to the first, and its arguments' names."""
    text, names = write_operator(shape, offsets)
    reverse = text.replace(
        "ssd.mix ins", "ssd.mix {direction = #ssd<direction reverse>} ins")
    assert reverse != text
    return ssd_mlir.compile(reverse, target=target), names


def call_with(program, names, operands, **others):
    given = {**operands, "initial_state": operands.get("initial_states"),
             "segment_ids": operands.get("seq_idx"), **others}
    return program.call("operator", *[given[name] for name in names])


def flip_tokens(operands):
    return {k: v.flip(1) if k in ("x", "dt", "B", "C", "z", "seq_idx") else v
            for k, v in operands.items()}


@pytest.mark.parametrize("target", ["sm_90a", "sm_80"])
@pytest.mark.parametrize("shape", [SCANS[0], SCANS[3], SCANS[12], SCANS[13]],
                         ids=str)
@pytest.mark.parametrize("length", [1, 63, 64, 65, 200, 1000])
def test_reverse(target, shape, length):
    operands = draw_scan(shape, 2, length)
    y, state = call_with(*compile_reverse(shape, target), operands)
    expected, expected_state = reference_scan(**flip_tokens(operands))
    assert error_ratio(y, expected.flip(1)) <= BOUNDS[shape.dtype]
    assert error_ratio(state, expected_state) <= BOUNDS[shape.dtype]


@pytest.mark.parametrize("target", ["sm_90a", "sm_80"])
@pytest.mark.parametrize("lengths", [(5, 60, 1, 134), (0, 64, 0, 200, 0)])
def test_reverse_packed_sequences(target, lengths):
    shape = Scan(4, 1, 64, 128, softplus=True)
    operands = draw_scan(shape, 1, sum(lengths))
    offsets = torch.tensor([0, *torch.tensor(lengths).cumsum(0)],
                           dtype=torch.int32, device="cuda")
    before = torch.randn(len(lengths), 4, 64, 128, device="cuda")
    program, names = compile_reverse(shape._replace(initial=True), target,
                                     offsets=True)
    y, states = call_with(program, names, operands, offsets=offsets,
                          initial_state=before)
    begin = 0
    for number, length in enumerate(lengths):
        mine = slice(number, number + 1)
        if length == 0:
            assert torch.equal(states[mine], before[mine])
            continue
        tokens = slice(begin, begin + length)
        part = {k: v[:, tokens] if k in ("x", "dt", "B", "C") else v
                for k, v in operands.items()}
        expected, state = reference_scan(**flip_tokens(part),
                                         initial_states=before[mine])
        assert error_ratio(y[:, tokens], expected.flip(1)) <= 5e-3
        assert error_ratio(states[mine], state) <= 5e-3
        begin += length


@pytest.mark.parametrize("decay", [1000.0, 1e-3, -1e-3])
def test_decays(decay):
    """Strong ones underflow within a few tokens; negative ones grow."""
    for shape in (SCANS[0], SCANS[6]):
        check_scan(draw_scan(shape, 2, 200, decay=decay), BOUNDS[shape.dtype])


@pytest.mark.parametrize("shape", UPDATES, ids=str)
@pytest.mark.parametrize("batch", [1, 3, 64])
def test_update(shape, batch):
    state = draw_states(shape, batch)
    for seed in range(3):
        check_update(state, draw_update(shape, batch, seed), shape)


def test_nothing():
    operands = draw_scan(SCANS[1], 2, 0)
    y, state = mamba_chunk_scan_combined(**operands, return_final_states=True)
    assert y.shape == operands["x"].shape
    assert torch.equal(state, operands["initial_states"])
    state = draw_states(UPDATES[0], 0)
    assert selective_state_update(state, **draw_update(UPDATES[0], 0)).numel() == 0


def test_results_are_repeatable():
    operands = draw_scan(SCANS[0], 2, 777)
    first, second = (mamba_chunk_scan_combined(**operands,
                                               return_final_states=True)
                     for _ in range(2))
    assert all(map(torch.equal, first, second))


# -- sequences ---------------------------------------------------------------


@pytest.mark.parametrize("ids", [torch.int32, torch.int64])
@pytest.mark.parametrize("lengths", [(5, 60, 1, 134), (1,), (0, 7, 0, 70, 0),
                                     (64, 700, 3, 128)])
@pytest.mark.parametrize("segments", [False, True])
@pytest.mark.parametrize("sizes", [(4, 64, 128), (3, 64, 64), (2, 80, 256),
                                   (2, 160, 24)])
def test_packed_sequences(ids, lengths, segments, sizes):
    check_packed(ids, lengths, segments, sizes)


@pytest.mark.parametrize("lengths", [(5, 60, 1, 134), (0, 7, 0, 70, 0)])
@pytest.mark.parametrize("sizes", [(4, 64, 128), (2, 160, 24), (2, 64, 256)])
def test_portable_packed_sequences(portable, lengths, sizes):
    check_packed(torch.int32, lengths, False, sizes)


def check_packed(ids, lengths, segments, sizes):
    heads, width, n = sizes
    shape = Scan(heads, 1, width, n, softplus=True)
    operands = draw_scan(shape, 1, sum(lengths))
    offsets = torch.tensor([0, *torch.tensor(lengths).cumsum(0)], dtype=ids,
                           device="cuda")
    given = dict(operands)
    if segments:
        # Of the sequences, and once more within the longest.
        numbers = torch.arange(len(lengths), device="cuda").to(ids)
        given["seq_idx"] = numbers.repeat_interleave(offsets.diff())[None]
        given["seq_idx"][:, -20:] += 7
    y, final, varlen = mamba_chunk_scan_combined(
        **given, cu_seqlens=offsets, return_final_states=True,
        return_varlen_states=True)
    begin = 0
    for number, length in enumerate(lengths):
        if length == 0:
            assert not varlen[number].any()
            continue
        part = {k: v[:, begin:begin + length]
                if k in ("x", "dt", "B", "C", "seq_idx") else v
                for k, v in given.items()}
        expected, state = reference_scan(**part)
        assert error_ratio(y[:, begin:begin + length], expected) <= 5e-3
        assert error_ratio(varlen[number:number + 1], state) <= 5e-3
        begin += length
    assert torch.equal(final[0], varlen[max(i for i, n in enumerate(lengths)
                                            if n)])


@pytest.mark.parametrize("segments", [False, True])
@pytest.mark.parametrize("sizes", [(4, 64, 128), (3, 64, 64), (2, 80, 256),
                                   (2, 160, 24), (2, 20, 20)])
def test_packed_sequences_are_apart(sizes, segments):
    """Whatever a sequence's tokens are, those before and after it do not see it."""
    lengths = (50, 64, 71, 15, 200, 1, 33)
    operands = draw_scan(Scan(sizes[0], 1, *sizes[1:], softplus=True), 1,
                         sum(lengths))
    ends = [0, *torch.tensor(lengths).cumsum(0).tolist()]
    offsets = torch.tensor(ends, dtype=torch.int32, device="cuda")
    if segments:
        operands["seq_idx"] = torch.repeat_interleave(
            torch.arange(len(lengths), dtype=torch.int32, device="cuda"),
            offsets.diff())[None]

    def run():
        y, varlen = mamba_chunk_scan_combined(**operands, cu_seqlens=offsets,
                                              return_varlen_states=True)
        return ([y[:, first:last] for first, last in zip(ends, ends[1:])][::2],
                varlen[::2])
    expected, expected_states = run()
    for number in range(1, len(lengths), 2):
        for name in ("x", "dt", "B", "C"):
            operands[name][:, ends[number]:ends[number + 1]] = math.nan
    found, states = run()
    assert all(map(torch.equal, found, expected))
    assert torch.equal(states, expected_states)


def write_mixer(heads, width, n, form, direction):
    """x, b = c, Δ, rate, segments, slots, pool → y, pool, checkpoints."""
    options = ("checkpoint_every = 128, leading_segment, "
               f"direction = #ssd<direction {direction}>"
               + (f", form = #ssd.{form}" if form else ""))
    return f"""
!x = tensor<?x?x{heads}x{width}xbf16>
!b = tensor<?x?x1x{n}xbf16>
!dt = tensor<?x?x{heads}xf32>
!a = tensor<{heads}xf32>
!pool = tensor<?x{heads}x{width}x{n}xf32>
!k = tensor<?x?x{heads}x{width}x{n}xf32>
func.func @mix(%x: !x {{ssd.dims = ["B", "L", "", ""]}},
    %b: !b {{ssd.dims = ["B", "L", "", ""]}}, %dt: !dt {{ssd.dims = ["B", "L", ""]}},
    %a: !a, %ids: tensor<?x?xi32> {{ssd.dims = ["B", "L1"]}},
    %slots: tensor<?xi32> {{ssd.dims = ["B"]}},
    %pool: !pool {{ssd.dims = ["R", "", "", ""]}})
    -> (!x {{ssd.dims = ["B", "L", "", ""]}}, !pool {{ssd.dims = ["R", "", "", ""]}},
        !k {{ssd.dims = ["B", "K", "", "", ""]}}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %every = arith.constant 128 : index
  %batch = tensor.dim %x, %c0 : !x
  %length = tensor.dim %x, %c1 : !x
  %count = arith.divui %length, %every : index
  %y = tensor.empty(%batch, %length) : !x
  %k = tensor.empty(%batch, %count) : !k
  %0:3 = ssd.mix {{{options}}} ins(%x, %b, %b : !x, !b, !b)
      decay(%dt : !dt) rate(%a : !a) scale(%dt : !dt)
      segment_ids(%ids : tensor<?x?xi32>) slots(%slots : tensor<?xi32>)
      outs(%y, %pool, %k : !x, !pool, !k)
  return %0#0, %0#1, %0#2 : !x, !pool, !k
}}
"""


@pytest.mark.parametrize("sizes", [(4, 64, 128), (3, 80, 96), (2, 64, 200)])
@pytest.mark.parametrize("length", [1, 128, 1000])
@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_segments_slots_and_checkpoints(sizes, length, direction):
    """All of them at once, in every form: as token by token."""
    heads, width, n = sizes
    operands = draw_scan(Scan(heads, 1, width, n), 3, length)
    changes = torch.rand(3, length + 1, device="cuda") < 0.02
    pool = torch.randn(6, heads, width, n, device="cuda")
    slots = torch.tensor([4, -1, 0], dtype=torch.int32, device="cuda")
    given = (operands["x"], operands["B"], operands["dt"].float(), operands["A"],
             changes.cumsum(1).int(), slots, pool)

    def run(form, target="sm_90a"):
        program = ssd_mlir.compile(write_mixer(*sizes, form, direction),
                                   target=target)
        out = [torch.zeros_like(operands["x"]), torch.zeros_like(pool),
               torch.zeros(3, length // 128, heads, width, n, device="cuda")]
        return program.call("mix", *given, out=out)

    expected = run("recurrent")
    for form, target in (("", "sm_90a"), ("chunked<chunk = 64>", "sm_90a"),
                         ("chunked<chunk = 64, parts = 3>", "sm_90a"),
                         ("chunked<chunk = 64>", "sm_80")):
        found = run(form, target)
        others = [1, 2, 3, 5]
        assert torch.equal(found[1][others], pool[others])
        for got, wanted in zip(found, expected):
            assert not wanted.numel() or error_ratio(got, wanted) <= 5e-3


# -- memory ------------------------------------------------------------------


def test_strided_views():
    """Slices of one projection, as models have them."""
    heads, width, n = 8, 64, 128
    projected = torch.randn(2, 130, heads * width + 2 * n + heads,
                            device="cuda").bfloat16()
    x, B, C, dt = projected.split([heads * width, n, n, heads], -1)
    operands = {"x": x.unflatten(-1, (heads, width)), "B": B[:, :, None],
                "C": C[:, :, None], "dt": dt.abs() * 0.1,
                "A": -torch.rand(heads, device="cuda") - 0.5}
    assert not operands["x"].is_contiguous()
    check_scan(operands, 5e-3)
    check_scan({**operands, "x": operands["x"][:, 1::2], "dt": dt[:, 1::2].abs(),
                "B": B[:, 1::2, None], "C": C[:, 1::2, None]}, 5e-3)
    odd = torch.randn(1, 70, 3 * 25 + 1, device="cuda").bfloat16()
    check_scan({"x": odd[..., 1:].unflatten(-1, (3, 25))[..., :24],
                "dt": torch.rand(1, 70, 3, device="cuda").bfloat16() * 0.1,
                "A": -torch.ones(3, device="cuda"),
                "B": odd[:, :, None, 3:23], "C": odd[:, :, None, 9:29]}, 5e-3)


GUARD = 4096


def fenced(value):
    """A copy in the middle of NaN."""
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        return value
    band = torch.full((value.numel() + 2 * GUARD,), math.nan, dtype=value.dtype,
                      device="cuda")
    inner = band[GUARD:-GUARD].view(value.shape)
    inner.copy_(value)
    return inner


def band_of(value):
    """All that a fenced tensor lies in."""
    return value.as_strided((value.numel() + 2 * GUARD,), (1,),
                            value.storage_offset() - GUARD)


def test_results_are_all_written_and_nothing_else(monkeypatch):
    """Results, operands and a workspace in the middle of poisoned memory."""
    allocate, sizes = TorchLibrary.workspace, []

    def poisoned(library, size):
        sizes.append(size)
        return allocate(library, size).fill_(0xFF)

    monkeypatch.setattr(TorchLibrary, "workspace", poisoned)
    for shape, batch, length in ((SCANS[0], 3, 77), (SCANS[4], 3, 77), (SCANS[8], 3, 77),
                                 (SCANS[10], 3, 77), (SCANS[11], 3, 77),
                                 (SCANS[1], 1, 3000)):  # cut into parts
        operands = draw_scan(shape, batch, length)
        expected = mamba_chunk_scan_combined(**operands, return_final_states=True)
        operator = next(reversed(ssd_mlir._operators._operators.values()))
        entry = operator.program.entries["operator"]
        given = {**operands, "initial_state": operands.get("initial_states"),
                 "segment_ids": operands.get("seq_idx")}
        given = {name: fenced(value) for name, value in given.items()}
        out = [fenced(torch.full_like(result, math.nan)) for result in expected]
        operator.program.call("operator", *[given[a.name] for a in entry.inputs],
                              out=out)
        for found, wanted in zip(out, expected):
            band = band_of(found)
            assert torch.equal(found, wanted)
            assert band[:GUARD].isnan().all() and band[-GUARD:].isnan().all()
        for name, value in operands.items():
            if name in given and isinstance(value, torch.Tensor):
                assert torch.equal(given[name], value)
    assert any(sizes), "no call had a workspace"


@pytest.mark.parametrize("form", ["auto", "recurrent"])
@pytest.mark.parametrize("batch", [1, 2])
def test_beyond_31_bits_of_elements(form, batch):
    """The last tokens of sequences so long that offsets need 64 bits."""
    if torch.cuda.mem_get_info()[0] < 24 << 30:
        pytest.skip("needs 24 GiB of free GPU memory")
    heads, width, n, seen = 80, 64, 128, 200
    length = (2 ** 31 // (heads * width) + 1000) // batch
    x = torch.empty(batch, length, heads, width, dtype=torch.bfloat16,
                    device="cuda").normal_()
    B, C = (torch.randn(batch, length, 1, n, device="cuda").bfloat16()
            for _ in range(2))
    # So strong a decay that nothing older than some 20 tokens is left.
    operands = {"x": x, "B": B, "C": C, "A": -torch.ones(heads, device="cuda"),
                "dt": torch.rand(batch, length, heads, device="cuda") * 0.2 + 0.9}
    assert x.numel() > 2 ** 31
    y, state = mamba_chunk_scan_combined(**operands, form=form,
                                         return_final_states=True)
    tail = {name: value if name == "A" else value[:, -seen - 50:]
            for name, value in operands.items()}
    expected, final = reference_scan(**tail)
    assert error_ratio(y[:, -seen:], expected[:, -seen:]) <= 5e-3
    assert error_ratio(state, final) <= 5e-3


@pytest.mark.parametrize("form", ["auto", "chunked"])
@pytest.mark.parametrize("decay", [0, 1e-4, 1e-2, 300], ids=str)
def test_decays_of_float32(form, decay):
    """Sums that hardly decay in thousands of tokens, and such that do at once."""
    operands = draw_scan(Scan(4, 1, 64, 128, "f32", softplus=True), 1, 8192, decay=decay)
    check_scan(operands, BOUNDS["f32"], form)


@pytest.mark.parametrize("shape", [SCANS[1], Scan(8, 1, 64, 64, "f32", D="head", z=True,
                                                  initial=True)], ids=["bf16", "f32"])
def test_portable_code(shape):
    """What chips other than Hopper run: PTX that the driver compiles."""
    operands = draw_scan(shape, 2, 150)
    mamba_chunk_scan_combined(**operands, return_final_states=True)
    operator = next(reversed(ssd_mlir._operators._operators.values()))
    compiled = next(reversed(ssd_mlir._operators._operators))[0]
    text, names = ssd_mlir._template.write_operator(compiled)
    program = ssd_mlir.compile(text, target="sm_80")
    given = {**operands, "initial_state": operands.get("initial_states")}
    found = program.call("operator", *[given[name] for name in names])
    assert [a.name for a in operator.program.entries["operator"].inputs] == names
    for got, wanted in zip(found, reference_scan(**operands)):
        assert error_ratio(got, wanted) <= BOUNDS[shape.dtype]


def test_states_are_updated_in_a_pool():
    """Only the rows that slots name, where they are, and nothing between them."""
    shape = UPDATES[0]
    size = math.prod(shape.channels) * shape.n
    pages = torch.full((9, size + 1024), 7.0, device="cuda")
    pool = pages[:, 512:512 + size].unflatten(1, (*shape.channels, shape.n))
    pool.copy_(draw_states(shape, 9))
    slots = [4, 0, -1, 8]
    for dtype in (torch.int32, torch.int64):
        indices = torch.tensor(slots, dtype=dtype, device="cuda")
        operands = draw_update(shape, len(slots))
        before = pool.clone()
        started = before[indices.long()].clone()
        started[2] = 0
        expected, after = reference_update(started, **operands)
        torch.cuda.synchronize()
        allocated = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        y = selective_state_update(pool, **operands, state_batch_indices=indices)
        peak = torch.cuda.max_memory_allocated() - allocated
        assert peak < pool[0].numel() * 4, "no copy of a state, let alone all"
        assert error_ratio(y, expected) <= 5e-3
        used = [4, 0, 8]
        assert error_ratio(pool[used], after[[0, 1, 3]]) <= 5e-3
        others = [i for i in range(9) if i not in used]
        assert torch.equal(pool[others], before[others])
    assert (pages[:, :512] == 7).all() and (pages[:, -512:] == 7).all()
