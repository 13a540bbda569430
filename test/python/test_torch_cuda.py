# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operators on a GPU, against a float64 recurrence there."""

from __future__ import annotations

import math
import threading
from typing import NamedTuple, Optional

import pytest

import ssd_mlir
import ssd_mlir._template
from ssd_mlir import mamba_chunk_scan_combined, selective_state_update

torch = pytest.importorskip("torch")
import ssd_mlir._torch  # noqa: E402
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(),
                                reason="needs a GPU and PyTorch for it")

TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
BOUNDS = {"f32": 1e-5, "bf16": 5e-3, "f16": 5e-3}


@pytest.fixture(autouse=True)
def operators(compiler):
    ssd_mlir._operators.forget()
    yield
    torch.cuda.synchronize()  # a fault belongs to the test that made it
    ssd_mlir._operators.forget()


@pytest.fixture
def portable(monkeypatch):
    """Operators are compiled as for other chips than Hopper."""
    library = ssd_mlir._torch.library_on(torch.device("cuda:0"))
    monkeypatch.setattr(library, "target", "sm_80")


def error_ratio(found, expected):
    found, expected = found.double(), expected.double()
    assert found.shape == expected.shape and torch.isfinite(found).all()
    return ((found - expected).norm() / expected.norm().clamp(min=1e-30)).item()


# -- the recurrence ----------------------------------------------------------


