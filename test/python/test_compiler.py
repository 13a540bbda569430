# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Running the compiler and keeping what it makes, with scripts in its place."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import ssd_mlir
from ssd_mlir import _cache
from conftest import write_compiler

MLIR = "func.func @f() { return }\n"

# Writes the artifact `made`, and notes that it ran.
COPY = """
open(os.path.join(os.path.dirname(__file__), 'runs'), 'a').write('x')
if source == '-': sys.stdin.read()
shutil.copy({artifact!r}, output)
"""


def runs(folder: Path) -> int:
    path = folder / "runs"
    return len(path.read_text()) if path.exists() else 0


@pytest.fixture
def copying(fake_compiler, artifacts):
    return fake_compiler(COPY.format(artifact=str(artifacts / "entries.so")))


def leftovers(folder: Path) -> list[str]:
    if not folder.exists():
        return []
    return [p.name for p in folder.iterdir() if p.suffix != ".so"]


#===----------------------------------------------------------------------===#
# Finding the compiler
#===----------------------------------------------------------------------===#


def test_named_compiler_is_absent(monkeypatch, tmp_path, cache):
    monkeypatch.setenv("SSD_MLIR_COMPILER", str(tmp_path / "absent"))
    with pytest.raises(FileNotFoundError, match="absent.*SSD_MLIR_COMPILER"):
        ssd_mlir.compile(MLIR)
    with pytest.raises(ssd_mlir.CompileError):
        ssd_mlir.compile(MLIR)


def test_compiler_on_path(monkeypatch, tmp_path, copying, cache):
    monkeypatch.delenv("SSD_MLIR_COMPILER")
    monkeypatch.setattr(ssd_mlir._compiler, "_candidates",
                        lambda: [Path(shutil.which("ssd-compile"))])
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert ssd_mlir._compiler.find_compiler() == copying


def test_no_compiler_names_the_places(monkeypatch, tmp_path):
    monkeypatch.delenv("SSD_MLIR_COMPILER", raising=False)
    monkeypatch.setattr(ssd_mlir._compiler, "_candidates",
                        lambda: [tmp_path / "bin" / "ssd-compile"])
    with pytest.raises(ssd_mlir.CompilerNotFoundError,
                       match="bin/ssd-compile[^S]*SSD_MLIR_COMPILER"):
        ssd_mlir._compiler.find_compiler()


#===----------------------------------------------------------------------===#
# Failures
#===----------------------------------------------------------------------===#


def test_diagnostics(fake_compiler, cache):
    fake_compiler("""
print('[1/9] parse 0.01 s', file=sys.stderr)
print('<stdin>:3:5: error: (MIX2) G divides H', file=sys.stderr)
sys.exit(1)
""")
    with pytest.raises(ssd_mlir.CompileError, match=r"\(MIX2\) G") as caught:
        ssd_mlir.compile(MLIR)
    assert caught.value.stderr == "<stdin>:3:5: error: (MIX2) G divides H\n"
    assert caught.value.returncode == 1
    assert caught.value.command[1] == "-"
    assert leftovers(cache) == [] and not list(cache.glob("*.so"))


def test_crash(fake_compiler, cache, tmp_path):
    fake_compiler("""
open(output, 'w').write('half')
print('LLVM ERROR: out of ideas', file=sys.stderr, flush=True)
os.abort()
""")
    with pytest.raises(ssd_mlir.CompileError,
                       match=r"crashed \(SIGABRT\):\nLLVM ERROR") as caught:
        ssd_mlir.compile(MLIR)
    assert caught.value.returncode == -signal.SIGABRT
    assert leftovers(cache) == [] and not list(cache.glob("*.so"))
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ssd_mlir.CompileError):
        ssd_mlir.compile(MLIR, output=out / "program.so")
    assert list(out.iterdir()) == []


def test_no_output(fake_compiler):
    fake_compiler("sys.exit(0)")
    with pytest.raises(ssd_mlir.CompileError, match="wrote no artifact"):
        ssd_mlir.compile(MLIR)


