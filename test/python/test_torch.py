# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operators on PyTorch's tensors: eager calls, repeated ones, traced ones."""

from __future__ import annotations

import numpy as np
import pytest

import reference
import ssd_mlir
from ssd_mlir import mamba_chunk_scan_combined, selective_state_update

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def operators(backend):
    """All tests here run with both compilers."""


def scan_operands(batch=2, length=9, heads=4, width=16, n=8, dtype=torch.float32):
    generator = torch.Generator().manual_seed(batch * 1000 + length)

    def normal(*sizes):
        return torch.randn(sizes, generator=generator).to(dtype)

    return {"x": normal(batch, length, heads, width),
            "dt": torch.rand((batch, length, heads), generator=generator),
            "A": -torch.rand(heads, generator=generator) - 0.5,
            "B": normal(batch, length, 1, n), "C": normal(batch, length, 1, n)}


def update_operands(batch=3, heads=4, width=16, n=8, tied=True):
    generator = torch.Generator().manual_seed(batch)

    def normal(*sizes):
        return torch.randn(sizes, generator=generator)

    def spread(value, *sizes):
        value = value.expand(*sizes)
        return value if tied else value + 0.01 * normal(*sizes)

    return {"x": normal(batch, heads, width),
            "dt": spread(normal(batch, heads, 1).abs() * 0.1, batch, heads, width),
            "A": spread(-normal(heads, 1, 1).abs() - 0.5, heads, width, n),
            "B": normal(batch, 1, n), "C": normal(batch, 1, n)}


def as_numpy(operands):
    return {k: v.double().numpy() if isinstance(v, torch.Tensor)
            and v.is_floating_point() else v for k, v in operands.items()}


def check_scan(operands, **options):
    expected, expected_state = reference.scan(**as_numpy(operands), **options)
    y, state = mamba_chunk_scan_combined(**operands, **options,
                                         return_final_states=True)
    assert isinstance(y, torch.Tensor) and y.dtype == operands["x"].dtype
    assert reference.error_ratio(y.double().numpy(), expected) < 1e-5
    assert reference.error_ratio(state.double().numpy(), expected_state) < 1e-5


def check_update(state, operands):
    expected, expected_state = reference.step(state.double().numpy(),
                                              **as_numpy(operands))
    y = selective_state_update(state, **operands)
    assert reference.error_ratio(y.double().numpy(), expected) < 1e-5
    assert reference.error_ratio(state.double().numpy(), expected_state) < 1e-5


# -- eager calls -------------------------------------------------------------


def test_repeated_scans_of_other_sizes_and_layouts():
    """The first call is recorded; whatever differs later must be noticed."""
    for batch, length in ((2, 9), (1, 1), (3, 20), (2, 9)):
        check_scan(scan_operands(batch, length))
    check_scan(scan_operands(heads=2))
    check_scan(scan_operands(n=4))
    wide = scan_operands(width=32)
    check_scan({**wide, "x": wide["x"][..., ::2]})  # no dense rows
    check_scan({**scan_operands(), "dt": scan_operands()["dt"].half()})
    check_scan({**scan_operands(), "A": -torch.rand(8)[::2] - 0.5})
    check_scan({**scan_operands(), "A": -torch.ones(4).double().float()})
    check_scan({**scan_operands(), "A": -np.ones(4, np.float32)})
    negated = torch.complex(torch.ones(4), torch.ones(4)).conj().imag
    assert negated.is_neg()
    check_scan({**scan_operands(), "A": negated})
    projected = torch.randn(2, 9, 4 * 16 + 8)
    check_scan({**scan_operands(), "B": projected[..., None, 64:],
                "x": projected[..., :64].unflatten(-1, (4, 16))})


def test_repeated_scans_refuse_what_the_first_would():
    operands = scan_operands()
    check_scan(operands)
    for name, value, message in (
            ("dt", operands["dt"][:, :5], r"dt has shape \[2, 5, 4\]"),
            ("B", operands["B"].half(), "B is f16, but x is f32"),
            ("A", operands["A"][:3], r"A has shape \[3\]"),
            ("x", operands["x"].double(), "x must be float32"),
            ("x", operands["x"].to_sparse(), "not supported")):
        with pytest.raises(ssd_mlir.ArgumentError, match=message):
            mamba_chunk_scan_combined(**{**operands, name: value},
                                      return_final_states=True)
    empty = {k: v if k == "A" else v[:, :0] for k, v in operands.items()}
    y, state = mamba_chunk_scan_combined(**empty, return_final_states=True)
    assert y.shape == (2, 0, 4, 16) and not state.any()


