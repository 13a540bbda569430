# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays of other libraries: DLPack in and out."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest

from ssd_mlir import _runtime
from ssd_mlir._arrays import Array, as_array, as_layout


class Foreign:
    """An array of a library of its own, which only speaks DLPack."""

    def __init__(self, array, dtype="f32", device=(1, 0)):
        self.array, self.dtype, self.device_pair = array, dtype, device

    def __dlpack_device__(self):
        return self.device_pair

    def __dlpack__(self, stream=None):  # older than max_version
        return _runtime.Exporter(self.array, self.dtype).__dlpack__()


class ForeignWithNamespace(Foreign):
    def __array_namespace__(self):
        class Namespace:
            @staticmethod
            def from_dlpack(producer):
                array, dtype = _runtime.from_dlpack(producer.__dlpack__())
                return ForeignWithNamespace(array, dtype)

        return Namespace


def test_foreign_in(entries):
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    total, _ = entries.call("add", Foreign(x), x)
    assert isinstance(total, np.ndarray)
    np.testing.assert_array_equal(total, 2 * x)
    strided = np.zeros((2, 3, 9), np.float32)
    strided[..., 1:5] = x
    total, _ = entries.call("add", Foreign(strided[..., 1:5]), Foreign(x))
    np.testing.assert_array_equal(total, 2 * x)


def test_foreign_out(entries):
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    total, _ = entries.call("add", ForeignWithNamespace(x), x)
    assert isinstance(total, ForeignWithNamespace)
    np.testing.assert_array_equal(total.array, 2 * x)
    bits = ForeignWithNamespace(np.arange(5, dtype=np.uint16), "bf16")
    result = entries.call("copy_bf16", bits)
    assert result.dtype == "bf16"
    np.testing.assert_array_equal(result.array, bits.array)


def test_lifetime():
    """The memory lives as long as a view of it, and no longer."""
    x = np.arange(1000, dtype=np.float32)
    alive = weakref.ref(x)
    view = as_array("x", Foreign(x)).data
    del x
    gc.collect()
    assert alive() is not None and view[-1] == 999
    del view
    gc.collect()
    assert alive() is None
    # A capsule that nobody consumes frees its tensor too.
    x = np.arange(3, dtype=np.float32)
    alive = weakref.ref(x)
    capsule = _runtime.Exporter(x, "f32").__dlpack__()
    del x, capsule
    gc.collect()
    assert alive() is None


def test_capsules_are_used_once():
    capsule = _runtime.Exporter(np.zeros(3, np.float32), "f32").__dlpack__()
    _runtime.from_dlpack(capsule)
    with pytest.raises(ValueError, match="fresh"):
        _runtime.from_dlpack(capsule)


def test_numpy_reads_results():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::2]
    np.testing.assert_array_equal(np.from_dlpack(_runtime.Exporter(x, "f32")), x)


def test_other_devices(entries):
    x = np.zeros((1, 1, 4), np.float32)
    with pytest.raises(ValueError, match="x is on device"):
        entries.call("add", Foreign(x, device=(2, 0)), x)


def test_memoryview_and_scalars(entries):
    view = memoryview(np.arange(3, dtype=np.float32))
    np.testing.assert_array_equal(entries.call("copy_f32", view), [0, 1, 2])
    np.testing.assert_array_equal(entries.call("copy_i64", [1, 2]), [1, 2])


def test_layout_copies_only_if_needed():
    x = np.zeros((4, 6, 8), np.float32)
    for view, strided, shares in [
            (x, False, True), (x[..., :4], False, False), (x[..., :4], True, True),
            (x[::-1], True, False), (x[..., ::2], True, False),
            (np.broadcast_to(x[:1], x.shape), True, True),
            (np.broadcast_to(x[..., :1], x.shape), True, False),
            (x.transpose(1, 0, 2), True, True), (x[:, :0], True, None)]:
        result = as_layout(Array(view, "f32"), strided).data
        np.testing.assert_array_equal(result, view)
        if shares is not None:
            assert np.shares_memory(result, x) == shares


def test_no_torch_needed(artifacts):
    script = ("import sys, ssd_mlir\n"
              "p = ssd_mlir.load(sys.argv[1], sys.argv[2])\n"
              "p.generate([1, 2])\n"
              "for name in ('torch', 'ml_dtypes', 'rich', 'tokenizers'):\n"
              "    assert name not in sys.modules, name\n")
    subprocess.run([sys.executable, "-c", script, artifacts / "model.so",
                    artifacts / "weights"], check=True)


#===----------------------------------------------------------------------===#
# PyTorch
#===----------------------------------------------------------------------===#


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def test_torch(entries, model, torch):
    x = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    total, difference = entries.call("add", x.transpose(0, 1),
                                     x.transpose(0, 1).contiguous())
    assert isinstance(total, torch.Tensor)
    assert torch.equal(total, 2 * x.transpose(0, 1))
    assert not difference.any()
    half = torch.arange(5).to(torch.bfloat16)
    result = entries.call("copy_bf16", half)
    assert result.dtype == torch.bfloat16 and torch.equal(result, half)

    ids = torch.tensor([[1, 2, 3]])
    logits, state = model.prefill(ids)
    assert isinstance(logits, torch.Tensor) and logits.shape == (1, 16)
    step, _ = model.step(logits.argmax(-1), state)
    assert isinstance(step, torch.Tensor)
    result = model.generate(ids.to(torch.int32), max_new_tokens=3)
    assert result.dtype == torch.int64 and result.shape == (1, 6)


def test_torch_gradients(entries, torch):
    x = torch.zeros(3, requires_grad=True)
    with pytest.raises(NotImplementedError, match="requires a gradient"):
        entries.call("copy_f32", x)
    with torch.no_grad():
        assert entries.call("copy_f32", x).shape == (3,)
    assert entries.call("copy_f32", x.detach()).shape == (3,)


def test_torch_results_own_their_memory(entries, torch):
    results = [entries.call("copy_f32", torch.full((1000,), float(i)))
               for i in range(50)]
    gc.collect()
    assert [float(r.mean()) for r in results] == list(map(float, range(50)))