def expand_groups(value, heads):
    return value.repeat_interleave(heads // value.shape[-2], dim=-2)


def step_sizes(dt, bias, softplus, limits=(0.0, math.inf)):
    dt = dt.double()
    if bias is not None:
        dt = dt + bias.double()
    if softplus:
        dt = torch.nn.functional.softplus(dt, threshold=1000.0)
    return dt.clamp(*limits)


def finish(y, x, D, z):
    if D is not None:
        D = D.double()
        y = y + x.double() * (D[:, None] if D.dim() == 1 and x.dim() > 2 else D)
    if z is not None:
        y = y * torch.nn.functional.silu(z.double())
    return y


def reference_scan(x, dt, A, B, C, D=None, z=None, dt_bias=None,
                   initial_states=None, seq_idx=None, dt_softplus=False,
                   dt_limit=(0.0, math.inf)):
    batch, length, heads, width = x.shape
    B, C = expand_groups(B.double(), heads), expand_groups(C.double(), heads)
    delta = step_sizes(dt, dt_bias, dt_softplus, dt_limit)
    state = (torch.zeros(batch, heads, width, B.shape[-1], dtype=torch.float64,
                         device=x.device)
             if initial_states is None else initial_states.double())
    ys = []
    for t in range(length):
        if seq_idx is not None and t > 0:
            kept = seq_idx[:, t] == seq_idx[:, t - 1]
            state = state * kept[:, None, None, None]
        decay = (delta[:, t] * A.double()).exp()[..., None, None]
        update = (delta[:, t, :, None] * x[:, t].double())[..., None] \
            * B[:, t, :, None, :]
        state = decay * state + update
        ys.append((state * C[:, t, :, None, :]).sum(-1))
    return finish(torch.stack(ys, 1), x, D, z), state


def reference_update(state, x, dt, A, B, C, D=None, z=None, dt_bias=None,
                     dt_softplus=False):
    """[B, H, P, N], or for one head [B, D, N]."""
    state = state.double()
    if state.dim() == 3:
        B, C = B[:, None].double(), C[:, None].double()
    else:
        B, C = (expand_groups(v.double(), state.shape[1])[:, :, None]
                for v in (B, C))
    delta = step_sizes(dt, dt_bias, dt_softplus)
    state = (delta[..., None] * A.double()).exp() * state \
        + (delta * x.double())[..., None] * B
    y = (state * C).sum(-1)
    if D is not None:
        y = y + D.double() * x.double()
    return (y * torch.nn.functional.silu(z.double()) if z is not None else y,
            state)


# -- operands ----------------------------------------------------------------


class Scan(NamedTuple):
    """One compiled operator."""

    heads: int
    groups: int
    width: int
    n: int
    dtype: str = "bf16"
    dt_dtype: Optional[str] = None  # as x
    D: Optional[str] = None  # head or channel
    z: bool = False
    bias: bool = False
    softplus: bool = False
    limits: tuple = (0.0, math.inf)
    initial: bool = False
    segments: Optional[torch.dtype] = None
    parameters: str = "f32"  # the type of D and dt_bias


SCANS = [
    Scan(8, 1, 64, 128, bias=True, softplus=True, D="head"),
    Scan(8, 1, 64, 128, dt_dtype="f32", bias=True, softplus=True, D="head",
         z=True, initial=True),
    Scan(4, 2, 64, 64, D="channel", limits=(0.001, 0.05), softplus=True),
    Scan(2, 2, 64, 128, initial=True, segments=torch.int32),
    Scan(4, 1, 24, 20, z=True),
    Scan(3, 1, 80, 16, "f16", segments=torch.int64, initial=True),
    Scan(2, 1, 32, 256, "f32", softplus=True),
    Scan(1, 1, 1, 1, "f32"),
    Scan(5, 5, 7, 5, "f32", D="head", z=True, bias=True, softplus=True,
         initial=True, segments=torch.int32),
    Scan(80, 1, 64, 128, D="head", softplus=True),
    Scan(6, 2, 80, 256, initial=True, segments=torch.int32),
    Scan(8, 1, 64, 128, z=True, segments=torch.int32),
    # Rows and columns that tiles go beyond; heads of several blocks of rows,
    # states in two parts. So many heads that sequences are cut, or so few that
    # a block has one of them.
    Scan(96, 8, 24, 96, D="channel", z=True, initial=True),
    Scan(5, 1, 80, 136, D="channel", z=True, initial=True),
    Scan(8, 2, 32, 128, bias=True, softplus=True, D="head", z=True,
         initial=True),
    Scan(4, 4, 8, 8, "f16", initial=True),
    Scan(48, 2, 80, 128, dt_dtype="f32", D="channel", initial=True),
    Scan(36, 36, 128, 64, D="head", z=True),
    Scan(24, 3, 192, 16, D="channel", initial=True),
    Scan(17, 1, 256, 128, "f16", D="head", bias=True, softplus=True),
    Scan(48, 8, 64, 256, D="head", initial=True),
    Scan(2, 1, 128, 256, "f16", D="channel", z=True),
    Scan(24, 1, 256, 256, z=True, initial=True),
    Scan(8, 1, 64, 128, bias=True, softplus=True, D="head", parameters="bf16"),
    Scan(6, 2, 64, 64, D="channel", z=True, parameters="bf16"),
]


def draw_scan(shape: Scan, batch, length, seed=0, decay=1.0):
    generator = torch.Generator("cuda").manual_seed(seed)
    dtype = TYPES[shape.dtype]

    def normal(*sizes, dtype=dtype):
        return torch.randn(sizes, generator=generator, device="cuda").to(dtype)

    def uniform(low, high, *sizes):
        return low + (high - low) * torch.rand(sizes, generator=generator,
                                               device="cuda")

    heads = shape.heads
    dt = uniform(math.log(1e-3), math.log(0.1), batch, length, heads).exp()
    if shape.softplus:
        dt = dt.expm1().log()
    operands = {
        "x": normal(batch, length, heads, shape.width),
        "dt": dt.to(TYPES[shape.dt_dtype or shape.dtype]),
        "A": -uniform(1, 16, heads) * decay,
        "B": normal(batch, length, shape.groups, shape.n),
        "C": normal(batch, length, shape.groups, shape.n),
        "dt_softplus": shape.softplus, "dt_limit": shape.limits}
    if shape.bias:
        operands["dt_bias"] = uniform(-1, 1, heads).to(TYPES[shape.parameters])
    if shape.D:
        sizes = (heads,) if shape.D == "head" else (heads, shape.width)
        operands["D"] = normal(*sizes, dtype=TYPES[shape.parameters])
    if shape.z:
        operands["z"] = normal(batch, length, heads, shape.width)
    if shape.initial:
        operands["initial_states"] = normal(batch, heads, shape.width, shape.n,
                                            dtype=torch.float32)
    if shape.segments:
        changes = uniform(0, 1, batch, length) < 0.05
        operands["seq_idx"] = changes.cumsum(1).to(shape.segments) % 5
    return operands


def check_scan(operands, bound):
    expected, expected_state = reference_scan(**operands)
    y, state = mamba_chunk_scan_combined(**operands, return_final_states=True)
    assert y.dtype == operands["x"].dtype and y.is_cuda
    assert state.dtype == torch.float32
    assert error_ratio(y, expected) <= bound
    assert error_ratio(state, expected_state) <= bound
    return y, state


class Update(NamedTuple):
    channels: tuple  # (D,) or (H, P)
    n: int
    groups: int = 1
    tied: bool = True
    dtype: str = "bf16"
    state: str = "f32"
    D: Optional[str] = "channel"  # or head, where tied
    z: bool = False
    bias: bool = True
    softplus: bool = True
    parameters: str = "f32"  # the type of D and dt_bias


UPDATES = [
    Update((80, 64), 128, D="head"),
    Update((8, 64), 128, state="bf16"),
    Update((8, 64), 128, D="head", parameters="bf16"),
    Update((8, 64), 64, 2, z=True),
    Update((4, 24), 20, 2, dtype="f32"),
    Update((6, 80), 16, 3, dtype="f16", state="f16", D=None),
    Update((4, 16), 16, 4, tied=False, dtype="f32"),
    Update((96,), 16, tied=False, z=True),
    Update((33,), 5, tied=False, dtype="f32", bias=False, softplus=False),
]


def draw_update(shape: Update, batch, seed=0):
    generator = torch.Generator("cuda").manual_seed(seed)
    dtype, channels = TYPES[shape.dtype], shape.channels

    def normal(*sizes, dtype=dtype):
        return torch.randn(sizes, generator=generator, device="cuda").to(dtype)

    def spread(draw, *sizes, keep):
        """Values for each channel or, with stride 0, for each head."""
        if not shape.tied:
            return draw(*sizes)
        one = draw(*sizes[:keep], *[1] * (len(sizes) - keep))
        return one.expand(sizes)

    grouped = (shape.groups, shape.n) if len(channels) == 2 else (shape.n,)
    operands = {
        "x": normal(batch, *channels),
        "dt": spread(lambda *s: normal(*s) if shape.softplus
                     else normal(*s).abs() * 0.1, batch, *channels, keep=2),
        "A": spread(lambda *s: -normal(*s, dtype=torch.float32).abs() - 0.5,
                    *channels, shape.n, keep=1),
        "B": normal(batch, *grouped), "C": normal(batch, *grouped),
        "dt_softplus": shape.softplus}
    if shape.D:
        kept = channels[:1] if shape.D == "head" else channels
        D = normal(*kept, dtype=TYPES[shape.parameters])
        operands["D"] = D.reshape(*kept, *[1] * (len(channels) - len(kept))
                                  ).expand(channels)
    if shape.z:
        operands["z"] = normal(batch, *channels)
    if shape.bias:
        operands["dt_bias"] = spread(
            lambda *s: normal(*s, dtype=TYPES[shape.parameters]), *channels,
            keep=1)
    return operands


def draw_states(shape: Update, rows):
    return torch.randn(rows, *shape.channels, shape.n,
                       device="cuda").to(TYPES[shape.state])


def check_update(state, operands, shape):
    expected, expected_state = reference_update(state, **operands)
    y = selective_state_update(state, **operands)
    assert y.dtype == operands["x"].dtype and y.shape == operands["x"].shape
    assert error_ratio(y, expected) <= BOUNDS[shape.dtype]
    assert error_ratio(state, expected_state) <= max(BOUNDS[shape.dtype],
                                                     BOUNDS[shape.state])


# -- numerics ----------------------------------------------------------------


@pytest.mark.parametrize("shape", SCANS, ids=str)
@pytest.mark.parametrize("batch, length", [(1, 1), (2, 63), (1, 64), (3, 65),
                                           (1, 300), (2, 513), (1, 1000),
                                           (2, 3001)])
def test_scan(shape, batch, length):
    check_scan(draw_scan(shape, batch, length), BOUNDS[shape.dtype])


@pytest.mark.parametrize("shape", [SCANS[i] for i in (0, 1, 3, 5, 11, 12, 19)],
                         ids=str)
@pytest.mark.parametrize("batch, length", [(1, 1), (2, 63), (3, 65), (1, 300),
                                           (2, 1000)])
def test_portable_scan(portable, shape, batch, length):
    check_scan(draw_scan(shape, batch, length), BOUNDS[shape.dtype])


def compile_reverse(shape: Scan, target, offsets=False):
    """The operator from the last token to the first, and its arguments' names."""
    text, names = ssd_mlir._template.write_operator(ssd_mlir._template.ShapeClass(
        "scan", *shape[:5], dt_dtype=shape.dt_dtype or shape.dtype,
        z_dtype=shape.dtype if shape.z else None, skip=shape.D,
        bias_dtype=shape.parameters if shape.bias else None,
        softplus=shape.softplus, limits=shape.limits, initial=shape.initial,
        final=True, segments=bool(shape.segments), offsets=offsets))
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
@pytest.mark.parametrize("sizes", [(4, 64, 128), (2, 160, 24)])
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
        numbers = torch.arange(len(lengths), device="cuda").to(ids)
        given["seq_idx"] = numbers.repeat_interleave(offsets.diff())[None]
    y, final, varlen = mamba_chunk_scan_combined(
        **given, cu_seqlens=offsets, return_final_states=True,
        return_varlen_states=True)
    begin = 0
    for number, length in enumerate(lengths):
        if length == 0:
            assert not varlen[number].any()
            continue
        part = {k: v[:, begin:begin + length] if k in ("x", "dt", "B", "C") else v
                for k, v in operands.items()}
        expected, state = reference_scan(**part)
        assert error_ratio(y[:, begin:begin + length], expected) <= 5e-3
        assert error_ratio(varlen[number:number + 1], state) <= 5e-3
        begin += length
    assert torch.equal(final[0], varlen[max(i for i, n in enumerate(lengths)
                                            if n)])


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


def test_results_are_all_written_and_nothing_else():
    """Results in the middle of poisoned memory, between guard bands."""
    guard = 4096
    for shape in (SCANS[0], SCANS[4], SCANS[8], SCANS[10], SCANS[11]):
        operands = draw_scan(shape, 3, 77)
        expected = mamba_chunk_scan_combined(**operands, return_final_states=True)
        operator = next(reversed(ssd_mlir._operators._operators.values()))
        entry = operator.program.entries["operator"]
        given = {**operands, "initial_state": operands.get("initial_states"),
                 "segment_ids": operands.get("seq_idx")}
        bands, out = [], []
        for result in expected:
            band = torch.full((result.numel() + 2 * guard,), math.nan,
                              dtype=result.dtype, device="cuda")
            bands.append(band)
            out.append(band[guard:-guard].view(result.shape))
        operator.program.call("operator", *[given[a.name] for a in entry.inputs],
                              out=out)
        for band, found, wanted in zip(bands, out, expected):
            assert torch.equal(found, wanted)
            assert band[:guard].isnan().all() and band[-guard:].isnan().all()


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


def test_portable_code():
    """What chips other than Hopper run: PTX that the driver compiles."""
    operands = draw_scan(SCANS[1], 2, 150)
    expected = mamba_chunk_scan_combined(**operands, return_final_states=True)
    operator = next(reversed(ssd_mlir._operators._operators.values()))
    shape = next(reversed(ssd_mlir._operators._operators))[0]
    text, names = ssd_mlir._template.write_operator(shape)
    program = ssd_mlir.compile(text, target="sm_80")
    given = {**operands, "initial_state": operands.get("initial_states")}
    found = program.call("operator", *[given[name] for name in names])
    assert [a.name for a in operator.program.entries["operator"].inputs] == names
    for got, wanted in zip(found, expected):
        assert error_ratio(got, wanted.double()) <= 5e-3


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


# -- streams -----------------------------------------------------------------


def test_calls_are_in_the_current_stream():
    """On a stream that is held up, a call neither waits nor overtakes."""
    operands = draw_scan(SCANS[0], 1, 256)
    expected = mamba_chunk_scan_combined(**operands)
    x, held = operands["x"].clone(), torch.zeros_like(operands["x"])
    torch.cuda.synchronize()
    stream, done = torch.cuda.Stream(), torch.cuda.Event()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(1_000_000_000)
        held.copy_(x)
        y = mamba_chunk_scan_combined(**{**operands, "x": held})
        done.record()
    assert not done.query(), "the call waited for its stream"
    stream.synchronize()
    assert torch.equal(y, expected)


def test_two_threads_with_two_streams():
    shapes = [SCANS[0], SCANS[2]]
    operands = [draw_scan(shape, 2, 200) for shape in shapes]
    expected = [mamba_chunk_scan_combined(**o) for o in operands]
    torch.cuda.synchronize()
    failures = []

    def work(number):
        try:
            with torch.cuda.stream(torch.cuda.Stream()):
                for _ in range(50):
                    y = mamba_chunk_scan_combined(**operands[number])
                    torch.cuda.current_stream().synchronize()
                    assert torch.equal(y, expected[number])
        except BaseException as error:  # of a thread: reported below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n % 2,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_graphs():
    """Calls are captured as they are, and replayed on new values."""
    shape = UPDATES[0]
    scan, update = draw_scan(SCANS[0], 2, 300), draw_update(shape, 3)
    state = draw_states(shape, 3)
    slots = torch.tensor([2, 0, 1], dtype=torch.int32, device="cuda")
    started = state.clone()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):  # compiles and loads
        mamba_chunk_scan_combined(**scan)
        selective_state_update(state, **update, state_batch_indices=slots)
    torch.cuda.synchronize()
    state.copy_(started)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = mamba_chunk_scan_combined(**scan)
        z = selective_state_update(state, **update, state_batch_indices=slots)
    assert torch.equal(state, started), "a capture runs nothing"
    scan["x"].copy_(torch.randn_like(scan["x"]))
    graph.replay()
    torch.cuda.synchronize()
    assert error_ratio(y, reference_scan(**scan)[0]) <= 5e-3
    expected, after = reference_update(started[slots.long()], **update)
    assert error_ratio(z, expected) <= 5e-3
    assert error_ratio(state[slots.long()], after) <= 5e-3


