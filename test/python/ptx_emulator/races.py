# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Races in shared memory: two accesses of which one writes, and which nothing orders.

Who accesses memory are agents: each warp, and what works for it beside it: its cp.async,
its bulk copies in and out, and its warpgroup's wgmma. An agent's accesses have numbers that
never fall. What a warp has seen is, for each agent, the number up to which that one's
accesses are before all that the warp does now (vector clocks, Mattern 1989). A release takes
a stamp of that along, and an acquire adds it to what the other warp has seen. Which bytes
were written and read by whom, and as which number, is kept for each word.

The async proxy, through which bulk copies and wgmma access memory, has a sight of its own:
what threads wrote is in it after fence.proxy.async by one that has seen it.

A load of a warp lasts until an instruction reads what it has loaded: a release does not wait
for it, and copies that write there afterwards may be faster.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from .memory import EmulationError


class Kind(IntEnum):
    """Of agents."""
    THREADS = 0  # a warp's own
    COPIES = 1  # cp.async
    BOXES = 2  # bulk copies to shared memory
    STORES = 3  # bulk copies from it
    PRODUCTS = 4  # wgmma


_WORDS = ("", "cp.async of ", "bulk copies of ", "bulk stores of ", "wgmma of ")
_GENERIC, _ASYNC = 0, 1  # proxies
_WORD = 4
_WARPGROUP = 4


class Stage:
    """The agents of a cluster, and the numbers of their present accesses."""

    def __init__(self, warps: int, allowed: bool = False):
        self.warps = warps
        self.allowed = allowed  # races are no errors
        self.now = np.ones(len(Kind) * warps, np.int32)

    def agent(self, kind: Kind, warp: int) -> int:
        return kind * self.warps + (warp // _WARPGROUP * _WARPGROUP if kind is Kind.PRODUCTS
                                    else warp)

    def describe(self, agent: int) -> str:
        kind, warp = divmod(agent, self.warps)
        return f"{_WORDS[kind]}warp {warp}"

    def stamp(self) -> np.ndarray:
        """Nothing seen, by either proxy."""
        return np.zeros((2, len(self.now)), np.int32)


