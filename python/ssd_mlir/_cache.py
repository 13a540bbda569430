# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled programs on disk: one file a program, named by the hash of all that
it depends on. Those that come with the package are found first and never touched;
the user's are safe under concurrent processes and bounded in size."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple, Optional

from ._errors import InputOutputError

try:
    import fcntl
except ImportError:  # no file locks there: at worst two compile the same
    fcntl = None  # type: ignore[assignment]

# What was compiled when the package was made (see tools/make_bundle.sh).
SHIPPED = Path(__file__).resolve().parent / "operators"

_DEFAULT_LIMIT = 1 << 30
_SUFFIX = ".so"
# Folders of compilations that were killed go after a day.
_STALE_SECONDS = 24 * 3600
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class CacheInfo(NamedTuple):
    """The state of the disk cache."""

    directory: str
    entries: int
    bytes: int
    max_bytes: int


def cache_directory() -> Path:
    """$SSD_MLIR_CACHE, or ssd-mlir in the user's cache folder."""
    chosen = os.environ.get("SSD_MLIR_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "ssd-mlir"


def size_limit() -> int:
    """$SSD_MLIR_CACHE_SIZE in bytes, with an optional suffix k, m, g or t."""
    text = os.environ.get("SSD_MLIR_CACHE_SIZE", "").strip().lower()
    text = text[:-1] if text.endswith("b") else text
    unit = text[-1:] if text[-1:] in _UNITS else ""
    try:
        return max(0, int(float(text[:len(text) - len(unit)]) * _UNITS[unit]))
    except (ValueError, OverflowError):
        return _DEFAULT_LIMIT


def key_of(**facts: Any) -> str:
    """A name for what these facts determine."""
    text = json.dumps(facts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


def fetch(key: str, produce: Callable[[Path], None],
          directory: Optional[Path] = None) -> Path:
    """The file of `key`: the package's, else the cache's, where `produce(path)`
    makes it if it isn't there. Of several processes that want it, one makes it
    and the others wait.

    directory: look and make there alone, and remove nothing.
    """
    if directory is None:
        shipped = SHIPPED / (key + _SUFFIX)
        if shipped not in _unusable and shipped.is_file():
            return shipped
    folder = directory or _make_directory()
    path = folder / (key + _SUFFIX)
    if _touch(path):
        return path
    with _lock(folder / (key + ".lock")):
        if not _touch(path):
            produce(path)
            if directory is None:
                _evict(folder, keep=path)
    return path


def is_shipped(path: Path) -> bool:
    """Whether the file is the package's."""
    return path.parent == SHIPPED


# The package's files that could not be loaded; they are not this module's to
# remove.
_unusable: set[Path] = set()


def discard(path: Path) -> None:
    """Lets a file that could not be loaded be made again."""
    if is_shipped(path):
        _unusable.add(path)
        return
    with contextlib.suppress(OSError):
        path.unlink()


def _make_directory() -> Path:
    directory = cache_directory()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return directory
    except OSError as error:
        if os.environ.get("SSD_MLIR_CACHE"):
            raise InputOutputError(f"cannot use the cache '{directory}' "
                                   f"($SSD_MLIR_CACHE): {error.strerror}"
                                   ) from None
    # No home to write to, as in many containers: a private folder, whose owner
    # is checked because others can write to its parent.
    directory = Path(tempfile.gettempdir()) / f"ssd-mlir-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise InputOutputError(f"cannot use '{directory}' as a cache, it is "
                               "somebody else's; set SSD_MLIR_CACHE")
    return directory


def _touch(path: Path) -> bool:
    """Whether the file is there; marks it as just used."""
    try:
        os.utime(path)
        return True
    except FileNotFoundError:
        return False
    except OSError:  # a read-only cache serves as well
        return path.is_file()


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    if fcntl is None:
        yield
        return
    try:
        descriptor = _acquire(path)
    except OSError as error:
        raise InputOutputError(f"cannot write to '{path.parent}': "
                               f"{error.strerror}") from None
    try:
        yield
    finally:
        # Removed while it is still held; see _acquire.
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(descriptor)


def _acquire(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # The holder before us may have removed the file we locked.
            if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _files(directory: Path) -> list[tuple[float, int, Path]]:
    """(last use, bytes, path) of each program, the oldest first."""
    found = []
    with contextlib.suppress(OSError):
        for path in directory.glob("*" + _SUFFIX):
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
    return sorted(found)


def _evict(directory: Path, keep: Path) -> None:
    files = _files(directory)
    total = sum(size for _, size, _ in files)
    limit = size_limit()
    for _, size, path in files:
        if total <= limit:
            break
        if path == keep:
            continue
        # A process that has it loaded keeps its mapping.
        with contextlib.suppress(OSError):
            path.unlink()
            total -= size
    for folder in directory.glob(".ssd-compile-*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def disk_info() -> CacheInfo:
    """What the cache holds."""
    directory = cache_directory()
    files = _files(directory)
    return CacheInfo(str(directory), len(files), sum(s for _, s, _ in files),
                     size_limit())


def clear_disk() -> None:
    """Removes all programs from the cache."""
    for _, _, path in _files(cache_directory()):
        with contextlib.suppress(OSError):
            path.unlink()