def test_options_of_repeated_scans():
    operands = scan_operands()
    for options in ({}, {"dt_softplus": True}, {"dt_limit": (0.1, 0.5)}, {},
                    {"dt_limit": [0.0, 0.2]}):
        check_scan(operands, **options)
    y = mamba_chunk_scan_combined(**operands)
    assert isinstance(y, torch.Tensor)
    segments = torch.tensor([[0] * 4 + [1] * 5, [3] * 9], dtype=torch.int32)
    for ids in (segments, segments.long(), segments.flip(1)):
        check_scan({**operands, "seq_idx": ids})


def test_repeated_scans_keep_results_apart():
    operands = scan_operands()
    first, second = (mamba_chunk_scan_combined(**operands) for _ in range(2))
    assert first.data_ptr() != second.data_ptr() and torch.equal(first, second)


def test_repeated_calls_tell_operands_apart():
    """Also where one tensor was several operands at first."""
    operands = scan_operands()
    for C in (operands["B"], operands["C"], operands["B"]):
        check_scan({**operands, "C": C})
    for D in (operands["A"], operands["A"] + 1):
        check_scan({**operands, "D": D})
    operands = update_operands()
    for C in (operands["B"], operands["C"], operands["B"]):
        check_update(torch.randn(3, 4, 16, 8), {**operands, "C": C})
    for z in (None, operands["x"], operands["x"] + 1):
        check_update(torch.randn(3, 4, 16, 8), {**operands, "z": z})


@pytest.mark.parametrize("fast", [True, False])
def test_results_of_repeated_calls_are_the_first_ones(fast, monkeypatch):
    """Whatever makes their memory."""
    if not fast:
        monkeypatch.delattr(torch._C._dynamo.guards, "_empty_strided_cpu")
    one = scan_operands(1, 1, heads=1)
    step = update_operands(1, heads=1)

    def call():
        y, state = mamba_chunk_scan_combined(**one, return_final_states=True)
        return y, state, selective_state_update(torch.zeros(1, 1, 16, 8), **step)

    ssd_mlir._operators.forget()
    for mode in (torch.enable_grad, torch.no_grad, torch.inference_mode):
        with mode():
            plain = torch.empty(())
            for found, expected in zip(call(), call()):
                assert torch.equal(found, expected)
                assert found.stride() == expected.stride()
                assert found.dtype == expected.dtype
                assert found.is_inference() == plain.is_inference()
                assert not found.requires_grad
                assert found.untyped_storage().resizable()


@pytest.mark.parametrize("tied", [True, False])
def test_repeated_updates(tied):
    for batch in (3, 1, 5, 3):
        operands = update_operands(batch, tied=tied)
        check_update(torch.randn(batch, 4, 16, 8), operands)
    check_update(torch.randn(3, 4, 16, 8), update_operands(tied=not tied))


def test_repeated_calls_are_short(monkeypatch):
    """Nothing that models pass is read at length again."""
    scan = {**scan_operands(dtype=torch.bfloat16),
            "D": torch.randn(4).bfloat16(), "dt_bias": torch.randn(4).bfloat16()}
    update = {**update_operands(), "D": torch.randn(4, 1).expand(4, 16),
              "dt_bias": torch.rand(4, 1).bfloat16().expand(4, 16)}
    state = torch.randn(3, 4, 16, 8)

    def scan_once():
        y = mamba_chunk_scan_combined(**scan)
        expected, _ = reference.scan(**as_numpy(scan))
        assert reference.error_ratio(y.double().numpy(), expected) < 5e-3

    scan_once()
    check_update(state, update)
    monkeypatch.setattr(ssd_mlir._scan, "library_of", None)
    monkeypatch.setattr(ssd_mlir._update, "library_of", None)
    scan_once()
    check_update(state, update)


