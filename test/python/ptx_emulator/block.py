# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Clusters of blocks, warps and the order in which they run."""

from __future__ import annotations

import functools

import numpy as np

from . import instructions, matrices  # noqa: F401  matrices adds to the table
from .memory import EmulationError, GlobalMemory, SharedMemory, TensorMap
from .parse import Address, Immediate, Operand, Program, Register, Symbol
from .races import Observer, Shadow, Stage

LANES = np.arange(32)
_TENSOR_MAPS = 1 << 40  # where parameters that are tensor maps seem to lie
_SLICE = 50_000  # instructions of a warp before it is another's turn
_IDLE_ROUNDS = 3
_CLUSTER_BARRIER = "the cluster's barrier"
_BLOCK_BITS = 24  # above these, an address of shared memory is of the block of rank - 1


def run_kernel(program: Program, arguments: list, memory: GlobalMemory, blocks: int,
               shared_bytes: int = 0, races: bool = False) -> None:
    """Runs blocks in order, those of a cluster together. Arguments are integers or
    TensorMaps. Races are errors unless they are allowed."""
    if len(arguments) != len(program.parameters):
        raise EmulationError(f"{program.name} takes {len(program.parameters)} arguments, "
                             f"not {len(arguments)}")
    if blocks % program.cluster:
        raise EmulationError(f"{blocks} blocks are no clusters of {program.cluster}")
    resolved = [instructions.resolve(i.name) for i in program.instructions]
    with np.errstate(all="ignore"):
        for first in range(0, blocks, program.cluster):
            cluster = Cluster(program, races)
            for block in range(first, first + program.cluster):
                cluster.add(Block(cluster, resolved, arguments, memory, (block, blocks),
                                  shared_bytes))
            cluster.run()


@functools.lru_cache(maxsize=None)
def _constant(value: int, dtype) -> np.ndarray:
    mask = (1 << 64 if dtype == np.uint64 else 1 << 32) - 1
    return np.full(32, value & mask, dtype)


class Cluster:
    """Blocks that run at the same time and reach each other's shared memory."""

    def __init__(self, program, races=False):
        self.program = program
        self.blocks: list = []
        self.stage = Stage(program.cluster * program.warps, races)

    def add(self, block: Block) -> None:
        self.blocks.append(block)

    def run(self) -> None:
        idle = 0
        while not all(block.ended() for block in self.blocks):
            before = sum(block.events for block in self.blocks)
            for block in self.blocks:
                for warp in block.warps:
                    warp.run()
            idle = idle + 1 if sum(block.events for block in self.blocks) == before else 0
            if idle == _IDLE_ROUNDS:
                raise EmulationError(f"deadlock in {self.program.name}: {self.waiting()}")

    def waiting(self) -> str:
        """Where each warp that has not ended stands."""
        found = []
        for block in self.blocks:
            where = f" of block {block.index}" if len(self.blocks) > 1 else ""
            for number, warp in enumerate(block.warps):
                if warp.done.all():
                    continue
                names = {self.program.instructions[pc].name for pc in warp.pc[~warp.done]}
                what = warp.barrier or warp.waits_at or ", ".join(sorted(names))
                found.append(f"warp {number}{where} at {what}")
        return "; ".join(found)

    def arrive(self, warp: Warp) -> None:
        """At the cluster's barrier."""
        if warp.arrived is not None:
            raise EmulationError("a warp arrives twice at the cluster's barrier without a wait")
        warp.arrived = "here"
        warp.met = warp.observer.release()
        self.meet()

    def wait(self, warp: Warp) -> None:
        """At the cluster's barrier."""
        if warp.arrived is None:
            raise EmulationError("a warp waits at the cluster's barrier without an arrival")
        if warp.arrived == "met":
            warp.arrived = None
            warp.observer.acquire(warp.met)
        else:
            warp.barrier = _CLUSTER_BARRIER

    def meet(self) -> None:
        """Ends a phase of the cluster's barrier if all that have not ended have arrived."""
        warps = [warp for block in self.blocks for warp in block.warps if not warp.done.all()]
        if not warps or not all(warp.arrived == "here" for warp in warps):
            return
        together = np.maximum.reduce([warp.met for warp in warps])
        for warp in warps:
            if warp.barrier == _CLUSTER_BARRIER:
                warp.arrived = warp.barrier = None
                warp.observer.acquire(together)
            else:
                warp.arrived, warp.met = "met", together

    def block(self, rank: int) -> Block:
        """A block whose shared memory another one reaches."""
        if rank >= len(self.blocks):
            raise EmulationError(f"a cluster of {len(self.blocks)} blocks has none of rank {rank}")
        if self.blocks[rank].ended():
            raise EmulationError(f"the block of rank {rank} has ended, with its shared memory")
        return self.blocks[rank]

    def address(self, address: int, rank: int) -> int:
        """mapa: the address in shared::cluster of what a block has at one of shared::cta."""
        self.block(rank)
        return address & (1 << _BLOCK_BITS) - 1 | rank + 1 << _BLOCK_BITS