class Shadow:
    """Who accessed each word of a block's shared memory last."""

    def __init__(self, stage: Stage, size: int):
        words = -(-size // _WORD)
        self.stage = stage
        self.writer = np.zeros(words, np.int16)
        self.written = np.zeros(words, np.int32)
        self.read = np.zeros((words, len(stage.now)), np.int32)
        self.used = np.zeros((words, stage.warps), np.int32)  # what loads of warps loaded

    def reads(self, words, agent: int, number: int, seen, proxy: int) -> None:
        """`seen` is what the accessing warp has."""
        self.check_writer("read by", words, agent, seen[proxy])
        self.read[words, agent] = number

    def writes(self, words, agent: int, number: int, seen, proxy: int,
               waits_for_loads: bool) -> None:
        self.check_writer("written by", words, agent, seen[proxy])
        for reads in (self.read, self.used)[:1 if waits_for_loads else 2]:
            late = reads[words] > seen[_GENERIC, :reads.shape[1]]
            if late.any():
                self.check("written by", words, agent, late.any(1), late.argmax(1))
        self.writer[words], self.written[words] = agent, number

    def check_writer(self, how: str, words, agent: int, seen) -> None:
        writers = self.writer[words]
        self.check(how, words, agent, self.written[words] > seen[writers], writers)

    def check(self, how: str, words, agent: int, late, others) -> None:
        if late.any() and not self.stage.allowed:
            found = int(late.argmax())
            raise EmulationError(
                f"a race at {int(words[found]) * _WORD} of shared memory: {how} "
                f"{self.stage.describe(agent)}, which nothing orders after an access by "
                f"{self.stage.describe(int(others[found]))}")


def words_of(addresses, size: int):
    """The words that so many bytes at each address are in, maybe more than once."""
    first = np.asarray(addresses) >> 2
    return first if size <= _WORD else (first[:, None] + np.arange(size // _WORD)).reshape(-1)


class Observer:
    """What a warp has seen, and its accesses."""

    def __init__(self, stage: Stage, warp: int, shadow: Shadow):
        self.stage, self.shadow = stage, shadow
        self.agents = [stage.agent(kind, warp) for kind in Kind]
        self.seen = stage.stamp()
        self.loads: dict = {}  # by register: the words of a load that nothing has read yet
        self.groups = {Kind.STORES: 0, Kind.PRODUCTS: 0}  # that have been committed
        self.tick(Kind.THREADS)
        self.see(Kind.THREADS)

    def tick(self, kind: Kind) -> int:
        """What follows is later than what was."""
        self.stage.now[self.agents[kind]] += 1
        return int(self.stage.now[self.agents[kind]])

    def see(self, kind: Kind, number=None) -> None:
        """One of its agents' accesses up to a number, or all, are done."""
        agent = self.agents[kind]
        proxies = slice(None) if kind in (Kind.BOXES, Kind.STORES, Kind.PRODUCTS) else _GENERIC
        self.seen[proxies, agent] = np.maximum(
            self.seen[proxies, agent], self.stage.now[agent] if number is None else number)

    # -- order --

    def release(self) -> np.ndarray:
        """A stamp of all that was so far."""
        stamp = self.seen.copy()
        self.tick(Kind.THREADS)
        self.see(Kind.THREADS)
        return stamp

    def acquire(self, stamp) -> None:
        np.maximum(self.seen, stamp, out=self.seen)

    def fence_proxies(self) -> None:
        np.maximum(self.seen[_ASYNC], self.seen[_GENERIC], out=self.seen[_ASYNC])
        self.tick(Kind.THREADS)
        self.see(Kind.THREADS)

    def commit(self, kind: Kind) -> None:
        self.groups[kind] += 1

    def await_groups(self, kind: Kind, pending: int) -> None:
        self.see(kind, self.groups[kind] - pending)

    def completion(self, kind: Kind) -> np.ndarray:
        """The stamp that an agent leaves at a barrier when it is done."""
        stamp = self.stage.stamp()
        agent = self.agents[kind]
        stamp[:, agent] = self.stage.now[agent]
        if kind is Kind.COPIES:
            stamp[_ASYNC, agent] = 0
        return stamp

    # -- accesses --

    def load(self, addresses, size: int, targets) -> None:
        words = words_of(addresses, size)
        agent = self.agents[Kind.THREADS]
        self.shadow.reads(words, agent, int(self.stage.now[agent]), self.seen, _GENERIC)
        loaded = [words]
        for target in targets:
            self.loads[target.name] = loaded

    def use(self, register: str) -> None:
        """An instruction reads a register: the load that it comes from has ended."""
        loaded = self.loads.pop(register, [])
        while loaded:  # of the registers of one load, the first
            agent = self.agents[Kind.THREADS]
            self.shadow.used[loaded.pop(), agent] = self.stage.now[agent]

    def store(self, addresses, size: int) -> None:
        agent = self.agents[Kind.THREADS]
        self.shadow.writes(words_of(addresses, size), agent, int(self.stage.now[agent]),
                           self.seen, _GENERIC, waits_for_loads=True)

    def copy(self, addresses, size: int) -> int:
        """cp.async; returns its number."""
        number = self.tick(Kind.COPIES)
        self.shadow.writes(words_of(addresses, size), self.agents[Kind.COPIES], number,
                           self.seen, _GENERIC, waits_for_loads=False)
        return number

    def copy_box(self, shadow: Shadow, addresses) -> np.ndarray:
        """A bulk copy to a block's shared memory; returns its completion's stamp."""
        number = self.tick(Kind.BOXES)
        shadow.writes(words_of(addresses, 2), self.agents[Kind.BOXES], number, self.seen,
                      _ASYNC, waits_for_loads=False)
        return self.completion(Kind.BOXES)

    def store_box(self, addresses) -> None:
        self._read_through_async(addresses, Kind.STORES)

    def multiply(self, addresses) -> None:
        self._read_through_async(addresses, Kind.PRODUCTS)

    def _read_through_async(self, addresses, kind: Kind) -> None:
        self.shadow.reads(words_of(addresses, 2), self.agents[kind], self.groups[kind] + 1,
                          self.seen, _ASYNC)