def test_calls_of_older_pytorch(monkeypatch):
    """Without DLPack's exchange interface every call is read at length."""
    assert ssd_mlir._runtime.Exchange.of(int) is None
    monkeypatch.setattr(ssd_mlir._torch, "_EXCHANGE", None)
    ssd_mlir._operators.forget()
    for batch in (2, 1, 2):
        check_scan(scan_operands(batch))
    assert not ssd_mlir._operators.shortcuts


def test_repeated_updates_of_one_head():
    flat = {"x": torch.randn(3, 12), "dt": torch.rand(3, 12),
            "A": -torch.rand(12, 8), "B": torch.randn(3, 8),
            "C": torch.randn(3, 8), "D": torch.randn(12),
            "z": torch.randn(3, 12), "dt_bias": torch.rand(12)}
    for _ in range(3):
        check_update(torch.randn(3, 12, 8), flat)


def test_states_are_updated_where_they_are(monkeypatch):
    """Also rows of a pool with something else between them."""
    monkeypatch.setattr(ssd_mlir._torch.TorchLibrary, "dense_copy", None)
    monkeypatch.setattr(ssd_mlir._arrays.Library, "dense_copy", None)
    pages = torch.full((7, 4 * 16 * 8 + 50), 7.0)
    pool = pages[:, 50:].unflatten(1, (4, 16, 8))
    pool.copy_(torch.randn(pool.shape))
    slots = torch.tensor([5, -1, 0])
    operands = update_operands()
    for indices in (slots, slots.int(), slots):
        before = pool.clone()
        started = before[slots].where(slots[:, None, None, None] >= 0,
                                      torch.tensor(0.0))
        expected, after = reference.step(started.double().numpy(),
                                         **as_numpy(operands))
        y = selective_state_update(pool, **operands, state_batch_indices=indices)
        assert reference.error_ratio(y.numpy(), expected) < 1e-5
        assert reference.error_ratio(pool[[5, 0]].numpy(), after[[0, 2]]) < 1e-5
        others = [1, 2, 3, 4, 6]
        assert torch.equal(pool[others], before[others])
    assert (pages[:, :50] == 7).all()
    array = pool.numpy()
    numpy_operands = {k: v.numpy() for k, v in operands.items()}
    selective_state_update(array, **numpy_operands,
                           state_batch_indices=slots.numpy())


def test_states_without_dense_rows_are_copied():
    wide = torch.randn(3, 4, 16, 16)
    check_update(wide[..., ::2], update_operands())


def test_slots_are_checked_in_every_call():
    pool = torch.randn(4, 4, 16, 8)
    good = torch.tensor([0, 1, 2], dtype=torch.int32)
    selective_state_update(pool, **update_operands(), state_batch_indices=good)
    for slots, message in ((good + 2, "has row 4, but state has 4 rows"),
                           (good * 0, "names a row twice"),
                           (good[:2], r"has shape \[2\]; expected"),
                           (good.float(), "must be integers")):
        with pytest.raises(ssd_mlir.ArgumentError, match=message):
            selective_state_update(pool, **update_operands(),
                                   state_batch_indices=slots)


def test_gradients_are_refused():
    operands = scan_operands()
    for _ in range(2):
        for name in operands:
            wanting = {**operands, name: operands[name].clone().requires_grad_()}
            with pytest.raises(NotImplementedError,
                               match=f"{name} requires a gradient.*backward"):
                mamba_chunk_scan_combined(**wanting)
            with torch.no_grad():
                mamba_chunk_scan_combined(**wanting)
        parameter = torch.nn.Parameter(operands["A"])
        with torch.inference_mode():
            mamba_chunk_scan_combined(**{**operands, "A": parameter})
    state = torch.zeros(3, 4, 16, 8, requires_grad=True)
    with pytest.raises(ssd_mlir.GradientError, match="state requires"):
        selective_state_update(state, **update_operands())


# -- traced calls ------------------------------------------------------------


def scan_twice(x, dt, A, B, C):
    y, state = mamba_chunk_scan_combined(x, dt, A, B, C, chunk_size=4, D=A,
                                         return_final_states=True)
    return 2 * mamba_chunk_scan_combined(y, dt, A, B, C, dt_softplus=True), state


def update_twice(state, x, dt, A, B, C):
    first = selective_state_update(state, x, dt, A, B, C)
    return first + selective_state_update(state, x, dt, A, B, C, dt_softplus=True)


