# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exceptions. Every one is an `ssd_mlir.Error` and also the built-in class that
a caller would expect, so that both can be caught."""

from __future__ import annotations


class Error(Exception):
    """Base class of all errors of this package."""


class ArgumentError(Error, ValueError):
    """A shape, element type, stride, range or option that isn't accepted."""


class GradientError(Error, NotImplementedError):
    """An operand requires a gradient, but there is no backward."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} requires a gradient, but the operators have no backward: "
            "pass it with .detach() or under torch.no_grad()")
        self.name = name

    def __reduce__(self):
        return (type(self), (self.name,))


class NotFoundError(Error, LookupError):
    """No such entry, parameter or file."""


class FileMissingError(NotFoundError, FileNotFoundError):
    """A file or directory that doesn't exist."""

    def __str__(self) -> str:  # OSError would format (errno, text)
        return str(self.args[0]) if self.args else ""


class MemoryExhaustedError(Error, MemoryError):
    """Memory for weights, a state or a workspace cannot be allocated."""


class InputOutputError(Error, OSError):
    """The operating system refused to read or write a file."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class ArtifactError(Error, RuntimeError):
    """A file that contradicts itself, or that this machine cannot run."""


class DeviceError(Error, RuntimeError):
    """No driver or no kernel for this device, or an error of the driver."""


class InternalError(Error, RuntimeError):
    """A bug in this package."""


class CompileError(Error, RuntimeError):
    """ssd-compile failed.

    Attributes: `stderr`, what the compiler said; `returncode`, its exit status
    (negative: killed by that signal); `command`, what was run.
    """

    def __init__(self, message: str, stderr: str = "", returncode: int = 1,
                 command: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.stderr = stderr
        self.returncode = returncode
        self.command = command

    def __reduce__(self):
        return (type(self), (self.args[0], self.stderr, self.returncode,
                             self.command))


class CompilerNotFoundError(CompileError, FileNotFoundError):
    """There is no ssd-compile where one is looked for."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


# The values of ssd_status in runtime/include/ssd_runtime.h.
_CLASSES = {
    -1: ArgumentError,
    -2: NotFoundError,
    -3: MemoryExhaustedError,
    -4: InputOutputError,
    -5: ArtifactError,
    -6: ArtifactError,
    -7: ArtifactError,
    -8: DeviceError,
    -9: DeviceError,
    -10: InternalError,
}


def from_status(status: int, message: str) -> Error:
    """The exception for a status of the runtime."""
    return _CLASSES.get(status, InternalError)(message)