def test_nothing_waits():
    """Repeated calls don't synchronise, 64-bit ids included."""
    scan = draw_scan(SCANS[5], 2, 100)
    packed = draw_scan(Scan(4, 1, 64, 128), 1, 90)
    offsets = torch.tensor([0, 40, 90], device="cuda")
    update, state = draw_update(UPDATES[0], 2), draw_states(UPDATES[0], 5)
    slots = torch.tensor([3, 1], device="cuda")

    def call():
        mamba_chunk_scan_combined(**scan, return_final_states=True)
        mamba_chunk_scan_combined(**packed, cu_seqlens=offsets,
                                  return_varlen_states=True,
                                  return_final_states=True)
        selective_state_update(state, **update, state_batch_indices=slots)

    call()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        call()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_only_our_kernels():
    """Operands as models have them are neither converted nor copied."""
    from torch.profiler import ProfilerActivity, profile

    scan = draw_scan(SCANS[0], 2, 100)
    narrow = draw_scan(SCANS[-2], 1, 40)
    updates = [(draw_update(shape, 2), draw_states(shape, 2))
               for shape in UPDATES[:3]]

    def call():
        for operands in (scan, narrow):
            mamba_chunk_scan_combined(**operands)
        for operands, state in updates:
            selective_state_update(state, **operands)

    call()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as recorded:
        call()
        torch.cuda.synchronize()
    names = {event.key for event in recorded.key_averages()
             if event.device_time_total > 0}
    assert names and all(name.startswith("ssd_") for name in names)


