# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Generation: sampling, ends of rows, batches, on a model made by hand whose
next token is (the sum of all tokens + 1) mod 16."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ssd_mlir._generate import Sampling


def continued(prompt, count):
    tokens = list(prompt)
    for _ in range(count):
        tokens.append((sum(tokens) + 1) % 16)
    return tokens


def test_greedy(model):
    result = model.generate([1, 2, 3], max_new_tokens=8)
    assert result.dtype == np.int64
    np.testing.assert_array_equal(result, [continued([1, 2, 3], 8)])
    assert model.generate([1]).shape == (1, 25)
    np.testing.assert_array_equal(model.generate([[5, 4]], max_new_tokens=0),
                                  [[5, 4]])


def test_batch(model):
    prompts = [[1, 2], [3, 4], [15, 15]]
    result = model.generate(prompts, max_new_tokens=6)
    np.testing.assert_array_equal(result, [continued(p, 6) for p in prompts])


def test_end_of_rows(model):
    prompts = [[1, 2], [5, 5]]
    free = [continued(p, 3) for p in prompts]
    end = free[0][3]  # the second new token of the first row
    assert end not in free[1]
    seen = []
    result = model.generate(prompts, max_new_tokens=3, eos_token_id=end,
                            pad_token_id=9, callback=seen.append)
    np.testing.assert_array_equal(result[0], free[0][:4] + [9])
    np.testing.assert_array_equal(result[1], free[1])
    np.testing.assert_array_equal(np.stack(seen, axis=1), result[:, 2:])
    # All rows end: no more steps, and padding to the full length.
    seen.clear()
    both = model.generate([[1, 2], [1, 2]], max_new_tokens=6,
                          eos_token_id=[end, 77], callback=seen.append)
    np.testing.assert_array_equal(both, [free[0][:4] + [0] * 4] * 2)
    assert len(seen) == 2


def test_seed(model):
    def draw(prompts, **options):
        return model.generate(prompts, max_new_tokens=20, temperature=3.0,
                              **options)

    first = draw([[1, 2], [1, 2]], seed=5)
    np.testing.assert_array_equal(first, draw([[1, 2], [1, 2]], seed=5))
    assert not (first == draw([[1, 2], [1, 2]], seed=6)).all()
    assert not (first[0] == first[1]).all()
    # A row's text doesn't depend on the rest of the batch.
    np.testing.assert_array_equal(draw([[1, 2]], seed=5)[0], first[0])
    assert not (draw([[1, 2]]) == draw([[1, 2]])).all()


def test_callback_errors_reach_the_caller(model):
    def stop(tokens):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        model.generate([1], callback=stop)


@pytest.mark.parametrize("options, message", [
    ({"temperature": -1}, "temperature"), ({"temperature": "x"}, "temperature"),
    ({"temperature": float("nan")}, "temperature"), ({"top_k": 0}, "top_k"),
    ({"top_k": 1.5}, "top_k"), ({"top_p": 0}, "top_p"), ({"top_p": 1.1}, "top_p"),
    ({"top_p": "x"}, "top_p"), ({"top_p": math.nan}, "top_p"),
    ({"max_new_tokens": -1}, "max_new_tokens"), ({"seed": -1}, "seed"),
    ({"max_new_tokens": 1.0}, "max_new_tokens"), ({"pad_token_id": -1}, "pad"),
    ({"eos_token_id": "a"}, "eos_token_id"), ({"eos_token_id": 0.5}, "eos"),
])
def test_bad_options(model, options, message):
    with pytest.raises(ValueError, match=message):
        model.generate([1, 2], **options)


def frequencies(logits, count=20_000, **options):
    sampling = Sampling(seed=1, **options)
    logits = np.tile(np.asarray(logits, np.float32), (count, 1))
    tokens = sampling.choose(logits, sampling.generators(1) * count)
    return np.bincount(tokens, minlength=logits.shape[1]) / count


def test_distribution():
    probabilities = np.array([0.1, 0.5, 0.15, 0.25])
    logits = np.log(probabilities) + 7
    np.testing.assert_allclose(frequencies(logits, temperature=1.0),
                               probabilities, atol=0.015)
    sharper = probabilities**2 / (probabilities**2).sum()
    np.testing.assert_allclose(frequencies(logits, temperature=0.5), sharper,
                               atol=0.015)


def test_filters():
    logits = np.log([0.1, 0.5, 0.15, 0.25])
    np.testing.assert_allclose(frequencies(logits, temperature=1.0, top_k=2),
                               [0, 2 / 3, 0, 1 / 3], atol=0.015)
    # 0.5 + 0.25 reach 0.7; the third likeliest isn't needed.
    np.testing.assert_allclose(frequencies(logits, temperature=1.0, top_p=0.7),
                               [0, 2 / 3, 0, 1 / 3], atol=0.015)
    np.testing.assert_allclose(frequencies(logits, temperature=1.0, top_p=0.76),
                               [0, 0.5 / 0.9, 0.15 / 0.9, 0.25 / 0.9],
                               atol=0.015)
    assert frequencies(logits, 100, temperature=1.0, top_p=1e-9)[1] == 1
    assert frequencies(logits, 100, temperature=1.0, top_k=1)[1] == 1
    np.testing.assert_allclose(
        frequencies(logits, temperature=1.0, top_k=99, top_p=1.0),
        [0.1, 0.5, 0.15, 0.25], atol=0.015)


def test_extreme_logits():
    for temperature in (1e-30, 1.0, 1e30):
        one = frequencies([-np.inf, 3e38, -3e38], 10, temperature=temperature)
        assert one[0] == 0
    assert frequencies([0, np.inf, 0], 10, temperature=1.0)[1] == 1
    with pytest.raises(ValueError, match="NaN"):
        frequencies([0, np.nan, 0], 1, temperature=0)
