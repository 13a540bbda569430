# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line, on artifacts made by hand."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from ssd_mlir import _explain
from ssd_mlir.__main__ import main
from ssd_mlir._text import TextStream, Tokenizer
from conftest import MODELS


def test_describe(artifacts, capsys):
    assert main(["describe", str(artifacts / "model.so")]) == 0
    table = json.loads(capsys.readouterr().out)
    assert [e["name"] for e in table["entries"]] == ["logits", "prefill", "step"]


def test_explain(artifacts, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["explain", str(artifacts / "model.so")]) == 0
    text = capsys.readouterr().out
    for part in ("backbone.layers.0.mixer", "> chunked 128", "  recurrent",
                 "1.23 ms", "100 ms", "5 M", "2 KiB", "1 MiB", "× 24",
                 "least time of 2", "backbone.layers.1.mixer", "H=8", "L=?"):
        assert part in text, (part, text)
    assert main(["explain", str(artifacts / "entries.so")]) == 0
    assert "no mixers" in capsys.readouterr().out


def test_explain_kernels(capsys):
    """GPU programs list kernels with their times, and why not the others."""
    mixer = {"entry": "scan", "count": 1, "location": "a.mlir:3:4",
             "form": "chunked\nrecurrent", "why": "the first that can run",
             "shape": {"heads": 4, "batch": 1, "batch_is_dynamic": True},
             "candidates": [
                 {"form": "step", "why_not": "the length is not known"},
                 {"form": "chunked", "time_us": 27.2}, {"form": "recurrent"}]}
    _explain.explain([mixer], "program", width=100)
    text = capsys.readouterr().out
    for part in ("chunked, recurrent (the first that can run)", "  step ",
                 "the length is not known", "> chunked", "> recurrent",
                 "27.2 µs", "B=1 (say)"):
        assert part in text, (part, text)


@pytest.mark.parametrize("form, text", [
    ("#ssd.chunked<chunk = 128>", "chunked 128"), ("chunked<64>", "chunked 64"),
    ("#ssd.recurrent", "recurrent"), (None, "?"),
    ("#ssd.dispatch<[1 : #ssd.recurrent, 64 : #ssd.quadratic], "
     "#ssd.chunked<chunk = 32>>",
     "L ≤ 1: recurrent\nL ≤ 64: quadratic\nelse: chunked 32")])
def test_forms(form, text):
    assert _explain.plain_form(form) == text


def test_numbers():
    assert [_explain.count(v) for v in (0, 999, 1000, 1234567, 2.5e13)] == [
        "0", "999", "1 k", "1.23 M", "25 T"]
    assert [_explain.size(v) for v in (1, 1024, 1536, 3 << 30)] == [
        "1 B", "1 KiB", "1.50 KiB", "3 GiB"]
    assert [_explain.time(v) for v in (0.5, 999, 1500)] == [
        "0.5 µs", "999 µs", "1.5 ms"]
    assert _explain.count(None) == _explain.size("x") == _explain.time(None) == "-"


def test_generate_ids(artifacts, capsys):
    assert main(["generate", str(artifacts / "model.so"), "--weights",
                 str(artifacts / "weights"), "--ids", "1,2 3",
                 "--max-new-tokens", "3", "--threads", "1", "--eos", "-1"]) == 0
    out, err = capsys.readouterr()
    assert out.split() == ["7", "14", "12"]
    assert "prompt: 3 tokens" in err and "generated 3" in err
    assert "tokens/s" in err


def test_generate_stops_at_the_models_end(artifacts, capsys):
    # (1 + 14 + 1) % 16 is token 0, one of the model's ends of text.
    assert main(["generate", str(artifacts / "model.so"), "--weights",
                 str(artifacts / "weights"), "--ids", "1 14"]) == 0
    assert capsys.readouterr().out.split() == ["0"]


def test_errors(artifacts, capsys, tmp_path):
    for arguments, message in [
            (["describe", str(tmp_path / "absent")], "no artifact"),
            (["generate", str(artifacts / "model.so"), "--ids", "1"], "weight"),
            (["generate", str(artifacts / "model.so"), "--weights",
              str(artifacts / "weights"), "--ids", "99"], "between 0 and 15"),
            (["generate", str(artifacts / "model.so"), "--prompt", "x"],
             "tokenizer.json"),
            (["compile", str(tmp_path / "absent"), "-o", "x"], "no model")]:
        assert main(arguments) == 1
        out, err = capsys.readouterr()
        assert err.startswith("ssd-mlir: ") and message in err and not out.strip()
    for arguments in ([], ["generate", "x"], ["generate", "x", "--ids", "a"]):
        with pytest.raises(SystemExit):
            main(arguments)


def test_module(artifacts):
    result = subprocess.run(
        [sys.executable, "-m", "ssd_mlir", "describe", artifacts / "model.so"],
        capture_output=True, text=True)
    assert result.returncode == 0 and '"entries"' in result.stdout
    result = subprocess.run(
        f"{sys.executable} -m ssd_mlir describe {artifacts / 'model.so'} | head -1",
        shell=True, capture_output=True, text=True)
    assert result.stdout == "{\n" and "Traceback" not in result.stderr


@pytest.mark.parametrize("text", [
    "In the beginning God created the heaven and the earth.",
    "Grüße, 世界! 🙂🙃 – ﷽", "a\n\n  b\t", "é" * 40])
def test_streamed_text(text):
    """What is streamed is the text, with no broken characters on the way."""
    tokenizer = Tokenizer(MODELS / "kjv-mamba2" / "tokenizer.json")
    tokens = tokenizer.encode(text)
    stream = TextStream(tokenizer)
    parts = [stream.push(token) for token in tokens]
    assert all("\ufffd" not in part for part in parts)
    assert "".join(parts) + stream.finish() == tokenizer.decode(tokens)
    for cut in (1, len(tokens) // 2):
        stream = TextStream(tokenizer, tokens[:cut])
        rest = "".join(map(stream.push, tokens[cut:])) + stream.finish()
        assert tokenizer.decode(tokens).endswith(rest)


def test_broken_tokenizer(tmp_path, artifacts, capsys):
    folder = shutil.copytree(artifacts / "weights", tmp_path / "weights")
    (folder / "tokenizer.json").write_text("{")
    assert main(["generate", str(artifacts / "model.so"), "--weights",
                 str(folder), "--prompt", "x"]) == 1
    assert "no tokenizer" in capsys.readouterr().err