class Block:
    """A block's shared memory, named barriers and warps."""

    def __init__(self, cluster, resolved, arguments, memory, place, shared_bytes):
        self.cluster, self.program = cluster, cluster.program
        self.resolved, self.memory = resolved, memory
        self.arguments = dict(zip(self.program.parameters, arguments))
        self.index, self.count = place
        self.rank = self.index % self.program.cluster
        self.shared = SharedMemory(shared_bytes)
        self.shadow = Shadow(cluster.stage, shared_bytes)
        self.named_barriers: dict = {}
        self.warps = [Warp(self, first) for first in range(0, self.program.threads, 32)]
        self.events = 0  # what another warp could have waited for

    def ended(self) -> bool:
        return all(warp.done.all() for warp in self.warps)

    def place(self, address: int) -> tuple:
        """The block that has an address in shared::cluster, and where. An address in
        shared::cta is one of the block's own."""
        rank, offset = divmod(address, 1 << _BLOCK_BITS)
        return self.cluster.block(rank - 1) if rank else self, offset

    def tensor_map(self, address: int) -> TensorMap:
        index = address - _TENSOR_MAPS
        found = list(self.arguments.values())
        if index % 128 or not 0 <= index // 128 < len(found) \
                or not isinstance(found[index // 128], TensorMap):
            raise EmulationError(f"there is no tensor map at {address}")
        return found[index // 128]

    def symbol(self, name: str) -> int:
        """The address of a parameter, or of the shared memory a launch asks for."""
        if name in self.arguments:
            return _TENSOR_MAPS + 128 * list(self.arguments).index(name)
        return 0


class Warp:
    """32 lanes with a program counter each. Registers are arrays over lanes: uint32 for
    16 and 32 bits, uint64, or bool."""

    def __init__(self, block: Block, first: int):
        self.block = block
        self.pc = np.zeros(32, np.int64)
        self.done = first + LANES >= block.program.threads
        self.active = ~self.done  # lanes that the current instruction runs for
        self.barrier = None  # the barrier that it waits at, in words
        self.arrived = None  # at the cluster's barrier: it is "here", or all have "met"
        self.met = None  # the stamp of its arrival there, or of all
        number = block.rank * block.program.warps + first // 32
        self.observer = Observer(block.cluster.stage, number, block.shadow)
        self.waits_at = ""  # the wait that has ended its turn
        # cp.async on their way: target, source, size, lanes, their groups' numbers, and
        # the number of the access
        self.copies: list = []
        self.copy_groups = np.zeros(32, np.int64)  # how many each lane has committed
        self.registers = {
            "%tid.x": (first + LANES).astype(np.uint32),
            "%laneid": LANES.astype(np.uint32),
            "%ntid.x": _constant(block.program.threads, np.uint32),
            "%ctaid.x": _constant(block.index, np.uint32),
            "%nctaid.x": _constant(block.count, np.uint32),
            "%cluster_ctarank": _constant(block.rank, np.uint32)}

    # -- operands --

    def read(self, operand: Operand, dtype=np.uint32):
        """An operand in all lanes."""
        kind = type(operand)
        if kind is Register:
            found = self.registers.get(operand.name)
            if found is None:
                raise EmulationError(f"{operand.name} is read, but was never written")
            if self.observer.loads:
                self.observer.use(operand.name)
            return found
        if kind is Immediate:
            return _constant(operand.value, dtype)
        if kind is Symbol:
            return _constant(self.block.symbol(operand.name), dtype)
        raise EmulationError(f"{operand} is no value")

    def floats(self, operand: Operand):
        return self.read(operand).view(np.float32)

    def addresses(self, operand: Address):
        return self.read(operand.base, np.uint64).astype(np.int64) + operand.offset

    def uniform(self, operand: Operand, dtype=np.uint32) -> int:
        """An operand that must be the same in all active lanes."""
        values = self.read(operand, dtype)[self.active]
        if (values != values[0]).any():
            raise EmulationError(f"{operand} differs between lanes")
        return int(values[0])

    def write(self, operand: Operand, value) -> None:
        """Sets a register in the active lanes."""
        if type(operand) is Symbol and operand.name == "_":
            return
        if type(operand) is not Register:
            raise EmulationError(f"{operand} is no register")
        if self.observer.loads:
            self.observer.loads.pop(operand.name, None)
        if not self.active.all():
            old = self.registers.get(operand.name)
            if old is None:
                old = np.full(32, np.iinfo(value.dtype).max if value.dtype != bool else False,
                              value.dtype)
            value = np.where(self.active, value, old)
        self.registers[operand.name] = value

    def write_floats(self, operand: Operand, value) -> None:
        self.write(operand, np.asarray(value, np.float32).view(np.uint32))

    # -- control --

    def run(self) -> None:
        """Runs until the warp waits for another, or for long enough. Lanes that have the
        smallest program counter go first, so that the others meet them where they join;
        at a .sync or .aligned instruction lanes wait for the rest of the warp, and those
        that wait for another warp let the rest go on."""
        waiting = np.zeros(32, bool)
        self.waits_at = ""
        failed_waits = 0
        for _ in range(_SLICE):
            ready = ~self.done & ~waiting
            if self.barrier is not None or not ready.any():
                return
            pc = int(self.pc[ready].min())
            lanes = ready & (self.pc == pc)
            instruction = self.block.program.instructions[pc]
            name = instruction.name
            if (".sync" in name or ".aligned" in name) and (lanes != ~self.done).any():
                waiting |= lanes
                continue
            self.active = lanes
            if instruction.predicate:
                taken = self.read(instruction.predicate)
                self.active = lanes & (~taken if instruction.negated else taken)
            self.pc[lanes] = pc + 1
            if self.active.any():
                handler, form = self.block.resolved[pc]
                if handler(self, instruction, form) is instructions.WAITS:
                    failed_waits += 1
                    if failed_waits == 3:
                        self.waits_at = instruction.name
                        waiting |= lanes
                        failed_waits = 0

    def need_all(self, instruction) -> None:
        """.aligned instructions run for whole warps."""
        if not self.active.all():
            raise EmulationError(f"{instruction.name} by a part of a warp")
