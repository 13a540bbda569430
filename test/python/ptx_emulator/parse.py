# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""PTX text to instructions (PTX ISA, "Syntax" and "State Spaces, Types, and Variables")."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional, Union

from .memory import EmulationError


class Register(NamedTuple):
    """A register, by a name that is unique in the kernel."""
    name: str


class Immediate(NamedTuple):
    """A constant's bits."""
    value: int


class Symbol(NamedTuple):
    """A label, a parameter, a variable or the sink `_`."""
    name: str


class Vector(NamedTuple):
    """{a, b, ...}"""
    items: tuple


class Address(NamedTuple):
    """[base + offset], or a box of a tensor: [base, {coordinates}]."""
    base: Operand
    offset: int
    coordinates: Optional[Vector]


Operand = Union[Register, Immediate, Symbol, Vector, Address]


class Instruction(NamedTuple):
    """One instruction; it runs where `predicate` differs from `negated`."""
    name: str
    operands: tuple
    predicate: Optional[Register]
    negated: bool
    scope: tuple


class Program(NamedTuple):
    """A kernel, of clusters of so many blocks. Labels belong to a scope; `tables` are
    .branchtargets."""
    name: str
    parameters: list
    threads: int
    cluster: int
    instructions: list
    labels: dict
    tables: dict

    @property
    def warps(self) -> int:
        """Of a block."""
        return -(-self.threads // 32)

    def target(self, label: str, scope: tuple) -> int:
        """The index of the instruction that a label names, from within a scope."""
        for inner in reversed(scope):
            if (label, inner) in self.labels:
                return self.labels[label, inner]
        raise EmulationError(f"there is no label '{label}'")


_ENTRY = re.compile(r"\.entry (\w+)\s*\((.*?)\)(.*?)\{", re.DOTALL)
_THREADS = re.compile(r"\.reqntid\s+(\d+)")
_CLUSTER = re.compile(r"\.reqnctapercluster\s+(\d+)")
_TABLE = re.compile(r"\s*([$\w]+)\s*:\s*\.branchtargets([^;]*);")
_LABEL = re.compile(r"\s*([$\w]+)\s*:(?!:)")
_STATEMENT = re.compile(r"\s*([^;{}]*(?:\{[^{}]*\}[^;{}]*)*);")
_INSTRUCTION = re.compile(r"(?:@(!?)([%\w]+)\s+)?([a-z][\w.:]*)\s*(.*)$", re.DOTALL)
_NUMBER = re.compile(r"-?(0x[0-9a-fA-F]+|\d+)U?$")


def split_kernels(text: str) -> dict:
    """The modules in a compiler's output, by the name of their kernel."""
    modules = re.split(r"(?m)^(?=\.version)", text)[1:]
    return {_ENTRY.search(module)[1]: module for module in modules}


def parse(text: str) -> Program:
    """The first kernel in a module."""
    entry = _ENTRY.search(text)
    if entry is None:
        raise EmulationError("there is no .entry")
    threads, cluster = _THREADS.search(entry[3]), _CLUSTER.search(entry[3])
    parameters = re.findall(r"(\w+)(?:\[\d+\])?\s*(?:,|$)", entry[2].strip())
    body = re.sub(r"//.*", "", text[entry.end():])
    parser = _Parser(body)
    parser.run()
    return Program(entry[1], parameters, int(threads[1]) if threads else 32,
                   int(cluster[1]) if cluster else 1, parser.instructions, parser.labels,
                   parser.tables)


class _Parser:
    """Walks a kernel's body. Inline assembly opens scopes of its own, with registers and
    labels that hide others."""

    def __init__(self, body: str):
        self.body = body
        self.scope = [0]
        self.scopes = 0
        self.declared: set = set()
        self.instructions: list = []
        self.labels: dict = {}
        self.tables: dict = {}

    def run(self) -> None:
        at = 0
        while at < len(self.body):
            rest = self.body[at:at + 1].strip()
            if not rest:
                at += 1
            elif rest == "{":
                self.scopes += 1
                self.scope.append(self.scopes)
                at += 1
            elif rest == "}":
                self.scope.pop()
                at += 1
                if not self.scope:
                    return
            else:
                at = self.statement(at)
        raise EmulationError("the kernel's body does not end")

    def statement(self, at: int) -> int:
        """Takes a table, a label or what ends with a semicolon; returns its end."""
        if table := _TABLE.match(self.body, at):
            self.tables[table[1]] = [name.strip() for name in table[2].split(",")]
            return table.end()
        if label := _LABEL.match(self.body, at):
            self.labels[label[1], self.scope[-1]] = len(self.instructions)
            return label.end()
        statement = _STATEMENT.match(self.body, at)
        if statement is None:
            raise EmulationError(f"not PTX: {self.body[at:at + 60]!r}")
        self.take(statement[1].strip())
        return statement.end()

    def take(self, text: str) -> None:
        if text.startswith(".reg"):
            for name in text.split(None, 2)[2].split(","):
                self.declare(name.strip())
            return
        if not text or text.startswith((".loc", ".pragma")):
            return
        match = _INSTRUCTION.match(text)
        if match is None:
            raise EmulationError(f"not an instruction: {text!r}")
        predicate = self.operand(match[2]) if match[2] else None
        operands = tuple(self.operand(part) for part in _split(match[4]))
        self.instructions.append(Instruction(match[3], operands, predicate,
                                             match[1] == "!", tuple(self.scope)))

    def declare(self, name: str) -> None:
        """A register, or name<count> for name0, name1 and so on. LLVM's begin with %,
        belong to the kernel and are known by that."""
        stem, _, count = name.rstrip(">").partition("<")
        if not name.startswith("%"):
            names = [f"{stem}{index}" for index in range(int(count))] if count else [name]
            self.declared.update((each, self.scope[-1]) for each in names)

    def operand(self, text: str) -> Operand:
        if text[0] == "{":
            return Vector(tuple(self.operand(part) for part in _split(text[1:-1])))
        if text[0] == "[":
            return self.address(text[1:-1])
        if text[0] == "%":
            return Register(text)
        if text.startswith("0f"):
            return Immediate(int(text[2:], 16))
        if _NUMBER.match(text):
            return Immediate(int(text.rstrip("U"), 0))
        for scope in reversed(self.scope):
            if (text, scope) in self.declared:
                return Register(f"{text}#{scope}")
        return Symbol(text)

    def address(self, text: str) -> Address:
        base, *coordinates = _split(text)
        name, offset = re.fullmatch(r"([%$\w]+)\s*(?:\+?\s*(-?\d+))?", base).groups()
        return Address(self.operand(name), int(offset or 0),
                       self.operand(coordinates[0]) if coordinates else None)


def _split(text: str) -> list:
    """Operands between the commas that are in no brackets."""
    parts = re.findall(r"(?:\[[^\]]*\]|\{[^}]*\}|[^,\[{])+", text)
    return [part.strip() for part in parts if part.strip()]