@pytest.mark.parametrize("shape", [
    Scan(80, 1, 64, 128, D="head", z=True), Scan(6, 2, 80, 64, initial=True),
    Scan(8, 1, 128, 128, segments=torch.int32), Scan(48, 8, 64, 256)])
def test_results_do_not_depend_on_the_batch(shape):
    """Bitwise, where no sequence is cut for want of others: neither how many
    heads a block takes nor where its run of chunks ends may show."""
    operands = draw_scan(shape, 24, 330)
    y, state = mamba_chunk_scan_combined(**operands, form="chunked",
                                         return_final_states=True)
    for rows in (slice(0, 1), slice(5, 7), slice(3, 20)):
        some = {name: value[rows] if isinstance(value, torch.Tensor)
                and value.shape[:1] == (24,) else value
                for name, value in operands.items()}
        part, after = mamba_chunk_scan_combined(**some, form="chunked",
                                                return_final_states=True)
        assert torch.equal(part, y[rows]) and torch.equal(after, state[rows])


# -- what is refused ---------------------------------------------------------


def test_gradients():
    operands = draw_scan(SCANS[0], 1, 8)
    mamba_chunk_scan_combined(**operands)
    for name in ("x", "A", "dt_bias"):
        wanting = {**operands, name: operands[name].clone().requires_grad_()}
        with pytest.raises(NotImplementedError, match=f"{name} .*no backward"):
            mamba_chunk_scan_combined(**wanting)
        with torch.no_grad():
            mamba_chunk_scan_combined(**wanting)