@pytest.mark.parametrize("how", ["eager", "aot_eager"])
@pytest.mark.parametrize("dynamic", [False, True])
def test_compile(how, dynamic):
    torch._dynamo.reset()
    scan = torch.compile(scan_twice, backend=how, fullgraph=True, dynamic=dynamic)
    update = torch.compile(update_twice, backend=how, fullgraph=True,
                           dynamic=dynamic)
    for batch in (2, 3):
        operands = scan_operands(batch).values()
        for found, expected in zip(scan(*operands), scan_twice(*operands)):
            torch.testing.assert_close(found, expected)
        state = torch.randn(batch, 4, 16, 8)
        held = state.clone()
        operands = update_operands(batch).values()
        torch.testing.assert_close(update(held, *operands),
                                   update_twice(state, *operands))
        torch.testing.assert_close(held, state)


@pytest.mark.parametrize("strict", [False, True])
def test_export(strict):
    class Model(torch.nn.Module):
        def forward(self, *operands):
            return scan_twice(*operands)

    operands = tuple(scan_operands().values())
    program = torch.export.export(Model(), operands, strict=strict)
    targets = [str(node.target) for node in program.graph.nodes]
    assert targets.count("ssd_mlir.mamba_chunk_scan_combined.default") == 2
    for found, expected in zip(program.module()(*operands),
                               scan_twice(*operands)):
        torch.testing.assert_close(found, expected)


def test_compiled_gradients_are_refused():
    torch._dynamo.reset()
    operands = scan_operands()
    operands["x"].requires_grad_()
    compiled = torch.compile(scan_twice, backend="eager")
    with pytest.raises(Exception, match="the operators have no backward"):
        compiled(*operands.values())[0].sum().backward()


def test_fake_tensors():
    from torch._subclasses.fake_tensor import FakeTensorMode

    operands = scan_operands()
    offsets = torch.tensor([0, 4, 9])
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fake = {k: mode.from_tensor(v[:1] if k != "A" else v)
                for k, v in operands.items()}
        y, state, varlen = mamba_chunk_scan_combined(
            **fake, return_final_states=True, return_varlen_states=True,
            cu_seqlens=mode.from_tensor(offsets))
    assert y.shape == (1, 9, 4, 16) and y.dtype == torch.float32
    assert state.shape == (1, 4, 16, 8) and varlen.shape == (2, 4, 16, 8)


def test_opcheck():
    """PyTorch's own check: schema, fake kernel, autograd registration."""
    from ssd_mlir import _torch_operators as registered

    x, dt, A, B, C = scan_operands().values()
    torch.library.opcheck(registered._scan, (
        x, dt, A, B, C, 64, None, x.clone(), None, None, None, None, True, 0.0,
        float("inf"), True, False, "auto"))
    operands = update_operands().values()
    torch.library.opcheck(registered._update, (
        torch.randn(3, 4, 16, 8), *operands, None, None, None, False, None))


def test_rows_that_no_kernel_takes_in_tiles_are_copied(monkeypatch):
    """On a GPU alone, and only where a copy's rows begin at multiples of 16 bytes."""
    library = ssd_mlir._torch.TorchLibrary(torch.device("cpu"))

    def is_copied(tensor):
        array = library.read("x", tensor)
        found = library.tileable(array)
        assert torch.equal(found.data, tensor)
        if found is not array:
            assert library.tileable(found) is found
        return found is not array

    projected = torch.arange(2 * 5 * 100, dtype=torch.float16).reshape(2, 5, 100)
    odd = projected[..., 3:83].unflatten(-1, (5, 16))
    assert not is_copied(odd)  # on a CPU
    monkeypatch.setattr(library, "gpu", 0)
    assert is_copied(odd)
    assert is_copied(projected[..., :80].unflatten(-1, (5, 16)))  # 200 bytes a token
    wide = torch.zeros(2, 5, 104, dtype=torch.float16)
    assert not is_copied(wide[..., 8:88].unflatten(-1, (5, 16)))
    assert is_copied(wide[..., 4:84].unflatten(-1, (5, 16)))  # begins at 8 bytes
    assert not is_copied(projected[..., :99].unflatten(-1, (9, 11)))  # of 22 bytes
    assert not is_copied(torch.zeros(0, 5, 3, 16, dtype=torch.float16)[..., :8])