def test_not_executable(fake_compiler, tmp_path):
    fake_compiler("").write_text("no program")
    with pytest.raises(ssd_mlir.CompileError):
        ssd_mlir.compile(MLIR)


def test_bad_artifact_is_not_kept(fake_compiler, cache):
    fake_compiler("open(output, 'w').write('no ELF file')")
    with pytest.raises(ssd_mlir.ArtifactError):
        ssd_mlir.compile(MLIR)


def test_interrupt_kills_the_compiler(fake_compiler, cache, tmp_path):
    """Ctrl-C during a long compilation leaves no process and no file."""
    fake_compiler(f"""
open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))
import time; time.sleep(60)
""")
    # A shell's background jobs ignore interrupts, and so would this child.
    script = ("import signal, ssd_mlir; "
              "signal.signal(signal.SIGINT, signal.default_int_handler); "
              f"ssd_mlir.compile({MLIR!r})")
    child = subprocess.Popen([sys.executable, "-c", script],
                             stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    child.wait(20)
    compiler = int((tmp_path / "pid").read_text())
    time.sleep(0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(compiler, 0)
    assert leftovers(cache) == []


#===----------------------------------------------------------------------===#
# Inputs, outputs, options
#===----------------------------------------------------------------------===#


def test_text_goes_to_stdin(fake_compiler, artifacts, tmp_path):
    fake_compiler(f"""
assert source == '-' and '--target=cpu' in options and '--dtype=bf16' in options
assert sys.stdin.read() == {MLIR!r}
shutil.copy({str(artifacts / 'entries.so')!r}, output)
""")
    assert "add" in ssd_mlir.compile(MLIR, dtype="bf16").entries


def test_files_are_named(copying, tmp_path, monkeypatch):
    """Equal text elsewhere is another program: it knows where it is from."""
    copying.write_text(copying.read_text() + "print(source, file=sys.stderr)\n")
    monkeypatch.chdir(tmp_path)
    for folder in ("one", "two"):
        file = tmp_path / folder / "file.mlir"
        file.parent.mkdir()
        file.write_text(MLIR)
        lines = []
        for path in (file, file.relative_to(tmp_path)):
            ssd_mlir.compile(path, progress=lines.append)
        assert lines == [str(file)]
    assert runs(tmp_path) == 2


def test_a_list_of_chips_is_one_target(fake_compiler, artifacts):
    fake_compiler(f"""
assert '--target=sm_80,sm_86,sm_90a' in options
shutil.copy({str(artifacts / 'entries.so')!r}, output)
""")
    assert "add" in ssd_mlir.compile(MLIR, target="sm_80,sm_86,sm_90a").entries


def test_choices(fake_compiler, artifacts, tmp_path, monkeypatch):
    spec = tmp_path / "spec.mlir"
    spec.write_text("// one")
    monkeypatch.chdir(tmp_path)
    fake_compiler(f"""
assert {{'--form=chunked', '--kernel=chunked_single', '--tuning-spec={spec}'}} <= set(options)
""" + COPY.format(artifact=str(artifacts / "entries.so")))
    for text, count in (("// one", 1), ("// one", 1), ("// two", 2)):
        spec.write_text(text)
        ssd_mlir.compile(MLIR, target="sm_90a", form="chunked", kernel="chunked_single",
                         tuning_spec="spec.mlir")
        assert runs(tmp_path) == count
    with pytest.raises(ssd_mlir.ArgumentError, match="form must be one of .* not 'fast'"):
        ssd_mlir.compile(MLIR, form="fast")
    with pytest.raises(FileNotFoundError, match="no tuning spec 'absent.mlir'"):
        ssd_mlir.compile(MLIR, tuning_spec="absent.mlir")
    spec.write_bytes(b"\xff\xfe")
    with pytest.raises(ssd_mlir.ArgumentError, match="spec.mlir' is no MLIR text"):
        ssd_mlir.compile(MLIR, tuning_spec=spec)


def test_output(copying, tmp_path):
    out = tmp_path / "program.so"
    program = ssd_mlir.compile(MLIR, output=out)
    assert program.path == str(out) and "add" in program.entries
    ssd_mlir.compile(MLIR, output=str(out))
    assert runs(tmp_path) == 2


def test_recompiled_output(fake_compiler, artifacts, tmp_path):
    """The same output twice: the second program is the second one."""
    out = tmp_path / "program.so"
    fake_compiler(COPY.format(artifact=str(artifacts / "entries.so")))
    first = ssd_mlir.compile(MLIR, output=out)
    fake_compiler(COPY.format(artifact=str(artifacts / "model.so")))
    second = ssd_mlir.compile(MLIR, output=out)
    assert "add" in first.entries and "step" in second.entries


def test_progress(fake_compiler, artifacts):
    fake_compiler(f"""
assert '--progress' in options
print('[1/2] parse 0.01 s', file=sys.stderr)
print('[2/2] emit 0.02 s', file=sys.stderr)
shutil.copy({str(artifacts / 'entries.so')!r}, output)
""")
    lines = []
    ssd_mlir.compile(MLIR, progress=lines.append)
    assert lines == ["[1/2] parse 0.01 s", "[2/2] emit 0.02 s"]


def test_bad_outputs(copying, tmp_path):
    with pytest.raises(FileNotFoundError, match="no directory"):
        ssd_mlir.compile(MLIR, output=tmp_path / "no" / "program.so")
    with pytest.raises(ValueError, match="is a directory"):
        ssd_mlir.compile(MLIR, output=tmp_path)
    with pytest.raises(OSError, match="/proc"):
        ssd_mlir.compile(MLIR, output="/proc/program.so")
    assert runs(tmp_path) == 0


def test_bad_inputs(copying, tmp_path, artifacts):
    with pytest.raises(FileNotFoundError, match="no model directory"):
        ssd_mlir.compile(tmp_path / "absent")
    with pytest.raises(ValueError, match="compiled artifact"):
        ssd_mlir.compile(artifacts / "model.so")
    (tmp_path / "binary.mlir").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="no MLIR text"):
        ssd_mlir.compile(tmp_path / "binary.mlir")
    with pytest.raises(ValueError, match="expected a path"):
        ssd_mlir.compile(5)
    with pytest.raises(ValueError, match="dtype must be one of"):
        ssd_mlir.compile(MLIR, dtype="float32")
    with pytest.raises(ValueError, match="target must be"):
        ssd_mlir.compile(MLIR, target="--help")
    assert runs(tmp_path) == 0


#===----------------------------------------------------------------------===#
# The cache
#===----------------------------------------------------------------------===#


def test_compiles_once(copying, cache, tmp_path):
    for _ in range(3):
        ssd_mlir.compile(MLIR)
    assert runs(tmp_path) == 1
    ssd_mlir.compile(MLIR, dtype="f16")
    ssd_mlir.compile(MLIR + "\n")
    assert runs(tmp_path) == 3
    info = ssd_mlir.cache_info()
    assert info.directory == str(cache) and info.entries == 3
    assert info.bytes == sum(p.stat().st_size for p in cache.glob("*.so"))
    assert leftovers(cache) == []
    ssd_mlir.clear_cache()
    assert ssd_mlir.cache_info().entries == 0
    ssd_mlir.compile(MLIR)
    assert runs(tmp_path) == 4


def test_another_compiler_compiles_again(copying, tmp_path, cache):
    ssd_mlir.compile(MLIR)
    copying.write_text(copying.read_text() + "# another build\n")
    ssd_mlir.compile(MLIR)
    assert runs(tmp_path) == 2


def test_model_directories(copying, tmp_path, cache):
    import numpy as np
    from safetensors.numpy import save_file

    folder = tmp_path / "model"
    folder.mkdir()

    def write(config, **tensors):
        (folder / "config.json").write_text(config)
        save_file(tensors, folder / "model.safetensors")
        ssd_mlir.compile(folder)
        return runs(tmp_path)

    assert write("{}", w=np.zeros(3, np.float32)) == 1
    # Other weights are the same program, other shapes or settings are not.
    assert write("{}", w=np.ones(3, np.float32)) == 1
    assert write("{}", w=np.ones(4, np.float32)) == 2
    assert write('{"a": 1}', w=np.ones(4, np.float32)) == 3


def test_damaged_entries_are_built_again(copying, cache, tmp_path):
    ssd_mlir.compile(MLIR)
    for path in cache.glob("*.so"):
        path.write_bytes(b"damaged")
    assert "add" in ssd_mlir.compile(MLIR).entries
    assert runs(tmp_path) == 2


def test_size_limit(copying, cache, tmp_path, monkeypatch, artifacts):
    size = (artifacts / "entries.so").stat().st_size
    monkeypatch.setenv("SSD_MLIR_CACHE_SIZE", str(int(size * 2.5)))
    modules = [MLIR + "\n" * i for i in range(1, 4)]
    ssd_mlir.compile(modules[0])
    ssd_mlir.compile(modules[1])
    time.sleep(0.05)
    ssd_mlir.compile(modules[0])  # used again: the other one is the oldest
    ssd_mlir.compile(modules[2])
    assert runs(tmp_path) == 3 and ssd_mlir.cache_info().entries == 2
    ssd_mlir.compile(modules[0])
    assert runs(tmp_path) == 3
    ssd_mlir.compile(modules[1])
    assert runs(tmp_path) == 4


@pytest.mark.parametrize("text, size", [
    ("", 1 << 30), ("100", 100), ("2k", 2048), ("1.5M", 3 << 19), ("2GB", 2 << 30),
    ("nonsense", 1 << 30), ("-5", 0), ("0", 0)])
def test_size_limit_text(monkeypatch, text, size):
    monkeypatch.setenv("SSD_MLIR_CACHE_SIZE", text)
    assert _cache.size_limit() == size


def test_default_directory(monkeypatch, tmp_path):
    monkeypatch.delenv("SSD_MLIR_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert _cache.cache_directory() == tmp_path / "ssd-mlir"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _cache.cache_directory() == tmp_path / ".cache" / "ssd-mlir"


def test_unusable_directory(copying, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SSD_MLIR_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OSError, match="SSD_MLIR_CACHE"):
        ssd_mlir.compile(MLIR)


SLOW = "import time; time.sleep(1)\n" + COPY


def test_threads_share_one_compilation(fake_compiler, artifacts, cache, tmp_path):
    fake_compiler(SLOW.format(artifact=str(artifacts / "entries.so")))
    programs = []
    threads = [threading.Thread(
        target=lambda: programs.append(ssd_mlir.compile(MLIR)))
        for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(programs) == 4 and runs(tmp_path) == 1
    assert leftovers(cache) == []


def test_processes_share_one_compilation(fake_compiler, artifacts, cache,
                                         tmp_path):
    fake_compiler(SLOW.format(artifact=str(artifacts / "entries.so")))
    script = f"import ssd_mlir; print(len(ssd_mlir.compile({MLIR!r}).entries))"
    children = [subprocess.Popen([sys.executable, "-c", script],
                                 stdout=subprocess.PIPE) for _ in range(4)]
    results = {child.communicate()[0] for child in children}
    assert results == {b"12\n"} and runs(tmp_path) == 1
    assert leftovers(cache) == []


def test_lock_of_a_killed_process(copying, cache, tmp_path):
    """A lock file that nobody holds doesn't block."""
    ssd_mlir.compile(MLIR)
    (entry,) = cache.glob("*.so")
    entry.unlink()
    entry.with_suffix(".lock").write_text("")
    stale = cache / ".ssd-compile-killed"
    stale.mkdir()
    os.utime(stale, (0, 0))
    ssd_mlir.compile(MLIR)
    assert runs(tmp_path) == 2 and leftovers(cache) == []


def test_fake_compiler_helper(tmp_path):
    path = write_compiler(tmp_path / "x", "print(source)")
    result = subprocess.run([path, "a", "-o", "b"], capture_output=True,
                            text=True)
    assert result.stdout == "a\n"