def test_mixed_devices():
    operands = draw_scan(SCANS[0], 1, 8)
    for _ in range(2):
        with pytest.raises(ssd_mlir.ArgumentError,
                           match="B is on device cpu, but the call is on cuda:0"):
            mamba_chunk_scan_combined(**{**operands, "B": operands["B"].cpu()})
        with pytest.raises(ssd_mlir.ArgumentError, match="A is no tensor"):
            mamba_chunk_scan_combined(**{**operands,
                                         "A": operands["A"].cpu().numpy()})
        mamba_chunk_scan_combined(**operands)
    with pytest.raises(ssd_mlir.ArgumentError, match="on device cuda:0, but the "
                                                     "call is on cpu"):
        mamba_chunk_scan_combined(**{**operands, "x": operands["x"].cpu()})


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus():
    operands = draw_scan(SCANS[0], 1, 100)
    expected = mamba_chunk_scan_combined(**operands)
    moved = {k: v.to("cuda:1") if isinstance(v, torch.Tensor) else v
             for k, v in operands.items()}
    y = mamba_chunk_scan_combined(**moved)
    assert y.device == torch.device("cuda:1")
    assert torch.equal(y.cpu(), expected.cpu())
    with pytest.raises(ssd_mlir.ArgumentError, match="all tensors must be on one"):
        mamba_chunk_scan_combined(**{**operands, "x": moved["x"]})


def test_types():
    operands = draw_scan(SCANS[0], 1, 8)
    for name, dtype, message in (("B", torch.float16, "B is f16, but x is bf16"),
                                 ("x", torch.float64, "x must be float32"),
                                 ("dt", torch.int32, "dt must be float32")):
        with pytest.raises(ssd_mlir.ArgumentError, match=message):
            mamba_chunk_scan_combined(**{**operands,
                                         name: operands[name].to(dtype)})


# -- traced ------------------------------------------------------------------


def test_compiled():
    def both(state, scan, update):
        y, after = mamba_chunk_scan_combined(**scan, return_final_states=True)
        return y * 2, after + 1, selective_state_update(state, **update)

    shape = UPDATES[0]
    scan, update = draw_scan(SCANS[0], 2, 130), draw_update(shape, 3)
    state = draw_states(shape, 3)
    held = state.clone()
    torch._dynamo.reset()
    compiled = torch.compile(both, fullgraph=True)
    for found, expected in zip(compiled(held, scan, update),
                               both(state, scan, update)):
        torch.testing.assert_close(found, expected)
    torch.testing.assert_close(held, state)
